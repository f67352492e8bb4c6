"""Detections: data destroyed, or encrypted to be ransomed."""

from __future__ import annotations

from s3ir_tui.trail.details import Details
from s3ir_tui.trail.detections import conditions as if_
from s3ir_tui.trail.detections.keys import is_log, looks_like_note
from s3ir_tui.trail.detections.rule import CRITICAL, HIGH, LOW, MEDIUM, Detection, Tactic
from s3ir_tui.trail.event import Event

_GONE, _RANSOM = Tactic.DESTRUCTION, Tactic.RANSOM
_WRITES = ("PutObject", "CreateMultipartUpload", "UploadPart")


def _maybe_customer_key(event: Event) -> bool:
    return b"customer-algorithm" in event.raw or b"SSE_C" in event.raw


def _customer_key(details: Details) -> bool:
    given = details.text("x-amz-server-side-encryption-customer-algorithm")
    return bool(given) or details.extra.get("SSEApplied") == "SSE_C"


def _maybe_kms_key(event: Event) -> bool:
    return b"kms-key-id" in event.raw or b"KMSMasterKeyID" in event.raw or b"KeyArn" in event.raw


def _foreign_key(details: Details) -> str:
    key = if_.leaf(details, "x-amz-server-side-encryption-aws-kms-key-id", "KMSMasterKeyID", "kmsKeyArn")
    return ", ".join(if_.foreign_accounts_in(key, if_.owner(details)))


def _note(event: Event) -> bool:
    return event.kind != "AWSService" and not is_log(event.key) and looks_like_note(event.key)


def _lock_removed(details: Details) -> bool:
    return not if_.leaf(details, "Mode")


def _lock_changed(details: Details) -> str:
    days, years = if_.leaf(details, "Days"), if_.leaf(details, "Years")
    how_long = f"{days} days" if days else f"{years} years" if years else "no period"
    return "" if _lock_removed(details) else f"{if_.leaf(details, 'Mode').lower()}, {how_long}"


def _external_key(details: Details) -> bool:
    return details.text("origin") == "EXTERNAL"


def _root_locked_out(details: Details) -> bool:
    """No statement of a key policy lets the account itself in: IAM policies do not count any more.

    Source: KMS Developer Guide, "Default key policy".
    """
    document = if_.resource_policy(details)
    home = if_.owner(details)
    return bool(document) and f":{home}:root" not in document and f'"{home}"' not in document and '"*"' not in document


def _key_given_away(details: Details) -> str:
    return if_.foreign_policy(details) or ", ".join(
        if_.foreign_accounts_in(f"{details.text('granteePrincipal')}:", if_.owner(details))
    )


def _foreign_key_used(details: Details) -> str:
    keys = [arn for kind, arn, _account in details.resources if kind == "AWS::KMS::Key"]
    named = " ".join(f"{key}:" for key in (*keys, details.text("keyId")))
    return ", ".join(if_.foreign_accounts_in(named, details.event.caller_account))


def _maybe_version(event: Event) -> bool:
    return b"versionId" in event.raw


def _bypasses(details: Details) -> bool:
    return details.text("x-amz-bypass-governance-retention").lower() == "true"


RULES = (
    Detection(
        "delete-objects", MEDIUM, ("DeleteObjects",), "objects of {bucket} deleted by the batch", _GONE, service="s3"
    ),
    # With a version named nothing is left to restore; without, a delete marker hides the object.
    Detection(
        "version-deleted",
        LOW,
        ("DeleteObject",),
        "object versions of {bucket} deleted for good",
        _GONE,
        lambda details: bool(details.text("versionId")),
        service="s3",
        glance=_maybe_version,
    ),
    # Only an empty bucket can be deleted: what emptied it tells more, and stacks that come and go do this daily.
    Detection("delete-bucket", MEDIUM, ("DeleteBucket",), "bucket {bucket} deleted", _GONE, service="s3"),
    Detection(
        "lifecycle-short",
        CRITICAL,
        ("PutBucketLifecycle", "PutBucketLifecycleConfiguration"),
        "lifecycle deletes {bucket} within {what}",
        _GONE,
        if_.short_expiry,
    ),
    Detection(
        "lifecycle-short-part",
        MEDIUM,
        ("PutBucketLifecycle", "PutBucketLifecycleConfiguration"),
        "lifecycle deletes a part of {bucket} within {what}",
        _GONE,
        if_.short_expiry_in_part,
    ),
    Detection("lifecycle-deleted", LOW, ("DeleteBucketLifecycle",), "lifecycle of {bucket} removed", _GONE),
    Detection(
        "versioning-suspended",
        CRITICAL,
        ("PutBucketVersioning",),
        "versioning of {bucket} suspended",
        _GONE,
        if_.is_value("Status", "Suspended"),
    ),
    Detection(
        "mfa-delete-off",
        CRITICAL,
        ("PutBucketVersioning",),
        "MFA delete of {bucket} switched off",
        _GONE,
        lambda details: (
            if_.leaf(details, "MfaDelete").lower() == "disabled" and if_.leaf(details, "Status") != "Suspended"
        ),
    ),
    Detection(
        "object-lock-removed",
        HIGH,
        ("PutBucketObjectLockConfiguration", "PutObjectLockConfiguration"),
        "default retention of {bucket} removed",
        _GONE,
        _lock_removed,
    ),
    Detection(
        "object-lock-changed",
        MEDIUM,
        ("PutBucketObjectLockConfiguration", "PutObjectLockConfiguration"),
        "default retention of {bucket} set to {what}",
        _GONE,
        _lock_changed,
    ),
    Detection(
        "retention-bypassed",
        HIGH,
        ("PutObjectRetention", "DeleteObject", "DeleteObjects"),
        "governance retention bypassed in {bucket}",
        _GONE,
        _bypasses,
    ),
    Detection(
        "legal-hold-off",
        HIGH,
        ("PutObjectLegalHold",),
        "legal hold lifted from {bucket}/{key}",
        _GONE,
        if_.is_value("Status", "OFF"),
    ),
    Detection("replication-deleted", HIGH, ("DeleteBucketReplication",), "replication of {bucket} removed", _GONE),
    Detection(
        "settings-deleted",
        LOW,
        (
            "DeleteBucketCors",
            "DeleteBucketTagging",
            "DeleteBucketInventoryConfiguration",
            "DeleteBucketMetadataTableConfiguration",
            "DeleteBucketWebsite",
        ),
        "setting of {bucket} removed ({name})",
        _GONE,
    ),
    Detection(
        "backup-deleted",
        CRITICAL,
        ("DeleteRecoveryPoint", "DeleteBackupVault", "PutBackupVaultLockConfiguration"),
        "backups attacked: {name}",
        _GONE,
        service="backup",
    ),
    Detection(
        "encrypted-copy",
        CRITICAL,
        ("CopyObject", "UploadPartCopy"),
        "{bucket} re-encrypted with a key of the caller's",
        _RANSOM,
        _customer_key,
        glance=_maybe_customer_key,
    ),
    Detection(
        "encrypted-write",
        HIGH,
        _WRITES,
        "written to {bucket} under a key of the caller's",
        _RANSOM,
        _customer_key,
        glance=_maybe_customer_key,
    ),
    Detection(
        "foreign-kms-key",
        CRITICAL,
        (*_WRITES, "CopyObject", "UploadPartCopy", "UpdateObjectEncryption", "PutBucketEncryption"),
        "{bucket} encrypted under a KMS key of account {what}",
        _RANSOM,
        _foreign_key,
        glance=_maybe_kms_key,
    ),
    Detection("re-encrypted", HIGH, ("UpdateObjectEncryption",), "object of {bucket} re-keyed in place", _RANSOM),
    Detection(
        "customer-keys-unblocked",
        HIGH,
        ("PutBucketEncryption",),
        "{bucket} opened to keys of the caller's (SSE-C)",
        _RANSOM,
        lambda details: if_.leaf(details, "BlockedEncryptionTypes", "EncryptionType").upper() == "NONE",
    ),
    Detection(
        "encryption-deleted", MEDIUM, ("DeleteBucketEncryption",), "encryption setting of {bucket} removed", _RANSOM
    ),
    Detection(
        "ransom-note",
        CRITICAL,
        ("PutObject",),
        "object named like a ransom note: {bucket}/{key}",
        _RANSOM,
        glance=_note,
    ),
    Detection(
        "key-destroyed",
        CRITICAL,
        ("ScheduleKeyDeletion", "DisableKey"),
        "KMS key taken away: {name}",
        _RANSOM,
        service="kms",
    ),
    Detection(
        "key-material",
        HIGH,
        ("ImportKeyMaterial", "DeleteImportedKeyMaterial"),
        "KMS key material that can be withdrawn: {name}",
        _RANSOM,
        service="kms",
    ),
    Detection(
        "key-from-outside",
        HIGH,
        ("CreateKey",),
        "KMS key made for material from outside",
        _RANSOM,
        _external_key,
        "kms",
    ),
    Detection(
        "key-given-away",
        HIGH,
        ("PutKeyPolicy", "CreateGrant"),
        "use of a KMS key given to account {what}",
        _RANSOM,
        _key_given_away,
        "kms",
    ),
    Detection(
        "key-locked-out",
        HIGH,
        ("PutKeyPolicy",),
        "KMS key policy without the account",
        _RANSOM,
        _root_locked_out,
        "kms",
    ),
    Detection(
        "foreign-key-used",
        MEDIUM,
        ("Encrypt", "GenerateDataKeyWithoutPlaintext", "ReEncrypt"),
        "encrypted under a KMS key of account {what}",
        _RANSOM,
        _foreign_key_used,
        "kms",
    ),
)
