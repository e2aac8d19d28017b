"""Metrics of a Prometheus server, or of one that answers as it does (Thanos, Mimir, VictoriaMetrics)."""

from autoscaler.sources.prometheus.past import read_minutes
from autoscaler.sources.prometheus.source import Prometheus

__all__ = ["Prometheus", "read_minutes"]
