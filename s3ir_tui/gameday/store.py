"""What the account's state says, read from moto as plain facts that can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from moto.backends import get_backend
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.s3control.models import s3control_backends

from s3ir_tui.gameday.acls import Acl, acl_of
from s3ir_tui.model import PublicAccessBlock

VICTIM = "111122223333"
OUTSIDE = "999988887777"
ACCOUNTS = (VICTIM, OUTSIDE)
BOUNDARY = "user_boundary_arn"
"""Attribute of moto's user that holds its permissions boundary: moto knows boundaries of roles only."""

ABAC = "abac_enabled"
"""Attribute of moto's bucket that says whether its tags count in policies (PutBucketAbac)."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyFact:
    """A long-term access key."""

    account: str
    user: str
    secret: str
    status: str


@dataclass(frozen=True, slots=True)
class UserFact:
    """A user with every identity policy that applies to it, those of its groups included."""

    account: str
    name: str
    arn: str
    unique_id: str
    documents: tuple[str, ...]
    boundary: str | None
    mfa: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RoleFact:
    """A role with its trust policy and identity policies."""

    account: str
    name: str
    arn: str
    unique_id: str
    trust: str
    documents: tuple[str, ...]
    boundary: str | None
    longest_session: int
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BucketFact:
    """The settings of a bucket that decide who gets in."""

    name: str
    account: str
    region: str
    policy: str | None
    block: PublicAccessBlock
    ownership: str
    acl: Acl

    @property
    def arn(self) -> str:
        """ARN of the bucket."""
        return f"arn:aws:s3:::{self.name}"

    @property
    def acls_disabled(self) -> bool:
        """Whether Object Ownership disables ACLs."""
        return self.ownership == "BucketOwnerEnforced"


Fact = KeyFact | UserFact | RoleFact | BucketFact | PublicAccessBlock | None


def canonical_id(account: str) -> str:
    """The canonical user id of an account, as ACLs name it."""
    return hashlib.sha256(b"canonical user of " + account.encode()).hexdigest()


def account_of_canonical_id(identifier: str) -> str | None:
    """The account that a canonical id belongs to, if it is one of ours."""
    return next((account for account in list(iam_backends) if canonical_id(account) == identifier), None)


def iam(account: str) -> Any:
    """moto's IAM store of an account."""
    return iam_backends[account]["aws"]


def backend_of(service: str, account: str, region: str) -> Any:
    """moto's store of any other service, imported when it is first asked for."""
    return get_backend(service)[account][region]  # type: ignore[call-overload]


def s3(account: str) -> Any:
    """moto's S3 store of an account."""
    return s3_backends[account]["aws"]


def moto_bucket(name: str) -> Any:
    """moto's bucket, of whichever account, or `None`."""
    found = s3_backends.bucket_accounts.get(name)
    return s3(found[1]).buckets.get(name) if found else None


def moto_buckets() -> Iterator[Any]:
    """moto's buckets, of every account."""
    for name in list(s3_backends.bucket_accounts):
        if (bucket := moto_bucket(name)) is not None:
            yield bucket


def moto_user(account: str, name: str) -> Any:
    """moto's user, or `None`."""
    return iam(account).users.get(name)


def moto_role(account: str, name: str) -> Any:
    """moto's role by its name, or `None`."""
    return next((role for role in list(iam(account).roles.values()) if role.name == name), None)


def read_fact(key: Key) -> Fact:
    """The fact that a key names: `("key", id)`, `("user", account, name)`, `("role", account, name)`,
    `("bucket", name)`, `("account-block", account)`; `None` when there is no such thing."""
    kind, *rest = key
    fact: Fact = _READERS[kind](*rest)
    return fact


def all_keys() -> Iterator[Key]:
    """The key of every fact that exists now."""
    for account in list(iam_backends):
        backend = iam(account)
        yield "account-block", account
        for user in list(backend.users.values()):
            yield "user", account, user.name
            for key in list(user.access_keys):
                yield "key", key.access_key_id
        for role in list(backend.roles.values()):
            yield "role", account, role.name
    for name in list(s3_backends.bucket_accounts):
        yield "bucket", name


def _key(access_key: str) -> KeyFact | None:
    for account in list(iam_backends):
        found = iam(account).access_keys.get(access_key)
        if found is not None and found.user_name:
            return KeyFact(account, found.user_name, found.secret_access_key, found.status)
    return None


def _user(account: str, name: str) -> UserFact | None:
    backend = iam(account)
    user = backend.users.get(name)
    if user is None:
        return None
    groups = [g for g in list(backend.groups.values()) if any(member.name == name for member in g.users)]
    documents = [text for owner in (user, *groups) for text in _documents(owner)]
    boundary = _managed(account, getattr(user, BOUNDARY, None))
    tags = _tags(backend.tagger.list_tags_for_resource(user.arn)["Tags"])
    return UserFact(account, name, user.arn, user.id, tuple(documents), boundary, tuple(user.mfa_devices), tags)


def _role(account: str, name: str) -> RoleFact | None:
    role = moto_role(account, name)
    if role is None:
        return None
    return RoleFact(
        account=account,
        name=role.name,
        arn=role.arn,
        unique_id=role.id,
        trust=role.assume_role_policy_document,
        documents=tuple(_documents(role)),
        boundary=_managed(account, role.permissions_boundary_arn),
        longest_session=int(role.max_session_duration or 3600),
        tags=_tags(role.tags.values() if isinstance(role.tags, dict) else role.tags or ()),
    )


def _tags(items: Iterable[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(item["Key"]), str(item["Value"])) for item in items)


def _documents(owner: Any) -> list[str]:
    return [*owner.policies.values(), *(_default_version(policy) for policy in list(owner.managed_policies.values()))]


def _default_version(policy: Any) -> str:
    return str(next(version.document for version in policy.versions if version.is_default))


def _managed(account: str, arn: str | None) -> str | None:
    policy = iam(account).managed_policies.get(arn) if arn else None
    return _default_version(policy) if policy else None


def managed_document(account: str, arn: str) -> str | None:
    """The document in force of a managed policy, AWS's or the account's."""
    return _managed(account, arn)


def _bucket(name: str) -> BucketFact | None:
    bucket = moto_bucket(name)
    if bucket is None:
        return None
    policy = bucket.policy
    return BucketFact(
        name=name,
        account=bucket.account_id,
        region=bucket.region_name,
        policy=policy.decode() if isinstance(policy, bytes) else policy,
        block=_block(bucket.public_access_block),
        ownership=_ownership(bucket.ownership_rule),
        acl=acl_of(bucket, canonical_id(bucket.account_id)),
    )


def _ownership(rule: Any) -> str:
    if isinstance(rule, dict):
        rules = rule.get("Rule") or rule.get("Rules") or {}
        rule = (rules[0] if isinstance(rules, list) else rules).get("ObjectOwnership")
    return str(rule or "ObjectWriter")


def _account_block(account: str) -> PublicAccessBlock:
    return _block(s3control_backends[account]["aws"].public_access_block)


def _block(block: Any) -> PublicAccessBlock:
    if block is None:
        return PublicAccessBlock()
    return PublicAccessBlock(
        block_public_acls=bool(block.block_public_acls),
        ignore_public_acls=bool(block.ignore_public_acls),
        block_public_policy=bool(block.block_public_policy),
        restrict_public_buckets=bool(block.restrict_public_buckets),
    )


_READERS: dict[str, Any] = {
    "key": _key,
    "user": _user,
    "role": _role,
    "bucket": _bucket,
    "account-block": _account_block,
}
