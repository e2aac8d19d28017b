"""The cases of HPA's replica calculator: what one metric asks for, no window and no rate on the way.

Source: kubernetes `pkg/controller/podautoscaler/replica_calculator_test.go`, with names from before it made tables of some.

An id is the original's name without `TestReplicaCalc`. CPU is usage over the mean request, for all replicas here are alike;
pods that failed, are deleted or belong to nobody are not in a tick; hot and unscheduled pods are starting ones. Without a
counterpart: DisjointResourcesMetrics (pods' names), EmptyCPURequest (there is always a share of one core), all of
ContainerResource (one container a replica), TestGroupPods, TestCalculateRequests (how pods are sorted and requests added).
"""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.decide.originals.replays import NO_LIMITS, Case, average, cpu, pods, value

FROM_2 = {"up": "200%", "down": "10%"}
UP_8 = {"up": "8%", "down": "99%"}  # the original's 200% down is no more than "never down"
DOWN_36 = {"up": "10%", "down": "36%"}
DOWN_34 = {"up": "10%", "down": "34%"}
UP_1 = {"up": "1%", "down": "10%"}
EVEN = (0.5,) * 10

CASES = {
    "ScaleUp": Case(3, [cpu("30%", 0.3, 0.5, 0.7)], 5),
    "ScaleUpUnreadyLessScale": Case(3, [cpu("30%", 0.5, 0.7)], 4, unready=1),
    "ScaleUpHotCpuLessScale": Case(3, [cpu("30%", 0.5, 0.7)], 4, unready=1),
    "ScaleUpUnreadyNoScale": Case(3, [cpu("30%", 0.4)], 3, unready=2),
    "ScaleHotCpuNoScale": Case(3, [cpu("30%", 0.4)], 3, unready=2),
    "ScaleUpIgnoresFailedPods": Case(2, [cpu("30%", 0.5, 0.7)], 4),
    "ScaleUpIgnoresDeletionPods": Case(2, [cpu("30%", 0.5, 0.7)], 4),
    "ScaleUpCM": Case(3, [pods(15, 20, 10, 30)], 4),
    "ScaleUpCMObject": Case(3, [value(15, 20)], 4),
    "ScaleUpCMPerPodObject": Case(3, [average(5, 20)], 4),
    "ScaleUpCMObjectIgnoresUnreadyPods": Case(3, [value(10, 50)], 5, unready=2),
    "ScaleUpCMExternal": Case(1, [pods(4.4, 8.6)], 2),
    "ScaleUpCMExternalIgnoresUnreadyPods": Case(3, [value(4.4, 8.6)], 2, unready=2),
    "ScaleUpCMExternalNoLabels": Case(1, [pods(4.4, 8.6)], 2),
    "ScaleUpPerPodCMExternal": Case(3, [average(2.15, 8.6)], 4),
    "ScaleDown": Case(5, [cpu("50%", 0.1, 0.3, 0.5, 0.25, 0.25)], 3),
    "ScaleDownCM": Case(5, [pods(20, 12, 12, 12, 12, 12)], 3),
    "ScaleDownPerPodCMObject": Case(5, [average(2, 6)], 3),
    "ScaleDownCMObject": Case(5, [value(20, 12)], 3),
    "ScaleDownCMExternal": Case(5, [value(14.334, 8.6)], 3),
    "ScaleDownPerPodCMExternal": Case(5, [average(2.867, 8.6)], 3),
    "ScaleDownIncludeUnreadyPods": Case(5, [cpu("50%", 0.1, 0.3, 0.5)], 2, unready=2),
    "ScaleDownExcludeUnscheduledPods": Case(5, [cpu("50%", 0.1)], 1, unready=4),
    "ScaleDownIgnoreHotCpuPods": Case(5, [cpu("50%", 0.1, 0.3, 0.5)], 2, unready=2),
    "ScaleDownIgnoresFailedPods": Case(5, [cpu("50%", 0.1, 0.3, 0.5, 0.25, 0.25)], 3),
    "ScaleDownIgnoresDeletionPods": Case(5, [cpu("50%", 0.1, 0.3, 0.5, 0.25, 0.25)], 3),
    "Tolerance": Case(3, [cpu("100%", 1.01, 1.03, 1.02)], 3),
    "ToleranceCM": Case(3, [pods(20, 20, 21, 21)], 3),
    "ToleranceCMObject": Case(3, [value(20, 20.666)], 3),
    "TolerancePerPodCMObject": Case(4, [average(5, 20.166)], 4),
    "ToleranceCMExternal": Case(3, [value(8.888, 8.6)], 3),
    "TolerancePerPodCMExternal": Case(3, [average(2.9, 8.6)], 3),
    "ConfigurableTolerance/Outside of a 0% tolerance": Case(3, [cpu("100%", 0.909, 1.01, 1.111, tolerance=0)], 4),
    "ConfigurableTolerance/Within a 200% scale-up tolerance": Case(3, [cpu("100%", 1.89, 1.91, 1.9, tolerance=FROM_2)], 3),
    "ConfigurableTolerance/Outside 8% scale-up tolerance": Case(3, [cpu("100%", 1.1, 1.08, 1.09, tolerance=UP_8)], 4),
    "ConfigurableTolerance/Within a 36% scale-down tolerance": Case(
        3, [cpu("100%", 0.66, 0.64, 0.65, tolerance=DOWN_36)], 3
    ),
    "ConfigurableTolerance/Outside a 34% scale-down tolerance": Case(
        3, [cpu("100%", 0.66, 0.64, 0.65, tolerance=DOWN_34)], 2
    ),
    "ConfigurableToleranceCM": Case(3, [pods(20, 20, 21, 21, tolerance=UP_1)], 4),
    "ConfigurableToleranceCMObject": Case(3, [value(20, 20.666, tolerance=UP_1)], 4),
    "ConfigurableTolerancePerPodCMObject": Case(4, [average(5, 20.208, tolerance=UP_1)], 5),
    "ConfigurableToleranceCMExternal": Case(3, [value(8.8, 8.9, tolerance=UP_1)], 4),
    "ConfigurableTolerancePerPodCMExternal": Case(3, [average(2.8, 8.6, tolerance=UP_1)], 4),
    "SuperfluousMetrics": Case(4, [cpu("100%", 4, 9.5, 3, 7)], 24),  # those of pods that are not there left out
    "MissingMetrics": Case(4, [cpu("100%", 0.4, 0.095, None, None)], 3),
    "EmptyMetrics": Case(4, [cpu("100%", None, None, None, None)], 4),
    "PlainMetric MissingMetricsNoChangeEq": Case(5, [pods(20, 20, 19, 21, None, None)], 5),
    "MissingMetricsNoChangeEq": Case(2, [cpu("100%", 1.0, None)], 2),
    "MissingMetricsNoChangeGt": Case(2, [cpu("100%", 1.9, None)], 2),
    "MissingMetricsNoChangeLt": Case(2, [cpu("100%", 0.6, None)], 2),
    "MissingMetricsUnreadyChange": Case(3, [cpu("50%", 0.45, None)], 3, unready=1),
    "MissingMetricsHotCpuNoChange": Case(3, [cpu("50%", 0.45, None)], 3, unready=1),
    "MissingMetricsUnreadyScaleUp": Case(3, [cpu("50%", 2.0, None)], 4, unready=1),
    "MissingMetricsHotCpuScaleUp": Case(3, [cpu("50%", 2.0, None)], 4, unready=1),
    "MissingMetricsUnreadyScaleDown": Case(4, [cpu("50%", 0.1, 0.1, None)], 3, unready=1),
    "MissingMetricsScaleDownTargetOver100": Case(4, [cpu("300%", 0.1, 0.05, None)], 2, unready=1),
    "DuringRollingUpdateWithMaxSurge": Case(2, [cpu("50%", 0.1, 0.1, None)], 2),
    "DuringRollingUpdateWithMaxSurgeCM": Case(2, [pods(17, 10, 10, None)], 2),
    "ComputedToleranceAlgImplementation, beyond": Case(10, [cpu("56%", *EVEN)], 9),
    "ComputedToleranceAlgImplementation, within": Case(10, [cpu("55%", *EVEN)], 10),
}

# For the HPA only CPU knows unready pods: what one says of another metric counts. Here a starting replica says nothing, and
# counts as 0 where the ratio is above 1. The HPA's count comes first.
DEPARTURES = {
    "ScaleUpCMUnreadyHotCpuNoLessScale": (6, Case(3, [pods(15, 50, 10)], 4, unready=1)),
    "ScaleUpCMUnreadyHotCpuScaleWouldScaleDown": (7, Case(3, [pods(15, 15)], 3, unready=2)),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_the_calculators_count(tmp_path: Path, case: Case) -> None:
    assert unlimited(case).counts(tmp_path) == [case.expected]


@pytest.mark.parametrize(("hpa", "case"), [pytest.param(*each, id=name) for name, each in DEPARTURES.items()])
def test_where_the_count_is_another(tmp_path: Path, hpa: int, case: Case) -> None:
    assert unlimited(case).counts(tmp_path) == [case.expected]
    assert case.expected != hpa


def unlimited(case: Case) -> Case:
    return replace(case, behavior=NO_LIMITS)
