"""DeleteObjects: each key is checked and deleted on its own, and what is denied is named beside what was deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.s3.exceptions import S3ClientError

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.s3_objects import MALFORMED_XML, is_delete_marker, object_version
from s3ir_tui.gameday.s3_rules import S3Rules
from s3ir_tui.gameday.store import BucketFact, s3
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer

_MOST_KEYS = 1000


def delete_objects(rules: S3Rules, call: Call, who: Who, bucket: BucketFact) -> Answer:
    """Delete what may be deleted (S3 API, DeleteObjects).

    Args:
        rules: The checks.
        call: The call.
        who: Its caller.
        bucket: The bucket.

    Raises:
        Refused: The list of keys is empty or too long.
    """
    asked = call.params.get("Delete") or {}
    wanted = list(asked.get("Objects") or ())
    if not 0 < len(wanted) <= _MOST_KEYS:
        raise Refused("MalformedXML", MALFORMED_XML, 400)
    deleted: list[Mapping[str, Any]] = []
    errors: list[Mapping[str, Any]] = []
    keys = []
    for item in wanted:
        key, version = str(item["Key"]), item.get("VersionId")
        try:
            if not who.admin:
                rules.check_key(call, who, bucket, key, version)
            deleted.append(_delete(call, bucket, key, version))
            denied = False
        except Refused as refused:
            named = {"Key": key} | ({"VersionId": version} if version else {})
            errors.append(named | {"Code": refused.code, "Message": refused.message})
            denied = True
        keys.append((key, version, denied))
    shown = [] if asked.get("Quiet") else deleted
    answer = result_answer(call, {"Deleted": shown, "Errors": errors})
    answer.result = {"Keys": keys}
    return answer


def _delete(call: Call, bucket: BucketFact, key: str, version: str | None) -> dict[str, Any]:
    """Delete one key or version, and describe it.

    Raises:
        Refused: Object Lock holds it.
    """
    found = object_version(bucket.name, key, version) if version else None
    marker = found is not None and is_delete_marker(found)
    bypass = call.header("x-amz-bypass-governance-retention")
    try:
        _, meta = s3(bucket.account).delete_object(bucket.name, key, version_id=version, bypass=bypass)
    except S3ClientError as error:
        raise Refused(str(error.code), str(error.message)) from None
    if version:
        gone = {"DeleteMarker": True, "DeleteMarkerVersionId": version} if marker else {}
        return {"Key": key, "VersionId": version} | gone
    made = {"DeleteMarker": True, "DeleteMarkerVersionId": meta["version-id"]} if meta.get("delete-marker") else {}
    return {"Key": key} | made
