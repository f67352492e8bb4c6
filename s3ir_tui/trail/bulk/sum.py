"""What a tally comes to; it travels between processes."""

from __future__ import annotations

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
        first: Time of the earliest, or "".
        last: Time of the latest, or "".
        ids: Their packed ids, one after the other.
        alike: Them, alike by alike.
        origins: Where they came from.
        spans: Objects that each principal read and deleted.
        skipped: What gave no event: file, reason, count.
    """

    events: int
    first: str
    last: str
    ids: bytes
    alike: list[Alike]
    origins: list[Origin]
    spans: dict[str, Spans]
    skipped: list[tuple[str, str, int]]
