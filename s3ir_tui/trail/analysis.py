"""The trail, analysed event by event: who did what where, who is suspect and why, and what could be seen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from s3ir_tui.model import Severity
from s3ir_tui.pace import pieces
from s3ir_tui.trail import views
from s3ir_tui.trail.activity import Activity
from s3ir_tui.trail.alike import NOTHING, Alike, Origin, Told, alone, origin
from s3ir_tui.trail.background import Background
from s3ir_tui.trail.batch import Batch
from s3ir_tui.trail.bucket_profile import BucketProfile
from s3ir_tui.trail.bulk.sum import Sum
from s3ir_tui.trail.credentials import used
from s3ir_tui.trail.decode import Skipped
from s3ir_tui.trail.dedupe import EventIds
from s3ir_tui.trail.details import Details
from s3ir_tui.trail.detections import Finding, Tactic, weigh, with_context
from s3ir_tui.trail.detections.keys import is_log
from s3ir_tui.trail.doors import user_arn
from s3ir_tui.trail.event import Event, Judged
from s3ir_tui.trail.lineage import Family, Lineage, idents_of
from s3ir_tui.trail.missing import Missing
from s3ir_tui.trail.own_calls import take_back
from s3ir_tui.trail.profile import Profile
from s3ir_tui.trail.repeats import Like, Repeats
from s3ir_tui.trail.sightings import (
    BucketSighting,
    InstanceSighting,
    PrincipalSighting,
    Reason,
    Visibility,
    to_json,
)
from s3ir_tui.trail.suspicion import SUSPECT, assess

__all__ = ["Analysis", "BucketSighting", "InstanceSighting", "PrincipalSighting", "Reason", "Visibility"]

MOST_PRINCIPALS = 20_000
MOST_BUCKETS = 5_000

_AT_ONCE = 250

Found = Callable[[Judged, Sequence[Finding]], None]


class Analysis:
    """Feed it events of any source in any order; each event id counts once. Safe to use from several threads.

    Memory is bounded whatever comes: principals beyond 20,000 are counted under their role, lists are cut and say so.

    Attributes:
        own_principals: Principals whose calls are marked as ours and raise no suspicion, as those with `own_keys` are.
        lineage: The credentials of the trail.
        events: How many events came, repeated ones included.
        duplicates: How many of them were known already.
        first: Time of the earliest event, or "".
        last: Time of the latest event, or "".
        network_activity: How many of the events tell of calls through a VPC endpoint.
    """

    def __init__(self, own_keys: Collection[str] = (), own_principals: Collection[str] = ()) -> None:
        self._own_keys = frozenset(own_keys)
        self.own_principals = frozenset(own_principals)
        self.lineage = Lineage()
        self.events = self.duplicates = self.network_activity = 0
        self.first = self.last = ""
        self._lock = threading.RLock()
        self._ids = EventIds()
        self._activity = Activity()
        self._background = Background()
        self._repeats = Repeats(self._activity, self._background.novelty)
        self._profiles: dict[str, Profile] = {}
        self._buckets: dict[str, BucketProfile] = {}
        self._handed_down: dict[str, Severity] = {}
        self._log_buckets: set[str] = set()
        self._missing = Missing()
        self._revision = 0
        self._shown: tuple[int, views.Shown] | None = None

    @property
    def own_keys(self) -> frozenset[str]:
        """Access key ids of this console. Setting more of them takes back what was made of their earlier calls."""
        return self._own_keys

    @own_keys.setter
    def own_keys(self, keys: Collection[str]) -> None:
        with self._lock:
            new, self._own_keys = frozenset(keys) - self._own_keys, frozenset(keys)
            if new and take_back(self._profiles, self._buckets, new, self._own_keys):
                self._repeats = Repeats(self._activity, self._background.novelty)
                self._revision += 1

    @property
    def distinct(self) -> int:
        """How many events there are, each counted once."""
        return self.events - self.duplicates

    def add(self, events: Iterable[Event], source: str = "", found: Found | None = None) -> list[Judged]:
        """Take in events.

        Args:
            events: In any order, repeated or not.
            source: Name of the source that brought them.
            found: Told each line that has reasons, but for noise and our own calls, and what the detections found.

        Returns:
            Those that are new, judged by what is known at this moment, in the order given.
        """
        return self.add_batch(Batch(list(events)), source, found)

    def add_batch(self, batch: Batch, source: str = "", found: Found | None = None) -> list[Judged]:
        """Take in events of which something may be known already (see `add`)."""
        new: list[Judged] = []
        with self._lock:
            for index, event in enumerate(batch.events):
                self.events += 1
                if self._ids.add(event.id, event.time):
                    new.append(self._line(event, source, batch.tells(index), batch.like(index), found))
                else:
                    self.duplicates += 1
            if new:
                self._revision += 1
        return new

    def claim(self, packed: bytes, first: str, last: str) -> set[bytes] | None:
        """Claim events whose sum is to come: they are known from now on (see `EventIds.claim`)."""
        with self._lock:
            return self._ids.claim(packed, first, last)

    def add_sum(self, total: Sum) -> None:
        """Take in events that were claimed and added up, or a part of them.

        Args:
            total: What a `Tally` came to.
        """
        with self._lock:
            self.events += total.events + total.repeated
            self.duplicates += total.repeated
        for start in range(0, len(total.alike), _AT_ONCE):
            with self._lock:  # others want to look meanwhile
                for some in total.alike[start : start + _AT_ONCE]:
                    some.findings = with_context(some.findings, some.event, self)
                    self._take(some)
        for start in range(0, len(total.origins), _AT_ONCE):
            with self._lock:
                for item in total.origins[start : start + _AT_ONCE]:
                    profile = self._profiles.get(item.principal)
                    if profile is not None and not self._is_ours(item):
                        self._take_origin(item, profile)
        with self._lock:
            for principal, per_ten_minutes in total.spans.items():
                profile = self._profiles.get(principal)
                if profile is not None:
                    profile.add_spans(profile.read_spans, per_ten_minutes.reads)
                    profile.add_spans(profile.delete_spans, per_ten_minutes.deletes)
            self._revision += 1
        self.skip(Skipped(*item) for item in total.skipped)

    def skip(self, skipped: Iterable[Skipped]) -> None:
        """Note what gave no event, for `to_json`."""
        with self._lock:
            self._missing.skip(skipped)

    def gap(self, source: str, problem: str) -> None:
        """Note that a source could not be read: what it would have brought is missing, not absent."""
        with self._lock:
            self._missing.gaps[source] = problem

    # -- some events ------------------------------------------------------------------------------

    def _line(self, event: Event, source: str, told: Told | None, like: Like, found: Found | None) -> Judged:
        """Take in one event and judge it."""
        findings = with_context(told.findings if told is not None else (), event, self)
        judgement = weigh(event, findings, self)
        ours = self._is_ours(event)
        plain = not findings and told is None and not ours
        if plain and self._repeats.add(event, like):
            if event.time > self.last:
                self.last = event.time
            return _told(
                Judged(event, judgement.severity, judgement.reasons, judgement.noise, False, source), (), found
            )
        profile = self._profile(event)
        before = profile.revision + profile.alarms
        self._take(alone(event, findings, told or NOTHING))
        if ours:
            return Judged(event, noise=judgement.noise, ours=True, source=source)
        if not event.invoked_by:
            self._take_origin(origin(event), profile)
            self._repeats.meet_place(event, like, profile)
        profile.burst(event)
        severity, reasons = judgement.severity, judgement.reasons
        if profile.revision + profile.alarms != before and severity < SUSPECT and event.kind != "AWSService":
            # This very event may be what makes the suspect: it is shown as such.
            why = next((item for item in self._own_reasons(profile) if event.id in item.events), None)
            if why is not None and why.severity > severity:
                severity, reasons = why.severity, (why.text, *reasons)
        if plain:
            also = (self._missing.count_service_call,) if event.kind == "AWSService" else ()
            self._repeats.meet(event, like, profile, self._buckets.get(event.bucket), also)
        return _told(Judged(event, severity, reasons, judgement.noise, False, source), findings, found)

    def _take_origin(self, here: Origin, profile: Profile) -> None:
        profile.add_origin(here)
        self._background.add_origin(here, profile.issuer)

    def _take(self, some: Alike) -> None:
        """Take in alike events."""
        event, findings = some.event, some.findings
        if not self.first or some.first < self.first:
            self.first = some.first
        if some.last > self.last:
            self.last = some.last
        self.lineage.add(some)
        self._activity.add(some)
        if event.kind == "AWSService":
            self._missing.service_calls += some.count
            if is_log(event.key) and len(self._log_buckets) < 1000:
                self._log_buckets.add(event.bucket)
        if event.category == "NetworkActivity":
            self.network_activity += some.count
        profile = self._profile(event)
        if event.kind == "AssumedRole" or some.made:
            self._issued(some, profile)
        if findings and any(item.name == "quarantined" for item in findings):
            self._about_user(some, next(item.text for item in findings if item.name == "quarantined"))
            findings = tuple(item for item in findings if item.name != "quarantined")
        ours = self._is_ours(event)
        self._background.add(some, ours=ours)
        if ours:
            findings = ()
            profile.add_ours(some)
        else:
            profile.add(some, findings)
        if event.bucket:
            self._bucket(some, findings)

    def _issued(self, some: Alike, profile: Profile) -> None:
        """Note what the trail says of the credentials that were used and made: whose software has them."""
        event = some.event
        key = event.access_key
        if event.kind == "AssumedRole" and key and key not in profile.issued and (some.used or event.raw):
            told, known = some.used or used(event), self.lineage.credential(key)
            profile.issue(key, told.issued_to or (known.issued_to if known is not None else ""), told.delivery)
        for made in some.made:
            session = self._profiles.get(made.principal) if made.issued_to else None
            if session is not None:
                session.issue(made.access_key, made.issued_to, "")

    def _is_ours(self, it: Event | Origin) -> bool:
        return it.access_key in self.own_keys or it.principal in self.own_principals

    def _profile(self, event: Event) -> Profile:
        ident = event.principal
        profile = self._profiles.get(ident)
        if profile is not None:
            return profile
        if len(self._profiles) >= MOST_PRINCIPALS:
            self._missing.capped.add("principals")
            ident = event.issuer or event.kind
            if ident in self._profiles:
                return self._profiles[ident]
        profile = self._profiles[ident] = Profile(event, ident)
        return profile

    def _bucket(self, some: Alike, findings: tuple[Finding, ...]) -> None:
        name = some.event.bucket
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= MOST_BUCKETS:
                self._missing.capped.add("buckets")
                return
            bucket = self._buckets[name] = BucketProfile(name)
        bucket.add(some, findings)

    def _about_user(self, some: Alike, text: str) -> None:
        """AWS attaches its quarantine to the user whose key leaked: that user is suspect, not the caller."""
        event = some.event
        arn = user_arn(event, Details(event).text("userName"))
        user = self._profiles.get(arn)
        if user is None and len(self._profiles) < MOST_PRINCIPALS:
            user = self._profiles[arn] = Profile(event, arn)
            user.kind, user.issuer = "IAMUser", ""
        if user is not None:
            user.note(Finding("quarantined", Severity.CRITICAL, text, Tactic.CREDENTIALS), some)

    # -- what detections ask ----------------------------------------------------------------------

    def standing(self, principal: str) -> Severity:
        """How suspicious a principal is: by its calls so far, and by whoever made its credential."""
        profile = self._profiles.get(principal)
        if profile is None:
            return Severity.INFO
        reasons = self._own_reasons(profile)
        own = reasons[0].severity if reasons else Severity.INFO
        handed = self._handed_down.get(principal)
        return own if handed is None or handed < own else handed

    def keeps_logs(self, bucket: str) -> bool:
        """Whether CloudTrail delivers into this bucket."""
        return bucket in self._log_buckets

    def _own_reasons(self, profile: Profile, *, exact: bool = False) -> tuple[Reason, ...]:
        """The reasons of a principal's own calls, kept until something new is learnt of it (or, exact, any call).

        Findings and stolen keys count at once. Other news of a busy principal (one more address, one more program)
        waits for a sixteenth of its calls more: an assessment costs as much as fifty calls.
        """
        revision, alarms, events = profile.assessed
        more = profile.events - events
        if alarms == profile.alarms and more < events // 16 and not exact:
            return profile.reasons
        now = profile.revision + self._background.exits.news(profile.id)
        due = alarms != profile.alarms or (revision != now and more >= events // 16)
        if due or (exact and (more or revision != now)):
            profile.reasons = assess(profile, self._background.exits)
            profile.assessed = (now, profile.alarms, profile.events)
        return profile.reasons

    # -- what is known ----------------------------------------------------------------------------

    def principals(self) -> tuple[PrincipalSighting, ...]:
        """Principals, worst first, then by what they read. AWS services are left out unless they matter."""
        return self._view().principals

    def buckets(self) -> tuple[BucketSighting, ...]:
        """Buckets, worst first."""
        return self._view().buckets

    def instances(self) -> tuple[InstanceSighting, ...]:
        """Instances whose role sessions were seen at work, worst first."""
        return self._view().instances

    def visibility(self) -> tuple[Visibility, ...]:
        """What the trail can show of each bucket, and what it cannot show at all."""
        with self._lock:
            capped = self._missing.capped | self._capped_parts() | self._background.capped()
            logged = {name for name, bucket in self._buckets.items() if bucket.data_first}
            shown = views.visibility(self._buckets, self._missing.gaps, capped, self._missing.service_calls)
            return (*shown, *self._background.visibility(logged))

    def _capped_parts(self) -> set[str]:
        parts = {"credentials": self.lineage.capped, "call counters": self._activity.capped}
        return {name for name, capped in parts.items() if capped}

    def _view(self) -> views.Shown:
        with self._lock:
            if self._shown is None or self._shown[0] != self._revision:
                own = {ident: self._own_reasons(item, exact=True) for ident, item in pieces(self._profiles.items())}
                shown = views.show(self._profiles, own, self._buckets, self.lineage)
                shown = replace(shown, buckets=self._background.onto(shown.buckets))
                self._shown = (self._revision, shown)
                self._handed_down = {item.id: item.severity for item in shown.principals if item.severity >= SUSPECT}
            return self._shown[1]

    def family(self, ident: str) -> Family:
        """Everything that descends from a principal, user, role, access key, account or instance."""
        with self._lock:
            return self.lineage.family(ident)

    def pulse(
        self, idents: Family | Collection[str] | str, now: datetime, cell_seconds: int, cells: int
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Calls of some identities per cell, oldest first: let through, and turned away.

        Args:
            idents: A family, or names: principals, access keys, roles, users, accounts, instances.
            now: End of the newest cell.
            cell_seconds: Length of a cell; a multiple of ten.
            cells: How many.
        """
        with self._lock:
            return self._activity.pulse(idents_of(idents), now, cell_seconds, cells)

    def last_ok(self, idents: Family | Collection[str] | str) -> str:
        """When the last call of these identities got through, or ""."""
        with self._lock:
            return self._activity.last_ok(idents_of(idents))

    def denied(self, idents: Family | Collection[str] | str) -> int:
        """How many calls of these identities were turned away."""
        with self._lock:
            return self._activity.denied(idents_of(idents))

    def first_denied_after(self, idents: Family | Collection[str] | str, since: str) -> str:
        """When the first call of these identities was turned away from a moment on, or ""."""
        with self._lock:
            return self._activity.first_denied_after(idents_of(idents), since)

    def allowed_after(self, idents: Family | Collection[str] | str, since: str) -> int:
        """How many calls of these identities got through later than a moment (of the last hour of each)."""
        with self._lock:
            return self._activity.allowed_after(idents_of(idents), since)

    def denied_after(self, idents: Family | Collection[str] | str, since: str) -> int:
        """How many calls of these identities were turned away later than a moment (of the last hour of each)."""
        with self._lock:
            return self._activity.denied_after(idents_of(idents), since)

    def to_json(self) -> dict[str, Any]:
        """The analysis as `trail --output json` prints it."""
        with self._lock:
            shown = self._view()
            return {
                "events": self.events,
                "distinct": self.distinct,
                "duplicates": self.duplicates,
                "first": self.first,
                "last": self.last,
                "principals": [to_json(item) for item in shown.principals],
                "buckets": [to_json(item) for item in shown.buckets],
                "instances": [to_json(item) for item in shown.instances],
                "visibility": [asdict(item) for item in self.visibility()],
                **self._background.to_json(),
                **self._missing.to_json(),
            }


def _told(line: Judged, findings: tuple[Finding, ...], found: Found | None) -> Judged:
    if line.reasons and found is not None and not line.noise:
        found(line, findings)
    return line
