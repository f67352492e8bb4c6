"""The desk of the responder: what can be done, plans, their runs and their undoing, behind one door."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from actions import reconcile as reconciling
from actions.action import Action, Fit
from actions.context import Context
from actions.executor import READ_BACK_SECONDS, Executor
from actions.plan import Answer, Done, Offer, Plan, Progress, Refusal, Result, Targets
from actions.reads import same, value_of
from actions.reconcile import Found, Unknown
from actions.records import TABLE, Log, Told, done, tell, undone_steps
from actions.registry import ACTIONS
from actions.subjects import Subjects, sort
from actions.undo import undo_plan
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import utc_now
from s3ir_tui.policy import PolicyError

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account
    from s3ir_tui.trail.analysis import Analysis


class Desk:
    """Everything that screens and command line need to act. Methods that read AWS block: call them in a worker.

    Args:
        account: The connection, or how to get it once there is one (it may raise `AwsError` or `Refusal`).
        journal: The log.
        history: What the trail has shown so far.
        break_glass: ARNs of the principals that must never be cut.
        clock: The time, UTC.
        actions: The registry.
        read_back_seconds: How long a step waits for its change to be read back.
    """

    def __init__(
        self,
        account: Account | Callable[[], Account],
        journal: Log,
        history: Callable[[], Analysis],
        break_glass: tuple[str, ...] = (),
        *,
        clock: Callable[[], datetime] = utc_now,
        actions: Mapping[str, Action] = ACTIONS,
        read_back_seconds: float = READ_BACK_SECONDS,
    ) -> None:
        self._account = account
        self._log = journal
        self._history = history
        self._break_glass = break_glass
        self._clock = clock
        self._actions = actions
        self._patience = read_back_seconds
        self._stop = threading.Event()
        self._made: Executor | None = None
        self._lock = threading.Lock()
        self._busy = False

    # -- state ------------------------------------------------------------------------------------

    @property
    def armed(self) -> bool:
        """Whether this console may write."""
        return self._made is not None and self._made.armed

    @property
    def needs_reason(self) -> bool:
        """Whether the next plan that writes has to be given a ticket or reason: none is recorded in this case yet."""
        return not any(record.get("kind") == "armed" for record in self._log.records("case"))

    @property
    def running(self) -> bool:
        """Whether a plan runs."""
        return self._busy

    def stop(self) -> None:
        """Begin no further step, now and from now on; the one in flight gets its outcome. Returns at once."""
        self._stop.set()

    # -- plans ------------------------------------------------------------------------------------

    def offers(self, targets: Targets) -> tuple[Offer, ...]:
        """The actions for what is chosen: those that fit first, in the order of the playbook, then why others do not.

        Reads AWS; blocks.
        """
        ctx = self._context()
        try:
            subjects = sort(targets, ctx.account_id)
        except Refusal as refusal:
            return tuple(_offer(action, Fit(str(refusal)), targets) for action in self._actions.values())
        found = [_offer(action, _fit(action, subjects, ctx), subjects.targets) for action in self._actions.values()]
        return tuple(sorted(found, key=lambda offer: bool(offer.why_not)))

    def plan(self, action_id: str, targets: Targets) -> Plan:
        """The plan of an action. Reads AWS; blocks.

        Raises:
            Refusal: It will not be done; the message names the way out.
        """
        action = self._actions.get(action_id)
        if action is None:
            raise Refusal(f"there is no action {action_id}")
        ctx = self._context()
        try:
            return action.plan(sort(targets, ctx.account_id), ctx)
        except (AwsError, PolicyError) as error:
            raise Refusal(f"{action_id} could not be planned: {error}") from error

    def undo_plan(self, ref: str) -> Plan:
        """The plan that undoes what is left of a plan. Reads AWS; blocks.

        Raises:
            Refusal: Nothing of it can be undone now; the message says why.
        """
        try:
            return undo_plan(self._told(), ref, self._actions, self._context())
        except (AwsError, PolicyError) as error:
            raise Refusal(f"{ref} cannot be undone: {error}") from error

    def run(self, plan: Plan, answer: Answer, progress: Callable[[Progress], None]) -> Result:
        """Run a plan; blocks until its end. The first one that writes arms the case.

        Args:
            plan: What was shown.
            answer: What the responder gave to confirm it.
            progress: Told of every change of a step's state, on this thread.

        Raises:
            Refusal: It was not confirmed as it asks, or another plan runs. Nothing was changed.
            JournalError: The plan could not be recorded. Nothing was changed.
        """
        if self._stop.is_set():
            raise Refusal("the console is closing: no plan is begun")
        executor = self._executor()
        with self._lock:
            if self._busy:
                raise Refusal("another plan is running: wait for its end")
            self._busy = True
        try:
            return executor.run(plan, answer, progress, self._stop)
        finally:
            self._busy = False

    # -- the record -------------------------------------------------------------------------------

    def done(self) -> tuple[Done, ...]:
        """Plans that changed something, oldest first; `undone_by` is set once nothing of one is left to undo."""
        return done(self._told())

    def in_place(self, ref: str) -> tuple[int, int]:
        """How many changes of a plan are in place now, of how many that are not undone. Reads AWS; blocks.

        Raises:
            AwsError: A state could not be read.
        """
        told = self._told()
        item = told.get(ref)
        if item is None:
            return 0, 0
        gone = undone_steps(told, ref)
        steps = [step for index, step in enumerate(item.plan.steps) if item.took_effect(index) and index not in gone]
        account = self._connected()
        return sum(same(value_of(account, step.read), step.after) for step in steps), len(steps)

    def unknown_outcomes(self) -> tuple[Unknown, ...]:
        """Steps that a dead console began and did not record the end of: the first thing to show."""
        return reconciling.unknown(self._told(), self._log, self._busy)

    def reconcile(self) -> tuple[Found, ...]:
        """Look them up in AWS and record what became of them. Blocks.

        Raises:
            JournalError: An outcome could not be recorded.
        """
        steps = self.unknown_outcomes()
        return reconciling.reconcile(self._connected(), self._log, steps, self._told()) if steps else ()

    # -- inside -----------------------------------------------------------------------------------

    def _told(self) -> dict[str, Told]:
        return tell(self._log.records(TABLE))

    def _connected(self) -> Account:
        return self._account() if callable(self._account) else self._account

    def _executor(self) -> Executor:
        account = self._connected()
        with self._lock:
            if self._made is None:
                self._made = Executor(account, self._log, clock=self._clock, read_back_seconds=self._patience)
            return self._made

    def _context(self) -> Context:
        return Context(self._connected(), self._history, self._break_glass, self._clock)


def _fit(action: Action, subjects: Subjects, ctx: Context) -> Fit:
    try:
        return action.fit(subjects, ctx)
    except Refusal as refusal:
        return Fit(str(refusal))
    except AwsError as error:
        return Fit(f"cannot be told: {error.operation} {error.short}")
    except PolicyError as error:
        return Fit(f"cannot be told: {error}")


def _offer(action: Action, fit: Fit, targets: Targets) -> Offer:
    return Offer(action.id, action.title, targets, action.danger, fit.why_not, fit.detail)
