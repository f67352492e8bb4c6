"""What the background threads bring to the room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from queue import SimpleQueue
from typing import Any

from s3ir_tui.board.known import Posture
from s3ir_tui.room import SourceStatus
from s3ir_tui.trail.event import Event


@dataclass(frozen=True, slots=True)
class EventsCame:
    """A poll of a source brought events.

    Attributes:
        source: Name of the source.
        events: What it brought.
        recorded: To be told once all of them are on disk, by a source that gives them up then; else `None`.
        by: The console of this case that read and recorded them, or "" for this one.
    """

    source: str
    events: tuple[Event, ...]
    recorded: Callable[[Sequence[Event]], None] | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class SourceChanged:
    """A source was polled: it works, or its error says why not."""

    status: SourceStatus


@dataclass(frozen=True, slots=True)
class PostureRead:
    """The posture of one bucket, principal or instance was read."""

    item: Posture


@dataclass(frozen=True, slots=True)
class LoggedRead:
    """It was read what was logged of a bucket's objects."""

    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PostureFailed:
    """A whole posture reading failed, or works again where `error` is empty."""

    what: str
    error: str


@dataclass(frozen=True, slots=True)
class ChangesChecked:
    """Our changes of one containment were read again."""

    ref: str
    in_place: int
    changes: int
    at: datetime
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class OutcomesUnknown:
    """How many calls were begun by consoles that ended before they recorded the outcome."""

    count: int


Fact = EventsCame | SourceChanged | PostureRead | LoggedRead | PostureFailed | ChangesChecked | OutcomesUnknown
Inbox = SimpleQueue[Fact]
