"""CloudTrail's LookupEvents with its real limits."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from s3ir_tui.gameday.events import Record
from s3ir_tui.gameday.recorder import Recorder, event_view
from s3ir_tui.gameday.wire import Refused
from s3ir_tui.model import iso

_PAGE = 50
_DAYS = 90
_TOKENS = 1000
_ATTRIBUTES = (
    "EventId",
    "EventName",
    "ReadOnly",
    "Username",
    "ResourceType",
    "ResourceName",
    "EventSource",
    "AccessKeyId",
)


class Lookup:
    """Event history: management events of 90 days, newest first, 50 a page, a few requests a second.

    Args:
        recorder: Where the records are.
        clock: Monotonic seconds, for the pace.

    Attributes:
        rate: Requests a second for each account and Region, whoever makes them (CloudTrail API, LookupEvents).
    """

    def __init__(self, recorder: Recorder, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = 2.0
        self._recorder = recorder
        self._clock = clock
        self._lock = threading.Lock()
        self._allowance: dict[tuple[str, str], tuple[float, float]] = {}
        self._tokens: OrderedDict[str, tuple[tuple[str, str], Iterator[Record]]] = OrderedDict()

    def clear(self) -> None:
        """Forget tokens and pace."""
        with self._lock:
            self._allowance.clear()
            self._tokens.clear()

    def check_pace(self, account: str, region: str) -> None:
        """Count one request.

        Raises:
            Refused: ThrottlingException: the allowance of the account in this Region is used up.
        """
        now, most = self._clock(), max(1.0, self.rate)
        with self._lock:
            left, since = self._allowance.get((account, region), (most, now))
            left = min(most, left + (now - since) * self.rate)
            if left < 1:
                self._allowance[account, region] = left, now
                raise Refused("ThrottlingException", "Rate exceeded", 400)
            self._allowance[account, region] = left - 1, now

    def answer(self, params: Mapping[str, Any], account: str, region: str) -> dict[str, Any]:
        """Answer a request.

        Args:
            params: Parameters of LookupEvents.
            account: The caller's account.
            region: The Region that is asked.

        Raises:
            Refused: Too fast, or the parameters are not valid.
        """
        self.check_pace(account, region)
        size = int(params.get("MaxResults") or _PAGE)
        if not 1 <= size <= _PAGE:
            raise Refused("InvalidMaxResultsException", f"A maximum of {_PAGE} results can be returned.", 400)
        place = (account, region)
        if token := params.get("NextToken"):
            with self._lock:
                known = self._tokens.pop(str(token), None)
            if known is None or known[0] != place:
                raise Refused("InvalidNextTokenException", "The token is invalid.", 400)
            records = known[1]
        else:
            records = self._search(params, account, region)
        page = list(islice(records, size))
        result: dict[str, Any] = {"Events": [_event(record) for record in page]}
        more = next(records, None)
        if more is not None:
            fresh = secrets.token_urlsafe(48)
            with self._lock:
                self._tokens[fresh] = (place, _chain(more, records))
                while len(self._tokens) > _TOKENS:
                    self._tokens.popitem(last=False)
            result["NextToken"] = fresh
        return result

    def _search(self, params: Mapping[str, Any], account: str, region: str) -> Iterator[Record]:
        attributes = list(params.get("LookupAttributes") or ())
        if len(attributes) > 1:
            raise Refused("InvalidLookupAttributesException", "You can only use one lookup attribute.", 400)
        if attributes and attributes[0].get("AttributeKey") not in _ATTRIBUTES:
            raise Refused("InvalidLookupAttributesException", "The lookup attribute is not valid.", 400)
        now = datetime.now(UTC)
        start, end = _moment(params.get("StartTime")), _moment(params.get("EndTime"))
        if start is not None and end is not None and start > end:
            raise Refused("InvalidTimeRangeException", "The start time is after the end time.", 400)
        earliest = now - timedelta(days=_DAYS)
        if str(params.get("EventCategory") or "").lower() == "insight":
            return iter(())
        found = self._recorder.management(
            account, region, iso(max(start or earliest, earliest)), iso(end or now + timedelta(minutes=5))
        )
        return _matching(found, attributes[0]) if attributes else found


def _matching(records: Iterable[Record], attribute: Mapping[str, Any]) -> Iterator[Record]:
    key, value = str(attribute["AttributeKey"]), str(attribute.get("AttributeValue"))
    return (record for record in records if value in _values(record, key))


def _values(record: Record, key: str) -> tuple[str, ...]:
    direct = {"EventId": "eventID", "EventName": "eventName", "EventSource": "eventSource"}
    if key in direct:
        return (str(record[direct[key]]),)
    if key == "ReadOnly":
        return (str(record.get("readOnly", False)).lower(),)
    view = event_view(record)
    if key in ("Username", "AccessKeyId"):
        return (view[key],) if view[key] else ()
    return tuple(pair[0 if key == "ResourceType" else 1] for pair in view["Resources"])


def _event(record: Record) -> dict[str, Any]:
    view = event_view(record)
    event = {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": str(record.get("readOnly", False)).lower(),
        "EventTime": datetime.strptime(record["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
        "EventSource": record["eventSource"],
        "Resources": [{"ResourceType": kind, "ResourceName": name} for kind, name in view["Resources"]],
        "CloudTrailEvent": json.dumps(record),
    }
    return event | {name: view[name] for name in ("AccessKeyId", "Username") if view[name]}


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.fromtimestamp(float(value), UTC)


def _chain(first: Record, rest: Iterator[Record]) -> Iterator[Record]:
    yield first
    yield from rest
