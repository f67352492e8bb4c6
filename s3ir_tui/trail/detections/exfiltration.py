"""Detections: data on its way out."""

from __future__ import annotations

from s3ir_tui.trail.details import Details
from s3ir_tui.trail.detections import conditions as if_
from s3ir_tui.trail.detections.keys import looks_secret
from s3ir_tui.trail.detections.rule import CRITICAL, HIGH, LOW, MEDIUM, Detection, Tactic, anonymous
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import LISTS

_IT = Tactic.EXFILTRATION


def _secret_key(event: Event) -> bool:
    return looks_secret(event.key)


def _maybe_presigned(event: Event) -> bool:
    return b'"QueryString"' in event.raw


def _presigned(details: Details) -> bool:
    return details.extra.get("AuthenticationMethod") == "QueryString"


def _across_accounts(details: Details) -> str:
    """Two buckets of two accounts in one copy."""
    accounts = {account for kind, _arn, account in details.resources if kind == "AWS::S3::Bucket" and account}
    return ", ".join(sorted(accounts)) if len(accounts) > 1 else ""


def _replication_out(details: Details) -> str:
    home = if_.owner(details)
    account = if_.leaf(details, "Account")
    return account if account and home and account != home else ""


RULES = (
    Detection(
        "anonymous-read",
        HIGH,
        ("GetObject", "SelectObjectContent", "GetObjectTorrent"),
        "{bucket} read without credentials",
        _IT,
        glance=anonymous,
    ),
    Detection(
        "anonymous-list", HIGH, tuple(sorted(LISTS)), "{bucket} listed without credentials", _IT, glance=anonymous
    ),
    Detection(
        "anonymous-look",
        LOW,
        ("HeadObject", "HeadBucket", "GetBucketAcl", "GetObjectAcl", "GetBucketPolicy", "GetBucketLocation"),
        "{bucket} looked at without credentials ({name})",
        Tactic.RECON,
        glance=anonymous,
    ),
    Detection(
        "anonymous-write",
        CRITICAL,
        ("PutObject", "DeleteObject", "DeleteObjects", "CompleteMultipartUpload", "CopyObject"),
        "{bucket} changed without credentials ({name})",
        _IT,
        glance=anonymous,
    ),
    Detection(
        "secret-read",
        MEDIUM,
        ("GetObject",),
        "object that looks like a secret was read: {bucket}/{key}",
        _IT,
        glance=_secret_key,
    ),
    Detection(
        "presigned",
        LOW,
        ("GetObject",),
        "read of {bucket} through a presigned URL",
        _IT,
        _presigned,
        glance=_maybe_presigned,
    ),
    Detection(
        "copy-across-accounts",
        CRITICAL,
        ("CopyObject", "UploadPartCopy"),
        "copy between buckets of accounts {what}",
        _IT,
        _across_accounts,
    ),
    Detection("select", MEDIUM, ("SelectObjectContent", "GetObjectTorrent"), "{bucket} read by {name}", _IT),
    Detection("versions-listed", LOW, ("ListObjectVersions",), "versions of objects of {bucket} listed", Tactic.RECON),
    Detection("restore", MEDIUM, ("RestoreObject",), "archived object of {bucket} made readable", _IT),
    Detection(
        "replication-out",
        CRITICAL,
        ("PutBucketReplication",),
        "{bucket} replicated to account {what}",
        _IT,
        _replication_out,
    ),
    Detection(
        "replication",
        MEDIUM,
        ("PutBucketReplication",),
        "replication of {bucket} changed",
        _IT,
        lambda details: not _replication_out(details),
    ),
    Detection("batch-job", HIGH, ("CreateJob", "JobCreated"), "S3 Batch Operations job made", _IT, service="s3"),
    Detection(
        "inventory-out",
        HIGH,
        ("PutBucketInventoryConfiguration",),
        "list of all keys of {bucket} goes to account {what}",
        _IT,
        lambda details: _replication_out(details) or if_.foreign_arn(details),
    ),
    Detection(
        "datasync",
        HIGH,
        ("CreateLocationS3", "CreateTask"),
        "DataSync: {name}",
        _IT,
        service="datasync",
    ),
    Detection("datasync-started", MEDIUM, ("StartTaskExecution",), "DataSync task started", _IT, service="datasync"),
    Detection(
        "export",
        MEDIUM,
        ("ExportTableToPointInTime", "StartExportTask", "CreateExportTask", "ExportImage", "CreateStoreImageTask"),
        "export to S3: {name}",
        _IT,
    ),
    Detection(
        "distribution",
        MEDIUM,
        ("CreateDistribution", "UpdateDistribution", "CreateOriginAccessControl"),
        "CloudFront set before a bucket ({name})",
        _IT,
        lambda details: ".s3" in str(details.params),
        "cloudfront",
    ),
)
