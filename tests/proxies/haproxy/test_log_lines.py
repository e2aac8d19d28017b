"""Log lines as requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.model import FailureCause, Request
from autoscaler.proxies.haproxy.log_lines import parse_line

OWNERS = {"127.0.0.1:80": "web"}


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("web 200 -- 0 1 20 5", Request("web", 200, 0.021)),
        ("web 200 -- 300 0 20 5", Request("web", 200, 0.32)),
        ("web 200 -- 0 1 20 301", Request("web", 200, 0.021, weight=20)),
        ("web 101 -- 0 1 20 5", Request("web", 101, None)),
        ("web 503 -- 0 0 5 5", Request("web", 503, 0.005)),
        ("web 503 sQ 1000 -1 -1 5000", Request("web", 503, None, FailureCause.QUEUE)),
        ("web 503 SC -1 -1 -1 5", Request("web", 503, None, FailureCause.NO_SERVER)),
        ("web 503 SC 0 -1 -1 5", Request("web", 503, None, FailureCause.CONNECT)),
        ("web 503 sC 0 -1 -1 5", Request("web", 503, None, FailureCause.CONNECT)),
        ("web 502 SH 0 1 -1 5", Request("web", 502, None, FailureCause.CUT)),
        ("web 502 PH 0 1 -1 5", Request("web", 502, None, FailureCause.CUT)),
        ("web 504 sH 0 1 -1 5", Request("web", 504, None, FailureCause.TIMEOUT)),
        ("web 200 SD 0 1 3 5", Request("web", 200, 0.004, FailureCause.CUT)),
        ("web -1 CH 0 1 -1 5", Request("web", -1, None)),
        ("web 200 CD 0 1 3 5", Request("web", 200, 0.004)),
        ("127.0.0.1:80 400 PR -1 -1 -1 5", Request("web", 400, None, FailureCause.BAD_REQUEST)),
        ("127.0.0.1:81 408 cR -1 -1 -1 5", Request("", 408, None, FailureCause.BAD_REQUEST)),
        ("no_route 404 LR -1 -1 -1 5", Request("", 404, None, FailureCause.NO_ROUTE)),
    ],
)
def test_lines(line: str, request_: Request) -> None:
    assert parse_line(line.encode(), OWNERS) == request_


@given(st.binary(max_size=60))
def test_no_bytes_break_it(line: bytes) -> None:
    request = parse_line(line, OWNERS)
    assert request is None or request.weight in (1.0, 20)
