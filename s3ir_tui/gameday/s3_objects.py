"""Which version of an object a request is about, and the errors of S3 for one that is not there."""

from __future__ import annotations

from email.utils import format_datetime
from typing import Any

from s3ir_tui.gameday.store import BucketFact, moto_bucket
from s3ir_tui.gameday.wire import Call, Refused

MALFORMED_XML = "The XML you provided was not well-formed or did not validate against our published schema"


def object_version(bucket: str, key: str, version: str | None) -> Any:
    """moto's version (or delete marker) of an object, the current one without `version`; `None` when there is none."""
    store = moto_bucket(bucket)
    versions = store.keys.getlist(key, default=[]) if store is not None else []
    if version is None:
        return versions[-1] if versions else None
    return next((found for found in versions if str(found.version_id) == version), None)


def is_delete_marker(version: Any) -> bool:
    """Whether moto's version of an object is a delete marker."""
    return type(version).__name__ == "FakeDeleteMarker"


def find_object(call: Call, bucket: BucketFact) -> Any:
    """moto's version of the object that a request is about.

    Raises:
        Refused: NoSuchKey, NoSuchVersion, or MethodNotAllowed for a delete marker.
    """
    return existing_object(call, bucket.name, str(call.params["Key"]), call.params.get("VersionId"))


def existing_object(call: Call, bucket: str, key: str, version: str | None) -> Any:
    """moto's version of an object.

    A delete marker is found by nothing: read by its version id, and written in any way, the answer is 405; read as
    the current version, the object is missing, and a header says why (S3 User Guide, working with delete markers).

    Raises:
        Refused: NoSuchKey, NoSuchVersion or MethodNotAllowed.
    """
    found = object_version(bucket, key, version)
    if found is None:
        if version:
            fields = {"Key": key, "VersionId": version}
            raise Refused("NoSuchVersion", "The specified version does not exist.", 404, fields=fields)
        raise Refused("NoSuchKey", "The specified key does not exist.", 404, fields={"Key": key})
    if not is_delete_marker(found):
        return found
    headers = {"x-amz-delete-marker": "true", "x-amz-version-id": str(found.version_id)}
    method = str(call.environ["REQUEST_METHOD"])
    if version or method not in ("GET", "HEAD"):
        modified = format_datetime(found.last_modified).replace("-0000", "GMT")
        raise Refused(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            405,
            headers=headers | {"Allow": "DELETE", "Last-Modified": modified},
            fields={"Method": method, "ResourceType": "DeleteMarker"},
        )
    raise Refused("NoSuchKey", "The specified key does not exist.", 404, headers=headers, fields={"Key": key})
