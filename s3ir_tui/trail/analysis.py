"""The trail, analysed event by event: who did what where, who is suspect and why, and what could be seen."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from s3ir_tui.model import Severity
from s3ir_tui.trail.arns import instance_of, network_of
from s3ir_tui.trail.beat import Beats
from s3ir_tui.trail.event import Event, Judged
from s3ir_tui.trail.judge import matches
from s3ir_tui.trail.lineage import Family, Lineage
from s3ir_tui.trail.names import LISTS, OBJECT_READS
from s3ir_tui.trail.record import ANONYMOUS
from s3ir_tui.trail.sightings import BucketSighting, InstanceSighting, PrincipalSighting, Reason, Seen

SUSPECT = Severity.HIGH
"""From this severity on the reads of a principal are shown as severe as the principal itself."""


@dataclass(frozen=True, slots=True)
class Visibility:
    """Whether object reads of a bucket were logged; where not, silence says nothing."""

    bucket: str
    data_events: bool
    first: str
    last: str


class Analysis:
    """Feed it events of any source in any order; it knows each event id once. Safe to use from several threads.

    Attributes:
        own_keys: Access key ids of this console, whose calls are marked as ours.
        lineage: The credentials of the trail.
        events: How many events came, repeated ones included.
        duplicates: How many of them were known already.
        first: Time of the earliest event, or "".
        last: Time of the latest event, or "".
    """

    def __init__(self, own_keys: Collection[str] = (), own_principals: Collection[str] = ()) -> None:
        self.own_keys = frozenset(own_keys)
        self.own_principals = frozenset(own_principals)
        self.lineage = Lineage()
        self.events = self.duplicates = 0
        self.first = self.last = ""
        self._lock = threading.RLock()
        self._ids: set[str] = set()
        self._principals: dict[str, Seen] = {}
        self._buckets: dict[str, Seen] = {}
        self._data: dict[str, list[str]] = {}
        self._networks: dict[str, set[str]] = {}
        self._listed: set[str] = set()
        self._beats = Beats()

    @property
    def distinct(self) -> int:
        """How many events there are, each counted once."""
        return len(self._ids)

    def add(self, events: Iterable[Event], source: str = "") -> list[Judged]:
        """Take in events; gives back those that are new, judged, in the order given."""
        with self._lock:
            new = []
            for event in events:
                self.events += 1
                if event.id in self._ids:
                    self.duplicates += 1
                    continue
                self._ids.add(event.id)
                new.append(self._take(event, source))
            return new

    def family(self, ident: str) -> Family:
        """Everything that descends from a principal, user, role, access key, account or instance."""
        with self._lock:
            return self.lineage.family(ident)

    # -- one event --------------------------------------------------------------------------------

    def _take(self, event: Event, source: str) -> Judged:
        self.first = min(self.first or event.time, event.time)
        self.last = max(self.last, event.time)
        self.lineage.add(event)
        noise = event.kind == "AWSService" or bool(event.invoked_by)
        if event.bucket and event.category == "Data":
            span = self._data.setdefault(event.bucket, [event.time, event.time])
            span[0], span[1] = min(span[0], event.time), max(span[1], event.time)
        if noise:
            return Judged(event, noise=True, source=source)
        ours = event.access_key in self.own_keys or event.principal in self.own_principals
        who = self._principals.setdefault(event.principal, Seen(event.kind, event.issuer))
        who.count(event)
        foreign = bool(event.account) and event.caller_account not in ("", event.account)
        self._beats.add(event, foreign)
        bucket = self._buckets.setdefault(event.bucket, Seen()) if event.bucket else None
        if bucket is not None:
            bucket.count(event)
        if ours:
            return Judged(event, ours=True, source=source)
        severity, reasons = self._reasons(event, who, bucket, foreign)
        return Judged(event, severity, tuple(reasons), source=source)

    def _reasons(self, event: Event, who: Seen, bucket: Seen | None, foreign: bool) -> tuple[Severity, list[str]]:
        worst, texts = Severity.INFO, []
        for match in matches(event):
            worst = max(worst, match.severity)
            texts.append(match.text)
            who.give(match.severity, match.text, event)
            if bucket is not None and match.on_bucket:
                bucket.give(match.severity, match.text, event)
        for severity, text in self._behaviour(event, who, foreign):
            worst = max(worst, severity)
            texts.append(text)
            who.give(severity, text, event)
        if who.severity >= SUSPECT and not event.error and bucket is not None:
            if event.name in OBJECT_READS:
                bucket.give(Severity.HIGH, "read by a suspect", event)
                worst = max(worst, Severity.HIGH)
                texts.append("read by a suspect")
            worst = max(worst, Severity.MEDIUM)
        return worst, texts

    def _behaviour(self, event: Event, who: Seen, foreign: bool) -> Iterable[tuple[Severity, str]]:
        """Reasons that follow from more than the event itself."""
        ok = not event.error
        if event.principal == ANONYMOUS and event.service == "s3":
            if ok:
                yield (
                    Severity.HIGH,
                    "read without credentials" if event.name in OBJECT_READS else "called without credentials",
                )
            return
        if foreign and event.service == "s3" and event.bucket:
            yield (Severity.HIGH if ok else Severity.MEDIUM), "an identity of another account on this account's bucket"
        if event.access_key and event.address and not event.address.endswith(".amazonaws.com"):
            yield from self._moved(event)
        if instance_of(event.principal):
            yield from self._stolen(event, ok)

    def _moved(self, event: Event) -> Iterable[tuple[Severity, str]]:
        network = network_of(event.address)
        known = self._networks.setdefault(event.access_key, set())
        if known and network not in known and len(known) < 50:
            known.add(network)
            severity = Severity.CRITICAL if instance_of(event.principal) else Severity.MEDIUM
            yield severity, "one credential used from more than one network"
        elif not known:
            known.add(network)

    def _stolen(self, event: Event, ok: bool) -> Iterable[tuple[Severity, str]]:
        """Applications on an instance know their bucket; someone who first lists all of them does not."""
        if event.name == "ListBuckets":
            self._listed.add(event.access_key)
            yield Severity.MEDIUM, "credentials of an instance list all buckets"
        elif ok and event.access_key in self._listed and event.name in LISTS | OBJECT_READS:
            yield Severity.HIGH, "credentials of an instance list all buckets, then read what they found"
        elif event.name == "AssumeRole":
            yield Severity.HIGH, "credentials of an instance assume another role"

    # -- what is known ----------------------------------------------------------------------------

    def principals(self) -> tuple[PrincipalSighting, ...]:
        """Principals, worst first, then by what left."""
        with self._lock:
            found = [
                PrincipalSighting(
                    ident,
                    seen.kind,
                    tuple(seen.keys),
                    seen.events,
                    seen.denied,
                    tuple(seen.buckets),
                    tuple(seen.addresses),
                    seen.first,
                    seen.last,
                    self._severity(ident, seen),
                    self._all_reasons(ident, seen),
                    instance_of(ident),
                    seen.bytes_out,
                )
                for ident, seen in self._principals.items()
            ]
        return tuple(sorted(found, key=lambda item: (-item.severity, -item.bytes_out, item.id)))

    def _severity(self, ident: str, seen: Seen) -> Severity:
        return max((reason.severity for reason in self._all_reasons(ident, seen)), default=Severity.INFO)

    def _all_reasons(self, ident: str, seen: Seen) -> tuple[Reason, ...]:
        """Its own reasons, and that its credential was made by a suspect."""
        for key in seen.keys:
            parent = self.lineage.parent_of(key)
            maker = self._principals.get(parent.principal) if parent else None
            if maker is not None and parent is not None and parent.principal != ident and maker.severity >= SUSPECT:
                return (Reason(maker.severity, f"its credential was made by {parent.principal}"), *seen.ranked)
        return seen.ranked

    def buckets(self) -> tuple[BucketSighting, ...]:
        """Buckets, worst first."""
        with self._lock:
            found = [
                BucketSighting(
                    name,
                    seen.events,
                    seen.reads,
                    seen.writes,
                    seen.bytes_out,
                    tuple(seen.principals),
                    seen.severity,
                    seen.ranked,
                )
                for name, seen in self._buckets.items()
            ]
        return tuple(sorted(found, key=lambda item: (-item.severity, -item.bytes_out, item.name)))

    def instances(self) -> tuple[InstanceSighting, ...]:
        """Instances whose role credentials were seen, worst first."""
        with self._lock:
            found = [
                InstanceSighting(instance_of(ident), seen.role, tuple(seen.keys), seen.severity, seen.ranked)
                for ident, seen in self._principals.items()
                if instance_of(ident)
            ]
        return tuple(sorted(found, key=lambda item: (-item.severity, item.id)))

    def visibility(self) -> tuple[Visibility, ...]:
        """For each bucket, whether and from when to when object events were seen at all."""
        with self._lock:
            return tuple(
                Visibility(name, name in self._data, *(self._data.get(name) or ("", "")))
                for name in sorted(self._buckets)
            )

    def pulse(
        self, idents: Collection[str], now: datetime, cell_seconds: int, cells: int
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Allowed and denied calls of some identities per cell, oldest first."""
        with self._lock:
            allowed, denied = self._beats.pulse(idents, now, cell_seconds, cells)
            return allowed, denied

    def last_ok(self, idents: Collection[str]) -> str:
        """When the last call of these identities succeeded, or ""."""
        with self._lock:
            return self._beats.last_ok(idents)

    def first_denied_after(self, idents: Collection[str], since: str) -> str:
        """When the first call of these identities was denied from a moment on, or ""."""
        with self._lock:
            return self._beats.first_denied_after(idents, since)

    def denied(self, idents: Collection[str]) -> int:
        """How many calls of these identities were denied."""
        with self._lock:
            return self._beats.denied(idents)

    def to_json(self) -> dict[str, Any]:
        """The analysis as `trail --output json` prints it; severities and reasons are words."""
        with self._lock:
            return {
                "events": self.events,
                "distinct": self.distinct,
                "duplicates": self.duplicates,
                "first": self.first,
                "last": self.last,
                "principals": [
                    _words(item, "id kind access_keys events denied buckets addresses first last instance bytes_out")
                    for item in self.principals()
                ],
                "buckets": [_words(item, "name events reads writes bytes_out principals") for item in self.buckets()],
                "instances": [_words(item, "id role access_keys") for item in self.instances()],
                "visibility": [
                    {"bucket": item.bucket, "data_events": item.data_events, "first": item.first, "last": item.last}
                    for item in self.visibility()
                ],
                "skipped": [],
            }


def _words(item: PrincipalSighting | BucketSighting | InstanceSighting, names: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names.split():
        value = getattr(item, name)
        found[name] = list(value) if isinstance(value, tuple) else value
    return {**found, "severity": item.severity.word, "reasons": [reason.text for reason in item.reasons]}
