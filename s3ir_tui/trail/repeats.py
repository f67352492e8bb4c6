"""Calls like others before them, from where others came from: of these nothing but how many is news."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from s3ir_tui.trail.activity import Activity
from s3ir_tui.trail.agents import agent_of
from s3ir_tui.trail.alike import MOST_IDS, Count, origin
from s3ir_tui.trail.arns import network_of
from s3ir_tui.trail.bucket_profile import BucketProfile
from s3ir_tui.trail.detections.keys import is_log
from s3ir_tui.trail.detections.network import CATEGORY as NETWORK_ACTIVITY
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.exposures import is_outside, sets_exposure
from s3ir_tui.trail.kms import SHADOWS
from s3ir_tui.trail.names import LISTS, OBJECT_DELETES, OBJECT_READS, OBJECT_WRITES, is_denied
from s3ir_tui.trail.novelty import MOST_WAYS, Novelty, Seen
from s3ir_tui.trail.profile import BURSTS, MOST_PLACES, MOST_TOUCH_IDS, TEN_MINUTES, Profile, Span, count_in

MOST = 50_000
"""Kinds of calls, and places that calls come from, that are known at a time."""

_what = attrgetter(
    "principal", "access_key", "name", "bucket", "error", "invoked_by", "kind", "issuer", "caller_account", "account",
    "service", "category", "read_only",
)  # fmt: skip
"""What the analysis looks at of a call that the detections have nothing to say of, but for its object and place."""

place_of = attrgetter("principal", "access_key", "address", "agent")
"""From where someone calls, and with what."""

Like = tuple[object, object]
"""Kind and place of a call, or a number for each of them that no other has."""


def kind_of(event: Event) -> tuple[object, ...]:
    """What calls have in common that are alike in everything but time, place, object and size."""
    return is_log(event.key), *_what(event)


class _Place:
    """From where, by which program and with which credential someone calls."""

    __slots__ = ("network", "program", "since", "spans", "ways")

    def __init__(self, event: Event, spans: Sequence[Span], ways: Sequence[Seen]) -> None:
        self.since = event.time
        self.network, self.program = network_of(event.address), agent_of(event.agent).program
        self.spans, self.ways = spans, ways

    def is_known_to(self, here: set[str]) -> bool:
        """Whether it adds nothing to some networks and programs."""
        return (self.network in here and self.program in here) or len(here) >= MOST_WAYS


class _Kind:
    """Calls that are alike in everything but time, place, object and size."""

    __slots__ = ("_counts", "_here", "_since", "_spans", "_touched")

    def __init__(self, event: Event, profile: Profile, here: set[str] | None, counts: Sequence[Count]) -> None:
        self._since = event.time
        self._spans = profile.spans_of(event)
        touch = profile.buckets.get(event.bucket)
        self._touched = touch.addresses if touch is not None and not event.error else None
        self._here = here
        self._counts = counts

    def takes(self, event: Event, place: _Place | None) -> bool:
        """Whether one more call changes nothing but counts.

        Args:
            event: The call.
            place: Where it came from, or `None` where AWS made it for someone.
        """
        at, touched, here = event.time, self._touched, self._here
        if at < self._since:
            return False
        if touched is not None and event.address not in touched and len(touched) < MOST_PLACES:
            return False
        if here is not None and place is not None and not place.is_known_to(here):
            return False
        if self._spans is None:
            return True
        return self._spans.get(at[:TEN_MINUTES], 0) + 1 not in BURSTS

    def add(self, event: Event) -> None:
        """Count a call that it takes."""
        at, size = event.time, event.bytes_out
        for count in self._counts:
            count(at, size)


class Repeats:
    """The kinds of calls that are known to repeat, and the places that they are known to come from. Bounded.

    Args:
        activity: Counts calls by credential.
        novelty: Knows what is new to a bucket.
    """

    def __init__(self, activity: Activity, novelty: Novelty) -> None:
        self._activity, self._novelty = activity, novelty
        self._kinds: dict[object, _Kind] = {}
        self._places: dict[object, _Place] = {}

    def add(self, event: Event, like: Like) -> bool:
        """Count an event, if it changes nothing but counts; tells whether it does.

        Args:
            event: One of which the detections have nothing to say.
            like: Its kind and its place.
        """
        kind = self._kinds.get(like[0])
        if kind is None:
            return False
        place = None
        if not event.invoked_by:
            place = self._places.get(like[1])
            if place is None or event.time < place.since:
                return False
        if not kind.takes(event, place):
            return False
        kind.add(event)
        if place is not None:
            at = event.time
            for span in place.spans:
                span.count += 1
                if at > span.last:
                    span.last = at
            for seen in place.ways:
                if at > seen.last:
                    seen.last = at
        return True

    def meet_place(self, event: Event, like: Like, profile: Profile) -> None:
        """Note where an event that was added up came from.

        Args:
            event: The event; its principal called itself.
            like: Its kind and its place.
            profile: Its principal.
        """
        if like[1] not in self._places:
            if len(self._places) >= MOST:
                self._places.clear()
            here = origin(event)
            ways = self._novelty.ways(here, profile.issuer)
            self._places[like[1]] = _Place(event, profile.spans_from(here), ways)

    def meet(
        self, event: Event, like: Like, profile: Profile, bucket: BucketProfile | None, also: Sequence[Count]
    ) -> None:
        """Note an event that was added up, if of more like it nothing but how many would be news.

        Args:
            event: One of which the detections had nothing to say.
            like: Its kind and its place.
            profile: Its principal.
            bucket: Its bucket.
            also: What else counts one more like it.
        """
        if like[0] not in self._kinds and may_repeat(event, profile):
            if len(self._kinds) >= MOST:
                self._kinds.clear()
            counts = (counter(event, profile, bucket), self._activity.counter(event), self._novelty.counter(event))
            self._kinds[like[0]] = _Kind(event, profile, self._novelty.here(event), (*counts, *also))


def may_repeat(event: Event, profile: Profile) -> bool:
    """Whether of more calls like one that was added up nothing but how many would be news."""
    if event.category == NETWORK_ACTIVITY or event.name in SHADOWS or sets_exposure(event.name):
        return False
    return not (event.bucket and is_outside(event)) and _has_ids(event, profile)


def _has_ids(event: Event, profile: Profile) -> bool:
    """Whether as many ids of such calls are kept as ever will be."""
    ids, name = profile.ids, event.name
    if event.error:
        return not is_denied(event.error) or len(ids["denied"]) >= MOST_IDS
    touch = profile.buckets.get(event.bucket)
    if touch is None:
        return True
    kept = "delete" if name in OBJECT_DELETES else "list" if name in LISTS else ""
    if name in OBJECT_READS and not is_log(event.key):
        kept = "read"
    return len(touch.ids) >= MOST_TOUCH_IDS and (not kept or len(ids[kept]) >= MOST_IDS)


def counter(event: Event, profile: Profile, bucket: BucketProfile | None) -> Count:
    """Counts more calls like one that was added up, for its principal and its bucket.

    Args:
        event: The call.
        profile: Its principal.
        bucket: Its bucket.
    """
    touch = profile.buckets.get(event.bucket) if event.bucket else None
    denied, failed = is_denied(event.error), bool(event.error)
    name, is_data = event.name, event.category == "Data"
    reads, deletes, lists = name in OBJECT_READS, name in OBJECT_DELETES, name in LISTS
    writes = name in OBJECT_WRITES
    spans = profile.spans_of(event)

    def count(at: str, size: int) -> None:
        profile.events += 1
        if at > profile.last:
            profile.last = at
        if denied:
            profile.denied += 1
        if bucket is not None:
            bucket.events += 1
            if is_data and at > bucket.data_last:
                bucket.data_last = at
            if not failed:
                if reads:
                    bucket.reads += 1
                    bucket.bytes_out += size
                elif writes or deletes:
                    bucket.writes += 1
        if touch is None:
            return
        touch.count += 1
        if at > touch.last:
            touch.last = at
        if failed:
            touch.denied += denied
            return
        touch.ok += 1
        if reads:
            touch.reads += 1
            touch.bytes_out += size
            profile.bytes_out += size
            profile.reads += spans is not None
        elif deletes:
            touch.deletes += 1
        elif lists:
            touch.lists += 1
            profile.lists += 1
        elif writes:
            touch.writes += 1
        elif not event.read_only:
            touch.settings += 1
        if spans is not None:
            span = at[:TEN_MINUTES]
            if span in spans:
                spans[span] += 1
            else:
                count_in(spans, span, 1)

    return count
