"""A plan: each call with its before and after, what breaks, who was checked; how old it is; its run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.widget import Widget

from actions.cli_text import cli_lines
from actions.plan import Danger, Plan, Stale, StepState
from s3ir_tui.text import ago, clean
from screens import clipboard
from screens.base import CaseScreen
from screens.document import DocumentScreen, Title
from screens.keys import bindings
from screens.messages import RunPlan
from screens.plan_confirm import Confirmation
from screens.plan_steps import StepList
from screens.plan_text import given_words, note_lines, running_words, step_count, step_lines, whole_lines
from screens.running import Run
from screens.state import State
from screens.watch import WatchScreen
from screens.widgets.bars import NextLine
from screens.widgets.lines import wrapped
from screens.widgets.pages import Pages
from screens.widgets.palette import DIM, PLAIN, RED
from screens.widgets.rows import Rows

if TYPE_CHECKING:
    from actions.executor import Armed

CHECK_SECONDS = 2.0
"""How often it is asked whether the trail still shows what the plan rests on."""

_STEPS_SHOWN = 7
_NOTES_SHOWN = 4
_DIFFERENCE = 5
_FRAME = 8
"""Lines of the screen that are neither steps nor difference nor notes."""

_ROOMY = 110


class PlanScreen(CaseScreen):
    """A plan to be confirmed, or one that runs.

    Args:
        state: What all screens look at.
        plan: The plan.
        needs_reason: Whether the first plan that writes arms this console: it then asks for a ticket and a name.
        ticket: A ticket that was typed already.
        words: What is said at first.
    """

    PLACES = ("plan", "all")
    BINDINGS = bindings("plan")
    DEFAULT_CSS = """
    PlanScreen #steps { height: auto; max-height: 7; }
    PlanScreen #difference { height: 1fr; min-height: 3; }
    PlanScreen #notes { height: auto; }
    """

    def __init__(
        self, state: State, plan: Plan, *, needs_reason: bool = False, ticket: str = "", words: str = ""
    ) -> None:
        super().__init__(state)
        self.plan = plan
        self._needs_reason = needs_reason
        self._arms = needs_reason and bool(plan.steps)
        self._ticket, self._words = ticket, words
        self._excluded: set[int] = set()
        self._stale: Stale | None = None
        self._told = self._checking = self._planning = False

    @property
    def progress(self) -> Run | None:
        """The run of this very plan, or `None`."""
        run = self.state.run
        return run if run is not None and run.plan is self.plan else None

    @property
    def confirmation(self) -> Confirmation:
        """What it asks for before it runs."""
        return self.query_one(Confirmation)

    # -- layout --------------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """Steps, the difference of the one under the cursor, notes, the confirmation."""
        desk = self.state.desk
        operator = self.state.operator or (desk.operator if desk is not None else "")
        yield Title(id="title")
        yield StepList(self.plan, self._excluded)
        yield Title(id="step")
        difference, notes = Pages(id="difference"), Pages(id="notes")
        difference.can_focus = notes.can_focus = False
        yield difference
        yield Title(id="notes-title")
        yield notes
        yield Confirmation(self.plan, arms=self._arms, operator=operator, ticket=self._ticket)

    def on_mount(self) -> None:
        """Show the plan; the first thing that is still missing has the focus."""
        self._show_title()
        steps = self.query_one(StepList)
        steps.styles.height = min(_STEPS_SHOWN, max(1, len(self.plan.steps)))
        self._fill_notes()
        self._show_step()
        if self.progress is not None:
            return
        self.confirmation.focus_next_gap()
        self.set_interval(1.0, self._show_title)
        self.set_interval(CHECK_SECONDS, self._check)
        if self._words:
            self.say(self._words)
        desk = self.state.desk
        if self._arms and desk is not None:
            self.fetch("", desk.recorded_reason, self._offer, lambda _why: None)

    def _offer(self, armed: Armed | None) -> None:
        if armed is not None:
            self.confirmation.offer(armed.reason)

    def _show_title(self) -> None:
        plan, run = self.plan, self.progress
        undoable = sum(not step.no_undo for step in plan.steps)
        words = f"{step_count(len(plan.steps))}, {'all' if undoable == len(plan.steps) else undoable} undoable, "
        action = f"  {plan.action}" if self.app.size.width >= _ROOMY else ""
        aside = (words if plan.steps else "") + plan.danger.value
        if run is not None:
            aside = ", ".join(part for part in (aside, given_words(run.answer)) if part)
        elif self.state.desk is not None and plan.made_at:
            aside += f", read {ago(max(0.0, self.state.desk.age(plan)))} ago"
        self.query_one("#title", Title).show(f"Plan{action}  {clean(plan.title)}", aside)

    # -- is it still true? ---------------------------------------------------------------------

    def _check(self) -> None:
        """Ask, on a thread, whether the trail still shows what the plan rests on."""
        desk = self.state.desk
        if desk is None or self._checking or self.progress is not None or not self.is_current:
            return
        self._checking = True
        self.fetch("", lambda: desk.still_valid(self.plan), self._checked, lambda _why: self._checked(self._stale))

    def _checked(self, stale: Stale | None) -> None:
        self._checking = False
        if (str(stale) if stale else "") != (str(self._stale) if self._stale else ""):
            self._stale = stale
            self.say("")
        self.show_next()

    def show_next(self) -> None:
        """Say that the evidence changed, until it is planned anew; else what runs."""
        if self._stale is None or self.progress is not None:
            super().show_next()
            return
        key = "f5" if self.confirmation.writes_text else "r"
        self.query_one(NextLine).show(None, f"{clean(str(self._stale))}; {key} re-plans", key)

    def action_replan(self) -> None:
        """Plan it again, with what is known now."""
        desk, plan, run = self.state.desk, self.plan, self.progress
        if desk is None or self._planning or (run is not None and not (run.ended and run.result is None)):
            return
        self._planning = True

        def again() -> tuple[Plan, bool]:
            fresh = desk.undo_plan(plan.undo_of) if plan.undo_of else desk.plan(plan.action, plan.targets)
            return fresh, desk.needs_reason

        self.fetch("planning again", again, self._replanned, self._not_replanned)

    def _replanned(self, answer: tuple[Plan, bool]) -> None:
        self._planning = False
        fresh, needs_reason = answer
        before = f" (before: {step_count(len(self.plan.steps))})" if len(fresh.steps) != len(self.plan.steps) else ""
        left_out = "; steps left out are in again" if self._excluded else ""
        words = f"planned again: {step_count(len(fresh.steps))}{before}{left_out}"
        if self.is_current:
            screen = PlanScreen(
                self.state, fresh, needs_reason=needs_reason, ticket=self.confirmation.ticket, words=words
            )
            self.app.switch_screen(screen)

    def _not_replanned(self, words: str) -> None:
        self._planning = False
        self.query_one("#difference", Pages).show([("No new plan was made. Nothing was changed.", RED), (words, PLAIN)])
        self.say("not planned again: the reason stands above", alarm=True, seconds=0)

    def _fill_notes(self) -> None:
        lines = note_lines(self.plan, arms=self._arms)
        cells = max(20, self.app.size.width - 2)
        height = sum(len(wrapped(text, cells, 10)) for text, _ in lines)
        notes = self.query_one("#notes", Pages)
        frame = _FRAME + (self._arms or self.plan.danger is Danger.IRREVERSIBLE)
        room = self.app.size.height - frame - min(_STEPS_SHOWN, len(self.plan.steps)) - _DIFFERENCE
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
        self.confirmation.display = False
        self._show_step()
        self._show_title()
        if not run.ended:
            return
        went_well = run.result is not None and run.result.ok
        if not self._told:
            self._told = True
            if run.error:
                self._tell_refused(run.error)
            else:
                self.say(running_words(run), alarm=not went_well, seconds=0)
            self._go_to_failure(run)
        if went_well and not self.plan.undo_of and self.is_current and run.result:
            self.app.switch_screen(WatchScreen(self.state, run.result.plan_ref))

    def _tell_refused(self, why: str) -> None:
        lines = [("Not run. Nothing was changed.", RED), (why, PLAIN)]
        self.query_one("#difference", Pages).show(lines)
        self.query_one("#step", Title).show("Why it did not run")
        self.say("not run, the reason stands above; r plans it again, escape leaves it", alarm=True, seconds=0)

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
        run = self.progress
        if not self.plan.steps or (run is not None and run.error):
            return
        index = self.query_one(StepList).cursor
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
        self.confirmation.leave_out(self._excluded)

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

    def on_confirmation_missing(self, event: Confirmation.Missing) -> None:
        """Say what is missing, until something else is said."""
        self.say(event.words, alarm=True, seconds=0)

    def on_confirmation_cancelled(self, _: Confirmation.Cancelled) -> None:
        """Leave it."""
        self.action_back()

    def on_confirmation_confirmed(self, event: Confirmation.Confirmed) -> None:
        """Run it."""
        if self.progress is None:
            self.state.operator = event.answer.operator or self.state.operator
            self.say("")
            self.post_message(RunPlan(self.plan, event.answer))

    def action_back(self) -> None:
        """Leave the screen; it is said on the one below where nothing was run."""
        run = self.progress
        below = self.app.screen_stack[-2] if len(self.app.screen_stack) > 1 else None
        super().action_back()
        if (run is None or run.error) and isinstance(below, CaseScreen):
            below.say("cancelled: nothing was changed")
