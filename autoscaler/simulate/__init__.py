"""What a policy does with a trace of traffic: a modelled service, driven by the same `decide()` as the real one.

Deterministic by seed. Two engines: exact.py, request by request, and aggregate.py, by number, where the rate is high.
"""

from autoscaler.simulate.measured import Measured, of_minutes
from autoscaler.simulate.model import Model
from autoscaler.simulate.plot import page
from autoscaler.simulate.result import Result
from autoscaler.simulate.run import simulate
from autoscaler.simulate.service_time import ServiceTime
from autoscaler.simulate.tally import Objective
from autoscaler.simulate.timeline import Timeline
from autoscaler.simulate.trace import Trace, TraceError
from autoscaler.simulate.trace_file import load_trace

__all__ = [
    "Measured",
    "Model",
    "Objective",
    "Result",
    "ServiceTime",
    "Timeline",
    "Trace",
    "TraceError",
    "load_trace",
    "of_minutes",
    "page",
    "simulate",
]
