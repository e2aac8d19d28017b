"""The autoscaler for web services in Docker."""

__version__ = "0.1.0"
