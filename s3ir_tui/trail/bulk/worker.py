"""A worker process: takes jobs and answers with sums, frame by frame."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from socket import socket

import msgspec

from s3ir_tui.trail.bulk.reading import read_file
from s3ir_tui.trail.bulk.sum import Sum, parts
from s3ir_tui.trail.bulk.tally import Tally
from s3ir_tui.trail.frames import accept, receive, send

_PART = 500


class Job(msgspec.Struct, array_like=True, tag=True):
    """Files to be added up.

    Attributes:
        files: Their paths.
        recent: See `Tally`.
    """

    files: list[str]
    recent: str


class Finish(msgspec.Struct, array_like=True, tag=True):
    """There are no more jobs: what they came to is asked for."""


class Claim(msgspec.Struct, array_like=True, tag=True):
    """Which of these events are known? Answered with the set of their ids, or `None` (see `EventIds.claim`)."""

    ids: bytes
    first: str
    last: str


class Part(msgspec.Struct, array_like=True, tag=True):
    """A part of what the files since the last job that was followed by one came to.

    Attributes:
        total: A `Sum`, still packed.
    """

    total: msgspec.Raw


class Done(msgspec.Struct, array_like=True, tag=True):
    """A job is done.

    Attributes:
        events: How many events were added up.
    """

    events: int


Known = set[bytes] | None
encode = msgspec.msgpack.Encoder().encode
decode_order = msgspec.msgpack.Decoder(Job | Finish).decode
decode_answer = msgspec.msgpack.Decoder(Claim | Part | Done).decode
decode_sum = msgspec.msgpack.Decoder(Sum).decode
_decode_known = msgspec.msgpack.Decoder(Known).decode


class Worker:
    """Carries out orders.

    Args:
        stream: Where they, and what is known, come from, and where answers go.
    """

    def __init__(self, stream: socket) -> None:
        self._stream = stream
        self._tally: Tally | None = None

    def work(self) -> None:
        """Work until the last order, or until the other end closes."""
        while (message := receive(self._stream)) is not None:
            order = decode_order(message)
            events = 0
            if isinstance(order, Job):
                tally = self._tally = self._tally or Tally(self._claim, order.recent)
                before = tally.events
                for file in order.files:
                    read_file(Path(file), tally)
                events = tally.events - before
            if self._tally is not None and (self._tally.full or isinstance(order, Finish)):
                for part in parts(self._tally.sum(), _PART):
                    self._send(Part(msgspec.Raw(encode(part))))
                self._tally = None
            self._send(Done(events))
            if isinstance(order, Finish):
                return  # what it holds is free while its sum is taken in

    def _send(self, answer: Claim | Part | Done) -> None:
        send(self._stream, encode(answer))

    def _claim(self, ids: bytes, first: str, last: str) -> Known:
        self._send(Claim(ids, first, last))
        known = receive(self._stream)
        if known is None:
            raise SystemExit
        answer: Known = _decode_known(known)
        return answer


def main() -> None:
    """Work until the other end closes."""
    with accept() as stream, suppress(OSError):
        Worker(stream).work()


if __name__ == "__main__":
    main()
