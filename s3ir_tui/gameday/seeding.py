"""Builders for the account of a scenario: buckets, users, roles, sessions, instances, the trail."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from s3ir_tui.gameday.process import AccountServer
from s3ir_tui.gameday.scenario import Credential

REGION = "us-east-1"
OUTSIDE_ACCOUNT = "999988887777"
TWELVE_HOURS = 43_200
_IMAGE = "ami-1e749f67"
"""One of the images that moto knows (Ubuntu): to ask it for their list takes a second."""
_BLOCK_ALL = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_ALL_USERS = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'
_RESPONDER_ACTIONS = (
    "s3:*",
    "iam:*",
    "sts:*",
    "ec2:*",
    "cloudtrail:*",
    "autoscaling:*",
    "ssm:*",
    "kms:*",
    "logs:*",
    "access-analyzer:*",
    "guardduty:*",
    "organizations:*",
)

Statement = Mapping[str, Any]


def document(*statements: Statement) -> str:
    """A policy document around its statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: Sequence[str], resources: Sequence[str] = ("*",)) -> Statement:
    """An identity statement that allows."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def allow_principal(sid: str, principal: object, actions: Sequence[str], bucket: str) -> Statement:
    """A bucket-policy statement that lets a principal at a bucket and its objects."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": list(actions),
        "Resource": bucket_arns(bucket),
    }


def bucket_arns(*buckets: str) -> list[str]:
    """The ARNs of buckets and of all their objects."""
    return [arn for bucket in buckets for arn in (f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*")]


def trust(principal: Mapping[str, object]) -> Statement:
    """A trust-policy statement."""
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}


def content(key: str, size: int) -> bytes:
    """Text of exactly `size` bytes that looks like an export and names its key."""
    line = f"{key},2026-11,EMP-004211,DE89370400440532013000,7431.08\n".encode()
    return (line * (size // len(line) + 1))[:size]


class Seed:
    """Fills a fresh account through boto3 clients that are neither checked nor recorded.

    Args:
        server: The account.
    """

    def __init__(self, server: AccountServer) -> None:
        self.server = server
        self.s3 = server.admin("s3")
        self.iam = server.admin("iam")
        self.sts = server.admin("sts")
        self.account: str = self.sts.get_caller_identity()["Account"]

    def bucket(self, name: str, objects: Mapping[str, int], *, blocked: bool = True) -> None:
        """A private bucket with objects (key to size in bytes).

        Args:
            name: Its name.
            objects: What is in it.
            blocked: Whether Block Public Access is on.
        """
        self.s3.create_bucket(Bucket=name)
        if blocked:
            self.s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=_BLOCK_ALL)
        else:
            self.s3.delete_public_access_block(Bucket=name)
        for key, size in objects.items():
            self.s3.put_object(Bucket=name, Key=key, Body=content(key, size))

    def public_bucket(self, name: str, objects: Mapping[str, int]) -> None:
        """A bucket open to everyone by its ACL, which anyone may rewrite, and by the ACL of each object."""
        self.s3.create_bucket(Bucket=name, ObjectOwnership="ObjectWriter")
        self.s3.delete_public_access_block(Bucket=name)
        owner = self.s3.get_bucket_acl(Bucket=name)["Owner"]["ID"]
        self.s3.put_bucket_acl(
            Bucket=name, GrantFullControl=f'id="{owner}"', GrantRead=_ALL_USERS, GrantWriteACP=_ALL_USERS
        )
        for key, size in objects.items():
            self.s3.put_object(Bucket=name, Key=key, Body=content(key, size), ACL="public-read")

    def bucket_policy(self, bucket: str, *statements: Statement) -> None:
        """Put a bucket policy."""
        self.s3.put_bucket_policy(Bucket=bucket, Policy=document(*statements))

    def user(self, name: str, *statements: Statement, addresses: tuple[str, ...] = ()) -> Credential:
        """An IAM user with an inline policy and one access key."""
        arn = self.iam.create_user(UserName=name)["User"]["Arn"]
        self.iam.put_user_policy(UserName=name, PolicyName=f"{name}-access", PolicyDocument=document(*statements))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Credential(name, key["AccessKeyId"], key["SecretAccessKey"], principal=arn, addresses=addresses)

    def outside_user(self, name: str, *statements: Statement, addresses: tuple[str, ...]) -> Credential:
        """A user of another account, with a key of its own."""
        iam = self.server.admin("iam", account=OUTSIDE_ACCOUNT)
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        iam.put_user_policy(UserName=name, PolicyName=f"{name}-access", PolicyDocument=document(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credential(
            "outside-account", key["AccessKeyId"], key["SecretAccessKey"], principal=arn, addresses=addresses
        )

    def role(self, name: str, trusted: Statement, *statements: Statement, hours: int = 1) -> str:
        """A role with an inline policy.

        Returns:
            Its ARN.
        """
        made = self.iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=document(trusted), MaxSessionDuration=hours * 3600
        )
        self.iam.put_role_policy(RoleName=name, PolicyName=f"{name}-access", PolicyDocument=document(*statements))
        arn: str = made["Role"]["Arn"]
        return arn

    def responder(self) -> Credential:
        """A session of the responders' role, twelve hours long."""
        arn = self.role(
            "IRResponder", trust({"AWS": f"arn:aws:iam::{self.account}:root"}), allow(_RESPONDER_ACTIONS), hours=12
        )
        made = self.sts.assume_role(RoleArn=arn, RoleSessionName="alice", DurationSeconds=TWELVE_HOURS)["Credentials"]
        return Credential(
            "responder",
            made["AccessKeyId"],
            made["SecretAccessKey"],
            made["SessionToken"],
            principal=arn,
            addresses=("198.51.100.8",),
        )

    def break_glass(self) -> str:
        """The role for emergencies that no containment may cut.

        Returns:
            Its ARN.
        """
        return self.role("BreakGlass", trust({"AWS": f"arn:aws:iam::{self.account}:root"}), allow(["*"]))

    def trail(self, bucket: str, watched: Sequence[str]) -> None:
        """A trail that logs management events, and the data events of the watched buckets, to a bucket of its own."""
        self.bucket(bucket, {})
        log_delivery = {"Service": "cloudtrail.amazonaws.com"}
        self.bucket_policy(
            bucket,
            {
                "Sid": "AWSCloudTrailAclCheck",
                "Effect": "Allow",
                "Principal": log_delivery,
                "Action": "s3:GetBucketAcl",
                "Resource": f"arn:aws:s3:::{bucket}",
            },
            {
                "Sid": "AWSCloudTrailWrite",
                "Effect": "Allow",
                "Principal": log_delivery,
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{bucket}/AWSLogs/{self.account}/*",
            },
        )
        cloudtrail = self.server.admin("cloudtrail")
        cloudtrail.create_trail(
            Name="org-trail", S3BucketName=bucket, IsMultiRegionTrail=True, IncludeGlobalServiceEvents=True
        )
        cloudtrail.put_event_selectors(
            TrailName="org-trail",
            EventSelectors=[
                {
                    "ReadWriteType": "All",
                    "IncludeManagementEvents": True,
                    "DataResources": [
                        {"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{name}/" for name in watched]}
                    ],
                }
            ],
        )
        cloudtrail.start_logging(Name="org-trail")

    def profile(self, role: str) -> str:
        """An instance profile that holds a role.

        Returns:
            The ARN of the profile.
        """
        made = self.iam.create_instance_profile(InstanceProfileName=f"{role}-profile")["InstanceProfile"]
        self.iam.add_role_to_instance_profile(InstanceProfileName=f"{role}-profile", RoleName=role)
        arn: str = made["Arn"]
        return arn

    def instance(self, name: str, profile_arn: str, *, imds_v1: bool) -> tuple[str, str]:
        """A running instance.

        Args:
            name: Its Name tag.
            profile_arn: Its instance profile.
            imds_v1: Whether the metadata service answers without a token.

        Returns:
            Its id and its address.
        """
        ec2 = self.server.admin("ec2")
        started = ec2.run_instances(
            ImageId=_IMAGE,
            MinCount=1,
            MaxCount=1,
            InstanceType="t3.medium",
            IamInstanceProfile={"Arn": profile_arn},
            MetadataOptions={"HttpTokens": "optional" if imds_v1 else "required", "HttpEndpoint": "enabled"},
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}],
        )["Instances"][0]
        return started["InstanceId"], started.get("PublicIpAddress") or started["PrivateIpAddress"]

    def instance_session(self, name: str, role_arn: str, instance: str, addresses: tuple[str, ...]) -> Credential:
        """The credentials that an instance hands out at this moment: a session of its role, named after it."""
        made = self.server.control("instance-credentials", {"instance": instance})
        return instance_credential(name, role_arn, instance, addresses, made)


def instance_credential(name: str, role_arn: str, instance: str, addresses: tuple[str, ...], answer: Any) -> Credential:
    """A credential out of what the metadata service answers."""
    return Credential(
        name,
        answer["AccessKeyId"],
        answer["SecretAccessKey"],
        answer["Token"],
        principal=role_arn,
        addresses=addresses,
        instance=instance,
    )
