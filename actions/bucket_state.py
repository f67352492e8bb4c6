"""How states of a bucket are read, and an ACL as it can be sent, from names alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from actions.plan import Call, Read

_ACL = (
    "{Owner: {ID: Owner.ID}, Grants: Grants[].{Grantee: {Type: Grantee.Type, ID: Grantee.ID, URI: Grantee.URI}, "
    "Permission: Permission}}"
)


def policy_of(call: Call) -> Read:
    """How the bucket policy is read; `None` where there is none.

    Args:
        call: Bucket, its owner and its Region; the operation does not count.
    """
    return Read(replace(call, operation="GetBucketPolicy"), "Policy", ("NoSuchBucketPolicy",), document=True)


def block_of(call: Call) -> Read:
    """How Block Public Access of the bucket is read; `None` where it was never set."""
    absent = ("NoSuchPublicAccessBlockConfiguration",)
    return Read(replace(call, operation="GetPublicAccessBlock"), "PublicAccessBlockConfiguration", absent)


def acl_of(call: Call) -> Read:
    """How the ACL is read: owner and grants, without the display names that S3 no longer gives reliably."""
    return Read(replace(call, operation="GetBucketAcl"), _ACL)


def sendable_acl(acl: dict[str, Any]) -> dict[str, Any]:
    """An ACL as read, as PutBucketAcl takes it."""
    grants = [
        {**grant, "Grantee": {name: value for name, value in grant["Grantee"].items() if value is not None}}
        for grant in acl["Grants"]
    ]
    return {"Owner": acl["Owner"], "Grants": grants}
