"""Events into what is known, a little at a time: meanwhile others can look, and a key is answered first."""

from __future__ import annotations

from contextlib import AbstractContextManager

from s3ir_tui.board.known import Known
from s3ir_tui.pace import give_way
from s3ir_tui.trail.batch import Batch
from s3ir_tui.trail.event import Judged

_CHUNK = 50  # events analysed while the lock is held: some milliseconds


def take_in(known: Known, lock: AbstractContextManager[object], batch: Batch, source: str) -> list[Judged]:
    """Take in events of a source.

    Args:
        known: What is known.
        lock: Held while something is taken in.
        batch: The events.
        source: Name of the source.

    Returns:
        Those that are new, judged.
    """
    new: list[Judged] = []
    for start in range(0, len(batch), _CHUNK):
        give_way()
        with lock:
            new += known.take_batch(batch.part(start, start + _CHUNK), source)
    return new
