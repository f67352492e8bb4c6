"""How lines of the tail are laid by: packed in blocks, what scanning reads apart from the records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
from isal import isal_zlib

from s3ir_tui.model import Severity
from s3ir_tui.trail.event import Event, Judged

_LEVEL = 1
_RAW = Event.__struct_fields__.index("raw")
_LOWER_IN_ASCII = ("\u0130".encode(), "\u212a".encode())
"""The letters outside ASCII whose lower case has a letter of ASCII in it: bytes are not folded as texts are."""

_event: Callable[..., Event] = Event
_encode = msgspec.msgpack.Encoder().encode


class LaidEvent(Event, frozen=True, array_like=True, gc=False):
    """An event without its record, packed by the order of its fields."""


class LaidLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A `Judged` without its record."""

    event: LaidEvent
    severity: Severity
    reasons: tuple[str, ...]
    noise: bool
    ours: bool
    source: str
    late: str


_lines = msgspec.msgpack.Decoder(tuple[LaidLine, ...]).decode
_records = msgspec.msgpack.Decoder(tuple[bytes, ...]).decode


@dataclass(frozen=True, slots=True)
class Packed:
    """A block of lines as bytes.

    Attributes:
        lines: The lines without their records, compressed.
        records: The records, compressed.
        first: The earliest time among them.
        last: The latest.
        folds: Whether its bytes in lower case are its texts in lower case, as far as ASCII goes.
    """

    lines: bytes
    records: bytes
    first: str
    last: str
    folds: bool


def pack(lines: Sequence[Judged]) -> Packed:
    """Pack a block of lines."""
    rows: list[tuple[object, ...]] = []
    records: list[bytes] = []
    for line in lines:
        fields = msgspec.structs.astuple(line.event)
        records.append(fields[_RAW])
        event = (*fields[:_RAW], b"", *fields[_RAW + 1 :])
        rows.append((event, line.severity, line.reasons, line.noise, line.ours, line.source, line.late))
    try:
        packed = _encode(rows)
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can escape and UTF-8 cannot say
        packed = _encode(_sayable(rows))
    times = [line.event.time for line in lines]
    return Packed(
        isal_zlib.compress(packed, _LEVEL),
        isal_zlib.compress(_encode(records), _LEVEL),
        min(times),
        max(times),
        not any(letter in packed for letter in _LOWER_IN_ASCII),
    )


def unpack(data: bytes) -> tuple[LaidLine, ...]:
    """The lines of a block, without their records."""
    return _lines(isal_zlib.decompress(data))


def unpack_with(data: bytes, needles: Sequence[bytes]) -> tuple[LaidLine, ...] | None:
    """The lines of a block that folds; `None` where it lacks one of some texts, lower case: then nothing is decoded."""
    plain = isal_zlib.decompress(data)
    if needles:
        folded = plain.lower()
        if any(needle not in folded for needle in needles):
            return None
    return _lines(plain)


def unpack_records(data: bytes) -> tuple[bytes, ...]:
    """The records of a block."""
    return _records(isal_zlib.decompress(data))


def whole(line: LaidLine, record: bytes) -> Judged:
    """A line with its record, as it was."""
    fields = msgspec.structs.astuple(line.event)
    event = _event(*fields[:_RAW], record, *fields[_RAW + 1 :])
    return Judged(event, line.severity, line.reasons, line.noise, line.ours, line.source, line.late)


def _sayable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list | tuple):
        return [_sayable(item) for item in value]
    return value
