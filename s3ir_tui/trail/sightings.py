"""What was seen of each principal, bucket and instance: counters and reasons, bounded and incremental."""

from __future__ import annotations

from dataclasses import dataclass, field

from s3ir_tui.model import Severity
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import LISTS, OBJECT_DELETES, OBJECT_READS, OBJECT_WRITES

LISTED = 200
"""Most values kept of a kind (addresses, keys, buckets of a principal); what is beyond is not listed."""

_EVENTS_PER_REASON = 50


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something has its severity.

    Attributes:
        severity: How much it matters.
        text: In words.
        events: Ids of the events behind it, the first 50.
        count: How many events there are.
    """

    severity: Severity
    text: str
    events: tuple[str, ...] = ()
    count: int = 1


@dataclass(frozen=True, slots=True)
class PrincipalSighting:
    """What was seen of a principal. Times are UTC, `YYYY-MM-DDTHH:MM:SSZ`."""

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
    bytes_out: int


@dataclass(frozen=True, slots=True)
class BucketSighting:
    """What was seen of a bucket."""

    name: str
    events: int
    reads: int
    writes: int
    bytes_out: int
    principals: tuple[str, ...]
    severity: Severity
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class InstanceSighting:
    """What was seen of the role credentials of an instance."""

    id: str
    role: str
    access_keys: tuple[str, ...]
    severity: Severity
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class Seen:
    """The running counters of one principal or bucket."""

    kind: str = ""
    role: str = ""
    events: int = 0
    denied: int = 0
    reads: int = 0
    writes: int = 0
    bytes_out: int = 0
    first: str = ""
    last: str = ""
    keys: dict[str, None] = field(default_factory=dict)
    buckets: dict[str, None] = field(default_factory=dict)
    addresses: dict[str, None] = field(default_factory=dict)
    principals: dict[str, None] = field(default_factory=dict)
    reasons: dict[str, Reason] = field(default_factory=dict)

    def count(self, event: Event) -> None:
        """Count an event."""
        self.events += 1
        self.first = min(self.first or event.time, event.time)
        self.last = max(self.last, event.time)
        if event.error:
            self.denied += 1
        else:
            self.bytes_out += event.bytes_out
            self.reads += event.name in OBJECT_READS or event.name in LISTS
            self.writes += event.name in OBJECT_WRITES or event.name in OBJECT_DELETES
        for kept, value in (
            (self.keys, event.access_key),
            (self.buckets, event.bucket),
            (self.addresses, event.address),
            (self.principals, event.principal),
        ):
            if value and value not in kept and len(kept) < LISTED:
                kept[value] = None

    def give(self, severity: Severity, text: str, event: Event) -> bool:
        """Add an event to a reason; tells whether the reason is new or worse than before."""
        before = self.reasons.get(text)
        if before is None:
            self.reasons[text] = Reason(severity, text, (event.id,))
            return True
        events = before.events if len(before.events) >= _EVENTS_PER_REASON else (*before.events, event.id)
        self.reasons[text] = Reason(max(severity, before.severity), text, events, before.count + 1)
        return severity > before.severity

    @property
    def severity(self) -> Severity:
        """The worst reason's."""
        return max((reason.severity for reason in self.reasons.values()), default=Severity.INFO)

    @property
    def ranked(self) -> tuple[Reason, ...]:
        """Reasons, worst first."""
        return tuple(sorted(self.reasons.values(), key=lambda reason: -reason.severity))
