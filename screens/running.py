"""A plan that runs: on a thread of its own that nothing but the plan's end ends."""

from __future__ import annotations

import threading
from collections.abc import Callable

from actions.plan import Answer, Plan, Progress, Refusal, Result, StepState
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.journal import JournalError
from s3ir_tui.text import clean
from screens.desk import DeskLike

CALM = (Refusal, AwsError, JournalError)
"""Errors whose message is made for the responder."""


def words_of(error: BaseException) -> str:
    """An error in words for the screen."""
    if isinstance(error, CALM):
        return clean(error)
    return f"a fault of this program: {type(error).__name__}: {clean(error)}"


class Run:
    """One run of a plan. The thread is not a daemon: the process outlives the screens until the outcome is recorded.

    Attributes:
        plan: What runs.
        answer: How it was confirmed.
        states: The state of each step.
        details: What belongs to each state.
        result: How it ended, or `None`.
        error: Why it did not begin, or broke off; "" otherwise.
    """

    def __init__(self, desk: DeskLike, plan: Plan, answer: Answer, changed: Callable[[], None]) -> None:
        self.plan, self.answer = plan, answer
        self.states = [
            StepState.EXCLUDED if index in answer.excluded else StepState.WAITING for index in range(len(plan.steps))
        ]
        self.details = [""] * len(plan.steps)
        self.result: Result | None = None
        self.error = ""
        self._desk, self._changed = desk, changed
        self._thread = threading.Thread(target=self._work, name=f"plan {plan.action}", daemon=False)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether its outcome is known and recorded."""
        return self.result is not None or bool(self.error)

    @property
    def done(self) -> int:
        """How many steps came to an end."""
        return sum(state not in (StepState.WAITING, StepState.RUNNING) for state in self.states)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; tells whether it came."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            result = self._desk.run(self.plan, self.answer, self._progress)
        except Exception as error:  # noqa: BLE001 - whatever it is, the responder must see that the plan is not running
            self.error = words_of(error)
        else:
            self.states, self.details = list(result.states), list(result.details)
            self.result = result
        self._changed()

    def _progress(self, progress: Progress) -> None:
        self.states[progress.index] = progress.state
        self.details[progress.index] = progress.detail
        self._changed()
