"""Access points are reached by ARN and by alias, and their policies, networks and blocks hold beside the bucket's."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from account_world import World, allow, arns, deny, document, refusal
from botocore.config import Config

from s3ir_tui.gameday.process import OUTSIDE, VICTIM

POINT = f"arn:aws:s3:us-east-1:{VICTIM}:accesspoint/door"


def through(statement: dict[str, Any]) -> str:
    """An access point policy of one statement."""
    return document(statement | {"Resource": [POINT, f"{POINT}/object/*"]})


def delegation(bucket: str = "payroll") -> dict[str, Any]:
    """The statement by which a bucket leaves decisions to the access points of its account."""
    condition = {"Condition": {"StringEquals": {"s3:DataAccessPointAccount": VICTIM}}}
    return allow("s3:*", arns(bucket), Principal={"AWS": "*"}, **condition)


@pytest.fixture
def control(world: World) -> Any:
    """A client of the owner of the bucket and of the access point."""
    world.bucket("payroll", key=b"x")
    control = world.client("s3control", world.user("owner", allow("s3:*")))
    control.create_access_point(AccountId=VICTIM, Name="door", Bucket="payroll")
    return control


def alias(control: Any) -> str:
    """The alias of the access point."""
    found: str = control.get_access_point(AccountId=VICTIM, Name="door")["Alias"]
    return found


def test_an_object_is_written_read_and_deleted_by_arn_and_by_alias(world: World, control: Any) -> None:
    bob = world.client("s3", world.user("bob", allow("s3:*")))
    for number, name in enumerate((POINT, alias(control))):
        key = f"new {number}/ü"
        bob.put_object(Bucket=name, Key=key, Body=b"y")
        assert bob.get_object(Bucket=name, Key=key)["Body"].read() == b"y"
        assert bob.get_object(Bucket="payroll", Key=key)["Body"].read() == b"y"
        assert key in [item["Key"] for item in bob.list_objects_v2(Bucket=name)["Contents"]]
        bob.delete_object(Bucket=name, Key=key)
        assert refusal(bob.get_object, Bucket=name, Key=key) == "NoSuchKey"
        assert refusal(bob.get_bucket_versioning, Bucket=name) == "MethodNotAllowed"
    assert refusal(bob.get_object, Bucket=alias(control) + "x", Key="key") == "NoSuchBucket"


def test_plain_boto3_reaches_it_with_the_account_as_its_proxy(world: World, control: Any) -> None:
    access = world.user("bob", allow("s3:*"))
    session = boto3.session.Session(access["AccessKeyId"], access["SecretAccessKey"], region_name="us-east-1")
    url = world.server.endpoint_url
    config = Config(proxies={"http": url})
    s3 = session.client("s3", endpoint_url=url, config=config)
    plain = session.client("s3control", endpoint_url=url, config=config)
    assert s3.get_object(Bucket=POINT, Key="key")["Body"].read() == b"x"
    assert s3.get_object(Bucket=alias(control), Key="key")["Body"].read() == b"x"
    points = plain.list_access_points(AccountId=VICTIM, Bucket="payroll")["AccessPointList"]
    assert [(item["Name"], item["NetworkOrigin"], item["AccessPointArn"]) for item in points] == [
        ("door", "Internet", POINT)
    ]
    plain.put_public_access_block(AccountId=VICTIM, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert plain.get_public_access_block(AccountId=VICTIM)["PublicAccessBlockConfiguration"]["BlockPublicAcls"] is True


def test_access_point_and_bucket_must_both_allow_and_either_can_deny(world: World, control: Any) -> None:
    eve = world.client("s3", world.user("eve", allow("s3:*"), account=OUTSIDE))
    named = allow("s3:GetObject", Principal={"AWS": OUTSIDE})
    assert refusal(eve.get_object, Bucket=POINT, Key="key") == "AccessDenied"
    control.put_access_point_policy(AccountId=VICTIM, Name="door", Policy=through(named))
    assert refusal(eve.get_object, Bucket=POINT, Key="key") == "AccessDenied"
    world.s3.delete_public_access_block(Bucket="payroll")
    world.policy("payroll", delegation())
    assert refusal(eve.get_object, Bucket=POINT, Key="key") == ""
    assert refusal(eve.get_object, Bucket="payroll", Key="key") == "AccessDenied"
    assert refusal(eve.put_object, Bucket=POINT, Key="key", Body=b"") == "AccessDenied"
    world.policy("payroll", delegation(), deny("s3:GetObject", arns("payroll")[1], Principal={"AWS": OUTSIDE}))
    assert refusal(eve.get_object, Bucket=POINT, Key="key") == "AccessDenied"
    world.policy("payroll", delegation())
    control.delete_access_point_policy(AccountId=VICTIM, Name="door")
    assert refusal(eve.get_object, Bucket=alias(control), Key="key") == "AccessDenied"


def test_a_bucket_can_be_closed_to_all_but_its_access_points(world: World, control: Any) -> None:
    bob = world.client("s3", world.user("bob", allow("s3:GetObject")))
    condition = {"Condition": {"StringNotEquals": {"s3:DataAccessPointArn": POINT}}}
    world.policy("payroll", deny("s3:GetObject", arns("payroll")[1], Principal="*", **condition))
    assert refusal(bob.get_object, Bucket="payroll", Key="key") == "AccessDenied"
    assert refusal(bob.get_object, Bucket=POINT, Key="key") == ""
    control.put_access_point_policy(AccountId=VICTIM, Name="door", Policy=through(deny("s3:GetObject", Principal="*")))
    assert refusal(bob.get_object, Bucket=POINT, Key="key") == "AccessDenied"


def test_the_block_of_an_access_point_holds(world: World, control: Any) -> None:
    public = through(allow("s3:GetObject", Principal="*"))
    put = control.put_access_point_policy
    assert refusal(put, AccountId=VICTIM, Name="door", Policy=public) == "AccessDenied"
    open_block = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False
    )
    control.delete_access_point(AccountId=VICTIM, Name="door")
    control.create_access_point(
        AccountId=VICTIM, Name="door", Bucket="payroll", PublicAccessBlockConfiguration=open_block
    )
    world.s3.delete_public_access_block(Bucket="payroll")
    world.policy("payroll", delegation())
    assert refusal(put, AccountId=VICTIM, Name="door", Policy=public) == ""
    assert control.get_access_point_policy_status(AccountId=VICTIM, Name="door")["PolicyStatus"]["IsPublic"] is True
    anonymous = world.client("s3")
    assert refusal(anonymous.get_object, Bucket=alias(control), Key="key") == ""
    restrict = open_block | {"RestrictPublicBuckets": True}
    world.server.admin("s3control").put_public_access_block(AccountId=VICTIM, PublicAccessBlockConfiguration=restrict)
    assert refusal(anonymous.get_object, Bucket=alias(control), Key="key") == "AccessDenied"


def test_an_access_point_of_a_vpc_takes_nothing_from_the_internet(world: World, control: Any) -> None:
    inner = POINT.replace("door", "inner")
    control.create_access_point(
        AccountId=VICTIM, Name="inner", Bucket="payroll", VpcConfiguration={"VpcId": "vpc-0123456789abcdef0"}
    )
    bob = world.client("s3", world.user("bob", allow("s3:*")))
    assert refusal(bob.get_object, Bucket=inner, Key="key") == "AccessDenied"
    shown = control.get_access_point(AccountId=VICTIM, Name="inner")
    assert (shown["NetworkOrigin"], shown["VpcConfiguration"]["VpcId"]) == ("VPC", "vpc-0123456789abcdef0")
    names = [item["Name"] for item in control.list_access_points(AccountId=VICTIM)["AccessPointList"]]
    assert names == ["door", "inner"]


def test_permissions_for_access_points_are_asked_for_their_arn(world: World, control: Any) -> None:
    bob = world.client("s3control", world.user("bob", allow("s3:GetAccessPoint", POINT)))
    assert refusal(bob.get_access_point, AccountId=VICTIM, Name="door") == ""
    assert refusal(bob.get_access_point, AccountId=VICTIM, Name="other") == "AccessDenied"
    assert refusal(bob.delete_access_point, AccountId=VICTIM, Name="door") == "AccessDenied"
    gone = {"AccountId": VICTIM, "Name": "gone"}
    assert refusal(control.get_access_point, **gone) == "NoSuchAccessPoint"
    policy = {"AccountId": VICTIM, "Name": "door"}
    assert refusal(control.get_access_point_policy, **policy) == "NoSuchAccessPointPolicy"
    again = {"AccountId": VICTIM, "Name": "door", "Bucket": "payroll"}
    assert refusal(control.create_access_point, **again) == "AccessPointAlreadyOwnedByYou"
    unknown = through(allow("s3:GetObject", Principal={"AWS": f"arn:aws:iam::{VICTIM}:user/nobody"}))
    assert refusal(control.put_access_point_policy, **policy, Policy=unknown) == "MalformedPolicy"


def test_the_id_of_a_deleted_user_is_no_principal(world: World, control: Any) -> None:
    s3 = world.client("s3", world.user("bob", allow("s3:*")))
    gone = allow("s3:GetObject", arns("payroll")[1], Principal={"AWS": "AIDAQ3EGRIOKEXAMPLE00"})
    assert refusal(s3.put_bucket_policy, Bucket="payroll", Policy=document(gone)) == "MalformedPolicy"
