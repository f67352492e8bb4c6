"""What a detection is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from s3ir_tui.model import Severity
from s3ir_tui.trail.details import Details
from s3ir_tui.trail.event import Event

INFO, LOW, MEDIUM, HIGH, CRITICAL = Severity


class Tactic(Enum):
    """What a call is good for to an attacker; weak signs of several tactics together make a suspect."""

    EXPOSURE = "exposure"
    EXFILTRATION = "exfiltration"
    DESTRUCTION = "destruction"
    RANSOM = "ransom"
    PERSISTENCE = "persistence"
    CREDENTIALS = "credentials"
    TAMPERING = "tampering"
    RECON = "recon"


Condition = Callable[[Details], "str | bool"]


def always(_details: Details) -> bool:
    """The name of the event is enough."""
    return True


def unseen(_event: Event) -> bool:
    """Nothing can be told at a glance."""
    return True


def anonymous(event: Event) -> bool:
    """The request was not signed."""
    return event.kind == "Anonymous"


_OF_THE_RECORD = ("{key}", "{user}", "{role}", "{what}")


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing worth a responder's eye.

    Attributes:
        name: Stable id, such as `bucket-policy-public`.
        severity: How much it matters when the call succeeded; an attempt counts one step less, medium at most.
        events: `eventName`s that it looks at.
        text: What happened, in words; `{bucket}`, `{key}`, `{user}`, `{role}`, `{name}` and `{what}` are filled in.
        tactic: What it is good for to an attacker.
        condition: Whether it holds; a text that it gives back is `{what}`.
        service: The first label of `eventSource`, or "" for any.
        glance: A cheap look that is taken first: the record is opened only where it holds.
        routine: Whether administrators do it every day: it is worth `MEDIUM` at most from those who proved themselves
            at sign-in (see `conditions.signed_in`).
    """

    name: str
    severity: Severity
    events: tuple[str, ...]
    text: str
    tactic: Tactic
    condition: Condition = always
    service: str = ""
    glance: Callable[[Event], bool] = unseen
    routine: bool = False

    @property
    def by_name(self) -> bool:
        """Whether it says the same of every such call of one identity on one bucket, whatever else it asked for."""
        deep = any(part in self.text for part in _OF_THE_RECORD)
        return self.condition is always and self.glance in (unseen, anonymous) and not deep and not self.routine


@dataclass(frozen=True, slots=True)
class Finding:
    """A detection that held for an event.

    Attributes:
        name: Of the detection.
        severity: With the outcome of the call considered.
        text: In words, with outside strings as recorded: clean it to show it.
        tactic: What it is good for to an attacker.
    """

    name: str
    severity: Severity
    text: str
    tactic: Tactic
