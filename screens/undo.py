"""What was done in this case and can be undone; choosing shows the plan that undoes it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style
from textual.widget import Widget

from actions.plan import Done, Plan, StepState
from s3ir_tui.text import clean, fit, short_arn
from screens.base import CaseScreen
from screens.document import Title
from screens.keys import bindings
from screens.plan import PlanScreen
from screens.plan_text import step_count
from screens.state import State
from screens.widgets.lines import Spans
from screens.widgets.pages import Pages
from screens.widgets.palette import AMBER, BOLD, DIM, PLAIN
from screens.widgets.rows import Rows


class DoneList(Rows):
    """Plans that ran, newest first."""

    def __init__(self) -> None:
        super().__init__(id="done")
        self._all: tuple[Done, ...] = ()
        self.read = False

    def show(self, done: tuple[Done, ...]) -> None:
        """Show plans, given oldest first."""
        self._all, self.read = tuple(reversed(done)), True
        self.rows_changed()

    def current(self) -> Done | None:
        """The plan under the cursor."""
        return self._all[self.cursor] if self.cursor < len(self._all) else None

    def count(self) -> int:
        """How many there are."""
        return len(self._all)

    def empty(self) -> str:
        """What is said where there are none."""
        return "nothing was changed in this case" if self.read else "reading …"

    def spans(self, index: int, cells: int) -> Spans:  # noqa: ARG002 - cut by the strip
        """One plan."""
        item = self._all[index]
        done = sum(state is StepState.DONE for state in item.states)
        gone = bool(item.undone_by)
        words = "undone" if gone else f"{done} of {step_count(len(item.plan.steps))} done"
        spans: list[tuple[str, Style]] = [
            (f" {item.at[11:19]} ", DIM),
            (fit(clean(item.plan.action), 28) + " ", DIM if gone else BOLD),
            (fit(words, 18) + " ", DIM if gone else PLAIN),
            (f"{clean(short_arn(item.actor))}  ", DIM),
            (clean(item.plan.title), DIM if gone else PLAIN),
        ]
        return spans


class UndoScreen(CaseScreen):
    """The list of what was done."""

    PLACES = ("undo", "list", "all")
    BINDINGS = bindings("undo")
    DEFAULT_CSS = "UndoScreen #about { height: 4; }"

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._planning = False

    def body(self) -> Iterable[Widget]:
        """The list."""
        yield Title(id="title")
        yield DoneList()
        about = Pages(id="about")
        about.can_focus = False
        yield about

    def on_mount(self) -> None:
        """Read what was done."""
        self.query_one(Title).show("Undo: what was done in this case", "nothing is changed yet")
        self.query_one(DoneList).focus()
        if self.state.desk is not None:
            self.fetch("reading what was done", self.state.desk.done, self.query_one(DoneList).show)

    def on_rows_chosen(self, _: Rows.Chosen) -> None:
        """Plan the way back."""
        item, desk = self.query_one(DoneList).current(), self.state.desk
        if item is None or desk is None or self._planning:
            return
        if item.undone_by:
            self.say(f"it was undone by {clean(item.undone_by)}", alarm=True)
            return
        self._planning = True

        def plan() -> tuple[Plan, bool]:
            return desk.undo_plan(item.ref), desk.needs_reason

        self.fetch("planning the way back", plan, self._planned, self._refused)

    def _planned(self, answer: tuple[Plan, bool]) -> None:
        self._planning = False
        if self.is_current:
            self.app.switch_screen(PlanScreen(self.state, answer[0], needs_reason=answer[1]))

    def _refused(self, words: str) -> None:
        self._planning = False
        self.query_one("#about", Pages).show([("It cannot be undone now. Nothing was changed.", BOLD), (words, AMBER)])
