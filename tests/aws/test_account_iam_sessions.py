"""Session tags and source identity: who may pass them, what they bring, how they go on through a chain of roles."""

from __future__ import annotations

from typing import Any

import pytest
from account_world import World, allow, arns, deny, document, refusal, trust

from s3ir_tui.gameday.process import VICTIM

ROOT = {"AWS": f"arn:aws:iam::{VICTIM}:root"}
TAGS = [{"Key": "team", "Value": "red"}]


def _trust(*actions: str, **more: Any) -> str:
    return document({"Effect": "Allow", "Action": list(actions), "Principal": ROOT, **more})


@pytest.fixture
def sts(world: World) -> Any:
    """STS as a user with every permission calls it."""
    return world.client("sts", world.user("boss", allow("*")))


@pytest.mark.parametrize(
    ("passed", "action"),
    [({"Tags": TAGS}, "sts:TagSession"), ({"SourceIdentity": "alice"}, "sts:SetSourceIdentity")],
)
def test_tags_and_source_identity_need_the_consent_of_the_trust_policy(
    world: World, sts: Any, passed: dict[str, Any], action: str
) -> None:
    plain = world.role("plain", trust(ROOT))
    open_role = world.role("open", _trust("sts:AssumeRole", action))
    asked = {"RoleSessionName": "one", **passed}
    assert refusal(sts.assume_role, RoleArn=plain, RoleSessionName="one") == ""
    assert refusal(sts.assume_role, RoleArn=plain, **asked) == "AccessDenied"
    assert refusal(sts.assume_role, RoleArn=open_role, **asked) == ""


def test_the_caller_needs_permission_to_tag_a_session(world: World) -> None:
    arn = world.role("worker", _trust("sts:AssumeRole", "sts:TagSession"))
    sts = world.client("sts", world.user("bob", allow("sts:AssumeRole")))
    assert refusal(sts.assume_role, RoleArn=arn, RoleSessionName="one") == ""
    assert refusal(sts.assume_role, RoleArn=arn, RoleSessionName="one", Tags=TAGS) == "AccessDenied"


def test_a_session_has_the_tags_that_were_passed_and_those_of_its_role(world: World, sts: Any) -> None:
    world.bucket("red", a=b"1")
    world.bucket("blue", a=b"1")
    by_tag = allow("s3:GetObject", "arn:aws:s3:::${aws:PrincipalTag/team}/*")
    own = [{"Key": "team", "Value": "blue"}]
    arn = world.role("worker", _trust("sts:AssumeRole", "sts:TagSession"), by_tag, Tags=own)

    def reads(bucket: str, **passed: Any) -> str:
        made = sts.assume_role(RoleArn=arn, RoleSessionName="one", **passed)["Credentials"]
        return refusal(world.client("s3", made).get_object, Bucket=bucket, Key="a")

    assert (reads("blue"), reads("red")) == ("", "AccessDenied")
    assert (reads("red", Tags=TAGS), reads("blue", Tags=TAGS)) == ("", "AccessDenied")


def test_a_deny_by_the_tag_of_a_user_holds(world: World) -> None:
    world.bucket("books", a=b"1")
    key = world.user("bob", allow("s3:*"))
    by_tag = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    world.policy("books", deny("s3:*", arns("books"), Principal="*", Condition=by_tag))
    s3 = world.client("s3", key)
    assert refusal(s3.get_object, Bucket="books", Key="a") == ""
    world.iam.tag_user(UserName="bob", Tags=TAGS)
    assert refusal(s3.get_object, Bucket="books", Key="a") == "AccessDenied"


def test_trust_policies_see_the_tags_of_the_request(world: World, sts: Any) -> None:
    only_red = {"StringEquals": {"aws:RequestTag/team": "red"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    arn = world.role("worker", _trust("sts:AssumeRole", "sts:TagSession", Condition=only_red))
    asked = {"RoleArn": arn, "RoleSessionName": "one"}
    assert refusal(sts.assume_role, **asked, Tags=TAGS) == ""
    assert refusal(sts.assume_role, **asked, Tags=[{"Key": "team", "Value": "blue"}]) == "AccessDenied"
    assert refusal(sts.assume_role, **asked, Tags=[*TAGS, {"Key": "more", "Value": "1"}]) == "AccessDenied"


def test_transitive_tags_and_source_identity_go_on_through_a_chain(world: World, sts: Any) -> None:
    every = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
    first = world.role("first", _trust(*every), allow("sts:*"))
    second = world.role("second", _trust(*every), allow("s3:*"))
    tags = [*TAGS, {"Key": "floor", "Value": "3"}]
    made = sts.assume_role(
        RoleArn=first, RoleSessionName="one", Tags=tags, TransitiveTagKeys=["team"], SourceIdentity="alice"
    )
    assert made["SourceIdentity"] == "alice"
    chained = world.client("sts", made["Credentials"])
    conflict = {"Tags": [{"Key": "Team", "Value": "blue"}]}
    assert refusal(chained.assume_role, RoleArn=second, RoleSessionName="two", **conflict) == "InvalidParameterValue"
    assert refusal(chained.assume_role, RoleArn=second, RoleSessionName="two", SourceIdentity="eve") == "AccessDenied"
    again = chained.assume_role(RoleArn=second, RoleSessionName="two")
    assert again["SourceIdentity"] == "alice"
    s3 = world.client("s3", again["Credentials"])
    world.bucket("books", a=b"1")
    kept = {"StringEquals": {"aws:PrincipalTag/team": "red", "aws:SourceIdentity": "alice"}}
    lost = {"Null": {"aws:PrincipalTag/floor": "true"}}
    world.policy("books", deny("s3:GetObject", arns("books"), Principal="*", Condition=kept | lost))
    assert refusal(s3.get_object, Bucket="books", Key="a") == "AccessDenied"
    s3.list_buckets()
    assumed = world.events("AssumeRole")[-1]["requestParameters"]
    assert assumed["incomingTransitiveTags"] == {"team": "red"}
    context = world.events("ListBuckets")[-1]["userIdentity"]["sessionContext"]
    assert context["sourceIdentity"] == "alice"


def test_a_chain_with_a_source_identity_needs_consent_of_both_sides(world: World, sts: Any) -> None:
    every = ("sts:AssumeRole", "sts:SetSourceIdentity")
    first = world.role("first", _trust(*every), allow("sts:AssumeRole"))
    second = world.role("second", trust(ROOT))
    third = world.role("third", _trust(*every))
    made = sts.assume_role(RoleArn=first, RoleSessionName="one", SourceIdentity="alice")["Credentials"]
    chained = world.client("sts", made)
    assert refusal(chained.assume_role, RoleArn=second, RoleSessionName="two") == "AccessDenied"
    assert refusal(chained.assume_role, RoleArn=third, RoleSessionName="two") == "AccessDenied"
    world.iam.put_role_policy(RoleName="first", PolicyName="more", PolicyDocument=document(allow(list(every))))
    assert refusal(chained.assume_role, RoleArn=third, RoleSessionName="two") == ""


def test_tags_that_are_not_valid_are_refused(world: World, sts: Any) -> None:
    arn = world.role("worker", _trust("sts:AssumeRole", "sts:TagSession"))
    asked = {"RoleArn": arn, "RoleSessionName": "one"}
    twice = [*TAGS, {"Key": "TEAM", "Value": "blue"}]
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(51)]
    assert refusal(sts.assume_role, **asked, Tags=twice) == "ValidationError"
    assert refusal(sts.assume_role, **asked, Tags=many) == "ValidationError"
    assert refusal(sts.assume_role, **asked, Tags=TAGS, TransitiveTagKeys=["other"]) == "ValidationError"


@pytest.mark.parametrize(("service", "code"), [("s3", "InvalidToken"), ("sts", "InvalidClientTokenId")])
def test_a_long_term_key_with_a_session_token_is_refused(world: World, service: str, code: str) -> None:
    key = world.user("bob", allow("*")) | {"SessionToken": "IQoJb3JpZ2luX2VjSomething"}
    client = world.client(service, key)
    call = client.list_buckets if service == "s3" else client.get_caller_identity
    assert refusal(call) == code


def test_the_age_of_mfa_is_known(world: World) -> None:
    world.bucket("books", a=b"1")
    key = world.user("bob", allow("*"))
    device = world.iam.create_virtual_mfa_device(VirtualMFADeviceName="bob")["VirtualMFADevice"]["SerialNumber"]
    world.iam.enable_mfa_device(
        UserName="bob", SerialNumber=device, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    made = world.client("sts", key).get_session_token(SerialNumber=device, TokenCode="123456")["Credentials"]
    fresh = {"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}
    world.policy("books", deny("s3:GetObject", arns("books"), Principal="*", Condition=fresh))
    assert refusal(world.client("s3", made).get_object, Bucket="books", Key="a") == "AccessDenied"
    assert refusal(world.client("s3", key).get_object, Bucket="books", Key="a") == ""
