"""A recording of CloudTrail that plays as if it were live: sorted by time, at any speed, long pauses skipped."""

from __future__ import annotations

import heapq
import math
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import IO

import msgspec
from isal import isal_zlib

from s3ir_tui.model import iso
from s3ir_tui.pace import give_way
from s3ir_tui.text import ago, clean
from s3ir_tui.trail.batch import Batch
from s3ir_tui.trail.decode import Skipped
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import S3_DATA_EVENTS
from s3ir_tui.trail.sources.ahead import Ahead

TICK_SECONDS = 0.25
PAUSE_SECONDS = 60.0
"""Seconds on the screen after which a pause of the recording is skipped."""

_LEAD_SECONDS = 2.0
_REMARK_SECONDS = 8.0
_READ_SECONDS = 0.2
_MOST_EVENTS = 2_000
_RUN = 20_000
_BLOCK = 200
_TIME = attrgetter("time")


def speed_of(text: str) -> float:
    """A speed as it is written on the command line: `1`, `60`, `0.5`; `max` or `0` for as fast as possible.

    Returns:
        Seconds of the recording in a second; 0 for as fast as possible.

    Raises:
        ValueError: It is no speed; the message says what would be.
    """
    word = text.strip().lower().removeprefix("x")
    try:
        speed = 0.0 if word == "max" else float(word)
    except ValueError:
        speed = math.nan
    if not 0 <= speed < math.inf:
        raise ValueError(f"speed {text}: write 1, 60 or 0.5, or max for as fast as possible")
    return speed


class Recording:
    """Files and folders as a source whose clock runs from the first event to the last.

    `poll` reads first, a part at a time, and then brings what has happened by the recording's clock. What does not fit
    into a run of 20,000 events is kept sorted in unnamed temporary files, so that memory does not grow. As fast as
    possible, it brings what it reads: file by file, in the order of their names, which CloudTrail makes of the time.

    Args:
        paths: Files and folders of CloudTrail.
        speed: Seconds of the recording in a second; 0 for as fast as possible.
        clock: Monotonic seconds.

    Attributes:
        name: `recording otrf`.
        speed: As given.
        reading: Whether it is still being read.
        ended: Whether its last event has been brought, or it has none.
        data_events: Whether it holds S3 data events.
        events: How many events were read.
        first: Time of its first event, or "".
        account: Account of its first event.
        skipped: What could not be read.
    """

    def __init__(
        self, paths: Sequence[Path], *, speed: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = f"recording {paths[0].resolve().name}" if paths else "recording"
        self.speed, self._clock = speed, clock
        self.reading, self.ended, self.data_events = speed > 0, False, False
        self.events = 0
        self.first = self.account = ""
        self.skipped: list[Skipped] = []
        self._files = Ahead(paths)
        self._runs = _Runs()
        self._rest: Iterator[Event] = iter(())
        self._ahead: Event | None = None
        self._end: datetime | None = None
        self._now: datetime | None = None
        self._since = 0.0
        self._remark = ""
        self._remark_until = 0.0

    @property
    def interval(self) -> float:
        """Seconds until the next poll: none while it reads, or plays as fast as it can."""
        return TICK_SECONDS if self.ended or (self.speed and not self.reading) else 0.0

    @property
    def caught_up(self) -> bool:
        """Whether there is nothing more to come."""
        return self.ended

    @property
    def now(self) -> datetime | None:
        """The recording's clock, which stops at its last event; `None` while it is being read."""
        if self._now is None or self._end is None or self.ended or not self.speed:
            return self._now
        passed = (self._clock() - self._since) * self.speed
        left = (self._end - self._now).total_seconds()
        return self._now + timedelta(seconds=min(passed, left))

    @property
    def remark(self) -> str:
        """`skipped 10m06` for some seconds after a pause was skipped, else ""."""
        return self._remark if self._clock() < self._remark_until else ""

    def poll(self) -> list[Event]:
        """What has happened since the last poll, oldest first; nothing while it is being read.

        Raises:
            OSError: There is no room for the temporary files; the recording has ended then.
        """
        return self.next_batch().events

    def next_batch(self) -> Batch:
        """What has happened since the last time (see `poll`), with what is known of it already."""
        try:
            return self._next_batch()
        except OSError:
            self.reading, self.ended = False, True
            raise

    def close(self) -> None:
        """Give back the temporary files."""
        self._files.close()
        self._rest = iter(())
        self._runs.close()

    def _next_batch(self) -> Batch:
        if not self.speed:
            return self._next_read()
        if self.reading:
            self._read()
            return Batch([])
        reached = iso(self.now) if self.now is not None else ""
        due: list[Event] = []
        while self._ahead is not None and len(due) < _MOST_EVENTS and self._ahead.time <= reached:
            due.append(self._ahead)
            self._ahead = next(self._rest, None)
        if self._ahead is None:
            self._now, self.ended = self._end, True
        else:
            self._skip_pause(self._ahead.at)
        return Batch(due)

    def _next_read(self) -> Batch:
        """The next events that were read."""
        while (batch := self._batch(TICK_SECONDS)) is not None:
            events = batch.events
            if events:
                if not self.first:
                    self.first, self.account = events[0].time, clean(events[0].account)
                newest = events[-1].at
                self._now = newest if self._now is None else max(self._now, newest)
                return batch
        self.ended = self._files.ended
        return Batch([])

    def _read(self) -> None:
        until = self._clock() + _READ_SECONDS
        while (batch := self._batch(_READ_SECONDS)) is not None:
            self._runs.add(batch.events)
            if self._clock() >= until:
                return
        if self._files.ended:
            self._begin()

    def _batch(self, seconds: float) -> Batch | None:
        give_way()
        batch = self._files.next(seconds)
        if batch is not None:
            self.events += len(batch)
            self.skipped += batch.skipped
            self.data_events = self.data_events or any(map(_is_data, batch.events))
        return batch

    def _begin(self) -> None:
        self.reading = False
        self._rest = self._runs.merged()
        self._ahead = first = next(self._rest, None)
        if first is None:
            self.ended = True
            return
        self.first = first.time
        self.account = clean(first.account)
        self._end = datetime.fromisoformat(self._runs.last)
        self._run_from(first.at)

    def _run_from(self, moment: datetime) -> None:
        self._now, self._since = moment, self._clock()

    def _skip_pause(self, following: datetime) -> None:
        now = self.now
        if now is None or (following - now).total_seconds() <= PAUSE_SECONDS * self.speed:
            return
        onwards = following - timedelta(seconds=_LEAD_SECONDS * self.speed)
        self._remark = f"skipped {ago((onwards - now).total_seconds())}"
        self._remark_until = self._clock() + _REMARK_SECONDS
        self._run_from(onwards)


def _is_data(event: Event) -> bool:
    return event.category == "Data" or (event.service == "s3" and event.name in S3_DATA_EVENTS)


class _Runs:
    """Events in runs that are sorted one by one, and merged in the end; all but the last lie in temporary files."""

    def __init__(self) -> None:
        self.last = ""
        self._open: list[Event] = []
        self._files: list[IO[bytes]] = []

    def add(self, events: Sequence[Event]) -> None:
        for start in range(0, len(events), _RUN):
            self._open += events[start : start + _RUN]
            if len(self._open) >= _RUN:
                self._put_away()

    def merged(self) -> Iterator[Event]:
        """Every event, oldest first; of the same second, in the order in which they were read."""
        self._open.sort(key=_TIME)
        if self._open:
            self.last = max(self.last, self._open[-1].time)
        runs: list[Iterable[Event]] = [*map(_read_run, self._files), self._open]
        return heapq.merge(*runs, key=_TIME) if self._files else iter(self._open)

    def close(self) -> None:
        for file in self._files:
            file.close()
        self._files, self._open = [], []

    def _put_away(self) -> None:
        self._open.sort(key=_TIME)
        self.last = max(self.last, self._open[-1].time)
        file = tempfile.TemporaryFile()  # noqa: SIM115 - it is read when the runs are merged
        self._files.append(file)
        for start in range(0, len(self._open), _BLOCK):
            block = isal_zlib.compress(msgspec.msgpack.encode(self._open[start : start + _BLOCK]), 1)
            file.write(len(block).to_bytes(4, "big") + block)
        file.seek(0)
        self._open = []


def _read_run(file: IO[bytes]) -> Iterator[Event]:
    decoder = msgspec.msgpack.Decoder(list[Event])
    while length := file.read(4):
        yield from decoder.decode(isal_zlib.decompress(file.read(int.from_bytes(length, "big"))))
