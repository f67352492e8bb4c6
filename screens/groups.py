"""The tail by principal: one line for each, with what it did; from here its lines are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.widget import Widget

from s3ir_tui.text import clean, fit, short_arn
from s3ir_tui.trail.complete import term_of
from s3ir_tui.trail.fields import Line
from s3ir_tui.trail.grouped import OTHERS, Group, Groups
from s3ir_tui.trail.sieve import Sieve
from screens.base import CaseScreen
from screens.keys import bindings
from screens.later import later
from screens.state import State
from screens.widgets.lines import Spans, ruled
from screens.widgets.palette import BOLD, DIM, PLAIN, RED, severity_style
from screens.widgets.rows import Rows

_TICK = 0.25
_SLICE = 0.006
_PAUSE = 0.002


class GroupRows(Rows):
    """One line for each principal. Rows keep their places once the responder moved.

    Attributes:
        filter: The filter of the tail, for the head.
        searched: The part of the lines that was counted, 0 to 1.
    """

    def __init__(self, filter_text: str) -> None:
        super().__init__(id="groups")
        self._order: list[Group] = []
        self.filter = filter_text
        self.searched = 0.0

    def show(self, groups: Groups, searched: float) -> None:
        """Show groups; the worst first until the responder moves, new ones then at the end."""
        self.searched = searched
        found = groups.worst_first()
        if self.touched:
            known = {id(group) for group in self._order}
            self._order += [group for group in found if id(group) not in known]
        else:
            self._order = found
        self.rows_changed()

    def sort(self) -> None:
        """Worst first again, the cursor on the line where it stands."""
        self.touched = False

    def current(self) -> Group | None:
        """The group under the cursor."""
        return self._order[self.cursor] if self.cursor < len(self._order) else None

    def count(self) -> int:
        """How many principals there are."""
        return len(self._order)

    def empty(self) -> str:
        """What is said where there are none."""
        return "nothing is shown in the tail" if self.searched >= 1 else "counting …"

    def head(self, cells: int) -> Spans:
        """The line above the rows."""
        counted = "" if self.searched >= 1 else f", {int(self.searched * 100)} % counted"
        left = [("─ ", PLAIN), (f"Tail by principal: {self.count():,}{counted} ", BOLD)]
        if self.filter:
            left.append((f"─ filter {clean(self.filter)} ", BOLD))
        return ruled(left, [(" ok      denied  failed  last       ", PLAIN)], cells)

    def spans(self, index: int, cells: int) -> Spans:
        """One principal."""
        group = self._order[index]
        style = severity_style(group.severity)
        who = clean(short_arn(group.principal)) or "?"
        return [
            (f" {group.severity.short:<4} ", style),
            (fit(who, max(10, cells - 6 - 36)), BOLD if group.severity else PLAIN),
            (f"  {group.ok:<7,}", PLAIN),
            (f" {group.denied:<7,}", RED if group.denied else DIM),
            (f" {group.failed:<6,}", PLAIN if group.failed else DIM),
            (f"  {group.last[11:19]:<10}", DIM),
        ]


class GroupsScreen(CaseScreen):
    """The tail by principal.

    Args:
        state: What all screens look at.
        passes: Whether the tail shows a line.
        filter_text: The filter of the tail.
    """

    PLACES = ("groups", "list", "all")
    BINDINGS = bindings("groups")

    def __init__(self, state: State, passes: Callable[[Line], bool], filter_text: str) -> None:
        super().__init__(state)
        self._passes, self._filter = passes, filter_text
        self._groups = Groups()
        self._sieve = Sieve(state.lines)
        self._sieve.begin(self._count)

    def body(self) -> Iterable[Widget]:
        """The rows."""
        yield GroupRows(self._filter)

    def on_mount(self) -> None:
        """Count, the newest lines first."""
        self.query_one(GroupRows).focus()
        self._look_on()
        self.set_interval(_TICK, self._take)

    def _count(self, line: Line) -> bool:
        if self._passes(line):
            self._groups.add(line)
        return False  # the lines themselves are not kept

    def _look_on(self) -> None:
        self._sieve.step(_SLICE)
        if not self._sieve.done:
            later(self, _PAUSE, self._look_on)

    def _take(self) -> None:
        begun = self._sieve.begun
        self._sieve.take()
        if self._sieve.begun != begun:
            self._groups = Groups()
            self._look_on()
        self.query_one(GroupRows).show(self._groups, self._sieve.searched)

    def refill(self) -> None:
        """Show what was counted."""
        self._take()

    def action_sort(self) -> None:
        """Worst first again."""
        self.query_one(GroupRows).sort()
        self._take()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Show the lines of a principal."""
        event.stop()
        group = self.query_one(GroupRows).current()
        if group is None:
            return
        if group.principal == OTHERS:
            self.say("these are too many to be told apart; narrow the tail first, with F")
            return
        self.state.show_only(f"{self._filter} {term_of('principal', group.principal)}".strip())
