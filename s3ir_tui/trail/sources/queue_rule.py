"""What feeds a queue of EventBridge, and what reading it does to others: asked once, before anything is received."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.text import clean
from s3ir_tui.trail.sources.base import Calls

ALL_MANAGEMENT = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
"""The state in which a rule is also given read-only management events (EventBridge API, PutRule, State)."""

_API_CALL = "AWS API Call via CloudTrail"


@dataclass(frozen=True, slots=True)
class Feeding:
    """What is known of a queue before it is read.

    Attributes:
        redrive: How often a message may be received before it is moved away, or 0 where messages stay.
        reads: Whether a rule sends read-only management events to it; `None` where the rules cannot be seen.
        gap: Why the queue's own settings are not known, or "".
    """

    redrive: int = 0
    reads: bool | None = None
    gap: str = ""


def feeding(account: Calls, url: str, region: str) -> Feeding:
    """Ask the queue for its redrive policy, and EventBridge for the rules that send to it.

    Args:
        account: The connection.
        url: URL of the queue.
        region: Its Region.
    """
    names = {"QueueUrl": url, "AttributeNames": ["QueueArn", "RedrivePolicy"]}
    try:
        attributes = account.call("sqs", "GetQueueAttributes", names, region).get("Attributes") or {}
    except AwsError as error:
        return Feeding(gap=f"whether others lose messages by our reading is not known: {error}")
    return Feeding(_most_received(attributes), _sends_reads(account, str(attributes.get("QueueArn") or ""), region))


def _most_received(attributes: Mapping[str, Any]) -> int:
    text = str(attributes.get("RedrivePolicy") or "")
    if not text:
        return 0
    try:
        return max(1, int(json.loads(text)["maxReceiveCount"]))
    except (ValueError, KeyError, TypeError):
        return 1


def _sends_reads(account: Calls, arn: str, region: str) -> bool | None:
    """Whether one of the rules that name the queue is given all management events; `None` where none can be seen."""
    try:
        listed = account.call("events", "ListRuleNamesByTarget", {"TargetArn": arn}, region).get("RuleNames") or ()
        rules = [account.call("events", "DescribeRule", {"Name": str(name)}, region) for name in listed]
    except AwsError:
        return None
    matching = [rule for rule in rules if _API_CALL in clean(rule.get("EventPattern") or "")]
    return any(rule.get("State") == ALL_MANAGEMENT for rule in matching) if matching else None
