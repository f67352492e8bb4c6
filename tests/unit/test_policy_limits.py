"""Policies that only limit, keys and roles that must grant, and callers named by more than an ARN."""

from __future__ import annotations

from typing import Any

import pytest

from s3ir_tui.policy import Caller, Decision, Effect, Policies, Request, authorize, evaluate
from s3ir_tui.policy.authorization import authorize_through_access_point

OWNER, OTHER = "111122223333", "999988887777"
USER_ARN, ROLE_ARN = f"arn:aws:iam::{OWNER}:user/ann", f"arn:aws:iam::{OWNER}:role/web"
FEDERATED_ARN = f"arn:aws:sts::{OWNER}:federated-user/ann"
USER = Caller(account=OWNER, arn=USER_ARN, unique_id="AIDAANN")
FEDERATED = Caller(account=OWNER, arn=USER_ARN, session_arn=FEDERATED_ARN, unique_id=f"{OWNER}:ann")
ROOT = Caller(account=OWNER, root=True, unique_id=OWNER)
STRANGER = Caller(account=OTHER, arn=f"arn:aws:iam::{OTHER}:user/eve", canonical_id="c0ffee")
GET, OBJECT = "s3:GetObject", "arn:aws:s3:::payroll/2026.csv"
KEY = f"arn:aws:kms:eu-west-1:{OWNER}:key/k"


def document(effect: str, action: str = "*", principal: Any = None, **more: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": effect, "Action": action, "Resource": "*", **more}
    return {"Version": "2012-10-17", "Statement": [statement | ({"Principal": principal} if principal else {})]}


ALLOW, DENY, EMPTY = document("Allow"), document("Deny"), {"Version": "2012-10-17", "Statement": []}


def decide(caller: Caller, action: str = GET, asked: str = OBJECT, grant: bool = False, **policies: Any) -> Decision:
    found = Policies(**{"resource_owner": OWNER, "identity": (ALLOW,), **policies})
    return authorize(Request(action, asked, caller), found, grant_allows=grant)


FULL, ONLY_EC2 = (ALLOW,), (document("Allow", "ec2:*"),)


@pytest.mark.parametrize(
    ("levels", "allowed"),
    [
        ((FULL,), True),
        ((FULL, FULL, FULL), True),
        ((FULL, ONLY_EC2), False),
        ((ONLY_EC2, FULL), False),
        ((FULL, (*ONLY_EC2, ALLOW)), True),
        ((FULL, ()), False),
        ((FULL, (ALLOW, DENY), FULL), False),
        ((), True),
    ],
)
def test_every_level_of_service_control_policies_must_allow(levels: Any, allowed: bool) -> None:
    assert decide(USER, scps=levels).allowed is allowed
    assert decide(ROOT, scps=levels).allowed is allowed


def test_resource_control_policies_deny_whoever_asks() -> None:
    outside = {"StringNotEqualsIfExists": {"aws:PrincipalAccount": OWNER}}
    rcp = document("Deny", "s3:*", "*", Condition=outside)
    both = {"resource": document("Allow", principal="*"), "rcps": (rcp,)}
    assert decide(USER, **both).allowed
    for caller in (STRANGER, Caller(anonymous=True)):
        denied = decide(caller, **both)
        assert denied.reason == "with an explicit deny in a resource control policy"


def test_a_vpc_endpoint_policy_must_allow_too() -> None:
    assert decide(USER, endpoint=document("Allow", "s3:*", "*")).allowed
    assert decide(USER, endpoint=document("Allow", "s3:Put*", "*")).reason == (
        "because no VPC endpoint policy allows the s3:GetObject action"
    )
    assert decide(USER, endpoint=document("Deny", "s3:*", "*")).explicit
    assert not decide(USER, endpoint=document("Allow", "s3:*", {"AWS": OWNER})).allowed
    assert decide(ROOT, endpoint=document("Allow", "s3:*", {"AWS": OWNER})).allowed


KEY_POLICIES = [
    ("no delegation", USER, document("Allow", "kms:*", {"AWS": ROLE_ARN}), {}, False),
    ("no delegation, root", ROOT, document("Allow", "kms:*", {"AWS": ROLE_ARN}), {}, False),
    ("delegates to the account", USER, document("Allow", "kms:*", {"AWS": OWNER}), {}, True),
    ("delegates, no identity policy", USER, document("Allow", "kms:*", {"AWS": OWNER}), {"identity": ()}, False),
    ("delegates, root", ROOT, document("Allow", "kms:*", {"AWS": OWNER}), {"identity": ()}, True),
    ("names the user", USER, document("Allow", "kms:*", {"AWS": USER_ARN}), {"identity": ()}, True),
    ("no delegation, grant", USER, document("Allow", "kms:*", {"AWS": ROLE_ARN}), {"grant": True}, True),
    ("grant, denied", USER, document("Deny", "kms:*", {"AWS": USER_ARN}), {"grant": True}, False),
    ("grant, no service control policy", USER, EMPTY, {"grant": True, "scps": (ONLY_EC2,)}, False),
    ("call about no key", USER, None, {}, True),
]


@pytest.mark.parametrize(("_case", "caller", "key", "more", "allowed"), KEY_POLICIES, ids=[c[0] for c in KEY_POLICIES])
def test_a_key_is_used_only_as_its_key_policy_says(
    _case: str, caller: Caller, key: Any, more: dict[str, Any], allowed: bool
) -> None:
    assert decide(caller, "kms:Decrypt", KEY, resource=key, **more).allowed is allowed


def test_root_never_assumes_a_role() -> None:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": OWNER}, "Action": "sts:AssumeRole"}]}
    assert decide(USER, "sts:AssumeRole", ROLE_ARN, resource=trust).allowed
    found = decide(ROOT, "sts:AssumeRole", ROLE_ARN, resource=trust)
    assert not found.allowed
    assert "root" in found.reason


@pytest.mark.parametrize("named", [OWNER, f"arn:aws:iam::{OWNER}:root"])
def test_an_account_id_does_not_name_a_federated_session(named: str) -> None:
    policy = document("Allow", "s3:*", {"AWS": named})
    assert not decide(FEDERATED, identity=(), resource=policy).allowed
    assert decide(FEDERATED, resource=policy).allowed
    assert evaluate(policy, Request(GET, OBJECT, FEDERATED), resource_policy=True).effect is Effect.ALLOW_ACCOUNT


def test_a_canonical_user_id_names_its_account() -> None:
    granted = document("Allow", "s3:*", {"CanonicalUser": "c0ffee"})
    assert decide(STRANGER, resource=granted).allowed
    assert not decide(STRANGER, resource=granted, identity=()).allowed
    assert not decide(STRANGER, resource=document("Allow", "s3:*", {"CanonicalUser": "beef"})).allowed
    assert not decide(Caller(account=OTHER, arn=STRANGER.arn), resource=granted).allowed
    both = document("Allow", "s3:*", {"AWS": STRANGER.arn})
    both["Statement"] += document("Deny", "s3:*", {"CanonicalUser": "c0ffee"})["Statement"]
    assert decide(STRANGER, resource=both).explicit


POINT = f"arn:aws:s3:eu-west-1:{OWNER}:accesspoint/door"
DELEGATED = document("Allow", "s3:*", {"AWS": "*"}, Condition={"StringEquals": {"s3:DataAccessPointAccount": OWNER}})


@pytest.mark.parametrize(
    ("at_point", "at_bucket", "allowed"),
    [
        (document("Allow", "s3:*", {"AWS": STRANGER.arn}), DELEGATED, True),
        (document("Allow", "s3:*", {"AWS": STRANGER.arn}), EMPTY, False),
        (EMPTY, DELEGATED, False),
        (document("Allow", "s3:*", {"AWS": STRANGER.arn}), document("Deny", "s3:*", "*"), False),
    ],
)
def test_through_an_access_point_both_policies_must_allow(at_point: Any, at_bucket: Any, allowed: bool) -> None:
    context = {"s3:DataAccessPointAccount": OWNER, "s3:DataAccessPointArn": POINT}
    found = authorize_through_access_point(
        Request(GET, f"{POINT}/object/2026.csv", STRANGER, context),
        Policies(identity=(ALLOW,), resource=at_point, resource_owner=OWNER),
        Request(GET, OBJECT, STRANGER, context),
        Policies(identity=(ALLOW,), resource=at_bucket, resource_owner=OWNER),
    )
    assert found.allowed is allowed
