"""When a bucket stood open to others, who opened and closed it, and what outsiders did with it meanwhile."""

from __future__ import annotations

import ipaddress
from bisect import insort
from dataclasses import replace
from typing import TypeAlias

from s3ir_tui.model import Severity
from s3ir_tui.trail.alike import MOST_IDS, Alike
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import LISTS, OBJECT_DELETES, OBJECT_READS, OBJECT_WRITES, is_denied
from s3ir_tui.trail.sightings import Reason
from s3ir_tui.trail.windows import Change, Exposure, Outsider, closed, replay

MOST_BUCKETS = 2_000
MOST_CHANGES = 500
MOST_CELLS = 4_000
_MOST_ADDRESSES = 64
_FINE = MOST_CELLS // 2
_MINUTE, _HOUR = 16, 13
"""Characters of a time that name its minute, its hour."""

_SETTERS = {
    "PutBucketPolicy": "policy",
    "DeleteBucketPolicy": "policy",
    "PutBucketAcl": "acl",
    "CreateBucket": "acl",
    "PutBucketOwnershipControls": "ownership",
    "PutBucketPublicAccessBlock": "block",
    "DeleteBucketPublicAccessBlock": "block",
    "PutAccountPublicAccessBlock": "account-block",
    "DeleteAccountPublicAccessBlock": "account-block",
    "DeleteBucket": "bucket",
}
"""Calls that set what decides, and what they set."""

_OPENS = {
    "bucket-policy-public": "policy",
    "bucket-acl-public": "ACL",
    "created-public": "ACL",
    "object-acl-public": "ACLs of objects",
    "object-written-public": "ACLs of objects",
}
"""Detections that tell of something public, and by what it is."""

_LOWERS = frozenset({"bucket-block-lowered", "bucket-block-deleted", "account-block-lowered", "account-block-deleted"})


_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class _Touch:
    """Calls of one outsider in one stretch of time."""

    __slots__ = ("account", "addresses", "bytes_out", "denied", "first", "ids", "last", "lists", "reads", "writes")

    def __init__(self, some: Alike) -> None:
        self.account = some.event.caller_account
        self.first, self.last = some.first, some.last
        self.reads = self.lists = self.writes = self.denied = self.bytes_out = 0
        self.addresses: dict[str, None] = {}
        self.ids: list[str] = []

    @property
    def got_through(self) -> bool:
        return bool(self.reads or self.lists or self.writes)

    def add(self, some: Alike) -> None:
        event, count = some.event, some.count
        self.first, self.last = min(self.first, some.first), max(self.last, some.last)
        if event.error:
            self.denied += count * is_denied(event.error)
        elif event.name in OBJECT_READS:
            self.reads += count
            self.bytes_out += some.bytes_out
        elif event.name in LISTS:
            self.lists += count
        elif event.name in OBJECT_WRITES or event.name in OBJECT_DELETES:
            self.writes += count
        for address in some.addresses[: _MOST_ADDRESSES - len(self.addresses)]:
            self.addresses[address] = None
        self.ids += some.ids[: MOST_IDS - len(self.ids)]


class _Bucket:
    __slots__ = ("changes", "touches")

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.touches: dict[tuple[str, str], _Touch] = {}


class Exposures:
    """Feed it events in any order: late ones are put where they belong. Bounded; `capped` says that it was cut."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}
        self.capped = False

    def add(self, some: Alike) -> None:
        """Take in events; what is neither a setting nor an outsider's call costs next to nothing."""
        event = some.event
        sets = _SETTERS.get(event.name)
        if sets is None and not event.bucket:
            return
        if sets is not None or some.findings:
            self._change(some, sets)
        if event.bucket and event.category != "NetworkActivity" and is_outside(event):
            self._touch(some)

    def _change(self, some: Alike, sets: str | None) -> None:
        event = some.event
        if event.error or not event.service.startswith("s3"):
            return
        names = [finding.name for finding in some.findings]
        public = next((_OPENS[name] for name in names if name in _OPENS), "")
        if sets is None:
            if not public:
                return
            sets = "objects"
        elif event.name == "CreateBucket" and not public:
            return
        accounts = tuple(sorted({door.ident for door in some.opened if door.kind == "account"}))
        grants = tuple(sorted({door.ident for door in some.opened if door.kind == "grant"}))
        if sets == "ownership":
            public = "" if "acls-return" not in names and "acls-return-owner" not in names else "ACL"
        lowered = any(name in _LOWERS for name in names)
        bucket = self._bucket("" if sets == "account-block" else event.bucket)
        if bucket is None:
            return
        for at in dict.fromkeys((some.first, some.last)):
            if len(bucket.changes) >= MOST_CHANGES:
                self.capped = True
                return
            insort(bucket.changes, Change(at, event.id, event.principal, sets, public, lowered, accounts, grants))

    def _touch(self, some: Alike) -> None:
        bucket = self._bucket(some.event.bucket)
        if bucket is None:
            return
        cells = len(bucket.touches)
        length = _MINUTE if cells < _FINE else _HOUR if cells < MOST_CELLS else 0
        cell = (some.event.principal, some.first[:length])
        touch = bucket.touches.get(cell)
        if touch is None:
            touch = bucket.touches[cell] = _Touch(some)
        touch.add(some)

    def _bucket(self, name: str) -> _Bucket | None:
        found = self._buckets.get(name)
        if found is None:
            if len(self._buckets) >= MOST_BUCKETS:
                self.capped = True
                return None
            found = self._buckets[name] = _Bucket()
        return found

    def windows(self) -> tuple[Exposure, ...]:
        """Every stretch of time in which something stood open, those still open first, then the latest."""
        house = self._buckets.get("")
        blocks = house.changes if house is not None else []
        made: list[Exposure] = []
        for name, bucket in self._buckets.items():
            found = list(replay(name, sorted((*bucket.changes, *blocks)) if name else blocks))
            if name:
                found = [_with_outsiders(item, bucket) for item in found]
                found += _before_the_trail(name, bucket, found)
            made += found
        made.sort(key=lambda item: (item.closed_at != "", item.bucket, item.opened_at))
        return tuple(made)

    def reasons(self) -> dict[str, tuple[Reason, ...]]:
        """For each bucket that outsiders got something from while it was open, why it is affected."""
        found: dict[str, list[Reason]] = {}
        for item in self.windows():
            through = [one for one in item.outsiders if one.reads or one.writes or one.lists]
            if item.bucket and through:
                events = tuple(dict.fromkeys(event for one in through for event in one.events))[:20]
                count = sum(one.reads + one.writes + one.lists for one in through)
                severity = Severity.HIGH if any(one.reads or one.writes for one in through) else Severity.MEDIUM
                found.setdefault(item.bucket, []).append(Reason(severity, item.text, events, count, "exposed"))
        return {name: tuple(reasons) for name, reasons in found.items()}


def sets_exposure(name: str) -> bool:
    """Whether a call of an operation may open or close a bucket."""
    return name in _SETTERS


def is_outside(event: Event) -> bool:
    """Whether nobody, or someone of another account, calls; AWS's own services do not count."""
    if event.kind == "Anonymous":
        return True
    caller, owner = event.caller_account, event.account
    return caller != owner and bool(caller and owner) and event.kind != "AWSService"


def _with_outsiders(window: Exposure, bucket: _Bucket) -> Exposure:
    if window.kind == "unblocked":
        return window
    touches = [
        (principal, touch)
        for (principal, _cell), touch in bucket.touches.items()
        if touch.last >= window.opened_at
        and (not window.closed_at or touch.first <= window.closed_at)
        and (window.kind == "public" or touch.account == window.by or _through(window, touch))
    ]
    return _tell(window, touches)


def _through(window: Exposure, touch: _Touch) -> bool:
    """Whether an outsider came from a network that a grant names in words; of other grants a call does not tell it."""
    if window.kind != "granted":
        return False
    networks = [network for word in window.by.replace(",", " ").split() if (network := _network(word)) is not None]
    return any(_within(address, networks) for address in touch.addresses)


def _network(text: str) -> _Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _within(address: str, networks: list[_Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


def _tell(window: Exposure, touches: list[tuple[str, _Touch]]) -> Exposure:
    per: dict[str, list[_Touch]] = {}
    for principal, touch in touches:
        per.setdefault(principal, []).append(touch)
    told = [_outsider(principal, found, window) for principal, found in per.items()]
    told.sort(key=lambda item: (-item.bytes_out, -item.reads, item.principal))
    return replace(window, outsiders=tuple(told))


def _outsider(principal: str, found: list[_Touch], window: Exposure) -> Outsider:
    first, last = min(item.first for item in found), max(item.last for item in found)
    return Outsider(
        principal=principal,
        reads=sum(item.reads for item in found),
        lists=sum(item.lists for item in found),
        writes=sum(item.writes for item in found),
        denied=sum(item.denied for item in found),
        bytes_out=sum(item.bytes_out for item in found),
        addresses=tuple(dict.fromkeys(address for item in found for address in item.addresses))[:_MOST_ADDRESSES],
        first=first,
        last=last,
        exact=first >= window.opened_at and (not window.closed_at or last <= window.closed_at),
        events=tuple(event for item in found for event in item.ids)[:MOST_IDS],
    )


def _before_the_trail(name: str, bucket: _Bucket, known: list[Exposure]) -> list[Exposure]:
    """Nobody gets through without credentials unless it is public: where no setting tells of it, it was so before."""
    windows = [item for item in known if item.kind == "public"]
    unexplained = [
        (principal, touch)
        for (principal, _cell), touch in bucket.touches.items()
        if principal == "anonymous"
        and touch.got_through
        and not any(touch.last >= w.opened_at and (not w.closed_at or touch.first <= w.closed_at) for w in windows)
    ]
    if not unexplained:
        return []
    last = max(touch.last for _principal, touch in unexplained)
    closing = next((item for item in bucket.changes if item.at >= last and not item.public and not item.lowered), None)
    window = Exposure(name, "public", "")
    return [_tell(window if closing is None else closed(window, closing), unexplained)]
