"""What a denial means: by the reason that AWS's message gives, never a missing permission where none is missing."""

from __future__ import annotations

import pytest

from s3ir_tui.aws.errors import from_response

ME = "arn:aws:sts::111122223333:assumed-role/IRResponder/alice"
BUCKET = 'on resource: "arn:aws:s3:::payroll/x"'


def told(message: str, operation: str = "s3:PutBucketPolicy") -> str:
    return from_response(operation, {"Error": {"Code": "AccessDenied", "Message": message}}).hint


@pytest.mark.parametrize(
    ("ending", "says"),
    [
        ("with an explicit deny in a resource-based policy", "S3UnlockBucketPolicy"),
        ("with an explicit deny in a service control policy", "management account"),
        ("with an explicit deny in a resource control policy", "management account"),
        ("with an explicit deny in a permissions boundary", "without that boundary"),
        ("with an explicit deny in a session policy", "sign in again"),
        ("with an explicit deny in an identity-based policy", "use an identity that it does not deny"),
        ("with an explicit deny in a VPC endpoint policy", "network path"),
        (
            "because public policies are blocked by the BlockPublicPolicy block public access setting",
            "public statement",
        ),
        ("because no session policy allows the s3:PutBucketPolicy action", "sign in again"),
        ("because no permissions boundary allows the s3:PutBucketPolicy action", "without that boundary"),
        ("because no service control policy allows the s3:PutBucketPolicy action", "organization"),
        ("because no resource-based policy allows the s3:PutBucketPolicy action", "owner has to grant"),
    ],
)
def test_what_is_not_a_missing_permission_has_a_way_out_of_its_own(ending: str, says: str) -> None:
    hint = told(f"User: {ME} is not authorized to perform: s3:PutBucketPolicy {BUCKET} {ending}")
    assert says in hint
    assert "caller lacks" not in hint


@pytest.mark.parametrize(
    "message",
    [
        "Access Denied",
        f"User: {ME} is not authorized to perform: s3:PutBucketPolicy {BUCKET} because no identity-based"
        " policy allows the s3:PutBucketPolicy action",
    ],
)
def test_a_missing_permission_is_named(message: str) -> None:
    assert told(message).startswith("The caller lacks s3:PutBucketPolicy")


def test_a_wrong_mfa_code_is_no_missing_permission() -> None:
    message = "MultiFactorAuthentication failed with invalid MFA one time pass code."
    assert "next code of the device" in told(message, "sts:AssumeRole")


def test_a_locked_bucket_is_opened_with_exact_lines() -> None:
    hint = told(
        f"User: {ME} is not authorized to perform: s3:GetBucketPolicy {BUCKET} "
        "with an explicit deny in a resource-based policy"
    )
    assert "aws s3api delete-bucket-policy --bucket payroll" in hint
    assert "--target-principal 111122223333" in hint
    assert "--task-policy-arn arn=arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy" in hint
