"""Principals that no policy of IAM in this account can cut: what the console can do now, and what to do elsewhere.

A session of IAM Identity Center has a role that IAM does not let anyone edit; the root user has no policy at all. What
this console can do is to deny them on the buckets. The other steps are outside of it: they are named with the lines for
the AWS CLI, in their order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from actions import who
from actions.context import Context
from actions.subjects import Subject
from s3ir_tui.text import clean, short_arn


def of_identity_center(role: str, ctx: Context) -> bool:
    """Whether a role is one of a permission set of IAM Identity Center."""
    return str(ctx.role(role).get("Path") or "/").startswith(who.SSO_ROLES)


def identity_center(role: str, users: Iterable[str], ctx: Context) -> tuple[str, ...]:
    """The steps that end a user of IAM Identity Center, in their order.

    Source: IAM Identity Center User Guide, "Revoke active IAM role sessions created by permission sets": the deny comes
    first, since open sessions of roles last up to 12 hours, and disabling the user before its session is deleted makes
    that session impossible to end. `aws:userid` changes with the user's name, `identitystore:UserId` does not.

    Args:
        role: Name of the permission set's role.
        users: Names of its sessions: each is the name of a user there.
        ctx: The look at the world.
    """
    named = [clean(name) for name in users] or ["USER"]
    user = named[0]
    deny = _deny_all("StringEquals", "identitystore:UserId", "USER_ID")
    lines = (
        "aws sso-admin list-instances; aws identitystore list-users --identity-store-id STORE --filters "
        f"AttributePath=UserName,AttributeValue={user} gives USER_ID",
        f"{_scp(deny)} (management account; not enforced on the management account itself)",
        "aws sso-admin list-account-assignments-for-principal --instance-arn INSTANCE --principal-type USER "
        "--principal-id USER_ID, then aws sso-admin delete-account-assignment --instance-arn INSTANCE --target-type "
        f"AWS_ACCOUNT --target-id {ctx.account_id} --permission-set-arn SET --principal-type USER "
        "--principal-id USER_ID; its groups: aws identitystore list-group-memberships-for-member and "
        "delete-group-membership",
        "disable the user at the identity provider, if that is not Identity Center itself",
        "Identity Center console, Users, Active sessions: delete the portal session. Only then disable the user there",
        "keep the denies for 12 hours at least: sessions of roles live that long",
    )
    head = f"{who.names(named)} of {role} comes from IAM Identity Center, whose roles cannot be edited in IAM"
    return (f"{head}. Outside of this console, in this order:", *_numbered(lines))


def root(ctx: Context) -> tuple[str, ...]:
    """The steps against a stolen root user, in their order.

    Source: IAM User Guide, "Centrally manage root access for member accounts" and "Perform a privileged task on an AWS
    Organizations member account".
    """
    account, partition = ctx.account_id, ctx.account.partition
    task = f"arn:{partition}:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"
    deny = _deny_all("StringLike", "aws:PrincipalArn", f"arn:{partition}:iam::*:root")
    lines = (
        f"{_scp(deny)} (management account; holds for member accounts)",
        f"from the management account: aws sts assume-root --region {ctx.account.region} --target-principal {account} "
        f"--task-policy-arn arn={task} --duration-seconds 900, and with those credentials aws iam list-access-keys, "
        "aws iam delete-access-key --access-key-id KEY, aws iam delete-login-profile, aws iam list-mfa-devices, "
        "aws iam deactivate-mfa-device --serial-number SERIAL",
        "or, where the account is in no organization: sign in as root, delete its access keys, change password, e-mail "
        "password and MFA; without access, AWS Support (account recovery)",
    )
    head = f"root of {account} has no policy that could be edited, and may always put and delete bucket policies"
    return (f"{head}. Outside of this console, in this order:", *_numbered(lines))


def federated(session: Subject, owners: Iterable[str]) -> tuple[str, ...]:
    """What is to be known of a session of GetFederationToken.

    Source: STS API reference, GetFederationToken: its permissions are the intersection of the policy that was passed
    and those of the user that made it, so that a deny of that user reaches it.
    """
    names = who.names(owners)
    if names:
        return (f"{short_arn(session.id)} was made by {names}: the deny of that user reaches it as well",)
    return (
        f"who made {short_arn(session.id)} is not in the trail: look for GetFederationToken with that name (aws "
        "cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=GetFederationToken), then "
        "contain.deny-user for the user that made it",
    )


def unknown(item: Subject) -> tuple[str, ...]:
    """What to do about a principal without an ARN, such as one of Identity Center's own service."""
    return (
        f"{clean(item.id)} has no ARN that a policy could deny. If it is a user of IAM Identity Center: find the role "
        "of its sessions (AWSReservedSSO_...) in the trail and choose that session",
    )


def _deny_all(operator: str, key: str, value: str) -> str:
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {operator: {key: value}}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def _scp(content: str) -> str:
    return (
        "aws organizations create-policy --type SERVICE_CONTROL_POLICY --name S3irDeny --description incident "
        f"--content '{content}', then aws organizations attach-policy --policy-id POLICY --target-id ROOT_OR_ACCOUNT"
    )


def _numbered(lines: Iterable[str]) -> list[str]:
    return [f"{number}. {line}" for number, line in enumerate(lines, 1)]
