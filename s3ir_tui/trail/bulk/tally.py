"""Adds up what is alike in many events, so that the analysis has to look at each kind of call once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from s3ir_tui.trail.alike import MOST_IDS, Alike, Origin, origin
from s3ir_tui.trail.bulk.call import Call, Extra, Identity, decode_extra, decode_parameters
from s3ir_tui.trail.credentials import MINTING, Credential, made, used
from s3ir_tui.trail.decode import Skipped
from s3ir_tui.trail.dedupe import ID, pack
from s3ir_tui.trail.detections import by_name_alone, detect
from s3ir_tui.trail.detections.keys import is_log, is_telling
from s3ir_tui.trail.doors import NAMES as DOORS
from s3ir_tui.trail.doors import opened
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import OBJECT_DELETES, OBJECT_READS, is_denied
from s3ir_tui.trail.profile import MOST_PLACES, TEN_MINUTES
from s3ir_tui.trail.record import NotARecord, as_time

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
_WITH_CONTENT = frozenset({"CompleteMultipartUpload", "CreateMultipartUpload", "GetObject", "PutObject", "UploadPart"})
"""Those of them whose objects' names, signatures and keys the detections look at."""
_PLAIN_ENCRYPTION = frozenset({"", "Default_SSE_S3", "Default_SSE_KMS", "SSE_S3", "SSE_KMS"})
_LOG = "log"
_NOBODY = Identity()
_FAULTS = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)


Places = dict[tuple[str | None, str | None], Origin]


class Spans(msgspec.Struct, array_like=True, gc=False):
    """Objects of a principal per ten minutes: read, and deleted."""

    reads: dict[str, int] = {}
    deletes: dict[str, int] = {}


class Sum(msgspec.Struct, array_like=True, gc=False):
    """What a tally came to; it travels between processes.

    Attributes:
        events: How many events.
        first: Time of the earliest, or "".
        last: Time of the latest, or "".
        ids: Their packed ids, one after the other.
        alike: Them, alike by alike.
        origins: Where they came from.
        spans: Objects that each principal read and deleted.
        minutes: Calls per minute: let through, turned away, failed.
        skipped: What gave no event: origin, reason, count.
    """

    events: int
    first: str
    last: str
    ids: bytes
    alike: list[Alike]
    origins: list[Origin]
    spans: dict[str, Spans]
    minutes: dict[str, list[int]]
    skipped: list[tuple[str, str, int]]


class _Group:
    """Alike events while they are added up."""

    __slots__ = ("_spans", "addresses", "alike", "minting", "outcome", "places")

    def __init__(self, alike: Alike, places: Places, spans: dict[str, int] | None) -> None:
        event = alike.event
        self.alike = alike
        self.places = places
        self.addresses: set[str] = set()
        self.minting = event.name in MINTING and not event.error
        self.outcome = 0 if not event.error else 1 if is_denied(event.error) else 2
        self._spans = spans

    def add(self, at: str, ident: str, out: int) -> None:
        alike = self.alike
        alike.count += 1
        alike.bytes_out += out
        if at < alike.first:
            alike.first = at
        elif at > alike.last:
            alike.last = at
        if len(alike.ids) < MOST_IDS:
            alike.ids.append(ident)
        if self._spans is not None:
            span = at[:TEN_MINUTES]
            self._spans[span] = self._spans.get(span, 0) + 1


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
        self._places: dict[tuple[object, ...], Places] = {}
        self._ids = bytearray()
        self._samples: dict[tuple[str, ...], list[str]] = {}
        self._spans: dict[str, Spans] = {}
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
            if self._known is not None and not self._is_new(packed):
                continue
            group = self._groups[packed,] = self._group(event, (event.id,), plain=False)
            group.add(event.time, event.id, event.bytes_out)
            group.addresses.add(event.address)
            group.alike.times[event.time] = 1
            if not event.invoked_by:
                group.places[event.address, event.agent] = origin(event)
            minute = self._minute(event.time[:_MINUTE])
            if minute is not None:
                minute[group.outcome] += 1
            self._ids += packed

    def add_calls(self, calls: Iterable[Call], file: str) -> None:
        """Add up the calls of a trail file.

        Args:
            calls: As decoded.
            file: Its name, for what is skipped.
        """
        groups, minutes, known, ids, recent = self._groups, self._minutes, self._known, self._ids, self._recent
        for call in calls:
            at, ident = call.eventTime, call.eventID
            minute = minutes.get(at[:_MINUTE]) or self._minute(at[:_MINUTE])
            if minute is None or at[_MINUTE:] not in _SECONDS:
                self._add_odd(call, file)
                continue
            packed = pack(ident)
            if known is not None and not self._is_new(packed):
                continue
            name, out = call.eventName, 0
            what: tuple[object, ...]
            if name in _OBJECTS and call.eventSource == "s3.amazonaws.com" and call.eventType == "AwsApiCall":
                try:
                    asked = decode_parameters(call.requestParameters)
                    mark = None
                    if name in _WITH_CONTENT:
                        extra = decode_extra(call.additionalEventData)
                        out = int(extra.bytesTransferredOut)
                        if is_telling(asked.key) or not _is_plain(extra):
                            mark = _LOG if is_log(asked.key) else ident
                    what = (name, asked.bucketName, call.eventCategory, mark)
                except _FAULTS:
                    what = (name, ident)
            else:
                what = (name, call.eventSource, call.eventType, call.eventCategory, _mark(call))
            who = call.userIdentity or _NOBODY
            identity = who.arn or (who.type, who.accountId, bytes(who.principalId), bytes(who.userName))
            named = (identity, who.accessKeyId, who.invokedBy, call.errorCode, call.recipientAccountId, what)
            group = groups.get(named)
            if group is None or group.minting:
                event = self._event(call, file)
                if event is None:
                    continue
                out = event.bytes_out
                if group is None:
                    group = groups[named] = self._group(event, named[:2], plain=what[-1] is None)
                else:
                    group.alike.made += _made(event)
            group.add(at, ident, out)
            minute[group.outcome] += 1
            ids += packed
            if at >= recent:
                times = group.alike.times
                times[at] = times.get(at, 0) + 1
            place = (call.sourceIPAddress, call.userAgent)
            found = group.places.get(place)
            if found is not None:
                found.count += 1
                if at < found.first:
                    found.first = at
                elif at > found.last:
                    found.last = at
            elif who.invokedBy is None:
                group.places[place] = _origin(group.alike.event, call)
            if group.alike.event.bucket and len(group.addresses) < MOST_PLACES:
                group.addresses.add(call.sourceIPAddress or "")

    def sum(self) -> Sum:
        """What it came to; the tally is used up by it."""
        told: set[int] = set()
        for group in self._groups.values():
            alike = group.alike
            alike.addresses = list(group.addresses)
            if id(alike.ids) in told:  # groups that share their samples give them once
                alike.ids = []
            told.add(id(alike.ids))
        made = [group.alike for group in self._groups.values()]
        return Sum(
            events=len(self._ids) // ID,
            first=min((item.first for item in made), default=""),
            last=max((item.last for item in made), default=""),
            ids=bytes(self._ids),
            alike=made,
            origins=[place for places in self._places.values() for place in places.values()],
            spans=self._spans,
            minutes={minute: counts for minute, counts in self._minutes.items() if any(counts)},
            skipped=[(file, reason, count) for (file, reason), count in self._skipped.items()],
        )

    def _add_odd(self, call: Call, file: str) -> None:
        event = self._event(call, file)
        if event is not None:
            self.add_events([event])

    def _event(self, call: Call, file: str) -> Event | None:
        try:
            return call.event()
        except NotARecord as why:
            self._skipped[file, str(why)] += 1
        except _FAULTS:
            self._skipped[file, "wrong types"] += 1
        return None

    def _is_new(self, packed: bytes) -> bool:
        known = self._known
        if known is None or packed in known:
            return known is None
        known.add(packed)
        return True

    def _minute(self, minute: str) -> list[int] | None:
        """The counters of a minute, or `None` where that is none."""
        found = self._minutes.get(minute)
        if found is None:
            try:
                as_time(f"{minute}:00Z")
            except NotARecord:
                return None
            found = self._minutes[minute] = [0, 0, 0]
        return found

    def _group(self, event: Event, whose: tuple[object, ...], *, plain: bool) -> _Group:
        """Begin a group.

        Args:
            event: Its first event; the record is kept only where there is something in it to look at.
            whose: Identity and credential, by which places are shared with other groups.
            plain: Whether there is nothing in it to look at.
        """
        key = event.access_key
        first_of_key = None
        if key and key not in self._keys and not event.invoked_by:
            self._keys.add(key)
            first_of_key = used(event)
        sample = (event.principal, event.name, event.bucket, event.error) if plain else (event.id,)
        alike = Alike(
            event=msgspec.structs.replace(event, raw=b"") if plain or event.name in MINTING else event,
            count=0,
            first=event.time,
            last=event.time,
            bytes_out=0,
            ids=self._samples.setdefault(sample, []),
            addresses=[],
            times={},
            findings=detect(event),
            made=_made(event),
            opened=opened(event),
            used=first_of_key,
        )
        spans = None
        if event.bucket and not event.error and not is_log(event.key):
            if event.name in OBJECT_READS:
                spans = self._spans.setdefault(event.principal, Spans({}, {})).reads
            elif event.name in OBJECT_DELETES:
                spans = self._spans.setdefault(event.principal, Spans({}, {})).deletes
        return _Group(alike, self._places.setdefault(whose, {}), spans)


def _origin(event: Event, call: Call) -> Origin:
    at, address, agent = call.eventTime, call.sourceIPAddress or "", call.userAgent or ""
    return Origin(event.principal, event.access_key, address, agent, call.eventID, 1, at, at)


def _made(event: Event) -> list[Credential]:
    new = made(event)
    return [new] if new is not None else []


def _is_plain(extra: Extra) -> bool:
    return extra.AuthenticationMethod == "AuthHeader" and extra.SSEApplied in _PLAIN_ENCRYPTION


def _mark(call: Call) -> object:
    """What calls of an operation must have in common for every detection to say the same of them."""
    name = call.eventName
    asked = bytes(call.requestParameters)
    if by_name_alone(name) and name not in DOORS:
        return asked if call.eventSource.startswith("s3") else None  # where the bucket stands
    if name in MINTING:
        return asked, bytes(call.additionalEventData)
    return asked, bytes(call.responseElements), bytes(call.additionalEventData), bytes(call.resources)
