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
        ages: By how many seconds its last new events were missing when it had last read everything; where it does not
            say when that was, how old they were when they came.
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

    def take(
        self,
        source: str,
        events: Iterable[Event],
        new: Iterable[Event],
        now: datetime,
        complete_to: datetime | None = None,
    ) -> None:
        """Count a poll that worked; call it for empty ones too.

        Args:
            source: Name of the source.
            events: What it brought.
            new: What of it no source had brought before.
            now: The time.
            complete_to: Up to when it had read everything before this poll, or `None`.
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
            # Of a source that is looked at once a minute, that minute is no delay of the service.
            end = complete_to or now
            found.ages.extend(
                max(0.0, (end - event.at).total_seconds())
                for event in new
                if (now - event.at).total_seconds() < _OLDEST
            )

    def of(self, source: str) -> Arrived:
        """What a source brought; nothing before its first poll."""
        return self._of.get(source) or Arrived()

    def delay(self, source: str) -> float | None:
        """How late it brings a call: the longest of its last 200 new events, in seconds, or `None` before the first."""
        ages = self.of(source).ages
        return max(ages) if ages else None

    def answered(self) -> datetime | None:
        """When any source was last polled without an error."""
        return max((item.answered for item in self._of.values() if item.answered), default=None)
