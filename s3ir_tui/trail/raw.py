"""The JSON of a record: kept without secrets, and so that every reader can open it."""

from __future__ import annotations

import json
import math
import re
from typing import Any

DEEPEST = 100
"""How deeply a record may be nested. What reads it later does so by recursion; CloudTrail's own go some 15 deep."""

SHORT = 2048
"""Bytes in which, at two a level, no record can be nested so deeply that a reader fails; most records are shorter."""

_DIGITS = 300
"""Digits of a whole number that other readers of JSON take, as a float at the worst."""

# Also inside JSON that stands in a string; there its quotes are escaped. Possessive, since backslashes may be many.
_SESSION_TOKEN = re.compile(
    rb'("\w{0,40}[sS]essionToken"\s*+:\s*+")(?:[^"\\]|\\.)*+|(?<!\\)(\\++"\w{0,40}[sS]essionToken\\++"\s*+:\s*+\\++")[^"\\]*+',
    re.DOTALL,
)
TOKEN = b"essionToken"
"""What a record with a session token has in it."""


def opened(raw: bytes) -> dict[str, Any]:
    """The record of an event, of values that can be written as JSON again.

    Python reads numbers without end as infinite, and refuses very long ones; both stay as they were written.

    Args:
        raw: `Event.raw`.
    """
    try:
        found: dict[str, Any] = json.loads(raw, parse_float=_float, parse_int=_int)
    except RecursionError:  # how deep is too deep depends on how deep the caller already is
        return {"nestedTooDeeply": raw.decode("utf-8", "replace")}
    return found


def _float(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _int(text: str) -> int | str:
    return int(text) if len(text) <= _DIGITS else text


def depth(value: Any) -> int:
    """How deeply JSON is nested, without recursion."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        item, level = waiting.pop()
        if isinstance(item, dict | list):
            deepest = max(deepest, level)
            waiting += [(inner, level + 1) for inner in (item.values() if isinstance(item, dict) else item)]
    return deepest


def without_tokens(raw: bytes) -> bytes:
    """A record with its session tokens masked; the pattern is tried only where the name stands."""
    at = raw.find(TOKEN)
    while at >= 0:
        start = max(raw.rfind(b'"', 0, at), 0)
        while start and raw[start - 1 : start] == b"\\":
            start -= 1
        found = _SESSION_TOKEN.match(raw, start)
        if found is not None:
            raw = raw[: found.end(found.lastindex or 0)] + b"***" + raw[found.end() :]
        at = raw.find(TOKEN, at + len(TOKEN))
    return raw


def is_too_deep(raw: bytes) -> bool:
    """Whether a record is nested more deeply than its readers are sure to go."""
    # Few records have that many brackets at all: only those are looked at more closely.
    if raw.count(b"{") + raw.count(b"[") <= DEEPEST:
        return False
    try:
        return depth(json.loads(raw.decode("utf-8", "replace"), parse_int=_int)) > DEEPEST
    except RecursionError:
        return True


def as_utf8(raw: bytes) -> bytes:
    """JSON in UTF-8: the decoder looks at the bytes of those strings only that it keeps."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace").encode()
    return raw
