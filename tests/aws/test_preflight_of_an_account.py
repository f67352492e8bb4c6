"""preflight on the embedded account: what it says is what can be seen, and nothing is changed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from account_world import World, allow, deny

from s3ir_tui.aws.account import Account
from s3ir_tui.headless import preflight as command
from s3ir_tui.headless import triage
from s3ir_tui.headless.exits import Code
from s3ir_tui.headless.gather import Sources
from s3ir_tui.headless.output import Format
from s3ir_tui.journal import Journal
from s3ir_tui.live import LiveRoom
from s3ir_tui.model import utc_now
from s3ir_tui.review import ReviewRoom
from s3ir_tui.settings import Settings
from s3ir_tui.trail import logged
from s3ir_tui.trail.coverage import History

DAY = timedelta(days=1)


def connect(world: World, *statements: dict[str, Any], name: str = "responder") -> Account:
    key = world.user(name, *(statements or (allow("*"),)))
    return Account.connect(
        region="us-east-1",
        endpoint_url=world.server.endpoint_url,
        credentials={"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]},
    )


def until(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.2)
    return False


def make_trail(world: World, *arns: str) -> Any:
    """A trail that logs objects of these buckets."""
    world.bucket("trail-logs")
    service = {"Principal": {"Service": "cloudtrail.amazonaws.com"}}
    world.policy(
        "trail-logs",
        allow(["s3:PutObject", "s3:GetBucketAcl"], ["arn:aws:s3:::trail-logs", "arn:aws:s3:::trail-logs/*"], **service),
    )
    cloudtrail = world.server.client("cloudtrail", world.user("owner", allow("*")))
    cloudtrail.create_trail(Name="main", S3BucketName="trail-logs", IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name="main")
    resources = [{"Type": "AWS::S3::Object", "Values": list(arns)}]
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": resources}
    cloudtrail.put_event_selectors(TrailName="main", EventSelectors=[selector])
    return cloudtrail


def ask(account: Account, *sources: str) -> dict[str, Any]:
    found = command.preflight(account, Sources(Settings(sources=sources)), utc_now() - DAY)
    answer: dict[str, Any] = json.loads(json.dumps(found.to_json()))
    return answer | {"worry": found.worry}


def of(answer: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [item for item in answer["sources"] if item["source"] == name]
    return dict(found)


def seen(answer: dict[str, Any], bucket: str) -> list[str]:
    (found,) = [item for item in answer["visibility"] if item["bucket"] == bucket]
    return [str(line) for line in found["text"]]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not asked is what takes its time: what was done to the trails, and permission by permission."""
    monkeypatch.setattr(command, "check_permissions", lambda *_: [])
    monkeypatch.setattr(logged, "read_changes", lambda *given, **_: History(given[3], given[4]))


def test_what_can_be_seen_is_said_and_nothing_but_reads_is_sent(world: World) -> None:
    world.bucket("payroll", k=b"x")
    world.bucket("open-data")
    cloudtrail = make_trail(world, "arn:aws:s3:::payroll/")
    world.client("s3", world.user("reader", allow("*"))).get_object(Bucket="payroll", Key="k")
    world.server.control("flush")
    time.sleep(1.1)  # CloudTrail tells whole seconds
    cloudtrail.stop_logging(Name="main")
    account = connect(world)
    before = len(world.events())
    answer = ask(account)

    lookup, bucket = of(answer, "lookup us-east-1"), of(answer, "bucket trail-logs")
    assert (lookup["reachable"], lookup["management"], lookup["data_events"]) == (True, "all", "never")
    assert lookup["measured"] < 60
    assert (bucket["reachable"], bucket["management"], bucket["data_events"]) == (True, "none", "none")
    assert "trail main is not logging since" in bucket["note"]
    assert bucket["measured"] < 60
    assert "$0.10 per 100,000" in bucket["cost"]
    assert len(answer["regions"]) >= 17

    first, *rest = seen(answer, "payroll")
    assert re.match("reads and writes logged by trail main since 20.* until 20", first)
    assert all("none seen is not none done" in line for line in rest)
    assert "no trail logs S3 data events of this bucket" in seen(answer, "open-data")[0]
    assert answer["worry"]

    calls = [event for event in world.events()[before:] if event["eventSource"] != "sts.amazonaws.com"]
    assert len(calls) > 60
    assert {event["readOnly"] for event in calls} == {True}
    objects = [event for event in calls if event["eventName"] in ("GetObject", "ListObjects", "ListObjectVersions")]
    assert {event["requestParameters"]["bucketName"] for event in objects} <= {"trail-logs"}


@pytest.mark.usefixtures("at_once")
def test_a_trail_that_logs_every_object_is_no_worry(world: World) -> None:
    world.bucket("payroll")
    make_trail(world, "arn:aws:s3")
    answer = ask(connect(world), "bucket")
    assert of(answer, "bucket trail-logs")["data_events"] == "yes"
    assert not answer["worry"]


def test_what_is_refused_is_named_as_iam_names_it(world: World) -> None:
    world.bucket("payroll")
    make_trail(world, "arn:aws:s3")
    refused = ["s3:ListBucket", "cloudtrail:LookupEvents", "s3:GetEncryptionConfiguration", "iam:ListRoles"]
    answer = ask(connect(world, allow("*"), deny(refused)), "lookup", "bucket")
    assert of(answer, "bucket trail-logs")["missing"] == ["s3:ListBucket"]
    assert of(answer, "lookup eu-west-1")["missing"] == ["cloudtrail:LookupEvents"]
    denied = {item["action"] for item in answer["permissions"] if item["allowed"] is False}
    assert denied == set(refused)
    assert answer["worry"]
    assert "what was changed is not known: cloudtrail:LookupEvents" in "".join(seen(answer, "payroll"))


@pytest.mark.usefixtures("at_once")
def test_a_queue_is_looked_at_and_not_read(world: World) -> None:
    sqs = world.server.admin("sqs")
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    answer = ask(connect(world), "logs", "queue:events", "queue:none")
    found = of(answer, "queue events")
    assert (found["reachable"], found["measured"]) == (True, None)
    assert "1 messages wait" in found["note"]
    assert sqs.receive_message(QueueUrl=url)["Messages"]
    assert of(answer, "queue none")["reachable"] is False
    assert of(answer, "logs")["reachable"] is False
    assert "this account offers no logs; there is: lookup of" in of(answer, "logs")["note"]


@pytest.mark.usefixtures("at_once")
def test_the_command_prints_a_table_and_tells_by_its_exit_code(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.bucket("payroll")
    account = connect(world)
    sources = Sources(Settings(sources=("lookup",)))
    assert command.run(account, sources, utc_now() - DAY, Format.TABLE) == Code.PROBLEM
    out = capsys.readouterr().out
    assert "Trail sources" in out
    assert "lookup af-south-1 and" in out
    assert "reads not logged since" in out
    assert "no charge" in out


@pytest.mark.usefixtures("at_once")
def test_triage_says_what_was_logged_and_records_it(world: World, tmp_path: Path) -> None:
    world.bucket("payroll")
    make_trail(world, "arn:aws:s3:::payroll/")
    account = connect(world)
    assert triage.run(account, utc_now() - DAY, Format.JSON, tmp_path / "case") == Code.OK
    found = {item["bucket"]: item["text"] for item in triage.triage(account, utc_now() - DAY).to_json()["visibility"]}
    assert any("reads and writes logged by trail main" in line for line in found["payroll"])
    room = ReviewRoom(tmp_path / "case")
    room.start(lambda _: None)
    try:
        assert until(
            lambda: dict(room.detail("bucket", "payroll").sections)["Logged of its objects"][0] in found["payroll"]
        )
    finally:
        room.stop("end of test")


@pytest.mark.usefixtures("at_once")
def test_the_war_room_shows_and_records_what_was_logged_of_a_bucket(world: World, tmp_path: Path) -> None:
    world.bucket("payroll")
    make_trail(world, "arn:aws:s3:::payroll/")
    account = connect(world)
    journal = Journal.open(tmp_path / "case", about={})
    room = LiveRoom(lambda: account, journal, sources=lambda *_: ())
    room.start(lambda _: None)

    def shown() -> str:
        return " ".join(dict(room.detail("bucket", "payroll").sections)["Logged of its objects"])

    try:
        assert until(lambda: "reads and writes logged by trail main" in shown())
        assert until(lambda: any(record.get("kind") == "logged" for record in journal.records()))
    finally:
        room.stop("end of test")
