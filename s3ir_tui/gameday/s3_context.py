"""Condition keys of a request to S3, as far as AWS has each for the action (Service Authorization Reference)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import request_context
from s3ir_tui.gameday.kms_keys import find_key
from s3ir_tui.gameday.s3_objects import is_delete_marker, object_version
from s3ir_tui.gameday.s3_points import point_context
from s3ir_tui.gameday.store import ABAC, BucketFact, moto_bucket, s3
from s3ir_tui.gameday.wire import Call
from s3ir_tui.policy import reference

Context = dict[str, str | tuple[str, ...]]

_PARAMS = {"Prefix": "s3:prefix", "Delimiter": "s3:delimiter", "MaxKeys": "s3:max-keys"}
_HEADERS = (
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-metadata-directive",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
)
_KMS_KEY = "x-amz-server-side-encryption-aws-kms-key-id"
_LOCK = "x-amz-object-lock-"
_CREATES = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload"})
_DAY = 86_400


def s3_context(
    call: Call, who: Who, action: str, bucket: BucketFact | None, key: str | None = None, version: str | None = None
) -> Context:
    """The condition keys for one permission, in lower case.

    Args:
        call: The request.
        who: Its caller.
        action: The permission, without `s3:`.
        bucket: The bucket that it is asked for; `None` while it is being created.
        key: The object, if one is meant.
        version: Its version, if one is named.
    """
    context = _of_request(call)
    if call.point is not None:
        context |= point_context(call.point)
    if bucket is not None:
        context |= _of_bucket(call, bucket)
        if key:
            context |= _tags("s3:existingobjecttag/", _existing_tags(bucket, key, version))
    if version:
        context["s3:versionid"] = version
    facts = reference.action(f"s3:{action}")
    if facts is not None:
        # A key that AWS does not have for an action is missing there, whatever the request says.
        context = {name: value for name, value in context.items() if facts.takes(name)}
    return request_context(call, who) | context


def _of_request(call: Call) -> Context:
    context: Context = {"s3:tlsversion": "1.3"} if call.header("x-forwarded-proto").lower() != "http" else {}
    if call.access_key:
        context["s3:authtype"] = "REST-QUERY-STRING" if call.presigned else "REST-HEADER"
        context["s3:signatureversion"] = "AWS4-HMAC-SHA256"
        context["s3:signatureage"] = str(_signature_age(call))
    if call.presigned:
        context["s3:x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    for header in _HEADERS:
        if value := call.header(header):
            context["s3:" + header] = value
    for name, condition in _PARAMS.items():
        if (given := call.params.get(name)) is not None:
            context[condition] = str(given)
    for header in ("if-match", "if-none-match"):
        if value := call.header(header):
            context["s3:" + header] = value
    if call.operation in _CREATES or "Upload" in call.operation:
        context["s3:objectcreationoperation"] = str(call.operation in _CREATES).lower()
    if call.operation == "CreateBucket":
        region = (call.params.get("CreateBucketConfiguration") or {}).get("LocationConstraint")
        context |= {"s3:locationconstraint": str(region)} if region else {}
    tags = _requested_tags(call)
    if tags:
        context |= _tags("s3:requestobjecttag/", tags)
        context["s3:requestobjecttagkeys"] = tuple(tags)
    return context | _of_lock(call)


def _of_bucket(call: Call, bucket: BucketFact) -> Context:
    context: Context = {"aws:resourceaccount": bucket.account, "s3:resourceaccount": bucket.account}
    if name := call.header(_KMS_KEY):
        found = find_key(name, bucket.account, bucket.region)
        context["s3:" + _KMS_KEY] = str(found.arn) if found is not None else name
    held = moto_bucket(bucket.name)
    if held is not None and getattr(held, ABAC, False):
        tags = s3(bucket.account).tagger.get_tag_dict_for_resource(held.arn)
        context |= _tags("aws:resourcetag/", tags) | _tags("s3:buckettag/", tags)
    return context


def _of_lock(call: Call) -> Context:
    retention = call.params.get("Retention") or {}
    hold = call.header(_LOCK + "legal-hold") or str((call.params.get("LegalHold") or {}).get("Status") or "")
    mode = call.header(_LOCK + "mode") or str(retention.get("Mode") or "")
    given = call.header(_LOCK + "retain-until-date") or retention.get("RetainUntilDate")
    context: Context = {"s3:object-lock-legal-hold": hold, "s3:object-lock-mode": mode}
    until = _moment(given)
    if until is not None:
        context["s3:object-lock-retain-until-date"] = until.strftime("%Y-%m-%dT%H:%M:%SZ")
        remaining = (until - datetime.now(UTC)).total_seconds()
        context["s3:object-lock-remaining-retention-days"] = str(max(0, -int(-remaining // _DAY)))
    return {name: value for name, value in context.items() if value}


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")) if value else None
    except ValueError:
        return None


def _signature_age(call: Call) -> int:
    """Milliseconds since the request was signed."""
    date = dict(call.query).get("X-Amz-Date", "") if call.presigned else call.header("x-amz-date")
    try:
        signed = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0
    return max(0, int((time.time() - signed) * 1000))


def _requested_tags(call: Call) -> dict[str, str]:
    if header := call.header("x-amz-tagging"):
        return dict(parse_qsl(header, keep_blank_values=True))
    if call.operation != "PutObjectTagging":
        return {}
    given = (call.params.get("Tagging") or {}).get("TagSet") or ()
    return {str(tag["Key"]): str(tag.get("Value") or "") for tag in given}


def _existing_tags(bucket: BucketFact, key: str, version: str | None) -> dict[str, str]:
    found = object_version(bucket.name, key, version)
    return {} if found is None or is_delete_marker(found) else object_tags(bucket, found)


def object_tags(bucket: BucketFact, version: Any) -> dict[str, str]:
    """The tags of moto's version of an object."""
    return dict(s3(bucket.account).tagger.get_tag_dict_for_resource(version.arn))


def _tags(prefix: str, tags: Mapping[str, str]) -> Context:
    return {prefix + name.lower(): value for name, value in tags.items()}
