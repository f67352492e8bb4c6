"""Permissions hold on the resources that calls name, for every service in use."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from account_world import World, allow, deny, document, refusal, trust

from s3ir_tui.gameday.process import VICTIM

REGION = "us-east-1"


def _arn(service: str, name: str, region: str = REGION) -> str:
    return f"arn:aws:{service}:{region}:{VICTIM}:{name}"


@dataclass
class Case:
    """One call on one thing.

    Attributes:
        action: What it needs permission for.
        arn: The thing.
        call: The call, for a client maker.
    """

    action: str
    arn: str
    call: Callable[[Callable[[str], Any]], Any]
    also: tuple[str, ...] = ()


def _queue(world: World) -> Case:
    url = world.server.admin("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    return Case("sqs:ReceiveMessage", _arn("sqs", "jobs"), lambda c: c("sqs").receive_message(QueueUrl=url))


def _queue_batch(world: World) -> Case:
    url = world.server.admin("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    entries = [{"Id": "1", "MessageBody": "x"}]
    call = lambda c: c("sqs").send_message_batch(QueueUrl=url, Entries=entries)  # noqa: E731
    return Case("sqs:SendMessage", _arn("sqs", "jobs"), call)


def _topic(world: World) -> Case:
    arn = world.server.admin("sns").create_topic(Name="alarms")["TopicArn"]
    return Case("sns:Publish", arn, lambda c: c("sns").publish(TopicArn=arn, Message="x"))


def _key(world: World) -> Case:
    key = world.server.admin("kms").create_key()["KeyMetadata"]
    return Case("kms:DescribeKey", key["Arn"], lambda c: c("kms").describe_key(KeyId=key["KeyId"]))


def _key_by_arn(world: World) -> Case:
    key = world.server.admin("kms").create_key()["KeyMetadata"]
    return Case("kms:Encrypt", key["Arn"], lambda c: c("kms").encrypt(KeyId=key["Arn"], Plaintext=b"x"))


def _key_by_alias(world: World) -> Case:
    kms = world.server.admin("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/books", TargetKeyId=key["KeyId"])
    return Case("kms:Encrypt", key["Arn"], lambda c: c("kms").encrypt(KeyId="alias/books", Plaintext=b"x"))


def _key_of_ciphertext(world: World) -> Case:
    kms = world.server.admin("kms")
    key = kms.create_key()["KeyMetadata"]
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    return Case("kms:Decrypt", key["Arn"], lambda c: c("kms").decrypt(CiphertextBlob=blob))


def _secret(world: World) -> Case:
    made = world.server.admin("secretsmanager").create_secret(Name="db", SecretString="x")
    call = lambda c: c("secretsmanager").get_secret_value(SecretId="db")  # noqa: E731
    return Case("secretsmanager:GetSecretValue", made["ARN"], call)


def _parameter(world: World) -> Case:
    world.server.admin("ssm").put_parameter(Name="/db/url", Value="x", Type="String")
    return Case("ssm:GetParameter", _arn("ssm", "parameter/db/url"), lambda c: c("ssm").get_parameter(Name="/db/url"))


def _logs(world: World) -> Case:
    world.server.admin("logs").create_log_group(logGroupName="/app")
    call = lambda c: c("logs").filter_log_events(logGroupName="/app")  # noqa: E731
    return Case("logs:FilterLogEvents", _arn("logs", "log-group:/app:*"), call)


def _table(world: World) -> Case:
    world.server.admin("dynamodb").create_table(
        TableName="books",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    call = lambda c: c("dynamodb").get_item(TableName="books", Key={"id": {"S": "1"}})  # noqa: E731
    return Case("dynamodb:GetItem", _arn("dynamodb", "table/books"), call)


def _trail(world: World) -> Case:
    world.bucket("logs")
    write = {"Principal": {"Service": "cloudtrail.amazonaws.com"}}
    world.policy("logs", allow("s3:*", ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"], **write))
    world.server.admin("cloudtrail").create_trail(Name="main", S3BucketName="logs")
    return Case(
        "cloudtrail:StopLogging", _arn("cloudtrail", "trail/main"), lambda c: c("cloudtrail").stop_logging(Name="main")
    )


def _workgroup(_world: World) -> Case:
    call = lambda c: c("athena").get_work_group(WorkGroup="primary")  # noqa: E731
    return Case("athena:GetWorkGroup", _arn("athena", "workgroup/primary"), call)


def _rule(world: World) -> Case:
    world.server.admin("events").put_rule(Name="nightly", ScheduleExpression="rate(1 day)")
    call = lambda c: c("events").disable_rule(Name="nightly")  # noqa: E731
    return Case("events:DisableRule", _arn("events", "rule/nightly"), call)


def _function(world: World) -> Case:
    role = world.role("fn", trust({"Service": "lambda.amazonaws.com"}))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("f.py", "def h(e, c): pass")
    world.server.admin("lambda").create_function(
        FunctionName="fn", Runtime="python3.11", Role=role, Handler="f.h", Code={"ZipFile": buffer.getvalue()}
    )
    call = lambda c: c("lambda").get_function(FunctionName="fn")  # noqa: E731
    return Case("lambda:GetFunction", _arn("lambda", "function:fn"), call)


def _instance(world: World) -> str:
    made = world.server.admin("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    return str(made["Instances"][0]["InstanceId"])


def _stop(world: World) -> Case:
    instance = _instance(world)
    call = lambda c: c("ec2").stop_instances(InstanceIds=[instance])  # noqa: E731
    return Case("ec2:StopInstances", _arn("ec2", f"instance/{instance}"), call)


def _volume(world: World) -> str:
    made = world.server.admin("ec2").create_volume(AvailabilityZone="us-east-1a", Size=1)
    return str(made["VolumeId"])


def _snapshot(world: World) -> Case:
    volume = _volume(world)
    call = lambda c: c("ec2").create_snapshot(VolumeId=volume)  # noqa: E731
    return Case("ec2:CreateSnapshot", _arn("ec2", f"volume/{volume}"), call, (f"arn:aws:ec2:{REGION}::snapshot/*",))


def _share_snapshot(world: World) -> Case:
    made = world.server.admin("ec2").create_snapshot(VolumeId=_volume(world))["SnapshotId"]
    call = lambda c: c("ec2").modify_snapshot_attribute(  # noqa: E731
        SnapshotId=made, Attribute="createVolumePermission", OperationType="add", UserIds=["444455556666"]
    )
    return Case("ec2:ModifySnapshotAttribute", f"arn:aws:ec2:{REGION}::snapshot/{made}", call)


def _group(world: World) -> Case:
    ec2 = world.server.admin("ec2")
    made = ec2.create_security_group(GroupName="web", Description="x")["GroupId"]
    rule = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=rule)
    call = lambda c: c("ec2").revoke_security_group_ingress(GroupId=made, IpPermissions=rule)  # noqa: E731
    return Case("ec2:RevokeSecurityGroupIngress", _arn("ec2", f"security-group/{made}"), call)


def _tags(world: World) -> Case:
    instance = _instance(world)
    call = lambda c: c("ec2").create_tags(Resources=[instance], Tags=[{"Key": "a", "Value": "b"}])  # noqa: E731
    return Case("ec2:CreateTags", _arn("ec2", f"instance/{instance}"), call)


def _interface(world: World) -> Case:
    ec2 = world.server.admin("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    made = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    call = lambda c: c("ec2").delete_network_interface(NetworkInterfaceId=made)  # noqa: E731
    return Case("ec2:DeleteNetworkInterface", _arn("ec2", f"network-interface/{made}"), call)


def _key_pair(world: World) -> Case:
    world.server.admin("ec2").create_key_pair(KeyName="ops")
    call = lambda c: c("ec2").delete_key_pair(KeyName="ops")  # noqa: E731
    return Case("ec2:DeleteKeyPair", _arn("ec2", "key-pair/ops"), call)


def _add_to_group(world: World) -> Case:
    world.user("bob")
    arn = world.iam.create_group(GroupName="staff")["Group"]["Arn"]
    call = lambda c: c("iam").add_user_to_group(GroupName="staff", UserName="bob")  # noqa: E731
    return Case("iam:AddUserToGroup", arn, call)


def _remove_from_profile(world: World) -> Case:
    world.role("web", trust({"Service": "ec2.amazonaws.com"}))
    arn = world.iam.create_instance_profile(InstanceProfileName="web")["InstanceProfile"]["Arn"]
    world.iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    call = lambda c: c("iam").remove_role_from_instance_profile(InstanceProfileName="web", RoleName="web")  # noqa: E731
    return Case("iam:RemoveRoleFromInstanceProfile", arn, call)


def _key_last_used(world: World) -> Case:
    key = world.user("bob")["AccessKeyId"]
    call = lambda c: c("iam").get_access_key_last_used(AccessKeyId=key)  # noqa: E731
    return Case("iam:GetAccessKeyLastUsed", _arn("iam", "user/bob", ""), call)


def _managed_policy(world: World) -> Case:
    arn = world.iam.create_policy(PolicyName="p", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    return Case("iam:GetPolicy", arn, lambda c: c("iam").get_policy(PolicyArn=arn))


def _attach(world: World) -> Case:
    world.user("bob")
    policy = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    call = lambda c: c("iam").attach_user_policy(UserName="bob", PolicyArn=policy)  # noqa: E731
    return Case("iam:AttachUserPolicy", _arn("iam", "user/bob", ""), call)


CASES = [
    _queue,
    _queue_batch,
    _topic,
    _key,
    _key_by_arn,
    _key_by_alias,
    _key_of_ciphertext,
    _secret,
    _parameter,
    _logs,
    _table,
    _trail,
    _workgroup,
    _rule,
    _function,
    _stop,
    _snapshot,
    _share_snapshot,
    _group,
    _tags,
    _interface,
    _key_pair,
    _add_to_group,
    _remove_from_profile,
    _key_last_used,
    _managed_policy,
    _attach,
]


@pytest.mark.parametrize("make", CASES)
def test_an_allow_and_a_deny_on_its_arn_hold(world: World, make: Callable[[World], Case]) -> None:
    case = make(world)
    other = case.arn[:-1] + "0zz"
    for number, (statements, works) in enumerate(
        [
            ([allow(case.action, [case.arn, *case.also])], True),
            ([allow(case.action, [other, *case.also])], False),
            ([allow("*"), deny(case.action, case.arn)], False),
            ([allow("*"), deny(case.action, other)], True),
        ]
    ):
        key = world.user(f"user{number}", *statements)
        code = refusal(case.call, c=lambda service, key=key: world.client(service, key))
        assert (code not in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")) is works, number
        assert not works or code in (
            "",
            "NoSuchEntity",
            "InvalidPermission.NotFound",
            "InvalidNetworkInterfaceID.NotFound",
        )


def test_each_resource_of_a_call_is_checked(world: World) -> None:
    one, two = _instance(world), _instance(world)
    key = world.user("bob", allow("ec2:StopInstances", _arn("ec2", f"instance/{one}")))
    ec2 = world.client("ec2", key)
    assert refusal(ec2.stop_instances, InstanceIds=[one, two]) == "UnauthorizedOperation"
    assert refusal(ec2.stop_instances, InstanceIds=[one]) == ""


def test_conditions_on_the_tags_of_an_instance_hold(world: World) -> None:
    red, blue = _instance(world), _instance(world)
    world.server.admin("ec2").create_tags(Resources=[red], Tags=[{"Key": "Team", "Value": "red"}])
    for number, key in enumerate(("ec2:ResourceTag/Team", "aws:ResourceTag/Team")):
        named = {"StringEquals": {key: "red"}}
        only = world.client("ec2", world.user(f"only{number}", allow("ec2:StopInstances", Condition=named)))
        but = world.client("ec2", world.user(f"but{number}", allow("ec2:*"), deny("ec2:*", Condition=named)))
        assert refusal(only.stop_instances, InstanceIds=[red]) == ""
        assert refusal(only.stop_instances, InstanceIds=[blue]) == "UnauthorizedOperation"
        assert refusal(but.stop_instances, InstanceIds=[red]) == "UnauthorizedOperation"
        assert refusal(but.stop_instances, InstanceIds=[blue]) == ""


def test_conditions_on_the_tags_of_a_request_hold(world: World) -> None:
    instance = _instance(world)
    condition = {"StringEquals": {"aws:RequestTag/team": "red"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    ec2 = world.client("ec2", world.user("bob", allow("ec2:CreateTags", Condition=condition)))

    def tag(**tags: str) -> str:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        return refusal(ec2.create_tags, Resources=[instance], Tags=listed)

    assert tag(team="red") == ""
    assert tag(team="blue") == "UnauthorizedOperation"
    assert tag(team="red", more="1") == "UnauthorizedOperation"


def test_only_a_bounded_user_may_be_made(world: World) -> None:
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    bounded = {"StringEquals": {"iam:PermissionsBoundary": arn}}
    rights = allow(["iam:CreateUser", "iam:AttachUserPolicy"], Condition=bounded)
    iam = world.client("iam", world.user("boss", rights))
    assert refusal(iam.create_user, UserName="free") == "AccessDenied"
    assert refusal(iam.create_user, UserName="bound", PermissionsBoundary=arn) == ""
    world.user("free")
    assert refusal(iam.attach_user_policy, UserName="bound", PolicyArn=arn) == ""
    assert refusal(iam.attach_user_policy, UserName="free", PolicyArn=arn) == "AccessDenied"


def test_only_a_named_policy_may_be_attached(world: World) -> None:
    world.user("bob")
    named = {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}
    iam = world.client("iam", world.user("boss", allow("iam:AttachUserPolicy", Condition=named)))
    attach = iam.attach_user_policy
    assert refusal(attach, UserName="bob", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess") == ""
    assert refusal(attach, UserName="bob", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess") == "AccessDenied"


def _profile(world: World) -> str:
    role = world.role("web", trust({"Service": "ec2.amazonaws.com"}))
    world.iam.create_instance_profile(InstanceProfileName="web")
    world.iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    return role


@pytest.mark.parametrize("service", ["ec2.amazonaws.com", "lambda.amazonaws.com"])
def test_an_instance_with_a_profile_needs_permission_to_pass_its_role(world: World, service: str) -> None:
    role = _profile(world)
    run = {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1}
    plain = world.client("ec2", world.user("plain", allow("ec2:*")))
    to = {"StringEquals": {"iam:PassedToService": service}}
    passing = world.client("ec2", world.user("passing", allow("ec2:*"), allow("iam:PassRole", role, Condition=to)))
    profile = {"IamInstanceProfile": {"Name": "web"}}
    fits = service == "ec2.amazonaws.com"
    assert refusal(plain.run_instances, **run) == ""
    assert refusal(plain.run_instances, **run, **profile) == "UnauthorizedOperation"
    assert (refusal(passing.run_instances, **run, **profile) == "") is fits
    instance = _instance(world)
    asked = {"InstanceId": instance, **profile}
    assert refusal(plain.associate_iam_instance_profile, **asked) == "UnauthorizedOperation"
    assert (refusal(passing.associate_iam_instance_profile, **asked) == "") is fits


def test_a_role_is_passed_when_it_is_put_into_a_profile(world: World) -> None:
    role = world.role("web", trust({"Service": "ec2.amazonaws.com"}))
    world.iam.create_instance_profile(InstanceProfileName="web")
    asked = {"InstanceProfileName": "web", "RoleName": "web"}
    right = allow("iam:AddRoleToInstanceProfile")
    plain = world.client("iam", world.user("plain", right))
    passing = world.client("iam", world.user("passing", right, allow("iam:PassRole", role)))
    assert refusal(plain.add_role_to_instance_profile, **asked) == "AccessDenied"
    assert refusal(passing.add_role_to_instance_profile, **asked) == ""


def test_a_function_needs_permission_to_pass_its_role(world: World) -> None:
    role = world.role("fn", trust({"Service": "lambda.amazonaws.com"}))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("f.py", "def h(e, c): pass")
    asked: dict[str, Any] = {
        "FunctionName": "fn",
        "Runtime": "python3.11",
        "Role": role,
        "Handler": "f.h",
        "Code": {"ZipFile": buffer.getvalue()},
    }
    plain = world.client("lambda", world.user("plain", allow("lambda:*")))
    passing = world.client("lambda", world.user("passing", allow("lambda:*"), allow("iam:PassRole", role)))
    assert refusal(plain.create_function, **asked) == "AccessDeniedException"
    assert refusal(passing.create_function, **asked) == ""


def test_the_account_of_a_resource_is_known(world: World) -> None:
    arn = world.server.admin("sns").create_topic(Name="alarms")["TopicArn"]
    perimeter = {"StringNotEquals": {"aws:ResourceAccount": VICTIM}}
    sns = world.client("sns", world.user("bob", allow("*"), deny("*", Condition=perimeter)))
    assert refusal(sns.publish, TopicArn=arn, Message="x") == ""
