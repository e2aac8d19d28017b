"""One HTTP/1.1 answer, read as it comes. Only what a load generator wants to know; the body is counted, not kept.

Own, because a request through aiohttp's client costs some 300 us, and the load shares two cores with what it loads.
Source: RFC 9112, sections 4, 6 and 7.
"""

from collections.abc import Callable

HEAD_LIMIT = 65_536
NO_BODY = frozenset((204, 304))


class Answer:
    """Feed it until `complete`; ValueError where it is no HTTP."""

    def __init__(self) -> None:
        self.status = 0
        self.replica = ""
        self.keeps_alive = True
        self.complete = False
        self.begun = False
        self._buffer = b""
        self._left = 0
        self._read: Callable[[], bool] = self._head

    def feed(self, data: bytes) -> None:
        """More of it."""
        self.begun = True
        self._buffer = self._buffer + data if self._buffer else data
        while self._buffer and not self.complete and self._read():
            pass
        if self.complete and self._buffer:
            raise ValueError("more than one answer")

    def end(self) -> None:
        """There is no more: that completes a body without a length."""
        if self._read == self._until_close:
            self.complete = True

    def _head(self) -> bool:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            if len(head) > HEAD_LIMIT:
                raise ValueError("a head without end")
            return False
        line, *lines = head.split(b"\r\n")
        if not line.startswith(b"HTTP/1."):
            raise ValueError(f"no HTTP/1: {line[:40]!r}")
        self._buffer = rest
        self.status = int(line[9:12])
        if self.status >= 200:  # before it come interim answers: 103 Early Hints, say
            self._take(line, lines)
        return True

    def _take(self, line: bytes, lines: list[bytes]) -> None:
        """The headers that matter, and with them how the body ends."""
        fields = {name.strip().lower(): value.strip() for name, _, value in (header.partition(b":") for header in lines)}
        self.replica = fields.get(b"x-replica", b"").decode("latin-1")
        connection = fields.get(b"connection", b"").lower()
        self.keeps_alive = connection != b"close" if line.startswith(b"HTTP/1.1") else connection == b"keep-alive"
        if self.status in NO_BODY:
            self.complete = True
        elif b"chunked" in fields.get(b"transfer-encoding", b"").lower():
            self._read = self._chunk_size
        elif b"content-length" in fields:
            self._left = int(fields[b"content-length"])
            self._read = self._body
            self.complete = self._left == 0
        else:
            self.keeps_alive = False
            self._read = self._until_close

    def _body(self) -> bool:
        self.complete = self._passed()
        return True

    def _passed(self) -> bool:
        """Let go of what is here of the `_left` bytes; whether that was all of them."""
        here = min(self._left, len(self._buffer))
        self._left -= here
        self._buffer = self._buffer[here:]
        return self._left == 0

    def _chunk_size(self) -> bool:
        line, found, rest = self._buffer.partition(b"\r\n")
        if found:
            self._buffer = rest
            size = int(line.partition(b";")[0], 16)
            self._left = size + 2  # and the end of its line
            self._read = self._chunk if size else self._trailer
        return bool(found)

    def _chunk(self) -> bool:
        if self._passed():
            self._read = self._chunk_size
        return True

    def _trailer(self) -> bool:
        line, found, rest = self._buffer.partition(b"\r\n")
        if found:
            self._buffer = rest
            self.complete = not line
        return bool(found)

    def _until_close(self) -> bool:
        self._buffer = b""
        return True
