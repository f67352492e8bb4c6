"""Whether silence of a contained actor proves anything: what could show a call of it, and up to when that was read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from s3ir_tui.board.reach import Reach
from s3ir_tui.text import ago
from s3ir_tui.trail.coverage import Coverage
from s3ir_tui.trail.selectors import Logged
from s3ir_tui.trail.watch import Proof

EXPECTED = timedelta(minutes=15)
"""CloudTrail brings events to Event history "typically within 15 minutes" of the call (CloudTrail User Guide)."""

FAILING = timedelta(minutes=1)
"""A source that fails for less is not called lost: what it has not read is not proven anyway."""

STALLED = timedelta(minutes=5)
"""Without an error, a source that has not read to the present for so long is behind."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who was contained, as far as it matters to where a call of it would be seen.

    Attributes:
        buckets: Region of each bucket that it touched, "" where unknown.
        regions: Regions in which it can call; empty for every one (IAM principals).
        anonymous: Whether it has no credentials: it can reach what S3 shows to everyone, and nothing else.
    """

    buckets: Mapping[str, str]
    regions: tuple[str, ...] = ()
    anonymous: bool = False


def proof(
    actor: Actor,
    sources: Sequence[Reach],
    coverage: Mapping[str, Sequence[Coverage]],
    contained_at: datetime,
    now: datetime,
    *,
    quiet: timedelta = timedelta(minutes=30),
    expected: timedelta = EXPECTED,
    global_region: str = "us-east-1",
    changed_at: str = "",
    read_at: str = "",
) -> Proof:
    """Up to when every call of an actor would have been seen, and what keeps silence from proving that.

    Args:
        actor: The actor.
        sources: The trail sources at work.
        coverage: What was logged of the objects of each bucket; a bucket that is not in it is not known yet.
        contained_at: When it was contained.
        now: The time.
        quiet: How long silence must last.
        expected: How late CloudTrail brings a call at most, as a rule. A quiet time that is shorter proves nothing.
        global_region: Where calls to IAM and STS are recorded.
        changed_at: When a trail was changed last (UTC), or "".
        read_at: When it was last read what is logged (UTC), or "".
    """
    living = [item for item in sources if not item.past]
    missing = dict.fromkeys(
        [
            *(why for item in living if (why := _trouble(item, contained_at, now))),
            *_regions_missing(actor, living, global_region),
            *_buckets_missing(actor, living, coverage, contained_at),
        ]
    )
    if changed_at > read_at:
        missing[f"a trail was changed at {changed_at[11:19]}Z, what is logged since has not been read yet"] = None
    delays = [_delay(item, living, expected) for item in living]
    slow = max(delays, default=expected)
    if max(slow, expected) > quiet:
        missing[f"calls may come {ago(max(slow, expected).total_seconds())} late, a quiet time of "
                f"{ago(quiet.total_seconds())} is too short to prove anything"] = None  # fmt: skip
    ends = {item.name: _proven_to(item, delay) for item, delay in zip(living, delays, strict=True)}
    known = {name: end for name, end in ends.items() if end is not None}
    proven_to = min(known.values(), default=None)
    if proven_to is not None and not missing and proven_to < now - quiet:
        last = min(known, key=lambda name: known[name])
        missing[f"{last} shows nothing of the last {_for(proven_to, now)}"] = None
    return Proof(proven_to, slow, tuple(missing))


def _proven_to(item: Reach, delay: timedelta) -> datetime | None:
    """Up to when a source would have shown every call; where a delivery can be cut, not beyond what it brought last."""
    if item.complete_to is None:
        return None
    end = item.complete_to - delay
    return min(end, item.newest) if item.delivered and item.newest is not None else end


def _delay(item: Reach, others: Sequence[Reach], expected: timedelta) -> timedelta:
    """How late a source brings a call: as measured; where it is not, as its like in other Regions; else as expected."""
    if item.late is not None:
        return timedelta(seconds=item.late)
    alike = [other.late for other in others if other.kind == item.kind and other.late is not None]
    return timedelta(seconds=max(alike)) if alike else expected


def _trouble(item: Reach, contained_at: datetime, now: datetime) -> str:
    """Why silence of a source proves nothing, or ""."""
    if item.failing_since is not None and now - item.failing_since >= FAILING:
        return f"{item.name} failing for {_for(item.failing_since, now)}"
    if item.error and item.failing_since is None:
        return f"{item.name} failing: {item.error}"
    if not item.caught_up:
        return f"history of {item.name} still being read: {item.progress or 'the beginning is missing'}"
    if item.complete_to is None:
        return f"{item.name} has not been read to the present yet"
    if now - item.complete_to >= STALLED:
        return f"{item.name} has not been read for {_for(item.complete_to, now)}"
    if item.delivered and item.newest is None:
        return f"lag of {item.name} not measured yet: it has brought nothing new"
    if item.delivered and item.newest is not None and now - item.newest >= EXPECTED + timedelta(seconds=item.late or 0):
        # Each call of this console is recorded as well: a trail that works brings something all the time.
        return f"{item.name} has brought nothing for {_for(item.newest, now)}"
    return next(iter(_gaps(item, contained_at)), "")


def _gaps(item: Reach, contained_at: datetime) -> Iterator[str]:
    """What a source says that it does not bring, but for holes that ended before the containment."""
    for remark in item.remarks(contained_at):
        yield f"{item.name}: {remark}"


def _regions_missing(actor: Actor, living: Sequence[Reach], global_region: str) -> Iterator[str]:
    """Management calls: of every Region in which the actor can call, changes and reads must come from some source.

    Where Event history is looked up at all it is looked up in each enabled Region (`trail.discover`): the Regions of
    the sources are those of the account then. Without it only a source of all Regions will do.
    """
    readers = [item for item in living if item.writes and item.reads]
    if any(not item.regions for item in readers):
        return
    seen = {region for item in readers for region in item.regions}
    if actor.anonymous:
        wanted = set(filter(None, actor.buckets.values()))
    elif actor.regions:
        wanted = {global_region, *actor.regions}
    else:
        wanted = {global_region, *(region for item in living for region in item.regions)}
        if not any(item.kind == "lookup" for item in living):
            yield f"management calls outside {', '.join(sorted(seen)) or 'S3'} are not read"
    for region in sorted(wanted - seen):
        yield f"no source reads the management calls of {region}"


def _buckets_missing(
    actor: Actor, living: Sequence[Reach], coverage: Mapping[str, Sequence[Coverage]], contained_at: datetime
) -> Iterator[str]:
    """Calls on objects: reads and writes of each bucket that the actor touched, by trails whose delivery is read."""
    if not any(item.data for item in living):
        yield "no source brings S3 data events: reads of objects are not seen"
        return
    for bucket, region in sorted(actor.buckets.items()):
        found = coverage.get(bucket)
        if found is None:
            yield f"what is logged of {bucket} is not known yet"
            continue
        read = [item for item in found if _is_read(item, bucket, region, living)]
        reads = _most(item.reads for item in read if _since(item, contained_at))
        writes = _most(item.writes for item in read if _since(item, contained_at))
        if reads is Logged.ALL and writes is Logged.ALL:
            continue
        yield _why_not(bucket, reads, writes, found, read)


def _is_read(item: Coverage, bucket: str, region: str, living: Sequence[Reach]) -> bool:
    """Whether a source reads what a trail delivers of a bucket."""
    for source in living:
        if not source.data or (source.buckets and bucket not in source.buckets):
            continue
        if source.regions and region and region not in source.regions:
            continue
        if not item.sources or source.name in item.sources or source.kind == "queue":
            return True
    return False


def _since(item: Coverage, contained_at: datetime) -> bool:
    """Whether it held all the time since the containment, and holds."""
    begun = not item.since or datetime.fromisoformat(item.since) <= contained_at
    return begun and not item.until and "delivery failed" not in item.reason


def _most(values: Iterable[Logged]) -> Logged:
    order = (Logged.NONE, Logged.UNKNOWN, Logged.PART, Logged.ALL)
    return max(values, key=order.index, default=Logged.NONE)


def _why_not(bucket: str, reads: Logged, writes: Logged, found: Sequence[Coverage], read: Sequence[Coverage]) -> str:
    what = "reads" if reads is not Logged.ALL else "writes"
    much = reads if reads is not Logged.ALL else writes
    if much is Logged.PART:
        limits = next((item.limits for item in read if item.limits), ())
        return f"{what} of {bucket} are logged in part" + (f": {limits[0]}" if limits else "")
    if much is Logged.UNKNOWN or any(not item.trail and item.reads is Logged.UNKNOWN for item in found):
        why = next((item.reason for item in found if item.reason), "")
        return f"what is logged of {bucket} is not known" + (f": {why}" if why else "")
    logs = [item for item in found if getattr(item, what) is Logged.ALL and not item.until]
    elsewhere = next((item for item in logs if item not in read), None)
    if elsewhere is not None:
        return f"{what} of {bucket} are logged by trail {elsewhere.trail}, which no source reads"
    late = next((item for item in logs if item.since), None)
    if late is not None and "delivery failed" not in late.reason:
        return f"{what} of {bucket} are logged only since {late.since[11:19]}Z"
    if late is not None or logs:
        return f"{what} of {bucket} are logged, but {logs[0].reason}"
    return f"{what} of {bucket} are not logged"


def _for(since: datetime | None, now: datetime) -> str:
    return ago((now - (since or now)).total_seconds())
