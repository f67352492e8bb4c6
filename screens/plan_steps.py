"""The steps of a plan as a list: what each calls, and how far it is."""

from __future__ import annotations

from rich.style import Style

from actions.plan import Plan, StepState
from s3ir_tui.text import clean, fit
from screens.plan_text import step_mark
from screens.running import Run
from screens.widgets.lines import Spans
from screens.widgets.palette import BOLD, DIM, PLAIN
from screens.widgets.rows import Rows


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
