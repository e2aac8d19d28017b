"""The talk's web service: says which replica answered, works for as long as it is told, and ends gracefully.

    /              which replica answered
    /work?ms=50    burns 50 ms of CPU
    /wait?ms=50    waits 50 ms, as for a database
    /stream?mb=10  10 MB in pieces
    /healthz       it can serve

Every answer carries the replica's name as header X-Replica.
"""

import os
import socket
import sys
import time
from collections.abc import Iterator

from flask import Flask, Response, request

LONGEST_MS = 60_000
LARGEST_MB = 100
PIECE = b"." * 65_536

REPLICA = os.environ.get("AUTOSCALER_REPLICA") or socket.gethostname()

app = Flask(__name__)


@app.after_request
def name_the_replica(response: Response) -> Response:
    """Say who answered."""
    response.headers["X-Replica"] = REPLICA
    return response


@app.get("/")
def index() -> str:
    """Which replica answered."""
    return f"Hello from {REPLICA}\n"


@app.get("/healthz")
def healthz() -> str:
    """It can serve."""
    return "ok\n"


@app.get("/work")
def work() -> tuple[str, int]:
    """Burn so much CPU: the time of this thread alone, so that it takes longer where others burn too."""
    ms = asked("ms", LONGEST_MS)
    if ms is None:
        return f"ms is a number from 0 to {LONGEST_MS}\n", 400
    end = time.thread_time() + ms / 1000
    while time.thread_time() < end:
        pass
    return f"{REPLICA} worked {ms:g} ms\n", 200


@app.route("/wait", methods=["GET", "POST"])
def wait() -> tuple[str, int]:
    """Let so much time pass."""
    ms = asked("ms", LONGEST_MS)
    if ms is None:
        return f"ms is a number from 0 to {LONGEST_MS}\n", 400
    time.sleep(ms / 1000)
    return f"{REPLICA} waited {ms:g} ms\n", 200


@app.get("/stream")
def stream() -> Response:
    """So many megabytes, a sixteenth of one each 20 ms, so that 10 MB take some three seconds."""
    mb = asked("mb", LARGEST_MB)
    if mb is None:
        return Response(f"mb is a number from 0 to {LARGEST_MB}\n", 400)

    def pieces() -> Iterator[bytes]:
        for _ in range(int(mb * 16)):
            yield PIECE
            time.sleep(0.02)

    return Response(
        pieces(), mimetype="application/octet-stream", headers={"Content-Length": str(int(mb * 16) * len(PIECE))}
    )


def asked(name: str, largest: float) -> float | None:
    """A number from the query, 0 where it isn't there, None where it is none or out of bounds."""
    try:
        number = float(request.args.get(name, "0"))
    except ValueError:
        return None
    return number if 0 <= number <= largest else None


def main() -> None:
    """Serve by gunicorn: on SIGTERM it accepts no more, answers what is in flight and what still comes over kept-alive
    connections (with Connection: close), and ends."""
    os.execv(
        sys.executable,
        [
            *(sys.executable, "-m", "gunicorn", "app:app"),
            *("--bind", f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '5000')}"),
            *("--worker-class", "gthread", "--threads", "32"),
            *("--keep-alive", "75"),  # longer than a proxy keeps an idle connection: it is the one to close it
            *("--graceful-timeout", "30"),
            "--no-control-socket",  # one file for all replicas of a user
            *("--log-level", "warning"),
        ],
    )


if __name__ == "__main__":
    main()
