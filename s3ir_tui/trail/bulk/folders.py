"""Folders of CloudTrail into an analysis: shared out among worker processes, the first rows at once."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from queue import SimpleQueue

import msgspec

from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.bulk.reading import read_files
from s3ir_tui.trail.bulk.sum import Sum
from s3ir_tui.trail.bulk.tally import NEVER
from s3ir_tui.trail.bulk.worker import Job, receive, send
from s3ir_tui.trail.decode import Skipped
from s3ir_tui.trail.sources.files import walk

AT_ONCE = 48 << 20
"""Bytes of gzipped files in the largest jobs: some seconds of work, and a sum that fits into memory."""

_FIRST = 1 << 20
_SECOND = 4 << 20
_ALONE = 4 << 20
_GZIP = 7
"""How much longer CloudTrail files are unfolded."""

# Freed blocks of a few megabytes stay with the process: without these, glibc gives each unfolded file back to the
# system and has it cleared anew for the next, which costs half of the time of gunzip. Others ignore them.
_ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 29),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 29),
    "MALLOC_TOP_PAD_": str(1 << 24),
    "MALLOC_ARENA_MAX": "1",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a folder has been read.

    Attributes:
        files: Files that were read.
        of: Files that there are.
        events: Events that were taken in by this step.
        skipped: What gave no event in it.
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
        After every step, of which the first is short.
    """
    files = [(file, _size(file)) for file in walk(paths)]
    workers = workers or _processors()
    first, *jobs = [[file for file, _size in job] for job in _jobs(files, workers)] or [[]]
    done = 0
    if sum(size for _file, size in files) <= _ALONE:
        for job in (first, *jobs):
            step = _take(analysis, job, read_files(job, recent), recent)
            done += len(job)
            yield Progress(done, len(files), *step)
        return
    with _Workers(workers) as pool:
        waiting = {pool.submit(job, recent) for job in jobs}
        step = _take(analysis, first, read_files(first, recent), recent)
        done += len(first)
        yield Progress(done, len(files), *step)
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                job, total = future.result()
                step = _take(analysis, job, total, recent, pool)
                done += len(job)
                yield Progress(done, len(files), *step)


def _take(
    analysis: Analysis, files: list[Path], total: Sum, recent: str, pool: _Workers | None = None
) -> tuple[int, tuple[Skipped, ...]]:
    """Take in a sum; what was known already is left out of another one of the same files."""
    events = total.events
    known: set[bytes] = set()
    while (more := analysis.add_sum(total)) is not None:
        known |= more
        if pool is None:
            total = read_files(files, recent, known)
        else:
            _files, total = pool.submit(files, recent, known).result()
    analysis.add_repeated(events - total.events)
    return total.events, tuple(Skipped(*item) for item in total.skipped)


def _jobs(files: Sequence[tuple[Path, int]], workers: int) -> Iterator[list[tuple[Path, int]]]:
    """Share files out: a little first, so that there is something to see, then large equal parts, which cost less."""
    rest = sum(size for _file, size in files) - _FIRST - workers * _SECOND
    shares = workers * max(1, -(-rest // (workers * AT_ONCE)))
    rooms = chain((_FIRST,), repeat(_SECOND, workers), repeat(max(rest // shares, _SECOND)))
    job: list[tuple[Path, int]] = []
    filled, room = 0, next(rooms)
    for file, size in files:
        job.append((file, size))
        filled += size
        if filled >= room:
            yield job
            job, filled, room = [], 0, next(rooms)
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


class _Workers:
    """Worker processes, each driven by a thread. Use it as a context manager: at its end they are gone."""

    def __init__(self, count: int) -> None:
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self._processes = [self._start() for _ in range(count)]
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="decode")

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *_error: object) -> None:
        for process in self._processes:
            process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):  # what it did not read any more
                        stream.close()

    def submit(
        self, files: list[Path], recent: str, known: Iterable[bytes] | None = None
    ) -> Future[tuple[list[Path], Sum]]:
        """Have files added up."""
        job = Job([str(file) for file in files], recent, None if known is None else list(known))
        return self._threads.submit(self._run, files, job)

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "s3ir_tui.trail.bulk.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
        )
        self._idle.put(process)
        return process

    def _run(self, files: list[Path], job: Job) -> tuple[list[Path], Sum]:
        process = self._idle.get()
        try:
            answer = self._ask(process, job)
        finally:
            self._idle.put(process)
        if answer is None:  # it died, of memory perhaps: what it should have read is read here
            return files, read_files(files, job.recent, job.known)
        return files, msgspec.msgpack.decode(answer, type=Sum)

    def _ask(self, process: subprocess.Popen[bytes], job: Job) -> bytes | None:
        if process.stdin is None or process.stdout is None:
            return None
        try:
            send(process.stdin, msgspec.msgpack.encode(job))
            return receive(process.stdout)
        except OSError:
            return None
