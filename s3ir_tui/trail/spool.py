"""The lines of the tail: the newest in memory, a million older ones packed in files that vanish with the console."""

from __future__ import annotations

import os
import tempfile
import threading
from bisect import bisect_left
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

from s3ir_tui.pace import give_way
from s3ir_tui.trail.event import Judged
from s3ir_tui.trail.event_order import Moves, by_time, is_in_order, marked, merged
from s3ir_tui.trail.fields import Line
from s3ir_tui.trail.laid import LaidLine, pack, unpack, unpack_records, unpack_with, whole
from s3ir_tui.trail.sieve import Test

BLOCK = 256
"""Lines that are packed together."""

_SEGMENT = 64  # blocks of one file: what is dropped at once
_PENDING = 128  # blocks that may wait to be packed before whoever adds lines waits too
_AROUND = 8  # newest blocks in which a time is looked for, where many hold times on both sides of it
_UNPACKED = 16
_RECORDS = 4


class _Segment:
    """A file without a name that holds some blocks; its room is free again once nobody holds it."""

    def __init__(self, folder: Path | None) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="s3ir-tui-", dir=folder)  # noqa: SIM115 - lives on
        self._end = 0

    def write(self, data: bytes) -> int:
        """Write at the end; gives where. A write that failed leaves nothing behind."""
        at, done = self._end, 0
        while done < len(data):
            done += os.pwrite(self._file.fileno(), data[done:], at + done)
        self._end += done
        return at

    def read(self, at: int, size: int) -> bytes:
        """Read what was written."""
        return os.pread(self._file.fileno(), size, at)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a block lies, and the times in it."""

    segment: _Segment
    at: int
    lines: int
    records: int
    first: str
    last: str
    folds: bool


@dataclass(frozen=True, slots=True)
class _Job:
    age: int
    index: int
    lines: Sequence[Judged]
    segment: _Segment


@dataclass(frozen=True, slots=True)
class _Done:
    age: int
    index: int
    place: _Place | None = None
    error: str = ""


class Spool:
    """Lines numbered from 0 for ever (see `sieve.Lines`). Confined to one thread; packing has one of its own.

    They stand in the order of their time as far as those in memory go: a late line takes its place among them, one
    that is older than all of them stands before them, marked. What is packed keeps its order.

    Args:
        memory: Lines that are kept as they are; older ones are packed and laid by.
        capacity: Lines that are laid by; the oldest fall out. With 0 nothing is ever written.
        folder: Where they are laid by, private to this user; the system's folder for temporary files where it is
            `None`. The files have no names and mode 0600.
        block: Lines that are packed together.

    Attributes:
        start: Number of the oldest line that is kept.
        end: Number that the next line will get.
        span: Lines of a block.
        problem: Why fewer are kept than there might be, or "".
        moves: Where late lines were put in.
        begun: When lines began to come as they happen, as `Event.time` writes it; "" where they do not.
    """

    def __init__(
        self, memory: int = 20_000, capacity: int = 1_000_000, folder: Path | None = None, block: int = BLOCK
    ) -> None:
        self._most = max(1, memory // block)
        self._capacity, self._folder = capacity // block, folder
        self.span = block
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._done: SimpleQueue[_Done] = SimpleQueue()
        self._worker: threading.Thread | None = None
        self._age = 0
        self.moves = Moves()
        self.begun = ""
        self._forget_all()

    def _forget_all(self) -> None:
        self.start = self.end = 0
        self.problem = self._newest = ""
        self._fresh: dict[int, list[Judged]] = {}
        self._laid: dict[int, _Place] = {}
        self._asked = self._pending = 0
        self._segment: _Segment | None = None
        self._filled = self._freed = 0
        self._unpacked: OrderedDict[int, tuple[LaidLine, ...]] = OrderedDict()
        self._records: OrderedDict[int, tuple[bytes, ...]] = OrderedDict()

    def __len__(self) -> int:
        return self.end - self.start

    # -- reading -------------------------------------------------------------------------------

    def __getitem__(self, number: int) -> Judged:
        index, place = self._place_of(number)
        fresh = self._fresh.get(index)
        if fresh is not None:
            return fresh[place]
        return whole(self._lines_of(index)[place], self._records_of(index)[place])

    def look(self, number: int) -> Line:
        """A line, without its record where that would have to be fetched."""
        index, place = self._place_of(number)
        fresh = self._fresh.get(index)
        return fresh[place] if fresh is not None else self._lines_of(index)[place]

    def block(self, number: int, needles: Sequence[bytes] = (), *, records: bool = False) -> tuple[int, Sequence[Line]]:
        """The lines that are kept together with one (see `sieve.Lines`); the cache is left to whoever paints."""
        index = number // self.span
        first = index * self.span
        try:
            self._place_of(number)
            fresh = self._fresh.get(index)
            if fresh is not None:
                return first, fresh
            if records:
                pairs = zip(self._lines_of(index), self._records_of(index), strict=True)
                return first, [whole(line, record) for line, record in pairs]
            known = self._unpacked.get(index)
            if known is None:
                data = self._read(index, records=False)
                known = unpack_with(data, needles if self._laid[index].folds else ())
            return first, known or ()
        except IndexError:
            return first, ()

    def near(self, when: str, test: Test | None = None) -> int:
        """The number of the line that is nearest to a time (see `sieve.Lines`).

        Lines stand in the order in which they came, and history may come after what is new: every block that holds
        times on both sides of it may hold the line.
        """
        around: list[int] = []
        before = after = ("", -1)
        for index in range(self.start // self.span, -(-self.end // self.span)):
            first, last = self._times_of(index)
            if first <= when <= last:
                around.append(index)
            elif last < when and last >= before[0]:
                before = last, index
            elif first > when and (after[1] < 0 or first < after[0]):
                after = first, index
        near = [*around[-_AROUND:], after[1], before[1]]
        found = [item for index in near if index >= 0 for item in self._timed(index, test)]
        later = min((item for item in found if item[0] >= when), default=None)
        earlier = max((item for item in found if item[0] < when), default=None)
        best = later or earlier
        if best is None:
            return self.start if test is None else self.near(when)
        return best[1]

    def _timed(self, index: int, test: Test | None) -> Iterator[tuple[str, int]]:
        first, lines = self.block(index * self.span)
        for number, line in enumerate(lines, first):
            if number >= self.start and (test is None or test(line)):
                yield line.event.time, number

    def _times_of(self, index: int) -> tuple[str, str]:
        place = self._laid.get(index)
        if place is not None:
            return place.first, place.last
        times = [line.event.time for line in self._fresh.get(index, ())]
        return (min(times), max(times)) if times else ("", "")

    def _place_of(self, number: int) -> tuple[int, int]:
        self._settle()
        if not self.start <= number < self.end:
            raise IndexError(number)
        return divmod(number, self.span)

    def _lines_of(self, index: int) -> tuple[LaidLine, ...]:
        found = self._unpacked.get(index)
        if found is None:
            found = unpack(self._read(index, records=False))
            _remember(self._unpacked, index, found, _UNPACKED)
        return found

    def _records_of(self, index: int) -> tuple[bytes, ...]:
        found = self._records.get(index)
        if found is None:
            found = unpack_records(self._read(index, records=True))
            _remember(self._records, index, found, _RECORDS)
        return found

    def _read(self, index: int, *, records: bool) -> bytes:
        place = self._laid.get(index)
        if place is None:
            raise IndexError(index)
        at, size = (place.at + place.lines, place.records) if records else (place.at, place.lines)
        try:
            data = place.segment.read(at, size)
        except OSError as error:
            self.problem = f"older lines cannot be read: {error.strerror}"
            raise IndexError(index) from error
        if len(data) < size:
            self.problem = "older lines cannot be read: their file was cut"
            raise IndexError(index)
        return data

    # -- writing -------------------------------------------------------------------------------

    def extend(self, lines: Iterable[Judged]) -> None:
        """Add lines in their place; the oldest are laid by, and fall out where there is no more room."""
        came = lines if isinstance(lines, list | tuple) else list(lines)
        if not is_in_order(came, self._newest):
            came = by_time(came)
            late = bisect_left(came, self._newest, key=lambda line: line.event.time)
            if late:
                self._put_in(came[:late])
            came = came[late:]
        if came:
            self._newest = came[-1].event.time
            self._add(came)
        self._settle()

    def _put_in(self, late: Sequence[Judged]) -> None:
        """Put late lines among those that are in memory and not about to be packed."""
        lowest = max(self._asked, self.start // self.span)
        index, window = -(-self.end // self.span), deque[Judged]()
        while index > lowest and (not window or window[0].event.time > late[0].event.time):
            index -= 1
            window.extendleft(reversed(self._fresh.get(index, [])))
        oldest = window[0].event.time if window and index == lowest and self.start < index * self.span else ""
        at = index * self.span
        late = [marked(line, self._newest, self.begun, oldest) for line in late]
        lines, places = merged(list(window), late, at)
        for old in range(index, -(-self.end // self.span)):
            self._fresh.pop(old, None)
        self.end = at
        self._add(lines)
        self.moves.add(places)

    def _add(self, came: Sequence[Judged]) -> None:
        at = 0
        while at < len(came):
            index, have = divmod(self.end, self.span)
            part = came[at : at + self.span - have]
            self._fresh.setdefault(index, []).extend(part)
            self.end += len(part)
            at += len(part)
            while self.end // self.span - self._asked > self._most:
                self._lay_by(self._asked)
                self._asked += 1

    def clear(self) -> None:
        """Forget all lines, here and on the disk; numbers begin anew."""
        self._age += 1
        self._forget_all()

    def _lay_by(self, index: int) -> None:
        if self._capacity <= 0:
            self._drop(index)
            return
        if self._worker is None:
            self._worker = threading.Thread(target=_work, args=(self._jobs, self._done), name="spool", daemon=True)
            self._worker.start()
        while self._pending >= _PENDING:
            self._take(self._done.get())
        self._ask(index)

    def _ask(self, index: int) -> None:
        if self._segment is None or self._filled >= _SEGMENT:
            try:
                self._segment, self._filled = _Segment(self._folder), 0
            except OSError as error:
                if self._segment is None:
                    self._drop(index)
                    self._lost_to(error.strerror or str(error))
                    return
        self._filled += 1
        self._pending += 1
        self._jobs.put(_Job(self._age, index, self._fresh[index], self._segment))

    def _settle(self) -> None:
        while True:
            try:
                self._take(self._done.get_nowait())
            except Empty:
                return

    def _take(self, done: _Done) -> None:
        if done.age != self._age:
            return
        self._pending -= 1
        if done.place is None:
            self._failed(done.index, done.error)
            return
        if done.index not in self._fresh:
            return
        self._laid[done.index] = done.place
        del self._fresh[done.index]
        while len(self._laid) > self._capacity:
            self._drop_segment()

    def _failed(self, index: int, why: str) -> None:
        """Make room by dropping the oldest file, else let the lines go: what is newest matters most."""
        if index not in self._fresh:
            return
        self._segment = None
        if not self._freed and self._laid:
            before = len(self._laid)
            self._drop_segment()
            self._freed = before - len(self._laid)
            self._capacity = max(1, len(self._laid))
        if self._freed:
            self._freed -= 1
            self._ask(index)
        else:
            self._drop(index)
        self._lost_to(why)

    def _lost_to(self, why: str) -> None:
        self.problem = f"{why}: lines before the newest {len(self):,} are not kept"

    def _drop_segment(self) -> None:
        """Let the oldest file go, and whatever is older than what was in it."""
        segment = self._laid[min(self._laid)].segment
        newest = max(index for index, place in self._laid.items() if place.segment is segment)
        self._drop(newest)
        if self._segment is segment:
            self._segment = None

    def _drop(self, index: int) -> None:
        """Let a block go, and all that are older."""
        self.start = max(self.start, min(self.end, (index + 1) * self.span))
        known: tuple[dict[int, Any], ...] = (self._fresh, self._laid, self._unpacked, self._records)
        for blocks in known:
            for old in [old for old in blocks if old <= index]:
                del blocks[old]


def _remember(known: OrderedDict[int, Any], index: int, found: object, most: int) -> None:
    known[index] = found
    while len(known) > most:
        known.popitem(last=False)


def _work(jobs: SimpleQueue[_Job], done: SimpleQueue[_Done]) -> None:
    """Pack and write what is asked for, one block after the other."""
    while True:
        job = jobs.get()
        if jobs.qsize() < _PENDING // 2:  # else whoever adds lines, the loop, would soon wait for us
            give_way()
        try:
            packed = pack(job.lines)
            at = job.segment.write(packed.lines + packed.records)
        except Exception as error:  # noqa: BLE001 - whoever adds lines waits for an answer, whatever it is
            why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            done.put(_Done(job.age, job.index, error=why))
            continue
        sizes = len(packed.lines), len(packed.records)
        place = _Place(job.segment, at, *sizes, packed.first, packed.last, packed.folds)
        done.put(_Done(job.age, job.index, place))
        del job, place
