"""Trying again, set in one place: after 0.1 s, doubling to 5 s, jittered, and so many times at most.

Only for what may be repeated: where a first try may have changed something, look before the next. Source: tenacity,
`wait_exponential_jitter`.
"""

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0


def retrying(*errors: type[BaseException], tries: int) -> AsyncRetrying:
    """For `async for attempt in retrying(...): with attempt: ...`; the last try's error is raised as it is."""
    return AsyncRetrying(
        retry=retry_if_exception_type(errors),
        stop=stop_after_attempt(tries),
        wait=wait_exponential_jitter(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S, jitter=FIRST_WAIT_S),
        reraise=True,
    )
