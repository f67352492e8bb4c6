"""The line format of the case log: one record a line, hashed over the bytes on disk and chained to the line before.

    {"entry":{...,"prev":"<64 hex>","seq":17,"session":"46d868cb","table":"actions","ts":"..."},"hash":"<64 hex>"}

`hash` is the SHA-256 of the bytes between `{"entry":` and `,"hash":`, so that checking needs no canonical JSON. `prev`
is the hash of the session's record before. Lines are plain ASCII: an object key can neither send control sequences to
a terminal that shows the file, nor forge a line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from s3ir_tui.journal.errors import AppendOnlyError

FORMAT = "s3ir-journal/1"
ZERO = "0" * 64
SESSION_TABLE = "_session"

STORED = "stored"
"""Field that names the values of a record which are kept in files of their own."""

RESERVED = frozenset({"prev", "seq", "session", "table", "ts", "mono_ns", "seen", "parents", STORED})
"""Fields that the log writes itself."""

RECORD_LIMIT = 256 * 1024
"""Bytes of a line above which values move to files of their own."""

_HEAD, _MIDDLE, _END = b'{"entry":', b',"hash":"', b'"}'
_SUFFIX = len(_MIDDLE) + 64 + len(_END)
_MOST_RECORDS = 10**12


class Frozen(dict[str, Any]):
    """A dict that cannot be changed: what is in memory stays what is on disk."""

    __slots__ = ()

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise AppendOnlyError("records of the case log cannot be changed")

    __setitem__ = __delitem__ = update = pop = popitem = clear = setdefault = __ior__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are plain dicts."""
        return dict, (dict(self),)


class FrozenList(list[Any]):
    """A list that cannot be changed; equal to a list of the same values."""

    __slots__ = ()

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise AppendOnlyError("records of the case log cannot be changed")

    __setitem__ = __delitem__ = append = extend = insert = pop = remove = clear = _refuse
    sort = reverse = __iadd__ = __imul__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are plain lists."""
        return list, (list(self),)


def encode(entry: Mapping[str, Any]) -> tuple[bytes, str]:
    """The line of a record, newline included, and its hash."""
    body = json.dumps(entry, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    digest = hashlib.sha256(body).hexdigest()
    return b"".join((_HEAD, body, _MIDDLE, digest.encode("ascii"), _END, b"\n")), digest


def split(line: bytes) -> tuple[bytes, str] | None:
    """Body and hash of a line without its newline, or `None` where it is not one of ours with the right hash."""
    if len(line) <= _SUFFIX + len(_HEAD) or not (line.startswith(_HEAD) and line.endswith(_END)):
        return None
    if line[-_SUFFIX : -_SUFFIX + len(_MIDDLE)] != _MIDDLE:
        return None
    body = line[len(_HEAD) : -_SUFFIX]
    digest = hashlib.sha256(body).hexdigest()
    return (body, digest) if digest.encode("ascii") == line[-66:-2] else None


def parse(bodies: Sequence[bytes]) -> list[Frozen | None]:
    """The records of many bodies, `None` for each that is none.

    A case folder may come from anyone: a body with the right hash can still hold anything. All of them are parsed in
    one call, which shares the strings of field names, unless somebody's invention is among them.
    """
    try:
        values = _loads(b"[" + b",".join(bodies) + b"]")
    except (ValueError, RecursionError):
        values = []
    if len(values) != len(bodies):
        values = [_parse_one(body) for body in bodies]
    return [_checked(value) for value in values]


def freeze(value: Any) -> Any:
    """A JSON value whose objects are `Frozen` and whose arrays are `FrozenList`."""
    if isinstance(value, dict):
        return Frozen({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return FrozenList(freeze(item) for item in value)
    return value


def _parse_one(body: bytes) -> Any:
    try:
        return _loads(body)
    except (ValueError, RecursionError):
        return None


def _loads(text: bytes) -> Any:
    return json.loads(text, object_hook=_frozen_object, parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _frozen_object(found: dict[str, Any]) -> Frozen:
    for key, value in found.items():
        if type(value) is list:
            found[key] = _frozen_list(value)
    return Frozen(found)


def _frozen_list(found: list[Any]) -> FrozenList:
    return FrozenList(_frozen_list(item) if type(item) is list else item for item in found)


def _checked(value: Any) -> Frozen | None:
    if not isinstance(value, Frozen):
        return None
    seq, ts, table = value.get("seq"), value.get("ts"), value.get("table")
    if type(seq) is not int or not 0 <= seq <= _MOST_RECORDS or not isinstance(value.get("prev"), str):
        return None
    return value if isinstance(table, str) and is_time(ts) else None


def is_time(value: object) -> bool:
    """Whether it is a time as records carry it: `2026-11-24T03:49:51.789341Z`."""
    if not isinstance(value, str) or len(value) != 27 or value[10] != "T" or value[26] != "Z" or not value.isascii():
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
