"""What was seen of principals, buckets and instances: immutable, with reasons, as screens and JSON show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from s3ir_tui.model import Severity


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something has its severity.

    Attributes:
        severity: How much it matters.
        text: In words, safe to display.
        events: Ids of events behind it, the first twenty.
        count: How many events there are.
        name: Of the detection, or of the pattern.
    """

    severity: Severity
    text: str
    events: tuple[str, ...] = ()
    count: int = 1
    name: str = ""


@dataclass(frozen=True, slots=True)
class PrincipalSighting:
    """A principal. Times are UTC, `YYYY-MM-DDTHH:MM:SSZ`.

    Attributes:
        id: ARN, or the best identity there is.
        kind: `userIdentity.type`, or `Anonymous`.
        access_keys: Keys that it called with.
        events: Its calls.
        denied: Those that were turned away.
        buckets: Buckets that its calls were about.
        addresses: Where it called from.
        first: Its first call.
        last: Its last call.
        severity: The worst of its reasons.
        reasons: Why, worst first.
        instance: The instance whose role session it is, or "".
        bytes_out: Bytes of objects that it read.
        reads: Objects that it read, repeated ones included.
        capped: Which of the lists were cut because they grew too long.
    """

    id: str
    kind: str
    access_keys: tuple[str, ...]
    events: int
    denied: int
    buckets: tuple[str, ...]
    addresses: tuple[str, ...]
    first: str
    last: str
    severity: Severity
    reasons: tuple[Reason, ...]
    instance: str
    bytes_out: int = 0
    reads: int = 0
    capped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BucketSighting:
    """A bucket.

    Attributes:
        name: Its name.
        events: Calls about it.
        reads: Objects whose content was read.
        writes: Objects written or deleted.
        bytes_out: Bytes of the objects read.
        principals: Who called.
        severity: The worst of its reasons.
        reasons: Why, worst first.
        capped: Which of the lists were cut because they grew too long.
    """

    name: str
    events: int
    reads: int
    writes: int
    bytes_out: int
    principals: tuple[str, ...]
    severity: Severity
    reasons: tuple[Reason, ...]
    capped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InstanceSighting:
    """An instance whose role session was seen at work.

    Attributes:
        id: Instance id.
        role: ARN of its role.
        access_keys: Keys that were used, then keys that EC2 handed to it.
        severity: Of its session.
        reasons: Of its session.
    """

    id: str
    role: str
    access_keys: tuple[str, ...]
    severity: Severity
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Visibility:
    """What the trail can, or cannot, show. What was not logged did not thereby not happen.

    Attributes:
        bucket: The bucket it is about, or "" for the whole trail.
        data_events: Whether object-level events of it were seen at all.
        first: Time of the first of them, or "".
        last: Time of the last of them, or "".
        text: In words.
    """

    bucket: str
    data_events: bool
    first: str
    last: str
    text: str = ""


def to_json(item: PrincipalSighting | BucketSighting | InstanceSighting) -> dict[str, Any]:
    """A sighting as `trail --output json` prints it: severities and reasons as words, `evidence` with event ids."""
    made: dict[str, Any] = {}
    for name in item.__dataclass_fields__:
        value = getattr(item, name)
        made[name] = list(value) if isinstance(value, tuple) else value
    made["severity"] = item.severity.word
    made["reasons"] = [reason.text for reason in item.reasons]
    made["evidence"] = [
        {
            "reason": reason.text,
            "severity": reason.severity.word,
            "name": reason.name,
            "count": reason.count,
            "events": list(reason.events),
        }
        for reason in item.reasons
    ]
    return made
