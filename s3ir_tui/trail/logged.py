"""Reads what was logged of each bucket of the account: trails, their selectors, and what was done to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from s3ir_tui.aws.buckets import list_buckets
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.trail.changes import read_changes
from s3ir_tui.trail.coverage import Coverage, History, coverage, unlogged, words
from s3ir_tui.trail.discover import Survey, first_regions
from s3ir_tui.trail.sources.lookup_quota import quota_of

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account


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
        listed = list_buckets(account).buckets
    except AwsError as error:
        return Reading(history, gap=str(error))
    regions = {name: bucket.region for name, bucket in listed.items()}
    return Reading(history, coverage(found.trails, history, regions, found.gaps.get("trails", "")))
