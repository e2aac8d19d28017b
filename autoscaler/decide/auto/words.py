"""Auto's answer in words: what comes, what a replica carries and from how much that is known, what the count is for."""

from autoscaler.decide.auto.band import COVERED, LEARNED, Band
from autoscaler.decide.auto.capacity import ENOUGH_REQUESTS, PIECE_S, Capacity
from autoscaler.decide.auto.forecasts import NAMES
from autoscaler.decide.staffing import Staffing
from autoscaler.units import format_duration


def learning(known: Capacity, stays: str) -> str:
    """While nothing is known of what a replica carries."""
    answered = min(known.done, ENOUGH_REQUESTS)
    return f"{stays}; learning what a replica carries ({answered:.0f} of {ENOUGH_REQUESTS:.0f} requests seen)"


def ahead(band: Band, upper: float, within_s: float) -> str:
    """The rate that the next while stays below, and how sure that is."""
    if band.upper is None:
        return f", taken for {upper:.4g} until forecasts are judged {LEARNED} times ({band.steps} so far)"
    within = format_duration(float(round(within_s)))
    by = f"{NAMES[band.by]} ({COVERED:.0%} sure, judged {band.steps} times)"
    return f", up to {upper:.4g} within {within}; forecast by {by}"


def carried(known: Capacity, staffing: Staffing) -> str:
    """What a replica carries, and what that was learned from."""
    learned = f"the mean of {format_duration(known.pieces * PIECE_S)}" if known.pieces else f"of {known.done:.0f} requests"
    guess = ", a guess as none was full yet" if known.bent is None and staffing.slots > 1 else ""
    each = format_duration(round(staffing.service_s, 3))
    return f"a replica carries {staffing.each:.3g}/s ({each} each, {learned}, {staffing.slots:.3g} at once{guess})"
