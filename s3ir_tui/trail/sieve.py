"""Which of very many lines are shown: looked at in slices, the newest first, so that no key ever waits."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from s3ir_tui.trail.event import Judged
from s3ir_tui.trail.event_order import Moves, number_now, numbers_now
from s3ir_tui.trail.fields import Line

Test = Callable[[Line], bool]

_BACKLOG = 20_000


class Lines(Protocol):
    """Lines numbered from 0 for ever; the newest are kept.

    Attributes:
        start: Number of the oldest line that is kept.
        end: Number that the next line will get.
        span: Lines that are kept together.
        problem: Why fewer are kept than there might be, or "".
        moves: Where late lines were put in: those behind them got other numbers.
        begun: When lines began to come as they happen, as `Event.time` writes it; older ones are history, not late.
    """

    start: int
    end: int
    span: int
    problem: str
    moves: Moves
    begun: str

    def __getitem__(self, number: int) -> Judged:
        """A line in full; `IndexError` where it is not kept."""

    def look(self, number: int) -> Line:
        """A line, without its record where that would have to be fetched; `IndexError` where it is not kept."""

    def block(self, number: int, needles: Sequence[bytes] = (), *, records: bool = False) -> tuple[int, Sequence[Line]]:
        """The lines that are kept together with one.

        Args:
            number: The line.
            needles: Texts, lower case: where the block surely lacks one, it may be given as empty.
            records: Whether the lines must have their records.

        Returns:
            The number at which the block begins, and its lines; none where they are not kept.
        """

    def near(self, when: str, test: Test | None = None) -> int:
        """The number of the line that is nearest to a time, the first one at or after it where there is one.

        Args:
            when: The time, as `Event.time` writes it.
            test: Which lines are meant; where none of them is near, any.
        """

    def extend(self, lines: Iterable[Judged]) -> None:
        """Add lines: at the end, or where they belong by their time."""

    def clear(self) -> None:
        """Forget all lines; numbers begin anew."""


class Sieve:
    """The numbers of the lines that pass a test, in order.

    Args:
        lines: The lines.

    Attributes:
        low: Lines from this number on have been looked at.
        begun: How often it began anew: what was counted meanwhile is counted again.
        put_in: Numbers of the lines that were put among others before the last `take`, sorted.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._test: Test | None = None
        self._needles: Sequence[bytes] = ()
        self._records = False
        self._older = array("q")  # descending: found by looking back from where it began
        self._newer = array("q")  # ascending: came since
        self._gone = 0
        self.begun = 0
        self.put_in: Sequence[int] = ()
        self._version = lines.moves.version
        self.low = self._high = lines.end

    def begin(self, test: Test | None, needles: Sequence[bytes] = (), *, records: bool = False) -> None:
        """Begin anew at the newest line.

        Args:
            test: Which lines to keep; all where it is `None`.
            needles: Texts of which every line that passes holds each, lower case.
            records: Whether the test looks into the records.
        """
        self._test, self._needles, self._records = test, needles, records
        self._older, self._newer, self._gone = array("q"), array("q"), 0
        self.begun += 1
        self.put_in, self._version = (), self._lines.moves.version
        self.low = self._high = self._lines.end

    def __len__(self) -> int:
        return len(self._older) + len(self._newer) - self._gone

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(index)
        older = len(self._older)
        return self._older[older - 1 - index] if index < older else self._newer[index - older + self._gone]

    @property
    def done(self) -> bool:
        """Whether every line was looked at."""
        return self.low <= self._lines.start

    @property
    def searched(self) -> float:
        """The part of the lines that was looked at, 0 to 1."""
        lines = self._lines
        return 1.0 if self.done else (lines.end - self.low) / (lines.end - lines.start)

    def index_of(self, number: int) -> int:
        """Where a line stands among those that passed; where it would stand if it did not."""
        return bisect_left(self, number)

    def take(self) -> tuple[int, int]:
        """Look at the lines that came, and forget those that are no longer kept; with very many it begins anew.

        Returns:
            How many passed and now stand at the end; how many fell out at the beginning. Where late lines were put
            among others, `put_in` says so, and `number_now` what became of a number.
        """
        lines = self._lines
        put_in = lines.moves.since(self._version)
        if put_in is None or lines.end - self._high > _BACKLOG or lines.end < self._high:
            dropped = len(self)
            self.begin(self._test, self._needles, records=self._records)
            return 0, dropped
        self.put_in, self._version = put_in, lines.moves.version
        if put_in:
            self._make_room(put_in)
        dropped = self._forget(lines.start)
        before = len(self._newer)
        while self._high < lines.end:
            first, block = lines.block(self._high, self._needles, records=self._records)
            self._newer.extend(self._passing(first, block, self._high, lines.end))
            self._high = min(lines.end, first + lines.span)
        return len(self._newer) - before, dropped

    def step(self, seconds: float) -> int:
        """Look at older lines for so long, at most one block longer.

        Returns:
            How many passed and now stand at the beginning.
        """
        lines, before = self._lines, len(self._older)
        until = time.perf_counter() + seconds
        while self.low > lines.start:
            first, block = lines.block(self.low - 1, self._needles, records=self._records)
            found = self._passing(first, block, max(first, lines.start), self.low)
            self._older.extend(reversed(found))
            self.low = max(first, lines.start)
            if time.perf_counter() >= until:
                break
        return len(self._older) - before

    def _make_room(self, put_in: Sequence[int]) -> None:
        """Give the numbers that lines have now to those behind lines that were put in, and look at the latter."""
        low = number_now(self.low - 1, put_in) + 1 if self.low else 0
        high = number_now(self._high - 1, put_in) + 1 if self._high > self.low else low
        from_here = put_in[0]
        behind = bisect_right(self._older, -from_here, key=lambda number: -number)
        kept = self._newer[self._gone :]
        place = 0 if behind else bisect_left(kept, from_here)
        moved = [*reversed(self._older[:behind]), *kept[place:]]
        came = [number for number in put_in if low <= number < high and self._passes(number)]
        self._older = self._older[behind:]
        self._newer, self._gone = array("q", [*kept[:place], *sorted([*numbers_now(moved, put_in), *came])]), 0
        self.low, self._high = low, high

    def _passes(self, number: int) -> bool:
        if self._test is None:
            return True
        first, block = self._lines.block(number, self._needles, records=self._records)
        return number - first < len(block) and self._test(block[number - first])

    def _passing(self, first: int, block: Sequence[Line], low: int, high: int) -> list[int]:
        part = block[low - first : high - first] if low > first or high - first < len(block) else block
        low = max(low, first)
        if self._test is None:
            return list(range(low, low + len(part)))
        test = self._test
        return [number for number, line in enumerate(part, low) if test(line)]

    def _forget(self, start: int) -> int:
        before = len(self)
        while self._older and self._older[-1] < start:
            self._older.pop()
        if not self._older:
            while self._gone < len(self._newer) and self._newer[self._gone] < start:
                self._gone += 1
            if self._gone > 65_536:
                self._newer, self._gone = self._newer[self._gone :], 0
        self.low, self._high = max(self.low, start), max(self._high, start)
        return before - len(self)
