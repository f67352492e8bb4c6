"""One run of a plan: its steps in order, tried again where AWS or someone else gets in the way, held to the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from actions.attempt import already, carry_out, not_begun
from actions.holds import in_effect
from actions.moment import resolve
from actions.outcome import Outcome, Sent
from actions.plan import Plan, Progress, Refusal, Result, Step, StepState
from actions.reads import difference, same, value_of
from actions.records import TABLE, Log, call_json
from actions.visibility import Visibility
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.journal import JournalError

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

LONGEST_HOLD_SECONDS = 60.0
"""When a plan stops doing again what someone keeps undoing: the responder has to know by then."""

CLASH_SECONDS = 30.0
"""For how long a step is tried again that meets another write, a throttle, or a state that keeps moving."""

_FIRST_LOOK_SECONDS = 1.0
"""How long an independent plan waits for a step to be read back before it goes on; it looks again at its end."""

_PAUSE = 0.5
_PAUSE_IN_FIGHT = 0.1
_LONGEST_BACK_OFF = 4.0
_STOPPED = "stopped before this step"


@dataclass(frozen=True, slots=True)
class Tools:
    """What a run works with.

    Attributes:
        account: The connection, to read with.
        log: The log.
        clock: The time, UTC.
        patience: How many seconds a change is waited for.
        send: Sends the call of a step.
        rebase: Makes a step of a plan anew for a state that moved; raises `Refusal`.
    """

    account: Account
    log: Log
    clock: Callable[[], datetime]
    patience: float
    send: Callable[[Step], Sent]
    rebase: Callable[[Plan, int, Step, Any], Step]


class PlanRun:
    """One run of one plan.

    Args:
        tools: What it works with.
        plan: The plan.
        ref: Reference of its record.
        progress: Told of every change of a step's state.
    """

    def __init__(self, tools: Tools, plan: Plan, ref: str, progress: Callable[[Progress], None]) -> None:
        self._tools, self._plan, self._ref, self._progress = tools, plan, ref, progress
        count = len(plan.steps)
        self._states = [StepState.NOT_RUN] * count
        self._details = [""] * count
        self._intents = [""] * count
        self._sent: dict[int, Step] = {}
        self._visible: dict[int, Visibility] = {}
        self._slowest: dict[str, float] = {}  # by service: they are consistent at their own pace
        self._stopped = ""

    def all(self, excluded: frozenset[int], stop: threading.Event) -> Result:
        """Run it.

        Args:
            excluded: Indexes of the steps left out.
            stop: Set from anywhere to begin no further step.
        """
        try:
            for index, step in enumerate(self._plan.steps):
                if index in excluded:
                    self._set(index, StepState.EXCLUDED, "left out by the responder")
                    continue
                if stop.is_set():
                    self._stopped = "stopped by the responder"
                if self._stopped:
                    self._set(index, StepState.NOT_RUN, _STOPPED)
                    continue
                state = self._step(index, step, stop)
                if state is not StepState.DONE and not self._plan.independent:
                    self._stopped = f"step {index + 1}: {state.value}"
            if self._plan.independent and not stop.is_set():
                self._hold(stop)
            self._end()
        except JournalError as error:
            # What cannot be recorded is not done: no further step, and no end record to write it in.
            self._stopped = f"the log cannot be written ({error}): nothing more is changed"
        return Result(self._ref, tuple(self._states), tuple(self._details), tuple(self._intents), self._stopped)

    # -- a step -----------------------------------------------------------------------------------

    def _step(self, index: int, step: Step, stop: threading.Event) -> StepState:
        """Carry a step out; again while AWS asks for that, or while someone changes what it merges into."""
        deadline, pause = time.monotonic() + CLASH_SECONDS, _PAUSE
        while True:
            outcome = self._attempt(index, step)
            last = time.monotonic() + pause > deadline or stop.is_set()
            self._settle(index, replace(outcome, again=outcome.again and not last))
            if not outcome.again or last or stop.wait(pause):
                return outcome.state
            step, pause = self._sent[index], min(pause * 2, _LONGEST_BACK_OFF)

    def _attempt(self, index: int, planned: Step) -> Outcome:
        step, earlier = resolve(planned, self._tools.clock()), self._sent.get(index)
        self._sent[index] = step
        self._set(index, StepState.RUNNING)
        try:
            state = value_of(self._tools.account, step.read)
        except AwsError as error:
            self._intend(index, step)
            return not_begun(error)
        if earlier is not None and in_effect(earlier, state):
            step = self._sent[index] = earlier  # a cut-off that was set stays: a later one is not needed
        if in_effect(step, state):
            self._intend(index, step)
            return already(state)
        moved = "" if same(state, step.before) else difference(step.before, state)
        if moved:
            try:
                step = self._sent[index] = resolve(
                    self._tools.rebase(self._plan, index, step, state), self._tools.clock()
                )
            except Refusal as refusal:
                self._intend(index, step)
                return Outcome(StepState.MOVED, f"not sent, state moved: {moved}; {refusal}", after=state)
            self._set(index, StepState.RUNNING, f"state moved, merged again: {moved}")
        self._intend(index, step, moved)
        patience = min(self._tools.patience, _FIRST_LOOK_SECONDS) if self._plan.independent else self._tools.patience
        sent_at = time.monotonic()
        outcome = carry_out(self._tools.account, step, self._tools.send, patience)
        if outcome.sent.begun and outcome.sent.accepted is not False:
            self._visible[index] = Visibility(sent_at)
            if outcome.state is StepState.DONE:
                self._seen(index)
        return self._contested(index, outcome)

    def _seen(self, index: int) -> None:
        visible = self._visible[index]
        visible.seen(time.monotonic())
        service = self._sent[index].call.service
        self._slowest[service] = max(self._slowest.get(service, 0.0), visible.delay)

    def _contested(self, index: int, outcome: Outcome) -> Outcome:
        """A policy that someone wrote anew at once is merged into again."""
        if outcome.state is not StepState.MOVED or not self._can_rebase(index, outcome.after):
            return outcome
        return replace(outcome, again=True)

    def _can_rebase(self, index: int, state: Any) -> bool:
        try:
            self._tools.rebase(self._plan, index, self._sent[index], state)
        except Refusal:
            return False
        return True

    # -- the hold ---------------------------------------------------------------------------------

    def _hold(self, stop: threading.Event) -> None:
        """Wait for what is not read back yet, and do again what is undone meanwhile, for as long as the plan says.

        A deny takes seconds to be enforced, and a thief who watches takes it off before it is.
        """
        begun = quiet_since = time.monotonic()
        longest = max(self._tools.patience, LONGEST_HOLD_SECONDS if self._plan.hold_seconds else 0)
        while True:
            again = self._look_again(stop)
            now = time.monotonic()
            if again:
                quiet_since = now
            settled = now - quiet_since >= self._plan.hold_seconds and not self._pending()
            if settled or now - begun > longest or stop.wait(_PAUSE_IN_FIGHT if again or self._missing() else _PAUSE):
                return

    def _missing(self) -> bool:
        return any(item.shown is not None and item.missing is not None for item in self._visible.values())

    def _pending(self) -> bool:
        unsettled = (StepState.FAILED, StepState.UNKNOWN)
        return self._missing() or any(self._states[index] in unsettled for index in self._visible)

    def _look_again(self, stop: threading.Event) -> bool:
        """Look once more at every step that AWS accepted; tells whether one was sent again."""
        return sum(self._look_at(index, stop) for index in sorted(self._visible)) > 0

    def _look_at(self, index: int, stop: threading.Event) -> bool:
        step, visible = self._sent[index], self._visible[index]
        try:
            state = value_of(self._tools.account, step.read)
        except AwsError:
            return False  # looked at again until the time is over
        now = time.monotonic()
        if in_effect(step, state):
            self._seen(index)
            if self._states[index] is not StepState.DONE:
                self._settle(index, Outcome(StepState.DONE, "read back", Sent(accepted=True, begun=True), state))
            return False
        if same(state, step.before):
            visible.not_seen(now)
            if not visible.put_back(now, self._slowest.get(step.call.service, 0.0)):
                return False
        elif not self._can_rebase(index, state):
            if self._states[index] is not StepState.MOVED:
                detail = f"changed while the plan ran: {difference(step.after, state)}"
                self._settle(index, Outcome(StepState.MOVED, detail, Sent(accepted=True, begun=True), state))
            return False
        self._step(index, self._plan.steps[index], stop)
        return True

    # -- the record -------------------------------------------------------------------------------

    def _end(self) -> None:
        states = [state.value for state in self._states]
        self._tools.log.record(TABLE, {"kind": "end", "plan": self._ref, "states": states, "stopped": self._stopped})

    def _set(self, index: int, state: StepState, detail: str = "") -> None:
        self._states[index], self._details[index] = state, detail
        self._progress(Progress(index, state, detail))

    def _intend(self, index: int, step: Step, moved: str = "") -> None:
        record: dict[str, Any] = {
            "kind": "intent",
            "plan": self._ref,
            "step": index,
            "call": call_json(step.call),
            "before": step.before,
            "after": step.after,
        }
        try:
            self._intents[index] = self._tools.log.record(TABLE, record | ({"moved": moved} if moved else {}))
        except JournalError:
            self._set(index, StepState.NOT_RUN, "not begun: the log cannot be written")
            raise

    def _settle(self, index: int, outcome: Outcome) -> None:
        record = {**outcome.record(), "intent": self._intents[index], "plan": self._ref, "step": index}
        try:
            self._tools.log.record(TABLE, record | ({"again": True} if outcome.again else {}))
        except JournalError:
            self._set(index, outcome.state, f"{outcome.detail}; the log could not be written")
            raise
        self._set(index, outcome.state, outcome.detail)
