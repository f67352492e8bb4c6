"""How late each trail source brings events, measured from the events themselves."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from s3ir_tui.trail.event import Event

ASSUMED_SECONDS = 900.0
"""Lag where none is measured yet: CloudTrail brings events to Event history "typically within 15 minutes"."""

_SAMPLES = 200
_OLDEST = 3600.0
"""An event older than an hour when it comes is history that was looked up, and says nothing of the delay."""


class Lags:
    """The lag of each source: the oldest age at which one of its last 200 new events was seen.

    The first batch of a source is a look back at history and says nothing of its delay.
    """

    def __init__(self) -> None:
        self._ages: dict[str, deque[float]] = {}

    def take(self, source: str, new: Iterable[Event], now: datetime) -> None:
        """Count the new events of a poll; call it for empty polls too, since the first one is left out."""
        ages = self._ages.get(source)
        if ages is None:
            self._ages[source] = deque(maxlen=_SAMPLES)
            return
        came = ((now - event.at).total_seconds() for event in new)
        ages.extend(max(0.0, age) for age in came if age < _OLDEST)

    def of(self, source: str) -> float | None:
        """Seconds, or `None` before the first measured event."""
        ages = self._ages.get(source)
        return max(ages) if ages else None

    def worst(self) -> float | None:
        """The largest lag of all sources: from when on silence is proof; `None` where nothing is measured yet."""
        known = [lag for lag in map(self.of, self._ages) if lag is not None]
        return max(known) if known else None
