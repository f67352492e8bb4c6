"""Builders of CloudTrail records for tests: who, what, when, from where."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from s3ir_tui.model import iso
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.event import Event

ACCOUNT = "111122223333"
OUTSIDE = "999988887777"
BOTO = "[Boto3/1.40.1 md/Botocore#1.40.1 ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.12.9]"
CLI = "[aws-cli/2.24.5 md/awscrt#0.23.8 ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.12.9]"
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

_numbers = itertools.count(1)

Fields = dict[str, Any]


def at(minutes: float = 0.0, days: float = 0.0) -> str:
    """A time some minutes or days from nine o'clock."""
    return iso(START + timedelta(minutes=minutes, days=days))


def user(name: str = "bob", key: str = "AKIABOB0000000000001") -> Fields:
    """An IAM user with a key; a key that begins with ASIA is a session of GetSessionToken."""
    who: Fields = {
        "type": "IAMUser",
        "principalId": f"AIDA{name.upper()}",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "userName": name,
    }
    if key.startswith("ASIA"):
        who["sessionContext"] = {"attributes": {"creationDate": at(), "mfaAuthenticated": "false"}}
    return who


def session(role: str = "web", name: str = "i-0aaaaaaaaaaaaaaa1", key: str = "ASIAWEB0000000000001") -> Fields:
    """A session of a role; named after an instance, it is the instance's."""
    return {
        "type": "AssumedRole",
        "principalId": f"AROA{role.upper()}:{name}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": f"AROA{role.upper()}",
                "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
                "accountId": ACCOUNT,
                "userName": role,
            },
            "attributes": {"creationDate": at(), "mfaAuthenticated": "false"},
        },
    }


ANONYMOUS: Fields = {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}
OUTSIDER: Fields = {"type": "AWSAccount", "principalId": "AIDAOUT", "accountId": OUTSIDE}
EC2: Fields = {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}


def record(
    name: str,
    who: Fields | None = None,
    *,
    service: str = "s3",
    when: str = "",
    bucket: str = "",
    key: str = "",
    params: Fields | None = None,
    answer: Fields | None = None,
    address: str = "10.0.4.17",
    agent: str = BOTO,
    error: str = "",
    out: float | None = None,
    **more: Any,
) -> Fields:
    """A record; `more` replaces or adds top-level fields."""
    asked = dict(params or {})
    if bucket:
        asked["bucketName"] = bucket
    if key:
        asked["key"] = key
    made: Fields = {
        "eventVersion": "1.11",
        "userIdentity": user() if who is None else who,
        "eventTime": when or at(),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": address,
        "userAgent": agent,
        "requestParameters": asked or None,
        "responseElements": answer,
        "eventID": f"00000000-0000-0000-0000-{next(_numbers):012d}",
        "requestID": "REQ",
        "readOnly": name.startswith(("Get", "List", "Head", "Describe")),
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
    }
    if error:
        made["errorCode"] = error
        made["errorMessage"] = "no"
    if out is not None:
        made["additionalEventData"] = {"bytesTransferredOut": out, "bytesTransferredIn": 0.0}
    return made | more


def event(name: str, who: Fields | None = None, **more: Any) -> Event:
    """The event of such a record."""
    return decode_record(json.dumps(record(name, who, **more)).encode())


def read(who: Fields | None = None, *, bucket: str = "payroll", key: str = "q3/iban.csv", **more: Any) -> Event:
    """A GetObject of a thousand bytes."""
    return event("GetObject", who, bucket=bucket, key=key, **{"out": 1000.0} | more)


def assume(by: Fields, role: str, name: str, key: str, **more: Any) -> Event:
    """An AssumeRole that worked."""
    return event(
        "AssumeRole",
        by,
        service="sts",
        params={"roleArn": f"arn:aws:iam::{ACCOUNT}:role/{role}", "roleSessionName": name},
        answer={
            "credentials": {
                "accessKeyId": key,
                "sessionToken": "IQoJb3JpZ2luSECRET",
                "expiration": "Nov 24, 2026, 3:00:00 PM",
            },
            "assumedRoleUser": {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"},
        },
        **more,
    )


def new_key(by: Fields, owner: str, key: str, **more: Any) -> Event:
    """A CreateAccessKey that worked."""
    return event(
        "CreateAccessKey",
        by,
        service="iam",
        params={"userName": owner},
        answer={"accessKey": {"accessKeyId": key, "userName": owner, "status": "Active"}},
        **more,
    )


def policy(*statements: Fields) -> Fields:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(principal: Any, bucket: str = "payroll") -> Fields:
    """A statement that lets someone read a bucket."""
    return {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}


def put_policy(*statements: Fields, by: Fields | None = None, bucket: str = "payroll", **more: Any) -> Event:
    """A PutBucketPolicy."""
    return event("PutBucketPolicy", by, bucket=bucket, params={"bucketPolicy": policy(*statements)}, **more)
