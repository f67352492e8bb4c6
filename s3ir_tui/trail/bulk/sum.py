"""What a tally comes to; it travels between processes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from s3ir_tui.trail.alike import Alike, Origin


class Spans(msgspec.Struct, array_like=True, gc=False):
    """Objects of a principal per ten minutes: read, and deleted."""

    reads: dict[str, int]
    deletes: dict[str, int]


class Sum(msgspec.Struct, array_like=True, gc=False):
    """Many events, added up.

    Attributes:
        events: How many.
        repeated: How many came besides that were known already.
        alike: Them, alike by alike.
        origins: Where they came from.
        spans: Objects that each principal read and deleted.
        skipped: What gave no event: file, reason, count.
    """

    events: int
    repeated: int
    alike: list[Alike]
    origins: list[Origin]
    spans: dict[str, Spans]
    skipped: list[tuple[str, str, int]]


def parts(total: Sum, size: int) -> Iterator[Sum]:
    """A sum in parts that can be taken in one after the other.

    Args:
        total: The sum.
        size: Of how many things each of them tells at most.
    """
    head = Sum(total.events, total.repeated, [], [], {}, total.skipped)
    for at in range(0, len(total.alike), size):
        head.alike = total.alike[at : at + size]
        yield head
        head = Sum(0, 0, [], [], {}, [])
    for at in range(0, len(total.origins), size):
        head.origins = total.origins[at : at + size]
        yield head
        head = Sum(0, 0, [], [], {}, [])
    spans = iter(total.spans.items())
    while some := dict(islice(spans, size)):
        head.spans = some
        yield head
        head = Sum(0, 0, [], [], {}, [])
    if head.events or head.repeated or head.skipped:
        yield head
