"""Detections: logging and detection switched off, and looking around (DETECTIONS 7 and 8)."""

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


RULES = (
    Detection(
        "logging-stopped",
        CRITICAL,
        ("StopLogging", "DeleteTrail"),
        "CloudTrail switched off ({name})",
        _IT,
        service="cloudtrail",
    ),
    Detection("trail-changed", HIGH, ("UpdateTrail",), "CloudTrail trail changed", _IT, service="cloudtrail"),
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
        ("UpdateDetector", "CreateFilter", "UpdateIPSet", "ArchiveFindings"),
        "GuardDuty changed: {name}",
        _IT,
        service="guardduty",
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
        "logs-deleted",
        HIGH,
        (
            "DeleteLogGroup",
            "DeleteLogStream",
            "DeleteSubscriptionFilter",
            "DeleteMetricFilter",
            "DeleteFlowLogs",
            "DeleteResolverQueryLogConfig",
        ),
        "logs cut: {name}",
        _IT,
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
            "ListAttachedUserPolicies",
            "ListAttachedRolePolicies",
            "ListUserPolicies",
            "ListRolePolicies",
            "GetPolicyVersion",
            "SimulatePrincipalPolicy",
            "ListAccessKeys",
        ),
        "looks through users, roles and policies",
        _LOOK,
        service="iam",
    ),
)
