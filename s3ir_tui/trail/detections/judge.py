"""The opinion on one event: which detections hold, how severe it is, whether it is noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from s3ir_tui.model import Severity
from s3ir_tui.text import clean
from s3ir_tui.trail.details import Details
from s3ir_tui.trail.detections import destruction, exfiltration, exposure, identity, network, tampering
from s3ir_tui.trail.detections.conditions import signed_in
from s3ir_tui.trail.detections.rule import Detection, Finding, Tactic
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import LISTS, OBJECT_READS, is_denied

RULES: tuple[Detection, ...] = (
    *exposure.RULES,
    *exfiltration.RULES,
    *destruction.RULES,
    *identity.RULES,
    *tampering.RULES,
)
"""Every detection, by kind of trouble."""

_BY_EVENT: dict[str, list[Detection]] = {}
for _rule in RULES:
    for _name in _rule.events:
        _BY_EVENT.setdefault(_name, []).append(_rule)

_LOG_BUCKET_CHANGES = frozenset(
    {"PutBucketLifecycle", "PutBucketPolicy", "DeleteBucketPolicy", "DeleteBucket", "DeleteObject", "DeleteObjects"}
)


_LOG_BUCKET = Detection(
    "log-bucket", Severity.CRITICAL, (), "bucket of the trail {bucket} changed ({name})", Tactic.TAMPERING
)


_NOT_BY_NAME = frozenset(name for rule in RULES if not rule.by_name for name in rule.events)


def by_name_alone(name: str) -> bool:
    """Whether every detection says the same of all calls of an operation, by one identity on one bucket."""
    return name not in _NOT_BY_NAME


class Context(Protocol):
    """What is known beside the event."""

    def standing(self, principal: str) -> Severity:
        """How suspicious the principal is by everything seen so far."""

    def keeps_logs(self, bucket: str) -> bool:
        """Whether CloudTrail delivers into this bucket."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The opinion on one event.

    Attributes:
        severity: How much it matters.
        findings: The detections that held, worst first.
        reasons: Why, in words, worst first.
        noise: Whether it is service noise that may be folded.
    """

    severity: Severity = Severity.INFO
    findings: tuple[Finding, ...] = ()
    reasons: tuple[str, ...] = ()
    noise: bool = False


QUIET = Judgement()
NOISE = Judgement(noise=True)


def detect(event: Event) -> tuple[Finding, ...]:
    """What the detections say of an event by itself, worst first."""
    rules: Sequence[Detection] | None = _BY_EVENT.get(event.name)
    if event.category == network.CATEGORY:
        rules = (*(rules or ()), *network.RULES)
    elif rules is None:
        return ()
    details: Details | None = None
    found: list[Finding] = []
    for rule in rules:
        if (rule.service and rule.service != event.service) or not rule.glance(event):
            continue
        if details is None:
            details = Details(event)
        what = rule.condition(details)
        if what:
            found.append(_finding(rule, event, details, what if isinstance(what, str) else ""))
    if len(found) > 1:
        found.sort(key=lambda item: -item.severity)
    return tuple(found)


def with_context(findings: tuple[Finding, ...], event: Event, context: Context) -> tuple[Finding, ...]:
    """The findings of an event with what is known only from other events, worst first."""
    if event.name in _LOG_BUCKET_CHANGES and event.kind != "AWSService" and context.keeps_logs(event.bucket):
        return (_finding(_LOG_BUCKET, event, Details(event), ""), *findings)
    return findings


def judge(event: Event, context: Context) -> Judgement:
    """Judge one event.

    Args:
        event: The event.
        context: What is known beside it.

    Returns:
        What the detections say of it, and its severity: at least what a suspect's call is worth.
    """
    return weigh(event, with_context(detect(event), event, context), context)


def weigh(event: Event, findings: tuple[Finding, ...], context: Context) -> Judgement:
    """Judge one event of which it is known what the detections say (see `judge`)."""
    service_call = event.kind == "AWSService" or bool(event.invoked_by)
    standing = Severity.INFO if service_call else context.standing(event.principal)
    if not findings and standing < Severity.HIGH:
        return NOISE if service_call else QUIET
    severity = max((item.severity for item in findings), default=Severity.INFO)
    reasons = [item.text for item in findings if item.severity > Severity.INFO]
    if standing >= Severity.HIGH:
        worth, why = _by_suspect(event)
        if worth > severity:
            severity = worth
            reasons.insert(0, why)
    noise = service_call and severity < Severity.MEDIUM
    return Judgement(severity, findings, tuple(reasons), noise)


def _finding(rule: Detection, event: Event, details: Details, what: str) -> Finding:
    text = clean(
        rule.text.format(
            bucket=event.bucket or "a bucket",
            key=event.key,
            name=event.name,
            user=details.text("userName"),
            role=details.text("roleName"),
            what=what,
        )
    )
    if not event.error:
        soft = rule.routine and rule.severity > Severity.MEDIUM and signed_in(details)
        return Finding(rule.name, Severity.MEDIUM if soft else rule.severity, text, rule.tactic)
    tried = min(Severity.MEDIUM, Severity(max(rule.severity - 1, Severity.INFO)))
    how = "refused" if is_denied(event.error) else "failed"
    return Finding(f"{rule.name}-tried", tried, f"tried, {how} ({event.error}): {text}", rule.tactic)


def _by_suspect(event: Event) -> tuple[Severity, str]:
    """What a call is worth because a suspect made it."""
    if event.error:
        return Severity.LOW, f"a suspect was {'refused' if is_denied(event.error) else 'not served'}"
    if event.name in OBJECT_READS or not event.read_only:
        return Severity.HIGH, "by a suspect"
    if event.name in LISTS:
        return Severity.MEDIUM, "by a suspect"
    return Severity.LOW, "by a suspect"
