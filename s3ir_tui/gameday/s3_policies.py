"""What S3 checks before it stores a policy: its shape and size, its principals, whether it is public."""

from __future__ import annotations

from s3ir_tui import policy
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import access_denied
from s3ir_tui.gameday.principals import unknown_principal
from s3ir_tui.gameday.wire import Call, Refused


def check_bucket_policy(call: Call) -> str:
    """The text of the policy that PutBucketPolicy sets.

    Raises:
        Refused: S3 would not store it.
    """
    text = call.body.decode(errors="replace")
    try:
        if policy.measure(text) > policy.BUCKET_POLICY_LIMIT:
            message = (
                f"Normalized policy document exceeds the maximum allowed size of {policy.BUCKET_POLICY_LIMIT} bytes"
            )
            raise Refused("PolicyTooLarge", message, 400)
        policy.validate(text, "bucket", bucket=str(call.params["Bucket"]))
        if unknown_principal(text):
            raise Refused("MalformedPolicy", "Invalid principal in policy", 400)
    except policy.PolicyError as error:
        raise Refused("MalformedPolicy", str(error), 400) from None
    return text


def blocked_by_public_access(who: Who, resource: str, action: str, what: str, flag: str) -> Refused:
    """The refusal of what a setting of Block Public Access blocks, in AWS's words."""
    return access_denied(
        who, action, resource, f"because {what} are blocked by the {flag} block public access setting."
    )
