"""What of Event history is to be read when: passes through time, from the newest to the oldest, in parts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

OVERLAP = timedelta(minutes=15)
"""Events come "typically within 15 minutes" (CloudTrail User Guide), in no order: each look reaches back so far."""

LATE = timedelta(hours=2)
"""CloudTrail promises no bound: so far back is looked again, now and then."""

Kind = Literal["look", "deep", "late", "history"]

_ORDER: dict[str, int] = {"look": 0, "deep": 1, "history": 2, "late": 3}
_EVERY = {"deep": 60.0, "late": 900.0}
_A_PAGE = {"deep": 4.0, "late": 12.0}
"""Seconds that a page of such a pass puts off the next one: a busy Region is not asked for the same all the time."""

_MOST = 50


@dataclass(slots=True)
class Pass:
    """A time range, read from its end back to its beginning.

    Attributes:
        start: Its beginning.
        end: Where what is still to be read ends.
        begun: When it was planned: it shows what Event history had then.
        writes: Whether only calls that change something are read.
        kind: What for.
        pages: Pages that were read.
        cut: Whether it was begun and is still to be read on.
        partial: Whether another pass reads the rest of what a look has to show.
    """

    start: datetime
    end: datetime
    begun: datetime
    writes: bool = False
    kind: Kind = "history"
    pages: int = 0
    cut: bool = False
    partial: bool = False

    @property
    def proves(self) -> bool:
        """Whether, read to its beginning, it shows all that Event history had."""
        return not self.writes and not self.partial and self.kind in ("look", "deep")

    def params(self, page: int, token: str) -> dict[str, Any]:
        """Parameters of LookupEvents."""
        found: dict[str, Any] = {"StartTime": min(self.start, self.end), "EndTime": self.end, "MaxResults": page}
        if self.writes:
            found["LookupAttributes"] = [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}]
        if token:
            found["NextToken"] = token
        return found

    def cut_at(self, end: datetime, pages: int, *, keep: bool) -> bool:
        """Stop here, to be read on later or not at all; not possible where nothing would be left out."""
        if end >= self.end and keep:
            return False
        self.end, self.cut = min(end, self.end), keep
        self.pages += pages
        return True


class Schedule:
    """The passes that wait, and when whole ones are due again.

    Args:
        since: How far back is looked at all.
    """

    def __init__(self, since: datetime) -> None:
        self._since = since
        self._passes: list[Pass] = []
        self._due: dict[tuple[Kind, bool], datetime] = {}
        self._taken_over: tuple[datetime | None, tuple[Pass, ...]] | None = None

    def begin(self, now: datetime, read_from: datetime, *, writes_first: bool) -> None:
        """Plan history, and whole looks from now on.

        Args:
            now: The time.
            read_from: What is newer than this is read already, or waits.
            writes_first: Whether calls that change something are read before all.
        """
        for kind in ("deep", "late"):
            for writes in (True, False):
                self._due[kind, writes] = now + timedelta(seconds=_EVERY[kind])
        if self._taken_over is not None:
            complete_to, backlog = self._taken_over
            self._passes += backlog
            if complete_to is not None:
                # Whoever read before may have been late by as much as CloudTrail is.
                start = max(self._since, min(read_from, complete_to - OVERLAP))
                self._history(start, read_from, now, writes_first=writes_first)
                return
            if backlog:
                return
        self._history(self._since, read_from, now, writes_first=writes_first)

    def _history(self, start: datetime, end: datetime, now: datetime, *, writes_first: bool) -> None:
        if start < end:
            self._passes += [Pass(start, end, now, writes=True)] if writes_first else []
            self._passes.append(Pass(start, end, now))

    def resume(self, complete_to: datetime | None, backlog: Iterable[Pass]) -> None:
        """Go on with what another one left."""
        self._taken_over = (complete_to, tuple(backlog))

    def put(self, some: Pass) -> None:
        """Read on with a look that was cut: down to where one that was cut before goes on."""
        others = [item for item in self._passes if item.kind == "look" and item.writes == some.writes]
        for other in others:
            if some.start < other.end:
                some.start, some.partial = min(other.end, some.end), True
        if len(others) >= _MOST:  # more comes than can be read: nothing is dropped, old gaps are read as one
            one, other = sorted(others, key=lambda item: item.end)[:2]
            one.start, one.end, one.partial = min(one.start, other.start), max(one.end, other.end), True
            self._passes = [item for item in self._passes if item is not other]
        self._passes.append(some)

    def next(self, now: datetime) -> Pass | None:
        """What to read now: looks that were cut first, writes before all, what is newest first."""
        for (kind, writes), due in self._due.items():
            if now >= due and not any(item.kind == kind and item.writes == writes for item in self._passes):
                back = OVERLAP if kind == "deep" else LATE
                self._passes.append(Pass(max(self._since, now - back), now, now, writes, kind))
        if not self._passes:
            return None
        return min(self._passes, key=lambda item: (_ORDER[item.kind], not item.writes, -item.end.timestamp()))

    def done(self, some: Pass) -> None:
        """A pass was read to its beginning."""
        self._passes = [item for item in self._passes if item is not some]
        if some.kind in _EVERY:
            seconds = max(_EVERY[some.kind], some.pages * _A_PAGE[some.kind])
            self._due[some.kind, some.writes] = some.begun + timedelta(seconds=seconds)
        elif some.kind == "look" and not some.cut and ("deep", some.writes) in self._due and some.proves:
            # All that a deep pass would show was just seen, and with it the writes.
            for writes in (True, False):
                self._due["deep", writes] = some.begun + timedelta(seconds=_EVERY["deep"])

    @property
    def waiting(self) -> bool:
        """Whether anything is to be read at once."""
        return bool(self._passes)

    @property
    def backlog(self) -> Sequence[Pass]:
        """What was never read yet."""
        return [item for item in self._passes if item.kind in ("look", "history")]

    def __iter__(self) -> Iterator[Pass]:
        return iter(self._passes)
