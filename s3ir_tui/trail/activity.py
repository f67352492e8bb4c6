"""How often each credential got through and was turned away, in cells of ten seconds over the last hour."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from s3ir_tui.trail.alike import Alike, Count
from s3ir_tui.trail.arns import account_of, instance_of
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import got_through, is_denied

CELL_SECONDS = 10
KEPT = timedelta(hours=1)
MOST_UNITS = 20_000

_PRUNE_ABOVE = 720


class Cell(msgspec.Struct, gc=False):
    """Ten seconds of one credential. Times are `YYYY-MM-DDTHH:MM:SSZ`, or ""."""

    allowed: int = 0
    denied: int = 0
    first_denied: str = ""
    last_denied: str = ""
    last_ok: str = ""


class Unit:
    """One principal with one access key."""

    __slots__ = ("allowed", "cells", "denied", "last_ok")

    def __init__(self) -> None:
        self.allowed = 0
        self.denied = 0
        self.last_ok = ""
        # The key is the time without its last digit: ten seconds, sorted, without parsing anything.
        self.cells: dict[str, Cell] = {}

    def add(self, some: Alike) -> None:
        """Count alike calls."""
        error = some.event.error
        through = not error or got_through(error)
        if not through and not is_denied(error):
            return  # throttled, malformed: says nothing of what the caller may do
        if through:
            self.allowed += some.count
            self.last_ok = max(self.last_ok, some.last)
        else:
            self.denied += some.count
        for at, count in some.times.items():
            self._count(at, count, through=through)

    def _count(self, at: str, count: int, *, through: bool) -> None:
        key = at[:18]
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = Cell()
            if len(self.cells) > _PRUNE_ABOVE:
                self._prune()
        if through:
            cell.allowed += count
            if at > cell.last_ok:
                cell.last_ok = at
        else:
            cell.denied += count
            cell.first_denied = min(cell.first_denied or at, at)
            cell.last_denied = max(cell.last_denied, at)

    def counter(self, event: Event) -> Count:
        """Counts more calls like one."""
        error = event.error
        through = not error or got_through(error)
        tells = through or is_denied(error)

        def count(at: str, _size: int) -> None:
            if not tells:
                return
            if through:
                self.allowed += 1
                if at > self.last_ok:
                    self.last_ok = at
            else:
                self.denied += 1
            self._count(at, 1, through=through)

        return count

    def _prune(self) -> None:
        newest = max(self.cells)
        oldest = _cell_key(_moment(newest) - KEPT)
        self.cells = {key: cell for key, cell in self.cells.items() if key >= oldest}


class Activity:
    """Calls of every credential, found again by any name: principal, access key, role or user, account, instance."""

    def __init__(self, most: int = MOST_UNITS) -> None:
        self._most = most
        self._units: dict[tuple[str, str], Unit] = {}
        self._by_ident: dict[str, list[Unit]] = {}
        self.capped = False

    def add(self, some: Alike) -> None:
        """Count alike calls."""
        self._unit(some.event).add(some)

    def counter(self, event: Event) -> Count:
        """Counts more calls like one."""
        return self._unit(event).counter(event)

    def _unit(self, event: Event) -> Unit:
        key = "" if event.invoked_by else event.access_key
        return self._units.get((event.principal, key)) or self._new(event, key)

    def _new(self, event: Event, key: str) -> Unit:
        named = (event.principal, key)
        if len(self._units) >= self._most:
            self.capped = True
            named = (event.issuer or event.kind, "")
            if named in self._units:
                return self._units[named]
        unit = self._units[named] = Unit()
        idents = {*named, event.issuer, instance_of(event.principal)}
        if event.kind == "AWSAccount" or (event.caller_account and event.caller_account != event.account):
            idents.add(event.caller_account or account_of(event.principal))
        for ident in idents:
            if ident:
                self._by_ident.setdefault(ident, []).append(unit)
        return unit

    def _of(self, idents: Iterable[str]) -> Iterator[Unit]:
        seen: set[int] = set()
        for ident in idents:
            for unit in self._by_ident.get(ident, ()):
                if id(unit) not in seen:
                    seen.add(id(unit))
                    yield unit

    def last_ok(self, idents: Collection[str]) -> str:
        """Time of the last call that got through, or ""."""
        return max((unit.last_ok for unit in self._of(idents)), default="")

    def allowed(self, idents: Collection[str]) -> int:
        """Calls that got through, ever."""
        return sum(unit.allowed for unit in self._of(idents))

    def denied(self, idents: Collection[str]) -> int:
        """Calls that were turned away, ever."""
        return sum(unit.denied for unit in self._of(idents))

    def first_denied_after(self, idents: Collection[str], since: str) -> str:
        """Time of the first call turned away at or after `since`, or "" (within the last hour of each credential)."""
        found = ""
        for cell in self._cells_after(idents, since):
            at = cell.first_denied if cell.first_denied >= since else cell.last_denied
            if at >= since and at:
                found = min(found or at, at)
        return found

    def allowed_after(self, idents: Collection[str], since: str) -> int:
        """Calls that got through later than `since`; of the cell that `since` falls into, one at least."""
        count = 0
        for cell in self._cells_after(idents, since):
            if cell.last_ok > since:
                count += cell.allowed if not _in_cell(cell, since) else 1
        return count

    def denied_after(self, idents: Collection[str], since: str) -> int:
        """Calls turned away later than `since`, as `allowed_after` counts."""
        count = 0
        for cell in self._cells_after(idents, since):
            if cell.last_denied > since:
                count += cell.denied if cell.first_denied > since else 1
        return count

    def _cells_after(self, idents: Collection[str], since: str) -> Iterator[Cell]:
        start = since[:18]
        for unit in self._of(idents):
            for key, cell in unit.cells.items():
                if key >= start:
                    yield cell

    def pulse(
        self, idents: Collection[str], now: datetime, cell_seconds: int, cells: int
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Calls per cell up to now, oldest first: let through, and turned away.

        Args:
            idents: Whose.
            now: End of the newest cell (UTC).
            cell_seconds: Length of a cell; a multiple of ten.
            cells: How many.
        """
        named = _cells_until(int(now.timestamp()) // cell_seconds + 1, cell_seconds, cells)
        allowed, denied = [0] * cells, [0] * cells
        for unit in self._of(idents):
            # Of an hour of cells the last two minutes are asked for, again and again.
            for key in named if len(named) < len(unit.cells) else unit.cells:
                at, cell = named.get(key), unit.cells.get(key)
                if at is not None and cell is not None:
                    allowed[at] += cell.allowed
                    denied[at] += cell.denied
        return tuple(allowed), tuple(denied)


@lru_cache(maxsize=16)
def _cells_until(end: int, cell_seconds: int, cells: int) -> Mapping[str, int]:
    """The keys of the ten seconds in some cells, with the number of the cell; `end` counts cells since the epoch."""
    start = (end - cells) * cell_seconds
    moments = range(start - start % CELL_SECONDS, end * cell_seconds, CELL_SECONDS)
    return {
        _cell_key(datetime.fromtimestamp(moment, UTC)): (moment - start) // cell_seconds
        for moment in moments
        if moment >= start
    }


def _in_cell(cell: Cell, since: str) -> bool:
    return cell.last_ok[:18] == since[:18]


def _cell_key(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")[:18]


def _moment(key: str) -> datetime:
    return datetime.fromisoformat(key + "0+00:00")
