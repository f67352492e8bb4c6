"""Builders for tests against the embedded account: policies, users, roles, buckets, and what a call came to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from s3ir_tui.gameday.process import VICTIM, AccountServer

Statement = dict[str, Any]


def document(*statements: Statement) -> str:
    """A policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> Statement:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> Statement:
    """A Deny statement."""
    return allow(action, resource, **more) | {"Effect": "Deny"}


def trust(principal: Any, **more: Any) -> str:
    """A trust policy."""
    return document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **more})


def arns(bucket: str) -> list[str]:
    """A bucket and its objects."""
    return [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


def refusal(call: Callable[..., Any], **params: Any) -> str:
    """The error code of a call; "" when it works."""
    try:
        call(**params)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


class World:
    """An account that a test fills."""

    def __init__(self, server: AccountServer) -> None:
        self.server = server
        self.s3 = server.admin("s3")
        self.iam = server.admin("iam")

    def bucket(self, name: str, *, open_to_acls: bool = False, **objects: bytes) -> str:
        """A bucket with objects; `open_to_acls` turns Block Public Access off and ACLs on."""
        ownership = {"ObjectOwnership": "ObjectWriter"} if open_to_acls else {}
        self.s3.create_bucket(Bucket=name, **ownership)
        if open_to_acls:
            self.s3.delete_public_access_block(Bucket=name)
        for key, body in objects.items():
            self.s3.put_object(Bucket=name, Key=key, Body=body)
        return name

    def user(self, name: str, *statements: Statement, account: str = VICTIM) -> dict[str, str]:
        """A user with an inline policy; its access key."""
        iam = self.iam if account == VICTIM else self.server.admin("iam", account=account)
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
        key: dict[str, str] = iam.create_access_key(UserName=name)["AccessKey"]
        return key

    def role(self, name: str, trusted: str, *statements: Statement, **more: Any) -> str:
        """A role with an inline policy; its ARN."""
        arn: str = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted, **more)["Role"]["Arn"]
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        return arn

    def policy(self, bucket: str, *statements: Statement) -> None:
        """Put a bucket policy."""
        self.s3.put_bucket_policy(Bucket=bucket, Policy=document(*statements))

    def client(self, service: str, credentials: dict[str, Any] | None = None, **more: Any) -> Any:
        """A plain client; anonymous without credentials."""
        return self.server.client(service, credentials or {}, **more)

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """The records, all or those of one event name."""
        records: list[dict[str, Any]] = self.server.control("events")
        return [record for record in records if not name or record["eventName"] == name]
