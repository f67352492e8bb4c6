"""What every trail source has in common."""

from __future__ import annotations

from typing import Protocol

from s3ir_tui.trail.event import Event


class SourceError(Exception):
    """A source brought nothing this time. The message says what failed and what to do.

    Attributes:
        retry_after: Seconds to wait before the next try; 0 for the source's own interval.
    """

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Source(Protocol):
    """A source of events. `poll` blocks and paces itself; events may come again, in any order.

    Attributes:
        name: `lookup us-east-1`, `bucket trail-logs`.
        data_events: Whether it can bring S3 data events.
        interval: Seconds between two polls.
    """

    @property
    def name(self) -> str: ...
    @property
    def data_events(self) -> bool: ...
    @property
    def interval(self) -> float: ...

    def poll(self) -> list[Event]:
        """The events that are new to the source, and perhaps some that are not; raises `SourceError`."""
