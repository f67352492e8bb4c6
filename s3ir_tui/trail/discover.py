"""Which trail sources an account has, as far as this identity may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import iso
from s3ir_tui.text import clean
from s3ir_tui.trail.coverage import Trail
from s3ir_tui.trail.sources.base import Source
from s3ir_tui.trail.sources.bucket import TrailBucketSource
from s3ir_tui.trail.sources.live_tail import LiveTailSource
from s3ir_tui.trail.sources.logs import LogsSource
from s3ir_tui.trail.sources.lookup import INTERVAL, SLOW_INTERVAL, LookupSource
from s3ir_tui.trail.sources.lookup_denied import DeniedRegions
from s3ir_tui.trail.sources.lookup_quota import quota_of

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

GLOBAL_REGIONS: Mapping[str, str] = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-eusc": "eusc-de-east-1",
}
"""By partition, where events of IAM, of global STS and of CloudFront are recorded."""

ALWAYS_ENABLED = (
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
)
"""Regions of the partition `aws` that no account can do without (AWS Account Management, "Regions")."""

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is to read.

    Attributes:
        regions: Enabled Regions, the home Region and that of global services first.
        trails: The trails.
        gaps: What could not be found out, with the reason.
    """

    regions: tuple[str, ...]
    trails: tuple[Trail, ...] = ()
    gaps: Mapping[str, str] = field(default_factory=dict)


def survey(account: Account) -> Survey:
    """Find Regions and trails. What this identity may not see is a gap, not an error."""
    gaps: dict[str, str] = {}
    regions = _regions(account, gaps)
    return Survey(regions, _trails(account, gaps), gaps)


def discover(account: Account, since: datetime) -> tuple[Source, ...]:
    """All sources that can be read without being paid for by the minute.

    Args:
        account: The connection.
        since: How far the sources look back.
    """
    return tuple(source for source in offers(account, survey(account), since) if not isinstance(source, LiveTailSource))


def offers(account: Account, found: Survey, since: datetime) -> tuple[Source, ...]:
    """LookupEvents of every Region, and bucket, log group and its live tail of each trail. None is polled yet.

    Args:
        account: The connection.
        found: What there is.
        since: How far the sources look back.
    """
    unseen = "; ".join(f"{what} not known: {why}" for what, why in found.gaps.items())
    first = first_regions(account)
    denied = DeniedRegions(f"lookup {found.regions[0]}", never=first)
    sources: list[Source] = [
        LookupSource(
            account,
            region,
            since,
            remark=unseen if number == 0 else "",
            every=INTERVAL if region in first else SLOW_INTERVAL,
            quota=quota_of(account.identity.account, region),
            own=lambda: account.own_keys,
            denied=denied,
        )
        for number, region in enumerate(found.regions)
    ]
    for (name, prefix), feeding in _by(found.trails, lambda trail: (trail.bucket, trail.prefix)).items():
        if name:
            data, said = _brings_data(feeding), _said(feeding)
            owner = account.identity.account
            sources.append(TrailBucketSource(account, name, prefix, owner, (), since, data_events=data, remark=said))
    for arn, feeding in _by(found.trails, lambda trail: trail.group).items():
        if arn:
            region, data = arn.split(":")[3], _brings_data(feeding)
            sources.append(LogsSource(account, arn, region, since, data_events=data))
            sources.append(LiveTailSource(account, arn, region, data_events=data))
    return tuple(sources)


_Place = TypeVar("_Place")


def _by(trails: Sequence[Trail], place: Callable[[Trail], _Place]) -> dict[_Place, list[Trail]]:
    """Trails by where they deliver: two may share a bucket."""
    found: dict[_Place, list[Trail]] = {}
    for trail in trails:
        found.setdefault(place(trail), []).append(trail)
    return found


def _brings_data(feeding: Sequence[Trail]) -> bool:
    """Whether new S3 data events can come: a trail that is not logging brings only what it logged before."""
    return any(trail.logging is not False and selects_s3_data(trail.selectors) for trail in feeding)


def _said(feeding: Sequence[Trail]) -> str:
    """What is wrong with trails, in words."""
    return "; ".join(filter(None, map(trouble_of, feeding)))


def trouble_of(trail: Trail) -> str:
    """What is wrong with a trail, by its own status, or ""."""
    if trail.logging is False:
        return f"trail {clean(trail.name)} is not logging{f' since {trail.stopped}' if trail.stopped else ''}"
    if trail.delivery_error:
        return f"trail {clean(trail.name)}: its last delivery failed: {trail.delivery_error}"
    return ""


def selects_s3_data(answer: Mapping[str, Any] | None) -> bool:
    """Whether the answer of GetEventSelectors includes object-level events of S3, by either kind of selectors."""
    for selector in (answer or {}).get("EventSelectors") or ():
        if any(item.get("Type") == "AWS::S3::Object" for item in selector.get("DataResources") or ()):
            return True
    for selector in (answer or {}).get("AdvancedEventSelectors") or ():
        fields = {item.get("Field"): item.get("Equals") or () for item in selector.get("FieldSelectors") or ()}
        if "Data" in fields.get("eventCategory", ()) and "AWS::S3::Object" in fields.get("resources.type", ()):
            return True
    return False


def first_regions(account: Account) -> tuple[str, ...]:
    """The home Region and that of global services."""
    return tuple(dict.fromkeys((account.region, GLOBAL_REGIONS.get(account.partition, account.region))))


def _partition(region: str) -> str:
    if region.startswith("eusc-"):
        return "aws-eusc"
    return next((f"aws-{part}" for part in ("cn", "us-gov") if region.startswith(f"{part}-")), "aws")


def _regions(account: Account, gaps: dict[str, str]) -> tuple[str, ...]:
    first = first_regions(account)
    try:
        answer = account.call("ec2", "DescribeRegions", {})
    except AwsError as error:
        gaps["Regions that were opted into"] = str(error)
        known: tuple[str, ...] = ALWAYS_ENABLED if account.partition == "aws" else ()
    else:
        enabled = (item for item in answer.get("Regions") or () if item.get("OptInStatus") != "not-opted-in")
        known = tuple(name for item in enabled if _partition(name := str(item["RegionName"])) == account.partition)
    return tuple(dict.fromkeys((*first, *sorted(known))))


def _trails(account: Account, gaps: dict[str, str]) -> tuple[Trail, ...]:
    """The trails that are seen from the home Region, and those that only another Region shows."""
    found: dict[str, Mapping[str, Any]] = {}
    try:
        for item in account.call("cloudtrail", "DescribeTrails", {}).get("trailList") or ():
            found[str(item.get("TrailARN"))] = item
    except AwsError as error:
        gaps["trails"] = str(error)
        return ()
    try:
        listed = list(account.pages("cloudtrail", "ListTrails", {}, "Trails"))
        elsewhere = {str(item.get("HomeRegion")) for item in listed if str(item.get("TrailARN")) not in found}
        for region in sorted(elsewhere):
            for item in account.call("cloudtrail", "DescribeTrails", {}, region).get("trailList") or ():
                found.setdefault(str(item.get("TrailARN")), item)
    except AwsError as error:
        gaps["trails of other Regions"] = str(error)
    if not found:
        return ()
    with ThreadPoolExecutor(min(_AT_ONCE, len(found)), thread_name_prefix="trails") as pool:
        return tuple(pool.map(lambda item: _trail(account, item), found.values()))


def _trail(account: Account, item: Mapping[str, Any]) -> Trail:
    arn = str(item.get("TrailARN") or item.get("Name") or "")
    home = str(item.get("HomeRegion") or account.region)
    gaps: list[str] = []

    def ask(operation: str, name: str) -> Mapping[str, Any] | None:
        try:
            return account.call("cloudtrail", operation, {name: arn}, home)
        except AwsError as error:
            gaps.append(str(error))
            return None

    selectors, status = ask("GetEventSelectors", "TrailName"), ask("GetTrailStatus", "Name")
    told = status or {}
    return Trail(
        arn=arn,
        name=str(item.get("Name") or arn),
        home=home,
        bucket=str(item.get("S3BucketName") or ""),
        prefix=str(item.get("S3KeyPrefix") or ""),
        group=str(item.get("CloudWatchLogsLogGroupArn") or ""),
        everywhere=bool(item.get("IsMultiRegionTrail")),
        organization=bool(item.get("IsOrganizationTrail")),
        selectors=selectors,
        logging=None if status is None else bool(status.get("IsLogging")),
        started=_time(told.get("StartLoggingTime")),
        stopped=_time(told.get("StopLoggingTime")),
        delivered=_time(told.get("LatestDeliveryTime")),
        delivery_error=clean(told.get("LatestDeliveryError")),
        gap="; ".join(gaps),
    )


def _time(value: object) -> str:
    return iso(value) if isinstance(value, datetime) else ""
