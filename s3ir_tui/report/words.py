"""A record of the case log in one line of words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from s3ir_tui.case import Recorded
from s3ir_tui.record_shapes import problem as shape_problem
from s3ir_tui.text import ELLIPSIS, clean, short_arn, size

_LONGEST = 600
_MOST_BYTES = 1e18
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Said:
    """What a record says.

    Attributes:
        text: In one line, safe to show.
        who: Who did it, where the record itself says so: the actor of a plan, the principal of an event.
        problem: Whether a responder must look at it.
    """

    text: str
    who: str = ""
    problem: bool = False


def say(record: Recorded) -> Said:
    """Put a record into words; one of an unknown kind, or that does not hold what its kind promises, is named so."""
    named = f"{clean(record.table)} record: {clean(record.get('kind')) or 'no kind'}"
    if why := shape_problem(record):
        return Said(f"{named}, not understood and skipped: {one_line(why)}"[:_LONGEST], problem=True)
    handler = _WORDS.get((record.table, kind_of(record)))
    said = handler(record) if handler is not None else Said(named)
    if len(said.text) > _LONGEST:
        return Said(said.text[: _LONGEST - 1] + ELLIPSIS, said.who, said.problem)
    return said


def kind_of(record: Recorded) -> str:
    """The kind of a record, "" where it names none."""
    kind = record.get("kind")
    return kind if isinstance(kind, str) else ""


def one_line(value: object) -> str:
    """An outside string in one line, safe to show; lines are joined by ` / `."""
    if not isinstance(value, str):
        return clean(value)
    return clean(" / ".join(line.strip() for line in value[: 4 * _LONGEST].splitlines() if line.strip()))


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else _NOTHING


def sequence(value: object) -> Sequence[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def person(about: Mapping[str, Any]) -> str:
    """Who a session was, short: session or user name of the AWS identity, else the user of the host."""
    actor = about.get("actor") or about.get("arn")
    if isinstance(actor, str) and actor:
        return clean(actor.rsplit("/", 1)[-1] if "/" in actor else short_arn(actor))
    return clean(about.get("user"))


def is_amount(value: object) -> TypeGuard[int | float]:
    """Whether a value of a CloudTrail record is a number of bytes above 0."""
    return isinstance(value, int | float) and 0 < value < _MOST_BYTES


def call_name(call: object) -> str:
    """`iam:UpdateAccessKey`."""
    said = mapping(call)
    return f"{clean(said.get('service'))}:{clean(said.get('operation'))}"


def principal_of(raw: Mapping[str, Any]) -> str:
    """The identity that a CloudTrail record names, as far as it names one."""
    identity = mapping(raw.get("userIdentity"))
    if identity.get("type") == "AWSAccount" and identity.get("principalId") in ("", "Anonymous", "ANONYMOUS_PRINCIPAL"):
        return "anonymous"
    named = identity.get("arn") or identity.get("invokedBy")
    return clean(named or f"{clean(identity.get('type') or 'unknown')}:{clean(identity.get('accountId'))}")


# -- case -----------------------------------------------------------------------------------------


def _armed(record: Recorded) -> Said:
    return Said(f"armed: {one_line(record.get('reason')) or 'no reason given'}")


def _mark(record: Recorded) -> Said:
    word = "marked" if record.get("on") else "unmarked"
    return Said(f"{word} {clean(record.get('what'))} {clean(record.get('id'))}")


def _note(record: Recorded) -> Said:
    return Said(f"note: {one_line(record.get('text'))}")


def _phase(record: Recorded) -> Said:
    return Said(f"phase: {clean(record.get('phase'))}")


# -- trail ----------------------------------------------------------------------------------------


def _event(record: Recorded) -> Said:
    raw = mapping(record.get("raw"))
    parameters = mapping(raw.get("requestParameters"))
    bucket, key = clean(parameters.get("bucketName")), one_line(parameters.get("key"))
    target = " ".join(part for part in (f"{bucket}/{key}" if bucket and key else bucket or key,) if part)
    code = clean(raw.get("errorCode"))
    out = mapping(raw.get("additionalEventData")).get("bytesTransferredOut")
    how_much = f", {size(int(out))} out" if is_amount(out) and not code else ""
    who = short_arn(principal_of(raw))
    parts = [clean(raw.get("eventName")) or "event without a name", target, f"by {who}"]
    if address := clean(raw.get("sourceIPAddress")):
        parts.append(f"from {address}")
    return Said(f"{' '.join(part for part in parts if part)}: {code or 'ok'}{how_much}", who)


def _source(record: Recorded) -> Said:
    error = one_line(record.get("error"))
    name = clean(record.get("name"))
    remark = one_line(record.get("remark"))
    return Said(f"trail source {name}: {error or 'works'}{f'; {remark}' if remark else ''}", problem=bool(error))


def _left_out(record: Recorded) -> Said:
    return Said(f"{clean(record.get('count'))} events not recorded: {one_line(record.get('why'))}")


# -- posture --------------------------------------------------------------------------------------


def _logged(record: Recorded) -> Said:
    lines = sequence(mapping(record.get("facts")).get("text"))
    return Said(f"objects of bucket {clean(record.get('id'))}: {'; '.join(map(one_line, lines)) or 'not known'}")


def _bucket(record: Recorded) -> Said:
    facts = mapping(record.get("facts"))
    words = []
    for name, word in (("public_by_policy", "public by policy"), ("public_by_acl", "public by ACL")):
        if facts.get(name):
            words.append(word)
    if facts.get("deleted"):
        words.append("deleted")
    elif openings := sequence(facts.get("open_to")):
        words.append(f"open to {'; '.join(map(one_line, openings))}")
    elif accounts := sequence(facts.get("foreign_accounts")):
        words.append(f"open to {', '.join(short_arn(clean(account)) for account in accounts)}")
    words += map(one_line, sequence(facts.get("other_ways")))
    if facts.get("objects_public"):
        words.append("objects can be public")
    block = facts.get("public_access_block")
    if isinstance(block, Mapping):
        words.append(f"Block Public Access {'on' if all(block.values()) else 'not fully on'}")
    if versioning := clean(facts.get("versioning")):
        words.append(f"versioning {versioning}")
    return _posture(record, facts, words)


def _principal(record: Recorded) -> Said:
    facts = mapping(record.get("facts"))
    words = [f"key {clean(mapping(key).get('id'))} {clean(mapping(key).get('status'))}" for key in _keys(facts)]
    if facts.get("deleted"):
        words.append("deleted")
    if facts.get("denied_all"):
        words.append("denied everything")
    if since := clean(facts.get("sessions_revoked_before")):
        words.append(f"sessions before {since} revoked")
    return _posture(record, facts, words)


def _keys(facts: Mapping[str, Any]) -> Sequence[Any]:
    return sequence(facts.get("keys"))


def _instance(record: Recorded) -> Said:
    facts = mapping(record.get("facts"))
    words = [clean(facts.get("state"))]
    if role := clean(facts.get("role")):
        words.append(f"role {role}")
    if facts.get("imds_v1"):
        words.append("IMDSv1 allowed")
    return _posture(record, facts, [word for word in words if word])


def _posture(record: Recorded, facts: Mapping[str, Any], words: Sequence[str]) -> Said:
    gaps = mapping(facts.get("gaps"))
    unread = [f"not readable: {', '.join(clean(name) for name in gaps)}"] if gaps else []
    told = "; ".join([*words, *unread]) or "read"
    return Said(f"{clean(record.get('kind'))} {short_arn(clean(record.get('id')))}: {told}")


# -- actions --------------------------------------------------------------------------------------


def _plan(record: Recorded) -> Said:
    plan = mapping(record.get("plan"))
    steps = len(sequence(plan.get("steps")))
    undo = f", undoes {clean(plan.get('undo_of'))}" if plan.get("undo_of") else ""
    text = f"{clean(record.get('action'))}: {one_line(record.get('title'))} ({steps} step{'s'[: steps != 1]}{undo})"
    actor = record.get("actor")
    return Said(text, person({"actor": actor}) if actor else "")


def step_number(record: Recorded) -> str:
    """The number of a step for people, from 1."""
    step = record.get("step")
    return str(step + 1) if type(step) is int else "?"


def _intent(record: Recorded) -> Said:
    params = mapping(mapping(record.get("call")).get("params"))
    told = " ".join(f"{clean(name)}={_short(value)}" for name, value in params.items())
    return Said(f"step {step_number(record)}: {call_name(record.get('call'))} {told}".rstrip())


def _short(value: object) -> str:
    text = one_line(value)
    return text if len(text) <= 60 else text[:59] + ELLIPSIS


def _outcome(record: Recorded) -> Said:
    ok = bool(record.get("ok"))
    parts = [f"step {step_number(record)} {clean(record.get('state')) or ('done' if ok else 'failed')}"]
    error = mapping(record.get("error"))
    if error:
        parts.append(f"{clean(error.get('code'))} {one_line(error.get('message'))}".strip())
    elif not ok and record.get("detail"):
        parts.append(one_line(record.get("detail")))
    elif record.get("already"):
        parts.append("already so")
    if request := clean(record.get("request_id")):
        parts.append(f"request {request}")
    return Said(": ".join(parts[:2]) + "".join(f", {part}" for part in parts[2:]), problem=not ok)


def _end(record: Recorded) -> Said:
    states = [clean(state) for state in sequence(record.get("states"))]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    stopped = one_line(record.get("stopped"))
    text = f"ended: {counts or 'no steps'}" + (f"; stopped: {stopped}" if stopped else "")
    return Said(text, problem=bool(stopped))


# -- watch ----------------------------------------------------------------------------------------


def _watch(record: Recorded) -> Said:
    return Said(f"watch {one_line(record.get('label'))} for {clean(record.get('minutes'))} minutes")


def _verdict(record: Recorded) -> Said:
    state = clean(record.get("state"))
    numbers = ", ".join(f"{clean(name)} {_short(value)}" for name, value in mapping(record.get("numbers")).items())
    reason = one_line(record.get("reason"))
    state_and_reason = f"{state} ({reason})" if reason else state
    return Said(f"watch says {state_and_reason}" + (f": {numbers}" if numbers else ""), problem=state == "RETURNED")


# -- the sessions themselves ----------------------------------------------------------------------


def _open(record: Recorded) -> Said:
    about = mapping(record.get("about"))
    who = person(about)
    host = clean(about.get("host"))
    why = one_line(record.get("why"))
    text = f"console opened by {who or 'somebody'}" + (f" on {host}" if host else "")
    return Said(text + (f" in a new file: {why}" if why else ""), who, problem=bool(why))


def _close(record: Recorded) -> Said:
    return Said(f"console closed: {one_line(record.get('why'))}")


_WORDS: Mapping[tuple[str, str], Callable[[Recorded], Said]] = {
    ("case", "armed"): _armed,
    ("case", "mark"): _mark,
    ("case", "note"): _note,
    ("case", "phase"): _phase,
    ("trail", "event"): _event,
    ("trail", "source"): _source,
    ("trail", "left-out"): _left_out,
    ("posture", "bucket"): _bucket,
    ("posture", "principal"): _principal,
    ("posture", "instance"): _instance,
    ("posture", "logged"): _logged,
    ("actions", "plan"): _plan,
    ("actions", "intent"): _intent,
    ("actions", "outcome"): _outcome,
    ("actions", "end"): _end,
    ("watch", "watch"): _watch,
    ("watch", "verdict"): _verdict,
    ("_session", "open"): _open,
    ("_session", "close"): _close,
}
