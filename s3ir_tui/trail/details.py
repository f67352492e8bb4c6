"""What stands deeper in a record than an `Event` goes: parameters, answer and policies, parsed when asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import msgspec

from s3ir_tui.model import iso
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.record import YEARS

_EMPTY: Mapping[str, Any] = {}
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_EXPIRATION = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4}),? (\d{1,2}):(\d\d):(\d\d)\s([AP])M")


class Details:
    """An event with its record opened. Every getter is lenient: a missing or odd value is its empty one."""

    def __init__(self, event: Event) -> None:
        self.event = event

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """The whole record."""
        try:
            found = msgspec.json.decode(self.event.raw)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return _EMPTY
        return found if isinstance(found, dict) else _EMPTY

    @cached_property
    def params(self) -> Mapping[str, Any]:
        """`requestParameters`."""
        return self._mapping("requestParameters")

    @cached_property
    def answer(self) -> Mapping[str, Any]:
        """`responseElements`."""
        return self._mapping("responseElements")

    @cached_property
    def extra(self) -> Mapping[str, Any]:
        """`additionalEventData`."""
        return self._mapping("additionalEventData")

    def _mapping(self, name: str) -> Mapping[str, Any]:
        found = self.record.get(name)
        return found if isinstance(found, dict) else _EMPTY

    def text(self, name: str) -> str:
        """A parameter as text; a list of one (as S3 query parameters are logged at times) is opened."""
        value = self.params.get(name)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, bool):
            return "true" if value else "false"
        return value if isinstance(value, str) else "" if value is None else str(value)

    def at(self, *path: str) -> Any:
        """A value inside the parameters, or `None`."""
        value: Any = self.params
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def answered(self, *path: str) -> str:
        """A text inside the answer, or ""."""
        value: Any = self.answer
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, str) else ""

    def identity(self, *path: str) -> str:
        """A text inside `userIdentity`, or ""."""
        value: Any = self.record.get("userIdentity")
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, str) else ""

    @property
    def created(self) -> str:
        """When the session that called was made: `sessionContext.attributes.creationDate`, or ""."""
        value: Any = self.record
        for name in ("userIdentity", "sessionContext", "attributes", "creationDate"):
            value = value.get(name) if isinstance(value, dict) else None
        return moment(value)

    def policy(self, *names: str) -> str:
        """The first policy document among the parameters as JSON text; PutBucketPolicy logs an object, IAM a string."""
        for name in names:
            value = self.params.get(name)
            if isinstance(value, str) and value:
                return value
            if isinstance(value, dict) and value:
                try:
                    return json.dumps(value)
                except RecursionError:
                    return ""
        return ""

    @cached_property
    def resources(self) -> tuple[tuple[str, str, str], ...]:
        """Type, ARN and account of each of `resources`."""
        found = self.record.get("resources")
        if not isinstance(found, list):
            return ()
        return tuple(
            (str(item.get("type") or ""), str(item.get("ARN") or ""), str(item.get("accountId") or ""))
            for item in found
            if isinstance(item, dict)
        )


def moment(value: object) -> str:
    """A time as STS answers it (`Sep 14, 2020, 7:10:27 AM`), or in ISO, or in seconds, as the console writes times."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            made = datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
            return iso(made) if made.year in YEARS else ""
        except (ValueError, OverflowError, OSError):
            return ""
    if not isinstance(value, str):
        return ""
    # Java began to write a narrow no-break space before AM and PM with CLDR 42.
    match = _EXPIRATION.fullmatch(value.strip())
    try:
        if match:
            month, day, year, hour, minute, second, half = match.groups()
            hours = int(hour) % 12 + (12 if half == "P" else 0)
            made = datetime(int(year), _MONTHS.index(month) + 1, int(day), hours, int(minute), int(second), tzinfo=UTC)
        else:
            made = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return ""
    if made.year not in YEARS:
        return ""
    return iso(made if made.tzinfo else made.replace(tzinfo=UTC))


def items(value: Any) -> Sequence[Any]:
    """XML-born JSON has an object for one and a list for several: a list in both cases."""
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)
