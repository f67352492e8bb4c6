"""What every trail source has in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.trail.event import Event

BUSY = 0.1
"""Seconds between two polls while there is more to catch up on."""

_THROTTLED = frozenset(
    {
        "KmsThrottled",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


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
        """One pass, newest first and bounded, so that something can be shown soon.

        Raises:
            SourceError: Nothing could be read this time.
        """


@runtime_checkable
class CatchesUp(Protocol):
    """A source that reads what is old in parts.

    Attributes:
        caught_up: Whether the last poll left nothing older to be read.
    """

    @property
    def caught_up(self) -> bool: ...


@runtime_checkable
class Acknowledged(Protocol):
    """A source from which events are taken away once they are on disk: all that it brings is recorded."""

    def recorded(self, events: Sequence[Event]) -> None:
        """Hear that events are on disk. Returns at once: the source gives them up at its next poll."""


@runtime_checkable
class Remarks(Protocol):
    """A source that works and yet has something to say about what it brings.

    Attributes:
        remark: What may be missing, such as `sampled`; "" when there is nothing to say.
    """

    @property
    def remark(self) -> str: ...


@runtime_checkable
class Dormant(Protocol):
    """A source that may find that it has nothing to say for long: it is then not shown, another one tells why.

    Attributes:
        dormant: Whether that is so.
    """

    dormant: bool


@runtime_checkable
class Closes(Protocol):
    """A source that holds something open between polls."""

    def close(self) -> None:
        """Let go of it, in order; polls bring nothing from then on. Safe to call from any thread, and twice."""


@runtime_checkable
class ReadElsewhere(Protocol):
    """A source that another console of the case may read for this one.

    Attributes:
        by: That console, or "" where this one reads.
    """

    @property
    def by(self) -> str: ...


class Calls(Protocol):
    """The reading half of `Account`, as sources use it."""

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        """Make one call; raises `AwsError`."""

    def pages(
        self, service: str, operation: str, params: Mapping[str, Any], key: str, region: str = ""
    ) -> Iterator[Any]:
        """All items of a paged read; raises `AwsError`."""


def throttled(error: AwsError) -> bool:
    """Whether AWS asks for fewer calls."""
    return error.code in _THROTTLED


def trouble(name: str, error: AwsError) -> SourceError:
    """The error of a source: it is tried again soon after throttling, later after anything else."""
    return SourceError(f"{name}: {error}", 5.0 if throttled(error) else 15.0)


def caught_up(source: Source) -> bool:
    """Whether a source has nothing older left to be read."""
    return source.caught_up if isinstance(source, CatchesUp) else True


def remark(source: Source) -> str:
    """What a source says about what it does not bring, or ""."""
    return source.remark if isinstance(source, Remarks) else ""


def read_by(source: Source) -> str:
    """The console of the case that reads a source for this one, or ""."""
    return source.by if isinstance(source, ReadElsewhere) else ""


def drain(source: Source, *, seconds: float = 300.0, clock: Callable[[], float] = time.monotonic) -> list[Event]:
    """Poll until the source has caught up.

    Args:
        source: The source.
        seconds: When to stop all the same; `caught_up` tells.
        clock: Monotonic seconds.

    Raises:
        SourceError: A poll failed.
    """
    until = clock() + seconds
    events = source.poll()
    while not caught_up(source) and clock() < until:
        events += source.poll()
    return events
