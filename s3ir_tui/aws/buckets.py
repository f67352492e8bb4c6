"""The posture of buckets: who can reach them, and what protects what is in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from s3ir_tui.aws.account import THREADS
from s3ir_tui.aws.calls import Calls
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.openness import (
    ALL_USERS,
    AUTHENTICATED_USERS,
    LOG_DELIVERY,
    Opening,
    acl_openings,
    grantee_uri,
    objects_public,
    policy_grants,
    policy_openings,
    strangers,
    worst_first,
)
from s3ir_tui.aws.other_ways import OtherWays, read_other_ways
from s3ir_tui.aws.own import OwnAccount, account_block, block_of, read_own
from s3ir_tui.model import OTHER_WAYS, Bucket, PublicAccessBlock, Severity, utc_now
from s3ir_tui.policy import PolicyError, foreign_accounts, is_public

__all__ = [
    "ENFORCED",
    "LOG_DELIVERY",
    "BucketFacts",
    "account_block",
    "block_of",
    "delegates",
    "deleted",
    "grantee_uri",
    "judged",
    "list_buckets",
    "read_access",
    "read_buckets",
    "read_settings",
    "with_other_ways",
]

ENFORCED = "BucketOwnerEnforced"

_ABSENT = frozenset(
    {
        "NoSuchBucketPolicy",
        "NoSuchPublicAccessBlockConfiguration",
        "OwnershipControlsNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError",
        "NoSuchTagSet",
        "NoSuchTagSetError",
    }
)
_ACCESS = frozenset({"region", "policy", "acl", "public_access_block", "ownership", "aws_public"})
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """What ListBuckets says.

    Attributes:
        buckets: Name, Region and time of creation of each bucket, by name.
        canonical_id: Canonical user id of the account.
    """

    buckets: Mapping[str, Bucket]
    canonical_id: str = ""


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """What was read of a bucket, not yet judged.

    Attributes:
        bucket: Its settings.
        acl: What GetBucketAcl answered; `None` where it was not read.
        gaps: What could not be read, with the reason.
        other_ways: What was found beside policy and ACL; `None` where it was not looked at.
    """

    bucket: Bucket
    acl: Mapping[str, Any] | None = None
    gaps: Mapping[str, str] = field(default_factory=dict)
    other_ways: OtherWays | None = None


def list_buckets(account: Calls) -> Listed:
    """List the buckets with their Regions.

    ListBuckets tells the Region only if it is asked with a parameter (S3 API Reference, `BucketRegion`).

    Raises:
        AwsError: They could not be listed.
    """
    found: dict[str, Bucket] = {}
    params: dict[str, Any] = {"MaxBuckets": _PAGE}
    while True:
        page = account.call("s3", "ListBuckets", params)
        for entry in page.get("Buckets") or ():
            name = str(entry["Name"])
            found[name] = Bucket(name, str(entry.get("BucketRegion") or ""), entry.get("CreationDate"))
        if not page.get("ContinuationToken"):
            return Listed(dict(sorted(found.items())), str((page.get("Owner") or {}).get("ID") or ""))
        params = {"MaxBuckets": _PAGE, "ContinuationToken": page["ContinuationToken"]}


def read_buckets(account: Calls, on: Callable[[Bucket], None] | None = None, names: Sequence[str] = ()) -> list[Bucket]:
    """Read the posture of every bucket, many at a time.

    A call that is denied leaves its field `None` and a word in `Bucket.gaps`; the other fields are read all the same.

    Args:
        account: The connection.
        on: Told each bucket as soon as it is known, from a worker thread.
        names: Only these buckets; else all that ListBuckets names.

    Returns:
        The buckets, in the order of their names.

    Raises:
        AwsError: The buckets could not be listed.
    """
    listed = Listed({name: Bucket(name) for name in names}) if names else list_buckets(account)
    regions = sorted({item.region for item in listed.buckets.values() if item.region} | {account.region})
    own = read_own(account, regions, listed.canonical_id)

    def one(name: str) -> Bucket:
        facts = read_settings(account, read_access(account, BucketFacts(listed.buckets[name])))
        bucket = judged(facts, own)
        if on is not None:
            on(bucket)
        return bucket

    with ThreadPoolExecutor(min(THREADS, max(len(listed.buckets), 1)), thread_name_prefix="buckets") as pool:
        return list(pool.map(one, sorted(listed.buckets)))


class _Reader:
    """Reads of one bucket; what is denied becomes a gap."""

    def __init__(self, account: Calls, name: str, region: str) -> None:
        self._account, self._name, self.region = account, name, region
        self.gaps: dict[str, str] = {}

    def get(self, field: str, operation: str) -> dict[str, Any] | None:
        """The answer; `{}` where AWS says that there is none; `None` where it could not be read.

        Raises:
            AwsError: There is no such bucket.
        """
        try:
            return self._account.call("s3", operation, {"Bucket": self._name}, self.region)
        except AwsError as error:
            if error.code in _ABSENT:
                return {}
            if error.code == "NoSuchBucket":
                raise
            self.gaps[field] = error.short
            return None

    def locate(self) -> None:
        """Find out the Region where ListBuckets did not tell."""
        place = self.get("region", "GetBucketLocation")
        # LocationConstraint is null for us-east-1 and "EU" for old buckets in eu-west-1.
        constraint = (place or {}).get("LocationConstraint") or "us-east-1"
        self.region = self._account.region if place is None else {"EU": "eu-west-1"}.get(constraint, constraint)


def read_access(account: Calls, before: BucketFacts, now: Callable[[], datetime] = utc_now) -> BucketFacts:
    """Read what decides who reaches a bucket: policy, ownership, ACL, Block Public Access.

    An ACL is not asked for where object ownership says that ACLs count for nothing, nor AWS's verdict without a policy.

    Args:
        account: The connection.
        before: What is known of the bucket; its name at least.
        now: The time.

    Raises:
        AwsError: There is no such bucket (`NoSuchBucket`).
    """
    known = before.bucket
    at = now()  # before the first call: a write that comes while it is read is newer than this
    reader = _Reader(account, known.name, known.region)
    if not reader.region:
        reader.locate()
    text = reader.get("policy", "GetBucketPolicy")
    policy = None if text is None else str(text.get("Policy") or "")
    block = reader.get("public_access_block", "GetPublicAccessBlock")
    owned = reader.get("ownership", "GetBucketOwnershipControls")
    ownership = None if owned is None else _ownership(owned)
    acl = None if ownership == ENFORCED else reader.get("acl", "GetBucketAcl")
    status = reader.get("aws_public", "GetBucketPolicyStatus") if policy else {}
    bucket = replace(
        known,
        region=reader.region,
        public_access_block=None if block is None else block_of(block.get("PublicAccessBlockConfiguration")),
        ownership=ownership,
        policy=policy,
        aws_public=None
        if policy is None or status is None
        else bool((status.get("PolicyStatus") or {}).get("IsPublic")),
        deleted=False,
        read_at=at,
    )
    gaps = {name: why for name, why in before.gaps.items() if name not in _ACCESS} | reader.gaps
    return replace(before, bucket=bucket, acl=acl, gaps=gaps)


def read_settings(account: Calls, before: BucketFacts, now: Callable[[], datetime] = utc_now) -> BucketFacts:
    """Read what does not open a bucket: versioning, encryption, logging, tags (see `read_access`)."""
    known = before.bucket
    at = now()
    reader = _Reader(account, known.name, known.region)
    versioning = reader.get("versioning", "GetBucketVersioning")
    encryption = reader.get("encryption", "GetBucketEncryption")
    logging = reader.get("logging", "GetBucketLogging")
    tags = reader.get("tags", "GetBucketTagging")
    bucket = replace(
        known,
        versioning=None if versioning is None else str(versioning.get("Status") or "off"),
        encryption=None if encryption is None else _encryption(encryption),
        logging_target=None if logging is None else str((logging.get("LoggingEnabled") or {}).get("TargetBucket", "")),
        tags={str(tag["Key"]): str(tag["Value"]) for tag in (tags or {}).get("TagSet") or ()},
        settings_at=at,
    )
    gaps = {name: why for name, why in before.gaps.items() if name in _ACCESS} | reader.gaps
    return replace(before, bucket=bucket, gaps=gaps)


def with_other_ways(account: Calls, before: BucketFacts, own: OwnAccount) -> BucketFacts:
    """Read what opens, copies or empties a bucket beside policy and ACL (see `read_other_ways`)."""
    return replace(before, other_ways=read_other_ways(account, before.bucket.name, before.bucket.region, own))


def deleted(bucket: Bucket, at: datetime) -> Bucket:
    """A bucket that is gone: it is open to nobody; what was known of it last stays."""
    return replace(
        bucket,
        deleted=True,
        read_at=at,
        public_by_policy=False,
        public_by_acl=False,
        open_severity=Severity.INFO,
        ways_severity=Severity.INFO,
    )


def judged(facts: BucketFacts, own: OwnAccount) -> Bucket:
    """The posture of a bucket from what was read.

    Args:
        facts: What was read.
        own: The account around it.
    """
    bucket, acl, gaps = facts.bucket, facts.acl, dict(facts.gaps)
    whole = own.block if isinstance(own.block, PublicAccessBlock) else None
    if isinstance(own.block, AwsError):
        gaps["account_block"] = own.block.short
    blocks = (bucket.public_access_block, whole)
    restricted = any(block is not None and block.restrict_public_buckets for block in blocks)
    ignored = any(block is not None and block.ignore_public_acls for block in blocks)
    openings: list[Opening] = []
    foreign: list[str] = []
    by_policy: bool | None = None
    if bucket.policy is not None:
        try:
            by_policy = bool(bucket.policy) and is_public(bucket.policy)
            foreign += foreign_accounts(bucket.policy, own.account) if bucket.policy else ()
            openings += policy_openings(bucket.policy, own, restricted=restricted) if bucket.policy else ()
        except PolicyError as error:
            gaps["policy"] = str(error)
        if by_policy and restricted:
            by_policy = False
        elif by_policy and None in blocks:
            # The block that could not be read may be the one that closes it: public is then the safe thing to say.
            gaps["public"] = "Block Public Access not readable"
    by_acl: bool | None = None
    if bucket.ownership == ENFORCED or ignored:
        by_acl = False
    elif acl is not None:
        by_acl = any(grantee_uri(grant) in (ALL_USERS, AUTHENTICATED_USERS) for grant in acl.get("Grants") or ())
    if acl is not None and bucket.ownership != ENFORCED:
        openings += acl_openings(acl, ignored=ignored)
        foreign += (f"canonical {ident}" for ident in strangers(acl))
    ways = facts.other_ways
    if ways is not None:
        openings += ways.openings
        gaps |= ways.gaps
    ordered = worst_first(openings)
    notes = ways.notes if ways is not None else ()
    return replace(
        bucket,
        public_by_policy=by_policy,
        public_by_acl=by_acl,
        foreign_accounts=tuple(dict.fromkeys(foreign)),
        open_to=tuple(item.words for item in ordered),
        open_severity=_worst(ordered),
        objects_public=objects_public(bucket.ownership, blocks),
        other_ways=tuple(item.words for item in notes),
        ways_severity=_worst(notes),
        not_looked_at=OTHER_WAYS if ways is None else ways.not_looked_at,
        gaps=gaps,
    )


def _worst(openings: Sequence[Opening]) -> Severity:
    return max((item.severity for item in openings), default=Severity.INFO)


def delegates(bucket: Bucket, own: OwnAccount) -> bool:
    """Whether the policy leaves it to access points who reaches the bucket."""
    try:
        return (
            any(grant.kind == "access point" for grant in policy_grants(bucket.policy, own)) if bucket.policy else False
        )
    except PolicyError:
        return False


def _is_public(status: Mapping[str, Any]) -> bool:
    return bool((status.get("PolicyStatus") or {}).get("IsPublic"))


def _ownership(answer: Mapping[str, Any]) -> str:
    rules = (answer.get("OwnershipControls") or {}).get("Rules") or ()
    # A bucket without ownership controls works as ObjectWriter: ACLs count.
    return str(rules[0].get("ObjectOwnership")) if rules else "ObjectWriter"


def _encryption(answer: Mapping[str, Any]) -> str:
    rules = (answer.get("ServerSideEncryptionConfiguration") or {}).get("Rules") or ()
    return next((str((rule.get("ApplyServerSideEncryptionByDefault") or {}).get("SSEAlgorithm")) for rule in rules), "")
