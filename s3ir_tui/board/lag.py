"""What each trail source brought and when: how late, its newest and its oldest event, measured from the events."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from s3ir_tui.trail.event import Event

ASSUMED_SECONDS = 900.0
"""Delay where none is measured yet: CloudTrail brings events to Event history "typically within 15 minutes"."""

_SAMPLES = 200
_OLDEST = 3600.0
"""An event older than an hour when it comes is history that was looked up, and says nothing of the delay."""


@dataclass(slots=True)
class Arrived:
    """What one source brought.

    Attributes:
        ages: Seconds between its last new events and the moments at which they came.
        newest: Time of its newest event, or "".
        oldest: Time of its oldest event, or "".
        answered: When it was last polled without an error, or `None`.
    """

    ages: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    newest: str = ""
    oldest: str = ""
    answered: datetime | None = None


class Arrivals:
    """What each source brought. The first batch is a look back at history and says nothing of the delay."""

    def __init__(self) -> None:
        self._of: dict[str, Arrived] = {}

    def take(self, source: str, events: Iterable[Event], new: Iterable[Event], now: datetime) -> None:
        """Count a poll that worked; call it for empty ones too.

        Args:
            source: Name of the source.
            events: What it brought.
            new: What of it no source had brought before.
            now: The time.
        """
        found = self._of.get(source)
        first = found is None
        if found is None:
            found = self._of[source] = Arrived()
        found.answered = now
        for event in events:
            found.newest = max(found.newest, event.time)
            found.oldest = min(found.oldest or event.time, event.time)
        if not first:
            came = ((now - event.at).total_seconds() for event in new)
            found.ages.extend(max(0.0, age) for age in came if age < _OLDEST)

    def of(self, source: str) -> Arrived:
        """What a source brought; nothing before its first poll."""
        return self._of.get(source) or Arrived()

    def delay(self, source: str) -> float | None:
        """The oldest age at which one of its last 200 new events came, in seconds, or `None` before the first."""
        ages = self.of(source).ages
        return max(ages) if ages else None

    def answered(self) -> datetime | None:
        """When any source was last polled without an error."""
        return max((item.answered for item in self._of.values() if item.answered), default=None)
