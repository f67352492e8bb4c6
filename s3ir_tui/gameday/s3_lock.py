"""S3 Object Lock: the configuration of a bucket, retention and legal hold of a version (S3 User Guide, Object Lock)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.s3_objects import MALFORMED_XML, find_object
from s3ir_tui.gameday.s3_versions import LOCKED
from s3ir_tui.gameday.store import BucketFact, moto_bucket
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer

_MODES = ("GOVERNANCE", "COMPLIANCE")
_BYPASS = "x-amz-bypass-governance-retention"
_MODE, _UNTIL, _HOLD = (f"x-amz-object-lock-{name}" for name in ("mode", "retain-until-date", "legal-hold"))
_NO_LOCK = "Bucket is missing Object Lock Configuration"
_NO_OBJECT_LOCK = "The specified object does not have a ObjectLock configuration"


def check_lock(call: Call, bucket: BucketFact) -> None:
    """Refuse what Object Lock of a bucket forbids, or what only a bucket with Object Lock can take.

    Raises:
        Refused: As AWS does.
    """
    locked = bool(moto_bucket(bucket.name).object_lock_enabled)
    wanted = (call.params.get("VersioningConfiguration") or {}).get("Status")
    if call.operation == "PutBucketVersioning" and locked and wanted != "Enabled":
        message = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        raise Refused("InvalidBucketState", message, 409)
    if call.operation in ("DeleteObject", "DeleteObjects") and call.header(_BYPASS) and not locked:
        message = f"{_BYPASS} is only applicable to Object Lock enabled buckets."
        raise Refused("InvalidArgument", message, 400, fields={"ArgumentName": _BYPASS})
    if call.operation in ("PutObject", "CopyObject", "CreateMultipartUpload"):
        _check_upload(call, locked)


def _check_upload(call: Call, locked: bool) -> None:
    mode, until, hold = call.header(_MODE), call.header(_UNTIL), call.header(_HOLD)
    if not (mode or until or hold):
        return
    if not locked:
        raise Refused("InvalidRequest", _NO_LOCK, 400)
    if bool(mode) != bool(until):
        message = f"{_UNTIL} and {_MODE} must both be supplied"
        raise Refused("InvalidArgument", message, 400, fields={"ArgumentName": _UNTIL if mode else _MODE})
    if mode and mode not in _MODES:
        fields = {"ArgumentName": _MODE, "ArgumentValue": mode}
        raise Refused("InvalidArgument", "Unknown wormMode directive.", 400, fields=fields)
    if until:
        _in_the_future(_moment(until))


def get_configuration(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Answer GetObjectLockConfiguration."""
    held = moto_bucket(bucket.name)
    if not held.object_lock_enabled:
        message = "Object Lock configuration does not exist for this bucket"
        raise Refused("ObjectLockConfigurationNotFoundError", message, 404, fields={"BucketName": bucket.name})
    shown: dict[str, Any] = {"ObjectLockEnabled": "Enabled"}
    if held.default_lock_mode:
        period = {"Days": held.default_lock_days} if held.default_lock_days else {"Years": held.default_lock_years}
        shown["Rule"] = {"DefaultRetention": {"Mode": held.default_lock_mode} | period}
    return result_answer(call, {"ObjectLockConfiguration": shown})


def put_configuration(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Carry out PutObjectLockConfiguration, on buckets that hold objects too; Object Lock is never turned off."""
    asked = call.params.get("ObjectLockConfiguration") or {}
    held = moto_bucket(bucket.name)
    if asked.get("ObjectLockEnabled") != "Enabled":
        raise Refused("MalformedXML", MALFORMED_XML, 400)
    mode, days, years = "", 0, 0
    if "Rule" in asked:
        rule = (asked["Rule"] or {}).get("DefaultRetention") or {}
        mode, days, years = str(rule.get("Mode") or ""), int(rule.get("Days") or 0), int(rule.get("Years") or 0)
        if mode not in _MODES or bool(days) == bool(years):
            raise Refused("MalformedXML", MALFORMED_XML, 400)
    if held.versioning_status != "Enabled":
        message = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
        raise Refused("InvalidBucketState", message, 409)
    held.object_lock_enabled = True
    held.default_lock_mode, held.default_lock_days, held.default_lock_years = mode, days, years
    return result_answer(call, {})


def get_retention(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Answer GetObjectRetention; what the bucket's default rule gave is retention like any other."""
    version = _of_locked_bucket(call, bucket)
    if not version.lock_mode or not version.lock_until:
        raise Refused("NoSuchObjectLockConfiguration", _NO_OBJECT_LOCK, 404)
    return result_answer(
        call, {"Retention": {"Mode": version.lock_mode, "RetainUntilDate": _moment(version.lock_until)}}
    )


def put_retention(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Carry out PutObjectRetention.

    Retention in force can be made longer. COMPLIANCE is never shortened, removed or turned into GOVERNANCE;
    GOVERNANCE with the bypass header, whose permission is checked before, is.
    """
    version = _of_locked_bucket(call, bucket)
    asked: Mapping[str, Any] = call.params.get("Retention") or {}
    mode, until = str(asked.get("Mode") or ""), asked.get("RetainUntilDate")
    if bool(mode) != bool(until) or (mode and mode not in _MODES):
        raise Refused("MalformedXML", MALFORMED_XML, 400)
    wanted = _moment(until) if until else None
    if wanted is not None:
        _in_the_future(wanted)
    now = datetime.now(UTC)
    current = _moment(version.lock_until) if version.lock_mode and version.lock_until else None
    if current is not None and current > now:
        weaker = wanted is None or wanted < current or (version.lock_mode == "COMPLIANCE" and mode != "COMPLIANCE")
        bypass = version.lock_mode == "GOVERNANCE" and call.header(_BYPASS).lower() == "true"
        if weaker and not bypass:
            raise Refused("AccessDenied", LOCKED)
    version.lock_mode = mode or None
    version.lock_until = _text(wanted) if wanted else None
    return result_answer(call, {})


def get_legal_hold(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Answer GetObjectLegalHold."""
    version = _of_locked_bucket(call, bucket)
    if not version.lock_legal_status:
        raise Refused("NoSuchObjectLockConfiguration", _NO_OBJECT_LOCK, 404)
    return result_answer(call, {"LegalHold": {"Status": version.lock_legal_status}})


def put_legal_hold(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Carry out PutObjectLegalHold."""
    version = _of_locked_bucket(call, bucket)
    status = (call.params.get("LegalHold") or {}).get("Status")
    if status not in ("ON", "OFF"):
        raise Refused("MalformedXML", MALFORMED_XML, 400)
    version.lock_legal_status = status
    return result_answer(call, {})


def apply_default_retention(bucket: Any, version: Any) -> None:
    """Give an upload the bucket's default retention, where it brought none (multipart uploads included)."""
    if not bucket.object_lock_enabled or not bucket.default_lock_mode or version.lock_mode:
        return
    days = int(bucket.default_lock_days or 0) + 365 * int(bucket.default_lock_years or 0)
    version.lock_mode = bucket.default_lock_mode
    version.lock_until = _text(datetime.now(UTC) + timedelta(days=days))


def _of_locked_bucket(call: Call, bucket: BucketFact) -> Any:
    version = find_object(call, bucket)
    if not moto_bucket(bucket.name).object_lock_enabled:
        raise Refused("InvalidRequest", _NO_LOCK, 400)
    return version


def _in_the_future(moment: datetime) -> None:
    if moment <= datetime.now(UTC):
        fields = {"ArgumentName": "RetainUntilDate", "ArgumentValue": _text(moment)}
        raise Refused("InvalidArgument", "The retain until date must be in the future!", 400, fields=fields)


def _moment(value: Any) -> datetime:
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise Refused("InvalidArgument", "The retain until date must be provided in ISO 8601 format", 400) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    # The format in which moto keeps it and compares it.
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
