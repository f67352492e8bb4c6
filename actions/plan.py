"""A plan as data: what will be called, on what, from which state to which, and what undoes it."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import msgspec

Targets = Mapping[str, tuple[str, ...]]
"""What an action works on: target name (`bucket`, `principal`, `user`, `role`, `access-key`, `instance`, `account`)
to the values chosen."""

Params = Mapping[str, Any]
"""Parameters of an AWS call in AWS's own spelling; JSON values only."""


class Danger(enum.Enum):
    """How far an action reaches, and so how it is confirmed."""

    READS = "reads only"
    REVERSIBLE = "reversible"
    WIDE = "wide"
    IRREVERSIBLE = "irreversible"


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS API call.

    Attributes:
        service: boto3's service name, such as `iam`, `s3`, `s3control`.
        operation: The API operation, such as `UpdateAccessKey`.
        params: Its parameters; they hold no secret.
        region: Region to call, or "" for the session's.
    """

    service: str
    operation: str
    params: Params
    region: str = ""

    @property
    def name(self) -> str:
        """`iam:UpdateAccessKey`."""
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True, slots=True)
class Read:
    """A read whose answer is a state that can be compared.

    Attributes:
        call: The read.
        pick: JMESPath to the value in the answer.
        absent: Error codes that mean "there is none": the value is then `None`.
        document: Whether the value is JSON text, to be compared as a document.
    """

    call: Call
    pick: str
    absent: tuple[str, ...] = ()
    document: bool = False


@dataclass(frozen=True, slots=True)
class Holds:
    """What must be there for a step to be in effect, whatever others put beside it.

    Attributes:
        statements: Statements that the policy must hold, at least as wide: more principals, or a later cut-off, do.
        gone: Statements that it must not hold any more.
    """

    statements: tuple[Mapping[str, Any], ...] = ()
    gone: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One write of a plan.

    Attributes:
        call: The write.
        target: What it changes, for the list: `AKIA…Q2D4`, `payroll-2026`.
        summary: The change in a few words: `Active -> Inactive`.
        read: How to read the state that it changes; also the read-back.
        before: The state as read when the plan was made.
        after: The state that the read-back must find.
        undo: The call that puts `before` back, where one call does.
        no_undo: Why nothing can, or what must be done instead; empty where `undo` is given or the action merges back.
        breaks: What stops working.
        note: What the responder should know about this step.
        action: Id of the action that the step comes from, where that is not the plan's own.
        undoes: Index of the step that this one undoes, in the plan named by `Plan.undo_of`.
        holds: What must be there for it to be in effect; where it is `None`, the statements by which `before` and
            `after` differ, and the whole of `after` where that is no policy.
    """

    call: Call
    target: str
    summary: str
    read: Read
    before: Any = None
    after: Any = None
    undo: Call | None = None
    no_undo: str = ""
    breaks: tuple[str, ...] = ()
    note: str = ""
    action: str = ""
    undoes: int | None = None
    holds: Holds | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """What the trail showed when a plan was made: what descends from its targets, and where that was seen.

    Attributes:
        credentials: Access key ids.
        principals: Users, roles and sessions, as ARNs.
        accounts: Other accounts that were granted access.
        buckets: Buckets on which any of them was seen.
    """

    credentials: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """A fingerprint: equal where nothing was added or taken away."""
        text = repr([sorted(part) for part in (self.credentials, self.principals, self.accounts, self.buckets)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an action will do, complete: it is shown, recorded and run as it stands.

    Attributes:
        action: Id of the action, such as `contain.disable-access-key`.
        title: One line for the head of the plan screen.
        targets: What it was asked to work on.
        steps: The writes, in order.
        danger: How it is confirmed.
        warnings: What the responder must read before confirming.
        breaks: What is known to break, with the evidence ("seen in 30 days of trail").
        checked: The lock-out checks made, in words.
        principals: Identities whose calls the watch counts after this plan (ARNs, access keys, account ids).
        made_at: UTC time when AWS was read for it, `YYYY-MM-DDTHH:MM:SSZ`.
        undo_of: Journal reference of the plan record that this plan undoes, or "".
        independent: Whether each step is worth doing without the others: the plan then goes on after one that failed.
        hold_seconds: For how long after the last write an independent plan does again what is undone meanwhile.
        evidence: What was read for the record because the plan will hide or replace it.
        basis: What the trail showed of its targets when it was made; `None` where nobody asked.
        in_place: What of it is in effect already and needs no step.
    """

    action: str
    title: str
    targets: Targets
    steps: tuple[Step, ...]
    danger: Danger
    warnings: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    made_at: str = ""
    undo_of: str = ""
    independent: bool = False
    hold_seconds: float = 0.0
    evidence: Mapping[str, Any] = field(default_factory=dict)
    basis: Basis | None = None
    in_place: tuple[str, ...] = ()

    @property
    def evidence_key(self) -> str:
        """Fingerprint of what the plan rests on, "" where that was not asked."""
        return self.basis.key if self.basis is not None else ""

    @property
    def must_type(self) -> str:
        """What the responder types to confirm: nothing, the number of steps, or the first target's name."""
        if self.danger is Danger.WIDE:
            return str(len(self.steps))
        if self.danger is Danger.IRREVERSIBLE:
            return next((values[0] for values in self.targets.values() if values), self.action)
        return ""

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON values, for the journal and `--output json`."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    @staticmethod
    def from_json(data: Any) -> Plan:
        """A plan out of its record.

        Raises:
            msgspec.ValidationError: The record is not a plan.
        """
        return msgspec.convert(data, Plan)


class Refusal(Exception):
    """An action that will not be planned or run. The message says why and what to do instead."""


class AlreadyInPlace(Refusal):
    """What a step, or all of an action, would do is in effect already: there is nothing to do, and nothing wrong.

    Attributes:
        what: What is in effect, a line each.
    """

    def __init__(self, *what: str) -> None:
        super().__init__("; ".join(what))
        self.what = what


_Made = TypeVar("_Made")


def made_of(makers: Iterable[Callable[[], _Made]]) -> tuple[list[_Made], tuple[str, ...]]:
    """Make steps; those that are in effect already are told apart.

    Returns:
        What was made, and what is in effect already.

    Raises:
        AlreadyInPlace: All of it is.
    """
    made: list[_Made] = []
    there: list[str] = []
    for make in makers:
        try:
            made.append(make())
        except AlreadyInPlace as already:
            there += already.what
    if not made and there:
        raise AlreadyInPlace(*there)
    return made, tuple(there)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the responder gave to confirm a plan.

    Attributes:
        typed: What was typed where the plan asks for it.
        reason: Ticket or reason; asked by the first plan that runs on a console.
        excluded: Indexes of the steps left out.
        operator: Name of the person at the console, recorded beside the ARN; "" for the one that the console knows.
        no_ticket: Whether the responder said in so many words that there is no ticket.
    """

    typed: str = ""
    reason: str = ""
    excluded: frozenset[int] = frozenset()
    operator: str = ""
    no_ticket: bool = False


class StepState(enum.Enum):
    """How far a step of a running plan is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    MOVED = "state moved"
    UNKNOWN = "unknown"
    EXCLUDED = "excluded"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a running plan changed its state.

    Attributes:
        index: Index of the step.
        state: What it is now.
        detail: Error, new difference or request id.
    """

    index: int
    state: StepState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """How a plan ended.

    Attributes:
        plan_ref: Journal reference of the plan record.
        states: The state of each step.
        details: What belongs to each state.
        intents: Journal reference of each step's intent, "" where it never came to one.
        stopped: Why the plan did not run to its end, or "".
    """

    plan_ref: str
    states: tuple[StepState, ...]
    details: tuple[str, ...]
    intents: tuple[str, ...] = ()
    stopped: str = ""

    @property
    def ok(self) -> bool:
        """Whether every step that was not excluded is done and read back."""
        return all(state in (StepState.DONE, StepState.EXCLUDED) for state in self.states)


@dataclass(frozen=True, slots=True)
class Done:
    """A plan that ran, as the journal tells it.

    Attributes:
        ref: Journal reference of the plan record.
        plan: The plan.
        states: The state of each step.
        at: UTC time of its record.
        actor: Who ran it.
        undone_by: Reference of the plan that undid it, or "".
    """

    ref: str
    plan: Plan
    states: tuple[StepState, ...]
    at: str
    actor: str = ""
    undone_by: str = ""


@dataclass(frozen=True, slots=True)
class Stale:
    """Why a plan that was shown should be made anew before it runs.

    Attributes:
        changes: What differs, in words: `+ acct 9999…7777`, `+ 1 credential`.
        age: How old the plan is, in seconds.
    """

    changes: tuple[str, ...]
    age: float

    def __str__(self) -> str:
        return f"evidence changed: {', '.join(self.changes)}"


class InPlace(NamedTuple):
    """How much of a plan is in effect now.

    Attributes:
        in_place: Changes that are in effect.
        changes: Changes that are not undone by us.
        unreadable: Changes whose state could not be read.
    """

    in_place: int = 0
    changes: int = 0
    unreadable: int = 0

    def __str__(self) -> str:
        unread = f", {self.unreadable} not readable" if self.unreadable else ""
        return f"{self.in_place} of {self.changes} in place{unread}"


@dataclass(frozen=True, slots=True)
class Offer:
    """An action in the list for what is marked.

    Attributes:
        action: Its id.
        title: What it does, in a few words.
        targets: What it would work on.
        danger: Its danger level.
        why_not: Why it does not fit now; "" where it does.
        detail: Short description of the targets: `AKIA…XNL3F6J, AKIA…Q2D4`.
    """

    action: str
    title: str
    targets: Targets = field(default_factory=dict)
    danger: Danger = Danger.REVERSIBLE
    why_not: str = ""
    detail: str = ""
