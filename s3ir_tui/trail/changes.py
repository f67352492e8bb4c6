"""What was done to the trails themselves, from Event history."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.trail.coverage import CHANGES, History, Trail
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import Calls, throttled
from s3ir_tui.trail.sources.lookup import PACE

_TRIES = 4


def read_changes(
    account: Calls,
    trails: Sequence[Trail],
    regions: Sequence[str],
    since: datetime,
    until: datetime,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> History:
    """Ask Event history for the calls that change what trails log; it takes some seconds, within LookupEvents' pace.

    Args:
        account: The connection.
        trails: The trails: a trail is changed in its home Region.
        regions: Regions to ask beside those, for trails that were deleted.
        since: From when on.
        until: To when: now.
        sleep: Waits.

    Returns:
        The calls, or why they are not known.
    """
    changes: list[Event] = []
    try:
        for region in dict.fromkeys((*(trail.home for trail in trails), *regions)):
            for name in CHANGES:
                changes += _ask(account, name, region, since, until, sleep)
    except AwsError as error:
        return History(since, until, (), str(error))
    return History(since, until, tuple(changes))


def _ask(
    account: Calls, name: str, region: str, since: datetime, until: datetime, sleep: Callable[[float], None]
) -> list[Event]:
    found: list[Event] = []
    params = {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}],
        "StartTime": since,
        "EndTime": until,
    }
    for tried in range(_TRIES):
        sleep(PACE * 2**tried if tried else 0.0)
        try:
            for entry in account.pages("cloudtrail", "LookupEvents", params, "Events", region):
                try:
                    found.append(decode_record(str(entry.get("CloudTrailEvent")).encode("utf-8", "replace")))
                except ValueError:
                    continue
        except AwsError as error:
            if not throttled(error) or tried == _TRIES - 1:
                raise
            found.clear()
            continue
        sleep(PACE)
        return found
    raise AssertionError("unreachable")
