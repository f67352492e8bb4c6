"""What can be had of JSON that is broken, or that is JSON to lenient tools only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import msgspec

from s3ir_tui.trail.raw import DEEPEST, depth
from s3ir_tui.trail.record import NotARecord

FAULTS = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)
"""What decoding raises for data that is not as it should be."""

_LONGEST = 1 << 20
"""Characters in which an object of a list must end. A record has at most 256 kB."""

_LEAST_SEARCH, _MOST_SEARCH = 2 << 20, 32 << 20
"""Characters of damaged objects that are read to no end before the search for sense is given up; in between, eight
times the whole."""

_start_of_list = re.compile(r'\s*(?:\{\s*"(?:Records|Events|events|logEvents)"\s*:\s*)?\[')
# Cut-off data whose list stands behind other fields, as in CloudWatch's subscriptions.
_list_further_in = re.compile(r'\{.{0,4096}?"(?:Records|Events|events|logEvents|Messages)"\s*:\s*\[', re.DOTALL)
_begin_of_record = re.compile(
    r'\{\s*"(?:eventVersion|eventName|eventTime|eventID|awsRegion|additionalEventData|EventId|version)"\s*:'
)
_between = re.compile(r"[\s,]*+")
_end_of_list = re.compile(r"[\s,]*+\][\s,]*+")
_end_of_named_list = re.compile(r"[\s,]*+\][\s,]*+\}[\s,]*+")
# A string that does not end is taken to the end of the text: else each later quote would be tried, in square time.
_string_or_brace = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[{}]', re.DOTALL)

open_layer = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw]).decode
"""JSON opened one layer; raises one of `FAULTS`."""


class Damage(Enum):
    """What stands between whole pieces."""

    BETWEEN = "between"
    END = "end"


def salvage(data: bytes) -> Iterator[bytes | Damage]:
    """Find what is whole: objects around the damage, or objects one after the other.

    Args:
        data: Broken JSON, or several values without a list around them.

    Yields:
        Each object, and each damage where it stands; `Damage.END` last, where the end is not as the beginning promised.
    """
    text = data.decode("utf-8", "replace")
    opened = at_the_start = _start_of_list.match(text)
    if not opened and _end_of_object(text, text.find("{"), len(text)) < 0:
        opened = _list_further_in.match(text)
    at, in_vain, whole = opened.end() if opened else 0, 0, 0
    most = min(max(8 * len(text), _LEAST_SEARCH), _MOST_SEARCH)
    while (start := text.find("{", at)) >= 0:
        if not _between.fullmatch(text, at, start):
            yield Damage.BETWEEN
        until = min(len(text), start + _LONGEST) if opened else len(text)
        end = _end_of_object(text, start, until)
        piece = text[start:end].encode("utf-8", "replace") if end >= 0 else b""
        # A stray quote turns the rest inside out: what looks like the next record is where sense may begin again.
        onward = None if in_vain > most or _is_whole(piece) else _begin_of_record.search(text, start + 1)
        if onward:
            in_vain += (end if end >= 0 else until) - start
            yield Damage.BETWEEN
            at = onward.start()
        elif end >= 0:
            yield piece
            at, whole = end, whole + 1
        else:
            break
    promised = _between if not opened else _end_of_list if text[0] == "[" else _end_of_named_list
    if not whole or opened is not at_the_start or not promised.fullmatch(text, at):
        yield Damage.END


def repaired(raw: bytes) -> bytes:
    """JSON that every reader takes, of what Python's own reader takes: without NaN and lone surrogates.

    Raises:
        NotARecord: It is nested too deeply.
        ValueError: It is no JSON at all.
    """
    value = json.loads(raw.decode("utf-8", "replace"))
    if depth(value) > DEEPEST:
        raise NotARecord("nested too deeply")
    return json.dumps(_readable(value), ensure_ascii=False, separators=(",", ":")).encode()


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_readable(key): _readable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_readable(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def _is_whole(piece: bytes) -> bool:
    """Whether a piece is JSON by itself."""
    try:
        open_layer(piece)
    except FAULTS:
        try:
            open_layer(repaired(piece))
        except FAULTS:
            return False
    return True


def _end_of_object(text: str, start: int, until: int) -> int:
    """Where the object that begins at `start` ends, or -1; without recursion, so that depth does not matter."""
    level = 0
    for found in _string_or_brace.finditer(text, max(start, 0), until):
        if found[0] == "{":
            level += 1
        elif found[0] == "}":
            level -= 1
            if level == 0:
                return found.end()
    return -1
