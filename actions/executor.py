"""The one place from which AWS is changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from actions.outcome import Sent, answered, failed
from actions.plan import Answer, Danger, Plan, Progress, Refusal, Result, Step
from actions.plan_run import PlanRun, Tools
from actions.records import TABLE, Log
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.guard import WriteRefused
from s3ir_tui.model import iso, utc_now

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

READ_BACK_SECONDS = 12.0
"""How long a change may take to be read back: IAM and bucket configuration are eventually consistent."""

ENOUGH_LEFT = timedelta(minutes=5)
"""For how long the credentials must still be good when a plan is begun, where nothing renews them."""

Report = Callable[[Progress], None]
Rebase = Callable[[Plan, int, Step, Any], Step]
"""Makes a step of a plan anew for a state that moved; raises `Refusal`."""


@dataclass(frozen=True, slots=True)
class Armed:
    """For what a console of the case was armed.

    Attributes:
        reason: Ticket or reason, "" where there was none.
        operator: Who said so.
    """

    reason: str
    operator: str


def _not_rebased(_plan: Plan, _index: int, _step: Step, _state: Any) -> Step:
    raise Refusal("not sent: the state moved")


class Executor:
    """Runs plans: read again, record the intent, write, read back, record the outcome; one plan at a time.

    Args:
        account: The connection.
        log: The log.
        clock: The time, UTC.
        read_back_seconds: How long a step waits for its change to be read back.
        operator: Name of the person at the console, where an answer gives none.
        rebase: Makes a step anew for a state that moved.
    """

    def __init__(
        self,
        account: Account,
        log: Log,
        *,
        clock: Callable[[], datetime] = utc_now,
        read_back_seconds: float = READ_BACK_SECONDS,
        operator: str = "",
        rebase: Rebase = _not_rebased,
    ) -> None:
        self.read_back_seconds = read_back_seconds
        self._account = account
        self._log = log
        self._clock = clock
        self._operator = operator
        self._rebase = rebase
        self._running = threading.Lock()

    @property
    def armed(self) -> bool:
        """Whether this console may write."""
        return self._account.guard.armed

    @property
    def running(self) -> bool:
        """Whether a plan runs."""
        return self._running.locked()

    def arm(self, answer: Answer) -> None:
        """Let this console write, for a reason that is recorded first.

        Args:
            answer: Holds the ticket or reason, and who gives it. What other consoles of the case recorded does not
                count: anyone who may write into the case folder can have written it.

        Raises:
            Refusal: No reason is given, and not said that there is none.
            JournalError: It could not be recorded; the console stays read-only.
        """
        if self.armed:
            return
        reason = answer.reason.strip()
        if not reason and not answer.no_ticket:
            raise Refusal(
                "this console is read-only: give a ticket or reason to arm it (--reason TEXT), "
                "or say that there is none (--no-ticket). Nothing was changed"
            )
        arn, operator = self._account.identity.arn, self._named(answer)
        armed = {"kind": "armed", "reason": reason, "operator": operator, "arn": arn}
        self._log.record("case", armed if reason else {**armed, "no_ticket": True})
        self._account.guard.armed = True

    def disarm(self) -> None:
        """No more writes from this console; a step in flight still gets its outcome."""
        self._account.guard.armed = False

    def run(self, plan: Plan, answer: Answer, progress: Report, stop: threading.Event) -> Result:
        """Run a plan to its end, or to the first step that does not end well.

        Steps of an independent plan go on after one that failed: what can be contained is contained.

        Args:
            plan: What was shown.
            answer: What the responder gave to confirm it.
            progress: Told of every change of a step's state, on this thread.
            stop: Set from anywhere to begin no further step.

        Raises:
            Refusal: It was not confirmed as it asks, another plan runs, or the credentials end too soon. Nothing was
                changed.
            JournalError: The plan could not be recorded. Nothing was changed.
        """
        _check(plan, answer)
        if not self._running.acquire(blocking=False):
            raise Refusal("another plan is running: wait for its end")
        try:
            if plan.steps:
                self._check_credentials()
                self.arm(answer)
            ref = self._log.record(
                TABLE,
                {
                    "kind": "plan",
                    "action": plan.action,
                    "title": plan.title,
                    "plan": plan.to_json(),
                    "actor": self._account.identity.arn,
                    "operator": self._named(answer),
                    "reason": answer.reason,
                    "excluded": sorted(answer.excluded),
                },
            )
            tools = Tools(self._account, self._log, self._clock, self.read_back_seconds, self._send, self._rebase)
            return PlanRun(tools, plan, ref, progress).all(answer.excluded, stop)
        finally:
            self._running.release()

    def _named(self, answer: Answer) -> str:
        return answer.operator.strip() or self._operator

    def _check_credentials(self) -> None:
        end = self._account.credentials_end
        if end is not None and end - self._clock() < ENOUGH_LEFT:
            raise Refusal(
                f"not begun: the credentials of this console end at {iso(end)} and are not renewed: a plan could be "
                "cut in the middle. Way out: sign in again, then run it. Nothing was changed"
            )

    def _send(self, step: Step) -> Sent:
        """Make the call of a step: the only write there is."""
        call = step.call
        try:
            with self._account.guard.permit(call.name, call.params):
                return answered(self._account.call(call.service, call.operation, call.params, call.region))
        except WriteRefused as error:
            return Sent(accepted=False, error=AwsError("WriteRefused", str(error), operation=call.name))
        except AwsError as error:
            return failed(error)


def _check(plan: Plan, answer: Answer) -> None:
    if plan.must_type and answer.typed.strip() != plan.must_type:
        raise Refusal(f"not confirmed: type {plan.must_type}")
    if plan.danger is Danger.IRREVERSIBLE and not answer.reason.strip():
        raise Refusal(
            "not confirmed: what cannot be undone, or gives access back, asks for a reason (--reason TEXT); "
            "a plan without a ticket is not enough here. Nothing was changed"
        )
