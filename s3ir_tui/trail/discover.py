"""Which trail sources an account has, as far as this identity may see."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.trail.sources.base import Source
from s3ir_tui.trail.sources.bucket import TrailBucketSource
from s3ir_tui.trail.sources.lookup import LookupSource

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

GLOBAL_REGION = "us-east-1"
"""Events of IAM, of global STS and of CloudFront are recorded here."""


def discover(account: Account, since: datetime) -> tuple[Source, ...]:
    """LookupEvents of the home Region and of us-east-1, and the bucket of each trail.

    Args:
        account: The connection.
        since: How far the sources look back.
    """
    regions = dict.fromkeys((account.region, GLOBAL_REGION))
    found: list[Source] = [LookupSource(account, region, since) for region in regions]
    try:
        trails = account.call("cloudtrail", "DescribeTrails", {}).get("trailList") or []
    except AwsError:
        return tuple(found)  # the lookup says by itself what this identity may not see
    buckets: dict[tuple[str, str], bool] = {}
    for trail in trails:
        place = (str(trail.get("S3BucketName") or ""), str(trail.get("S3KeyPrefix") or ""))
        if place[0]:
            buckets[place] = buckets.get(place, False) or _selects_data(account, trail)
    owner = account.identity.account
    found += [
        TrailBucketSource(account, name, prefix, owner, (), since, data_events=data)
        for (name, prefix), data in buckets.items()
    ]
    return tuple(found)


def _selects_data(account: Account, trail: Mapping[str, Any]) -> bool:
    """Whether a trail logs S3 data events at all, of some bucket."""
    region = str(trail.get("HomeRegion") or account.region)
    name = str(trail.get("TrailARN") or trail.get("Name") or "")
    try:
        answer = account.call("cloudtrail", "GetEventSelectors", {"TrailName": name}, region)
    except AwsError:
        return False
    return selects_s3_data(answer)


def selects_s3_data(answer: Mapping[str, Any]) -> bool:
    """Whether the answer of GetEventSelectors includes object-level events of S3, by either kind of selectors."""
    for selector in answer.get("EventSelectors") or ():
        if any(item.get("Type") == "AWS::S3::Object" for item in selector.get("DataResources") or ()):
            return True
    for selector in answer.get("AdvancedEventSelectors") or ():
        fields = {item.get("Field"): item.get("Equals") or () for item in selector.get("FieldSelectors") or ()}
        if "Data" in fields.get("eventCategory", ()) and "AWS::S3::Object" in fields.get("resources.type", ()):
            return True
    return False
