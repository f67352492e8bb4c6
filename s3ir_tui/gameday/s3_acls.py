"""Access control lists in requests: which one a request asks for, what the bucket takes, and how they are answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from s3ir_tui.gameday.acls import CANNED_ACLS, Acl, acl_of, canned, from_headers, from_policy, private, set_acl
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.s3_objects import find_object, object_version
from s3ir_tui.gameday.store import BucketFact, canonical_id, moto_bucket, read_fact
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer
from s3ir_tui.model import PublicAccessBlock as Block

ANONYMOUS_ID = "65a011a29cdf8ec533ec3d1ccaae921c"
"""Canonical id that S3 gives to the owner of what an anonymous caller uploads."""

CREATES_OBJECT = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"})


def stricter(one: Block, other: Block) -> Block:
    """Both blocks together: a flag is on when either has it on."""
    return replace(
        one,
        block_public_acls=one.block_public_acls or other.block_public_acls,
        ignore_public_acls=one.ignore_public_acls or other.ignore_public_acls,
        block_public_policy=one.block_public_policy or other.block_public_policy,
        restrict_public_buckets=one.restrict_public_buckets or other.restrict_public_buckets,
    )


def owner_of_upload(call: Call, who: Who, bucket: BucketFact) -> str:
    """Canonical id of the account that will own what the caller uploads (Object Ownership)."""
    preferred = bucket.ownership == "BucketOwnerPreferred" and call.header("x-amz-acl") == "bucket-owner-full-control"
    if bucket.acls_disabled or preferred:
        return canonical_id(bucket.account)
    return canonical_id(who.account) if who.account else ANONYMOUS_ID


def requested_acl(call: Call, who: Who, bucket: BucketFact | None) -> Acl | None:
    """The ACL that a request sets, by canned name, by grant headers or by its body; `None` without any of them.

    Raises:
        Refused: It cannot be read.
    """
    bucket_owner = canonical_id(bucket.account if bucket else who.account)
    if bucket is None or call.operation == "PutBucketAcl":
        owner = bucket_owner
    elif call.operation == "PutObjectAcl":
        found = object_version(bucket.name, call.params["Key"], call.params.get("VersionId"))
        owner = acl_of(found, bucket_owner).owner
    else:
        owner = owner_of_upload(call, who, bucket)
    name = call.header("x-amz-acl")
    try:
        granted = from_headers(_Headers(call), owner)
        if name and granted:
            raise Refused("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed", 400)
        if name:
            if name not in CANNED_ACLS:
                raise Refused("InvalidArgument", "The canned ACL is not valid", 400)
            return canned(name, owner, bucket_owner)
        if granted is not None:
            return granted
        body = call.params.get("AccessControlPolicy")
        return from_policy(body) if body and call.operation in ("PutBucketAcl", "PutObjectAcl") else None
    except ValueError:
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise Refused("MalformedACLError", message, 400) from None


class _Headers(dict[str, str]):
    def __init__(self, call: Call) -> None:
        names = ("read", "write", "read-acp", "write-acp", "full-control")
        super().__init__({f"x-amz-grant-{name}": call.header(f"x-amz-grant-{name}") for name in names})


def sets_acl(call: Call) -> bool:
    """Whether a request sets an ACL by its headers."""
    return bool(call.header("x-amz-acl")) or any(_Headers(call).values())


def owner_keeps_all(call: Call, bucket: BucketFact, acl: Acl | None) -> bool:
    """Whether an upload's ACL gives the bucket owner full control and nobody else anything."""
    if call.operation not in CREATES_OBJECT:
        return False
    return call.header("x-amz-acl") == "bucket-owner-full-control" or (
        not call.header("x-amz-acl")
        and acl is not None
        and acl.is_private
        and acl.owner == canonical_id(bucket.account)
    )


def check_private(acl: Acl) -> None:
    """ACLs can only be disabled on a bucket whose own ACL is private (S3 User Guide, Object Ownership)."""
    if not acl.is_private:
        message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        raise Refused("InvalidBucketAclWithObjectOwnership", message, 400)


def _effective(acl: Acl, bucket: BucketFact) -> dict[str, Any]:
    if bucket.acls_disabled:
        # Reads go on working while ACLs are disabled, and show the owner only (S3 User Guide, Object Ownership).
        return private(canonical_id(bucket.account)).to_result()
    whole = read_fact(("account-block", bucket.account))
    block = stricter(bucket.block, whole if isinstance(whole, Block) else Block())
    return acl.effective(ignore_public=block.ignore_public_acls).to_result()


def current(bucket: BucketFact) -> BucketFact:
    """The bucket as reads show it: enforcement may lag behind."""
    found = read_fact(("bucket", bucket.name))
    return found if isinstance(found, BucketFact) else bucket


def get_bucket_acl(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Answer GetBucketAcl."""
    bucket = current(bucket)
    return result_answer(call, _effective(bucket.acl, bucket))


def put_bucket_acl(call: Call, who: Who, bucket: BucketFact) -> Answer:
    """Carry out PutBucketAcl."""
    acl = requested_acl(call, who, bucket)
    if acl is None:
        raise Refused("MissingSecurityHeader", "Your request was missing a required header", 400)
    set_acl(moto_bucket(bucket.name), acl)
    return result_answer(call, {})


def get_object_acl(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Answer GetObjectAcl."""
    found = find_object(call, bucket)
    bucket = current(bucket)
    return versioned(call, found, _effective(acl_of(found, canonical_id(bucket.account)), bucket))


def put_object_acl(call: Call, who: Who, bucket: BucketFact) -> Answer:
    """Carry out PutObjectAcl, on the version that is named."""
    found = find_object(call, bucket)
    acl = requested_acl(call, who, bucket)
    if acl is None:
        raise Refused("MissingSecurityHeader", "Your request was missing a required header", 400)
    set_acl(found, acl)
    return versioned(call, found, {})


def versioned(call: Call, found: Any, result: Mapping[str, Any]) -> Answer:
    """An answer that names the version that it is about."""
    answer = result_answer(call, result)
    if str(found.version_id) != "null":
        answer.headers.append(("x-amz-version-id", str(found.version_id)))
    return answer
