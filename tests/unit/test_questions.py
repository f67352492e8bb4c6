"""The questions to history, asked of the store of local files."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3ir_tui.questions.catalog import CATALOG, question
from s3ir_tui.questions.feed import feed
from s3ir_tui.questions.local import LocalStore, StoreError
from s3ir_tui.questions.question import COLUMNS, Question, QuestionError, Window, moment
from s3ir_tui.questions.results import Answer, Cancelled, csv_cell, estimate
from s3ir_tui.trail.event import Event

RECORDING = Path(__file__).parents[1] / "data" / "otrf-cloud-breach-s3"
THIEF = "arn:aws:sts::123456789123:assumed-role/MordorNginxStack-BankingWAFRole-9S3E0UAE1MM0/i-0317f6c6b66ae9c40"
THIEF_KEY = "ASIA5FLZVX4OPVKKVBMX"
BUCKET = "mordors3stack-s3bucket-llp2yingx64a"
HOSTILE = "'; DROP TABLE stored; --\x1b]0;x\x07\u202e\x00"


def event(number: int, name: str = "GetObject", **fields: Any) -> Event:
    minute = fields.pop("minute", number)
    given: dict[str, Any] = {
        "id": f"event-{number}",
        "time": f"2026-03-06T{3 + minute // 60:02}:{minute % 60:02}:00Z",
        "service": "s3",
        "principal": "arn:aws:iam::111122223333:user/bob",
        "access_key": "AKIABOB",
        "address": "203.0.113.7",
        "bucket": "payroll",
        "key": f"q{number}.csv",
        "read_only": name.startswith(("Get", "List", "Head")),
        "category": "Data",
        "bytes_out": 10,
    }
    return Event(name=name, **given | fields)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with LocalStore(tmp_path / "store" / "events.sqlite") as made:
        yield made


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with LocalStore(tmp_path_factory.mktemp("q") / "events.sqlite") as made:
        feed(made, [RECORDING])
        yield made


def rows(answer: Answer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.to_json()["rows"]
    return found


# -- the catalogue -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", CATALOG, ids=lambda item: item.id)
def test_a_question_is_one_select_that_reads_events_once_and_binds_what_it_is_given(asked: Question) -> None:
    text = asked.sql
    assert text.startswith("SELECT ")
    assert text.count("FROM events") == text.upper().count(" FROM ") + text.upper().count("\nFROM ") == 1
    assert ";" not in text
    assert "?" not in text
    assert "--" not in text
    filled = {item.name: {"time": "2026-03-06", "count": "1"}.get(item.kind, "x") for item in asked.parameters}
    bound = asked.bind(filled)
    outside = [item.name for item in asked.parameters if item.kind not in ("time", "count")]
    assert bound.text.count("?") == len(bound.values) == sum(text.count(f":{name}") for name in outside)
    assert not re.search(r":[a-z]", re.sub(r"'[^']*'", "", bound.text))
    assert asked.title.endswith("?")
    assert asked.blind


def test_a_parameter_that_is_missing_wrong_or_unknown_is_said() -> None:
    with pytest.raises(QuestionError, match=r"needs key"):
        question("who-touched-key").bind({})
    with pytest.raises(QuestionError, match=r"takes no colour: it takes key, bucket"):
        question("who-touched-key").bind({"colour": "red"})
    with pytest.raises(QuestionError, match=r"is no time"):
        question("before-during-after").bind({"start": "yesterday", "end": "2026-03-06"})
    with pytest.raises(QuestionError, match=r"whole number"):
        question("bulk-reads").bind({"least": "1 OR 1=1"})
    with pytest.raises(QuestionError, match=r"half a character"):
        question("who-touched-key").bind({"key": "\ud800"})
    with pytest.raises(QuestionError, match=r"did you mean top-readers"):
        question("top-reader")


def test_times_are_taken_in_every_zone_and_asked_in_utc() -> None:
    assert moment("2026-03-06T04:17:00+01:00") == "2026-03-06T03:17:00Z"
    assert moment("2026-03-06") == "2026-03-06T00:00:00Z"


# -- answers -------------------------------------------------------------------------------------------------------


def test_the_thief_of_the_recording_is_found_by_key_and_by_credential(recorded: LocalStore) -> None:
    touched = rows(recorded.ask(question("who-touched-key"), {"key": "ring.txt", "bucket": BUCKET}))
    assert [(row["principal"], row["access_key"], row["succeeded"], row["bytes_out"]) for row in touched] == [
        (THIEF, THIEF_KEY, 2, 178)
    ]
    did = rows(recorded.ask(question("credential"), {"actor": THIEF_KEY}))
    assert {row["name"]: sum(r["succeeded"] + r["failed"] for r in did if r["name"] == row["name"]) for row in did} == {
        "ListBuckets": 2,
        "ListObjects": 7,
        "GetObject": 2,
    }
    assert (min(row["first_seen"] for row in did), max(row["last_seen"] for row in did)) == (
        "2020-09-14T01:00:04Z",
        "2020-09-14T01:13:20Z",
    )
    others = rows(recorded.ask(question("other-buckets"), {"actor": THIEF}))
    assert [(row["bucket"], row["read_calls"]) for row in others] == [(BUCKET, 9)]
    assert rows(recorded.ask(question("other-buckets"), {"actor": THIEF, "known": BUCKET})) == []


def test_top_readers_and_bulk_reads_count_successes_and_attempts_apart(store: LocalStore) -> None:
    store.add([event(n, minute=n % 20, bytes_out=100) for n in range(30)])
    store.add([event(40 + n, minute=70, principal="eve", error="AccessDenied", bytes_out=0) for n in range(5)])
    store.add([event(50, "CopyObject")])
    top = rows(store.ask(question("top-readers"), {}))
    assert [(row["principal"][-3:], row["succeeded"], row["failed"], row["objects"]) for row in top] == [
        ("bob", 30, 0, 30),
        ("eve", 0, 5, 0),
    ]
    bulk = rows(store.ask(question("bulk-reads"), {"least": "30"}))
    assert [(row["hour"], row["reads"], row["bytes_out"]) for row in bulk] == [("2026-03-06T03:00Z", 30, 3000)]
    assert rows(store.ask(question("bulk-reads"), {"least": "31"})) == []


def test_changes_of_a_bucket_are_its_management_writes_denied_ones_too(store: LocalStore) -> None:
    store.add(
        [
            event(1, "PutBucketPolicy", category="Management", key=""),
            event(2, "GetBucketPolicy", category="Management", key=""),
            event(3, "DeleteBucketReplication", category="Management", key="", error="AccessDenied", message="no"),
            event(4, "PutObject"),
            event(5, "PutBucketAcl", category="Management", bucket="other"),
        ]
    )
    answer = store.ask(question("bucket-changes"), {"bucket": "payroll"})
    assert [(row["name"], row["error"]) for row in rows(answer)] == [
        ("PutBucketPolicy", ""),
        ("DeleteBucketReplication", "AccessDenied"),
    ]


def test_before_during_and_after_are_three_numbers_of_each_call(store: LocalStore) -> None:
    store.add([event(n) for n in (1, 2, 10, 11, 12, 30)] + [event(99, minute=11, error="AccessDenied")])
    asked = {"start": "2026-03-06T03:10:00Z", "end": "2026-03-06T03:20:00Z"}
    (row,) = rows(store.ask(question("before-during-after"), asked))
    assert [row[name] for name in ("before_ok", "during_ok", "after_ok", "during_failed")] == [2, 3, 1, 1]
    (row,) = rows(store.ask(question("before-during-after"), asked | {"before": "2026-03-06T03:02:00Z"}))
    assert row["before_ok"] == 1


def test_addresses_refusals_and_the_history_of_a_prefix(store: LocalStore) -> None:
    store.add([event(1), event(2, address="198.51.100.9"), event(3, error="AccessDenied", key="z")])
    found = rows(store.ask(question("addresses"), {"actor": "AKIABOB"}))
    assert [(row["address"], row["succeeded"]) for row in found] == [("203.0.113.7", 1), ("198.51.100.9", 1)]
    assert [row["failed"] for row in rows(store.ask(question("refused"), {}))] == [1]
    history = rows(store.ask(question("key-history"), {"bucket": "payroll", "prefix": "q"}))
    assert [row["key"] for row in history] == ["q1.csv", "q2.csv"]


def test_a_window_bounds_the_answer_and_a_cut_one_says_so(store: LocalStore) -> None:
    store.add([event(n) for n in range(10)])
    window = Window("2026-03-06T03:02:00Z", "2026-03-06T03:04:00Z")
    answer = store.ask(question("key-history"), {"bucket": "payroll"}, window)
    assert [row["key"] for row in rows(answer)] == ["q2.csv", "q3.csv", "q4.csv"]
    assert not answer.truncated
    cut = store.ask(question("key-history"), {"bucket": "payroll"}, most=4)
    assert (len(cut.rows), cut.truncated) == (4, True)


def test_an_answer_without_data_events_says_that_reads_were_not_logged(store: LocalStore) -> None:
    store.add([event(1, "PutBucketPolicy", category="Management")])
    assert any("not logged" in note for note in store.ask(question("top-readers"), {}).notes)
    store.add([event(2)])
    assert not any("not logged" in note for note in store.ask(question("top-readers"), {}).notes)


# -- the store -----------------------------------------------------------------------------------------------------


def test_events_are_kept_once_in_a_private_file(store: LocalStore) -> None:
    assert store.add([event(1), event(2), event(1)]) == 2
    assert store.add([event(2), event(3)]) == 1
    assert store.count() == 3
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_hostile_values_are_stored_and_found_as_they_are(store: LocalStore) -> None:
    store.add([event(1, key=HOSTILE, agent=HOSTILE, address=HOSTILE), event(2, key="half \ud800")])
    (row,) = rows(store.ask(question("who-touched-key"), {"key": HOSTILE}))
    assert row["address"] == HOSTILE
    assert store.count() == 2


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.text(st.characters(codec="utf-8"), min_size=1, max_size=80))
def test_any_key_is_found_again(store: LocalStore, key: str) -> None:
    store.add([event(0, id=f"event of {key}", key=key)])
    assert [row["succeeded"] for row in rows(store.ask(question("who-touched-key"), {"key": key}))] == [1]


def test_files_are_read_once_and_again_when_they_have_changed(store: LocalStore, tmp_path: Path) -> None:
    folder = tmp_path / "trail"
    folder.mkdir()
    file = folder / "part.json"
    source = next(RECORDING.glob("*.json")).read_text().splitlines()
    file.write_text("\n".join(source[:40]))
    (folder / "bad.json").write_text("[1")
    first = feed(store, [folder])
    assert (first.files, first.known, first.new) == (2, 0, 40)
    assert [item.origin.endswith("bad.json") for item in first.skipped] == [True]
    assert feed(store, [folder]).known == 2
    file.write_text("\n".join(source))
    again = feed(store, [folder])
    assert (again.files, again.new) == (1, len(source) - 40)
    with LocalStore(store.path) as reopened:
        assert feed(reopened, [folder]).known == 2
        assert reopened.count() == len(source)


def test_a_killed_process_leaves_a_store_that_goes_on(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from s3ir_tui.questions.local import LocalStore
from s3ir_tui.trail.event import Event
store = LocalStore(Path(sys.argv[1]))
for batch in range(10_000):
    store.add(Event(f"{batch}-{n}", "2026-03-06T03:00:00Z", "GetObject", "s3") for n in range(50))
    print(batch, flush=True)
"""
    path = tmp_path / "killed.sqlite"
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(40)][-1]
    process.kill()
    process.wait()
    process.stdout.close()
    with LocalStore(path) as store:
        kept = store.count()
        assert kept >= 50 * (acknowledged + 1)
        assert kept % 50 == 0
        assert store.add([event(1)]) == 1
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    sqlite3.connect(other).executescript("CREATE TABLE mine (x)")
    before = other.read_bytes()
    text = tmp_path / "text"
    text.write_text("no database at all, but long enough to be looked at " * 50)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    for path in (other, text, link):
        with pytest.raises(StoreError, match="name another file"):
            LocalStore(path)
    assert other.read_bytes() == before
    assert not (tmp_path / "elsewhere").exists()


def test_a_question_of_ones_own_cannot_write(store: LocalStore) -> None:
    store.add([event(1)])
    for text in ("DELETE FROM stored", "DROP TABLE stored", "SELECT 1; DELETE FROM stored"):
        with pytest.raises((StoreError, sqlite3.Warning)):
            store.ask(Question("own", "?", "", "", text), {})
    assert store.count() == 1
    assert store.add([event(2)]) == 1


def test_a_question_is_taken_back_and_the_store_goes_on(store: LocalStore) -> None:
    store.add([event(n) for n in range(2_000)])
    endless = Question("own", "?", "", "", "SELECT count(*) FROM stored a, stored b, stored c, stored d")
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(Cancelled):
        store.ask(endless, {}, stop=stop)
    assert store.count() == 2_000


# -- exports -------------------------------------------------------------------------------------------------------


def test_csv_runs_no_formula_and_shows_control_characters(store: LocalStore) -> None:
    hostile = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\uff1d1", "|x", "plain", "a,b\nc"]
    store.add([event(n, agent=text) for n, text in enumerate(hostile)])
    answer = store.ask(question("addresses"), {"actor": "AKIABOB"})
    cells = [row[1] for row in csv.reader(io.StringIO(answer.to_csv()))][1:]
    assert cells == [
        '\'=HYPERLINK("http://x")', "'+1", "'-1", "'@SUM(A1)", "\\x09=1", "'  =1", "'\uff1d1", "'|x", "plain",
        "a,b\\x0ac",
    ]  # fmt: skip
    assert csv_cell(-5) == "-5"
    assert csv_cell(None) == ""


def test_json_keeps_strings_whole_and_costs_are_an_estimate(store: LocalStore) -> None:
    store.add([event(1, key=HOSTILE)])
    answer = store.ask(question("who-touched-key"), {"key": HOSTILE})
    told = json.loads(json.dumps(answer.to_json()))
    assert told["parameters"]["key"] == HOSTILE
    assert told["scanned_bytes"] is told["estimated_cost_usd"] is None
    assert estimate(10**12) == 5.0
    assert estimate(1) == pytest.approx(0.00005)
    assert estimate(0) == 0.0
    assert estimate(2 * 10**12, 7.5) == 15.0


def test_the_columns_are_those_of_an_event() -> None:
    assert set(COLUMNS) == set(Event.__struct_fields__) - {"raw"}
