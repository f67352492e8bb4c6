"""Adds up what is alike in many events, so that the analysis has to look at each kind of call once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from s3ir_tui.trail.alike import MOST_IDS, Alike
from s3ir_tui.trail.bulk.call import Call, Identity, PlainExtra, decode_extra, decode_parameters
from s3ir_tui.trail.decode import Skipped
from s3ir_tui.trail.dedupe import ID, pack
from s3ir_tui.trail.detections import by_name_alone
from s3ir_tui.trail.detections.keys import is_log, is_telling
from s3ir_tui.trail.doors import NAMES as DOORS
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.lineage import MINTING
from s3ir_tui.trail.names import OBJECT_DELETES, OBJECT_READS, is_denied
from s3ir_tui.trail.record import NotARecord, as_time

_TEN_MINUTES = 15
_MINUTE = 16
"""Characters of a time that name its minute."""
_SECONDS = frozenset(f":{second:02d}Z" for second in range(60))
_OBJECTS = frozenset(
    {
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CreateMultipartUpload",
        "DeleteObject",
        "GetObject",
        "GetObjectAttributes",
        "GetObjectTagging",
        "HeadBucket",
        "HeadObject",
        "ListObjects",
        "ListObjectVersions",
        "ListParts",
        "PutObject",
        "UploadPart",
    }
)
"""Calls that are one like any other where their parameters name nothing but the object."""
_PLAIN_ENCRYPTION = frozenset({"", "Default_SSE_S3", "Default_SSE_KMS", "SSE_S3", "SSE_KMS"})
_NOBODY = Identity()
_FAULTS = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)

Spans = dict[str, int]


class Sum(msgspec.Struct, array_like=True, gc=False):
    """What a tally came to; it travels between processes.

    Attributes:
        events: How many events.
        first: Time of the earliest, or "".
        last: Time of the latest, or "".
        ids: Their packed ids, one after the other.
        alike: Them, alike by alike.
        reads: Objects read by each principal per ten minutes.
        deletes: Objects deleted, likewise.
        minutes: Calls per minute: let through, turned away, failed.
        skipped: What gave no event.
    """

    events: int
    first: str
    last: str
    ids: bytes
    alike: list[Alike]
    reads: dict[str, Spans]
    deletes: dict[str, Spans]
    minutes: dict[str, list[int]]
    skipped: list[tuple[str, str, int]]


class _Group:
    """Alike events while they are added up."""

    __slots__ = ("bytes_out", "count", "event", "first", "ids", "last", "outcome", "spans", "times")

    def __init__(self, event: Event, ids: list[str], spans: Spans | None) -> None:
        self.event = event
        self.count = self.bytes_out = 0
        self.first = self.last = event.time
        self.ids = ids
        self.spans = spans
        self.times: Spans = {}
        self.outcome = 0 if not event.error else 1 if is_denied(event.error) else 2

    def add(self, at: str, ident: str, out: int, recent: str) -> None:
        self.count += 1
        self.bytes_out += out
        if at < self.first:
            self.first = at
        elif at > self.last:
            self.last = at
        if len(self.ids) < MOST_IDS:
            self.ids.append(ident)
        if self.spans is not None:
            span = at[:_TEN_MINUTES]
            self.spans[span] = self.spans.get(span, 0) + 1
        if at >= recent:
            self.times[at] = self.times.get(at, 0) + 1


class Tally:
    """Adds up events file by file.

    Args:
        recent: Calls from this time on are counted second by second, for a watch that is on.
        known: Packed ids of events that are known: they are left out, as is what comes twice. `None` takes all for new.
    """

    def __init__(self, recent: str = "", known: Iterable[bytes] | None = None) -> None:
        self._recent = recent
        self._known = None if known is None else set(known)
        self._groups: dict[tuple[object, ...], _Group] = {}
        self._ids = bytearray()
        self._samples: dict[tuple[str, ...], list[str]] = {}
        self._reads: dict[str, Spans] = {}
        self._deletes: dict[str, Spans] = {}
        self._minutes: dict[str, list[int]] = {}
        self._skipped: Counter[tuple[str, str]] = Counter()
        self._keys: set[str] = set()

    def skip(self, skipped: Iterable[Skipped]) -> None:
        """Note what gave no event."""
        for item in skipped:
            self._skipped[item.origin, item.reason] += item.count

    def add_events(self, events: Iterable[Event]) -> None:
        """Add up events each of which is taken to be unlike any other."""
        for event in events:
            packed = pack(event.id)
            if self._is_new(packed):
                group = self._groups[packed,] = self._group(event, lean=False)
                self._take(group, packed, event.time, event.id, event.bytes_out)

    def add_calls(self, calls: Iterable[Call], origin: str) -> None:
        """Add up the calls of a trail file.

        Args:
            calls: As decoded.
            origin: The file, for what is skipped.
        """
        groups = self._groups
        for call in calls:
            at, ident = call.eventTime, call.eventID
            if at[_MINUTE:] not in _SECONDS or not self._is_minute(at[:_MINUTE]):
                self._add_odd(call, origin)
                continue
            packed = pack(ident)
            if self._known is not None and not self._is_new(packed):
                continue
            name, out, bucket = call.eventName, 0, ""
            mark: object = None
            if call.eventSource == "s3.amazonaws.com" and name in _OBJECTS:
                try:
                    asked, extra = decode_parameters(call.requestParameters), decode_extra(call.additionalEventData)
                    bucket, out = asked.bucketName, int(extra.bytesTransferredOut)
                    if is_telling(asked.key) or not _is_plain(extra):
                        mark = ident
                except _FAULTS:
                    mark = ident
            else:
                mark = _mark(call)
            who = call.userIdentity or _NOBODY
            named = (
                who.arn or (who.type, who.accountId, bytes(who.principalId), bytes(who.userName)),
                who.accessKeyId,
                who.invokedBy,
                call.sourceIPAddress,
                call.userAgent,
                name,
                call.eventSource,
                call.errorCode,
                bucket,
                mark,
                call.recipientAccountId,
                call.eventType,
                call.eventCategory,
            )
            group = groups.get(named)
            if group is None:
                event = self._event(call, origin)
                if event is None:
                    continue
                group = groups[named] = self._group(event, lean=mark is None)
                out = event.bytes_out
            self._take(group, packed, at, ident, out)

    def sum(self) -> Sum:
        """What it came to."""
        told: set[int] = set()
        alike = []
        for item in self._groups.values():
            # Groups that share their samples give them once.
            ids = [] if id(item.ids) in told else item.ids
            told.add(id(item.ids))
            alike.append(Alike(item.event, item.count, item.first, item.last, item.bytes_out, ids, item.times))
        return Sum(
            events=len(self._ids) // ID,
            first=min((item.first for item in alike), default=""),
            last=max((item.last for item in alike), default=""),
            ids=bytes(self._ids),
            alike=alike,
            reads=self._reads,
            deletes=self._deletes,
            minutes={minute: counts for minute, counts in self._minutes.items() if any(counts)},
            skipped=[(origin, reason, count) for (origin, reason), count in self._skipped.items()],
        )

    def _take(self, group: _Group, packed: bytes, at: str, ident: str, out: int) -> None:
        self._ids += packed
        self._minutes[at[:_MINUTE]][group.outcome] += 1
        group.add(at, ident, out, self._recent)

    def _add_odd(self, call: Call, origin: str) -> None:
        event = self._event(call, origin)
        if event is not None:
            self.add_events([event])

    def _event(self, call: Call, origin: str) -> Event | None:
        try:
            return call.event()
        except NotARecord as why:
            self._skipped[origin, str(why)] += 1
        except _FAULTS:
            self._skipped[origin, "wrong types"] += 1
        return None

    def _is_new(self, packed: bytes) -> bool:
        if self._known is None:
            return True
        if packed in self._known:
            return False
        self._known.add(packed)
        return True

    def _is_minute(self, minute: str) -> bool:
        if minute in self._minutes:
            return True
        try:
            as_time(f"{minute}:00Z")
        except NotARecord:
            return False
        self._minutes[minute] = [0, 0, 0]
        return True

    def _group(self, event: Event, *, lean: bool) -> _Group:
        """Begin a group; where its calls are plain, the record is kept only if it is the first of its key."""
        if lean and event.access_key in self._keys:
            event = msgspec.structs.replace(event, raw=b"")
        self._keys.add(event.access_key)
        self._is_minute(event.time[:_MINUTE])
        sample = (event.principal, event.name, event.bucket, event.error) if lean else (event.id,)
        spans = None
        if event.bucket and not event.error and not is_log(event.key):
            if event.name in OBJECT_READS:
                spans = self._reads.setdefault(event.principal, {})
            elif event.name in OBJECT_DELETES:
                spans = self._deletes.setdefault(event.principal, {})
        return _Group(event, self._samples.setdefault(sample, []), spans)


def _is_plain(extra: PlainExtra) -> bool:
    return extra.AuthenticationMethod == "AuthHeader" and extra.SSEApplied in _PLAIN_ENCRYPTION


def _mark(call: Call) -> object:
    """What calls of an operation must have in common for every detection to say the same of them."""
    name = call.eventName
    if name in MINTING or name in DOORS:
        return call.eventID
    asked = bytes(call.requestParameters)
    if by_name_alone(name):
        return asked if call.eventSource.startswith("s3") else None  # where the bucket stands
    return asked, bytes(call.responseElements), bytes(call.additionalEventData), bytes(call.resources)
