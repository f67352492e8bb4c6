"""Adding up: a folder read at speed says the same as its events one by one."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from socket import socketpair
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from trail_world import ACCOUNT, ANONYMOUS, BOTO, CLI, EC2, OUTSIDER, at, record, session, user

from s3ir_tui.trail import frames
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.bulk import crew, folders, tally, worker
from s3ir_tui.trail.bulk.call import decode_calls
from s3ir_tui.trail.bulk.folders import read_folders
from s3ir_tui.trail.bulk.sum import Sum, parts
from s3ir_tui.trail.bulk.tally import Tally
from s3ir_tui.trail.decode import UNKNOWN_VERSION, decode
from s3ir_tui.trail.detections import RULES

Fields = dict[str, Any]


def one_by_one(records: Sequence[Fields]) -> Analysis:
    made = Analysis()
    made.add(decode(json.dumps({"Records": records}).encode(), "file").events)
    return made


def added_up(*files: Sequence[Fields]) -> Analysis:
    made = Analysis()
    for records in files:
        total = Tally(made.claim)
        total.add_calls(decode_calls(json.dumps({"Records": records}).encode()).Records, "file")
        for part in parts(total.sum(), 7):
            made.add_sum(msgspec.msgpack.decode(msgspec.msgpack.encode(part), type=Sum))
    return made


def told(analysis: Analysis) -> Fields:
    """What is printed, with the number of the sampled events: which twenty of many are kept depends on the way."""
    found = analysis.to_json()
    for kind in ("principals", "buckets", "instances"):
        for item in found[kind]:
            for evidence in item["evidence"]:
                evidence["events"] = len(evidence["events"])
            for name in ("addresses", "access_keys", "buckets", "principals"):
                if name in item:
                    item[name] = sorted(item[name])
    return found


PRINCIPALS = (user(), user("eve", "ASIAEVE0000000000001"), session(), session("etl", "job-7", "ASIAETL0000000000001"),
              ANONYMOUS, OUTSIDER, EC2)  # fmt: skip
_OFTEN = {"GetObject", "PutObject", "ListObjects", "DeleteObject", "HeadObject", "AssumeRole", "DescribeInstances"}
NAMES = tuple(sorted(_OFTEN | {name for rule in RULES for name in rule.events}))
SERVICES = ("s3", "iam", "sts", "kms", "cloudtrail", "ec2", "ssm")
PARAMETERS: tuple[Fields, ...] = (
    {},
    {"x-amz-server-side-encryption-customer-algorithm": "AES256"},
    {"x-amz-bypass-governance-retention": "true"},
    {"versionId": "3sL4kqtJlcpXroDTDmJ"},
    {"x-amz-acl": "public-read"},
    {"userName": "mallory", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/etl", "roleSessionName": "x"},
    {"VersioningConfiguration": {"Status": "Suspended"}},
    {"kmsKeyArn": "arn:aws:kms:us-east-1:999988887777:key/1"},
)
ANSWERS: tuple[Fields | None, ...] = (None, {"credentials": {"accessKeyId": "ASIANEW0000000000001"}})

records = st.builds(
    lambda name, service, who, minutes, bucket, key, params, answer, error, address, agent: record(
        name,
        who,
        service=service,
        when=at(minutes),
        bucket=bucket,
        key=key,
        params=params,
        answer=answer,
        error=error,
        address=address,
        agent=agent,
    ),
    st.sampled_from(NAMES),
    st.sampled_from(SERVICES),
    st.sampled_from(PRINCIPALS),
    st.integers(0, 1100),  # within a day: of calls that were added up, how many came before another day is known about
    st.sampled_from(("data", "logs", "")),
    st.sampled_from(("a.csv", "id_rsa", "AWSLogs/1/x.json.gz", "HOW_TO_DECRYPT.txt", "")),
    st.sampled_from(PARAMETERS),
    st.sampled_from(ANSWERS),
    st.sampled_from(("", "AccessDenied", "NoSuchKey")),
    st.sampled_from(("10.0.0.1", "198.51.100.7", "203.0.113.9")),
    st.sampled_from((BOTO, CLI)),
)


@settings(max_examples=150, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.lists(records, max_size=60))
def test_adding_up_says_the_same_as_one_by_one(made: list[Fields]) -> None:
    half = len(made) // 2
    assert told(added_up(made[:half], made[half:])) == told(one_by_one(made))


def folder(tmp_path: Path, *files: Sequence[Fields]) -> Path:
    """A folder of gzipped trail files."""
    for number, records in enumerate(files):
        (tmp_path / f"{number:03}.json.gz").write_bytes(gzip.compress(json.dumps({"Records": records}).encode()))
    return tmp_path


def reads(count: int, first: int = 0) -> list[Fields]:
    """Reads of one user, a minute apart."""
    return [
        record("GetObject", user(), when=at(first + number), bucket="data", key=f"{number}.csv", out=10.0)
        for number in range(count)
    ]


@pytest.fixture
def small_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs so small that worker processes are begun for a few events."""
    for name in ("_ALONE", "_AT_ONCE"):
        monkeypatch.setattr(folders, name, 1)


@pytest.mark.usefixtures("small_jobs")
def test_worker_processes_say_the_same_as_one_by_one(tmp_path: Path) -> None:
    files = [reads(7, first) for first in range(0, 40, 10)]
    made = Analysis()
    steps = list(read_folders([folder(tmp_path, *files)], made, workers=2))
    assert steps[-1].files == 4
    assert sum(step.events for step in steps) == 28
    assert told(made) == told(one_by_one([item for file in files for item in file]))


@pytest.mark.usefixtures("small_jobs")
def test_events_of_two_trails_in_one_folder_count_once(tmp_path: Path) -> None:
    one, other = reads(5), reads(3, 20)
    made = Analysis()
    list(read_folders([folder(tmp_path, one, [*other, one[0]], one, [other[1], other[1]])], made, workers=2))
    assert (made.events, made.distinct, made.duplicates) == (16, 8, 8)
    assert made.principals()[0].reads == 8
    assert made.principals()[0].bytes_out == 80


def test_an_event_that_stands_twice_in_one_file_counts_once(tmp_path: Path) -> None:
    one, other = reads(2)
    made = Analysis()
    list(read_folders([folder(tmp_path, [one, other, one])], made))
    assert (made.events, made.distinct, made.principals()[0].reads) == (3, 2, 2)


@pytest.mark.usefixtures("small_jobs")
@pytest.mark.parametrize("python", ["/bin/false", "/no/such/python"])
def test_what_a_dead_worker_should_have_read_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    monkeypatch.setattr(frames.sys, "executable", python)
    made = Analysis()
    list(read_folders([folder(tmp_path, reads(3), reads(3, 10), reads(3, 20))], made, workers=2))
    assert made.distinct == 9


@pytest.mark.usefixtures("small_jobs")
def test_a_worker_that_dies_on_the_way_costs_no_event_and_counts_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    ask = crew._Worker.ask

    def dying(worker: crew._Worker, order: crew.Job | crew.Finish) -> tuple[int, list[msgspec.Raw]]:
        asked.append(order)
        if len(asked) == 3:
            worker._process.kill()
        return ask(worker, order)

    monkeypatch.setattr(crew._Worker, "ask", dying)
    repeated = reads(3, 10)
    made = Analysis()
    steps = list(read_folders([folder(tmp_path, reads(3), repeated, repeated, reads(3, 20))], made, workers=1))
    assert steps[-1].files == 4
    assert (made.distinct, made.duplicates, made.principals()[0].reads) == (9, 3, 9)


def test_a_worker_tells_what_it_has_when_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MOST_EVENTS", 5)
    place = folder(tmp_path, reads(3), reads(3, 10), reads(3, 20))
    ours, theirs = socketpair()
    with ours:
        for file in sorted(place.iterdir()):
            frames.send(ours, worker.encode(worker.Job([str(file)], tally.NEVER)))
            frames.send(ours, worker.encode(None))
        frames.send(ours, worker.encode(worker.Finish()))
        with theirs:
            worker.Worker(theirs).work()
        told = [worker.decode_answer(message) for message in iter(lambda: frames.receive(ours), None)]
    claim, part, done = worker.Claim, worker.Part, worker.Done
    assert [type(item) for item in told] == [claim, done, claim, *[part] * 3, done, claim, done, *[part] * 3, done]
    assert sum(worker.decode_sum(item.total).events for item in told if isinstance(item, part)) == 9


def test_a_folder_that_is_read_live_knows_the_events_of_other_sources(tmp_path: Path) -> None:
    records = reads(4)
    made = Analysis()
    made.add(decode(json.dumps({"Records": records[:2]}).encode(), "live").events, "live")
    list(read_folders([folder(tmp_path, records)], made))
    assert (made.events, made.distinct) == (6, 4)
    assert made.add(decode(json.dumps({"Records": records}).encode(), "late").events, "late") == []


def test_recent_calls_are_counted_second_by_second(tmp_path: Path) -> None:
    made = Analysis()
    list(read_folders([folder(tmp_path, reads(4))], made, recent=at(2)))
    assert made.allowed_after(user()["arn"], at(1)) == 2
    assert made.last_ok(user()["arn"]) == at(3)


def test_what_cannot_be_read_is_skipped_with_its_file_and_reason(tmp_path: Path) -> None:
    place = folder(tmp_path, reads(2))
    (place / "1.json").write_text("no JSON", encoding="utf-8")
    cut = gzip.compress(json.dumps({"Records": reads(50)}).encode())
    (place / "2.json.gz").write_bytes(cut[: len(cut) // 2])
    made = Analysis()
    skipped = [item for step in read_folders([place], made) for item in step.skipped]
    assert {(Path(item.origin).name, item.reason.partition(" after")[0]) for item in skipped} >= {
        ("1.json", "not JSON"),
        ("2.json.gz", "gzip is cut off"),
    }
    assert made.distinct > 2


def test_lines_of_records_and_odd_records_are_added_up_too(tmp_path: Path) -> None:
    odd = reads(1)[0] | {"eventTime": "2026-11-24T10:00:00+00:00"}
    newer = reads(1)[0] | {"eventVersion": "2.0"}
    lines = [*reads(3), odd, newer]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    made = Analysis()
    skipped = [item for step in read_folders([tmp_path], made) for item in step.skipped]
    assert made.distinct == 5
    assert [item.reason for item in skipped] == [UNKNOWN_VERSION]


def test_each_file_shows_what_went_on_at_once(tmp_path: Path) -> None:
    made = Analysis()
    steps = read_folders([folder(tmp_path, reads(3), reads(3, 10))], made)
    assert next(steps).events >= 3
