"""An open-loop load generator for the demo, tests and benchmarks: it never waits for an answer before the next request.

A closed loop (wrk, hey) slows down with the service and so hides the wait; here a request's latency counts from the
moment it was due, whenever it could be sent. Sends to this machine alone.
"""

from autoscaler.load.arrivals import Rate, constant, step, wave
from autoscaler.load.generator import Kind, Load, run
from autoscaler.load.results import Live, Recent, Result, Summary

__all__ = ["Kind", "Live", "Load", "Rate", "Recent", "Result", "Summary", "constant", "run", "step", "wave"]
