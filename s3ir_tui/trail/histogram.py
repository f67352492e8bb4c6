"""How many calls were allowed, denied or failed over time, in cells that grow coarser as a trail grows longer."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import got_through, is_denied

Outcome = Literal["allowed", "denied", "failed"]

MOST_CELLS = 20_000
"""Cells that are kept at one resolution: two weeks of minutes, four months of ten minutes, two years of hours."""

# Times are `YYYY-MM-DDTHH:MM:SSZ`: the beginning of the text is the cell, sorted as times are, and nothing is parsed.
_PREFIXES = ((16, 60), (15, 600), (13, 3600), (10, 86_400), (7, 31 * 86_400), (4, 366 * 86_400))
_START = "0000-01-01T00:00:00+00:00"
_Three = tuple[int, int, int]
_NONE: _Three = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Cell:
    """The calls of a span of time; the three numbers are never added up.

    Attributes:
        start: When it begins (UTC).
        end: When the next one begins.
        allowed: Calls that got through.
        denied: Calls that were turned away.
        failed: Calls that were not served for another reason: throttled, malformed.
    """

    start: datetime
    end: datetime
    allowed: int = 0
    denied: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """A histogram at one moment, immutable.

    Attributes:
        seconds: Length of its finest cells; of months and years, the longest.
        first: Time of the first call, or "".
        last: Time of the last call, or "".
        allowed: Calls that got through, in all.
        denied: Calls that were turned away, in all.
        failed: Calls that were not served for another reason, in all.
        starts: Where each finest cell begins, as the beginning of its time, sorted.
        counts: Allowed, denied and failed calls of each.
    """

    seconds: int = 60
    first: str = ""
    last: str = ""
    allowed: int = 0
    denied: int = 0
    failed: int = 0
    starts: tuple[str, ...] = ()
    counts: tuple[_Three, ...] = ()

    def cells(self, start: datetime, end: datetime, n: int) -> tuple[Cell, ...]:
        """The calls between two moments in `n` cells of equal length, oldest first.

        A count that is kept for a longer span than a cell stands in the cell in which that span begins.

        Args:
            start: When the first cell begins.
            end: When the last cell ends.
            n: How many cells.
        """
        if n <= 0 or end <= start:
            return ()
        step = (end - start) / n
        sums = [[0, 0, 0] for _ in range(n)]
        length = len(self.starts[0]) if self.starts else 0
        for index in range(bisect_left(self.starts, _text(start)[:length]), len(self.starts)):
            moment = _moment(self.starts[index])
            if moment is None or moment < start:
                continue
            if moment >= end:
                break
            into = sums[min(n - 1, int((moment - start) / step))]
            for place, count in enumerate(self.counts[index]):
                into[place] += count
        return tuple(Cell(start + step * place, start + step * (place + 1), *sums[place]) for place in range(n))


class Histogram:
    """Counts calls by minute; beyond 20,000 minutes by ten minutes, then by hours, days, months and years.

    Args:
        most: How many cells are kept.
    """

    def __init__(self, most: int = MOST_CELLS) -> None:
        self._most = most
        self._level = 0
        self._cells: dict[str, _Three] = {}
        self._order: tuple[str, ...] = ()
        self._totals = _NONE
        self._first = self._last = ""
        self._frozen: Counts | None = Counts()

    def add(self, time: str, outcome: Outcome, count: int = 1) -> None:
        """Count calls.

        Args:
            time: `YYYY-MM-DDTHH:MM:SSZ`.
            outcome: How they ended.
            count: How many.
        """
        more = (count, 0, 0) if outcome == "allowed" else (0, count, 0) if outcome == "denied" else (0, 0, count)
        key = time[: _PREFIXES[self._level][0]]
        self._cells[key] = _sum(self._cells.get(key, _NONE), more)
        self._totals = _sum(self._totals, more)
        while len(self._cells) > self._most and self._level < len(_PREFIXES) - 1:
            self._merge()
        if not self._first or time < self._first:
            self._first = time
        if time > self._last:
            self._last = time
        self._frozen = None

    def counts(self) -> Counts:
        """The histogram now; the same object as before where nothing was counted meanwhile."""
        if self._frozen is None:
            if len(self._order) != len(self._cells):
                self._order = tuple(sorted(self._cells))
            counts = tuple(map(self._cells.__getitem__, self._order))
            seconds = _PREFIXES[self._level][1]
            self._frozen = Counts(seconds, self._first, self._last, *self._totals, self._order, counts)
        return self._frozen

    def cells(self, start: datetime, end: datetime, n: int) -> tuple[Cell, ...]:
        """The calls between two moments in `n` cells (see `Counts.cells`)."""
        return self.counts().cells(start, end, n)

    def _merge(self) -> None:
        """Go on with cells of the next length."""
        self._level += 1
        length = _PREFIXES[self._level][0]
        merged: dict[str, _Three] = {}
        for key, cell in self._cells.items():
            merged[key[:length]] = _sum(merged.get(key[:length], _NONE), cell)
        self._cells, self._order = merged, ()


def outcome_of(event: Event) -> Outcome:
    """How a call ended for its caller: a 404 for a key is an answer, and so got through."""
    if got_through(event.error):
        return "allowed"
    return "denied" if is_denied(event.error) else "failed"


def _sum(one: _Three, other: _Three) -> _Three:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _moment(key: str) -> datetime | None:
    """When a cell begins; `None` for what is no time."""
    try:
        return datetime.fromisoformat(key + _START[len(key) :])
    except ValueError:
        return None
