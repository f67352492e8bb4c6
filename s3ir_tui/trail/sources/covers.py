"""What a trail source can bring, and up to when it has: data, for whoever decides what silence proves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Covers:
    """Which events a source can bring at all. What a trail's selectors leave out of these, `trail.coverage` tells.

    Attributes:
        regions: Regions whose events it brings; empty for every Region of the account.
        writes: Whether management events that change something come.
        reads: Whether read-only management events come.
        data: Whether S3 data events come.
        buckets: Buckets whose data events come; empty where that is for the selectors of the trail to say.
    """

    regions: tuple[str, ...] = ()
    writes: bool = True
    reads: bool = True
    data: bool = False
    buckets: tuple[str, ...] = ()


@runtime_checkable
class TellsCoverage(Protocol):
    """A source that says what it can bring."""

    @property
    def covers(self) -> Covers: ...


@runtime_checkable
class TellsProgress(Protocol):
    """A source that says how far it has read.

    Attributes:
        complete_to: Every event before this time that the service had when it was asked has been brought, late ones of
            the overlap included; `None` before the first whole look. The service itself may be later still: `late`.
        late: Seconds after its time at which an event that was new was brought, the longest of late; `None` before the
            first.
    """

    @property
    def complete_to(self) -> datetime | None: ...
    @property
    def late(self) -> float | None: ...


def covers(source: object) -> Covers:
    """What a source can bring; one that does not say brings everything, data events by its own word."""
    if isinstance(source, TellsCoverage):
        return source.covers
    return Covers(data=bool(getattr(source, "data_events", False)))


def complete_to(source: object) -> datetime | None:
    """Up to when a source has brought everything, or `None` where it does not say."""
    return source.complete_to if isinstance(source, TellsProgress) else None


def late(source: object) -> float | None:
    """How late a source brings events, in seconds, or `None` where it does not say."""
    return source.late if isinstance(source, TellsProgress) else None


class Lateness:
    """How long after their times events came that were new: the longest of this period and of the last one.

    What comes with the first look, or is older than `oldest`, is history that was looked up.

    Args:
        oldest: Seconds.
        period: Seconds after which the older half is forgotten.
    """

    def __init__(self, oldest: float = 7200.0, period: float = 3600.0) -> None:
        self._oldest, self._period = oldest, period
        self._this: float | None = None
        self._before: float | None = None
        self._since: datetime | None = None

    def take(self, at: datetime, now: datetime) -> None:
        """Count a new event.

        Args:
            at: Its time.
            now: When it came.
        """
        if self._since is None or (now - self._since).total_seconds() >= self._period:
            self._before, self._this, self._since = self._this, None, now
        age = max(0.0, (now - at).total_seconds())
        if age < self._oldest:
            self._this = max(age, self._this or 0.0)

    @property
    def seconds(self) -> float | None:
        """The longest, or `None` where nothing was counted."""
        known = [value for value in (self._this, self._before) if value is not None]
        return max(known) if known else None
