"""Replicas as local processes, for where there is no engine: each with a session, a port and a log of its own."""

from autoscaler.runtimes.process.reader import ProcessReader
from autoscaler.runtimes.process.runtime import ProcessRuntime

__all__ = ["ProcessReader", "ProcessRuntime"]
