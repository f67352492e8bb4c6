"""The posture of buckets: who can reach them, and what protects what is in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from s3ir_tui.aws.account import THREADS, Account
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import Bucket, PublicAccessBlock
from s3ir_tui.policy import PolicyError, foreign_accounts, is_public

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
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


def read_buckets(
    account: Account, on: Callable[[Bucket], None] | None = None, names: Sequence[str] = ()
) -> list[Bucket]:
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
    listed = {
        str(entry["Name"]): entry
        for entry in ([{"Name": name} for name in names] or account.pages("s3", "ListBuckets", {}, "Buckets"))
    }
    whole = account_block(account)

    def one(name: str) -> Bucket:
        bucket = _read(account, name, listed[name], whole)
        if on is not None:
            on(bucket)
        return bucket

    with ThreadPoolExecutor(min(THREADS, max(len(listed), 1)), thread_name_prefix="buckets") as pool:
        return list(pool.map(one, sorted(listed)))


def account_block(account: Account) -> PublicAccessBlock | AwsError:
    """Block Public Access of the account; the error where it could not be read."""
    params = {"AccountId": account.identity.account}
    try:
        answer = account.call("s3control", "GetPublicAccessBlock", params)
    except AwsError as error:
        return PublicAccessBlock() if error.code in _ABSENT else error
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


class _Reader:
    """Reads of one bucket; what is denied becomes a gap."""

    def __init__(self, account: Account, name: str, region: str) -> None:
        self._account, self._name, self.region = account, name, region
        self.gaps: dict[str, str] = {}

    def get(self, field: str, operation: str) -> dict[str, Any] | None:
        """The answer; `{}` where AWS says that there is none; `None` where it could not be read."""
        try:
            return self._account.call("s3", operation, {"Bucket": self._name}, self.region)
        except AwsError as error:
            if error.code in _ABSENT:
                return {}
            self.gaps[field] = error.short
            return None


def _read(account: Account, name: str, entry: Mapping[str, Any], whole: PublicAccessBlock | AwsError) -> Bucket:
    reader = _Reader(account, name, str(entry.get("BucketRegion") or ""))
    if not reader.region:
        place = reader.get("region", "GetBucketLocation")
        # LocationConstraint is null for us-east-1 and "EU" for old buckets in eu-west-1.
        constraint = (place or {}).get("LocationConstraint") or "us-east-1"
        reader.region = account.region if place is None else {"EU": "eu-west-1"}.get(constraint, constraint)
    text = reader.get("policy", "GetBucketPolicy")
    acl = reader.get("acl", "GetBucketAcl")
    block = reader.get("public_access_block", "GetPublicAccessBlock")
    ownership = reader.get("ownership", "GetBucketOwnershipControls")
    versioning = reader.get("versioning", "GetBucketVersioning")
    encryption = reader.get("encryption", "GetBucketEncryption")
    logging = reader.get("logging", "GetBucketLogging")
    tags = reader.get("tags", "GetBucketTagging")
    if isinstance(whole, AwsError):
        reader.gaps["account_block"] = whole.short
    bucket = Bucket(
        name=name,
        region=reader.region,
        created=entry.get("CreationDate"),
        public_access_block=None if block is None else block_of(block.get("PublicAccessBlockConfiguration")),
        ownership=None if ownership is None else _ownership(ownership),
        versioning=None if versioning is None else str(versioning.get("Status") or "off"),
        encryption=None if encryption is None else _encryption(encryption),
        logging_target=None if logging is None else str((logging.get("LoggingEnabled") or {}).get("TargetBucket", "")),
        policy=None if text is None else str(text.get("Policy") or ""),
        tags={str(tag["Key"]): str(tag["Value"]) for tag in (tags or {}).get("TagSet") or ()},
    )
    return _judged(bucket, acl, whole, account.identity.account, reader.gaps)


def _judged(
    bucket: Bucket,
    acl: Mapping[str, Any] | None,
    whole: PublicAccessBlock | AwsError,
    account: str,
    gaps: dict[str, str],
) -> Bucket:
    blocks = [item for item in (bucket.public_access_block, whole) if isinstance(item, PublicAccessBlock)]
    foreign: list[str] = []
    by_policy: bool | None = None
    if bucket.policy is not None:
        try:
            by_policy = bool(bucket.policy) and is_public(bucket.policy)
            foreign += foreign_accounts(bucket.policy, account) if bucket.policy else ()
        except PolicyError as error:
            gaps["policy"] = str(error)
        if by_policy and any(block.restrict_public_buckets for block in blocks):
            by_policy = False
        elif by_policy and len(blocks) < 2:
            # The block that could not be read may be the one that closes it: public is then the safe thing to say.
            gaps["public"] = "Block Public Access not readable"
    by_acl: bool | None = None
    if bucket.ownership == ENFORCED or any(block.ignore_public_acls for block in blocks):
        by_acl = False
    elif acl is not None:
        by_acl = any(grantee_uri(grant) in (ALL_USERS, AUTHENTICATED_USERS) for grant in acl.get("Grants") or ())
    if acl is not None and bucket.ownership != ENFORCED:
        owner = (acl.get("Owner") or {}).get("ID")
        ids = {(grant.get("Grantee") or {}).get("ID") for grant in acl.get("Grants") or ()}
        foreign += sorted(f"canonical {ident}" for ident in ids if ident and ident != owner)
    return replace(
        bucket,
        public_by_policy=by_policy,
        public_by_acl=by_acl,
        foreign_accounts=tuple(dict.fromkeys(foreign)),
        gaps=gaps,
    )


def grantee_uri(grant: Mapping[str, Any]) -> str:
    """The group that a grant of an ACL is for, or ""."""
    return str((grant.get("Grantee") or {}).get("URI") or "")


def _ownership(answer: Mapping[str, Any]) -> str:
    rules = (answer.get("OwnershipControls") or {}).get("Rules") or ()
    # A bucket without ownership controls works as ObjectWriter: ACLs count.
    return str(rules[0].get("ObjectOwnership")) if rules else "ObjectWriter"


def _encryption(answer: Mapping[str, Any]) -> str:
    rules = (answer.get("ServerSideEncryptionConfiguration") or {}).get("Rules") or ()
    return next((str((rule.get("ApplyServerSideEncryptionByDefault") or {}).get("SSEAlgorithm")) for rule in rules), "")
