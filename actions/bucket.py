"""Reads of a bucket that plans are made from, in the bucket's own Region."""

from __future__ import annotations

from typing import Any

from actions import bucket_state
from actions.context import Context
from actions.plan import Call, Read, Refusal
from s3ir_tui.aws.denials import RESOURCE, unlock_lines
from s3ir_tui.aws.errors import AwsError


def region(ctx: Context, bucket: str) -> str:
    """The Region of a bucket.

    Raises:
        Refusal: It does not exist, or is not ours to see.
    """
    try:
        answer = ctx.ask("s3", "GetBucketLocation", {"Bucket": bucket, **owner(ctx)})
    except AwsError as error:
        if error.code == "NoSuchBucket":
            raise Refusal(f"{bucket}: there is no such bucket") from None
        if error.denied:
            raise _not_read(ctx, bucket, error) from None
        raise
    constraint = answer.get("LocationConstraint") or "us-east-1"
    return "eu-west-1" if constraint == "EU" else str(constraint)


def _not_read(ctx: Context, bucket: str, error: AwsError) -> Refusal:
    """Why a bucket's Region may not be read: another account's, or one of ours whose policy denies us."""
    try:
        ours = bucket in {str(item["Name"]) for item in ctx.listed("s3", "ListBuckets", {}, "Buckets")}
    except AwsError as listing:
        return Refusal(
            f"{bucket}: it may not be read ({error.code}), and whether it is of {ctx.account_id} is not known, since "
            f"the buckets may not be listed either ({listing.code}). {error.hint}"
        )
    if not ours:
        return Refusal(
            f"{bucket}: not a bucket of {ctx.account_id} ({error.code}). A bucket of another account is its owner's to "
            "contain."
        )
    # S3's message may leave the reason out: the owner's own identities are then told both.
    lines = "; ".join(unlock_lines(bucket, ctx.account_id, ctx.account.partition))
    if error.denied_by == RESOURCE or "because no" not in error.message:
        return Refusal(
            f"{bucket} is a bucket of {ctx.account_id}, and its policy denies you {error.operation.split(' ')[0]}, as "
            f"far as AWS says: an attacker may have locked it. Way out: {lines}. Then plan again."
        )
    return Refusal(f"{bucket} is a bucket of {ctx.account_id}, but may not be read: {error.hint}")


def owner(ctx: Context) -> dict[str, str]:
    """The parameter that makes S3 refuse a bucket that is not this account's."""
    return {"ExpectedBucketOwner": ctx.account_id}


def call(ctx: Context, operation: str, bucket: str, **params: Any) -> Call:
    """A call on a bucket of this account, in its Region."""
    return Call("s3", operation, {"Bucket": bucket, **params, **owner(ctx)}, region(ctx, bucket))


def policy_read(ctx: Context, bucket: str) -> Read:
    """How the bucket policy is read; `None` where there is none."""
    return bucket_state.policy_of(call(ctx, "GetBucketPolicy", bucket))


def policy_text(ctx: Context, bucket: str) -> str | None:
    """The bucket policy to the letter, as undo puts it back; `None` where there is none.

    Raises:
        AwsError: It could not be read.
    """
    read = policy_read(ctx, bucket).call
    try:
        return str(ctx.ask(read.service, read.operation, read.params, read.region)["Policy"])
    except AwsError as error:
        if error.code == "NoSuchBucketPolicy":
            return None
        raise


def block_read(ctx: Context, bucket: str) -> Read:
    """How Block Public Access of the bucket is read; `None` where it was never set."""
    return bucket_state.block_of(call(ctx, "GetPublicAccessBlock", bucket))


def acl_read(ctx: Context, bucket: str) -> Read:
    """How the ACL is read: owner and grants, without the display names that S3 no longer gives reliably."""
    return bucket_state.acl_of(call(ctx, "GetBucketAcl", bucket))


def ownership_read(ctx: Context, bucket: str) -> Read:
    """How the ownership mode is read; `None` where it was never set, which works as ObjectWriter."""
    absent = ("OwnershipControlsNotFoundError",)
    return Read(call(ctx, "GetBucketOwnershipControls", bucket), "OwnershipControls.Rules[0].ObjectOwnership", absent)


def account_block(ctx: Context) -> dict[str, bool] | None:
    """Block Public Access of the account; `None` where it is not set or may not be read."""
    read = Read(
        Call("s3control", "GetPublicAccessBlock", {"AccountId": ctx.account_id}),
        "PublicAccessBlockConfiguration",
        ("NoSuchPublicAccessBlockConfiguration",),
    )
    try:
        found: dict[str, bool] | None = ctx.state(read)
    except AwsError as error:
        if not error.denied:
            raise
        return None
    return found
