"""Delivers records to the buckets of trails, as files of CloudTrail's layout."""

from __future__ import annotations

import gzip
import json
import secrets
import string
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.cloudtrail.models import cloudtrail_backends

from s3ir_tui import policy
from s3ir_tui.gameday.events import Record
from s3ir_tui.gameday.recorder import Recorder
from s3ir_tui.gameday.store import moto_bucket, s3

_SERVICE = policy.Caller(service="cloudtrail.amazonaws.com")
_FIELDS = {
    "eventCategory": "eventCategory",
    "eventName": "eventName",
    "eventSource": "eventSource",
    "readOnly": "readOnly",
    "eventType": "eventType",
}


def trails_of(record: Record) -> Iterator[str]:
    """ARNs of the trails that log a record at this moment."""
    for trail in _trails():
        if _in_reach(trail, record) and _selected(trail, record):
            yield trail.arn


def deliver(recorder: Recorder, *, everything: bool = False) -> int:
    """Write what is due.

    Args:
        recorder: Where the records are.
        everything: Whether the lag is not waited for.

    Returns:
        How many records were written.
    """
    trails = {trail.arn: trail for trail in _trails(logging=False)}
    written = 0
    for arn, records in recorder.take(everything=everything).items():
        if trail := trails.get(arn):
            written += sum(_write(trail, *part) for part in _by_region(records))
    return written


def _by_region(records: Iterable[Record]) -> Iterator[tuple[str, list[Record]]]:
    parts: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        parts[str(record["awsRegion"])].append(record)
    yield from parts.items()


def _write(trail: Any, region: str, records: list[Record]) -> int:
    now = datetime.now(UTC)
    account = trail.account_id
    unique = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(16))
    prefix = f"{trail.s3_key_prefix}/" if trail.s3_key_prefix else ""
    name = f"{account}_CloudTrail_{region}_{now:%Y%m%dT%H%MZ}_{unique}.json.gz"
    key = f"{prefix}AWSLogs/{account}/CloudTrail/{region}/{now:%Y/%m/%d}/{name}"
    bucket = moto_bucket(trail.bucket_name)
    if bucket is None or not _may_write(bucket, key):
        return 0
    body = gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode(), compresslevel=6)
    version = s3(bucket.account_id).put_object(trail.bucket_name, key, body, disable_notification=True)
    version.set_metadata({"Content-Type": "application/json", "Content-Encoding": "gzip"}, replace=True)
    return len(records)


def _may_write(bucket: Any, key: str) -> bool:
    """Whether the bucket policy lets CloudTrail write; without its statement nothing is delivered, as on AWS."""
    if bucket.policy is None:
        return False
    text = bucket.policy.decode() if isinstance(bucket.policy, bytes) else str(bucket.policy)
    request = policy.Request(
        "s3:PutObject",
        f"arn:aws:s3:::{bucket.name}/{key}",
        _SERVICE,
        {"s3:x-amz-acl": "bucket-owner-full-control", "aws:securetransport": "true"},
    )
    match = policy.evaluate(text, request, resource_policy=True)
    return match.effect is policy.Effect.ALLOW


def _trails(*, logging: bool = True) -> Iterator[Any]:
    for account in list(cloudtrail_backends):
        for backend in list(cloudtrail_backends[account].values()):
            for trail in list(backend.trails.values()):
                if trail.status.is_logging or not logging:
                    yield trail


def _in_reach(trail: Any, record: Record) -> bool:
    if record["recipientAccountId"] != trail.account_id:
        return False
    return bool(trail.is_multi_region) or record["awsRegion"] == trail.region_name


def _selected(trail: Any, record: Record) -> bool:
    if trail.advanced_event_selectors:
        return any(_advanced(selector, record) for selector in trail.advanced_event_selectors)
    selectors = trail.event_selectors or [{}]
    return any(_basic(selector, record) for selector in selectors)


def _basic(selector: Mapping[str, Any], record: Record) -> bool:
    kinds = {"ReadOnly": (True,), "WriteOnly": (False,)}.get(str(selector.get("ReadWriteType", "All")), (True, False))
    if bool(record.get("readOnly")) not in kinds:
        return False
    if record.get("eventCategory", "Management") == "Management":
        excluded = selector.get("ExcludeManagementEventSources") or ()
        return bool(selector.get("IncludeManagementEvents", True)) and record["eventSource"] not in excluded
    arns = _object_arns(record)
    return any(
        str(arn).startswith(str(value))
        for resource in selector.get("DataResources") or ()
        if resource.get("Type") == "AWS::S3::Object"
        for value in resource.get("Values") or ()
        for arn in arns
    )


def _advanced(selector: Mapping[str, Any], record: Record) -> bool:
    for field in selector.get("FieldSelectors") or ():
        name = str(field.get("Field"))
        if name == "resources.type":
            values: list[str] = [str(item.get("type", "")) for item in record.get("resources") or ()]
        elif name == "resources.ARN":
            values = _object_arns(record)
        elif name == "userIdentity.arn":
            values = [str((record.get("userIdentity") or {}).get("arn", ""))]
        elif name == "readOnly":
            values = [str(record.get("readOnly", False)).lower()]
        elif name in _FIELDS:
            values = [str(record.get(_FIELDS[name], ""))]
        else:
            return False
        if not _field_holds(field, values):
            return False
    return True


def _field_holds(field: Mapping[str, Any], values: list[str]) -> bool:
    tests: dict[str, Callable[[str, str], bool]] = {
        "Equals": lambda value, wanted: value == wanted,
        "StartsWith": lambda value, wanted: value.startswith(wanted),
        "EndsWith": lambda value, wanted: value.endswith(wanted),
    }
    for name, test in tests.items():
        if (wanted := field.get(name)) and not any(test(v, str(w)) for v in values for w in wanted):
            return False
        if (unwanted := field.get(f"Not{name}")) and any(test(v, str(w)) for v in values for w in unwanted):
            return False
    return True


def _object_arns(record: Record) -> list[str]:
    """ARNs of the objects that a data event is about; of the bucket's content where it names none."""
    found = []
    for resource in record.get("resources") or ():
        arn = str(resource.get("ARN") or resource.get("ARNPrefix") or "")
        found.append(arn + "/" if resource.get("type") == "AWS::S3::Bucket" else arn)
    return found
