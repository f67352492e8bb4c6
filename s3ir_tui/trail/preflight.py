"""What each kind of trail source is good for, what it costs, and which permission a failure asks for: no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source.

    Attributes:
        delay: How late it brings events, as AWS states it.
        cost: What reading from it costs, in words.
        needs: The permissions that it needs, by their IAM names.
    """

    delay: str
    cost: str
    needs: tuple[str, ...]


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "lookup": Kind(
            "typically within 15 minutes",
            "no charge",
            ("cloudtrail:LookupEvents",),
        ),
        "bucket": Kind(
            "about 5 minutes on average, not guaranteed",
            "S3 requests: one GET a file. The trail itself costs its owner $0.10 per 100,000 data events and $2.00 per "
            "100,000 management events beyond the first copy, read or not",
            ("s3:ListBucket", "s3:GetObject", "kms:Decrypt"),
        ),
        "logs": Kind(
            "about 5 minutes on average; events over 256 kB are not sent",
            "no charge for reading is known; what goes into the log group costs its owner, read or not",
            ("logs:FilterLogEvents",),
        ),
        "livetail": Kind(
            "as the log group, then at once; sampled above 500 events a second",
            "by the minute: 1,800 minutes a month free, then about $0.01 a minute (price not verified)",
            ("logs:StartLiveTail",),
        ),
        "queue": Kind(
            "the lowest there is; best effort",
            "SQS requests: one in ten seconds while the queue is empty, two for ten messages",
            ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
        ),
    }
)
"""By the first word of a source's name (CLOUDTRAIL: Live sources; CloudTrail and CloudWatch pricing pages)."""

PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {
        "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
        "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
        "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
        "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
        "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
        "s3:HeadBucket": "s3:ListBucket",
        "s3:HeadObject": "s3:GetObject",
        "s3:ListBucketInventoryConfigurations": "s3:GetInventoryConfiguration",
        "s3:ListBuckets": "s3:ListAllMyBuckets",
        "s3:ListObjectVersions": "s3:ListBucketVersions",
        "s3:ListObjectsV2": "s3:ListBucket",
        "s3control:GetAccessPoint": "s3:GetAccessPoint",
        "s3control:GetAccessPointPolicy": "s3:GetAccessPointPolicy",
        "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
        "s3control:ListAccessGrants": "s3:ListAccessGrants",
        "s3control:ListAccessPoints": "s3:ListAccessPoints",
        "s3control:ListMultiRegionAccessPoints": "s3:ListMultiRegionAccessPoints",
    }
)
"""IAM's names where they are not those of the calls (Service Authorization Reference, Amazon S3)."""

_NAMED = re.compile(r"(?:perform: |perform )([a-z0-9-]+:\w+)")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one source.

    Attributes:
        source: Its name.
        reachable: Whether it could be read; `None` where that was not tried.
        expected: The delay to expect, in words.
        measured: Seconds between events and their delivery, or `None`.
        measured_by: What the measure rests on, or why there is none.
        management: Which management events it brings, in words.
        data_events: Which S3 data events it brings, in words.
        missing: Permissions that are missing, by their IAM names.
        needs: Permissions that reading it takes, by their IAM names.
        cost: What reading costs, in words.
        note: What else is to be known.
    """

    source: str
    reachable: bool | None
    expected: str
    measured: float | None
    measured_by: str
    management: str
    data_events: str
    missing: tuple[str, ...]
    needs: tuple[str, ...]
    cost: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Permission:
    """What was found of one permission.

    Attributes:
        action: Its IAM name.
        allowed: Whether the call works; `None` where that is not known.
        why: What was in the way, or why it was not tried.
    """

    action: str
    allowed: bool | None
    why: str = ""


def permission(call: str) -> str:
    """IAM's name of the permission that a call needs.

    Args:
        call: Service and operation: `s3:ListObjectsV2`, also with what it was about (`... on trail-logs`).
    """
    name = call.partition(" ")[0]
    return PERMISSIONS.get(name, name)


def missing(call: str, message: str) -> str:
    """IAM's name of the permission that a denied call lacks: AWS names another one where a key or role is in the way.

    Args:
        call: Service and operation.
        message: AWS's message.
    """
    named = _NAMED.search(message)
    return named[1] if named else permission(call)


def management(selectors: Iterable[Mapping[str, Any] | None]) -> str:
    """Which management events trails log together, in words, by their answers of GetEventSelectors."""
    told = [_management(answer) for answer in selectors]
    for word in ("all", "unknown"):
        if word in told:
            return word
    return "; ".join(dict.fromkeys(word for word in told if word != "none")) or "none"


def _management(answer: Mapping[str, Any] | None) -> str:
    if answer is None:
        return "unknown"
    advanced: Sequence[Mapping[str, Any]] = answer.get("AdvancedEventSelectors") or ()
    if advanced:
        return _together(_advanced(item.get("FieldSelectors") or ()) for item in advanced)
    basic = answer.get("EventSelectors")
    if not basic:
        return "all"  # a trail without selectors logs all management events
    return _together(_basic(item) for item in basic)


def _together(parts: Iterable[str]) -> str:
    known = [part for part in parts if part]
    return "all" if "all" in known else "; ".join(dict.fromkeys(known)) or "none"


def _basic(selector: Mapping[str, Any]) -> str:
    if not selector.get("IncludeManagementEvents", True):
        return ""
    kind = {"ReadOnly": "reads", "WriteOnly": "writes"}.get(str(selector.get("ReadWriteType")), "")
    return _worded(kind, selector.get("ExcludeManagementEventSources") or ())


def _advanced(fields: Sequence[Mapping[str, Any]]) -> str:
    tests = {str(field.get("Field")): field for field in fields}
    if "Management" not in (tests.get("eventCategory", {}).get("Equals") or ()):
        return ""
    only = tests.get("readOnly", {}).get("Equals") or ()
    kind = {("true",): "reads", ("false",): "writes"}.get(tuple(only), "")
    return _worded(kind, tests.get("eventSource", {}).get("NotEquals") or ())


def _worded(kind: str, without: Sequence[str]) -> str:
    words = f"{kind} only" if kind else "all"
    return f"{words} but {', '.join(map(str, without))}" if without else words
