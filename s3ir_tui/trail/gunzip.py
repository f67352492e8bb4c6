"""Gunzip that gives what can be had: cut-off files, several members, no bombs."""

from __future__ import annotations

from isal import isal_zlib

LIMIT = 1 << 30
"""Most bytes that one file may unfold to. A CloudTrail file holds at most 50 MB."""

_MAGIC = b"\x1f\x8b"
_GZIP = 31
_Damaged: type[Exception] = getattr(isal_zlib, "error")  # noqa: B009 - its stub declares an instance


def is_gzip(data: bytes) -> bool:
    """Whether data begins as gzip does."""
    return data[:2] == _MAGIC


def gunzip(data: bytes, limit: int = LIMIT) -> tuple[bytes, str]:
    """Unfold gzip data.

    Args:
        data: One or more gzip members.
        limit: Most bytes to give back.

    Returns:
        As much as could be unfolded, and what is wrong with the rest ("" for nothing).
    """
    parts: list[bytes] = []
    room = limit
    while is_gzip(data):
        stream = isal_zlib.decompressobj(wbits=_GZIP)
        try:
            # One byte more than there is room for tells a full house from an exact fit.
            part = stream.decompress(data, max_length=room + 1)
        except _Damaged:
            return _whole_part(parts, data, room), "gzip is damaged"
        parts.append(part)
        room -= len(part)
        if room < 0:
            return b"".join(parts)[:limit], f"unfolds to more than {limit} bytes"
        if not stream.eof:
            return b"".join(parts), "gzip is cut off"
        data = stream.unused_data
    # Zeros are padding, as of tapes; gzip itself takes them for nothing too.
    behind = data.strip(b"\0")
    return b"".join(parts), "something that is no gzip stands behind the gzip data" if parts and behind else ""


def _whole_part(parts: list[bytes], data: bytes, room: int) -> bytes:
    """What stands before the damage, read in small steps since an error takes the whole step with it."""
    stream = isal_zlib.decompressobj(wbits=_GZIP)
    for start in range(0, len(data), 512):
        try:
            part = stream.decompress(data[start : start + 512], max_length=room)
        except _Damaged:
            break
        parts.append(part)
        room -= len(part)
        if room <= 0 or stream.eof:
            break
    return b"".join(parts)
