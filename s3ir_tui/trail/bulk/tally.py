"""Adds up what is alike in many events, so that the analysis has to look at each kind of call once."""

from __future__ import annotations

import contextlib
from binascii import unhexlify
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from s3ir_tui.trail.alike import MOST_IDS, Origin, origin
from s3ir_tui.trail.bulk.call import Call, Extra, Identity, decode_parameters
from s3ir_tui.trail.bulk.group import Group, Places, kind_of
from s3ir_tui.trail.bulk.sum import Spans, Sum
from s3ir_tui.trail.credentials import MINTING
from s3ir_tui.trail.decode import Skipped, decode, decode_record
from s3ir_tui.trail.dedupe import ID, pack, unpacked
from s3ir_tui.trail.detections import by_name_alone
from s3ir_tui.trail.detections.keys import LOGS, SECRET_ENDS, is_log, looks_like_note, looks_secret
from s3ir_tui.trail.detections.network import CATEGORY as NETWORK_ACTIVITY
from s3ir_tui.trail.doors import NAMES as DOORS
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.kms import SHADOWS, shadowed
from s3ir_tui.trail.profile import MOST_PLACES, TEN_MINUTES
from s3ir_tui.trail.record import NotARecord, as_time, is_known
from s3ir_tui.trail.salvage import FAULTS

NEVER = "9"
"""Later than any time."""

MOST_GROUPS = 20_000
MOST_EVENTS = 1 << 20
"""A tally that has more than either is full: what it came to is to be taken, and another one begun."""

_MINUTE = 16
"""Characters of a time that name its minute."""
_UUID = 36
_SECONDS = frozenset(f":{second:02d}Z" for second in range(60))
_CATEGORIES = frozenset({None, "Data", "Management", "NetworkActivity"})
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
_MOST_BYTES = 1e18
"""Counts of bytes from there on come from broken tools only, as in `record`."""

_WITH_CONTENT = frozenset({"CompleteMultipartUpload", "CreateMultipartUpload", "GetObject", "PutObject", "UploadPart"})
"""Those of them whose objects' names, signatures and keys the detections look at."""
_PLAIN_ENCRYPTION = frozenset({"", "Default_SSE_S3", "Default_SSE_KMS", "SSE_S3", "SSE_KMS"})
_LOG, _VERSION = "log", "version"
_NO_EXTRA = Extra()

_version = attrgetter("eventVersion")
_category = attrgetter("eventCategory")
_time = attrgetter("eventTime")
T = TypeVar("T")

Claim = Callable[[bytes, str, str], set[bytes] | None]
"""Claims events by their packed ids and the times of the earliest and the latest: see `EventIds.claim`."""


class Tally:
    """Adds up events file by file.

    Args:
        claim: Tells which events are known: they are left out, as is what comes twice.
        recent: Calls from this time on are counted second by second, for a watch that is on.

    Attributes:
        events: How many were added up.
        repeated: How many were left out because they were known.
    """

    def __init__(self, claim: Claim, recent: str = NEVER) -> None:
        self._claim, self._recent = claim, recent
        self.events = self.repeated = 0
        self._groups: dict[tuple[object, ...], Group] = {}
        self._places: dict[tuple[str, str], Places] = {}
        self._keys: set[str] = set()
        self._texts: dict[str, str] = {}
        self._samples: dict[tuple[object, ...], list[str]] = {}
        self._spans: dict[str, Spans] = {}
        self._skipped: Counter[tuple[str, str]] = Counter()

    @property
    def full(self) -> bool:
        """Whether another tally should go on."""
        return len(self._groups) >= MOST_GROUPS or self.events >= MOST_EVENTS

    def skip(self, skipped: Iterable[Skipped]) -> None:
        """Note what gave no event."""
        for item in skipped:
            self._skipped[item.origin, item.reason] += item.count

    def add_events(self, events: Iterable[Event]) -> None:
        """Add up events each of which is taken to be unlike any other."""
        events = list(events)
        times = [event.time for event in events]
        for event in self._new(events, b"".join(pack(event.id) for event in events), times):
            self._add_alone(event)

    def _add_alone(self, event: Event) -> None:
        kind = kind_of(event, plain=False, first=True)
        group = self._groups[event.id,] = Group(kind, event.time, [event.id], {}, self._spans)
        group.mint(event)
        group.count, group.bytes_out = 1, event.bytes_out
        group.addresses.add(event.address)
        group.times[event.time] = 1
        if group.spans is not None:
            span = event.time[:TEN_MINUTES]
            group.spans[span] = group.spans.get(span, 0) + 1
        if not event.invoked_by:
            self._places[event.id, ""] = {(event.address, event.agent): origin(event)}
        self.events += 1

    def add_calls(self, calls: Sequence[Call], file: str) -> None:
        """Add up the calls of a trail file.

        What is the same for a whole file is looked at column by column, and the loop calls nothing that it can do
        without: a million events go through here, and a call of a function costs as much as a look into a table.

        Args:
            calls: As decoded.
            file: Its name, for what is skipped.
        """
        calls = self._sound(calls, file)
        calls = self._new(calls, _packed(calls), list(map(_time, calls)))
        groups, recent = self._groups, self._recent
        self.events += len(calls)
        mark: object
        for call in calls:
            name = call.eventName
            about = call.eventSource
            mark = None
            out = 0
            extra = call.additionalEventData or _NO_EXTRA
            if 0 < extra.bytesTransferredOut < _MOST_BYTES:
                out = int(extra.bytesTransferredOut)
            if name in _OBJECTS and about == "s3.amazonaws.com" and call.eventType == "AwsApiCall":
                try:
                    asked = decode_parameters(call.requestParameters)
                except FAULTS:
                    mark = call.eventID
                else:
                    about = asked.bucketName
                    if name in _WITH_CONTENT:
                        key = asked.key
                        if (
                            key[-1:] in SECRET_ENDS
                            or LOGS in key
                            or name != "GetObject"
                            or extra.AuthenticationMethod == "QueryString"
                            or extra.SSEApplied not in _PLAIN_ENCRYPTION
                        ):
                            mark = _mark_of_object(call, key, extra)
                    elif asked.version and name == "DeleteObject":
                        mark = _VERSION
            else:
                mark = _mark(call)
            who = call.userIdentity
            alike = (
                who.arn or _someone(who),
                who.accessKeyId,
                who.invokedBy,
                name,
                about,
                call.errorCode,
                mark,
                call.recipientAccountId,
                call.eventType,
                call.eventCategory,
            )
            group = groups.get(alike)
            if group is None or group.minting:
                try:
                    group = self._meet(call, alike, plain=mark is None)
                except (NotARecord, *FAULTS) as why:
                    self._skipped[file, str(why) if isinstance(why, NotARecord) else "wrong types"] += 1
                    self.events -= 1
                    continue
            at = call.eventTime
            group.count += 1
            group.bytes_out += out
            if at < group.first:
                group.first = at
            elif at > group.last:
                group.last = at
            if len(group.ids) < MOST_IDS:
                group.ids.append(call.eventID)
            spans = group.spans
            if spans is not None:
                span = at[:TEN_MINUTES]
                spans[span] = spans.get(span, 0) + 1
            if at >= recent:
                group.times[at] = group.times.get(at, 0) + 1
            place = (call.sourceIPAddress, call.userAgent)
            found = group.places.get(place)
            if found is None:
                found = self._meet_place(group, call)
            found.count += 1
            if at < found.first:
                found.first = at
            elif at > found.last:
                found.last = at

    def sum(self) -> Sum:
        """What it came to; the tally is used up by it."""
        made = []
        told: set[int] = set()
        for group in self._groups.values():
            alike = group.alike()
            if id(alike.ids) in told:  # groups that share their samples give them once
                alike.ids = []
            told.add(id(group.ids))
            made.append(alike)
        return Sum(
            events=self.events,
            repeated=self.repeated,
            alike=made,
            origins=[item for places in self._places.values() for item in places.values()],
            spans=self._spans,
            skipped=[(file, reason, count) for (file, reason), count in self._skipped.items()],
        )

    def _sound(self, calls: Sequence[Call], file: str) -> Sequence[Call]:
        """The calls that are as CloudTrail writes them; others are added up with more patience."""
        odd_versions = {version for version in set(map(_version, calls)) if not is_known(version)}
        if (
            not odd_versions
            and _CATEGORIES.issuperset(map(_category, calls))
            and _SECONDS.issuperset([call.eventTime[_MINUTE:] for call in calls])
            and all(map(_is_minute, {call.eventTime[:_MINUTE] for call in calls}))
        ):
            return calls
        sound = []
        for call in calls:
            version, at = call.eventVersion, call.eventTime
            if (
                version in odd_versions
                or call.eventCategory not in _CATEGORIES
                or at[_MINUTE:] not in _SECONDS
                or not _is_minute(at[:_MINUTE])
            ):
                found = decode(call.raw(), file)
                self.skip(found.skipped)
                self.add_events(found.events)
            else:
                sound.append(call)
        return sound

    def _meet(self, call: Call, alike: tuple[object, ...], *, plain: bool) -> Group:
        """The group of a call that is the first of its kind here, or that may have made a credential.

        Raises:
            NotARecord: It is no record of a call.
        """
        group = self._groups.get(alike)
        if group is not None:
            event = _another(group.kind.event, call)
        else:
            event = Event(*self._shared(msgspec.structs.astuple(decode_record(call.raw()))))
            kind = kind_of(event, plain=plain, first=self._is_first(event))
            places = {} if event.invoked_by else self._places.setdefault((event.principal, event.access_key), {})
            samples = self._samples_of(event) if plain else []
            group = self._groups[tuple(self._shared(alike))] = Group(kind, call.eventTime, samples, places, self._spans)
        group.mint(event)
        if event.bucket and len(group.addresses) < MOST_PLACES:
            group.addresses.add(call.sourceIPAddress or "")
        return group

    def _meet_place(self, group: Group, call: Call) -> Origin:
        """Where a call came from that is the first from there with its credential."""
        event, at = group.kind.event, call.eventTime
        address, agent = place = tuple(self._shared((call.sourceIPAddress, call.userAgent)))
        found = Origin(event.principal, event.access_key, address or "", agent or "", call.eventID, 0, at, at)
        group.places[place] = found
        return found

    def _shared(self, values: Iterable[Any]) -> Iterator[Any]:
        """The same values, and of equal texts one for all: much is said again in every group."""
        texts = self._texts
        return (texts.setdefault(value, value) if isinstance(value, str) else value for value in values)

    def _is_first(self, event: Event) -> bool:
        """Whether a call is the first of its credential."""
        if event.access_key in self._keys:
            return False
        self._keys.add(event.access_key)
        return True

    def _samples_of(self, event: Event) -> list[str]:
        """Where the ids of a group's first events go: plain calls by other keys of the same principal share them."""
        return self._samples.setdefault((event.principal, event.service, event.name, event.bucket, event.error), [])

    def _new(self, items: Sequence[T], packed: bytes, times: Sequence[str]) -> Sequence[T]:
        """Those of some events that are new, given their packed ids and their times."""
        if not items:
            return items
        known = self._claim(packed, min(times), max(times))
        if known is None:
            return items
        new = []
        for item, ident in zip(items, unpacked(packed), strict=True):
            if ident not in known:
                known.add(ident)
                new.append(item)
        self.repeated += len(items) - len(new)
        return new


def _packed(calls: Sequence[Call]) -> bytes:
    """The packed ids of calls (see `pack`), one after the other."""
    text = "".join([call.eventID for call in calls])
    if len(text) == _UUID * len(calls):
        with contextlib.suppress(ValueError):
            packed = unhexlify(text.replace("-", ""))
            if len(packed) == ID * len(calls):
                return packed
    return b"".join(pack(call.eventID) for call in calls)


def _is_minute(minute: str) -> bool:
    try:
        as_time(f"{minute}:00Z")
    except NotARecord:
        return False
    return True


def _another(event: Event, call: Call) -> Event:
    """The event of a call that is alike another one, with that part of its record that tells of new credentials."""
    if event.name not in MINTING:
        return event
    parts = (b'{"requestParameters":', call.requestParameters, b',"responseElements":', call.responseElements, b"}")
    raw = b"".join(bytes(part) or b"null" for part in parts)
    return msgspec.structs.replace(event, id=call.eventID, time=call.eventTime, raw=raw)


def _someone(who: Identity) -> tuple[object, ...]:
    return who.type, who.accountId, bytes(who.principalId), bytes(who.userName), bytes(who.onBehalfOf)


def _mark_of_object(call: Call, key: str, extra: Extra) -> object:
    """What tells a call about an object from others: nothing, that it is a log, or all of it."""
    if is_log(key):
        return _LOG
    telling = looks_secret(key) if call.eventName == "GetObject" else looks_like_note(key)
    plain = extra.AuthenticationMethod != "QueryString" and extra.SSEApplied in _PLAIN_ENCRYPTION
    return None if plain and not telling else call.eventID


def _mark(call: Call) -> object:
    """What calls of an operation must have in common for every detection to say the same of them."""
    name = call.eventName
    if call.eventCategory == NETWORK_ACTIVITY:
        return call.eventID  # where such a call comes from tells as much as what it is
    asked = bytes(call.requestParameters)
    if name in SHADOWS:
        return shadowed(asked)[0] or None
    if by_name_alone(name) and name not in DOORS:
        return asked if call.eventSource.startswith("s3") else None  # where the bucket stands
    extra = call.additionalEventData
    told = (extra.MFAUsed, extra.SSEApplied, extra.AuthenticationMethod) if extra is not None else ()
    if name in MINTING:
        return asked, told
    return asked, told, bytes(call.responseElements), bytes(call.resources)
