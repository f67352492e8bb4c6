"""Worker processes that add files up: each is driven by a thread, and what one leaves undone is done here."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Lock

from msgspec import Raw

from s3ir_tui.trail.bulk.reading import read_files
from s3ir_tui.trail.bulk.sum import Sum
from s3ir_tui.trail.bulk.tally import Claim as Claims
from s3ir_tui.trail.bulk.worker import Claim, Done, Finish, Job, decode_answer, decode_sum, encode
from s3ir_tui.trail.dedupe import unpacked
from s3ir_tui.trail.frames import receive, send, start

# Freed blocks of a few megabytes stay with the process: without these, glibc gives each unfolded file back to the
# system and has it cleared anew for the next, which costs half of the time of gunzip. Others ignore them.
_ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 29),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 29),
    "MALLOC_TOP_PAD_": str(1 << 24),
    "MALLOC_ARENA_MAX": "1",
}

Take = Callable[[Sum], None]


@dataclass(frozen=True, slots=True)
class Step:
    """A job that was done.

    Attributes:
        files: How many files.
        events: How many events.
        skipped: What gave no event: file, reason, count.
    """

    files: int
    events: int
    skipped: tuple[tuple[str, str, int], ...] = ()


class _Died(Exception):
    """A worker process ended before its time, of memory perhaps."""


class Crew:
    """Worker processes. Use it as a context manager: at its end they are gone.

    Args:
        count: How many.
        claim: Tells which events are known (see `EventIds.claim`). Several threads call it.
        take: Takes what some files came to; several threads call it.
        recent: See `Tally`.
    """

    def __init__(self, count: int, claim: Claims, take: Take, recent: str) -> None:
        self._claim, self._take, self._recent = claim, take, recent
        self._steps: SimpleQueue[Step | None] = SimpleQueue()
        self._closing = False
        self._workers = [_Worker(claim) for _ in range(count)]
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="crew")

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_error: object) -> None:
        self._closing = True
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown()
        for worker in self._workers:
            worker.close()

    def work(self, jobs: Iterable[list[Path]]) -> Iterator[Step]:
        """Share jobs out.

        Args:
            jobs: Files that are added up together.

        Yields:
            Each job when it is done; what all came to has been taken when the last one was yielded.
        """
        shared, lock = iter(jobs), Lock()

        def next_job() -> list[Path] | None:
            with lock:
                return None if self._closing else next(shared, None)

        driving = [self._threads.submit(self._drive, worker, next_job) for worker in self._workers]
        for _ in driving:
            while (step := self._steps.get()) is not None:
                yield step
        for future in driving:
            future.result()

    def _drive(self, worker: _Worker, next_job: Callable[[], list[Path] | None]) -> None:
        """Give a worker jobs until there are no more; where it dies, do here what it should have done."""
        try:
            while (job := next_job()) is not None:
                worker.files += job
                if worker.alive:
                    self._ask(worker, Job([str(file) for file in job], self._recent), len(job))
                if not worker.alive:
                    self._instead(worker, len(job))
            if worker.files and not self._closing:
                self._ask(worker, Finish(), 0)
                if not worker.alive:
                    self._instead(worker, 0)
        finally:
            self._steps.put(None)

    def _ask(self, worker: _Worker, order: Job | Finish, files: int) -> None:
        try:
            events, packed = worker.ask(order)
        except (_Died, OSError):
            worker.kill()
            return
        self._steps.put(Step(files, events, self._taken(map(decode_sum, packed))))
        if packed:
            worker.begin()

    def _instead(self, worker: _Worker, files: int) -> None:
        if self._closing:
            return
        total = read_files(worker.files, worker.claim_again(), self._recent)
        self._steps.put(Step(files, total.events, self._taken([total])))
        worker.begin()

    def _taken(self, sums: Iterable[Sum]) -> tuple[tuple[str, str, int], ...]:
        skipped: list[tuple[str, str, int]] = []
        for total in sums:
            self._take(total)
            skipped += total.skipped
        return tuple(skipped)


class _Worker:
    """A worker process, and what it has not told of yet.

    Attributes:
        alive: Whether it can be asked.
        files: Files that it was given since it told what they came to.
    """

    def __init__(self, claim: Claims) -> None:
        self._claim = claim
        self.files: list[Path] = []
        self._claimed = bytearray()
        self._process: subprocess.Popen[bytes] | None = None
        self._stream: socket.socket | None = None
        with contextlib.suppress(OSError):  # no process to be had: all is read here
            self._process, self._stream = start("s3ir_tui.trail.bulk.worker", {**os.environ, **_ENVIRONMENT})
        self.alive = self._process is not None

    def ask(self, order: Job | Finish) -> tuple[int, list[Raw]]:
        """Have an order carried out.

        Returns:
            How many events were added up, and the sums that came, packed: they are taken in when none is missing.

        Raises:
            _Died: It ended.
            OSError: It did, and took nothing any more.
        """
        packed: list[Raw] = []
        stream = self._stream
        if stream is None:
            raise _Died
        send(stream, encode(order))
        while (message := receive(stream)) is not None:
            answer = decode_answer(message)
            if isinstance(answer, Claim):
                send(stream, encode(self._answer(answer)))
            elif isinstance(answer, Done):
                return answer.events, packed
            else:
                packed.append(answer.total.copy())
        raise _Died

    def _answer(self, asked: Claim) -> set[bytes] | None:
        known = self._claim(asked.ids, asked.first, asked.last)
        if known is None:
            self._claimed += asked.ids
        else:
            self._claimed += b"".join(ident for ident in unpacked(asked.ids) if ident not in known)
        return known

    def begin(self) -> None:
        """It has told, or another has: begin anew."""
        self.files.clear()
        self._claimed.clear()

    def claim_again(self) -> Claims:
        """A claim for whoever reads its files instead: the events that it claimed are new, once."""
        mine = set(unpacked(bytes(self._claimed)))
        used: set[bytes] = set()

        def claim(packed: bytes, first: str, last: str) -> set[bytes]:
            asked = unpacked(packed)
            others = [ident for ident in asked if ident not in mine and ident not in used]
            known = (self._claim(b"".join(others), first, last) or set()) | used.intersection(asked)
            now = mine.intersection(asked)
            used.update(now)
            mine.difference_update(now)
            return known

        return claim

    def kill(self) -> None:
        """End it at once."""
        self.alive = False
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Wait for its end, and give back its socket."""
        if self._process is not None:
            self._process.wait()
        if self._stream is not None:
            self._stream.close()
