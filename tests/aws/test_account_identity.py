"""The account knows who calls: signatures, key status, sessions and their end."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from account_world import World, allow, arns, deny, document, refusal, trust

from s3ir_tui.gameday.process import OUTSIDE, VICTIM
from s3ir_tui.model import iso

READ = allow(["s3:GetObject", "s3:ListBucket"], arns("payroll"))


def fetch(url: str) -> int:
    """HTTP status of a plain GET."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_wrong_secret_is_refused_by_every_protocol_and_leaves_no_record(world: World) -> None:
    world.bucket("payroll", key=b"x")
    key = world.user("bob", allow("*"))
    wrong = key | {"SecretAccessKey": "w" * 40}
    assert refusal(world.client("s3", wrong).get_object, Bucket="payroll", Key="key") == "SignatureDoesNotMatch"
    assert refusal(world.client("sts", wrong).get_caller_identity) == "SignatureDoesNotMatch"
    assert refusal(world.client("ec2", wrong).describe_instances) == "AuthFailure"
    assert refusal(world.client("cloudtrail", wrong).describe_trails) == "InvalidSignatureException"
    assert world.events() == []


def test_an_unknown_key_is_refused_and_leaves_no_record(world: World) -> None:
    nobody = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "x" * 40}
    assert refusal(world.client("s3", nobody).list_buckets) == "InvalidAccessKeyId"
    assert refusal(world.client("sts", nobody).get_caller_identity) == "InvalidClientTokenId"
    assert refusal(world.client("cloudtrail", nobody).describe_trails) == "UnrecognizedClientException"
    assert world.events() == []


@pytest.mark.parametrize("key", ["plain", "a/b c+d~e.txt", "ümlaut/%41/=?&", "trailing/", "*'()!"])
def test_signatures_hold_for_awkward_object_keys(world: World, key: str) -> None:
    world.bucket("payroll")
    s3 = world.client("s3", world.user("bob", allow("s3:*")))
    s3.put_object(Bucket="payroll", Key=key, Body=b"body", Metadata={"a": "  b  c "})
    assert s3.get_object(Bucket="payroll", Key=key)["Body"].read() == b"body"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="payroll")["Contents"]] == [key]


def test_a_presigned_url_works_until_it_expires_is_changed_or_its_key_is_disabled(world: World) -> None:
    world.bucket("payroll", one=b"1", two=b"2")
    key = world.user("bob", READ)
    s3 = world.client("s3", key, signature_version="s3v4")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "payroll", "Key": "one"}, ExpiresIn=60)
    short = s3.generate_presigned_url("get_object", Params={"Bucket": "payroll", "Key": "one"}, ExpiresIn=1)
    assert fetch(url) == 200
    assert fetch(url.replace("/one?", "/two?")) == 403
    time.sleep(2.1)
    assert fetch(short) == 403
    record = world.events("GetObject")[0]
    assert record["additionalEventData"]["AuthenticationMethod"] == "QueryString"
    world.iam.update_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert fetch(url) == 403


def test_an_inactive_key_is_refused_and_its_attempts_are_recorded(world: World) -> None:
    world.bucket("payroll", key=b"x")
    key = world.user("bob", allow("*"))
    s3, sts = world.client("s3", key), world.client("sts", key)
    assert refusal(s3.get_object, Bucket="payroll", Key="key") == ""
    world.iam.update_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refusal(s3.get_object, Bucket="payroll", Key="key") == "InvalidAccessKeyId"
    assert refusal(sts.get_session_token) == "InvalidClientTokenId"
    told = [(record["eventName"], record.get("errorCode")) for record in world.events()]
    assert told == [
        ("GetObject", None),
        ("GetObject", "InvalidAccessKeyId"),
        ("GetSessionToken", "InvalidClientTokenId"),
    ]
    world.iam.update_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"], Status="Active")
    assert refusal(s3.get_object, Bucket="payroll", Key="key") == ""
    world.iam.delete_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"])
    assert refusal(s3.get_object, Bucket="payroll", Key="key") == "InvalidAccessKeyId"


@pytest.mark.parametrize("operation", ["get_session_token", "get_federation_token"])
def test_sessions_of_a_user_survive_a_disabled_key_and_fall_to_a_deny_on_the_user(world: World, operation: str) -> None:
    world.bucket("payroll", key=b"x")
    key = world.user("bob", READ, allow("sts:GetFederationToken"))
    params = {"Name": "fed", "Policy": document(READ)} if operation == "get_federation_token" else {}
    session = getattr(world.client("sts", key), operation)(**params)["Credentials"]
    s3 = world.client("s3", session)
    world.iam.update_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refusal(s3.get_object, Bucket="payroll", Key="key") == ""
    world.iam.attach_user_policy(UserName="bob", PolicyArn="arn:aws:iam::aws:policy/AWSDenyAll")
    assert refusal(s3.get_object, Bucket="payroll", Key="key") == "AccessDenied"


def test_a_deny_does_not_stop_get_session_token_but_what_it_makes_can_do_nothing(world: World) -> None:
    world.bucket("payroll", key=b"x")
    key = world.user("bob", READ, deny("*"))
    session = world.client("sts", key).get_session_token()["Credentials"]
    assert refusal(world.client("s3", session).get_object, Bucket="payroll", Key="key") == "AccessDenied"


def test_a_session_needs_its_token_and_ends_when_its_user_does(world: World) -> None:
    world.bucket("payroll", key=b"x")
    key = world.user("bob", READ)
    session = world.client("sts", key).get_session_token()["Credentials"]
    bare = {name: session[name] for name in ("AccessKeyId", "SecretAccessKey")}
    assert refusal(world.client("s3", bare).get_object, Bucket="payroll", Key="key") == "InvalidToken"
    assert refusal(world.client("sts", bare).get_caller_identity) == "InvalidClientTokenId"
    world.iam.delete_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"])
    world.iam.delete_user_policy(UserName="bob", PolicyName="own")
    world.iam.delete_user(UserName="bob")
    assert refusal(world.client("s3", session).get_object, Bucket="payroll", Key="key") == "InvalidAccessKeyId"
    world.user("bob", READ)
    assert refusal(world.client("s3", session).get_object, Bucket="payroll", Key="key") == "InvalidAccessKeyId"


def test_a_session_expires(world: World) -> None:
    world.role("worker", trust({"Service": "ec2.amazonaws.com"}), READ)
    world.bucket("payroll", key=b"x")
    made = world.server.control("instance-credentials", {"instance": "i-0a1b", "role": "worker", "seconds": 1})
    s3 = world.client("s3", made)
    assert refusal(s3.get_object, Bucket="payroll", Key="key") == ""
    time.sleep(1.3)
    assert refusal(s3.get_object, Bucket="payroll", Key="key") == "ExpiredToken"
    assert world.events("GetObject")[-1]["errorCode"] == "ExpiredToken"


def test_session_tokens_reach_neither_iam_nor_other_token_calls(world: World) -> None:
    key = world.user("bob", allow("*"))
    world.role("worker", trust({"AWS": f"arn:aws:iam::{VICTIM}:user/bob"}))
    arn = f"arn:aws:iam::{VICTIM}:role/worker"
    session = world.client("sts", key).get_session_token()["Credentials"]
    sts = world.client("sts", session)
    assert refusal(sts.get_caller_identity) == ""
    assert refusal(sts.assume_role, RoleArn=arn, RoleSessionName="again") == ""
    assert refusal(sts.get_session_token) == "AccessDenied"
    assert refusal(sts.get_federation_token, Name="fed") == "AccessDenied"
    assert refusal(world.client("iam", session).list_users) == "InvalidClientTokenId"
    assert refusal(world.client("iam", key).list_users) == ""
    federated = world.client("sts", key).get_federation_token(Name="fed", Policy=document(allow("*")))["Credentials"]
    assert refusal(world.client("sts", federated).get_caller_identity) == ""
    assert refusal(world.client("sts", federated).assume_role, RoleArn=arn, RoleSessionName="x1") == "AccessDenied"
    assert refusal(world.client("iam", federated).list_users) == "InvalidClientTokenId"


def test_a_session_token_with_mfa_reaches_iam(world: World) -> None:
    key = world.user("bob", allow("*"))
    serial = world.iam.create_virtual_mfa_device(VirtualMFADeviceName="bob")["VirtualMFADevice"]["SerialNumber"]
    world.iam.enable_mfa_device(
        UserName="bob", SerialNumber=serial, AuthenticationCode1="111111", AuthenticationCode2="222222"
    )
    sts = world.client("sts", key)
    assert refusal(sts.get_session_token, SerialNumber=serial, TokenCode="abcdef") == "AccessDenied"
    session = sts.get_session_token(SerialNumber=serial, TokenCode="123456")["Credentials"]
    assert refusal(world.client("iam", session).list_users) == ""
    identity = world.events("ListUsers")[-1]["userIdentity"]
    assert identity["sessionContext"]["attributes"]["mfaAuthenticated"] == "true"


def test_a_federated_session_can_do_what_both_its_user_and_its_policy_allow(world: World) -> None:
    world.bucket("payroll", key=b"x")
    world.bucket("press", key=b"x")
    both = allow("s3:GetObject", [*arns("payroll"), *arns("press")])
    sts = world.client("sts", world.user("bob", READ, allow("sts:GetFederationToken")))
    limited = sts.get_federation_token(Name="fed", Policy=document(both))["Credentials"]
    nothing = sts.get_federation_token(Name="fed")["Credentials"]
    assert refusal(world.client("s3", limited).get_object, Bucket="payroll", Key="key") == ""
    assert refusal(world.client("s3", limited).get_object, Bucket="press", Key="key") == "AccessDenied"
    assert refusal(world.client("s3", limited).list_objects_v2, Bucket="payroll") == "AccessDenied"
    assert refusal(world.client("s3", nothing).get_object, Bucket="payroll", Key="key") == "AccessDenied"


def test_revoking_older_sessions_cuts_those_made_before_and_not_those_made_after(world: World) -> None:
    world.bucket("payroll", key=b"x")
    key = world.user("bob", allow("sts:AssumeRole"))
    arn = world.role("worker", trust({"AWS": f"arn:aws:iam::{VICTIM}:root"}), READ)
    assume = world.client("sts", key).assume_role
    old = assume(RoleArn=arn, RoleSessionName="old")["Credentials"]
    cut = datetime.now(UTC) + timedelta(seconds=1)
    world.iam.put_role_policy(
        RoleName="worker",
        PolicyName="AWSRevokeOlderSessions",
        PolicyDocument=document(deny(["*"], ["*"], Condition={"DateLessThan": {"aws:TokenIssueTime": iso(cut)}})),
    )
    time.sleep(1.2)
    new = assume(RoleArn=arn, RoleSessionName="new")["Credentials"]
    assert refusal(world.client("s3", old).get_object, Bucket="payroll", Key="key") == "AccessDenied"
    assert refusal(world.client("s3", new).get_object, Bucket="payroll", Key="key") == ""


def test_a_role_made_anew_does_not_revive_its_old_sessions(world: World) -> None:
    world.bucket("payroll", key=b"x")
    trusted = trust({"AWS": f"arn:aws:iam::{VICTIM}:root"})
    arn = world.role("worker", trusted, READ)
    sts = world.client("sts", world.user("bob", allow("sts:AssumeRole")))
    session = sts.assume_role(RoleArn=arn, RoleSessionName="a1")["Credentials"]
    assert refusal(world.client("s3", session).get_object, Bucket="payroll", Key="key") == ""
    world.iam.delete_role_policy(RoleName="worker", PolicyName="own")
    world.iam.delete_role(RoleName="worker")
    world.role("worker", trusted, READ)
    assert refusal(world.client("s3", session).get_object, Bucket="payroll", Key="key") == "InvalidAccessKeyId"


def test_callers_are_named_as_aws_names_them(world: World) -> None:
    key = world.user("bob", allow("*"))
    arn = world.role("worker", trust({"AWS": f"arn:aws:iam::{VICTIM}:root"}))
    sts = world.client("sts", key)

    def who(credentials: dict[str, Any]) -> tuple[str, str]:
        said = world.client("sts", credentials).get_caller_identity()
        return said["Arn"], said["UserId"]

    user_arn, user_id = who(key)
    assert (user_arn, user_id[:4], len(user_id)) == (f"arn:aws:iam::{VICTIM}:user/bob", "AIDA", 21)
    session = sts.assume_role(RoleArn=arn, RoleSessionName="alice")["Credentials"]
    role_arn, role_id = who(session)
    assert role_arn == f"arn:aws:sts::{VICTIM}:assumed-role/worker/alice"
    assert (role_id[:4], role_id[-6:]) == ("AROA", ":alice")
    assert who(sts.get_session_token()["Credentials"]) == (user_arn, user_id)
    federated = sts.get_federation_token(Name="fed")["Credentials"]
    assert who(federated) == (f"arn:aws:sts::{VICTIM}:federated-user/fed", f"{VICTIM}:fed")
    outsider = world.user("eve", account=OUTSIDE)
    assert who(outsider)[0] == f"arn:aws:iam::{OUTSIDE}:user/eve"


def test_durations_are_limited(world: World) -> None:
    key = world.user("bob", allow("*"))
    arn = world.role("worker", trust({"AWS": f"arn:aws:iam::{VICTIM}:root"}), allow("sts:*"), MaxSessionDuration=7200)
    sts = world.client("sts", key)
    assert refusal(sts.assume_role, RoleArn=arn, RoleSessionName="a1", DurationSeconds=7200) == ""
    assert refusal(sts.assume_role, RoleArn=arn, RoleSessionName="a1", DurationSeconds=7201) == "ValidationError"
    assert refusal(sts.get_session_token, DurationSeconds=129600) == ""
    assert refusal(sts.get_session_token, DurationSeconds=129601) == "ValidationError"
    session = sts.assume_role(RoleArn=arn, RoleSessionName="a1")["Credentials"]
    chained = world.client("sts", session)
    assert refusal(chained.assume_role, RoleArn=arn, RoleSessionName="a2", DurationSeconds=3600) == ""
    assert refusal(chained.assume_role, RoleArn=arn, RoleSessionName="a2", DurationSeconds=3601) == "ValidationError"
