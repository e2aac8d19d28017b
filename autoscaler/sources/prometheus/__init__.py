"""Metrics of a Prometheus server, or of one that answers as it does (Thanos, Mimir, VictoriaMetrics)."""

from autoscaler.sources.prometheus.source import Prometheus

__all__ = ["Prometheus"]
