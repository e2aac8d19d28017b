"""Kubernetes' autoscaling manifests and our policy, each made of the other: HPA (autoscaling/v2) and KEDA's ScaledObject.

What has no counterpart is told with its place, never dropped in silence.
"""

from autoscaler.spec.kubernetes.convert import Converted, convert
from autoscaler.spec.kubernetes.export import Exported, export
from autoscaler.spec.kubernetes.workload import Given

__all__ = ["Converted", "Exported", "Given", "convert", "export"]
