"""iam:PassRole: who hands a role to a service needs permission to pass that role to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from s3ir_tui.gameday.iam_resources import arn_of, entity
from s3ir_tui.gameday.resource_names import walk
from s3ir_tui.gameday.wire import Call

_EC2 = "ec2.amazonaws.com"
_PASSING: Mapping[tuple[str, str], tuple[tuple[str, ...], str]] = {
    ("lambda", "CreateFunction"): (("Role",), "lambda.amazonaws.com"),
    ("lambda", "UpdateFunctionConfiguration"): (("Role",), "lambda.amazonaws.com"),
    ("s3control", "CreateJob"): (("RoleArn",), "batchoperations.s3.amazonaws.com"),
    ("s3", "PutBucketReplication"): (("Role",), "s3.amazonaws.com"),
    ("cloudtrail", "CreateTrail"): (("CloudWatchLogsRoleArn",), "cloudtrail.amazonaws.com"),
    ("cloudtrail", "UpdateTrail"): (("CloudWatchLogsRoleArn",), "cloudtrail.amazonaws.com"),
    ("events", "PutTargets"): (("RoleArn",), "events.amazonaws.com"),
    ("events", "PutRule"): (("RoleArn",), "events.amazonaws.com"),
    ("scheduler", "CreateSchedule"): (("RoleArn",), "scheduler.amazonaws.com"),
    ("scheduler", "UpdateSchedule"): (("RoleArn",), "scheduler.amazonaws.com"),
    ("ecs", "RegisterTaskDefinition"): (("taskRoleArn", "executionRoleArn"), "ecs-tasks.amazonaws.com"),
    ("ecs", "RunTask"): (("taskRoleArn", "executionRoleArn"), "ecs-tasks.amazonaws.com"),
    ("cloudformation", "CreateStack"): (("RoleARN",), "cloudformation.amazonaws.com"),
    ("cloudformation", "UpdateStack"): (("RoleARN",), "cloudformation.amazonaws.com"),
    ("ssm", "SendCommand"): (("ServiceRoleArn",), "ssm.amazonaws.com"),
    ("ssm", "StartAutomationExecution"): (("AutomationAssumeRole",), "ssm.amazonaws.com"),
    ("glue", "CreateJob"): (("Role",), "glue.amazonaws.com"),
    ("glue", "CreateCrawler"): (("Role",), "glue.amazonaws.com"),
    ("codebuild", "CreateProject"): (("serviceRole",), "codebuild.amazonaws.com"),
    ("states", "CreateStateMachine"): (("roleArn",), "states.amazonaws.com"),
    ("logs", "PutSubscriptionFilter"): (("roleArn",), "logs.amazonaws.com"),
    ("logs", "PutDestination"): (("roleArn",), "logs.amazonaws.com"),
    ("config", "PutConfigurationRecorder"): (("roleARN",), "config.amazonaws.com"),
    ("firehose", "CreateDeliveryStream"): (("RoleARN",), "firehose.amazonaws.com"),
    ("datasync", "CreateLocationS3"): (("BucketAccessRoleArn",), "datasync.amazonaws.com"),
    ("sagemaker", "CreateNotebookInstance"): (("RoleArn",), "sagemaker.amazonaws.com"),
}
"""The parameters that name a role, and the service that gets it (Service Authorization Reference, dependent actions).
The type of the ARN decides, wherever in the request it stands."""
_PROFILES = frozenset(
    {
        ("ec2", "RunInstances"),
        ("ec2", "AssociateIamInstanceProfile"),
        ("ec2", "ReplaceIamInstanceProfileAssociation"),
        ("ec2", "RequestSpotInstances"),
        ("autoscaling", "CreateLaunchConfiguration"),
    }
)
"""Calls that give an instance a profile pass the role in it to EC2."""


def passed_roles(call: Call, account: str) -> Iterator[tuple[str, str]]:
    """ARNs of the roles that a call passes, each with the service that gets it.

    Args:
        call: The call.
        account: The account that it acts in.
    """
    name = (call.service, call.operation)
    if name in _PROFILES:
        for arn in _roles_of_profiles(call.params, account):
            yield arn, _EC2
    elif name == ("iam", "AddRoleToInstanceProfile"):
        yield arn_of(account, "role", str(call.params.get("RoleName"))), _EC2
    elif name in _PASSING:
        fields, service = _PASSING[name]
        for field, value in walk(call.params):
            if field in fields:
                yield arn_of(account, "role", value), service


def _roles_of_profiles(params: Mapping[str, Any], account: str) -> Iterator[str]:
    for holder in (params, params.get("LaunchSpecification") or {}):
        given = holder.get("IamInstanceProfile")
        if not given:
            continue
        text = given if isinstance(given, str) else str(given.get("Arn") or given.get("Name") or "")
        profile = entity(account, "instance-profile", text.rpartition("/")[2])
        yield from (str(role.arn) for role in (profile.roles if profile is not None else ()))
