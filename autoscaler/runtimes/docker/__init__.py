"""The Docker runtime."""

from autoscaler.runtimes.docker.runtime import DockerReader, DockerRuntime

__all__ = ["DockerReader", "DockerRuntime"]
