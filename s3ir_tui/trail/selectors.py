"""What the event selectors of a trail log of one bucket's objects."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_OBJECT = "AWS::S3::Object"
_READS = ("Get", "Head", "List", "Select")
_ALWAYS_SO = {"eventSource": "s3.amazonaws.com", "eventCategory": "Data", "resources.type": _OBJECT}


class Logged(enum.StrEnum):
    """How much is logged."""

    ALL = "all"
    PART = "part"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Selected:
    """What is logged of a bucket's objects.

    Attributes:
        reads: Of GetObject, HeadObject, ListObjects and their like.
        writes: Of PutObject, DeleteObject and their like.
        limits: What is logged in part only, in words.
    """

    reads: Logged = Logged.NONE
    writes: Logged = Logged.NONE
    limits: tuple[str, ...] = ()


def selected(answer: Mapping[str, Any], bucket: str) -> Selected:
    """What selectors log of a bucket's objects.

    Args:
        answer: Of GetEventSelectors, or what PutEventSelectors was given; by either kind of selectors, in AWS's
            spelling or in that of CloudTrail's records (`eventSelectors`).
        bucket: Name of the bucket.
    """
    answer = _capital(answer)
    advanced = [_advanced(item, bucket) for item in answer.get("AdvancedEventSelectors") or ()]
    # A trail has one kind of selectors (CloudTrail API, PutEventSelectors).
    parts = advanced or [
        part
        for item in answer.get("EventSelectors") or ()
        for part in _basic(item, bucket)
        if isinstance(item, Mapping)
    ]
    reads, writes = _most(part.reads for part in parts), _most(part.writes for part in parts)
    limits = dict.fromkeys(
        limit
        for part in parts
        if (reads is part.reads is Logged.PART) or (writes is part.writes is Logged.PART)
        for limit in part.limits
    )
    return Selected(reads, writes, tuple(limits))


def _basic(selector: Mapping[str, Any], bucket: str) -> Iterator[Selected]:
    kind = str(selector.get("ReadWriteType") or "All")
    for resource in selector.get("DataResources") or ():
        if resource.get("Type") == _OBJECT:
            yield _as_kind(_starts(_texts(resource.get("Values")), bucket), kind != "WriteOnly", kind != "ReadOnly")


def _advanced(selector: Mapping[str, Any], bucket: str) -> Selected:
    reads = writes = True
    limits: list[str] = []
    found = Selected(Logged.ALL, Logged.ALL)
    category = resource_type = False
    for field in selector.get("FieldSelectors") or ():
        name = str(field.get("Field"))
        tests = {test: _texts(values) for test, values in field.items() if test != "Field" and values}
        if name == "eventCategory":
            category = "Data" in tests.get("Equals", ())
        elif name == "resources.type":
            resource_type = _OBJECT in tests.get("Equals", ())
        elif name == "readOnly":
            wanted = set(tests.get("Equals", ("true", "false"))) - set(tests.get("NotEquals", ()))
            reads, writes = reads and "true" in wanted, writes and "false" in wanted
        elif name == "resources.ARN":
            found = _by_arn(tests, bucket)
            limits += found.limits
        elif name == "eventName" and tests.keys() == {"Equals"}:
            names = tests["Equals"]
            reads = reads and any(item.startswith(_READS) for item in names)
            writes = writes and not all(item.startswith(_READS) for item in names)
            limits.append(f"only {', '.join(names)}")
        elif tests != {"Equals": (_ALWAYS_SO.get(name),)}:
            limits += [f"{name} {test}: {', '.join(values)}" for test, values in tests.items()]
    if not (category and resource_type):
        return Selected()
    if limits and found.reads is Logged.ALL:
        found = Selected(Logged.PART, Logged.PART)
    return _as_kind(Selected(found.reads, found.writes, tuple(limits)), reads, writes)


def _by_arn(tests: Mapping[str, Sequence[str]], bucket: str) -> Selected:
    base = f"{bucket}/"
    limits: list[str] = []
    if "StartsWith" in tests:
        begins = _starts(tests["StartsWith"], bucket)
        if begins.reads is Logged.NONE:
            return begins
        limits += begins.limits
    if "Equals" in tests:
        keys = [name.removeprefix(base) for name in map(_place, tests["Equals"]) if name.startswith(base)]
        if not any(keys):
            return Selected()
        limits.append(f"only {', '.join(filter(None, keys))}")
    for name in map(_place, tests.get("NotStartsWith", ())):
        if base.startswith(name):
            return Selected()
        if name.startswith(base):
            limits.append(f"without {name.removeprefix(base)}*")
    limits += [f"without {n.removeprefix(base)}" for n in map(_place, tests.get("NotEquals", ())) if n.startswith(base)]
    limits += [f"only *{end}" for end in tests.get("EndsWith", ())]
    limits += [f"without *{end}" for end in tests.get("NotEndsWith", ())]
    much = Logged.PART if limits else Logged.ALL
    return Selected(much, much, tuple(limits))


def _starts(values: Iterable[str], bucket: str) -> Selected:
    """What values log that an object's ARN has to begin with."""
    base = f"{bucket}/"
    places = [_place(value) for value in values]
    if any(base.startswith(place) for place in places):
        return Selected(Logged.ALL, Logged.ALL)
    keys = [place.removeprefix(base) for place in places if place.startswith(base)]
    return Selected(Logged.PART, Logged.PART, tuple(f"only {key}*" for key in keys)) if keys else Selected()


def _place(arn: str) -> str:
    """`bucket/key` of an object's ARN; "" for all of them (`arn:aws:s3` or `arn:aws:s3:::`)."""
    return arn.partition(":::")[2]


def _as_kind(found: Selected, reads: bool, writes: bool) -> Selected:
    return Selected(found.reads if reads else Logged.NONE, found.writes if writes else Logged.NONE, found.limits)


def _most(values: Iterable[Logged]) -> Logged:
    order = (Logged.NONE, Logged.PART, Logged.ALL)
    return max(values, key=order.index, default=Logged.NONE)


def _texts(values: object) -> tuple[str, ...]:
    return tuple(map(str, values)) if isinstance(values, list | tuple) else ()


def _capital(value: Any) -> Any:
    """Names as AWS's API spells them: records of CloudTrail begin them with a small letter."""
    if isinstance(value, Mapping):
        return {str(name)[:1].upper() + str(name)[1:]: _capital(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_capital(item) for item in value]
    return value
