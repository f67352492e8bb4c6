"""What belongs to the account: by it a grant is told to be our own, or a stranger's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from s3ir_tui.aws.calls import Calls
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import PublicAccessBlock


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """The account around a bucket. `None` is what could not be read.

    Attributes:
        account: Account id.
        block: Block Public Access of the account; the error where it could not be read.
        organization: Id of the organization; "" for an account that is in none.
        endpoints: Ids of its VPCs and VPC endpoints, in the Regions that were read.
        canonical_id: Canonical user id, or "" where it is not known.
    """

    account: str
    block: PublicAccessBlock | AwsError = field(default_factory=PublicAccessBlock)
    organization: str | None = None
    endpoints: frozenset[str] | None = None
    canonical_id: str = ""


def account_block(account: Calls) -> PublicAccessBlock | AwsError:
    """Block Public Access of the account; the error where it could not be read."""
    params = {"AccountId": account.identity.account}
    try:
        answer = account.call("s3control", "GetPublicAccessBlock", params)
    except AwsError as error:
        return PublicAccessBlock() if error.code == "NoSuchPublicAccessBlockConfiguration" else error
    return block_of(answer.get("PublicAccessBlockConfiguration"))


def block_of(configuration: Mapping[str, Any] | None) -> PublicAccessBlock:
    """`PublicAccessBlockConfiguration` in our terms; none means that nothing is blocked."""
    flags = configuration or {}
    return PublicAccessBlock(
        block_public_acls=bool(flags.get("BlockPublicAcls")),
        ignore_public_acls=bool(flags.get("IgnorePublicAcls")),
        block_public_policy=bool(flags.get("BlockPublicPolicy")),
        restrict_public_buckets=bool(flags.get("RestrictPublicBuckets")),
    )


def read_own(account: Calls, regions: Sequence[str], canonical_id: str = "") -> OwnAccount:
    """Read what belongs to the account; what may not be read stays unknown.

    Args:
        account: The connection.
        regions: Regions in which VPCs and their endpoints are looked for.
        canonical_id: Canonical user id, as ListBuckets gives it.
    """
    return OwnAccount(
        account.identity.account,
        account_block(account),
        _organization(account),
        _endpoints(account, regions),
        canonical_id,
    )


def _organization(account: Calls) -> str | None:
    try:
        found = account.call("organizations", "DescribeOrganization", {}).get("Organization") or {}
    except AwsError as error:
        return "" if error.code == "AWSOrganizationsNotInUseException" else None
    return str(found.get("Id") or "")


def _endpoints(account: Calls, regions: Iterable[str]) -> frozenset[str] | None:
    found: set[str] = set()
    read = False
    for region in regions:
        try:
            found |= {str(item["VpcId"]) for item in account.pages("ec2", "DescribeVpcs", {}, "Vpcs", region)}
            entries = account.pages("ec2", "DescribeVpcEndpoints", {}, "VpcEndpoints", region)
            found |= {str(item["VpcEndpointId"]) for item in entries}
        except AwsError:
            continue
        read = True
    return frozenset(found) if read else None
