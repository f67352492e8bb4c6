"""The table of actions: what it holds, what an action can be asked for, what it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import s3ir_tui.policy
from s3ir_tui.policy import reference
from s3ir_tui.policy.reference import ActionFacts

TABLE = Path(s3ir_tui.policy.__file__).with_name("reference.json")


def facts(name: str) -> ActionFacts:
    known = reference.action(name)
    assert known is not None, name
    return known


def test_an_action_is_found_in_any_case() -> None:
    assert facts("S3:getobject").name == "s3:GetObject"


def test_an_action_that_does_not_exist_is_told_from_a_service_that_is_not_in_the_table() -> None:
    assert reference.action("s3:GetObjects") is None
    assert reference.known_service("S3")
    assert not reference.known_service("gamelift")


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("s3:GetObject", "Read"),
        ("s3:ListBucket", "List"),
        ("s3:DeleteObject", "Write"),
        ("s3:PutBucketPolicy", "Permissions management"),
        ("s3:PutObjectTagging", "Tagging"),
    ],
)
def test_access_levels_are_those_of_the_reference(name: str, level: str) -> None:
    assert facts(name).level == level


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        ("s3:GetObject", "arn:aws:s3:::b/*"),
        ("s3:GetObject", "arn:aws:s3:::b*"),
        ("s3:GetObject", "arn:aws:s3:::b/home/${aws:username}/*"),
        ("s3:GetObject", "arn:aws:s3:eu-west-1:111122223333:accesspoint/door/object/*"),
        ("s3:GetObject", "arn:aws-cn:s3:::b/key"),
        ("s3:GetObject", "*"),
        ("s3:ListBucket", "arn:aws:s3:::b"),
        ("s3:ListBucket", "arn:aws:s3:::*"),
        ("s3:CreateAccessPoint", "arn:aws:s3:eu-west-1:111122223333:accesspoint/door"),
        ("s3:ListAllMyBuckets", "arn:aws:s3:::*"),
        ("iam:AddUserToGroup", "arn:aws:iam::111122223333:group/staff/readers"),
        ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:alarms"),
        ("ec2:StopInstances", "arn:aws:ec2:*:111122223333:instance/*"),
        ("logs:FilterLogEvents", "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/f:*"),
    ],
)
def test_an_action_fits_what_it_can_be_asked_for(name: str, arn: str) -> None:
    assert facts(name).fits(arn)


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        ("s3:GetObject", "arn:aws:s3:::b"),
        ("s3:ListBucket", "arn:aws:s3:::b/*"),
        ("s3:CreateAccessPoint", "arn:aws:s3:::b"),
        ("s3:CreateAccessPoint", "arn:aws:s3:::b/*"),
        ("s3:ListAllMyBuckets", "arn:aws:s3:::b"),
        ("iam:AddUserToGroup", "arn:aws:iam::111122223333:user/alice"),
        ("sqs:SendMessage", "arn:aws:sns:eu-west-1:111122223333:alarms"),
        ("sts:GetCallerIdentity", "arn:aws:iam::111122223333:user/alice"),
    ],
)
def test_an_action_does_not_fit_another_kind_of_resource(name: str, arn: str) -> None:
    assert not facts(name).fits(arn)


def test_wildcards_name_every_action_that_they_match() -> None:
    names = {item.name for item in reference.actions("s3:*BucketPolicy")}
    assert names == {"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"}
    assert {item.service for item in reference.actions("*")} == set(reference.services())
    assert reference.actions("gamelift:*") == ()


def test_required_resources_are_told_from_those_that_may_be_named() -> None:
    required = {item.name for item in facts("ec2:RunInstances").resource_types if item.required}
    assert {"image", "instance", "subnet"} <= required
    assert "key-pair" not in required


def test_an_arn_is_made_from_its_template() -> None:
    (queue,) = facts("sqs:SendMessage").resource_types
    made = queue.arn(Region="eu-west-1", Account="111122223333", QueueName="alarms")
    assert made == "arn:aws:sqs:eu-west-1:111122223333:alarms"
    with pytest.raises(KeyError):
        queue.arn(Region="eu-west-1")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("s3:ListBucket", "s3:prefix"),
        ("s3:GetObject", "S3:ExistingObjectTag/class"),
        ("s3:GetObject", "s3:TlsVersion"),
        ("s3:PutObject", "s3:x-amz-server-side-encryption"),
        ("s3:GetObject", "s3:DataAccessPointAccount"),
        ("s3:GetObject", "aws:SourceIp"),
        ("kms:Decrypt", "kms:EncryptionContext:aws:s3:arn"),
        ("ec2:RunInstances", "ec2:InstanceType"),
    ],
)
def test_condition_keys_of_an_action_are_known(name: str, key: str) -> None:
    assert facts(name).takes(key)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("s3:GetObject", "s3:prefix"),
        ("s3:GetBucketAcl", "s3:prefix"),
        ("s3:GetObject", "s3:ExistingObjectTag"),
        ("s3:ListBucket", "s3:x-amz-acl"),
    ],
)
def test_condition_keys_of_other_actions_are_not_taken(name: str, key: str) -> None:
    assert not facts(name).takes(key)


def test_every_action_of_the_table_can_be_read() -> None:
    known = reference.actions("*")
    assert len(known) > 3500
    for item in known:
        assert item.level in ("List", "Read", "Write", "Tagging", "Permissions management")
        assert all(template.startswith("arn:${Partition}:") for template in item.arns), item.name


def test_the_table_stays_small_and_is_not_read_by_an_import() -> None:
    assert TABLE.stat().st_size < 500_000
    program = "import s3ir_tui.policy.reference as r; assert not r._table.cache_info().currsize"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
