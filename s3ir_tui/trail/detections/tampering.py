"""Detections: logging and detection switched off, and looking around."""

from __future__ import annotations

import json

from s3ir_tui.trail.details import Details
from s3ir_tui.trail.detections import conditions as if_
from s3ir_tui.trail.detections.rule import CRITICAL, HIGH, LOW, MEDIUM, Detection, Tactic

_IT, _LOOK = Tactic.TAMPERING, Tactic.RECON


def _selectors_off(details: Details) -> bool:
    """Management events off, or no data resource left."""
    text = json.dumps(details.params).replace(" ", "").lower()
    if '"includemanagementevents":false' in text or '"readwritetype":"writeonly"' in text:
        return True
    return '"dataresources":[]' in text and '"advancedeventselectors"' not in text


def _weakened(details: Details) -> str:
    """What a trail will not record any more."""
    flags = ("isMultiRegionTrail", "enableLogFileValidation", "includeGlobalServiceEvents")
    return ", ".join(f"{flag} off" for flag in flags if details.text(flag) == "false")


def _detector_off(details: Details) -> bool:
    switches = [str(value).lower() for name, value in if_.leaves(details.params) if name in _SWITCHES]
    return "false" in switches or "disabled" in switches


def _detector_on(details: Details) -> bool:
    return not _detector_off(details)


def _of_the_trail(details: Details) -> bool:
    """A log group by whose name logs of AWS itself stand in it."""
    name = details.text("logGroupName").lower()
    return any(word in name for word in _LOG_WORDS)


def _of_software(details: Details) -> bool:
    return not _of_the_trail(details)


def _short_retention(details: Details) -> str:
    days = details.text("retentionInDays")
    return f"{days} days" if days.isdigit() and int(days) <= 7 else ""


_CUTS = ("DeleteLogGroup", "DeleteLogStream", "DeleteSubscriptionFilter", "DeleteMetricFilter")
_SWITCHES = ("enable", "status", "autoEnable")
_LOG_WORDS = ("trail", "flow", "guardduty", "controltower", "route53", "waf", "audit", "security")

RULES = (
    Detection(
        "logging-stopped",
        CRITICAL,
        ("StopLogging", "DeleteTrail"),
        "CloudTrail switched off ({name})",
        _IT,
        service="cloudtrail",
    ),
    Detection(
        "trail-weakened", CRITICAL, ("UpdateTrail",), "CloudTrail trail weakened ({what})", _IT, _weakened, "cloudtrail"
    ),
    Detection(
        "trail-changed",
        HIGH,
        ("UpdateTrail",),
        "CloudTrail trail changed",
        _IT,
        lambda details: not _weakened(details),
        "cloudtrail",
    ),
    Detection(
        "selectors-off",
        CRITICAL,
        ("PutEventSelectors",),
        "CloudTrail told to log less",
        _IT,
        _selectors_off,
        "cloudtrail",
    ),
    Detection(
        "selectors-changed",
        MEDIUM,
        ("PutEventSelectors",),
        "what CloudTrail logs was changed",
        _IT,
        lambda details: not _selectors_off(details),
        "cloudtrail",
    ),
    Detection(
        "trail-tampered",
        HIGH,
        (
            "PutInsightSelectors",
            "PutEventConfiguration",
            "StopEventDataStoreIngestion",
            "DeleteEventDataStore",
            "DeregisterOrganizationDelegatedAdmin",
        ),
        "CloudTrail tampered with: {name}",
        _IT,
        service="cloudtrail",
    ),
    Detection(
        "access-logging-off",
        HIGH,
        ("PutBucketLogging",),
        "access logging of {bucket} switched off",
        _IT,
        if_.logging_off,
    ),
    Detection(
        "access-logging-set",
        LOW,
        ("PutBucketLogging",),
        "access logs of {bucket} go to {what}",
        _IT,
        if_.logging_target,
    ),
    Detection(
        "guardduty-tampered",
        CRITICAL,
        (
            "DeleteDetector",
            "DisassociateFromAdministratorAccount",
            "DisassociateMembers",
            "StopMonitoringMembers",
            "DeleteMembers",
            "CreateIPSet",
            "DeletePublishingDestination",
        ),
        "GuardDuty tampered with: {name}",
        _IT,
        service="guardduty",
    ),
    Detection(
        "guardduty-changed",
        HIGH,
        ("CreateFilter", "UpdateIPSet", "ArchiveFindings"),
        "GuardDuty changed: {name}",
        _IT,
        service="guardduty",
    ),
    Detection(
        "detector-off", CRITICAL, ("UpdateDetector",), "GuardDuty told to see less", _IT, _detector_off, "guardduty"
    ),
    Detection(
        "detector-changed", MEDIUM, ("UpdateDetector",), "GuardDuty detector changed", _IT, _detector_on, "guardduty"
    ),
    Detection(
        "config-tampered",
        HIGH,
        ("StopConfigurationRecorder", "DeleteConfigurationRecorder", "DeleteDeliveryChannel", "DeleteConfigRule"),
        "AWS Config tampered with: {name}",
        _IT,
        service="config",
    ),
    Detection(
        "detection-tampered",
        HIGH,
        ("DisableMacie", "DeleteAnalyzer", "DisableSecurityHub"),
        "detection switched off: {name}",
        _IT,
    ),
    Detection(
        "macie-paused",
        HIGH,
        ("UpdateMacieSession",),
        "Macie paused",
        _IT,
        if_.is_value("status", "PAUSED"),
        "macie2",
    ),
    Detection(
        "findings-changed",
        MEDIUM,
        ("UpdateFindings", "BatchUpdateFindings"),
        "findings set aside: {name}",
        _IT,
        service="securityhub",
    ),
    Detection(
        "logs-deleted",
        HIGH,
        ("DeleteFlowLogs", "DeleteResolverQueryLogConfig"),
        "logs cut: {name}",
        _IT,
    ),
    Detection("log-group-cut", HIGH, _CUTS, "log group of AWS's own logs cut: {name}", _IT, _of_the_trail, "logs"),
    # Log groups of software come and go with it.
    Detection("log-group-deleted", MEDIUM, _CUTS, "log group cut: {name}", _IT, _of_software, "logs"),
    Detection(
        "retention-short", MEDIUM, ("PutRetentionPolicy",), "logs kept for {what} only", _IT, _short_retention, "logs"
    ),
    Detection(
        "rule-off",
        MEDIUM,
        ("DisableRule", "DeleteRule", "RemoveTargets"),
        "EventBridge rule cut: {name}",
        _IT,
        service="events",
    ),
    Detection(
        "organization-left",
        CRITICAL,
        ("LeaveOrganization",),
        "account takes itself out of the organization",
        _IT,
        service="organizations",
    ),
    Detection(
        "organization-policy",
        HIGH,
        ("DetachPolicy", "DisablePolicyType"),
        "organization policy lifted: {name}",
        _IT,
        service="organizations",
    ),
    Detection("who-am-i", LOW, ("GetCallerIdentity",), "asks who its credentials belong to", _LOOK, service="sts"),
    Detection("list-buckets", LOW, ("ListBuckets",), "lists the buckets of the account", _LOOK, service="s3"),
    Detection(
        "bucket-settings",
        LOW,
        (
            "GetBucketAcl",
            "GetBucketPolicy",
            "GetBucketPolicyStatus",
            "GetBucketPublicAccessBlock",
            "GetBucketVersioning",
            "GetAccountPublicAccessBlock",
            "ListAccessPoints",
            "GetStorageLensConfiguration",
        ),
        "looks at how buckets are protected",
        _LOOK,
        service="s3",
    ),
    Detection(
        "trail-looked-at",
        LOW,
        ("LookupEvents", "DescribeTrails", "GetTrailStatus", "GetEventSelectors"),
        "looks at what is logged",
        _LOOK,
        service="cloudtrail",
    ),
    Detection(
        "iam-listed",
        LOW,
        (
            "ListUsers",
            "ListRoles",
            "ListPolicies",
            "GetAccountAuthorizationDetails",
            "SimulatePrincipalPolicy",
            "ListAccessKeys",
        ),
        "looks through users, roles and policies",
        _LOOK,
        service="iam",
    ),
    # Tools that keep an account as its description says ask this of the roles that they keep, each time.
    Detection(
        "iam-looked-at",
        LOW,
        (
            "ListAttachedUserPolicies",
            "ListAttachedRolePolicies",
            "ListUserPolicies",
            "ListRolePolicies",
            "GetPolicyVersion",
        ),
        "looks at the rights of a user or role",
        _LOOK,
        service="iam",
    ),
    Detection(
        "keys-listed", LOW, ("ListKeys", "ListAliases", "GetKeyPolicy"), "looks at KMS keys", _LOOK, service="kms"
    ),
)
