"""Tries what the console will ask of AWS, gently: each source once, each kind of read once. Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from s3ir_tui.aws.account import THREADS, Account
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.guard import READS
from s3ir_tui.headless.gather import Absent
from s3ir_tui.text import clean
from s3ir_tui.trail.coverage import Trail
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.discover import selects_s3_data, trouble_of
from s3ir_tui.trail.preflight import KINDS, Checked, Permission, management, missing, permission
from s3ir_tui.trail.sources.base import Source
from s3ir_tui.trail.sources.bucket import TrailBucketSource
from s3ir_tui.trail.sources.lookup_quota import quota_of
from s3ir_tui.trail.sources.queue import QueueSource

_PAGE = 50
_MANAGED_POLICY = "arn:{}:iam::aws:policy/SecurityAudit"
_OF_BUCKET = frozenset({"GetPublicAccessBlock", "HeadBucket", "ListBucketInventoryConfigurations"})
_OF_SOURCES = frozenset({"logs", "sqs"})
"""Services whose reads are tried as sources."""

# -- sources ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """What a source answered."""

    delay: float | None = None
    by: str = ""
    note: str = ""


def check_sources(account: Account, sources: Sequence[Source], trails: Sequence[Trail], now: datetime) -> list[Checked]:
    """Try each source once.

    Args:
        account: The connection.
        sources: The sources, of which none was polled.
        trails: The trails there are.
        now: The time.
    """
    if not sources:
        return []
    with ThreadPoolExecutor(min(THREADS // 2, len(sources)), thread_name_prefix="preflight") as pool:
        return list(pool.map(lambda source: _check(account, source, trails, now), sources))


def _check(account: Account, source: Source, trails: Sequence[Trail], now: datetime) -> Checked:
    kind, _, rest = source.name.partition(" ")
    about = KINDS.get(kind)
    if isinstance(source, Absent):
        return Checked(source.name, False, "", None, "", "none", "none", (), (), "", clean(source.why))
    if about is None:
        return Checked(source.name, None, "", None, "not tried", "unknown", "unknown", (), (), "")
    feeding = [trail for trail in trails if _feeds(trail, kind, rest)]
    told: dict[str, Callable[[], _Found]] = {
        "lookup": lambda: _lookup(account, rest, now),
        "bucket": lambda: _bucket(source),
        "logs": lambda: _logs(account, feeding, now),
        "queue": lambda: _queue(account, source),
    }
    reachable: bool | None = True
    found = _Found()
    lacking: tuple[str, ...] = ()
    if kind in told:
        try:
            found = told[kind]()
        except AwsError as error:
            reachable = False
            found = _Found(note=str(error))
            lacking = (missing(error.operation, error.message),) if error.denied else ()
    else:
        reachable, found = None, _Found(by="not tried: it costs by the minute")
    events, data = _sees(kind, feeding)
    notes = [found.note, *map(trouble_of, feeding)]
    return Checked(
        source=source.name,
        reachable=reachable,
        expected=about.delay,
        measured=found.delay,
        measured_by=found.by,
        management=events,
        data_events=data,
        missing=lacking,
        needs=about.needs,
        cost=about.cost,
        note=clean("; ".join(filter(None, notes))),
    )


def _feeds(trail: Trail, kind: str, rest: str) -> bool:
    if kind == "bucket":
        return trail.bucket == rest
    return kind in ("logs", "livetail") and _group(trail.group) == rest


def _group(arn: str) -> str:
    return arn.partition(":log-group:")[2].partition(":")[0]


def _sees(kind: str, feeding: Sequence[Trail]) -> tuple[str, str]:
    """Which management and which data events a source brings, in words."""
    if kind == "lookup":
        return "all", "never"
    if kind == "queue":
        return "what its rule selects", "what its rule selects, if a trail logs them"
    working = [trail for trail in feeding if trail.logging is not False]
    if not working:
        return "none", "none"
    unknown = any(trail.selectors is None for trail in working)
    selected = any(selects_s3_data(trail.selectors) for trail in working)
    return management(trail.selectors for trail in working), "yes" if selected else "unknown" if unknown else "none"


def _lookup(account: Account, region: str, now: datetime) -> _Found:
    params = {"StartTime": now - timedelta(days=1), "EndTime": now, "MaxResults": _PAGE}
    entries = quota_of(account.identity.account, region).ask(account, params, region).get("Events") or ()
    newest = max((entry["EventTime"] for entry in entries if entry.get("EventTime")), default=None)
    if newest is None:
        return _Found(by="no event in the last day")
    return _Found(
        max(0.0, (now - newest).total_seconds()), "age of its newest event: no more than this, if calls go on"
    )


def _bucket(source: Source) -> _Found:
    if not isinstance(source, TrailBucketSource):
        return _Found()
    newest = source.newest_file()
    if newest is None:
        return _Found(by="no file of today or yesterday")
    key, there = newest
    ages = [(there - event.at).total_seconds() for event in source.read_file(key).events]
    return (
        _Found(median(ages), "delivery of its newest file, median") if ages else _Found(by="its newest file is empty")
    )


def _logs(account: Account, feeding: Sequence[Trail], now: datetime) -> _Found:
    arn = feeding[0].group
    params = {
        "logGroupIdentifier": arn.removesuffix(":*"),
        "startTime": int((now - timedelta(hours=1)).timestamp() * 1000),
        "limit": _PAGE,
    }
    ages = []
    for entry in account.call("logs", "FilterLogEvents", params, arn.split(":")[3]).get("events") or ():
        try:
            event = decode_record(str(entry.get("message")).encode("utf-8", "replace"))
        except ValueError:
            continue
        ages.append((datetime.fromtimestamp(entry["ingestionTime"] / 1000, UTC) - event.at).total_seconds())
    return (
        _Found(median(ages), f"ingestion of {len(ages)} events, median")
        if ages
        else _Found(by="no event in the last hour")
    )


def _queue(account: Account, source: Source) -> _Found:
    if not isinstance(source, QueueSource):
        return _Found()
    params = {"QueueUrl": source.url, "AttributeNames": ["All"]}
    told = account.call("sqs", "GetQueueAttributes", params, source.region).get("Attributes") or {}
    notes = [f"{told.get('ApproximateNumberOfMessages', '?')} messages wait"]
    if told.get("RedrivePolicy"):
        notes.append(
            "reading counts towards its redrive policy: what is read often and not recorded goes to a dead-letter queue"
        )
    return _Found(by="not measured: receiving would hide messages from other readers", note="; ".join(notes))


# -- permissions -----------------------------------------------------------------------------------


Answer = tuple[bool | None, str]
"""Whether a call is allowed, `None` where that is not known; and what was in the way."""

_NOTHING_TO_ASK = (None, "not tried: there is nothing here to ask about")
_OBJECTS = (None, "not tried: it would be one more event on the bucket")


@dataclass(slots=True)
class _Targets:
    """What there is to ask about: the first of each kind."""

    bucket: str = ""
    user: str = ""
    role: str = ""
    key: str = ""
    trail: str = ""
    home: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)


def check_permissions(account: Account, trails: Sequence[Trail]) -> list[Permission]:
    """Try each read that the console makes, on the first bucket, user and role that there is.

    Objects are not read: that would be an event on the very buckets that are looked at.
    """
    targets = _Targets(trail=trails[0].arn if trails else "", home=trails[0].home if trails else "")
    answers = targets.answers
    targets.bucket = _first(account, answers, "s3", "ListBuckets", "Buckets", "Name")
    targets.user = _first(account, answers, "iam", "ListUsers", "Users", "UserName")
    targets.role = _first(account, answers, "iam", "ListRoles", "Roles", "RoleName")
    if user := targets.user:
        named = {"UserName": user}
        targets.key = _first(account, answers, "iam", "ListAccessKeys", "AccessKeyMetadata", "AccessKeyId", **named)
    probes = [probe for probe in _probes(account, targets) if f"{probe[0]}:{probe[1]}" not in answers]
    with ThreadPoolExecutor(THREADS // 2, thread_name_prefix="preflight") as pool:
        for probe, answer in zip(probes, pool.map(lambda probe: _try(account, *probe), probes), strict=True):
            answers[f"{probe[0]}:{probe[1]}"] = answer
    return sorted(_permissions(answers), key=lambda item: item.action)


def _permissions(answers: Mapping[str, Answer]) -> Iterator[Permission]:
    """One entry a permission: a call that was refused tells more than one that worked, and that than one not tried."""
    found: dict[str, Permission] = {}
    for service, operations in READS.items():
        if service in _OF_SOURCES:
            continue
        for operation in operations:
            nothing = _OBJECTS if service == "s3" and "Object" in operation else _NOTHING_TO_ASK
            action = permission(f"{service}:{operation}")
            made = Permission(action, *answers.get(f"{service}:{operation}", nothing))
            known = found.get(action)
            if known is None or known.allowed is None or made.allowed is False:
                found[action] = made
    yield from found.values()


def _probes(account: Account, there: _Targets) -> Iterator[tuple[str, str, Mapping[str, Any], str]]:
    """The calls to try, with something to ask about."""
    of_bucket = {"Bucket": there.bucket}
    for operation in READS["s3"]:
        if there.bucket and (operation.startswith("GetBucket") or operation in _OF_BUCKET):
            yield "s3", operation, of_bucket, ""
    of_account = {"AccountId": account.identity.account}
    yield "s3control", "GetPublicAccessBlock", of_account, ""
    yield "s3control", "ListAccessGrants", of_account, ""
    yield "s3control", "ListAccessPoints", of_account, ""
    yield "s3control", "ListMultiRegionAccessPoints", of_account, "us-west-2"
    yield "iam", "GetAccountAuthorizationDetails", {"MaxItems": 1}, ""
    yield "iam", "ListAccountAliases", {}, ""
    managed = _MANAGED_POLICY.format(account.partition)
    yield "iam", "GetPolicy", {"PolicyArn": managed}, ""
    yield "iam", "GetPolicyVersion", {"PolicyArn": managed, "VersionId": "v1"}, ""
    if there.user:
        for operation in (
            "GetUser",
            "GetLoginProfile",
            "ListMFADevices",
            "ListUserPolicies",
            "ListAttachedUserPolicies",
        ):
            yield "iam", operation, {"UserName": there.user}, ""
        yield "iam", "ListGroupsForUser", {"UserName": there.user}, ""
        yield "iam", "GetUserPolicy", {"UserName": there.user, "PolicyName": "s3ir-preflight"}, ""
    if there.key:
        yield "iam", "GetAccessKeyLastUsed", {"AccessKeyId": there.key}, ""
        yield "sts", "GetAccessKeyInfo", {"AccessKeyId": there.key}, ""
    if there.role:
        for operation in ("GetRole", "ListRolePolicies", "ListAttachedRolePolicies", "ListInstanceProfilesForRole"):
            yield "iam", operation, {"RoleName": there.role}, ""
        yield "iam", "GetRolePolicy", {"RoleName": there.role, "PolicyName": "s3ir-preflight"}, ""
    yield "iam", "GetInstanceProfile", {"InstanceProfileName": "s3ir-preflight"}, ""
    yield "sts", "GetCallerIdentity", {}, ""
    yield "ec2", "DescribeInstances", {"MaxResults": 5}, ""
    for operation in ("DescribeRegions", "DescribeVpcEndpoints", "DescribeVpcs"):
        yield "ec2", operation, {}, ""
    yield "iam", "GetCredentialReport", {}, ""
    yield "organizations", "DescribeOrganization", {}, ""
    for operation in ("DescribeTrails", "ListPublicKeys", "ListTrails"):
        yield "cloudtrail", operation, {}, ""
    yield "cloudtrail", "LookupEvents", {"MaxResults": 1}, ""
    if there.trail:
        yield "cloudtrail", "GetEventSelectors", {"TrailName": there.trail}, there.home
        yield "cloudtrail", "GetTrailStatus", {"Name": there.trail}, there.home


def _first(
    account: Account, answers: dict[str, Answer], service: str, operation: str, key: str, name: str, **params: str
) -> str:
    """The first of what a call lists, or ""; how the call went is noted."""
    try:
        listed = account.call(service, operation, params).get(key) or ()
    except AwsError as error:
        answers[f"{service}:{operation}"] = _refusal(error)
        return ""
    answers[f"{service}:{operation}"] = (True, "")
    return next((str(item[name]) for item in listed), "")


def _try(account: Account, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
    try:
        account.call(service, operation, params, region)
    except AwsError as error:
        return _refusal(error)
    return True, ""


def _refusal(error: AwsError) -> Answer:
    if error.denied or error.code == "403":  # an answer to HEAD has no body that could say more
        return False, error.message or error.code
    # That what was asked about is not there is an answer, too.
    absent = error.code.startswith("NoSuch") or "NotFound" in error.code or error.status == 404
    return (True, "") if absent else (None, str(error))
