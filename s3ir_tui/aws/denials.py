"""Why AWS denied a call, by the reason in its message, and the way out that fits that reason.

Source: IAM User Guide, "Troubleshoot access denied error messages" (`because no ... allows`, `with an explicit deny in
a ...`); S3 User Guide, "Troubleshoot access denied (403 Forbidden) errors".
"""

from __future__ import annotations

import re

from s3ir_tui.text import clean

RESOURCE = "resource-based policy"

_ACTION = re.compile(r"perform: ([a-z0-9-]+:\w+)")
_RESOURCE = re.compile(r"on resource: \"?(arn:[^\s\"]+)")
_CALLER = re.compile(r"User: arn:[a-z-]+:(?:iam|sts)::(\d{12}):")
_EXPLICIT = re.compile(r"explicit deny in an? ([a-zA-Z][a-zA-Z -]*?(?:policy|boundary))")
_IMPLICIT = re.compile(r"because no ([a-zA-Z][a-zA-Z -]*?(?:policy|boundary)) allows")
_OF_ORGANIZATION = ("service control policy", "resource control policy")


def unlock_lines(bucket: str, account: str, partition: str = "aws") -> tuple[str, ...]:
    """How a bucket whose policy denies its own account is opened again, as AWS CLI lines with a remark before each.

    Source: S3 API reference, DeleteBucketPolicy: the root user of the owner may always read, put and delete the policy,
    also where that policy denies it; IAM User Guide, "Perform a privileged task on a member account": `AssumeRoot`, at
    a regional endpoint, for 900 s at most.

    Args:
        bucket: Its name.
        account: The account that owns it, or "".
        partition: AWS's partition of the account.
    """
    task = f"arn:{partition}:iam::aws:policy/root-task/S3UnlockBucketPolicy"
    return (
        f"as the root user of {account or 'the account'}: aws s3api get-bucket-policy --bucket {bucket}, then "
        f"aws s3api delete-bucket-policy --bucket {bucket} (or put-bucket-policy with what is right)",
        "or, for a member account, from the management account: aws sts assume-root --region us-east-1 "
        f"--target-principal {account or 'ACCOUNT'} --task-policy-arn arn={task} --duration-seconds 900, and with "
        f"those credentials aws s3api delete-bucket-policy --bucket {bucket}",
    )


def reason(message: str) -> str:
    """The kind of policy whose explicit deny a message names, or ""."""
    found = _EXPLICIT.search(message)
    return found[1] if found else ""


def hint(message: str, operation: str) -> str:
    """What a denial means and what to do next.

    Args:
        message: AWS's message.
        operation: Service and operation, for messages that do not name the action: `s3:PutBucketPolicy`.
    """
    named = _ACTION.search(message)
    action = named[1] if named else operation
    if "the BlockPublicPolicy block public access setting" in message:
        return (
            "The policy is public, and BlockPublicPolicy of the bucket or account refuses that: take the public "
            "statement out of it. No permission is missing."
        )
    if "MultiFactorAuthentication" in message:
        return "The MFA code was wrong or used already, or MFA is asked for: give the next code of the device."
    if kind := reason(message):
        return _explicit(kind, action, message)
    found = _IMPLICIT.search(message)
    if found and found[1] != "identity-based policy":
        return _implicit(found[1], action)
    return f"The caller lacks {action}: use a role that may do this, or have it granted."


def _explicit(kind: str, action: str, message: str) -> str:
    says = f"A {kind} denies {action} explicitly; a grant does not help."
    if kind == RESOURCE:
        return f"{says} {_of_resource(message)}"
    if kind in _OF_ORGANIZATION:
        return f"{says} It is the organization's: whoever administers it (management account) can except this role."
    if kind == "permissions boundary":
        return f"{says} Use an identity without that boundary, or have the boundary changed."
    if kind == "session policy":
        return f"{says} It came with this session: sign in again without it."
    if kind == "VPC endpoint policy":
        return f"{says} Use another network path, or have the endpoint's policy changed."
    return f"{says} It stands with the caller's own user, role or group: use an identity that it does not deny."


def _of_resource(message: str) -> str:
    resource, caller = _RESOURCE.search(message), _CALLER.search(message)
    arn = resource[1] if resource else ""
    if ":s3:::" not in arn:
        return "Use an identity that it does not deny, or have the policy of that resource changed."
    bucket, account = clean(arn.split(":::", 1)[1].split("/", 1)[0]), caller[1] if caller else ""
    lines = "; ".join(unlock_lines(bucket, account, arn.split(":")[1]))
    return f"Use an identity that it does not deny. Where it denies the whole account: {lines}."


def _implicit(kind: str, action: str) -> str:
    if kind in _OF_ORGANIZATION:
        return f"No {kind} of the organization allows {action}: whoever administers it can, or use another account."
    ways = {
        "session policy": "sign in again without the policy that came with this session",
        "permissions boundary": "use an identity without that boundary, or have the boundary changed",
        RESOURCE: "the resource's owner has to grant it",
        "role trust policy": "the role's trust policy has to name this identity",
    }
    return f"No {kind} allows {action}: {ways.get(kind, 'use another way in, or have it granted')}."
