"""The log of the case: every record, newest last."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.style import Style
from textual.widget import Widget

from s3ir_tui.room import LogLine
from s3ir_tui.text import fit
from screens.base import CaseScreen
from screens.document import DocumentScreen
from screens.keys import bindings
from screens.state import State
from screens.widgets.lines import Spans
from screens.widgets.palette import AMBER, BOLD, DIM, PLAIN
from screens.widgets.rows import Rows

_DEEDS = ("armed", "plan", "intent", "outcome", "end")
_SEEN = ("event", "left-out", "bucket", "principal", "instance")
"""Kinds of records that tell what was seen rather than what was done: they are many."""

_AGAIN_SECONDS = 5.0


class LogList(Rows):
    """Records, one a line."""

    def __init__(self) -> None:
        super().__init__(id="records")
        self._all: tuple[LogLine, ...] = ()
        self._shown: tuple[LogLine, ...] = ()
        self._filter = ""
        self.read = False
        self.fold = True

    def show(self, lines: tuple[LogLine, ...]) -> None:
        """Show records; the cursor goes to the newest until it is moved."""
        self._all, self.read = lines, True
        self._arrange()

    def narrow(self, text: str) -> None:
        """Show only records that contain a text."""
        self._filter = text.casefold()
        self._arrange()

    def current(self) -> LogLine | None:
        """The record under the cursor."""
        return self._shown[self.cursor] if self.cursor < len(self._shown) else None

    def _arrange(self) -> None:
        self._shown = tuple(line for line in self._all if self._fits(line))
        if not self.touched:
            self.cursor = max(0, len(self._shown) - 1)
        self.rows_changed()

    def _fits(self, line: LogLine) -> bool:
        if self._filter:
            return self._filter in _haystack(line)
        return not self.fold or line.problem or line.kind not in _SEEN

    def set_fold(self, on: bool) -> None:
        """Leave out what was only seen, or show it too."""
        self.fold = on
        self._arrange()

    def count(self) -> int:
        """How many there are."""
        return len(self._shown)

    def empty(self) -> str:
        """What is said where there are none."""
        return "nothing matches the filter" if self._filter else "nothing is recorded" if self.read else "reading …"

    def head(self, cells: int) -> Spans:
        """The line above the records."""
        problems = sum(line.problem for line in self._all)
        words = f"─ Log ─ {len(self._shown)} of {len(self._all)} records"
        words += f", {problems} to look at" if problems else ""
        words += ", S shows what was only seen" if self.fold and not self._filter else ""
        words += f" ─ filter /{self._filter} " if self._filter else " "
        return [(words, BOLD), ("─" * max(0, cells - len(words)), DIM)]

    def spans(self, index: int, cells: int) -> Spans:
        """One record."""
        line = self._shown[index]
        wide = cells >= 110
        spans: list[tuple[str, Style]] = [
            ("! " if line.problem else "  ", AMBER),
            (f"{line.at[5:10]} {line.at[11:19]} " if wide else f"{line.at[11:19]} ", DIM),
            (fit(line.ref, 13) + " ", DIM),
            (fit(line.who, 20 if wide else 8) + " ", PLAIN),
            (fit(line.kind, 14 if wide else 8) + " ", BOLD if line.kind in _DEEDS else PLAIN),
            (line.text, AMBER if line.problem else PLAIN),
        ]
        return spans


def _haystack(line: LogLine) -> str:
    return f"{line.ref} {line.at} {line.who} {line.kind} {line.text}".casefold()


class LogScreen(CaseScreen):
    """The log of the case."""

    PLACES = ("log", "list", "all")
    BINDINGS = bindings("log")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._head = ""
        self._read_at = 0.0

    def body(self) -> Iterable[Widget]:
        """The records."""
        yield LogList()

    def on_mount(self) -> None:
        """Read the log."""
        self.query_one(LogList).focus()
        self.action_reload()

    def refill(self) -> None:
        """Say where there is more than is shown."""
        news = self.state.snapshot.status.head != self._head and self.query_one(LogList).read
        if news and time.monotonic() - self._read_at > _AGAIN_SECONDS:
            self._read("")

    def action_reload(self) -> None:
        """Read the log again."""
        self._read("reading the log")

    def _read(self, words: str) -> None:
        self._head, self._read_at = self.state.snapshot.status.head, time.monotonic()
        self.fetch(words, self.state.room.log, self.query_one(LogList).show)

    def action_fold(self) -> None:
        """Show what was only seen too, or leave it out again."""
        listed = self.query_one(LogList)
        listed.set_fold(not listed.fold)

    def action_filter(self) -> None:
        """Show only what contains a text."""
        self.ask("filter", lambda _text: None, live=self.query_one(LogList).narrow)

    def action_reconcile(self) -> None:
        """Look up in AWS what became of calls whose outcome is not recorded."""
        desk = self.state.desk
        if desk is None:
            self.can_act()
            return
        self.fetch("looking up unknown outcomes in AWS", desk.reconcile, lambda _found: self.action_reload())

    def on_rows_chosen(self, _: Rows.Chosen) -> None:
        """Show the record in full."""
        line = self.query_one(LogList).current()
        if line is not None:
            head = f"{line.ref}  {line.at}  {line.who}  {line.kind}"
            self.app.push_screen(
                DocumentScreen(self.state, f"Record {line.ref}", [(head, BOLD), ("", PLAIN), (line.text, PLAIN)])
            )
