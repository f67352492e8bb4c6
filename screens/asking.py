"""What the screens ask of whoever keeps the history that questions are put to."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from s3ir_tui.room import Row
from s3ir_tui.trail.event import Event

if TYPE_CHECKING:
    from s3ir_tui.questions.question import Question
    from s3ir_tui.questions.results import Answer


class Asks(Protocol):
    """Keeps events and answers questions. All but `taken` block, and so belong on a thread."""

    taken: int
    """How many lines of the tail it has."""

    def forget(self) -> None:
        """Begin anew."""

    def add(self, events: Iterable[Event], taken: int) -> None:
        """Take in the events of the lines before number `taken`."""

    def ask(self, question: Question, given: Mapping[str, str], stop: threading.Event) -> Answer:
        """Answer; raises `Cancelled` once `stop` is set."""

    def save(self, answer: Answer, form: Literal["csv", "json"]) -> Path:
        """Write an answer into a file of the case."""


def about_event(event: Event, now: str) -> dict[str, str]:
    """What an event tells of the parameters of questions, by name.

    Args:
        event: The event under the cursor.
        now: The time, for the end of an incident that began with it.
    """
    return {
        "bucket": event.bucket,
        "key": event.key,
        "prefix": event.key.rpartition("/")[0],
        "actor": event.access_key or event.principal,
        "known": event.bucket,
        "start": event.time,
        "end": now,
    }


def about_row(row: Row) -> dict[str, str]:
    """What a row tells of them."""
    return {"bucket": {"bucket": row.id, "known": row.id}, "principal": {"actor": row.id}}.get(row.kind, {})
