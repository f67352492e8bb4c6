"""Event history and trail bucket under faults: the loss is told, the source comes back, nothing is lost or doubled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from account_world import World, allow, arns
from faulty_line import Fault, FaultyLine

from s3ir_tui.aws.account import Account
from s3ir_tui.model import utc_now
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.sources.base import Source, SourceError, drain
from s3ir_tui.trail.sources.bucket import TrailBucketSource
from s3ir_tui.trail.sources.lookup import LookupSource

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's own retries wait less, and lookups are retried less often."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 50)))
    monkeypatch.setattr("s3ir_tui.trail.sources.lookup_quota._TRIES", 2)
    monkeypatch.setattr("s3ir_tui.trail.sources.lookup.INTERVAL", 0.0)
    for pause in ("SOONEST", "LATEST"):
        monkeypatch.setattr(f"s3ir_tui.trail.sources.bucket.{pause}", timedelta(0))


@pytest.fixture
def line(world: World) -> Iterator[FaultyLine]:
    """The responder's line to the account; everyone else has a sound one."""
    with FaultyLine(int(world.server.endpoint_url.rsplit(":", 1)[1])) as running:
        yield running


class Scene:
    """A bucket whose trail logs everything, bob who writes to it, and the responder on a line of its own."""

    def __init__(self, world: World, line: FaultyLine) -> None:
        self.world, self.line = world, line
        self.bob = world.user("bob", allow("*"))
        self._count = 0
        world.bucket("payroll")
        world.bucket("trail-logs")
        logs = allow("s3:PutObject", arns("trail-logs"), Principal={"Service": "cloudtrail.amazonaws.com"})
        world.policy("trail-logs", logs)
        trail = world.server.admin("cloudtrail")
        trail.create_trail(Name="main", S3BucketName="trail-logs", IsMultiRegionTrail=True)
        data = [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::payroll/"]}]
        selector = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": data}
        trail.put_event_selectors(TrailName="main", EventSelectors=[selector])
        trail.start_logging(Name="main")
        key = world.user("responder", allow("*"))
        self.account = Account.connect(
            region="us-east-1",
            endpoint_url=line.endpoint_url,
            credentials={"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]},
        )

    def work(self, times: int = 4) -> None:
        """Bob calls, and the trail's files are delivered."""
        client = self.world.client("s3", self.bob)
        for _ in range(times):
            self._count += 1
            client.put_object(Bucket="payroll", Key=f"{self._count}.csv", Body=b"x")
            client.get_bucket_policy_status(Bucket="trail-logs")
        self.world.server.control("flush")

    def truth(self, *names: str) -> list[str]:
        """Ids of bob's events."""
        key = self.bob["AccessKeyId"]
        mine = [item for item in self.world.events() if item["userIdentity"].get("accessKeyId") == key]
        return sorted(item["eventID"] for item in mine if item["eventName"] in names)


def lookup(scene: Scene) -> Source:
    return LookupSource(scene.account, "us-east-1", utc_now() - timedelta(hours=1))


def bucket(scene: Scene) -> Source:
    owner = scene.account.identity.account
    return TrailBucketSource(scene.account, "trail-logs", "", owner, (), utc_now() - timedelta(hours=1))


Fails = Callable[[Scene], None]


def refuses(service: str, operation: str, code: str, status: int) -> Fails:
    def begin(scene: Scene) -> None:
        fault = {"service": service, "operation": operation, "code": code, "status": status, "count": 10_000}
        scene.world.server.control("faults", fault)

    return begin


def breaks(marker: bytes, **fault: Any) -> Fails:
    def begin(scene: Scene) -> None:
        scene.line.fault = Fault(marker, **fault)

    return begin


LISTING, FILE = b"list-type=2", b".json.gz HTTP"

CASES: dict[str, tuple[Callable[[Scene], Source], Fails, str]] = {
    "lookup, throttling": (lookup, refuses("cloudtrail", "LookupEvents", "ThrottlingException", 400), "fewer calls"),
    "lookup, 5xx": (lookup, refuses("cloudtrail", "LookupEvents", "InternalFailure", 500), "InternalFailure"),
    "lookup, expired token": (
        lookup,
        refuses("cloudtrail", "LookupEvents", "ExpiredTokenException", 400),
        "sign-in has expired",
    ),
    "lookup, slow answer": (lookup, breaks(b"LookupEvents", seconds=1.2), "No answer came in time"),
    "lookup, dropped before an answer": (lookup, breaks(b"LookupEvents", after=0), "ConnectionClosed"),
    "lookup, dropped in mid-answer": (lookup, breaks(b"LookupEvents", after=600), "IncompleteRead"),
    "bucket, throttling": (bucket, refuses("s3", "ListObjectsV2", "SlowDown", 503), "fewer calls"),
    "bucket, 5xx": (bucket, refuses("s3", "ListObjectsV2", "InternalError", 500), "InternalError"),
    "bucket, expired token": (bucket, refuses("s3", "ListObjectsV2", "ExpiredToken", 400), "sign-in has expired"),
    "bucket, slow answer": (bucket, breaks(LISTING, seconds=1.2), "No answer came in time"),
    "bucket, dropped before an answer": (bucket, breaks(LISTING, after=0), "ConnectionClosed"),
    "bucket, dropped in mid-answer": (bucket, breaks(LISTING, after=600), "IncompleteRead"),
    "file, throttling": (bucket, refuses("s3", "GetObject", "SlowDown", 503), "fewer calls"),
    "file, 5xx": (bucket, refuses("s3", "GetObject", "InternalError", 500), "InternalError"),
    "file, expired token": (bucket, refuses("s3", "GetObject", "ExpiredToken", 400), "sign-in has expired"),
    "file, dropped in mid-answer": (bucket, breaks(FILE, after=700), "no log file can be read"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_lost_source_is_told_and_comes_back_with_everything_once(
    world: World, line: FaultyLine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, begin, told = CASES[name]
    if "slow" in name:
        monkeypatch.setattr("s3ir_tui.aws.account._SECONDS_TO_ANSWER", 0.7)
    scene = Scene(world, line)
    source, analysis = make(scene), Analysis(scene.account.own_keys)
    scene.work()
    brought = drain(source)
    analysis.add(brought, source.name)

    begin(scene)
    scene.work()
    with pytest.raises(SourceError, match=told) as problem:
        source.poll()
    assert str(problem.value).startswith(f"{source.name}: ")
    assert problem.value.retry_after > 0
    analysis.gap(source.name, str(problem.value))

    world.server.control("faults", [])
    line.fault = None
    scene.work()
    returned = drain(source)
    brought += returned
    analysis.add(returned, source.name)
    names = ("PutObject", "GetBucketPolicyStatus") if source.data_events else ("GetBucketPolicyStatus",)
    wanted = scene.truth(*names)
    ids = [event.id for event in brought if event.access_key == scene.bob["AccessKeyId"]]
    assert sorted(ids) == wanted
    assert len(wanted) == 12 * len(names)
    (bob,) = [item for item in analysis.principals() if item.id.endswith(":user/bob")]
    assert bob.events == len(wanted)
    assert any(source.name in item.text for item in analysis.visibility())
