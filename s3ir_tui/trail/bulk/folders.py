"""Folders of CloudTrail into an analysis: shared out among worker processes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.bulk.crew import Crew, Step
from s3ir_tui.trail.bulk.reading import read_files
from s3ir_tui.trail.bulk.tally import NEVER
from s3ir_tui.trail.decode import Skipped
from s3ir_tui.trail.sources.files import walk

_AT_ONCE = 4 << 20
"""Bytes of gzipped files in a job: a second of work."""

_ALONE = 4 << 20
"""Bytes of gzipped files that are read here: worker processes would take longer to start."""

_GZIP = 7
"""How much longer CloudTrail files are unfolded."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a folder has been read.

    Attributes:
        files: Files that were read.
        of: Files that there are.
        events: Events that were added up in this step; they are taken in at the latest when the last one is done.
        skipped: What gave no event.
    """

    files: int
    of: int
    events: int
    skipped: tuple[Skipped, ...]


def read_folders(
    paths: Iterable[Path], analysis: Analysis, *, recent: str = NEVER, workers: int | None = None
) -> Iterator[Progress]:
    """Read files and folders into an analysis.

    Args:
        paths: Files of any name, and folders that are searched for CloudTrail's and NDJSON names.
        analysis: Takes in what they hold; events that it knows count once.
        recent: Calls from this time on are counted second by second, for a watch that is on.
        workers: How many processes; as many as there are processors without.

    Yields:
        After every step.
    """
    files = [(file, _size(file)) for file in walk(paths)]
    done = 0
    for step in _steps(files, analysis, recent, workers or _processors()):
        done += step.files
        yield Progress(done, len(files), step.events, tuple(Skipped(*item) for item in step.skipped))


def _steps(files: Sequence[tuple[Path, int]], analysis: Analysis, recent: str, workers: int) -> Iterator[Step]:
    if sum(size for _file, size in files) <= _ALONE:
        total = read_files([file for file, _size in files], analysis.claim, recent)
        analysis.add_sum(total)
        yield Step(len(files), total.events, tuple(total.skipped))
        return
    with Crew(workers, analysis.claim, analysis.add_sum, recent) as crew:
        yield from crew.work(_jobs(files))


def _jobs(files: Iterable[tuple[Path, int]]) -> Iterator[list[Path]]:
    """Share files out."""
    job: list[Path] = []
    filled = 0
    for file, size in files:
        job.append(file)
        filled += size
        if filled >= _AT_ONCE:
            yield job
            job, filled = [], 0
    if job:
        yield job


def _size(file: Path) -> int:
    """Bytes, as if it were gzipped."""
    try:
        size = file.stat().st_size
    except OSError:
        return 0
    return size if file.suffix == ".gz" else size // _GZIP


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
