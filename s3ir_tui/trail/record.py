"""A CloudTrail record as JSON, typed for the fast path, turned into an `Event`."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import S3_DATA_EVENTS
from s3ir_tui.trail.raw import SHORT, TOKEN, as_utf8, is_too_deep, without_tokens

ANONYMOUS = "anonymous"
"""The principal of unsigned requests."""

UNKNOWN = "unknown"

_ANONYMOUS_ACCOUNTS = frozenset({"anonymous", "ANONYMOUS_PRINCIPAL"})
_READS = ("Get", "List", "Head", "Describe", "Lookup", "Select", "BatchGet", "Search", "Query", "Scan")
_T = TypeVar("_T")


class Issuer(msgspec.Struct, gc=False):
    """`sessionContext.sessionIssuer`."""

    arn: str | None = None
    type: str | None = None


class SessionContext(msgspec.Struct, gc=False):
    """`userIdentity.sessionContext`."""

    sessionIssuer: Issuer | None = None


class OnBehalfOf(msgspec.Struct, gc=False):
    """`userIdentity.onBehalfOf`, of people who come through IAM Identity Center."""

    userId: str | None = None


class UserIdentity(msgspec.Struct, gc=False):
    """`userIdentity`."""

    type: str | None = None
    arn: str | None = None
    accountId: str | None = None
    principalId: str | None = None
    accessKeyId: str | None = None
    userName: str | None = None
    invokedBy: str | None = None
    sessionContext: SessionContext | None = None
    onBehalfOf: OnBehalfOf | None = None


class Parameters(msgspec.Struct, gc=False):
    """The two of `requestParameters` that most S3 calls have; other services give these names any type."""

    bucketName: Any = None
    key: Any = None


class Resource(msgspec.Struct, gc=False):
    """One of `resources`."""

    ARN: str | None = None
    type: str | None = None


class Additional(msgspec.Struct, gc=False):
    """The transferred bytes in `additionalEventData`: floats in data events, integers in management events."""

    bytesTransferredIn: float | None = None
    bytesTransferredOut: float | None = None


class Record(msgspec.Struct, gc=False):
    """A record with the fields that an event is made of; everything else stays in its JSON."""

    eventName: str | None = None
    eventSource: str | None = None
    eventVersion: Any = None
    eventTime: str | None = None
    timestamp: str | None = msgspec.field(default=None, name="@timestamp")
    eventID: str | None = None
    userIdentity: UserIdentity | None = None
    awsRegion: str | None = None
    recipientAccountId: str | None = None
    sourceIPAddress: str | None = None
    userAgent: str | None = None
    requestParameters: Parameters | None = None
    resources: list[Resource] | None = None
    additionalEventData: Additional | None = None
    errorCode: str | None = None
    errorMessage: str | None = None
    readOnly: bool | None = None
    managementEvent: bool | None = None
    eventCategory: str | None = None
    eventType: str | None = None
    requestID: str | None = None


YEARS = range(2, 9999)
"""Years that hours and days can be added to and taken from."""


class NotARecord(ValueError):
    """What was given is no CloudTrail record of a call; the message says what it is or what is wrong with it."""


decode_typed = msgspec.json.Decoder(Record).decode
"""JSON to `Record`; raises `msgspec.ValidationError` where a field has a type of its own."""


def to_event(record: Record, raw: bytes) -> Event:
    """Make the event of a record.

    Args:
        record: The typed record.
        raw: Its JSON. Session tokens in it are masked: they are live credentials.

    Raises:
        NotARecord: A name, source or time is missing, or it is an event that tells of no call.
    """
    name, source = record.eventName, record.eventSource
    category = record.eventCategory or ""
    if category in ("Insight", "Aggregated"):
        raise NotARecord("Insights event" if category == "Insight" else "aggregated event")
    if not name or not source:
        raise NotARecord("no eventName or eventSource")
    if len(raw) > SHORT and is_too_deep(raw):
        raise NotARecord("nested too deeply")
    service = source.partition(".")[0]
    is_s3 = service.startswith("s3")
    who = record.userIdentity or _NOBODY
    principal, kind = _principal(who, record, is_s3)
    key_id = who.accessKeyId or ""
    bucket, key = _object(record) if is_s3 else ("", "")
    moved = record.additionalEventData
    if TOKEN in raw:
        raw = without_tokens(raw)
    if not raw.isascii():
        raw = as_utf8(raw)
    return Event(
        record.eventID or _made_up_id(raw),
        as_time(record.eventTime or record.timestamp),
        name,
        service,
        record.awsRegion or "",
        record.recipientAccountId or "",
        principal,
        kind,
        _issuer(who, key_id),
        who.accountId or "",
        key_id,
        record.sourceIPAddress or "",
        record.userAgent or "",
        who.invokedBy or "",
        bucket,
        key,
        record.errorCode or "",
        record.errorMessage or "",
        name.startswith(_READS) if record.readOnly is None else record.readOnly,
        _count(moved.bytesTransferredIn) if moved else 0,
        _count(moved.bytesTransferredOut) if moved else 0,
        category or ("Data" if _is_data(record, name, is_s3) else "Management"),
        record.eventType or "AwsApiCall",
        record.requestID or "",
        raw,
    )


@functools.lru_cache(maxsize=256)
def version(text: str) -> tuple[int, int] | None:
    """`eventVersion` as whole numbers, since 1.10 comes after 1.9; `None` where it is no version."""
    match = re.fullmatch(r"(\d{1,4})(?:\.(\d{1,4}))?", text, re.ASCII)
    return (int(match[1]), int(match[2] or 0)) if match else None


_USUAL = frozenset(f"1.{minor:02}" for minor in range(12))


def is_known(given: object) -> bool:
    """Whether a record is of a version that is understood: 1.x, since a minor one only adds fields.

    Args:
        given: `eventVersion`; records that tools cut down have none.
    """
    if given is None or (isinstance(given, str) and given in _USUAL):
        return True
    found = version(str(given)) if isinstance(given, str | int | float) else None
    return found is not None and found[0] == 1


def from_loose(fields: dict[str, Any], raw: bytes) -> Event:
    """Make the event of a record some of whose fields have a wrong type: those are left out, the rest is kept.

    Raises:
        NotARecord: What is left is not enough, or it is an event that tells of no call.
    """
    record = Record()
    for name in Record.__struct_fields__:
        given = fields.get("@timestamp" if name == "timestamp" else name)
        if given is not None:
            setattr(record, name, _loose(name, given))
    if not record.eventName and any(fields.get(name) is not None for name in ("eventName", "eventSource")):
        raise NotARecord("wrong type of eventName")
    return to_event(record, raw)


_STRUCTS: dict[str, type[msgspec.Struct]] = {
    "userIdentity": UserIdentity,
    "requestParameters": Parameters,
    "additionalEventData": Additional,
    "sessionContext": SessionContext,
    "sessionIssuer": Issuer,
    "onBehalfOf": OnBehalfOf,
}
_FLAGS = frozenset({"readOnly", "managementEvent"})
_NUMBERS = frozenset({"bytesTransferredIn", "bytesTransferredOut"})


def _loose(name: str, given: Any) -> Any:
    """`given` as the type of the field, or `None`."""
    if name in _STRUCTS:
        return _loose_struct(_STRUCTS[name], given)
    if name == "resources":
        return [_loose_struct(Resource, item) for item in given if isinstance(item, dict)] if _is_list(given) else None
    if name in _FLAGS:
        return given if isinstance(given, bool) else {"true": True, "false": False}.get(str(given).lower())
    if name in _NUMBERS:
        return _number(given)
    if name in ("bucketName", "key", "eventVersion"):
        return given
    if isinstance(given, str):
        return given
    # Account ids and error codes come as numbers out of tools that guess types.
    return str(given) if isinstance(given, int | float) and not isinstance(given, bool) else None


def _loose_struct(wanted: type[_T], given: Any) -> _T | None:
    if not isinstance(given, dict):
        return None
    made = wanted()
    for field in wanted.__struct_fields__:  # type: ignore[attr-defined]
        if given.get(field) is not None:
            setattr(made, field, _loose(field, given[field]))
    return made


def _is_list(given: Any) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str | bytes)


def _number(given: Any) -> float | None:
    try:
        return float(given)
    except (TypeError, ValueError, OverflowError):
        return None


def _count(number: float | None) -> int:
    # Neither negative nor infinite counts of bytes: they come from broken tools only and would spoil every sum.
    return int(number) if number is not None and 0 <= number < 1e18 else 0


_NOBODY = UserIdentity()


def _principal(who: UserIdentity, record: Record, is_s3: bool) -> tuple[str, str]:
    """The best identity there is, and its kind."""
    kind = who.type or ""
    if who.accountId in _ANONYMOUS_ACCOUNTS:
        return ANONYMOUS, "Anonymous"
    if who.arn:
        return who.arn, kind or "Unknown"
    if kind == "AWSAccount" and who.accountId:
        return f"AWSAccount:{who.accountId}", kind
    if who.invokedBy:
        return who.invokedBy, kind or "AWSService"
    if kind == "IdentityCenterUser" and who.onBehalfOf and who.onBehalfOf.userId:
        return f"{kind}:{who.onBehalfOf.userId}", kind
    best = who.accountId or who.userName or who.principalId
    if best:
        return f"{kind or 'Unknown'}:{best}", kind or "Unknown"
    if is_s3 and record.eventType in (None, "AwsApiCall") and kind in ("", "AWSAccount", "Unknown"):
        return ANONYMOUS, "Anonymous"
    return (kind or UNKNOWN), kind or "Unknown"


def _issuer(who: UserIdentity, key_id: str) -> str:
    context = who.sessionContext
    if context is None:
        return ""
    if context.sessionIssuer is not None and context.sessionIssuer.arn:
        return context.sessionIssuer.arn
    # GetSessionToken sessions act as the user itself and carry no issuer.
    return who.arn or "" if who.type == "IAMUser" and key_id.startswith("ASIA") else ""


def _object(record: Record) -> tuple[str, str]:
    """Bucket and key that an S3 call is about."""
    asked = record.requestParameters
    bucket = asked.bucketName if asked else None
    key = asked.key if asked else None
    if not isinstance(key, str):
        key = ""
    if isinstance(bucket, str) and bucket and not bucket.startswith("arn:"):
        return bucket, key
    for resource in record.resources or ():
        arn = resource.ARN or ""
        if ":s3:::" in arn:
            name, _, rest = arn.partition(":s3:::")[2].partition("/")
            return name, key or rest
    return (bucket, key) if isinstance(bucket, str) else ("", key)


def _is_data(record: Record, name: str, is_s3: bool) -> bool:
    if record.managementEvent is not None:
        return not record.managementEvent
    return is_s3 and name in S3_DATA_EVENTS


def as_time(value: str | None) -> str:
    """The time as `YYYY-MM-DDTHH:MM:SSZ`.

    Raises:
        NotARecord: It is no time.
    """
    if not value:
        raise NotARecord("no eventTime")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise NotARecord("eventTime is no time") from None
    if moment.year not in YEARS:
        raise NotARecord("eventTime is no time")
    if len(value) == 20 and value[-1] == "Z" and value[10] == "T" and value[7] == "-":
        return value
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"{moment:%Y}".zfill(4) + f"{moment:-%m-%dT%H:%M:%SZ}"


def _made_up_id(raw: bytes) -> str:
    """An id for a record that has none: the same for the same record."""
    return "sha256-" + hashlib.sha256(raw).hexdigest()[:32]
