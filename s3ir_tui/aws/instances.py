"""EC2 instances with what matters for leaked role credentials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from s3ir_tui.aws.calls import Calls
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import Instance, utc_now

_AT_ONCE = 8


def used_regions(account: Calls) -> tuple[str, ...]:
    """The Regions that are enabled for the account, the home Region first; that alone where they may not be listed."""
    try:
        found = account.call("ec2", "DescribeRegions", {"AllRegions": False}).get("Regions") or ()
    except AwsError:
        return (account.region,)
    enabled = [str(item["RegionName"]) for item in found if item.get("OptInStatus") != "not-opted-in"]
    return tuple(dict.fromkeys([account.region, *sorted(enabled)]))


def read_instances(account: Calls, regions: Sequence[str] = (), ids: Sequence[str] = ()) -> list[Instance]:
    """Read the instances of some Regions.

    Args:
        account: The connection.
        regions: Regions to look in; else every Region that is enabled, the home Region first.
        ids: Only these instances. No further Region is asked once all of them are known.

    Returns:
        The instances, oldest launch first within a Region. Terminated ones are included while EC2 still shows them.

    Raises:
        AwsError: No Region could be read.
    """
    found: list[Instance] = []
    failed: list[AwsError] = []
    roles: dict[str, str | None] = {}
    # Asked for by a filter, since an id that is not in a Region makes DescribeInstances fail there.
    params = {"Filters": [{"Name": "instance-id", "Values": list(ids)}]} if ids else {}
    home, *others = list(regions) or [account.region]

    def look(region: str) -> tuple[str, list[Any] | AwsError]:
        try:
            return region, list(account.pages("ec2", "DescribeInstances", params, "Reservations", region))
        except AwsError as error:
            return region, error

    def take(answers: Iterable[tuple[str, list[Any] | AwsError]]) -> None:
        for region, answer in answers:
            if isinstance(answer, AwsError):
                failed.append(answer)
                continue
            for reservation in answer:
                found.extend(_instance(account, entry, region, roles) for entry in reservation.get("Instances") or ())

    take([look(home)])
    if ids and {item.id for item in found} >= set(ids):
        return found
    if not regions:
        others = [region for region in used_regions(account) if region != home]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="instances") as pool:
        take(pool.map(look, others))
    if failed and len(failed) == len(others) + 1:
        raise failed[0]
    return found


def _instance(account: Calls, entry: Mapping[str, Any], region: str, roles: dict[str, str | None]) -> Instance:
    profile = (entry.get("IamInstanceProfile") or {}).get("Arn")
    if profile and profile not in roles:
        roles[profile] = _role_of(account, profile)
    options = entry.get("MetadataOptions") or {}
    imds = None
    if options:
        imds = options.get("HttpEndpoint", "enabled") == "enabled" and options.get("HttpTokens") != "required"
    return Instance(
        id=str(entry["InstanceId"]),
        region=region,
        state=str((entry.get("State") or {}).get("Name") or ""),
        role=roles.get(profile) if profile else None,
        profile_arn=profile,
        imds_v1=imds,
        public_address=entry.get("PublicIpAddress"),
        private_address=entry.get("PrivateIpAddress"),
        key_pair=entry.get("KeyName"),
        security_groups=tuple(str(group["GroupId"]) for group in entry.get("SecurityGroups") or ()),
        launched=entry.get("LaunchTime"),
        tags={str(tag["Key"]): str(tag["Value"]) for tag in entry.get("Tags") or ()},
        read_at=utc_now(),
    )


def _role_of(account: Calls, profile_arn: str) -> str | None:
    # The profile's name says nothing about its role's name: IAM has to be asked.
    name = profile_arn.rsplit("/", 1)[-1]
    try:
        roles = account.call("iam", "GetInstanceProfile", {"InstanceProfileName": name})["InstanceProfile"]["Roles"]
    except AwsError:
        return None
    return str(roles[0]["Arn"]) if roles else None
