"""What makes an event worth a look: a table of small rules (DETECTIONS), each with severity, condition and words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from s3ir_tui.model import Severity
from s3ir_tui.policy import PolicyError, is_public
from s3ir_tui.trail.details import Details
from s3ir_tui.trail.doors import foreign_in_trust, let_in
from s3ir_tui.trail.event import Event

_PUBLIC_GRANTS = ("public-read", "public-read-write", "authenticated-read")
_PUBLIC_GROUPS = ("groups/global/AllUsers", "groups/global/AuthenticatedUsers")


@dataclass(frozen=True, slots=True)
class Detection:
    """A rule.

    Attributes:
        names: `eventName`s that it looks at.
        severity: How much a match matters if the call succeeded; an attempt counts as `MEDIUM` at most.
        words: What happened, in words; what the condition returns is appended.
        condition: The match: words to append, or `None` for no match.
        on_bucket: Whether the bucket carries the reason as well.
    """

    names: tuple[str, ...]
    severity: Severity
    words: str
    condition: Callable[[Details], str | None] = lambda _details: ""
    on_bucket: bool = False


def _public_policy(details: Details) -> str | None:
    document = details.policy("bucketPolicy", "policy")
    try:
        return "" if document and is_public(document) else None
    except PolicyError:
        return None


def _foreign_policy(details: Details) -> str | None:
    accounts = let_in(details)
    return ", ".join(accounts) if accounts else None


def _public_acl(details: Details) -> str | None:
    text = details.text("x-amz-acl")
    whole = str(details.at("AccessControlPolicy") or "") + str(details.params)
    return "" if text in _PUBLIC_GRANTS or any(group in whole for group in _PUBLIC_GROUPS) else None


def _weakened_block(details: Details) -> str | None:
    block = details.at("PublicAccessBlockConfiguration")
    flags = block if isinstance(block, dict) else details.params
    off = [name for name, value in flags.items() if str(value).lower() == "false"]
    return ", ".join(off) if off else None


def _admin(details: Details) -> str | None:
    document = details.policy("policyDocument")
    arn = details.text("policyArn")
    if "AWSDenyAll" in arn or ('"Deny"' in document and '"Allow"' not in document):
        return None
    return arn.rsplit("/", 1)[-1]


def _foreign_trust(details: Details) -> str | None:
    accounts = foreign_in_trust(details)
    return ", ".join(accounts) if accounts else None


def _owner(details: Details) -> str:
    return details.text("userName") or details.event.principal.rsplit("/", 1)[-1]


def _suspended(details: Details) -> str | None:
    status = details.at("VersioningConfiguration", "Status")
    return "" if status == "Suspended" else None


def _customer_key(details: Details) -> str | None:
    asked = details.text("x-amz-server-side-encryption-customer-algorithm")
    return "" if asked or details.extra.get("SSEApplied") == "SSE_C" else None


RULES: tuple[Detection, ...] = (
    Detection(("PutBucketPolicy",), Severity.CRITICAL, "made the bucket public by policy", _public_policy, True),
    Detection(("PutBucketPolicy",), Severity.CRITICAL, "let in another account:", _foreign_policy, True),
    Detection(("DeleteBucketPolicy",), Severity.HIGH, "deleted the bucket policy", on_bucket=True),
    Detection(("PutBucketAcl",), Severity.CRITICAL, "made the bucket public by ACL", _public_acl, True),
    Detection(("PutObjectAcl",), Severity.HIGH, "made objects public by ACL", _public_acl, True),
    Detection(
        ("PutBucketPublicAccessBlock", "PutAccountPublicAccessBlock"),
        Severity.CRITICAL,
        "turned off Block Public Access:",
        _weakened_block,
        True,
    ),
    Detection(
        ("DeleteBucketPublicAccessBlock", "DeleteAccountPublicAccessBlock"),
        Severity.CRITICAL,
        "removed Block Public Access",
        on_bucket=True,
    ),
    Detection(("CreateAccessKey",), Severity.CRITICAL, "made an access key for", _owner),
    Detection(("CreateLoginProfile", "UpdateLoginProfile"), Severity.CRITICAL, "gave a console password to", _owner),
    Detection(("CreateUser",), Severity.HIGH, "made a user:", _owner),
    Detection(("GetSessionToken", "GetFederationToken"), Severity.HIGH, "made a session that outlives its key"),
    Detection(
        ("AttachUserPolicy", "PutUserPolicy", "AttachRolePolicy", "PutRolePolicy", "PutGroupPolicy"),
        Severity.HIGH,
        "gave out permissions:",
        _admin,
    ),
    Detection(
        ("DetachUserPolicy", "DeleteUserPolicy", "DetachRolePolicy", "DeleteRolePolicy"),
        Severity.HIGH,
        "took a policy away",
    ),
    Detection(
        ("UpdateAssumeRolePolicy", "CreateRole"), Severity.CRITICAL, "a role trusts another account:", _foreign_trust
    ),
    Detection(
        ("StopLogging", "DeleteTrail", "PutEventSelectors"), Severity.CRITICAL, "changed what CloudTrail records"
    ),
    Detection(("PutBucketReplication",), Severity.HIGH, "set up replication", on_bucket=True),
    Detection(("PutBucketVersioning",), Severity.CRITICAL, "suspended versioning", _suspended, True),
    Detection(("PutBucketLifecycle",), Severity.HIGH, "changed the lifecycle", on_bucket=True),
    Detection(
        ("PutObject", "CopyObject"),
        Severity.CRITICAL,
        "encrypted with a key of the caller's (SSE-C)",
        _customer_key,
        True,
    ),
    Detection(("DeleteBucket",), Severity.CRITICAL, "deleted the bucket", on_bucket=True),
    Detection(("DeleteObjects",), Severity.HIGH, "deleted many objects at once", on_bucket=True),
    Detection(("ListBuckets",), Severity.LOW, "listed all buckets"),
)

_BY_NAME: dict[str, tuple[Detection, ...]] = {}
for _rule in RULES:
    for _name in _rule.names:
        _BY_NAME[_name] = (*_BY_NAME.get(_name, ()), _rule)


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that matched an event."""

    severity: Severity
    text: str
    on_bucket: bool


def matches(event: Event) -> tuple[Match, ...]:
    """The rules that an event matches, in the order of the table. A failed call is an attempt and worded so."""
    rules = _BY_NAME.get(event.name)
    if not rules:
        return ()
    details = Details(event)
    found = []
    for rule in rules:
        words = rule.condition(details)
        if words is None:
            continue
        text = f"{rule.words} {words}".strip()
        if event.error:
            found.append(Match(min(rule.severity, Severity.MEDIUM), f"tried, {event.error}: {text}", False))
        else:
            found.append(Match(rule.severity, text, rule.on_bucket))
    return tuple(found)
