"""Which trail sources an account has, as far as this identity may see."""

from __future__ import annotations

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
    regions = list(dict.fromkeys((account.region, GLOBAL_REGION)))
    found: list[Source] = [LookupSource(account, region, since) for region in regions]
    try:
        trails = account.call("cloudtrail", "DescribeTrails", {}).get("trailList") or []
    except AwsError:
        return tuple(found)
    buckets: dict[str, tuple[dict[str, Any], bool]] = {}
    for trail in trails:
        name = str(trail.get("S3BucketName") or "")
        if name:
            before = buckets.get(name, (trail, False))
            buckets[name] = (trail, before[1] or _selects_data(account, trail))
    for name, (trail, data) in buckets.items():
        prefix, owner = str(trail.get("S3KeyPrefix") or ""), account.identity.account
        found.append(TrailBucketSource(account, name, prefix, owner, regions, since, data_events=data))
    return tuple(found)


def _selects_data(account: Account, trail: dict[str, Any]) -> bool:
    region = str(trail.get("HomeRegion") or account.region)
    try:
        answer = account.call("cloudtrail", "GetEventSelectors", {"TrailName": trail["TrailARN"]}, region)
    except AwsError:
        return False
    plain = any(item.get("DataResources") for item in answer.get("EventSelectors") or ())
    fields = [f for item in answer.get("AdvancedEventSelectors") or () for f in item.get("FieldSelectors") or ()]
    return plain or any(f.get("Field") == "eventCategory" and "Data" in (f.get("Equals") or ()) for f in fields)
