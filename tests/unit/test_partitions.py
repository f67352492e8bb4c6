"""In GovCloud, China and the European Sovereign Cloud, ARNs that are worked out of events are of their partition."""

from __future__ import annotations

from typing import Any

import pytest
from trail_world import ACCOUNT, OUTSIDE, event, user

from s3ir_tui.policy import Caller
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.credentials import made
from s3ir_tui.trail.doors import opened

REGIONS = [
    ("aws-us-gov", "us-gov-west-1"),
    ("aws-cn", "cn-north-1"),
    ("aws-eusc", "eusc-de-east-1"),
    ("aws", "eu-central-1"),
]


def caller(partition: str) -> dict[str, Any]:
    return user() | {"arn": f"arn:{partition}:iam::{ACCOUNT}:user/bob"}


@pytest.mark.parametrize(("partition", "region"), REGIONS)
def test_users_and_roles_that_are_made_are_of_the_partition(partition: str, region: str) -> None:
    who: dict[str, Any] = {"service": "iam", "awsRegion": region}
    for by in (caller(partition), {"type": "AWSAccount", "accountId": OUTSIDE, "principalId": "AIDAOUT"}):
        (user_door,) = opened(event("CreateUser", by, params={"userName": "eve"}, **who))
        assert user_door.ident == f"arn:{partition}:iam::{ACCOUNT}:user/eve"
        (role_door,) = opened(event("CreateRole", by, params={"roleName": "eve"}, **who))
        assert role_door.ident == f"arn:{partition}:iam::{ACCOUNT}:role/eve"


@pytest.mark.parametrize(("partition", "region"), REGIONS)
def test_sessions_that_are_made_are_of_the_partition(partition: str, region: str) -> None:
    answer = {"credentials": {"accessKeyId": "ASIANEW0000000000001"}}
    given: dict[str, Any] = {"service": "sts", "answer": answer, "awsRegion": region}
    federated = made(event("GetFederationToken", caller(partition), params={"name": "eve"}, **given))
    assert federated is not None
    assert federated.principal == f"arn:{partition}:sts::{ACCOUNT}:federated-user/eve"
    root = made(event("AssumeRoot", caller(partition), params={"targetPrincipal": OUTSIDE}, **given))
    assert root is not None
    assert root.principal == f"arn:{partition}:iam::{OUTSIDE}:root"


def test_a_user_whose_key_leaked_in_govcloud_is_the_one_that_calls_there() -> None:
    """AWS attaches its quarantine to the user: the note about it and the calls of the user are one principal."""
    analysis = Analysis()
    quarantine = {"userName": "bob", "policyArn": "arn:aws-us-gov:iam::aws:policy/AWSCompromisedKeyQuarantineV3"}
    analysis.add(
        [
            event("ListBuckets", caller("aws-us-gov"), awsRegion="us-gov-west-1"),
            event("AttachUserPolicy", caller("aws-us-gov"), service="iam", params=quarantine),
        ]
    )
    assert [item.id for item in analysis.principals()] == [f"arn:aws-us-gov:iam::{ACCOUNT}:user/bob"]


def test_root_is_of_the_partition_of_its_session() -> None:
    root = Caller(account=ACCOUNT, root=True, session_arn=f"arn:aws-us-gov:sts::{ACCOUNT}:assumed-role/x/y")
    assert root.principal_arn == f"arn:aws-us-gov:iam::{ACCOUNT}:root"
