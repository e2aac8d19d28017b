"""Answers as they come over the wire, in pieces of any size."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.load.answer import Answer

ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Replica: web-1\r\n\r\nhello",
    "empty": b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-replica: web-1\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Replica: web-1\r\n\r\n"
    b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nT: 1\r\n\r\n",
    "no body": b"HTTP/1.1 204 No Content\r\nX-Replica: web-1\r\n\r\n",
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Replica: web-1\r\n\r\n.",
}


@given(name=st.sampled_from(sorted(ANSWERS)), cuts=st.sets(st.integers(1, 200)))
def test_however_it_is_cut_it_is_read(name: str, cuts: set[int]) -> None:
    wire, answer = ANSWERS[name], Answer()
    edges = [0, *sorted(cut for cut in cuts if cut < len(wire)), len(wire)]
    for start, end in pairwise(edges):
        assert not answer.complete
        answer.feed(wire[start:end])
    assert answer.complete
    assert (answer.status, answer.replica, answer.keeps_alive) == (204 if name == "no body" else 200, "web-1", True)


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_whether_the_connection_can_be_used_again(head: bytes, keeps: bool) -> None:
    answer = Answer()
    answer.feed(head + b"Content-Length: 0\r\n\r\n")
    assert answer.keeps_alive is keeps


def test_without_a_length_the_end_of_the_connection_ends_it() -> None:
    answer = Answer()
    answer.feed(b"HTTP/1.1 200 OK\r\n\r\nhel")
    answer.feed(b"lo")
    assert not answer.complete
    answer.end()
    assert answer.complete
    assert not answer.keeps_alive


def test_the_end_of_the_connection_ends_no_other() -> None:
    answer = Answer()
    answer.feed(ANSWERS["length"][:-1])
    answer.end()
    assert not answer.complete


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 OK\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="no chunk size"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", id="more than it said"),
        pytest.param(b"x" * 70_000, id="no end of the head"),
    ],
)
def test_garbage_is_called_so(wire: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Answer().feed(wire)
