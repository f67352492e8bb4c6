"""What a report states, counted from the records of a case and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from s3ir_tui.case import Recorded
from s3ir_tui.record_shapes import problem
from s3ir_tui.report.timeline import EVENT, is_own, own_keys, to_second
from s3ir_tui.report.words import (
    call_name,
    is_amount,
    kind_of,
    mapping,
    one_line,
    person,
    principal_of,
    sequence,
    step_number,
)
from s3ir_tui.text import clean

SECTIONS = ("summary", "impact", "root cause", "trigger", "detection", "resolution", "action item", "lesson")
"""Beginnings of notes (`root cause: ...`) that a section of the report takes up."""


@dataclass(slots=True)
class StepTold:
    """A step of a plan, as its records tell it.

    Attributes:
        number: For people, from 1.
        call: `iam:UpdateAccessKey`.
        target: What it changes.
        summary: How.
        state: How it ended: the outcome's word, `no outcome recorded`, or `not begun`.
        detail: Error or read-back.
        request_id: AWS's.
        at: UTC time of the outcome, else of the intent.
        refs: References of intent and outcome.
    """

    number: str
    call: str
    target: str = ""
    summary: str = ""
    state: str = "not begun"
    detail: str = ""
    request_id: str = ""
    at: str = ""
    refs: tuple[str, ...] = ()


@dataclass(slots=True)
class PlanTold:
    """A plan, as its records tell it."""

    ref: str
    at: str
    action: str
    title: str
    actor: str
    reason: str
    undo_of: str
    steps: list[StepTold]
    warnings: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    stopped: str = ""
    ended: bool = False
    undone_by: str = ""


@dataclass(slots=True)
class Reach:
    """What was done to a bucket, in the events that the log holds."""

    reads: int = 0
    writes: int = 0
    denied: int = 0
    bytes_out: int = 0
    principals: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Facts:
    """Everything that a report states.

    Attributes:
        opened: UTC time of the first record, or "".
        last: UTC time of the last record, or "".
        phase: The phase last recorded, or "".
        armed: Reasons given for arming, with references.
        people: Session id to who it was and on which host.
        marks: `(what, id)` that are marked, with the reference of the mark.
        first_mark: Time and reference of the first mark, or empty.
        sections: Notes by the section that takes them up, with references; other notes under "".
        plans: By reference, in order.
        reach: By bucket name: marked buckets, and all that marked principals called on.
        accounts: Account ids that events name as the owner of what was touched.
        events: How many events the log holds.
        data_events: How many of them are data events.
        own_calls: How many are calls of the consoles of the case; they are in no other number but `events`.
        own_keys: Access keys that the consoles signed with.
        verdicts: Time, reference, watch, state word, the reason of an UNKNOWN.
        unseen: What could not be seen, with references.
        skipped: Records that could not be understood, with references.
    """

    opened: str = ""
    last: str = ""
    phase: str = ""
    armed: list[tuple[str, str]] = field(default_factory=list)
    people: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    marks: dict[tuple[str, str], str] = field(default_factory=dict)
    first_mark: tuple[str, str] = ("", "")
    sections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    plans: dict[str, PlanTold] = field(default_factory=dict)
    reach: dict[str, Reach] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    events: int = 0
    data_events: int = 0
    own_calls: int = 0
    own_keys: frozenset[str] = frozenset()
    verdicts: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    unseen: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    @property
    def unknown(self) -> list[tuple[PlanTold, StepTold]]:
        """Steps that were begun and whose outcome no record tells."""
        return [(plan, step) for plan in self.plans.values() for step in plan.steps if step.state == NO_OUTCOME]


NO_OUTCOME = "no outcome recorded"


def gather(records: Sequence[Recorded]) -> Facts:
    """Count what a report states, from records in time order."""
    facts = Facts(own_keys=own_keys(records))
    understood = []
    for record in records:
        facts.opened = facts.opened or to_second(record.ts)
        facts.last = to_second(record.ts)
        if why := problem(record):
            facts.skipped.append((f"{clean(record.table)} {clean(record.get('kind'))}: {one_line(why)}", record.ref))
            continue
        understood.append(record)
        handler = _HANDLERS.get((record.table, kind_of(record)))
        if handler is not None:
            handler(facts, record)
    _count_reach(facts, understood)
    for plan in facts.plans.values():
        undone = facts.plans.get(plan.undo_of)
        if undone is not None and any(step.state == "done" for step in plan.steps):
            undone.undone_by = plan.ref
    return facts


def _open(facts: Facts, record: Recorded) -> None:
    about = mapping(record.get("about"))
    facts.people[record.session] = (person(about), about)


def _armed(facts: Facts, record: Recorded) -> None:
    facts.armed.append((one_line(record.get("reason")), record.ref))


def _mark(facts: Facts, record: Recorded) -> None:
    what = (clean(record.get("what")), str(record.get("id") or ""))
    if record.get("on"):
        facts.marks[what] = record.ref
        if not facts.first_mark[0]:
            facts.first_mark = (to_second(record.ts), record.ref)
    else:
        facts.marks.pop(what, None)


def _note(facts: Facts, record: Recorded) -> None:
    text = one_line(record.get("text"))
    begin, colon, rest = text.partition(":")
    name = begin.strip().lower().removesuffix("s")
    section = name if colon and name in SECTIONS else ""
    facts.sections.setdefault(section, []).append((rest.strip() if section else text, record.ref))


def _phase(facts: Facts, record: Recorded) -> None:
    facts.phase = clean(record.get("phase"))


def _plan(facts: Facts, record: Recorded) -> None:
    plan = mapping(record.get("plan"))
    steps = [mapping(step) for step in sequence(plan.get("steps"))]
    facts.plans[record.ref] = PlanTold(
        ref=record.ref,
        at=to_second(record.ts),
        action=clean(record.get("action")),
        title=one_line(record.get("title")),
        actor=clean(record.get("actor")),
        reason=one_line(record.get("reason")),
        undo_of=str(plan.get("undo_of") or ""),
        steps=[
            StepTold(
                str(number),
                call_name(step.get("call")),
                one_line(step.get("target")),
                one_line(step.get("summary")),
            )
            for number, step in enumerate(steps, 1)
        ],
        warnings=tuple(one_line(text) for text in sequence(plan.get("warnings"))),
        breaks=tuple(one_line(text) for text in sequence(plan.get("breaks"))),
    )


def _step(facts: Facts, record: Recorded) -> tuple[PlanTold, StepTold] | None:
    plan = facts.plans.get(str(record.get("plan") or ""))
    number = step_number(record)
    if plan is None:
        return None
    for step in plan.steps:
        if step.number == number:
            return plan, step
    return None


def _intent(facts: Facts, record: Recorded) -> None:
    found = _step(facts, record)
    if found is not None:
        _, step = found
        step.state, step.at, step.refs = NO_OUTCOME, to_second(record.ts), (record.ref,)


def _outcome(facts: Facts, record: Recorded) -> None:
    found = _step(facts, record)
    if found is None:
        return
    _, step = found
    error = mapping(record.get("error"))
    step.state = clean(record.get("state")) or ("done" if record.get("ok") else "failed")
    step.detail = f"{clean(error.get('code'))}: {one_line(error.get('message'))}" if error else ""
    if record.get("already"):
        step.detail = "already so"
    step.request_id = clean(record.get("request_id"))
    step.at = to_second(record.ts)
    step.refs = (*step.refs[:1], record.ref)


def _end(facts: Facts, record: Recorded) -> None:
    plan = facts.plans.get(str(record.get("plan") or ""))
    if plan is None:
        return
    plan.ended, plan.stopped = True, one_line(record.get("stopped"))
    for step, state in zip(plan.steps, sequence(record.get("states")), strict=False):
        if step.state == "not begun":
            step.state = clean(state)


def _verdict(facts: Facts, record: Recorded) -> None:
    facts.verdicts.append(
        (
            to_second(record.ts),
            record.ref,
            clean(record.get("watch")),
            clean(record.get("state")) or "no word",
            one_line(record.get("reason")),
        )
    )


def _source(facts: Facts, record: Recorded) -> None:
    for what in ("error", "remark"):
        if told := one_line(record.get(what)):
            facts.unseen.append((f"trail source {clean(record.get('name'))}: {told}", record.ref))


def _left_out(facts: Facts, record: Recorded) -> None:
    facts.unseen.append(
        (f"{clean(record.get('count'))} events were not recorded: {one_line(record.get('why'))}", record.ref)
    )


def _logged(facts: Facts, record: Recorded) -> None:
    """When reads of a bucket were not logged, and what of that is not known: the last record of it counts."""
    name = clean(record.get("id"))
    facts.unseen[:] = [item for item in facts.unseen if not item[0].startswith(f"objects of bucket {name}: ")]
    for line in sequence(mapping(record.get("facts")).get("text")):
        if "not logged" in str(line) or "not known" in str(line):
            facts.unseen.append((f"objects of bucket {name}: {one_line(line)}", record.ref))


def _posture(facts: Facts, record: Recorded) -> None:
    gaps = mapping(mapping(record.get("facts")).get("gaps"))
    for name, why in gaps.items():
        told = f"{clean(record.get('kind'))} {clean(record.get('id'))}: {clean(name)} not readable: {one_line(why)}"
        facts.unseen.append((told, record.ref))


_HANDLERS = {
    ("_session", "open"): _open,
    ("case", "armed"): _armed,
    ("case", "mark"): _mark,
    ("case", "note"): _note,
    ("case", "phase"): _phase,
    ("actions", "plan"): _plan,
    ("actions", "intent"): _intent,
    ("actions", "outcome"): _outcome,
    ("actions", "end"): _end,
    ("watch", "verdict"): _verdict,
    ("trail", "source"): _source,
    ("trail", "left-out"): _left_out,
    ("posture", "bucket"): _posture,
    ("posture", "principal"): _posture,
    ("posture", "instance"): _posture,
    ("posture", "logged"): _logged,
}


def _count_reach(facts: Facts, records: Sequence[Recorded]) -> None:
    buckets = {ident for what, ident in facts.marks if what == "bucket"}
    suspects = {ident for what, ident in facts.marks if what == "principal"}
    seen: set[str] = set()
    for record in records:
        if (record.table, kind_of(record)) != EVENT:
            continue
        raw = mapping(record.get("raw"))
        ident = str(raw.get("eventID") or record.ref)
        if ident in seen:
            continue
        seen.add(ident)
        facts.events += 1
        if is_own(raw, facts.own_keys):
            facts.own_calls += 1
            continue
        facts.data_events += raw.get("eventCategory") == "Data"
        if account := clean(raw.get("recipientAccountId")):
            facts.accounts[account] = facts.accounts.get(account, 0) + 1
        bucket = mapping(raw.get("requestParameters")).get("bucketName")
        by_suspect = not suspects.isdisjoint(_identities(raw))
        if isinstance(bucket, str) and bucket and (by_suspect or bucket in buckets):
            _add(facts.reach.setdefault(bucket, Reach()), raw, by_suspect)


def _add(reach: Reach, raw: Mapping[str, Any], by_suspect: bool) -> None:
    if by_suspect:
        reach.principals.add(principal_of(raw))
    if raw.get("errorCode"):
        reach.denied += 1
        return
    if raw.get("readOnly"):
        reach.reads += 1
    else:
        reach.writes += 1
    out = mapping(raw.get("additionalEventData")).get("bytesTransferredOut")
    reach.bytes_out += int(out) if is_amount(out) else 0


def _identities(raw: Mapping[str, Any]) -> set[str]:
    identity = mapping(raw.get("userIdentity"))
    issuer = mapping(mapping(identity.get("sessionContext")).get("sessionIssuer"))
    named = (principal_of(raw), identity.get("accessKeyId"), identity.get("accountId"), issuer.get("arn"))
    return {name for name in named if isinstance(name, str) and name}
