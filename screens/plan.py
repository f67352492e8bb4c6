"""A plan: each call with its before and after, what breaks, who was checked; its confirmation and its run."""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style
from textual.containers import Horizontal
from textual.css.query import NoMatches
from textual.widget import Widget
from textual.widgets import Input, Label

from actions.cli_text import cli_lines
from actions.plan import Answer, Danger, Plan, StepState
from s3ir_tui.text import clean, fit
from screens import clipboard
from screens.base import CaseScreen
from screens.document import DocumentScreen, Title
from screens.keys import bindings
from screens.messages import RunPlan
from screens.plan_text import note_lines, running_words, step_count, step_lines, step_mark, whole_lines
from screens.running import Run
from screens.state import State
from screens.watch import WatchScreen
from screens.widgets.choice import Choice
from screens.widgets.field import Field
from screens.widgets.lines import Spans, wrapped
from screens.widgets.pages import Pages
from screens.widgets.palette import BOLD, DIM, PLAIN, RED
from screens.widgets.rows import Rows

NO_TICKET = "no ticket given"
"""The reason that is recorded where the responder gave none: containment must not wait for a ticket number."""

_STEPS_SHOWN = 7
_NOTES_SHOWN = 4
_DIFFERENCE = 5
_FRAME = 8
"""Lines of the screen that are neither steps nor difference nor notes."""

_ROOMY = 110


class StepList(Rows):
    """The steps of a plan.

    Args:
        plan: The plan.
        excluded: Steps that are left out; shared with the screen.
    """

    def __init__(self, plan: Plan, excluded: set[int]) -> None:
        super().__init__(id="steps")
        self.can_focus = False
        self._plan, self._excluded = plan, excluded
        self.progress: Run | None = None

    @property
    def shows_cursor(self) -> bool:
        """The confirmation has the focus; the cursor is shown all the same."""
        return True

    def count(self) -> int:
        """How many steps."""
        return len(self._plan.steps)

    def empty(self) -> str:
        """What is said where there are none."""
        return "nothing is changed in AWS: this is recorded, and the watch begins"

    def spans(self, index: int, cells: int) -> Spans:
        """One step."""
        step = self._plan.steps[index]
        glyph, style, words = self._state(index)
        call = f"{step.call.service} {step.call.operation}"
        left = 24 if cells < 100 else 36
        target = 20 if cells < 100 else 34
        gone = DIM if index in self._excluded else PLAIN
        return [
            (f"{glyph} ", style),
            (f"{index + 1:>2} ", DIM),
            (fit(clean(call), left) + " ", BOLD + gone),
            (fit(clean(step.target), target) + " ", gone),
            (words or clean(step.summary), style if words else gone),
        ]

    def _state(self, index: int) -> tuple[str, Style, str]:
        if self.progress is None:
            return ("-", DIM, "left out") if index in self._excluded else (" ", PLAIN, "")
        state = self.progress.states[index]
        glyph, style = step_mark(state)
        if state is StepState.WAITING:
            return glyph, style, ""
        detail = clean(self.progress.details[index])
        return glyph, style, f"{state.value}  {detail}".strip()


class PlanScreen(CaseScreen):
    """A plan to be confirmed, or one that runs.

    Args:
        state: What all screens look at.
        plan: The plan.
        needs_reason: Whether the case asks for a ticket or reason: the first plan that writes arms it.
    """

    PLACES = ("plan", "all")
    BINDINGS = bindings("plan")
    DEFAULT_CSS = """
    PlanScreen #steps { height: auto; max-height: 7; }
    PlanScreen #difference { height: 1fr; min-height: 3; }
    PlanScreen #notes { height: auto; }
    PlanScreen #confirm { height: 1; }
    PlanScreen #confirm Label { width: auto; padding: 0 1; }
    PlanScreen #count { width: 4; }
    PlanScreen #target { width: 1fr; min-width: 8; }
    PlanScreen #reason { width: 1fr; min-width: 8; }
    PlanScreen #confirm .space { width: 1fr; }
    """

    def __init__(self, state: State, plan: Plan, *, needs_reason: bool = False) -> None:
        super().__init__(state)
        self.plan = plan
        self._asks = plan.danger is Danger.IRREVERSIBLE or (needs_reason and bool(plan.steps))
        self._excluded: set[int] = set()
        self._told = False

    @property
    def progress(self) -> Run | None:
        """The run of this very plan, or `None`."""
        run = self.state.run
        return run if run is not None and run.plan is self.plan else None

    # -- layout --------------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """Steps, the difference of the one under the cursor, notes, the confirmation."""
        yield Title(id="title")
        yield StepList(self.plan, self._excluded)
        yield Title(id="step")
        difference, notes = Pages(id="difference"), Pages(id="notes")
        difference.can_focus = notes.can_focus = False
        yield difference
        yield Title(id="notes-title")
        yield notes
        yield Horizontal(*self._confirmation(), id="confirm")

    def _confirmation(self) -> Iterable[Widget]:
        plan = self.plan
        if plan.danger is Danger.WIDE:
            yield Label(f"type {plan.must_type} to run:", markup=False)
            yield Field(digits=True, id="count")
        elif plan.must_type:
            yield Label(f"type {clean(plan.must_type)} to run:", markup=False)
            yield Field(id="target")
        if self._asks:
            yield Label("ticket:" if plan.danger is not Danger.IRREVERSIBLE else "reason:", markup=False)
            yield Field(id="reason", placeholder="" if plan.danger is Danger.IRREVERSIBLE else NO_TICKET)
        elif not plan.must_type:
            yield Label("", classes="space")
        yield Choice("Cancel", id="cancel")
        yield Choice(f"Run {step_count(len(plan.steps))}" if plan.steps else "Start", id="run")

    def on_mount(self) -> None:
        """Show the plan; the field to type into or Cancel has the focus."""
        plan = self.plan
        undoable = sum(not step.no_undo for step in plan.steps)
        words = f"{step_count(len(plan.steps))}, {'all' if undoable == len(plan.steps) else undoable} undoable"
        action = f"  {plan.action}" if self.app.size.width >= _ROOMY else ""
        self.query_one("#title", Title).show(
            f"Plan{action}  {clean(plan.title)}",
            f"{words}, {plan.danger.value}" if plan.steps else plan.danger.value,
        )
        steps = self.query_one(StepList)
        steps.styles.height = min(_STEPS_SHOWN, max(1, len(plan.steps)))
        self._fill_notes()
        self._show_step()
        self._focus_confirmation()

    def _focus_confirmation(self) -> None:
        for name in ("#count", "#target", "#cancel"):
            found = self.query(name)
            if found:
                found.first().focus()
                return

    def _fill_notes(self) -> None:
        lines = note_lines(self.plan, arms=self._asks)
        cells = max(20, self.app.size.width - 2)
        height = sum(len(wrapped(text, cells, 10)) for text, _ in lines)
        notes = self.query_one("#notes", Pages)
        room = self.app.size.height - _FRAME - min(_STEPS_SHOWN, len(self.plan.steps)) - _DIFFERENCE
        room = max(_NOTES_SHOWN, room)
        notes.styles.height = min(room, height)
        notes.show(lines)
        hidden = f"{height - room} more lines: D" if height > room else ""
        self.query_one("#notes-title", Title).show("What to know", hidden)

    # -- the run -------------------------------------------------------------------------------

    def refill(self) -> None:
        """Show how far the run is; when all went well, the watch opens by itself."""
        run = self.progress
        if run is None:
            return
        steps = self.query_one(StepList)
        steps.progress = run
        steps.refresh()
        self.query_one("#confirm").display = False
        self._show_step()
        if not run.ended:
            return
        went_well = run.result is not None and run.result.ok
        if not self._told:
            self._told = True
            self.say(running_words(run), alarm=not went_well, seconds=0)
            self._go_to_failure(run)
        if went_well and not self.plan.undo_of and self.is_current and run.result:
            self.app.switch_screen(WatchScreen(self.state, run.result.plan_ref))

    def _go_to_failure(self, run: Run) -> None:
        bad = [index for index, state in enumerate(run.states) if state in (StepState.FAILED, StepState.MOVED)]
        if bad:
            self.query_one(StepList).move_to(bad[0])

    def run_ended(self, run: Run) -> None:
        """It is said by `refill` where it is the plan shown here."""
        if run is not self.progress:
            super().run_ended(run)

    # -- keys ----------------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        """Go to another step."""
        self.query_one(StepList).action_move(by)

    def on_rows_moved(self, _: Rows.Moved) -> None:
        """Show the difference of the step under the cursor."""
        self._show_step()

    def _show_step(self) -> None:
        if not self.plan.steps:
            return
        index = self.query_one(StepList).cursor
        run = self.progress
        detail = run.details[index] if run else ""
        failed = run is not None and run.states[index] in (StepState.FAILED, StepState.MOVED)
        lines = step_lines(self.plan.steps[index])
        if detail and failed:
            lines = [(detail, RED), ("", PLAIN), *lines]
        elif detail:
            lines = [(detail, DIM), *lines]
        self.query_one("#step", Title).show(f"Step {index + 1}: before (-) and after (+)", "page keys scroll, D whole")
        self.query_one("#difference", Pages).show(lines)

    def action_scroll(self, by: int) -> None:
        """Scroll the difference."""
        self.query_one("#difference", Pages).action_scroll_page(by)

    def action_exclude(self) -> None:
        """Leave the step under the cursor out, or take it in again."""
        if self.progress is not None or not self.plan.steps:
            return
        steps = self.query_one(StepList)
        self._excluded.symmetric_difference_update({steps.cursor})
        steps.refresh_row(steps.cursor)
        left = len(self.plan.steps) - len(self._excluded)
        self.query_one("#run", Choice).rename(f"Run {step_count(left)}")

    def action_copy(self) -> None:
        """Copy the plan as AWS CLI lines."""
        text = "\n".join(cli_lines(self.plan)) + "\n"
        self.say(clipboard.copy(text, self.app.copy_to_clipboard))

    def action_whole(self) -> None:
        """Show the whole plan."""
        self.app.push_screen(DocumentScreen(self.state, f"Plan {self.plan.action}", whole_lines(self.plan)))

    def action_aside(self, by: int) -> None:
        """Go to the next button or field."""
        self.focus_next() if by > 0 else self.focus_previous()

    # -- confirmation --------------------------------------------------------------------------

    def on_choice_chosen(self, event: Choice.Chosen) -> None:
        """Run it, or leave."""
        if event.choice.id == "cancel":
            self.action_back()
        else:
            self._confirm()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """`enter` in what must be typed confirms; in the reason it goes on to the next."""
        if event.input.id in ("count", "target"):
            self._confirm()
        elif event.input.id == "reason":
            if self.plan.must_type and self._typed() == self.plan.must_type:
                self._confirm()
            elif not self.plan.must_type:
                self.query_one("#run", Choice).focus()
            else:
                self._focus_confirmation()

    def _typed(self) -> str:
        return self._value("#count") or self._value("#target")

    def _value(self, name: str) -> str:
        try:
            return self.query_one(name, Field).value.strip()
        except NoMatches:
            return ""

    def _confirm(self) -> None:
        plan = self.plan
        if self.progress is not None:
            return
        typed, reason = self._typed(), self._value("#reason")
        if typed != plan.must_type:
            self.say(f"not run: type {clean(plan.must_type)} to confirm, nothing was changed", alarm=True)
            return
        if plan.danger is Danger.IRREVERSIBLE and not reason:
            self.say("not run: this cannot be undone, so a reason is needed, nothing was changed", alarm=True)
            self.query_one("#reason", Field).focus()
            return
        if plan.steps and len(self._excluded) == len(plan.steps):
            self.say("not run: every step is left out", alarm=True)
            return
        if self._asks and not reason:
            reason = NO_TICKET
        self.post_message(RunPlan(plan, Answer(typed, reason, frozenset(self._excluded))))
