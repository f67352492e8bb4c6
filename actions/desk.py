"""The desk of the responder: what can be done, plans, their runs and their undoing, behind one door."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from actions import reconcile as reconciling
from actions.action import Action, Fit
from actions.basis import basis_of, changes
from actions.context import Context
from actions.executor import READ_BACK_SECONDS, Armed, Executor
from actions.holds import holds_of, in_effect
from actions.plan import (
    AlreadyInPlace,
    Answer,
    Basis,
    Danger,
    Done,
    InPlace,
    Offer,
    Plan,
    Progress,
    Refusal,
    Result,
    Stale,
    Step,
    Targets,
)
from actions.reads import value_of
from actions.reconcile import Found, Unknown
from actions.records import TABLE, Log, Told, done, tell, time_of, undone_steps
from actions.registry import ACTIONS
from actions.subjects import Subjects, sort
from actions.undo import action_of, undo_plan
from actions.writes import own_read
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import utc_now
from s3ir_tui.policy import PolicyError

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account
    from s3ir_tui.trail.analysis import Analysis


PLAN_AGE = timedelta(minutes=2)
"""How old a plan may be before it is made anew, and compared, when it is confirmed."""

_DOUBTED_FOR = timedelta(minutes=10)


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
        operator: Name of the person at the console, where an answer gives none.
        plan_age: How old a plan may be before it is made anew, and compared, when it is confirmed.
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
        operator: str = "",
        plan_age: timedelta = PLAN_AGE,
    ) -> None:
        self._operator = operator
        self._plan_age = plan_age
        self._account = account
        self._log = journal
        self._history = history
        self._break_glass = break_glass
        self._clock = clock
        self._actions = actions
        self._patience = read_back_seconds
        self._stop = threading.Event()
        self._doubted: set[str] = set()
        self._made: Executor | None = None
        self._lock = threading.Lock()

    # -- state ------------------------------------------------------------------------------------

    @property
    def armed(self) -> bool:
        """Whether this console may write."""
        return self._made is not None and self._made.armed

    @property
    def needs_reason(self) -> bool:
        """Whether the next plan that writes has to be given a ticket or reason: this console is not armed yet."""
        return not self.armed

    @property
    def operator(self) -> str:
        """Name of the person at the console as the settings have it, or ""."""
        return self._operator

    def recorded_reason(self) -> Armed | None:
        """What a console of this case was armed for last: to be offered, never to be taken. Reads the log."""
        armed = [record for record in self._log.records("case") if record.get("kind") == "armed"]
        if not armed:
            return None
        return Armed(str(armed[-1].get("reason") or ""), str(armed[-1].get("operator") or ""))

    @property
    def running(self) -> bool:
        """Whether a plan runs."""
        return self._made is not None and self._made.running

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
            subjects = sort(targets, ctx.account_id, ctx.arn_of)
        except Refusal as refusal:
            return tuple(_offer(action, Fit(str(refusal)), targets) for action in self._actions.values())
        found = [_offer(action, _fit(action, subjects, ctx), subjects.targets) for action in self._actions.values()]
        return tuple(sorted(found, key=lambda offer: bool(offer.why_not)))

    def plan(self, action_id: str, targets: Targets) -> Plan:
        """The plan of an action; one without a step where all of it is in effect already. Reads AWS; blocks.

        Raises:
            Refusal: It will not be done; the message names the way out.
        """
        action = self._actions.get(action_id)
        if action is None:
            raise Refusal(f"there is no action {action_id}")
        ctx = self._context()
        try:
            plan = action.plan(sort(targets, ctx.account_id, ctx.arn_of), ctx)
            return replace(plan, basis=self._basis(plan.targets, ctx))
        except AlreadyInPlace as already:
            return _nothing_to_do(action, targets, already.what, ctx)
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
        if executor.running:
            raise Refusal("another plan is running: wait for its end")
        return executor.run(self._current(plan), answer, progress, self._stop)

    def still_valid(self, plan: Plan) -> Stale | None:
        """Whether the trail shows the same of a plan's targets as when it was made. Reads no AWS; quick.

        Returns:
            What changed, in words, and how old the plan is; `None` where nothing did.
        """
        if plan.basis is None:
            return None
        changed = changes(plan.basis, self._basis(plan.targets, self._context()))
        return Stale(changed, self.age(plan)) if changed else None

    def age(self, plan: Plan) -> float:
        """How long ago AWS was read for a plan, in seconds."""
        return (self._clock() - time_of(plan.made_at)).total_seconds() if plan.made_at else 0.0

    def _current(self, plan: Plan) -> Plan:
        """The plan as it would be made now, provided that it still does what was shown.

        Raises:
            Refusal: It would do something else now; the message says what, and how to go on.
        """
        if not plan.steps:
            return plan
        action = self._actions.get(plan.action)
        stale = self.still_valid(plan) if action is not None and action.follows_lineage else None
        old = self.age(plan) > self._plan_age.total_seconds()
        if action is None or not (stale or old):
            return plan
        fresh = self.undo_plan(plan.undo_of) if plan.undo_of else self.plan(plan.action, plan.targets)
        if [_what(step) for step in fresh.steps] == [_what(step) for step in plan.steps]:
            return fresh
        why = str(stale) if stale is not None else f"AWS has changed, the plan is {self.age(plan):.0f} s old"
        raise Refusal(
            f"out of date, {why}: it would now have {len(fresh.steps)} steps, not these {len(plan.steps)}. "
            "Way out: plan it again, look at it, confirm it. Nothing was changed"
        )

    # -- the record -------------------------------------------------------------------------------

    def done(self) -> tuple[Done, ...]:
        """Plans that changed something, oldest first; `undone_by` is set once nothing of one is left to undo."""
        return done(self._told())

    def in_place(self, ref: str) -> InPlace:
        """How many changes of a plan are in effect now, of how many that are not undone. Reads AWS; blocks."""
        told = self._told()
        item = told.get(ref)
        if item is None:
            return InPlace()
        gone = undone_steps(told, ref)
        steps = [step for index, step in enumerate(item.plan.steps) if item.took_effect(index) and index not in gone]
        account, there, unreadable = self._connected(), 0, 0
        for step in steps:
            try:
                there += in_effect(step, value_of(account, own_read(step, account.identity.account)))
            except (AwsError, Refusal):
                unreadable += 1
        return InPlace(there, len(steps), unreadable)

    def unknown_outcomes(self) -> tuple[Unknown, ...]:
        """Steps that were begun and of which nobody knows how they ended: the first thing to show."""
        return reconciling.unknown(self._told(), self._log, self.running, self._clock())

    def reconcile(self) -> tuple[Found, ...]:
        """Look them up in AWS and record what became of them, as far as that can be known yet. Blocks.

        Steps that were recorded as failed, although AWS had not said so, are looked at again as well.

        Raises:
            JournalError: An outcome could not be recorded.
        """
        told = self._told()
        steps = self.unknown_outcomes()
        doubtful = tuple(item for item in reconciling.doubtful(told, self._log, self.running) if self._due(item, told))
        if not steps and not doubtful:
            return ()
        return reconciling.reconcile(self._connected(), self._log, (*steps, *doubtful), told, self._clock())

    def _due(self, item: Unknown, told: Mapping[str, Told]) -> bool:
        """Whether a step that is recorded as failed is looked at again: for ten minutes, and once by each console."""
        new = item.intent_ref not in self._doubted
        self._doubted.add(item.intent_ref)
        return new or told[item.plan_ref].age(item.index, self._clock()) < _DOUBTED_FOR

    def look_again(self) -> int:
        """Reconcile, and tell how many outcomes are unknown still. Blocks.

        Raises:
            JournalError: An outcome could not be recorded.
        """
        return sum(not found.state for found in self.reconcile())

    # -- inside -----------------------------------------------------------------------------------

    def _told(self) -> dict[str, Told]:
        return tell(self._log.records(TABLE))

    def _connected(self) -> Account:
        return self._account() if callable(self._account) else self._account

    def _executor(self) -> Executor:
        account = self._connected()
        with self._lock:
            if self._made is None:
                self._made = Executor(
                    account,
                    self._log,
                    clock=self._clock,
                    read_back_seconds=self._patience,
                    operator=self._operator,
                    rebase=self._rebase,
                )
            return self._made

    def _rebase(self, plan: Plan, index: int, step: Step, state: Any) -> Step:
        action = self._actions.get(action_of(plan, index))
        if action is None:
            raise Refusal("not sent: the state moved")
        return action.rebase(step, state, self._context())

    def _basis(self, targets: Targets, ctx: Context) -> Basis:
        return basis_of(targets, ctx.history(), ctx.account_id, ctx.account.partition)

    def _context(self) -> Context:
        return Context(self._connected(), self._history, self._break_glass, self._clock)


def _nothing_to_do(action: Action, targets: Targets, what: tuple[str, ...], ctx: Context) -> Plan:
    """A plan without a step: what was asked for is in effect. Its watch is that of its targets."""
    return Plan(
        action=action.id,
        title=f"{action.title}: nothing to do, it is in place already",
        targets=targets,
        steps=(),
        danger=Danger.READS,
        principals=tuple(value for name in ("principal", "access-key") for value in targets.get(name, ())),
        made_at=ctx.now,
        in_place=what,
    )


def _what(step: Step) -> tuple[str, str, str]:
    """What a step does, whatever else its policy holds meanwhile."""
    holds = holds_of(step)
    what = [sorted(json.dumps(item, sort_keys=True) for item in part) for part in (holds.statements, holds.gone)]
    return step.call.name, step.target, json.dumps(what if any(what) else step.after, sort_keys=True)


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
