"""A worker process: takes jobs from its standard input and answers with sums, frame by frame."""

from __future__ import annotations

import gc
import signal
import struct
import sys
from pathlib import Path
from typing import IO

import msgspec

from s3ir_tui.trail.bulk.reading import read_files
from s3ir_tui.trail.bulk.tally import Kinds

_LENGTH = struct.Struct("!Q")


class Job(msgspec.Struct, array_like=True):
    """Files to be added up.

    Attributes:
        files: Their paths.
        recent: See `Tally`.
        known: See `Tally`.
    """

    files: list[str]
    recent: str
    known: list[bytes] | None


def send(stream: IO[bytes], message: bytes) -> None:
    """Send a frame."""
    stream.write(_LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Take a frame; `None` at the end, or where it was cut off."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    message = stream.read(length)
    return message if len(message) == length else None


def main() -> None:
    """Work until the other end closes."""
    # Keys pressed at the terminal, and its end, are for the console: it closes the pipe, and that ends this process.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    gc.disable()  # nothing here makes circles, and looking for them costs a fifth of the time
    kinds: Kinds = {}
    while (message := receive(sys.stdin.buffer)) is not None:
        job = msgspec.msgpack.decode(message, type=Job)
        total = read_files([Path(file) for file in job.files], job.recent, job.known, kinds)
        send(sys.stdout.buffer, msgspec.msgpack.encode(total))


if __name__ == "__main__":
    main()
