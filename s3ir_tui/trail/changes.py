"""What was done to the trails themselves, from Event history."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.trail.coverage import CHANGES, History, Trail
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import Calls
from s3ir_tui.trail.sources.lookup_quota import Quota, quota_of

_PAGE = 50


def read_changes(
    account: Calls,
    trails: Sequence[Trail],
    regions: Sequence[str],
    since: datetime,
    until: datetime,
    *,
    quota: Callable[[str], Quota] = lambda region: quota_of("", region),
) -> History:
    """Ask Event history for the calls that change what trails log; it takes some seconds, within LookupEvents' pace.

    Args:
        account: The connection.
        trails: The trails: a trail is changed in its home Region.
        regions: Regions to ask beside those, for trails that were deleted.
        since: From when on.
        until: To when: now.
        quota: The budget of the account in a Region, which the trail sources share.

    Returns:
        The calls, or why they are not known.
    """
    changes: list[Event] = []
    try:
        for region in dict.fromkeys((*(trail.home for trail in trails), *regions)):
            for name in CHANGES:
                changes += _ask(account, name, region, since, until, quota(region))
    except AwsError as error:
        return History(since, until, (), str(error))
    return History(since, until, tuple(changes))


def _ask(account: Calls, name: str, region: str, since: datetime, until: datetime, quota: Quota) -> list[Event]:
    params: dict[str, Any] = {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}],
        "StartTime": since,
        "EndTime": until,
        "MaxResults": _PAGE,
    }
    found: list[Event] = []
    for entry in _entries(account, params, region, quota):
        try:
            found.append(decode_record(str(entry.get("CloudTrailEvent")).encode("utf-8", "replace")))
        except ValueError:
            continue
    return found


def _entries(account: Calls, params: Mapping[str, Any], region: str, quota: Quota) -> Iterator[Mapping[str, Any]]:
    token = ""
    while True:
        answer = quota.ask(account, {**params, "NextToken": token} if token else params, region)
        yield from answer.get("Events") or ()
        token = str(answer.get("NextToken") or "")
        if not token:
            return
