"""What is said of sources and permissions, and the template that would make a queue."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from moto.events.models import EventPattern

from s3ir_tui.aws.guard import READS
from s3ir_tui.cli import app
from s3ir_tui.trail.preflight import KINDS, management, missing, permission
from s3ir_tui.trail.queue_template import TEMPLATE


def advanced(*fields: dict[str, Any]) -> dict[str, Any]:
    base = {"Field": "eventCategory", "Equals": ["Management"]}
    return {"AdvancedEventSelectors": [{"FieldSelectors": [base, *fields]}]}


@pytest.mark.parametrize(
    ("selectors", "told"),
    [
        ({}, "all"),
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}, "all"),
        ({"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]}, "writes only"),
        ({"EventSelectors": [{"IncludeManagementEvents": False}]}, "none"),
        (
            {"EventSelectors": [{"ReadWriteType": "All", "ExcludeManagementEventSources": ["kms.amazonaws.com"]}]},
            "all but kms.amazonaws.com",
        ),
        (advanced(), "all"),
        (advanced({"Field": "readOnly", "Equals": ["false"]}), "writes only"),
        (advanced({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}), "all but kms.amazonaws.com"),
        ({"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]}, "none"),
        (None, "unknown"),
    ],
)
def test_management_events_of_a_trail_in_words(selectors: dict[str, Any] | None, told: str) -> None:
    assert management([selectors]) == told


def test_trails_are_told_together() -> None:
    writes = {"EventSelectors": [{"ReadWriteType": "WriteOnly"}]}
    assert management([writes, {}]) == "all"
    assert management([writes, None]) == "unknown"
    assert management([]) == "none"


def test_permissions_have_the_names_that_iam_gives_them() -> None:
    assert permission("s3:ListBuckets") == "s3:ListAllMyBuckets"
    assert permission("s3:GetPublicAccessBlock on payroll") == "s3:GetBucketPublicAccessBlock"
    assert permission("iam:ListUsers") == "iam:ListUsers"
    assert all(":" in permission(f"{service}:{name}") for service, names in READS.items() for name in names)
    assert not any(permission(f"s3control:{name}").startswith("s3control") for name in READS["s3control"])


def test_the_permission_that_aws_names_is_the_one_that_is_missing() -> None:
    message = "User: arn:aws:iam::1:user/x is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:key/k"
    assert missing("s3:GetObject on trail-logs", message) == "kms:Decrypt"
    assert missing("s3:ListObjectsV2 on trail-logs", "Access Denied") == "s3:ListBucket"


def test_every_kind_of_source_has_delay_cost_and_permissions() -> None:
    assert set(KINDS) == {"lookup", "bucket", "logs", "livetail", "queue"}
    assert all(kind.delay and kind.cost and kind.needs for kind in KINDS.values())


def test_the_template_is_printed_without_asking_anything(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["preflight", "--print-queue-template"], prog_name="s3ir-tui")
    assert ended.value.code == 0
    assert capsys.readouterr().out == TEMPLATE


class Template(yaml.SafeLoader):
    """CloudFormation's short forms, as texts."""


Template.add_constructor("!Ref", lambda loader, node: f"Ref {loader.construct_scalar(node)}")
Template.add_constructor("!GetAtt", lambda loader, node: f"GetAtt {loader.construct_scalar(node)}")


def test_the_template_makes_a_rule_a_queue_and_a_policy_for_that_rule_alone() -> None:
    parts = yaml.load(TEMPLATE, Template)["Resources"]
    kinds = {name: part["Type"] for name, part in parts.items()}
    assert kinds == {"Queue": "AWS::SQS::Queue", "Rule": "AWS::Events::Rule", "QueuePolicy": "AWS::SQS::QueuePolicy"}
    rule, policy = parts["Rule"]["Properties"], parts["QueuePolicy"]["Properties"]
    assert rule["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    assert rule["Targets"] == [{"Id": "queue", "Arn": "GetAtt Queue.Arn"}]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert policy["Queues"] == ["Ref Queue"]
    assert (statement["Action"], statement["Resource"]) == ("sqs:SendMessage", "GetAtt Queue.Arn")
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": "GetAtt Rule.Arn"}}


@pytest.mark.parametrize(
    ("source", "kind", "matches"),
    [
        ("aws.s3", "AWS API Call via CloudTrail", True),
        ("aws.signin", "AWS Console Sign In via CloudTrail", True),
        ("aws.s3", "Object Created", False),
        ("aws.rds", "AWS API Call via CloudTrail", False),
    ],
)
def test_the_rule_matches_what_cloudtrail_records(source: str, kind: str, matches: bool) -> None:
    pattern = yaml.load(TEMPLATE, Template)["Resources"]["Rule"]["Properties"]["EventPattern"]
    event = {"source": source, "detail-type": kind, "detail": {"eventName": "GetObject"}}
    assert EventPattern.load(json.dumps(pattern)).matches_event(event) is matches
