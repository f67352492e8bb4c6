"""What is new to a bucket against the time before: who comes, from which network, with what program, for what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from s3ir_tui.model import Severity, iso
from s3ir_tui.text import clean, short_arn
from s3ir_tui.trail.agents import agent_of
from s3ir_tui.trail.alike import Alike, Count, Origin
from s3ir_tui.trail.arns import is_address, network_of
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sightings import Reason

HOURS = 24
"""The time before is everything older than so many hours before the newest event."""

ENOUGH = 20
"""Calls in the time before that make it a measure; with fewer, everything would be new."""

MOST_BUCKETS = 2_000
MOST_WHO = 128
MOST_OPERATIONS = 64
MOST_PRINCIPALS = 20_000
MOST_WAYS = 64
_MOST_TOLD = 8
_WEIGHTS = (Severity.INFO, Severity.LOW, Severity.LOW, Severity.MEDIUM, Severity.MEDIUM)
"""By how many things are new at once: alone it is everyday, together they weigh, and never more than a look."""


@dataclass(slots=True)
class Seen:
    """Since when something is known, and one event of it."""

    first: str
    last: str
    event: str

    def add(self, first: str, last: str, event: str) -> None:
        if first < self.first:
            self.first, self.event = first, event
        if last > self.last:
            self.last = last


class _Ways:
    """From where and with what someone calls."""

    __slots__ = ("networks", "programs")

    def __init__(self) -> None:
        self.networks: dict[str, Seen] = {}
        self.programs: dict[str, Seen] = {}


class _Bucket:
    __slots__ = ("first", "here", "operations", "times", "who")

    def __init__(self, at: str) -> None:
        self.first = at
        # Networks and programs by which each came to this bucket: a role may go elsewhere from elsewhere. Of calls
        # that were added up only some addresses and one program are known, so a new one can be missed, not invented.
        self.here: dict[str, set[str]] = {}
        self.who: dict[str, Seen] = {}
        self.operations: dict[str, dict[str, Seen]] = {}
        # Calls per day, by the first of those that were added up: about how much came before.
        self.times: dict[str, int] = {}


class Novelty:
    """Feed it events and where they came from, in any order. Bounded; `capped` says that it was cut.

    Args:
        hours: How long before the newest event the time before ends.
        before: A moment at which it ends instead.
    """

    def __init__(self, hours: int = HOURS, before: str = "") -> None:
        self._hours = hours
        self._before = before
        self._last = ""
        self._buckets: dict[str, _Bucket] = {}
        self._ways: dict[str, _Ways] = {}
        self._news = 0
        self._told: tuple[int, str, dict[str, tuple[Reason, ...]]] = (-1, "", {})
        self.capped = False

    def add(self, some: Alike) -> None:
        """Take in events; those about no bucket, of services, or that failed tell nothing."""
        event = some.event
        if some.last > self._last:
            self._last = some.last
        if not event.bucket or event.error or event.kind == "AWSService" or event.invoked_by:
            return
        bucket = self._buckets.get(event.bucket)
        if bucket is None:
            if len(self._buckets) >= MOST_BUCKETS:
                self.capped = True
                return
            bucket = self._buckets[event.bucket] = _Bucket(some.first)
        bucket.first = min(bucket.first, some.first)
        day = some.first[:10]
        bucket.times[day] = bucket.times.get(day, 0) + some.count
        who = _who(event.principal, event.issuer)
        if self._note(bucket.who, who, MOST_WHO, some.first, some.last, event.id):
            operations = bucket.operations.setdefault(event.name, {})
            self._note(operations, who, MOST_OPERATIONS, some.first, some.last, event.id)
            here = bucket.here.setdefault(who, set())
            if len(here) < MOST_WAYS:
                before = len(here)
                here.update(map(network_of, some.addresses), (agent_of(event.agent).program,))
                self._news += len(here) > before

    def add_origin(self, origin: Origin, issuer: str = "") -> None:
        """Take in where a principal called from, and with what.

        Args:
            origin: Its calls from there.
            issuer: ARN of the role behind its session, or "".
        """
        who = _who(origin.principal, issuer)
        ways = self._ways.get(who)
        if ways is None:
            if len(self._ways) >= MOST_PRINCIPALS:
                self.capped = True
                return
            ways = self._ways[who] = _Ways()
        given = (origin.first, origin.last, origin.sample)
        if is_address(origin.address):
            self._note(ways.networks, network_of(origin.address), MOST_WAYS, *given)
        self._note(ways.programs, agent_of(origin.agent).program, MOST_WAYS, *given)

    def _note(self, seen: dict[str, Seen], name: str, most: int, first: str, last: str, event: str) -> bool:
        found = seen.get(name)
        if found is not None:
            self._news += first < found.first
            found.add(first, last, event)
        elif len(seen) < most:
            seen[name] = Seen(first, last, event)
            self._news += 1
        else:
            self.capped = True
            return False
        return True

    def here(self, event: Event) -> set[str] | None:
        """Networks and programs by which a caller came to a bucket; `None` where that is not kept."""
        bucket = self._told_bucket(event)
        return bucket.here.get(_who(event.principal, event.issuer)) if bucket is not None else None

    def counter(self, event: Event) -> Count:
        """Counts more calls like one that was taken in, by networks and programs that `here` has, and not before it."""
        bucket, who = self._told_bucket(event), _who(event.principal, event.issuer)
        seen = [] if bucket is None else [bucket.who.get(who), bucket.operations.get(event.name, {}).get(who)]
        known = [item for item in seen if item is not None]

        def count(at: str, _size: int) -> None:
            if at > self._last:
                self._last = at
            if bucket is not None:
                day = at[:10]
                bucket.times[day] = bucket.times.get(day, 0) + 1
                for item in known:
                    if at > item.last:
                        item.last = at

        return count

    def ways(self, origin: Origin, issuer: str = "") -> list[Seen]:
        """What is known of where a principal called from, and with what, once it was taken in."""
        ways = self._ways.get(_who(origin.principal, issuer))
        if ways is None:
            return []
        found = (ways.networks.get(network_of(origin.address)), ways.programs.get(agent_of(origin.agent).program))
        return [item for item in found if item is not None]

    def _told_bucket(self, event: Event) -> _Bucket | None:
        """The bucket that a call tells something of."""
        if event.error or event.kind == "AWSService" or event.invoked_by:
            return None
        return self._buckets.get(event.bucket)

    def cut(self) -> str:
        """The moment at which the time before ends, to the hour."""
        if self._before or not self._last:
            return self._before
        return iso(datetime.fromisoformat(f"{self._last[:13]}:00:00Z") - timedelta(hours=self._hours))

    def reasons(self) -> dict[str, tuple[Reason, ...]]:
        """For each bucket with a time before, what is new to it since, by who brought it; most new things first."""
        cut = self.cut()
        news, since, told = self._told
        if (news, since) != (self._news, cut):
            told = self._reasons(cut)
            self._told = (self._news, cut, told)
        return told

    def _reasons(self, cut: str) -> dict[str, tuple[Reason, ...]]:
        found: dict[str, tuple[Reason, ...]] = {}
        for name, bucket in self._buckets.items():
            if bucket.first < cut and sum(count for day, count in bucket.times.items() if day < cut) >= ENOUGH:
                new = sorted(self._new(bucket, cut), key=lambda item: (-item.severity, item.text))
                if new:
                    found[name] = tuple(new[:_MOST_TOLD])
        return found

    def _new(self, bucket: _Bucket, cut: str) -> Iterator[Reason]:
        networks = self._known(bucket, cut, "networks")
        programs = self._known(bucket, cut, "programs")
        for who, seen in bucket.who.items():
            if seen.last < cut:
                continue
            new: dict[str, str] = {"principal": seen.event} if seen.first >= cut else {}
            ways = self._ways.get(who, _Ways())
            for word, there, known in (("network", ways.networks, networks), ("program", ways.programs, programs)):
                here = bucket.here.get(who, set())
                late = [name for name, way in there.items() if way.first >= cut and name in here and name not in known]
                if late:
                    new[f"{word} {late[0]}"] = there[late[0]].event
            for name, by in bucket.operations.items():
                if who in by and by[who].first >= cut and all(item.first >= cut for item in by.values()):
                    new[f"operation {name}"] = by[who].event
                    break
            if new:
                weight = _WEIGHTS[min(len(new), len(_WEIGHTS) - 1)]
                text = f"new since {cut} by {short_arn(who)}: {', '.join(new)}"
                yield Reason(weight, clean(text), tuple(dict.fromkeys(new.values())), len(new), "new-here")

    def _known(self, bucket: _Bucket, cut: str, part: str) -> set[str]:
        """Networks or programs that those who used the bucket before the cut had used before it."""
        return {
            name
            for who, seen in bucket.who.items()
            if seen.first < cut and who in self._ways
            for name, way in getattr(self._ways[who], part).items()
            if way.first < cut
        }


def _who(principal: str, issuer: str) -> str:
    """Software comes as its role, whose sessions have other names each time; people come as themselves."""
    is_software = ":assumed-role/" in principal and "/AWSReservedSSO_" not in principal
    return issuer if issuer and is_software else principal
