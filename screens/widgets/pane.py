"""A pane of buckets, principals or instances: rows keep their places, and what is new is counted."""

from __future__ import annotations

from rich.style import Style

from s3ir_tui.model import State
from s3ir_tui.room import Kind, Row
from s3ir_tui.text import fit, width
from screens.widgets.lines import Spans, ruled, spread
from screens.widgets.palette import BOLD, DIM, PLAIN, severity_style, state_mark
from screens.widgets.pulse import bars
from screens.widgets.rows import Rows

TITLES: dict[Kind, str] = {"bucket": "1 Buckets", "principal": "2 Principals", "instance": "3 Instances"}
_PULSE = 12
_STATE = max(width(state_mark(state)[0]) for state in State)
"""Cells of the longest state word: it is the answer to the first question, and never cut."""


class Pane(Rows):
    """Rows of one kind.

    Until the responder touches it, the order is the room's (worst first) and the cursor stays on the worst; after
    that a row keeps its place, new ones come at the end, and `sort` brings the room's order back.

    Args:
        kind: What it lists.

    Attributes:
        nothing: Why there are none, where that is not because there are none.
    """

    def __init__(self, kind: Kind) -> None:
        super().__init__(id=f"pane-{kind}", classes="pane")
        self.kind = kind
        self.filter = ""
        self._given: tuple[Row, ...] = ()
        self._rows: tuple[Row, ...] = ()
        self._all: dict[str, Row] = {}
        self._order: list[str] = []
        self._news = 0
        self.nothing = ""

    # -- rows ----------------------------------------------------------------------------------

    def show(self, rows: tuple[Row, ...]) -> None:
        """Show rows as the room gives them, worst first; nothing is done for those that it showed last."""
        if rows is self._given:
            return
        self._given = rows
        self._all = {row.id: row for row in rows}
        if self.touched:
            known = set(self._order)
            fresh = [row.id for row in rows if row.id not in known]
            self._news += len(fresh)
            self._order = [ident for ident in self._order if ident in self._all] + fresh
        else:
            self._order = [row.id for row in rows]
        self._arrange()

    def sort(self) -> None:
        """Bring the room's order back: worst first."""
        self._news = 0
        self._order = list(self._all)
        self._arrange()

    def narrow(self, text: str) -> None:
        """Show only rows that contain a text; all of them where it is empty."""
        self.filter = text.casefold()
        self._arrange()

    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def go_to(self, ident: str) -> bool:
        """Put the cursor on a row; tells whether it is there."""
        for index, row in enumerate(self._rows):
            if row.id == ident:
                self.move_to(index)
                return True
        return False

    def _arrange(self) -> None:
        under = self.current()
        old = self._rows
        self._rows = tuple(row for row in (self._all[ident] for ident in self._order) if self._fits(row))
        if self.touched and under is not None:
            place = next((index for index, row in enumerate(self._rows) if row.id == under.id), None)
            if place is not None:
                self.cursor = place
        if [row.id for row in old] != [row.id for row in self._rows]:
            self.rows_changed()
            return
        for index, (before, after) in enumerate(zip(old, self._rows, strict=True)):
            if before != after:
                self.refresh_row(index)
        self.refresh_head()

    def _fits(self, row: Row) -> bool:
        return not self.filter or self.filter in " ".join((row.label, row.id, *row.facts, *row.reasons)).casefold()

    # -- painting ------------------------------------------------------------------------------

    def count(self) -> int:
        """How many rows are shown."""
        return len(self._rows)

    def empty(self) -> str:
        """What is said where there are none."""
        if self.filter:
            return "nothing matches the filter"
        return self.nothing or f"no {self.kind}s known yet"

    def title(self) -> str:
        """`2 Principals 3`, for the tabs."""
        return f"{TITLES[self.kind]} {len(self._all)}"

    def head(self, cells: int) -> Spans:
        """The line above the rows."""
        parts = f"{len(self._rows)} of {len(self._all)}" if self.filter else f"{len(self._all)}"
        suspects = sum(row.suspect for row in self._all.values())
        if suspects:
            parts += f", {suspects} suspect" + ("s" if suspects > 1 else "")
        left = [("─ ", PLAIN), (TITLES[self.kind], PLAIN), (f" ─ {parts} ", PLAIN)]
        if self.filter:
            left.append((f"─ filter /{self.filter} ", BOLD))
        right = [(f" +{self._news} new, o sorts ", BOLD)] if self._news else []
        return ruled(left, right, cells)

    def spans(self, index: int, cells: int) -> Spans:
        """One row."""
        row = self._rows[index]
        label = max(14, min(30, cells // 3 if cells < 70 else cells // 4 + 2))
        left: list[tuple[str, Style]] = [
            ("* " if row.marked else "  ", BOLD),
            (fit(row.label, label), BOLD if row.suspect else PLAIN),
            (f" {row.severity.short:<4}", severity_style(row.severity)),
        ]
        word, style = state_mark(row.state)
        if self.kind == "principal" or word:
            left.append((f" {word:<{_STATE}}", style))
        left += [("  ", PLAIN), (", ".join(row.facts) or "-", PLAIN if row.suspect else DIM)]
        pulse = (
            bars(row.pulse.allowed, _PULSE if cells >= 100 else 8 if cells >= 70 else 6)
            if any(row.pulse.allowed)
            else ""
        )
        return spread(left, [(pulse, BOLD)] if pulse else [], cells)
