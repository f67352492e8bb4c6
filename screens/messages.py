"""What threads and screens tell the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from s3ir_tui.room import Update

if TYPE_CHECKING:
    from actions.plan import Answer, Plan


@dataclass
class RoomSaid(Message):
    """The room has news. Never replaced by a newer one: it carries lines of the tail."""

    update: Update


@dataclass
class ThreadEnded(Message):
    """A thread of this console ended with a fault; the words are an alarm."""

    words: str


@dataclass
class RunPlan(Message):
    """The responder confirmed a plan."""

    plan: Plan
    answer: Answer


@dataclass
class RunChanged(Message):
    """A step of the running plan changed its state, or the plan ended."""

    def can_replace(self, message: Message) -> bool:
        """The run itself holds the state: one look at it is enough."""
        return isinstance(message, RunChanged)


@dataclass
class Fetched(Message, bubble=False):
    """A thread has read what a screen asked for."""

    then: Callable[[], None]
    said: bool


@dataclass
class Left(Message):
    """Everything is recorded and closed: the application may end."""

    code: int
