"""Techniques against S3 and what keeps it, made with a plain program: each is told by what it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from trail_world import ACCOUNT, OUTSIDE, allow, assume, at, event, new_key, policy, put_policy, read, session, user

from s3ir_tui.model import Severity
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.event import Event

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
EVIL = session("ops", "aws-go-sdk-1722375070115152000", "ASIAOPS0000000000001")


def of(service: str, name: str, who: Any = None, **params: Any) -> Event:
    return event(name, who, service=service, params=params)


def s3(name: str, who: Any = None, **params: Any) -> Event:
    return event(name, who, bucket="payroll", params=params)


def refused(made: Callable[[int], Event], times: int) -> list[Event]:
    return [made(number) for number in range(times)]


def trust_out() -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OUTSIDE}:root"}, "Action": "sts:AssumeRole"}
    return json.dumps(policy(statement))


def sharing(name: str, **params: Any) -> Event:
    return of("rds" if "DB" in name else "ec2", name, **params)


def deletes(count: int) -> list[Event]:
    return [event("DeleteObject", bucket="payroll", key=f"{n}", when=at(n / 60)) for n in range(count)]


TECHNIQUES: dict[str, tuple[list[Event], Severity, str]] = {
    # Those of Stratus Red Team, as its recordings show them, without its name.
    "ec2-get-password-data": (
        refused(
            lambda n: event("GetPasswordData", EVIL, service="ec2", when=at(n), error="Client.UnauthorizedOperation"),
            30,
        ),
        MEDIUM,
        "way into instances used",
    ),
    "secretsmanager-batch-retrieve-secrets": (
        [of("secretsmanager", "BatchGetSecretValue") for _ in range(5)],
        MEDIUM,
        "several secrets read at once",
    ),
    "secretsmanager-retrieve-secrets": (
        [of("secretsmanager", "GetSecretValue") for _ in range(20)],
        HIGH,
        "20 secrets read in a row",
    ),
    "ssm-retrieve-securestring-parameters": (
        [of("ssm", "DescribeParameters"), of("ssm", "GetParameters", withDecryption=True)],
        MEDIUM,
        "looked through the parameter store",
    ),
    "cloudtrail-delete": ([of("cloudtrail", "DeleteTrail")], CRITICAL, "CloudTrail switched off"),
    "cloudtrail-stop": ([of("cloudtrail", "StopLogging")], CRITICAL, "CloudTrail switched off"),
    "cloudtrail-event-selectors": (
        [of("cloudtrail", "PutEventSelectors", eventSelectors=[{"includeManagementEvents": False}])],
        CRITICAL,
        "CloudTrail told to log less",
    ),
    "cloudtrail-lifecycle-rule": (
        [s3("PutBucketLifecycle", LifecycleConfiguration={"Rule": {"Status": "Enabled", "Expiration": {"Days": 1}}})],
        CRITICAL,
        "lifecycle deletes payroll within 1 days",
    ),
    "dns-delete-logs": ([of("route53resolver", "DeleteResolverQueryLogConfig")], HIGH, "logs cut"),
    "vpc-remove-flow-logs": ([of("ec2", "DeleteFlowLogs")], HIGH, "logs cut"),
    "organizations-leave": (
        [event("LeaveOrganization", EVIL, service="organizations", error="AccessDenied")],
        MEDIUM,
        "takes itself out of the organization",
    ),
    "ec2-download-user-data": (
        refused(
            lambda n: event(
                "DescribeInstanceAttribute",
                EVIL,
                service="ec2",
                params={"attribute": "userData", "instanceId": f"i-{n}"},
                error="Client.UnauthorizedOperation",
            ),
            15,
        ),
        MEDIUM,
        "turned away 15 times",
    ),
    "ec2-launch-unusual-instances": (
        [of("ec2", "RunInstances", instanceType="p2.xlarge", instancesSet={"items": [{"maxCount": 10}]})],
        MEDIUM,
        "instances launched: p2.xlarge",
    ),
    "ec2-user-data": (
        [of("ec2", "StopInstances"), of("ec2", "ModifyInstanceAttribute", userData="<sensitiveDataRemoved>")],
        MEDIUM,
        "what an instance runs when it starts was changed",
    ),
    "ssm-send-command": ([of("ssm", "SendCommand")], MEDIUM, "way into an instance used"),
    "ssm-start-session": ([of("ssm", "StartSession")], MEDIUM, "way into an instance used"),
    "ec2-instance-connect": ([of("ec2-instance-connect", "SendSSHPublicKey")], MEDIUM, "way into an instance used"),
    "ec2-serial-console-send-ssh-public-key": (
        [of("ec2", "EnableSerialConsoleAccess"), of("ec2-instance-connect", "SendSerialConsoleSSHPublicKey")],
        HIGH,
        "way into instances used",
    ),
    "ec2-security-group-open-port-22-ingress": (
        [of("ec2", "AuthorizeSecurityGroupIngress", cidrIp="0.0.0.0/0", fromPort=22, toPort=22)],
        MEDIUM,
        "port 22 of instances opened to the internet",
    ),
    "ec2-share-ami": (
        [sharing("ModifyImageAttribute", launchPermission={"add": {"items": [{"userId": OUTSIDE}]}})],
        HIGH,
        "shared outside",
    ),
    "ec2-share-ebs-snapshot": (
        [sharing("ModifySnapshotAttribute", createVolumePermission={"add": {"items": [{"userId": OUTSIDE}]}})],
        HIGH,
        "shared outside",
    ),
    "rds-share-snapshot": ([sharing("ModifyDBSnapshotAttribute", valuesToAdd=[OUTSIDE])], HIGH, "shared outside"),
    "bedrock-invoke-model": (
        [of("bedrock", "PutUseCaseForModelAccess"), of("bedrock", "InvokeModel")],
        MEDIUM,
        "access to foundation models taken",
    ),
    "console-login-without-mfa": (
        [
            event(
                "ConsoleLogin",
                service="signin",
                answer={"ConsoleLogin": "Success"},
                additionalEventData={"MFAUsed": "No"},
            )
        ],
        HIGH,
        "console sign-in without MFA",
    ),
    "iam-backdoor-role": (
        [of("iam", "UpdateAssumeRolePolicy", roleName="x", policyDocument=trust_out())],
        CRITICAL,
        f"role x may be assumed by {OUTSIDE}",
    ),
    "iam-backdoor-user": ([new_key(user(), "alice", "AKIAALICE00000000001")], HIGH, "access key made for another user"),
    "iam-create-admin-user": (
        [of("iam", "CreateUser", userName="x"), of("iam", "AttachUserPolicy", userName="x", policyArn=ADMIN)],
        CRITICAL,
        "policy AdministratorAccess attached to x",
    ),
    "iam-create-backdoor-role": (
        [of("iam", "CreateRole", roleName="x", assumeRolePolicyDocument=trust_out())],
        CRITICAL,
        "may be assumed by",
    ),
    "iam-create-user-login-profile": (
        [of("iam", "CreateLoginProfile", userName="alice")],
        HIGH,
        "console password set for another user",
    ),
    "iam-update-user-login-profile": (
        [of("iam", "UpdateLoginProfile", userName="alice")],
        HIGH,
        "console password set for another user",
    ),
    "lambda-backdoor-function": (
        [of("lambda", "AddPermission20150331v2", principal="*")],
        HIGH,
        "Lambda function opened to others",
    ),
    "lambda-layer-extension": (
        [
            of(
                "lambda",
                "UpdateFunctionConfiguration20150331v2",
                layers=[f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:x:1"],
            )
        ],
        MEDIUM,
        "Lambda function changed",
    ),
    "lambda-overwrite-code": ([of("lambda", "UpdateFunctionCode20150331v2")], MEDIUM, "Lambda function changed"),
    "rolesanywhere-create-trust-anchor": (
        [of("rolesanywhere", "CreateTrustAnchor")],
        HIGH,
        "sign-in by certificate opened",
    ),
    "sts-federation-token": ([of("sts", "GetFederationToken")], HIGH, "federated session made from a key"),
    # Against S3 itself, of which no recording was at hand.
    "s3-backdoor-bucket-policy": (
        [put_policy(allow({"AWS": f"arn:aws:iam::{OUTSIDE}:root"}))],
        CRITICAL,
        f"policy of payroll grants access to {OUTSIDE}",
    ),
    "s3-ransomware-batch-deletion": (
        [
            s3("ListObjectVersions"),
            s3("DeleteObjects", delete=""),
            *(event("DeleteObject", bucket="payroll", key=f"{n}", eventType="AwsServiceEvent") for n in range(60)),
            event("PutObject", bucket="payroll", key="FILES-DELETED.txt"),
        ],
        CRITICAL,
        "named like a ransom note",
    ),
    "s3-ransomware-individual-deletion": ([s3("ListObjectVersions"), *deletes(60)], HIGH, "60 objects deleted"),
    "s3-ransomware-client-side-encryption": (
        [s3("CopyObject", **{"x-amz-server-side-encryption-customer-algorithm": "AES256"}) for _ in range(20)],
        CRITICAL,
        "re-encrypted with a key of the caller's",
    ),
    "s3-rekey-in-place": (
        [
            s3(
                "UpdateObjectEncryption",
                ObjectEncryption={"SSE-KMS": {"KMSKeyArn": f"arn:aws:kms:us-east-1:{OUTSIDE}:key/1"}},
            )
        ],
        CRITICAL,
        f"under a KMS key of account {OUTSIDE}",
    ),
    "wipe-without-a-note": (
        [s3("ListObjects"), *deletes(80), s3("DeleteBucket")],
        HIGH,
        "80 objects deleted",
    ),
    "a-found-key-that-reads-and-spreads": (
        [
            of("sts", "GetCallerIdentity"),
            of("s3", "ListBuckets"),
            s3("GetBucketPolicy"),
            read(),
            new_key(user(), "bob", "AKIABOB0000000000002"),
        ],
        HIGH,
        "together: asked who it is",
    ),
    "a-role-that-is-handed-on": (
        [
            put_policy(allow("*")),
            assume(user(), "backup", "nightly", "ASIABACKUP0000000001"),
            read(session("backup", "nightly", "ASIABACKUP0000000001")),
        ],
        CRITICAL,
        "policy makes payroll public",
    ),
}


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_technique_is_told_by_what_it_does(name: str) -> None:
    events, severity, words = TECHNIQUES[name]
    assert not any("stratus" in item.agent or item.raw.count(b"stratus") for item in events)
    analysis = Analysis()
    analysis.add(events)
    worst = analysis.principals()[0]
    assert worst.severity is severity
    told = [reason for reason in worst.reasons if words in reason.text]
    assert told, [reason.text for reason in worst.reasons]
    assert told[0].events
