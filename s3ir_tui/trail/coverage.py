"""What was logged of a bucket's objects, from when to when, by which trail: not logged is not the same as not done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from s3ir_tui.model import iso
from s3ir_tui.text import clean
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.selectors import Logged, Selected, selected

CHANGES = ("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging", "PutEventSelectors")
"""The calls that change what a trail logs of S3's objects."""


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail, as CloudTrail describes it.

    Attributes:
        arn: Its ARN.
        name: Its name.
        home: Home Region.
        bucket: Bucket that it delivers to.
        prefix: Key prefix there, or "".
        group: ARN of the CloudWatch Logs group that it sends to, or "".
        everywhere: Whether it logs all Regions.
        organization: Whether it is an organization's.
        selectors: Answer of GetEventSelectors; `None` where it could not be read.
        logging: Whether it is logging; `None` where GetTrailStatus could not be read.
        started: When it last began to, or "".
        stopped: When it last ended, or "".
        delivered: When it last delivered, or "".
        delivery_error: What its last delivery ended in, or "".
        gap: Why something could not be read, or "".
    """

    arn: str
    name: str
    home: str
    bucket: str = ""
    prefix: str = ""
    group: str = ""
    everywhere: bool = False
    organization: bool = False
    selectors: Mapping[str, Any] | None = None
    logging: bool | None = None
    started: str = ""
    stopped: str = ""
    delivered: str = ""
    delivery_error: str = ""
    gap: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one trail logged of a bucket's objects for a time.

    Attributes:
        bucket: Name of the bucket.
        trail: Name of the trail; "" where it is about all of them.
        since: UTC time of the beginning; "" for that of what was looked at, or before.
        until: UTC time of the end; "" for now.
        reads: How much of the reads.
        writes: How much of the writes.
        limits: What is logged in part only.
        reason: Why it is unknown or nothing, or what else is to be known of it.
        sources: Names of the trail sources that read what the trail delivers; empty where that is not known.
    """

    bucket: str
    trail: str
    since: str
    until: str
    reads: Logged
    writes: Logged
    limits: tuple[str, ...] = ()
    reason: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """What was done to the trails, as far as it is known.

    Attributes:
        since: From when on it is known.
        until: To when: now.
        changes: The calls named in `CHANGES`.
        gap: Why they are not known, or "".
    """

    since: datetime
    until: datetime
    changes: Sequence[Event] = ()
    gap: str = ""


def coverage(
    trails: Sequence[Trail], history: History, buckets: Mapping[str, str], gap: str = ""
) -> dict[str, tuple[Coverage, ...]]:
    """What was logged of each bucket's objects since the history begins.

    Args:
        trails: The trails there are now.
        history: What was done to them.
        buckets: Region of each bucket, "" where unknown.
        gap: Why the trails are not known, or "".

    Returns:
        By bucket, what each trail logged and what is not known; one entry without a trail where no trail logged
        anything.
    """
    known = [(trail, _periods(trail, history)) for trail in _with_deleted(trails, history.changes)]
    return {bucket: _of_bucket(bucket, region, known, gap) for bucket, region in buckets.items()}


def unlogged(found: Iterable[Coverage], history: History) -> tuple[tuple[str, str], ...]:
    """When no trail logged any reads of a bucket, and none may have: pairs of UTC times, oldest first."""
    begin, end = iso(history.since), iso(history.until)
    spans = sorted((item.since or begin, item.until or end) for item in found if item.reads is not Logged.NONE)
    free: list[tuple[str, str]] = []
    at = begin
    for since, until in spans:
        if since > at:
            free.append((at, since))
        at = max(at, until)
    if at < end:
        free.append((at, end))
    return tuple(free)


def words(found: Sequence[Coverage], history: History) -> tuple[str, ...]:
    """The same in sentences, safe to display: what was logged, what is not known, and when nothing was."""
    told = [_sentence(item) for item in found if item.trail]
    told += [
        f"what is logged is not known: {item.reason}" if item.reads is Logged.UNKNOWN else item.reason
        for item in found
        if not item.trail
    ]
    for since, until in unlogged(found, history):
        when = f"since {since}" if until == iso(history.until) else f"from {since} to {until}"
        told.append(f"reads not logged {when}: none seen is not none done")
    return tuple(clean(line) for line in told)


# -- what a trail did over time --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Period:
    """A time in which a trail was not changed. `selectors` and `logging` are `None` where they are not known."""

    since: str
    until: str
    selectors: Mapping[str, Any] | None
    logging: bool | None
    everywhere: bool | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Change:
    at: str
    name: str
    region: str
    given: Mapping[str, Any]


def _periods(trail: Trail, history: History) -> tuple[_Period, ...]:
    """The periods of a trail, oldest first: what is so now holds back to the last change of it."""
    changes = _changes_of(trail, history)
    edges = ["", *dict.fromkeys(change.at for change in changes), ""]
    periods = []
    for since, until in pairwise(edges):
        before = [change for change in changes if since and change.at <= since]
        after = [change for change in changes if not since or change.at > since]
        periods.append(_period(trail, since, until, before, after))
    if history.gap:
        why = f"what was changed is not known: {history.gap}"
        periods = [replace(item, reason="; ".join(filter(None, (item.reason, why)))) for item in periods]
    return tuple(periods)


def _period(trail: Trail, since: str, until: str, before: list[_Change], after: list[_Change]) -> _Period:
    names = [change.name for change in after]
    if "CreateTrail" in names and "DeleteTrail" not in names[: names.index("CreateTrail")]:
        return _Period(since, until, {}, False, None)
    selectors, why = _selectors(trail, before, after)
    logging, doubt = _logging(trail, before, after)
    wider = next((change for change in after if "isMultiRegionTrail" in change.given), None)
    everywhere = trail.everywhere if wider is None else None
    last = before[-1] if before else None
    if logging and last and last.name in ("StartLogging", "PutEventSelectors", "CreateTrail"):
        why = why or f"the first minutes after {last.name} may be missing"
    failing = (
        f"its last delivery failed: {trail.delivery_error}" if logging and not until and trail.delivery_error else ""
    )
    return _Period(since, until, selectors, logging, everywhere, "; ".join(filter(None, (why, doubt, failing))))


def _selectors(
    trail: Trail, before: Sequence[_Change], after: Sequence[_Change]
) -> tuple[Mapping[str, Any] | None, str]:
    for change in reversed(before):
        if change.name == "PutEventSelectors":
            return change.given, ""
        if change.name == "CreateTrail":
            return {}, ""  # a new trail logs management events only
    first = next((change for change in after if change.name in ("PutEventSelectors", "DeleteTrail")), None)
    if first is not None:
        return None, f"what it selected before {first.name} at {first.at} is not known"
    return trail.selectors, trail.gap


def _logging(trail: Trail, before: Sequence[_Change], after: Sequence[_Change]) -> tuple[bool | None, str]:
    switches = {"StartLogging": True, "StopLogging": False, "CreateTrail": False, "DeleteTrail": False}
    for change in reversed(before):
        if change.name in switches:
            return switches[change.name], ""
    first = next((change for change in after if change.name in switches), None)
    if first is not None and first.name == "StopLogging":
        return True, ""
    if first is not None:
        return None, f"whether it was logging before {first.name} at {first.at} is not known"
    return trail.logging, "" if trail.logging is not None else f"whether it is logging is not known: {trail.gap}"


def _changes_of(trail: Trail, history: History) -> list[_Change]:
    """What was done to a trail, oldest first; with what its status tells of older beginnings and ends."""
    found = [change for change in map(_change, history.changes) if change is not None and _is_about(change, trail)]
    for at, name in ((trail.started, "StartLogging"), (trail.stopped, "StopLogging")):
        if at and at >= iso(history.since) and not any(item.name == name for item in found):
            found.append(_Change(at, name, trail.home, {}))
    return sorted(found, key=lambda change: change.at)


def _change(event: Event) -> _Change | None:
    if event.name not in CHANGES or event.error:
        return None
    try:
        given = json.loads(event.raw).get("requestParameters")
    except (ValueError, AttributeError):
        given = None
    return _Change(event.time, event.name, event.region, given if isinstance(given, Mapping) else {})


def _named(change: _Change) -> str:
    return str(change.given.get("trailName") or change.given.get("name") or "")


def _is_about(change: _Change, trail: Trail) -> bool:
    """Whether a call named a trail: by ARN, or by name in its home Region (another Region may have its like)."""
    return _named(change) == trail.arn or (_named(change) == trail.name and change.region == trail.home)


def _with_deleted(trails: Sequence[Trail], events: Sequence[Event]) -> list[Trail]:
    """The trails, and those that are there no more: nothing else tells what they logged."""
    gone: dict[str, Trail] = {}
    for event in events:
        change = _change(event)
        if change is None or change.name != "DeleteTrail" or any(_is_about(change, trail) for trail in trails):
            continue
        name = _named(change)
        gone[name] = Trail(name, name.rsplit("/", 1)[-1], event.region, everywhere=True, logging=False)
    return [*trails, *gone.values()]


# -- what that means for a bucket ------------------------------------------------------------------


def _of_bucket(
    bucket: str, region: str, known: Sequence[tuple[Trail, Sequence[_Period]]], gap: str
) -> tuple[Coverage, ...]:
    unknown = Coverage(bucket, "", "", "", Logged.UNKNOWN, Logged.UNKNOWN, (), gap)
    found = [item for trail, periods in known for item in _merged(_logged(bucket, region, trail, periods))]
    if gap:
        found.append(unknown)
    return tuple(found) or (
        Coverage(bucket, "", "", "", Logged.NONE, Logged.NONE, (), "no trail logs S3 data events of this bucket"),
    )


def _logged(bucket: str, region: str, trail: Trail, periods: Sequence[_Period]) -> Iterator[Coverage]:
    nothing = Selected()
    for item in periods:
        found, why = nothing, item.reason
        far = region != trail.home
        if item.selectors is not None:
            found = selected(item.selectors, bucket)
        if (item.logging is False or (far and item.everywhere is False)) or (
            item.selectors is not None and found == nothing
        ):
            continue
        if item.selectors is None or item.logging is None or (far and item.everywhere is None):
            found = Selected(Logged.UNKNOWN, Logged.UNKNOWN)
            why = why or "whether it logged this Region then is not known"
        yield Coverage(
            bucket, trail.name, item.since, item.until, found.reads, found.writes, found.limits, why, _sources(trail)
        )


def _sources(trail: Trail) -> tuple[str, ...]:
    """Names of the sources that read what a trail delivers."""
    group = trail.group.removesuffix(":*").split(":log-group:", 1)[-1]
    names = [f"bucket {trail.bucket}"] if trail.bucket else []
    return (*names, *(f"{kind} {group}" for kind in ("logs", "livetail") if group))


def _merged(found: Iterable[Coverage]) -> list[Coverage]:
    """Without the edges at which nothing changed for this bucket."""
    made: list[Coverage] = []
    for item in found:
        last = made[-1] if made else None
        same = last is not None and (last.reads, last.writes, last.limits) == (item.reads, item.writes, item.limits)
        if last is not None and same and last.until == item.since and item.since and item.reads is not Logged.UNKNOWN:
            made[-1] = replace(last, until=item.until)
        else:
            made.append(item)
    return made


def _sentence(item: Coverage) -> str:
    when = f" since {item.since}" if item.since else ""
    when += f" until {item.until}" if item.until else ""
    about = "; ".join((*item.limits, *filter(None, (item.reason,))))
    if item.reads is Logged.UNKNOWN:
        return f"not known of trail {item.trail}{when}: {about}"
    kinds = {
        Logged.ALL: "logged",
        Logged.PART: "logged in part",
        Logged.NONE: "not logged",
        Logged.UNKNOWN: "not known",
    }
    what = (
        f"reads and writes {kinds[item.reads]}"
        if item.reads is item.writes
        else f"reads {kinds[item.reads]}, writes {kinds[item.writes]}"
    )
    return f"{what} by trail {item.trail}{when}{f': {about}' if about else ''}"
