"""The one place from which AWS is changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from actions.moment import resolve
from actions.plan import Answer, Danger, Plan, Progress, Refusal, Result, Step, StepState
from actions.reads import difference, same, value_of
from actions.records import TABLE, Log, call_json
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.guard import WriteRefused
from s3ir_tui.journal import JournalError
from s3ir_tui.model import utc_now

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

READ_BACK_SECONDS = 12.0
"""How long a change may take to be read back: IAM and bucket configuration are eventually consistent."""

LONGEST_HOLD_SECONDS = 60.0
"""When a plan stops doing again what someone keeps undoing: the responder has to know by then."""

_FIRST_LOOK_SECONDS = 1.0
"""How long an independent plan waits for a step to be read back before it goes on; it looks again at its end."""

_PAUSE = 0.5
_PAUSE_IN_FIGHT = 0.1
_STOPPED = "stopped before this step"

Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class _Sent:
    """What AWS said to a write.

    Attributes:
        accepted: Whether the write took effect; `None` where only a read can tell.
    """

    accepted: bool | None
    http: int = 0
    request_id: str = ""
    aws_date: str = ""
    error: AwsError | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    state: StepState
    detail: str
    sent: _Sent = _Sent(accepted=False)
    after: Any = None
    already: bool = False


class Executor:
    """Runs plans: record the intent, read again, write, read back, record the outcome; one plan at a time.

    Args:
        account: The connection.
        log: The log.
        clock: The time, UTC.
        read_back_seconds: How long a step waits for its change to be read back.
    """

    def __init__(
        self,
        account: Account,
        log: Log,
        *,
        clock: Callable[[], datetime] = utc_now,
        read_back_seconds: float = READ_BACK_SECONDS,
    ) -> None:
        self.read_back_seconds = read_back_seconds
        self._account = account
        self._log = log
        self._clock = clock
        self._running = threading.Lock()

    @property
    def armed(self) -> bool:
        """Whether this console may write."""
        return self._account.guard.armed

    def arm(self, reason: str) -> None:
        """Let this console write, for a reason that is recorded first.

        Args:
            reason: Ticket or reason; "" where an earlier console of the case gave it.

        Raises:
            Refusal: No reason is given and none is recorded.
            JournalError: It could not be recorded; the console stays read-only.
        """
        if self.armed:
            return
        why = reason.strip() or self.recorded_reason()
        if not why:
            raise Refusal("this case is read-only: give a ticket or reason to arm it")
        self._log.record("case", {"kind": "armed", "reason": why})
        self._account.guard.armed = True

    def disarm(self) -> None:
        """No more writes from this console; a step in flight still gets its outcome."""
        self._account.guard.armed = False

    def recorded_reason(self) -> str:
        """The reason for which the case was armed before, or ""."""
        reasons = [str(item.get("reason") or "") for item in self._log.records("case") if item.get("kind") == "armed"]
        return reasons[-1] if reasons else ""

    def run(self, plan: Plan, answer: Answer, progress: Report, stop: threading.Event) -> Result:
        """Run a plan to its end, or to the first step that does not end well.

        Steps of an independent plan go on after one that failed: what can be contained is contained.

        Args:
            plan: What was shown.
            answer: What the responder gave to confirm it.
            progress: Told of every change of a step's state, on this thread.
            stop: Set from anywhere to begin no further step.

        Raises:
            Refusal: It was not confirmed as it asks, or another plan runs. Nothing was changed.
            JournalError: The plan could not be recorded. Nothing was changed.
        """
        _check(plan, answer)
        if not self._running.acquire(blocking=False):
            raise Refusal("another plan is running: wait for its end")
        try:
            if plan.steps:
                self.arm(answer.reason)
            ref = self._log.record(
                TABLE,
                {
                    "kind": "plan",
                    "action": plan.action,
                    "title": plan.title,
                    "plan": plan.to_json(),
                    "actor": self._account.identity.arn,
                    "reason": answer.reason,
                    "excluded": sorted(answer.excluded),
                },
            )
            return _Run(self._account, self._log, plan, ref, progress, self._clock, self.read_back_seconds).all(
                answer.excluded, stop
            )
        finally:
            self._running.release()


def _check(plan: Plan, answer: Answer) -> None:
    if plan.must_type and answer.typed.strip() != plan.must_type:
        raise Refusal(f"not confirmed: type {plan.must_type}")
    if plan.danger is Danger.IRREVERSIBLE and not answer.reason.strip():
        raise Refusal("not confirmed: this one asks for a reason")


class _Run:
    """One run of one plan."""

    def __init__(
        self,
        account: Account,
        log: Log,
        plan: Plan,
        ref: str,
        progress: Report,
        clock: Callable[[], datetime],
        patience: float,
    ) -> None:
        self._account, self._log, self._plan, self._ref = account, log, plan, ref
        self._progress, self._clock, self._patience = progress, clock, patience
        count = len(plan.steps)
        self._states = [StepState.NOT_RUN] * count
        self._details = [""] * count
        self._intents = [""] * count
        self._sent: dict[int, Step] = {}
        self._took: set[int] = set()
        self._stopped = ""

    def all(self, excluded: frozenset[int], stop: threading.Event) -> Result:
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
                state = self._step(index, step)
                if state is not StepState.DONE and not self._plan.independent:
                    self._stopped = f"step {index + 1}: {state.value}"
            if self._plan.independent and not stop.is_set():
                self._hold(stop)
            self._end()
        except JournalError as error:
            # What cannot be recorded is not done: no further step, and no end record to write it in.
            self._stopped = f"the log cannot be written ({error}): nothing more is changed"
        return Result(self._ref, tuple(self._states), tuple(self._details), tuple(self._intents), self._stopped)

    def _hold(self, stop: threading.Event) -> None:
        """Wait for what is not read back yet, and do again what is undone meanwhile, for as long as the plan says.

        A deny takes seconds to be enforced, and a thief who watches takes it off before it is.
        """
        begun = quiet_since = time.monotonic()
        longest = max(self._patience, LONGEST_HOLD_SECONDS if self._plan.hold_seconds else 0)
        while True:
            again = self._look_again()
            now = time.monotonic()
            if again:
                quiet_since = now
            settled = now - quiet_since >= self._plan.hold_seconds and not self._pending()
            if settled or now - begun > longest or stop.wait(_PAUSE_IN_FIGHT if again else _PAUSE):
                return

    def _pending(self) -> bool:
        return any(self._states[index] is StepState.FAILED for index in self._took)

    def _look_again(self) -> bool:
        """Look once more at every step that AWS accepted; tells whether one was sent again."""
        again = False
        for index in sorted(self._took):
            step = self._sent[index]
            try:
                found = value_of(self._account, step.read)
            except AwsError:
                continue  # looked at again until the time is over
            if same(found, step.after):
                if self._states[index] is not StepState.DONE:
                    self._settle(index, _Outcome(StepState.DONE, "read back", _Sent(True), found))
            elif same(found, step.before):
                again = True
                self._step(index, self._plan.steps[index])
            elif self._states[index] is not StepState.MOVED:
                detail = f"changed while the plan ran: {difference(step.after, found)}"
                self._settle(index, _Outcome(StepState.MOVED, detail, _Sent(True), found))
        return again

    def _end(self) -> None:
        states = [state.value for state in self._states]
        self._log.record(TABLE, {"kind": "end", "plan": self._ref, "states": states, "stopped": self._stopped})

    def _set(self, index: int, state: StepState, detail: str = "") -> None:
        self._states[index], self._details[index] = state, detail
        self._progress(Progress(index, state, detail))

    def _step(self, index: int, planned: Step) -> StepState:
        step = self._sent[index] = resolve(planned, self._clock())
        self._set(index, StepState.RUNNING)
        try:
            self._intents[index] = self._log.record(
                TABLE,
                {
                    "kind": "intent",
                    "plan": self._ref,
                    "step": index,
                    "call": call_json(step.call),
                    "before": step.before,
                    "after": step.after,
                },
            )
        except JournalError:
            self._set(index, StepState.NOT_RUN, "not begun: the log cannot be written")
            raise
        outcome = self._carry_out(step)
        self._settle(index, outcome)
        return outcome.state

    def _settle(self, index: int, outcome: _Outcome) -> None:
        if outcome.sent.accepted:
            self._took.add(index)
        try:
            self._record(index, outcome)
        except JournalError:
            self._set(index, outcome.state, f"{outcome.detail}; the log could not be written")
            raise
        self._set(index, outcome.state, outcome.detail)

    def _carry_out(self, step: Step) -> _Outcome:
        try:
            found = value_of(self._account, step.read)
        except AwsError as error:
            return _Outcome(StepState.FAILED, f"state not readable before the write: {error}")
        if same(found, step.after):
            return _Outcome(StepState.DONE, "already so: nothing was sent", after=found, already=True)
        if not same(found, step.before):
            return _Outcome(StepState.MOVED, f"not sent, state moved: {difference(step.before, found)}", after=found)
        sent = self._send(step)
        if sent.accepted is False:
            return _Outcome(StepState.FAILED, str(sent.error), sent, found)
        return self._read_back(step, sent)

    def _send(self, step: Step) -> _Sent:
        call = step.call
        try:
            with self._account.guard.permit(call.name):
                answer = self._account.call(call.service, call.operation, call.params, call.region)
        except WriteRefused as error:
            return _Sent(False, error=AwsError("WriteRefused", str(error), operation=call.name))
        except AwsError as error:
            # A 4xx changed nothing; a 5xx or a lost answer may have.
            accepted = False if error.answered or not error.sent else None
            return _Sent(accepted, error.status, error.request_id, error.aws_date, error)
        meta = answer.get("ResponseMetadata") or {}
        headers = meta.get("HTTPHeaders") or {}
        return _Sent(
            True,
            int(meta.get("HTTPStatusCode") or 0),
            str(meta.get("RequestId") or headers.get("x-amz-request-id") or ""),
            str(headers.get("date") or ""),
        )

    def _read_back(self, step: Step, sent: _Sent) -> _Outcome:
        found, trouble = self._until(step)
        request = f"request {sent.request_id}" if sent.request_id else "no request id"
        if trouble is not None:
            return _Outcome(StepState.FAILED, f"sent ({request}), not readable afterwards: {trouble}", sent)
        if same(found, step.after):
            return _Outcome(
                StepState.DONE, request, _Sent(True, sent.http, sent.request_id, sent.aws_date, sent.error), found
            )
        if same(found, step.before):
            if sent.accepted is None:
                failed = _Sent(False, sent.http, sent.request_id, sent.aws_date, sent.error)
                return _Outcome(StepState.FAILED, str(sent.error), failed, found)
            detail = f"accepted ({request}), but the old state is still (or again) read"
            return _Outcome(StepState.FAILED, detail, sent, found)
        return _Outcome(
            StepState.MOVED, f"sent ({request}), then changed: {difference(step.after, found)}", sent, found
        )

    def _until(self, step: Step) -> tuple[Any, AwsError | None]:
        patience = min(self._patience, _FIRST_LOOK_SECONDS) if self._plan.independent else self._patience
        deadline = time.monotonic() + patience
        pause = 0.1
        while True:
            found, trouble = None, None
            try:
                found = value_of(self._account, step.read)
            except AwsError as error:
                trouble = error
            if (trouble is None and same(found, step.after)) or time.monotonic() + pause > deadline:
                return found, trouble
            time.sleep(pause)
            pause = min(pause * 2, 1.0)

    def _record(self, index: int, outcome: _Outcome) -> None:
        sent = outcome.sent
        error = sent.error and {"code": sent.error.code, "message": sent.error.message}
        self._log.record(
            TABLE,
            {
                "kind": "outcome",
                "intent": self._intents[index],
                "plan": self._ref,
                "step": index,
                "ok": outcome.state is StepState.DONE,
                "state": {StepState.DONE: "done", StepState.MOVED: "moved"}.get(outcome.state, "failed"),
                "accepted": bool(sent.accepted),
                "already": outcome.already,
                "http": sent.http,
                "request_id": sent.request_id,
                "aws_date": sent.aws_date,
                "error": error,
                "detail": outcome.detail,
                "after": outcome.after,
            },
        )
