"""Whom a bucket is open to beyond its account: each grant of its policy and ACL in words, with its severity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from s3ir_tui.aws.own import OwnAccount
from s3ir_tui.model import PublicAccessBlock, Severity
from s3ir_tui.policy import Grant, grants, is_public

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"

LOG_DELIVERY_IDS: Mapping[str, str] = MappingProxyType(
    {
        "c4c1ede66af53448b93c283ce9448c4ba468c9432aa01d700d3878632f77d2d0": "CloudFront log delivery",
        "a52cb28745c0c06e84ec548334e44bfa7fc2a85c54af20cd59e4969344b7af56": "CloudFront log delivery (China)",
    }
)
"""Canonical user ids of AWS's own accounts that write logs. Source: CloudFront Developer Guide, "Configure standard
logging (legacy)", `awslogsdelivery`, and its edition for the China Regions."""

_GROUPS: Mapping[str, tuple[str, Severity]] = MappingProxyType(
    {
        ALL_USERS: ("everyone", Severity.HIGH),
        AUTHENTICATED_USERS: ("everyone with an AWS account", Severity.HIGH),
        LOG_DELIVERY: ("S3 log delivery", Severity.INFO),
    }
)
_GRAVE = frozenset({"all", "policy", "delete", "read"})


@dataclass(frozen=True, slots=True)
class Opening:
    """One way into a bucket from outside its account.

    Attributes:
        severity: How much it matters.
        words: Who can do what, and where that stands.
    """

    severity: Severity
    words: str


def worst_first(openings: Iterable[Opening]) -> tuple[Opening, ...]:
    """Openings by severity, the worst first, each once."""
    return tuple(sorted(dict.fromkeys(openings), key=lambda item: -item.severity))


def policy_grants(policy: str, own: OwnAccount) -> tuple[Grant, ...]:
    """Every grant of a policy, the own ones included.

    Raises:
        PolicyError: It is not a policy.
    """
    return grants(
        policy,
        own.account,
        organization=own.organization or "",
        own_endpoints=own.endpoints or frozenset(),
        canonical_id=own.canonical_id,
    )


def policy_openings(policy: str, own: OwnAccount, *, restricted: bool, through: str = "") -> Iterator[Opening]:
    """Whom a policy grants access beyond the own account.

    Args:
        policy: The policy, not empty.
        own: What belongs to the account.
        restricted: Whether RestrictPublicBuckets is on. While a policy is public it then holds for AWS services and
            the own account alone (S3 User Guide, "Blocking public access").
        through: What the policy belongs to, where it is not the bucket's own.

    Raises:
        PolicyError: It is not a policy.
    """
    closed = restricted and is_public(policy)
    for grant in policy_grants(policy, own):
        if grant.own:
            continue
        severity, remark = _weight(grant, own)
        if closed and grant.kind != "service":
            severity, remark = Severity.LOW, ", closed by Block Public Access"
        place = f"statement {grant.sid}" if grant.sid else f"statement {grant.place + 1}"
        where = f"{through}, {place}" if through else place
        yield Opening(severity, f"{grant.words}{remark}: {', '.join(grant.actions)} ({where})")


def _weight(grant: Grant, own: OwnAccount) -> tuple[Severity, str]:
    """How much a grant matters, and what is not known of the grantee."""
    if grant.kind == "deleted principal":
        return Severity.LOW, ""
    if grant.kind == "service":
        # What only brings objects in is how services deliver logs; AWS's older examples have no source condition.
        if _GRAVE & set(grant.actions):
            return Severity.HIGH, ""
        return (Severity.MEDIUM if "list" in grant.actions else Severity.LOW), ""
    if grant.kind == "organization" and own.organization is None:
        return Severity.MEDIUM, ", own organization not readable"
    if grant.kind == "endpoint" and own.endpoints is None:
        return Severity.MEDIUM, ", own endpoints not readable"
    if grant.kind == "origin access identity":
        return Severity.MEDIUM, ", whose distribution is not known"
    return Severity.HIGH, ""


def acl_openings(acl: Mapping[str, Any], *, ignored: bool) -> Iterator[Opening]:
    """Whom an ACL grants access beyond the owner.

    Args:
        acl: What GetBucketAcl answers.
        ignored: Whether IgnorePublicAcls is on: grants to everyone then count for nothing.
    """
    owner = (acl.get("Owner") or {}).get("ID")
    for grant in acl.get("Grants") or ():
        ident, uri = str((grant.get("Grantee") or {}).get("ID") or ""), grantee_uri(grant)
        permission = str(grant.get("Permission") or "")
        if uri:
            who, severity = _GROUPS.get(uri, (f"group {uri}", Severity.HIGH))
            closed = ignored and uri in (ALL_USERS, AUTHENTICATED_USERS)
            remark = ", closed by Block Public Access" if closed else ""
            yield Opening(Severity.LOW if closed else severity, f"{who}{remark}: {permission} (ACL)")
        elif ident in LOG_DELIVERY_IDS:
            yield Opening(Severity.INFO, f"{LOG_DELIVERY_IDS[ident]}: {permission} (ACL)")
        elif ident and ident != owner:
            yield Opening(Severity.HIGH, f"canonical user {ident}: {permission} (ACL)")


def strangers(acl: Mapping[str, Any]) -> tuple[str, ...]:
    """Canonical ids that an ACL names, without the owner and AWS's log delivery."""
    owner = (acl.get("Owner") or {}).get("ID")
    ids = {(grant.get("Grantee") or {}).get("ID") for grant in acl.get("Grants") or ()}
    return tuple(sorted(ident for ident in ids if ident and ident != owner and ident not in LOG_DELIVERY_IDS))


def objects_public(ownership: str | None, blocks: Iterable[PublicAccessBlock | None]) -> bool | None:
    """Whether single objects can be public by their own ACLs; `None` where a block that could prevent it is unknown.

    Args:
        ownership: Object ownership of the bucket.
        blocks: Block Public Access of bucket and account.
    """
    known = list(blocks)
    if ownership == "BucketOwnerEnforced" or any(block is not None and block.ignore_public_acls for block in known):
        return False
    return None if ownership is None or None in known else True


def grantee_uri(grant: Mapping[str, Any]) -> str:
    """The group that a grant of an ACL is for, or ""."""
    return str((grant.get("Grantee") or {}).get("URI") or "")
