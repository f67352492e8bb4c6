"""Versioning as AWS has it: what writes and deletes do in each state of a bucket, and the listing of versions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from moto.s3 import notifications
from moto.s3.exceptions import AccessDeniedByLock, MethodNotAllowed, S3ClientError
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeTableStorageBucket, S3Backend

from s3ir_tui.gameday.acls import acl_of
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.s3_objects import is_delete_marker
from s3ir_tui.gameday.store import BucketFact, canonical_id, moto_bucket
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer

LOCKED = "Access Denied because object protected by object lock."
SUSPENDED = "Suspended"
NULL = "null"
_MOST_KEYS = 1000
_ORDER = itertools.count(1)
_MADE_AT = "made_at"
_PLACES: dict[str, int] = {}
"""When each version was made. AWS's version ids sort by time, so that a listing can go on after one that is gone."""


class _ObjectLocked(AccessDeniedByLock):
    """moto's exception in AWS's words."""

    def __init__(self) -> None:
        S3ClientError.__init__(self, "AccessDenied", LOCKED)


def apply_version_patches() -> None:
    """Correct moto in this process."""
    replaced: tuple[tuple[Any, str, Any], ...] = (
        (FakeBucket, "is_versioned", property(_keeps_versions)),
        (S3Backend, "put_object", _put_object(S3Backend.put_object)),
        (S3Backend, "delete_object", _delete_object),
    )
    for kind, name, value in replaced:
        setattr(kind, name, value)


def _keeps_versions(self: Any) -> bool:
    """Whether the bucket keeps versions: also while versioning is suspended (S3 User Guide, Versioning)."""
    return self.versioning_status in ("Enabled", SUSPENDED)


def _put_object(put: Any) -> Callable[..., Any]:
    def stored(self: Any, bucket_name: str, key_name: str, *args: Any, **named: Any) -> Any:
        """While versioning is suspended an upload has the version id null, and replaces that version only."""
        made = put(self, bucket_name, key_name, *args, **named)
        bucket = self.get_bucket(bucket_name)
        if bucket.versioning_status == SUSPENDED:
            made._version_id = NULL
            versions = bucket.keys.getlist(key_name, [])
            bucket.keys.setlist(key_name, [v for v in versions if v is made or str(v.version_id) != NULL])
        _note(made)
        return made

    return stored


def _delete_object(
    self: Any, bucket_name: str, key_name: str, version_id: str | None = None, bypass: Any = False
) -> tuple[bool, dict[str, Any]]:
    """Delete an object, or one version of it (S3 API, DeleteObject).

    Without a version id, a bucket that keeps versions gets a delete marker, for keys that do not exist too; while
    versioning is suspended the marker is the null version, and replaces the null version only.
    """
    bucket = self.get_bucket(bucket_name)
    if isinstance(bucket, FakeTableStorageBucket):
        raise MethodNotAllowed
    versions = bucket.keys.getlist(key_name, [])
    if version_id is None and bucket.versioning_status:
        return True, _mark_deleted(self, bucket, key_name, versions)
    wanted = NULL if version_id is None else str(version_id)
    gone = next((version for version in versions if str(version.version_id) == wanted), None)
    meta = {"version-id": version_id} if version_id is not None and bucket.versioning_status else {}
    if gone is None:
        return False, meta
    if is_delete_marker(gone):
        meta["delete-marker"] = "true"
    else:
        if gone.is_locked(governance_bypass=str(bypass).lower() == "true"):
            raise _ObjectLocked
        self.tagger.delete_all_tags_for_resource(gone.arn)
        event = notifications.S3NotificationEvent.OBJECT_REMOVED_DELETE_EVENT
        notifications.send_event(self.account_id, event, bucket, gone)
    kept = [version for version in versions if version is not gone]
    if kept:
        bucket.keys.setlist(key_name, kept)
    else:
        bucket.keys.pop(key_name)
    return True, meta


def _mark_deleted(backend: Any, bucket: Any, key: str, versions: list[Any]) -> dict[str, Any]:
    named: Any = SimpleNamespace(name=key)
    marker = FakeDeleteMarker(named)
    if bucket.versioning_status == SUSPENDED:
        marker._version_id = NULL
        for version in versions:
            if str(version.version_id) == NULL and not is_delete_marker(version):
                backend.tagger.delete_all_tags_for_resource(version.arn)
        versions = [version for version in versions if str(version.version_id) != NULL]
    _note(marker)
    bucket.keys.setlist(key, [*versions, marker])
    return {"version-id": marker.version_id, "delete-marker": "true"}


def _note(version: Any) -> None:
    place = next(_ORDER)
    setattr(version, _MADE_AT, place)
    _PLACES[str(version.version_id)] = place


@dataclass(slots=True)
class _Page:
    """One page of a listing as it fills."""

    most: int
    versions: list[dict[str, Any]] = field(default_factory=list)
    markers: list[dict[str, Any]] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: tuple[str, str] = ("", "")

    @property
    def full(self) -> bool:
        return len(self.versions) + len(self.markers) + len(self.prefixes) >= self.most


def list_object_versions(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Answer ListObjectVersions: keys in order of their UTF-8 bytes, the versions of each from the newest on."""
    asked = call.params
    prefix, delimiter = str(asked.get("Prefix") or ""), str(asked.get("Delimiter") or "")
    key_marker, version_marker = str(asked.get("KeyMarker") or ""), str(asked.get("VersionIdMarker") or "")
    if version_marker and not key_marker:
        message = "A version-id marker cannot be specified without a key marker."
        raise Refused("InvalidArgument", message, 400)
    page = _Page(min(int(asked.get("MaxKeys", _MOST_KEYS)), _MOST_KEYS))
    cut = False
    for name, version, latest in _after(bucket.name, prefix, key_marker, version_marker):
        end = name.find(delimiter, len(prefix)) if delimiter else -1
        group = name[: end + len(delimiter)] if end >= 0 else ""
        if group and (group == key_marker or (page.prefixes and page.prefixes[-1] == group)):
            continue
        if page.full:
            cut = page.most > 0
            break
        if group:
            page.prefixes.append(group)
            page.last = (group, "")
            continue
        held = page.markers if is_delete_marker(version) else page.versions
        held.append(_listed(version, latest, canonical_id(bucket.account)))
        page.last = (name, str(version.version_id))
    return result_answer(call, _listing(call, bucket, page, cut))


def _after(bucket: str, prefix: str, key_marker: str, version_marker: str) -> Iterator[tuple[str, Any, bool]]:
    """Versions behind the markers: name, version, whether it is the latest."""
    keys = moto_bucket(bucket).keys
    for name in sorted(dict(keys)):
        if not name.startswith(prefix) or name < key_marker or (name == key_marker and not version_marker):
            continue
        versions = list(reversed(keys.getlist(name, [])))
        first = 0
        if name == key_marker:
            first = next((at + 1 for at, item in enumerate(versions) if str(item.version_id) == version_marker), -1)
            if first < 0:
                place = _PLACES.get(version_marker, 0)
                first = next((at for at, item in enumerate(versions) if _place(item) < place), len(versions))
        for at, version in enumerate(versions[first:], first):
            yield name, version, at == 0


def _place(version: Any) -> int:
    return int(getattr(version, _MADE_AT, 0))


def _listed(version: Any, latest: bool, owner: str) -> dict[str, Any]:
    shown = {
        "Key": version.name,
        "VersionId": str(version.version_id),
        "IsLatest": latest,
        "LastModified": version.last_modified_ISO8601,
    }
    if is_delete_marker(version):
        return shown | {"Owner": {"ID": owner}}
    shown |= {"ETag": version.etag, "Size": version.size, "StorageClass": version.storage_class}
    if version.checksum_algorithm:
        shown["ChecksumAlgorithm"] = [version.checksum_algorithm.upper()]
    return shown | {"Owner": {"ID": acl_of(version, owner).owner}}


def _listing(call: Call, bucket: BucketFact, page: _Page, cut: bool) -> dict[str, Any]:
    asked = call.params
    encoded = str(asked.get("EncodingType") or "") == "url"

    def shown(text: str) -> str:
        return quote(text, safe="/*-._") if encoded else text

    for item in (*page.versions, *page.markers):
        item["Key"] = shown(item["Key"])
    result: dict[str, Any] = {
        "Name": bucket.name,
        "Prefix": shown(str(asked.get("Prefix") or "")),
        "KeyMarker": shown(str(asked.get("KeyMarker") or "")),
        "VersionIdMarker": str(asked.get("VersionIdMarker") or ""),
        "MaxKeys": page.most,
        "IsTruncated": cut,
        "Versions": page.versions,
        "DeleteMarkers": page.markers,
    }
    if asked.get("Delimiter"):
        result["Delimiter"] = shown(str(asked["Delimiter"]))
    if page.prefixes:
        result["CommonPrefixes"] = [{"Prefix": shown(prefix)} for prefix in page.prefixes]
    if encoded:
        result["EncodingType"] = "url"
    if cut:
        result["NextKeyMarker"] = shown(page.last[0])
        if page.last[1]:
            result["NextVersionIdMarker"] = page.last[1]
    return result
