"""Alike events while they are added up, and what there is to know of them before the first is counted."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from s3ir_tui.trail.alike import Alike, Origin
from s3ir_tui.trail.bulk.sum import Spans
from s3ir_tui.trail.credentials import MINTING, Credential, made, used
from s3ir_tui.trail.detections import Finding, detect
from s3ir_tui.trail.detections.keys import is_log
from s3ir_tui.trail.doors import Door, opened
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import OBJECT_DELETES, OBJECT_READS


@dataclass(frozen=True, slots=True)
class Kind:
    """What is the same of all events of a group; worked out once, whatever comes later.

    Attributes:
        event: One of them; it keeps its record only where there is something in it to look at.
        findings: What the detections say.
        opened: What they opened to others.
        used: The credential that they were made with.
    """

    event: Event
    findings: tuple[Finding, ...]
    opened: tuple[Door, ...]
    used: Credential | None


def kind_of(event: Event, *, plain: bool, first: bool) -> Kind:
    """The kind of an event.

    Args:
        event: The event, with its record.
        plain: Whether there is nothing in the record that tells it from others of its group.
        first: Whether it is the first with its access key.
    """
    lean = msgspec.structs.replace(event, raw=b"") if plain or event.name in MINTING else event
    with_key = first and event.access_key and not event.invoked_by and event.principal.startswith("arn:")
    return Kind(lean, detect(event), opened(event), used(event) if with_key else None)


Places = dict[tuple[str | None, str | None], Origin]


class Group:
    """Alike events while they are added up.

    Attributes:
        kind: What is the same of them.
        count: How many there are.
        first: Time of the earliest.
        last: Time of the latest.
        bytes_out: Bytes out of S3.
        ids: The first of their ids.
        addresses: Where they came from.
        places: Where they, and others of the same credential, came from; empty for calls that AWS made for someone.
        times: See `Alike`.
        spans: Counters of the ten minutes in which objects were read or deleted, or `None`.
        made: Credentials that they made.
        minting: Whether each of them may make one.
    """

    __slots__ = (
        "addresses", "bytes_out", "count", "first", "ids", "kind", "last", "made", "minting", "places", "spans",
        "times",
    )  # fmt: skip

    def __init__(self, kind: Kind, at: str, ids: list[str], places: Places, spans: dict[str, Spans]) -> None:
        event = kind.event
        self.kind = kind
        self.count = self.bytes_out = 0
        self.first = self.last = at
        self.ids = ids
        self.places = places
        self.addresses: set[str] = set()
        self.times: dict[str, int] = {}
        self.made: list[Credential] = []
        self.minting = event.name in MINTING and not event.error
        self.spans: dict[str, int] | None = None
        if event.bucket and not event.error and not is_log(event.key):
            if event.name in OBJECT_READS:
                self.spans = spans.setdefault(event.principal, Spans({}, {})).reads
            elif event.name in OBJECT_DELETES:
                self.spans = spans.setdefault(event.principal, Spans({}, {})).deletes

    def mint(self, event: Event) -> None:
        """Note the credential that one of the events made."""
        new = made(event)
        if new is not None:
            self.made.append(new)

    def alike(self) -> Alike:
        """They, added up."""
        kind = self.kind
        return Alike(
            event=kind.event,
            count=self.count,
            first=self.first,
            last=self.last,
            bytes_out=self.bytes_out,
            ids=self.ids,
            addresses=list(self.addresses),
            times=self.times,
            findings=kind.findings,
            made=self.made,
            opened=kind.opened,
            used=kind.used,
        )
