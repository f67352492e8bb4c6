"""Events that are alike in everything but time, object and bytes, as one: what the analysis adds up."""

from __future__ import annotations

import msgspec

from s3ir_tui.trail.event import Event

MOST_IDS = 20


class Alike(msgspec.Struct, array_like=True, gc=False):
    """Events of one principal, credential, address, program, operation, bucket and outcome.

    Attributes:
        event: The first of them that came; it stands for all.
        count: How many there are.
        first: Time of the earliest.
        last: Time of the latest.
        bytes_out: Bytes out of S3, of all of them.
        ids: Ids of the first twenty.
        times: When those within reach of a live watch happened: how many at each time. Empty for one alone.
    """

    event: Event
    count: int
    first: str
    last: str
    bytes_out: int
    ids: list[str]
    times: dict[str, int] = {}


def alone(event: Event) -> Alike:
    """One event."""
    return Alike(event, 1, event.time, event.time, event.bytes_out, [event.id], {event.time: 1})
