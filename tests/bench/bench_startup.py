"""First paint of `review` and of the live console, beside what importing Textual alone takes."""

from __future__ import annotations

import os
import select
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pyte
import pytest

from s3ir_tui.journal import Journal

pytestmark = pytest.mark.bench

ROUNDS = 7
_PATIENCE = 20.0
_SIZE = (24, 80)


def first_paint(command: list[str], env: Mapping[str, str], sign: str) -> float:
    """Seconds from the start of a program in a terminal until `sign` stands on its screen."""
    import fcntl
    import pty
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", *_SIZE, 0, 0))
    screen = pyte.Screen(_SIZE[1], _SIZE[0])
    stream = pyte.ByteStream(screen)
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=dict(env), start_new_session=True
    )
    os.close(follower)
    try:
        while time.perf_counter() - begun < _PATIENCE:
            if select.select([leader], [], [], 0.5)[0]:
                stream.feed(os.read(leader, 65536))
                if any(sign in line for line in screen.display):
                    return time.perf_counter() - begun
        raise AssertionError(f"no {sign!r} after {_PATIENCE} s:\n" + "\n".join(screen.display))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(leader)


def import_time() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import textual.app"], check=True)
    return time.perf_counter() - begun


def told(name: str, seconds: list[float]) -> float:
    median = statistics.median(seconds)
    print(f"{name:32} median {median * 1000:5.0f} ms   best {min(seconds) * 1000:5.0f} ms   {len(seconds)} runs")
    return median


def test_first_paint_beside_importing_textual(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "IR-42", about={}) as journal:
        journal.record_many("case", [{"kind": "note", "text": f"note {index}"} for index in range(100)])
    env = {
        **os.environ,
        "TERM": "xterm-256color",
        "S3IR_CASES": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # nobody listens: what is painted is painted before any answer
    }
    program = [sys.executable, "-m", "s3ir_tui"]
    imports, reviews, lives = [], [], []
    for _ in range(ROUNDS):  # interleaved, so that a busy moment of the machine meets all of them
        imports.append(import_time())
        reviews.append(first_paint([*program, "review", "IR-42"], env, "REVIEW"))
        lives.append(first_paint([*program, "--case", "live"], env, "READ-ONLY"))
    print()
    base = told("python -c 'import textual.app'", imports)
    review = told("review, first paint", reviews)
    live = told("live console, first paint", lives)
    assert review < 8 * base  # a bound against mistakes such as importing boto3 first, not a promise
    assert live < 8 * base
