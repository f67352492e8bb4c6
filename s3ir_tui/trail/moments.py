"""Times as people write them, in UTC: `14:03`, `2026-03-02 14:03`, `-15m`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from s3ir_tui.model import iso

HELP = "write a UTC time: 14:03, 14:03:20, 2026-03-02T14:03, 2026-03-02, or -15m, -2h, -1d"

_AGO = re.compile(r"-(\d{1,6})\s*([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_CLOCK = re.compile(r"(?:(\d{4})-(\d\d)-(\d\d)(?:[T ]\s*)?)?(?:(\d{1,2}):(\d\d)(?::(\d\d))?)?Z?", re.IGNORECASE)


def moment(text: str, now: datetime) -> tuple[str, str]:
    """The first and the last second that a text may mean, as `Event.time` writes them.

    A time of day without a date is the latest one that is not after `now`.

    Args:
        text: What was written.
        now: What "ago" and "today" count from, aware, UTC.

    Raises:
        ValueError: It is no time; the message says how one is written.
    """
    wanted = text.strip()
    if wanted.lower() == "now":
        return iso(now), iso(now)
    ago = _AGO.fullmatch(wanted)
    if ago:
        try:
            then = iso(now - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]]))
        except OverflowError as error:
            raise ValueError(f"{wanted} is too long ago; {HELP}") from error
        return then, then
    match = _CLOCK.fullmatch(wanted)
    if not wanted or match is None or not (match[1] or match[4]):
        raise ValueError(f"{wanted or 'nothing'} is no time; {HELP}")
    year, month, day, hour, minute, second = match.groups()
    try:
        date = datetime(int(year), int(month), int(day), tzinfo=UTC) if year else _midnight(now)
        first = date.replace(hour=int(hour or 0), minute=int(minute or 0), second=int(second or 0))
    except ValueError as error:
        raise ValueError(f"{wanted} is not on the clock; {HELP}") from error
    if not year and first > now:
        first -= timedelta(days=1)
    length = 1 if second else 60 if hour else 86400
    return iso(first), iso(first + timedelta(seconds=length - 1))


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
