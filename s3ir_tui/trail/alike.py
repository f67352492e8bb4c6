"""Events that are alike in everything but time, object and place, as one: what the analysis adds up."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from s3ir_tui.trail.credentials import Credential, made
from s3ir_tui.trail.detections import Finding, detect
from s3ir_tui.trail.doors import Door, opened
from s3ir_tui.trail.event import Event

MOST_IDS = 20

Count = Callable[[str, int], None]
"""Counts one more call like one before it: when it was made, and how many bytes left S3."""


class Alike(msgspec.Struct, array_like=True, gc=False):
    """Events of one principal, credential, operation, bucket and outcome.

    Attributes:
        event: The first of them that came; it stands for all.
        count: How many there are.
        first: Time of the earliest.
        last: Time of the latest.
        bytes_out: Bytes out of S3, of all of them.
        ids: Ids of the first twenty.
        addresses: Where they came from, the first few.
        times: When those within reach of a live watch happened: how many at each time.
        findings: What the detections say of each of them.
        used: The credential that they were made with, where their record, which tells of it, is not kept.
        made: Credentials that they made.
        opened: What they opened to others.
    """

    event: Event
    count: int
    first: str
    last: str
    bytes_out: int
    ids: list[str]
    addresses: list[str]
    times: dict[str, int]
    findings: tuple[Finding, ...]
    made: list[Credential]
    opened: tuple[Door, ...]
    used: Credential | None = None


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an event tells by itself, whatever is known beside it; for most it is nothing.

    Attributes:
        findings: What the detections say.
        made: The credential that it made.
        opened: What it opened to others.
    """

    findings: tuple[Finding, ...] = ()
    made: Credential | None = None
    opened: tuple[Door, ...] = ()


NOTHING = Told()


def told_by(event: Event) -> Told | None:
    """What an event tells by itself; `None` where it is nothing."""
    findings, new, doors = detect(event), made(event), opened(event)
    return Told(findings, new, doors) if findings or new is not None or doors else None


class Origin(msgspec.Struct, array_like=True, gc=False):
    """Calls of one principal with one credential from one address by one program.

    Attributes:
        principal: Who.
        access_key: With which key, or "".
        address: From where.
        agent: By which program.
        sample: Id of one of the events.
        count: How many calls.
        first: Time of the earliest.
        last: Time of the latest.
    """

    principal: str
    access_key: str
    address: str
    agent: str
    sample: str
    count: int
    first: str
    last: str


def alone(event: Event, findings: tuple[Finding, ...], told: Told | None = None) -> Alike:
    """One event.

    Args:
        event: The event.
        findings: What the detections say of it, with what is known beside it.
        told: What it tells by itself, where that has been looked at already.
    """
    told = told or Told((), made(event), opened(event))
    return Alike(
        event=event,
        count=1,
        first=event.time,
        last=event.time,
        bytes_out=event.bytes_out,
        ids=[event.id],
        addresses=[event.address],
        times={event.time: 1},
        findings=findings,
        made=[told.made] if told.made is not None else [],
        opened=told.opened,
    )


def origin(event: Event) -> Origin:
    """Where one event came from."""
    return Origin(event.principal, event.access_key, event.address, event.agent, event.id, 1, event.time, event.time)
