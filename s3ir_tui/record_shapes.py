"""The shape that each kind of journal record must have; a record of another shape is named and skipped by its readers.

A case folder may come from a newer version or from anyone who may write into it: the hash chain proves that a record
was not changed, not that it holds what its kind promises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Protocol

import msgspec

_DEEPEST = 100
"""Levels of nesting that a record may have; CloudTrail and IAM documents have fewer than twenty."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
_Number = Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)] | float
_Object = dict[str, Any]


class Kinded(Protocol):
    """A record of the log, as far as its shape goes."""

    @property
    def table(self) -> str: ...
    def get(self, key: str, default: Any = None, /) -> Any: ...


class _Call(msgspec.Struct):
    service: str = ""
    operation: str = ""
    params: _Object = {}
    region: str = ""


class _Read(msgspec.Struct):
    call: _Call = msgspec.field(default_factory=_Call)
    pick: str = ""
    absent: list[str] = []
    document: bool = False


class _Step(msgspec.Struct):
    call: _Call = msgspec.field(default_factory=_Call)
    read: _Read = msgspec.field(default_factory=_Read)
    target: str = ""
    summary: str = ""
    undo: _Call | None = None
    no_undo: str = ""
    breaks: list[str] = []
    note: str = ""
    action: str = ""
    undoes: _Count | None = None


class _PlanBody(msgspec.Struct):
    action: str = ""
    title: str = ""
    targets: dict[str, list[str]] = {}
    steps: list[_Step] = []
    danger: str = ""
    warnings: list[str] = []
    breaks: list[str] = []
    checked: list[str] = []
    principals: list[str] = []
    made_at: str = ""
    undo_of: str = ""
    independent: bool = False
    hold_seconds: _Number = 0
    evidence: _Object = {}


class _Plan(msgspec.Struct):
    action: str = ""
    title: str = ""
    plan: _PlanBody = msgspec.field(default_factory=_PlanBody)
    actor: str = ""
    reason: str = ""
    excluded: list[_Count] = []


class _Intent(msgspec.Struct):
    plan: str = ""
    step: _Count = 0
    call: _Call = msgspec.field(default_factory=_Call)


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Outcome(msgspec.Struct):
    intent: str = ""
    plan: str = ""
    step: _Count = 0
    ok: bool = False
    state: str = ""
    accepted: bool = False
    already: bool = False
    http: _Count = 0
    request_id: str = ""
    aws_date: str = ""
    error: _Error | None = None
    detail: str = ""


class _End(msgspec.Struct):
    plan: str = ""
    states: list[str] = []
    stopped: str = ""


class _Mark(msgspec.Struct):
    what: str = ""
    id: str = ""
    on: bool = False


class _Armed(msgspec.Struct):
    reason: str = ""
    operator: str = ""


class _Note(msgspec.Struct):
    text: str = ""


class _Phase(msgspec.Struct):
    phase: str = ""


class _Identity(msgspec.Struct):
    account: str = ""
    arn: str = ""
    user_id: str = ""
    region: str = ""
    keys: list[str] = []


class _Event(msgspec.Struct):
    raw: _Object = {}
    source: str = ""


class _Source(msgspec.Struct):
    name: str = ""
    error: str = ""
    remark: str = ""


class _LeftOut(msgspec.Struct):
    count: _Count = 0
    why: str = ""


class _Posture(msgspec.Struct):
    id: str = ""
    facts: _Object = {}


class _LoggedFacts(msgspec.Struct):
    bucket: str = ""
    text: list[str] = []


class _Logged(msgspec.Struct):
    id: str = ""
    facts: _LoggedFacts = msgspec.field(default_factory=_LoggedFacts)


class _Watch(msgspec.Struct):
    label: str = ""
    minutes: _Number | str = 0


class _Verdict(msgspec.Struct):
    watch: str = ""
    label: str = ""
    state: str = ""
    reason: str = ""
    numbers: dict[str, _Number | str | None] = {}


class _Open(msgspec.Struct):
    about: _Object = {}
    why: str = ""


class _Close(msgspec.Struct):
    why: str = ""


SHAPES: Mapping[tuple[str, str], type[msgspec.Struct]] = {
    ("case", "armed"): _Armed,
    ("case", "identity"): _Identity,
    ("case", "mark"): _Mark,
    ("case", "note"): _Note,
    ("case", "phase"): _Phase,
    ("trail", "event"): _Event,
    ("trail", "source"): _Source,
    ("trail", "left-out"): _LeftOut,
    ("posture", "bucket"): _Posture,
    ("posture", "principal"): _Posture,
    ("posture", "instance"): _Posture,
    ("posture", "logged"): _Logged,
    ("actions", "plan"): _Plan,
    ("actions", "intent"): _Intent,
    ("actions", "outcome"): _Outcome,
    ("actions", "end"): _End,
    ("watch", "watch"): _Watch,
    ("watch", "verdict"): _Verdict,
    ("_session", "open"): _Open,
    ("_session", "close"): _Close,
}
"""Table and kind to the fields that readers rely on. A missing field is that of an older version, not a fault."""


def problem(record: Kinded) -> str:
    """Why a record cannot be understood, or "".

    A record of a kind that is not known here is no problem: readers leave it out, and its line in the log names it.

    Args:
        record: A record of the log.

    Returns:
        Such as "Expected `array`, got `int` - at `$.plan.steps`".
    """
    kind = record.get("kind")
    if kind is not None and not isinstance(kind, str):
        return "its kind is not a text"
    shape = SHAPES.get((record.table, kind or ""))
    if shape is None:
        return ""
    fields = {name: value for name in shape.__struct_fields__ if (value := record.get(name)) is not None}
    try:
        msgspec.convert(fields, shape)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        return str(error) or type(error).__name__
    if shape is not _Event and _deeper_than(fields, _DEEPEST):
        return f"nested deeper than {_DEEPEST} levels"
    return ""


def _deeper_than(value: object, levels: int) -> bool:
    level: list[object] = [value]
    for _ in range(levels):
        below: list[object] = []
        for item in level:
            if isinstance(item, Mapping):
                below.extend(item.values())
            elif isinstance(item, list | tuple):
                below.extend(item)
        if not below:
            return False
        level = below
    return True
