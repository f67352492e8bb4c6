"""LookupEvents: the management events of one Region, of the last 90 days, without any set-up in the account."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import utc_now
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import SourceError

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

_PER_PAGE = 50
_APART = 0.55
"""Seconds between requests: two a second per account and Region (CloudTrail API), shared with others who look."""

_OVERLAP = timedelta(minutes=15)
"""How far each poll looks back again: events come "typically within 15 minutes", in no order."""

_PAGES = 200
_THROTTLED = ("ThrottlingException", "Throttling", "RequestLimitExceeded")


class LookupSource:
    """Polls LookupEvents from a moment on, with an overlap; asks again only for what may still be missing.

    Args:
        account: The connection.
        region: The Region to look in.
        since: How far to look back first.
    """

    data_events = False
    interval = 2.0

    def __init__(self, account: Account, region: str, since: datetime) -> None:
        self.name = f"lookup {region}"
        self._account, self._region, self._since = account, region, since
        self._seen: set[str] = set()
        self._newest = since
        self._asked = 0.0
        self._lock = threading.Lock()

    def poll(self) -> list[Event]:
        """Page back from now until a page holds nothing new, or the start is reached."""
        with self._lock:
            start = max(self._since, self._newest - _OVERLAP)
            found: list[Event] = []
            token = ""
            for _ in range(_PAGES):
                answer = self._ask(start, token)
                page = [event for event in map(_event, answer.get("Events") or ()) if event is not None]
                new = [event for event in page if event.id not in self._seen]
                self._seen.update(event.id for event in new)
                found += new
                token = str(answer.get("NextToken") or "")
                if not token or (page and not new):
                    break
            if found:
                self._newest = max(self._newest, *(event.at for event in found))
            return found

    def _ask(self, start: datetime, token: str) -> dict[str, Any]:
        time.sleep(max(0.0, self._asked + _APART - time.monotonic()))
        self._asked = time.monotonic()
        params: dict[str, Any] = {"StartTime": start, "EndTime": utc_now(), "MaxResults": _PER_PAGE}
        if token:
            params["NextToken"] = token
        try:
            return self._account.call("cloudtrail", "LookupEvents", params, self._region)
        except AwsError as error:
            wait = 5.0 if error.code in _THROTTLED else 30.0
            raise SourceError(f"{self.name}: {error}", wait) from None


def _event(entry: object) -> Event | None:
    text = entry.get("CloudTrailEvent") if isinstance(entry, dict) else None
    if not isinstance(text, str):
        return None
    try:
        return decode_record(text.encode())
    except ValueError:
        return None
