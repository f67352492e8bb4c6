"""Allowed and denied calls over time for each access key and principal, in cells of ten seconds."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import is_denied

CELL = 10
"""Seconds in a cell."""

_KEPT = 720
"""Cells kept of each identity: two hours."""


class Beat:
    """Counters of one identity."""

    __slots__ = ("cells", "denials", "denied", "last_ok")

    def __init__(self) -> None:
        self.cells: dict[int, list[int]] = {}
        self.denied = 0
        self.denials: list[str] = []
        self.last_ok = ""

    def add(self, event: Event) -> None:
        """Count a call."""
        cell = self.cells.setdefault(int(event.at.timestamp()) // CELL, [0, 0])
        if event.error:
            cell[1] += 1
            if is_denied(event.error):
                self.denied += 1
                if len(self.denials) < 5000:
                    self.denials.append(event.time)
        else:
            cell[0] += 1
            self.last_ok = max(self.last_ok, event.time)
        if len(self.cells) > _KEPT * 2:
            for old in sorted(self.cells)[:_KEPT]:
                del self.cells[old]


class Beats:
    """The beats of all identities. A call counts for its access key, its principal, its issuer and its account."""

    def __init__(self) -> None:
        self._beats: dict[str, Beat] = {}

    def add(self, event: Event, account: bool) -> None:
        """Count a call; for the caller's account only where that is a foreign one."""
        names = {event.access_key, event.principal, event.caller_account if account else ""}
        for name in names - {""}:
            self._beats.setdefault(name, Beat()).add(event)

    def _chosen(self, idents: Collection[str]) -> list[Beat]:
        """Access keys count for themselves; a principal counts where none of its keys is among them."""
        return [self._beats[name] for name in self._leaves(idents)]

    def _leaves(self, idents: Collection[str]) -> list[str]:
        known = [name for name in dict.fromkeys(idents) if name in self._beats]
        keys = [name for name in known if name.startswith(("AKIA", "ASIA"))]
        return keys or known

    def pulse(self, idents: Collection[str], now: datetime, seconds: int, cells: int) -> tuple[tuple[int, ...], ...]:
        """Allowed and denied calls in the last cells, oldest first; `seconds` is a multiple of `CELL`."""
        per = max(1, seconds // CELL)
        end = int(now.astimezone(UTC).timestamp()) // CELL
        allowed, denied = [0] * cells, [0] * cells
        for beat in self._chosen(idents):
            for cell, (ok, refused) in beat.cells.items():
                place = cells - 1 - (end - cell) // per
                if 0 <= place < cells:
                    allowed[place] += ok
                    denied[place] += refused
        return tuple(allowed), tuple(denied)

    def last_ok(self, idents: Collection[str]) -> str:
        """When the last call of theirs succeeded, or ""."""
        return max((beat.last_ok for beat in self._chosen(idents)), default="")

    def first_denied_after(self, idents: Collection[str], since: str) -> str:
        """When the first call of theirs was denied after a moment, or ""."""
        times = [time for beat in self._chosen(idents) for time in beat.denials if time >= since]
        return min(times, default="")

    def denied(self, idents: Collection[str]) -> int:
        """How many calls of theirs were denied."""
        return sum(beat.denied for beat in self._chosen(idents))
