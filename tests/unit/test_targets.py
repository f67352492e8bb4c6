"""What a write changes, from the parameters of the call or of its event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.targets import Target, of_call, of_event


def event(source: str, name: str, params: Any, answer: Any = None, **more: Any) -> Any:
    record = {
        "eventVersion": "1.08",
        "eventID": "e-1",
        "eventTime": "2026-11-24T09:14:07Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "readOnly": False,
        "managementEvent": True,
        "eventCategory": "Management",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/eve", "userName": "eve"},
        "requestParameters": params,
        "responseElements": answer,
        **more,
    }
    return decode_record(json.loads(json.dumps(record)))


@pytest.mark.parametrize(
    ("source", "name", "params", "answer", "expected"),
    [
        ("s3", "PutBucketPolicy", {"bucketName": "b"}, None, [Target("bucket", "b")]),
        ("s3", "CreateAccessPoint", {"name": "ap", "bucket": "b"}, None, [Target("bucket", "b")]),
        ("s3", "PutAccountPublicAccessBlock", {"accountId": "1"}, None, [Target("account", "")]),
        ("iam", "PutUserPolicy", {"userName": "u", "policyName": "p"}, None, [Target("user", "u")]),
        ("iam", "UpdateUser", {"userName": "u", "newUserName": "w"}, None, [Target("user", "u"), Target("user", "w")]),
        ("iam", "AddUserToGroup", {"userName": "u", "groupName": "g"}, None, [Target("user", "u")]),
        ("iam", "AttachGroupPolicy", {"groupName": "g", "policyArn": "a"}, None, [Target("group", "g")]),
        ("iam", "UpdateAssumeRolePolicy", {"roleName": "r"}, None, [Target("role", "r")]),
        ("iam", "CreateAccessKey", None, {"accessKey": {"userName": "eve"}}, [Target("user", "eve")]),
        ("iam", "ChangePassword", None, None, [Target("user", "eve")]),
        (
            "ec2",
            "RunInstances",
            {"instanceType": "t3.nano"},
            {"instancesSet": {"items": [{"instanceId": "i-1"}]}},
            [Target("instance", "i-1", "eu-west-1")],
        ),
        (
            "ec2",
            "ModifyInstanceMetadataOptions",
            {"ModifyInstanceMetadataOptionsRequest": {"InstanceId": "i-1"}},
            None,
            [Target("instance", "i-1", "eu-west-1")],
        ),
        ("kms", "DisableKey", {"keyId": "k"}, None, []),
    ],
)
def test_an_event_names_what_it_changed(source: str, name: str, params: Any, answer: Any, expected: list[Any]) -> None:
    assert list(of_event(event(source, name, params, answer))) == expected


@pytest.mark.parametrize("more", [{"readOnly": True}, {"errorCode": "AccessDenied"}, {"eventCategory": "Data"}])
def test_reads_refusals_and_data_events_change_nothing(more: dict[str, Any]) -> None:
    assert of_event(event("s3", "PutBucketPolicy", {"bucketName": "b"}, **more)) == ()


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (("s3", "PutBucketPolicy", {"Bucket": "b", "Policy": "{}"}), Target("bucket", "b")),
        (("iam", "UpdateAccessKey", {"UserName": "u", "AccessKeyId": "AKIA"}), Target("user", "u")),
        (("s3control", "PutPublicAccessBlock", {"AccountId": "1"}), Target("account", "")),
        (("ec2", "ModifyInstanceMetadataOptions", {"InstanceId": "i-1"}), Target("instance", "i-1")),
    ],
)
def test_an_own_call_names_what_it_changes(call: tuple[str, str, dict[str, Any]], expected: Target) -> None:
    assert of_call(*call) == (expected,)
