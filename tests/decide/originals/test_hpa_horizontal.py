"""The cases of HPA's controller: one reconciliation from pods and metrics to a count.

Source: kubernetes `pkg/controller/podautoscaler/horizontal_test.go`, as of events counted both ways (1.27 on).

An id is the original's name without `Test`. Hot pods are starting ones for CPU, ready ones for other metrics; a metric of
an unknown kind is one that is missing. Without a counterpart: *Container*, kinds of target (Deployment, ReplicaSet),
conditions, selectors and errors of the API (Condition*, FailedGet*, EmptyCPURequest), ScaleUpFromZeroOneMetricInvalid (pods
where there are 0), ScaleDownOneMetric{Invalid,Empty} (older; NoScaleDown... says the opposite), MultipleHPAs.
Scaling rules with events and recommendations are in test_hpa_behavior.py and test_hpa_normalize.py.
"""

from pathlib import Path

import pytest

from tests.decide.originals.replays import Case, average, cpu, pods, value

FIVE = cpu("50%", 0.1, 0.3, 0.5, 0.25, 0.25)
UP_700 = {"scale_up": {"stabilization_window": "0s", "policies": [{"percent": 700, "period": "60s"}]}}
UP_100 = {"scale_up": {"stabilization_window": "30s", "policies": [{"percent": 100, "period": "15s"}]}}
EVEN = (0.5,) * 10

CASES = {
    "ScaleUp": Case(3, [cpu("30%", 0.3, 0.5, 0.7)], 5, 2, 6),
    "ScaleUpUnreadyLessScale": Case(3, [cpu("30%", 0.5, 0.7)], 4, 2, 6, unready=1),
    "ScaleUpHotCpuLessScale": Case(3, [cpu("30%", 0.5, 0.7)], 4, 2, 6, unready=1),
    "ScaleUpUnreadyNoScale": Case(3, [cpu("30%", 0.4)], 3, 2, 6, unready=2),
    "ScaleUpHotCpuNoScale": Case(3, [cpu("30%", 0.4)], 3, 2, 6, unready=2),
    "ScaleUpIgnoresFailedPods": Case(2, [cpu("30%", 0.5, 0.7)], 4, 2, 6),
    "ScaleUpIgnoresDeletionPods": Case(2, [cpu("30%", 0.5, 0.7)], 4, 2, 6),
    "ScaleUpCM": Case(3, [pods(15, 20, 10, 30)], 4, 2, 6),
    "ScaleUpHotCpuNoScaleWouldScaleDown": Case(3, [pods(15, 50, 15, 30)], 6, 2, 6),
    "ScaleUpCMObject": Case(3, [value(15, 20)], 4, 2, 6),
    "ScaleUpFromZeroCMObject": Case(0, [value(15, 20)], 2, 0, 6),
    "ScaleUpFromZeroIgnoresToleranceCMObject": Case(0, [value(1, 1)], 1, 0, 6),
    "ScaleUpPerPodCMObject": Case(3, [average(10, 40)], 4, 2, 6),
    "ScaleUpCMExternal": Case(3, [value(6.666, 8.6)], 4, 2, 6),
    "ScaleUpPerPodCMExternal": Case(3, [average(2.222, 8.6)], 4, 2, 6),
    "ScaleDown": Case(5, [FIVE], 3, 2, 6, settled=True),
    "ScaleDownWithScalingRules": Case(5, [FIVE], 3, 2, 6, behavior=UP_100, settled=True),
    "ScaleUpOneMetricInvalid": Case(3, [cpu("30%", 0.3, 0.4, 0.5), value(1, None)], 4, 2, 6),
    "ScaleUpOneMetricEmpty": Case(3, [cpu("30%", 0.3, 0.4, 0.5), value(0.1, None)], 4, 2, 6),
    "ScaleUpBothMetricsEmpty": Case(3, [value(1, None)], 3, 2, 6),
    "ScaleDownStabilizeInitialSize": Case(5, [FIVE], 5, 2, 6),
    "ScaleDownCM": Case(5, [pods(20, 12, 12, 12, 12, 12)], 3, 2, 6, settled=True),
    "ScaleDownCMObject": Case(5, [value(20, 12)], 3, 2, 6, settled=True),
    "ScaleDownToZeroCMObject": Case(5, [value(20, 0)], 0, 0, 6, settled=True),
    "ScaleDownPerPodCMObject": Case(5, [average(20, 60)], 3, 2, 6, settled=True),
    "ScaleDownCMExternal": Case(5, [value(14.4, 8.6)], 3, 2, 6, settled=True),
    "ScaleDownToZeroCMExternal": Case(5, [value(14.4, 0)], 0, 0, 6, settled=True),
    "ScaleDownPerPodCMExternal": Case(5, [average(3, 8.6)], 3, 2, 6, settled=True),
    "ScaleDownIncludeUnreadyPods": Case(5, [cpu("50%", 0.1, 0.3, 0.5)], 2, 2, 6, unready=2, settled=True),
    "ScaleDownIgnoreHotCpuPods": Case(5, [cpu("50%", 0.1, 0.3, 0.5)], 2, 2, 6, unready=2, settled=True),
    "ScaleDownIgnoresFailedPods": Case(5, [FIVE], 3, 2, 6, settled=True),
    "ScaleDownIgnoresDeletionPods": Case(5, [FIVE], 3, 2, 6, settled=True),
    "NoScaleDownOneMetricInvalid": Case(5, [FIVE, value(1, None)], 5, 2, 6, settled=True),
    "NoScaleDownOneMetricEmpty": Case(5, [FIVE, value(1, None)], 5, 2, 6, settled=True),
    "Tolerance": Case(3, [cpu("100%", 1.01, 1.03, 1.02)], 3, 1, 5),
    "ToleranceCM": Case(3, [pods(20, 20, 20.001, 21)], 3, 1, 5),
    "ToleranceCMObject": Case(3, [value(20, 20.05)], 3, 1, 5),
    "ToleranceCMExternal": Case(4, [value(8.666, 8.6)], 4, 2, 6),
    "TolerancePerPodCMObject": Case(4, [average(2.2, 8.6)], 4, 2, 6),
    "TolerancePerPodCMExternal": Case(4, [average(2.2, 8.6)], 4, 2, 6),
    "MinReplicas": Case(3, [cpu("90%", 0.01, 0.095, 0.01)], 2, 2, 5, settled=True),
    "MinReplicasDesiredZero": Case(3, [cpu("90%", 0, 0, 0)], 2, 2, 5, settled=True),
    "TooFewReplicas": Case(2, [cpu("90%")], 3, 3, 5),
    "TooManyReplicas": Case(10, [cpu("90%")], 5, 3, 5),
    "MaxReplicas": Case(3, [cpu("90%", 8, 9.5, 1)], 5, 2, 5),
    "SuperfluousMetrics": Case(4, [cpu("100%", 4, 9.5, 3, 7)], 6, 2, 6),
    "MissingMetrics": Case(4, [cpu("100%", 0.4, 0.095, None, None)], 3, 2, 6, settled=True),
    "EmptyMetrics": Case(4, [cpu("100%", None, None, None, None)], 4, 2, 6),
    "EventCreated": Case(1, [cpu("50%", 1.0)], 2, 1, 5),
    "EventNotCreated": Case(2, [cpu("50%", 0.5, 0.5)], 2, 1, 5),
    "MissingReports": Case(4, [cpu("50%", 1.0)], 2, 1, 5, settled=True),
    "UpscaleCap": Case(3, [cpu("10%", 1, 2, 3)], 24, 1, 100, behavior=UP_700),
    "UpscaleCapGreaterThanMaxReplicas": Case(3, [cpu("10%", 1, 2, 3)], 20, 1, 20, behavior=UP_700),
    "MoreReplicasThanSpecNoScale": Case(4, [cpu("50%", 0.5, 0.5, 0.5, 0.5, 0.5)], 4, 1, 8),
    "NoBackoffUpscaleCM": Case(3, [pods(15, 20, 10, 30)], 4, 1, 5),
    "NoBackoffUpscaleCMNoBackoffCpu": Case(3, [cpu("10%", 20, 10, 30), pods(15, 20, 10, 30)], 5, 1, 5),
    "ComputedToleranceAlgImplementation, beyond": Case(10, [cpu("56%", *EVEN)], 9, 0, 1000, settled=True),
    "ComputedToleranceAlgImplementation, within": Case(10, [cpu("55%", *EVEN)], 10, 0, 1000, settled=True),
    "ScaleUpRCImmediately": Case(1, [cpu("80%", 0, 0, 0, 0)], 2, 2, 6),
    "ScaleDownRCImmediately": Case(6, [cpu("50%", 8, 9.5, 1)], 5, 2, 5),
    "AvoidUnnecessaryUpdates": Case(2, [cpu("80%", 0.4)], 2, 2, 6, unready=2, settled=True),
}

# Starting replicas say nothing and count as 0 above a ratio of 1, for all metrics. Without a total nobody knows that a
# service is idle, so it keeps 1. 0 replicas where min is more are raised: the HPA turns itself off. The HPA's count first.
DEPARTURES = {
    "ScaleUpCMUnreadyAndHotCpuNoLessScale": (6, Case(3, [pods(15, 50, 10)], 4, 2, 6, unready=1)),
    "ScaleUpCMUnreadyandCpuHot": (6, Case(3, [pods(15, 15)], 3, 2, 6, unready=2)),
    "ZeroMinReplicasDesiredZero": (0, Case(3, [cpu("90%", 0, 0, 0)], 1, 0, 5, settled=True)),
    "ZeroReplicas": (0, Case(0, [cpu("90%")], 3, 3, 5)),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_the_controllers_count(tmp_path: Path, case: Case) -> None:
    assert case.counts(tmp_path)[-1] == case.expected


@pytest.mark.parametrize(("hpa", "case"), [pytest.param(*each, id=name) for name, each in DEPARTURES.items()])
def test_where_the_count_is_another(tmp_path: Path, hpa: int, case: Case) -> None:
    assert case.counts(tmp_path)[-1] == case.expected
    assert case.expected != hpa
