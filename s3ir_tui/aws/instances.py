"""EC2 instances with what matters for leaked role credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from s3ir_tui.aws.account import Account
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import Instance


def read_instances(account: Account, regions: Sequence[str] = (), ids: Sequence[str] = ()) -> list[Instance]:
    """Read the instances of some Regions.

    Args:
        account: The connection.
        regions: Regions to look in; else the connection's.
        ids: Only these instances.

    Returns:
        The instances, oldest launch first within a Region. Terminated ones are included while EC2 still shows them.

    Raises:
        AwsError: No Region could be read.
    """
    found: list[Instance] = []
    failed: list[AwsError] = []
    roles: dict[str, str | None] = {}
    places = list(regions) or [account.region]
    for region in places:
        try:
            params = {"InstanceIds": list(ids)} if ids else {}
            for reservation in account.pages("ec2", "DescribeInstances", params, "Reservations", region):
                found += [_instance(account, entry, region, roles) for entry in reservation.get("Instances") or ()]
        except AwsError as error:
            failed.append(error)
    if failed and len(failed) == len(places):
        raise failed[0]
    return found


def _instance(account: Account, entry: Mapping[str, Any], region: str, roles: dict[str, str | None]) -> Instance:
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
    )


def _role_of(account: Account, profile_arn: str) -> str | None:
    # The profile's name says nothing about its role's name: IAM has to be asked.
    name = profile_arn.rsplit("/", 1)[-1]
    try:
        roles = account.call("iam", "GetInstanceProfile", {"InstanceProfileName": name})["InstanceProfile"]["Roles"]
    except AwsError:
        return None
    return str(roles[0]["Arn"]) if roles else None
