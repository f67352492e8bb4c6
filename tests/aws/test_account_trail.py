"""CloudTrail tells what happened, in AWS's shape, with AWS's limits."""

from __future__ import annotations

import gzip
import json
import re
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from account_world import World, allow, arns, deny, document, refusal, trust

from s3ir_tui.gameday.process import OUTSIDE, VICTIM, AccountServer
from s3ir_tui.model import iso
from s3ir_tui.trail.decode import decode

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


@pytest.fixture
def bob(world: World) -> dict[str, str]:
    """A user who may do everything, beside a bucket."""
    world.bucket("payroll", key=b"hello")
    return world.user("bob", allow("*"))


def lookup(client: Any, **params: Any) -> Any:
    """LookupEvents at the pace that it allows."""
    while True:
        try:
            return client.lookup_events(**params)
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "ThrottlingException":
                raise
            time.sleep(0.3)


def back_dated(days: float, **more: Any) -> dict[str, Any]:
    """A management record from the past."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "userName": "old", "arn": f"arn:aws:iam::{VICTIM}:user/old"},
        "eventTime": iso(datetime.now(UTC) - timedelta(days=days)),
        "eventSource": "s3.amazonaws.com",
        "eventName": "ListBuckets",
        "awsRegion": "us-east-1",
        "eventID": str(uuid.uuid4()),
        "readOnly": True,
        "recipientAccountId": VICTIM,
        "eventCategory": "Management",
        "managementEvent": True,
    } | more


def test_a_data_event_has_the_shape_that_s3_records(world: World, bob: dict[str, str]) -> None:
    world.client("s3", bob, address="198.51.100.7", agent="tool/1").get_object(Bucket="payroll", Key="key")
    (record,) = world.events("GetObject")
    assert record["eventVersion"] == "1.11"
    assert record["userIdentity"] == {
        "type": "IAMUser",
        "principalId": world.iam.get_user(UserName="bob")["User"]["UserId"],
        "arn": f"arn:aws:iam::{VICTIM}:user/bob",
        "accountId": VICTIM,
        "accessKeyId": bob["AccessKeyId"],
        "userName": "bob",
    }
    assert (record["sourceIPAddress"], record["userAgent"][:7]) == ("198.51.100.7", "[tool/1")
    assert record["requestParameters"]["bucketName"] == "payroll"
    assert record["requestParameters"]["key"] == "key"
    assert record["additionalEventData"]["bytesTransferredOut"] == 5.0
    assert record["additionalEventData"]["AuthenticationMethod"] == "AuthHeader"
    assert record["resources"] == [
        {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::payroll/key"},
        {"accountId": VICTIM, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::payroll"},
    ]
    assert (record["managementEvent"], record["eventCategory"], record["readOnly"]) == (False, "Data", True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["eventTime"])
    assert "errorCode" not in record


def test_events_carry_the_names_of_cloudtrail_not_those_of_the_api(world: World, bob: dict[str, str]) -> None:
    s3, control = world.client("s3", bob), world.client("s3control", bob)
    s3.list_objects_v2(Bucket="payroll")
    s3.put_public_access_block(Bucket="payroll", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    s3.get_bucket_notification_configuration(Bucket="payroll")
    control.put_public_access_block(
        AccountId=VICTIM, PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": True}
    )
    refusal(s3.get_bucket_lifecycle_configuration, Bucket="payroll")
    told = {record["eventName"]: record for record in world.events()}
    assert list(told) == [
        "ListObjects",
        "PutBucketPublicAccessBlock",
        "GetBucketNotification",
        "PutAccountPublicAccessBlock",
        "GetBucketLifecycle",
    ]
    assert told["ListObjects"]["requestParameters"]["list-type"] == "2"
    block = told["PutBucketPublicAccessBlock"]["requestParameters"]["PublicAccessBlockConfiguration"]
    assert block["BlockPublicAcls"] is True
    assert told["PutAccountPublicAccessBlock"]["eventSource"] == "s3.amazonaws.com"
    assert told["PutAccountPublicAccessBlock"]["managementEvent"] is True
    assert told["GetBucketLifecycle"]["errorCode"] == "NoSuchLifecycleConfiguration"


def test_denied_calls_are_recorded_with_code_and_message(world: World) -> None:
    world.bucket("payroll", key=b"x")
    key = world.user("ann")
    refusal(world.client("s3", key).get_object, Bucket="payroll", Key="key")
    refusal(world.client("s3", key).head_object, Bucket="payroll", Key="key")
    refusal(world.client("iam", key).create_access_key, UserName="ann")
    refusal(world.client("ec2", key).describe_instances)
    refusal(world.client("cloudtrail", key).describe_trails)
    codes = {record["eventName"]: record["errorCode"] for record in world.events()}
    assert codes == {
        "GetObject": "AccessDenied",
        "HeadObject": "AccessDenied",
        "CreateAccessKey": "AccessDenied",
        "DescribeInstances": "Client.UnauthorizedOperation",
        "DescribeTrails": "AccessDenied",
    }
    assert "is not authorized to perform: s3:GetObject" in world.events("GetObject")[0]["errorMessage"]
    assert world.events("CreateAccessKey")[0]["responseElements"] is None


def test_an_anonymous_request_is_recorded_as_aws_does(world: World) -> None:
    world.bucket("press", open_to_acls=True, key=b"x")
    world.s3.put_object_acl(Bucket="press", Key="key", ACL="public-read")
    anonymous = world.client("s3", address="203.0.113.5")
    anonymous.get_object(Bucket="press", Key="key")
    refusal(anonymous.list_objects_v2, Bucket="press")
    read, listed = world.events()
    for record in (read, listed):
        assert record["userIdentity"] == {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}
        assert record["recipientAccountId"] == VICTIM
        assert "AuthenticationMethod" not in record["additionalEventData"]
    assert "errorCode" not in read
    assert listed["errorCode"] == "AccessDenied"


def test_new_credentials_can_be_followed_by_their_ids_and_their_secrets_are_hidden(
    world: World, bob: dict[str, str]
) -> None:
    arn = world.role("worker", trust({"AWS": f"arn:aws:iam::{VICTIM}:root"}))
    made = world.client("iam", bob).create_access_key(UserName="bob")["AccessKey"]
    world.client("iam", bob).create_login_profile(UserName="bob", Password="Correct-Horse-9")
    sts = world.client("sts", bob)
    sessions = {
        "AssumeRole": sts.assume_role(RoleArn=arn, RoleSessionName="alice")["Credentials"],
        "GetSessionToken": sts.get_session_token()["Credentials"],
        "GetFederationToken": sts.get_federation_token(Name="fed")["Credentials"],
    }
    (created,) = world.events("CreateAccessKey")
    assert created["responseElements"]["accessKey"]["accessKeyId"] == made["AccessKeyId"]
    assert created["requestParameters"] == {"userName": "bob"}
    for name, session in sessions.items():
        (record,) = world.events(name)
        assert record["responseElements"]["credentials"]["accessKeyId"] == session["AccessKeyId"]
    text = json.dumps(world.events())
    secrets = [made["SecretAccessKey"], "Correct-Horse-9", *(item["SecretAccessKey"] for item in sessions.values())]
    assert not any(secret in text for secret in secrets)
    assert HIDDEN in text
    (assumed,) = world.events("AssumeRole")
    assert assumed["resources"] == [{"accountId": VICTIM, "type": "AWS::IAM::Role", "ARN": arn}]
    assert assumed["requestParameters"]["roleSessionName"] == "alice"


def test_sessions_name_what_they_came_from(world: World, bob: dict[str, str]) -> None:
    arn = world.role("worker", trust({"AWS": f"arn:aws:iam::{VICTIM}:root"}), allow("*"))
    sts = world.client("sts", bob)
    role = sts.assume_role(RoleArn=arn, RoleSessionName="alice")["Credentials"]
    token = sts.get_session_token()["Credentials"]
    federated = sts.get_federation_token(Name="fed", Policy=document(allow("s3:*")))["Credentials"]
    for session in (role, token, federated):
        world.client("s3", session).list_buckets()
    by_role, by_token, by_federation = (record["userIdentity"] for record in world.events("ListBuckets"))
    assert (by_role["type"], by_role["arn"]) == ("AssumedRole", f"arn:aws:sts::{VICTIM}:assumed-role/worker/alice")
    assert by_role["sessionContext"]["sessionIssuer"]["arn"] == arn
    assert by_role["principalId"].endswith(":alice")
    assert (by_token["type"], by_token["accessKeyId"]) == ("IAMUser", token["AccessKeyId"])
    assert by_token["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"
    assert (by_federation["type"], by_federation["arn"][-18:]) == ("FederatedUser", "federated-user/fed"[-18:])
    assert by_federation["sessionContext"]["sessionIssuer"]["arn"] == f"arn:aws:iam::{VICTIM}:user/bob"


def test_policies_are_recorded_as_object_by_s3_and_as_text_by_iam(world: World, bob: dict[str, str]) -> None:
    text = document(deny("s3:*", arns("payroll"), Principal={"AWS": OUTSIDE}))
    world.client("s3", bob).put_bucket_policy(Bucket="payroll", Policy=text)
    world.client("iam", bob).put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=document(allow("*")))
    assert world.events("PutBucketPolicy")[0]["requestParameters"]["bucketPolicy"] == json.loads(text)
    assert json.loads(world.events("PutUserPolicy")[0]["requestParameters"]["policyDocument"])["Statement"]


def test_deleted_keys_are_recorded_one_by_one_beside_their_call(world: World) -> None:
    world.bucket("payroll", a=b"x", keep=b"x")
    key = world.user("bob", allow("s3:*"), deny("s3:DeleteObject", "arn:aws:s3:::payroll/keep"))
    world.client("s3", key).delete_objects(Bucket="payroll", Delete={"Objects": [{"Key": "a"}, {"Key": "keep"}]})
    (call,) = world.events("DeleteObjects")
    single = world.events("DeleteObject")
    assert (call["eventType"], call["requestParameters"]["delete"]) == ("AwsApiCall", "")
    assert [(r["requestParameters"]["key"], r.get("errorCode")) for r in single] == [
        ("a", None),
        ("keep", "AccessDenied"),
    ]
    assert {record["eventType"] for record in single} == {"AwsServiceEvent"}


def test_a_call_from_outside_is_recorded_in_both_accounts_and_the_owner_is_not_told_who(world: World) -> None:
    world.bucket("payroll", key=b"x")
    world.policy("payroll", allow("s3:GetObject", arns("payroll"), Principal={"AWS": OUTSIDE}))
    key = world.user("eve", allow("s3:*"), account=OUTSIDE)
    world.client("s3", key).get_object(Bucket="payroll", Key="key")
    theirs, ours = sorted(world.events("GetObject"), key=lambda record: record["recipientAccountId"] == VICTIM)
    assert (theirs["recipientAccountId"], ours["recipientAccountId"]) == (OUTSIDE, VICTIM)
    assert theirs["userIdentity"]["arn"] == f"arn:aws:iam::{OUTSIDE}:user/eve"
    assert set(ours["userIdentity"]) == {"type", "principalId", "accountId"}
    assert (ours["userIdentity"]["type"], ours["userIdentity"]["accountId"]) == ("AWSAccount", OUTSIDE)
    assert ours["sharedEventID"] == theirs["sharedEventID"]
    assert ours["eventID"] != theirs["eventID"]


def test_seeding_is_not_recorded(world: World, bob: dict[str, str]) -> None:
    world.role("worker", trust({"Service": "ec2.amazonaws.com"}))
    assert world.events() == []


def test_the_credentials_of_an_instance_are_delivered_by_ec2(world: World) -> None:
    arn = world.role("worker", trust({"Service": "ec2.amazonaws.com"}), allow("s3:*"))
    made = world.server.control("instance-credentials", {"instance": "i-0a1", "role": arn, "ec2RoleDelivery": "1.0"})
    world.client("s3", made, address="198.51.100.7").list_buckets()
    fetched, used = world.events()
    assert fetched["userIdentity"] == {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    assert fetched["eventName"] == "AssumeRole"
    assert fetched["responseElements"]["credentials"]["accessKeyId"] == made["AccessKeyId"]
    assert used["userIdentity"]["arn"] == f"arn:aws:sts::{VICTIM}:assumed-role/worker/i-0a1"
    assert used["userIdentity"]["sessionContext"]["ec2RoleDelivery"] == "1.0"
    instance = f"arn:aws:ec2:us-east-1:{VICTIM}:instance/i-0a1"
    only = deny("s3:*", Condition={"ArnEquals": {"ec2:SourceInstanceArn": instance}})
    world.iam.put_role_policy(RoleName="worker", PolicyName="one", PolicyDocument=document(only))
    assert refusal(world.client("s3", made).list_buckets) == "AccessDenied"
    other = world.server.control("instance-credentials", {"instance": "i-0b2", "role": "worker"})
    assert refusal(world.client("s3", other).list_buckets) == ""


def test_lookup_shows_management_events_newest_first_by_the_page(world: World, bob: dict[str, str]) -> None:
    world.server.control("inject", [back_dated(day / 10) for day in range(1, 121)])
    world.client("s3", bob).get_object(Bucket="payroll", Key="key")
    trail = world.client("cloudtrail", bob)
    pages, token = [], None
    while True:
        page = lookup(trail, **({"NextToken": token} if token else {}))
        pages.append([event for event in page["Events"] if event["EventName"] == "ListBuckets"])
        token = page.get("NextToken")
        if not token:
            break
    times = [event["EventTime"] for page in pages for event in page]
    assert len(times) == 120
    assert times == sorted(times, reverse=True)
    assert max(len(page) for page in pages) <= 50
    everything = [event["EventName"] for event in lookup(trail)["Events"]]
    assert "GetObject" not in everything
    event = pages[0][0]
    assert json.loads(event["CloudTrailEvent"])["eventID"] == event["EventId"]
    assert (event["ReadOnly"], event["Username"]) == ("true", "old")


def test_lookup_has_the_limits_of_aws(world: World, bob: dict[str, str]) -> None:
    trail, now = world.client("cloudtrail", bob), datetime.now(UTC)
    attributes = [{"AttributeKey": "EventName", "AttributeValue": "A"}] * 2
    bad: dict[str, dict[str, Any]] = {
        "InvalidLookupAttributesException": {"LookupAttributes": attributes},
        "InvalidNextTokenException": {"NextToken": "no-such-token"},
        "InvalidTimeRangeException": {"StartTime": now, "EndTime": now - timedelta(hours=1)},
    }
    for code, params in bad.items():
        time.sleep(0.5)
        assert refusal(trail.lookup_events, **params) == code
    time.sleep(1.1)
    codes = [refusal(trail.lookup_events) for _ in range(3)]
    assert codes == ["", "", "ThrottlingException"]
    assert refusal(world.client("cloudtrail", bob, region="eu-west-1").lookup_events) == ""
    world.server.control("inject", [back_dated(89), back_dated(91)])
    found = lookup(trail, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ListBuckets"}])
    assert len(found["Events"]) == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("EventName", "CreateAccessKey"),
        ("EventSource", "iam.amazonaws.com"),
        ("Username", "bob"),
        ("ReadOnly", "false"),
        ("ResourceName", "ann"),
        ("ResourceType", "AWS::IAM::User"),
        ("AccessKeyId", "of bob"),
        ("EventId", "of the event"),
    ],
)
def test_lookup_finds_by_each_of_its_eight_attributes(world: World, bob: dict[str, str], key: str, value: str) -> None:
    ann = world.user("ann", allow("s3:*"))
    world.client("iam", bob).create_access_key(UserName="ann")
    world.client("s3", ann).list_buckets()
    (wanted,) = world.events("CreateAccessKey")
    value = {"of bob": bob["AccessKeyId"], "of the event": wanted["eventID"]}.get(value, value)
    attributes = [{"AttributeKey": key, "AttributeValue": value}]
    found = world.client("cloudtrail", bob).lookup_events(LookupAttributes=attributes)["Events"]
    assert "CreateAccessKey" in [event["EventName"] for event in found]
    assert "ListBuckets" not in [event["EventName"] for event in found]


def test_each_region_has_its_own_history_and_iam_is_in_us_east_1(world: World, bob: dict[str, str]) -> None:
    world.client("ec2", bob, region="eu-west-1").describe_instances()
    world.client("iam", bob, region="eu-west-1").list_users()
    world.client("sts", bob, region="eu-west-1").get_caller_identity()

    def names(region: str) -> set[str]:
        return {e["EventName"] for e in world.client("cloudtrail", bob, region=region).lookup_events()["Events"]}

    assert names("eu-west-1") == {"DescribeInstances", "GetCallerIdentity"}
    assert names("us-east-1") == {"ListUsers"}


def test_the_trail_lags_and_the_truth_does_not(world: World, bob: dict[str, str]) -> None:
    world.server.control("settings", {"lag": 1.5})
    world.client("s3", bob).list_buckets()
    attributes = [{"AttributeKey": "EventName", "AttributeValue": "ListBuckets"}]
    trail = world.client("cloudtrail", bob)
    assert len(world.events("ListBuckets")) == 1
    assert trail.lookup_events(LookupAttributes=attributes)["Events"] == []
    time.sleep(1.7)
    assert len(trail.lookup_events(LookupAttributes=attributes)["Events"]) == 1


class Delivered:
    """A trail with its bucket, and what was delivered to it."""

    def __init__(self, world: World, **more: Any) -> None:
        self.world = world
        self.trail = world.server.admin("cloudtrail")
        world.bucket("trail-logs")
        world.policy(
            "trail-logs",
            allow("s3:PutObject", arns("trail-logs"), Principal={"Service": "cloudtrail.amazonaws.com"}),
        )
        self.trail.create_trail(Name="main", S3BucketName="trail-logs", IsMultiRegionTrail=True, **more)

    def select(self, *prefixes: str, **more: Any) -> None:
        """Choose what is logged."""
        data = [{"Type": "AWS::S3::Object", "Values": list(prefixes)}] if prefixes else []
        selector = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": data} | more
        self.trail.put_event_selectors(TrailName="main", EventSelectors=[selector])

    def files(self) -> list[str]:
        """Keys of the files in the bucket."""
        return [item["Key"] for item in self.world.s3.list_objects_v2(Bucket="trail-logs").get("Contents", ())]

    def names(self) -> list[str]:
        """Names of the events in all files."""
        self.world.server.control("flush")
        records = []
        for key in self.files():
            body = self.world.s3.get_object(Bucket="trail-logs", Key=key)["Body"].read()
            assert not decode(body, key).skipped
            records += json.loads(gzip.decompress(body))["Records"]
        return sorted(record["eventName"] for record in records)


def test_a_trail_delivers_what_its_selectors_choose_while_it_is_logging(world: World, bob: dict[str, str]) -> None:
    delivered, s3 = Delivered(world, S3KeyPrefix="org"), world.client("s3", bob)
    s3.list_buckets()
    assert delivered.names() == []
    delivered.trail.start_logging(Name="main")
    s3.list_buckets()
    s3.get_object(Bucket="payroll", Key="key")
    assert delivered.names() == ["ListBuckets"]
    delivered.select("arn:aws:s3:::payroll/k")
    s3.get_object(Bucket="payroll", Key="key")
    s3.put_object(Bucket="payroll", Key="other", Body=b"")
    assert delivered.names() == ["GetObject", "ListBuckets"]
    delivered.select("arn:aws:s3", ReadWriteType="WriteOnly", IncludeManagementEvents=False)
    s3.list_buckets()
    s3.get_object(Bucket="payroll", Key="key")
    s3.put_object(Bucket="payroll", Key="other", Body=b"")
    assert delivered.names() == ["GetObject", "ListBuckets", "PutObject"]
    delivered.trail.stop_logging(Name="main")
    s3.put_object(Bucket="payroll", Key="other", Body=b"")
    assert delivered.names() == ["GetObject", "ListBuckets", "PutObject"]
    day = datetime.now(UTC).strftime("%Y/%m/%d")
    name = rf"org/AWSLogs/{VICTIM}/CloudTrail/us-east-1/{day}/{VICTIM}_CloudTrail_us-east-1_\d{{8}}T\d{{4}}Z_\w{{16}}"
    assert all(re.fullmatch(name + r"\.json\.gz", key) for key in delivered.files())


def test_advanced_selectors_choose_too(world: World, bob: dict[str, str]) -> None:
    delivered, s3 = Delivered(world), world.client("s3", bob)
    delivered.trail.start_logging(Name="main")
    fields = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        {"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::payroll/"]},
        {"Field": "eventName", "NotEquals": ["HeadObject"]},
    ]
    delivered.trail.put_event_selectors(
        TrailName="main", AdvancedEventSelectors=[{"Name": "payroll", "FieldSelectors": fields}]
    )
    s3.list_buckets()
    s3.get_object(Bucket="payroll", Key="key")
    s3.head_object(Bucket="payroll", Key="key")
    s3.list_objects_v2(Bucket="trail-logs")
    assert delivered.names() == ["GetObject"]


def test_delivery_comes_by_itself_after_the_lag_and_only_where_the_bucket_lets_it(
    world: World, bob: dict[str, str]
) -> None:
    delivered, s3 = Delivered(world), world.client("s3", bob)
    delivered.trail.start_logging(Name="main")
    world.server.control("settings", {"lag": 1})
    s3.list_buckets()
    assert delivered.files() == []
    deadline = time.monotonic() + 6
    while not delivered.files() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(delivered.files()) == 1
    world.s3.delete_bucket_policy(Bucket="trail-logs")
    s3.list_buckets()
    assert delivered.names() == ["ListBuckets"]


def test_history_that_was_injected_is_in_the_truth_the_history_and_the_trail(world: World, bob: dict[str, str]) -> None:
    delivered = Delivered(world)
    delivered.select("arn:aws:s3:::payroll/")
    delivered.trail.start_logging(Name="main")
    data = back_dated(
        3,
        eventName="GetObject",
        eventCategory="Data",
        managementEvent=False,
        resources=[{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::payroll/old"}],
    )
    world.server.control("settings", {"lag": 600})
    assert world.server.control("inject", [data, back_dated(2)]) == 2
    assert len(world.events()) == 2
    assert delivered.names() == ["GetObject", "ListBuckets"]
    events = world.client("cloudtrail", bob).lookup_events()["Events"]
    assert [event["EventName"] for event in events] == ["ListBuckets"]


def test_the_truth_can_be_read_on_from_where_it_was_left(server: AccountServer, world: World) -> None:
    server.control("inject", [back_dated(day) for day in (3, 2, 1)])
    assert server.control("events", {"after": 2}) == server.control("events")[2:]
