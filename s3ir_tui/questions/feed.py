"""Files and folders of CloudTrail taken into the store of questions, each file once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from s3ir_tui.questions.local import LocalStore
from s3ir_tui.trail.decode import Skipped
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.files import iter_events, walk

_A_BATCH = 2_000
"""Events that are written at once: folders of many small files would wait for the disk otherwise."""


@dataclass(frozen=True, slots=True)
class Fed:
    """What a store was fed with.

    Attributes:
        files: Files that were read.
        known: Files that the store had already.
        new: Events that it had not.
        skipped: What could not be read.
    """

    files: int
    known: int
    new: int
    skipped: tuple[Skipped, ...]


def feed(store: LocalStore, paths: Iterable[Path], told: Callable[[int, int], None] = lambda _files, _new: None) -> Fed:
    """Read what the store does not have yet.

    Args:
        store: The store.
        paths: Files of any name, and folders.
        told: Told now and then how many files were read and how many events were new.

    Raises:
        StoreError: The store cannot be written.
    """
    files = known = new = 0
    skipped: list[Skipped] = []
    events: list[Event] = []
    whole: list[Path] = []
    for file in walk(paths):
        if store.has_file(file):
            known += 1
            continue
        for batch, left_out in iter_events([file]):
            events += batch
            skipped += left_out
            if len(events) >= _A_BATCH:
                new += store.add(events, whole)
                events, whole = [], []
        files += 1
        whole.append(file)
        if len(whole) >= _A_BATCH:
            new += store.add(events, whole)
            events, whole = [], []
        told(files, new)
    new += store.add(events, whole)
    return Fed(files, known, new, tuple(skipped))
