"""Reads what was logged of each bucket of the account: trails, their selectors, and what was done to them."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.trail.changes import read_changes
from s3ir_tui.trail.coverage import Coverage, History, coverage, unlogged, words
from s3ir_tui.trail.discover import Survey, first_regions
from s3ir_tui.trail.sources.lookup_quota import quota_of

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Reading:
    """What was logged.

    Attributes:
        history: What was done to the trails, and in which time.
        buckets: What was logged of each bucket.
        gap: Why the buckets are not known, or "".
    """

    history: History
    buckets: Mapping[str, tuple[Coverage, ...]] = field(default_factory=dict)
    gap: str = ""

    def facts(self, bucket: str) -> dict[str, Any]:
        """The JSON of one bucket."""
        found = self.buckets[bucket]
        return {
            "bucket": bucket,
            "coverage": [msgspec.to_builtins(item) for item in found],
            "reads_not_logged": [{"from": begin, "to": end} for begin, end in unlogged(found, self.history)],
            "text": list(words(found, self.history)),
        }


def read_logged(account: Account, found: Survey, since: datetime, now: datetime) -> Reading:
    """What was logged of each bucket since a moment. Takes some seconds, within LookupEvents' pace.

    Args:
        account: The connection.
        found: The trails there are.
        since: From when on.
        now: The time.
    """
    owner = account.identity.account
    quota = partial(quota_of, owner)
    history = read_changes(account, found.trails, first_regions(account), since, now, quota=quota)
    try:
        names = sorted(str(item["Name"]) for item in account.pages("s3", "ListBuckets", {}, "Buckets"))
    except AwsError as error:
        return Reading(history, gap=str(error))
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="visibility") as pool:
        regions = dict(zip(names, pool.map(lambda name: _region(account, name), names), strict=True))
    return Reading(history, coverage(found.trails, history, regions, found.gaps.get("trails", "")))


def _region(account: Account, bucket: str) -> str:
    try:
        place = account.call("s3", "GetBucketLocation", {"Bucket": bucket}).get("LocationConstraint")
    except AwsError:
        return ""
    # us-east-1 has no constraint, and the oldest European buckets say EU (S3 API, GetBucketLocation).
    return "eu-west-1" if place == "EU" else str(place or "us-east-1")
