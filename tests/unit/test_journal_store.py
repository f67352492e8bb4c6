"""The log of a case as a database: what goes in comes out, in order, and nothing of it changes."""

from __future__ import annotations

import copy
import json
import os
import pickle
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tinydb import TinyDB, where

from s3ir_tui.journal import AppendOnlyError, Journal, JournalError, Record, WriteFailed, verify
from s3ir_tui.journal.chain import RECORD_LIMIT
from s3ir_tui.journal.store import CaseDB


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return tmp_path / "IR-42"


def opened(case: Path, who: str = "alice") -> Journal:
    """A console's log that looks for news only when it is asked to."""
    return Journal.open(case, about={"actor": who}, poll_seconds=0)


@pytest.fixture
def journal(case: Path) -> Iterator[Journal]:
    with opened(case) as found:
        yield found


def lines_of(case: Path) -> list[dict[str, object]]:
    files = sorted(case.glob("*.jsonl"))
    return [json.loads(line)["entry"] for file in files for line in file.read_text("ascii").splitlines()]


def test_a_record_is_in_the_file_when_record_returns(journal: Journal, case: Path) -> None:
    ref = journal.record("case", {"kind": "note", "text": "begun"})
    entry = lines_of(case)[-1]
    assert (entry["text"], entry["table"], f"{entry['session']}:{entry['seq']}") == ("begun", "case", ref)
    assert isinstance(entry["mono_ns"], int)


def test_records_come_back_with_reference_table_and_time(journal: Journal) -> None:
    ref = journal.record("actions", {"kind": "end", "states": ["done"], "plan": "a:1"})
    record = journal.records("actions")[-1]
    assert (record.ref, record.table, record.session) == (ref, "actions", journal.session)
    assert record["states"] == ["done"]
    assert record.get("no such field", 7) == 7
    assert record.ts.endswith("Z")
    assert dict(record)["plan"] == "a:1"


def test_the_first_record_tells_of_machine_terminal_and_clocks(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "198.51.100.9 50022 10.0.0.5 22")
    with opened(case) as journal:
        about = journal.records("_session")[0]["about"]
    assert about["actor"] == "alice"
    assert about["ssh_connection"] == "198.51.100.9 50022 10.0.0.5 22"
    assert {"host", "user", "pid", "tty", "boot_id", "time_zone", "monotonic_ns"} <= about.keys()
    assert {"python", "tinydb", "botocore"} <= about["versions"].keys()


def test_the_database_is_tinydb_and_answers_its_queries(case: Path) -> None:
    database, _ = CaseDB.open(case, about={})
    assert isinstance(database, TinyDB)
    database.table("actions").insert_multiple([{"kind": "intent", "step": number} for number in range(5)])
    found = database.table("actions").search(where("step") > 2)
    assert [doc["step"] for doc in found] == [3, 4]
    assert database.table("actions").get(doc_id=found[0].doc_id) == found[0]
    database.close()


def test_search_gives_records(journal: Journal) -> None:
    journal.record_many("actions", [{"kind": "intent", "step": number} for number in range(5)])
    assert [record["step"] for record in journal.search("actions", where("step") >= 3)] == [3, 4]
    journal.record("actions", {"kind": "intent", "step": 9})
    assert [record["step"] for record in journal.search("actions", where("step") >= 3)] == [3, 4, 9]


@pytest.mark.parametrize("change", ["update", "update_multiple", "upsert", "remove", "truncate"])
def test_changing_and_removing_is_refused(case: Path, change: str) -> None:
    database, _ = CaseDB.open(case, about={})
    table = database.table("case")
    table.insert({"kind": "note", "text": "stays"})
    with pytest.raises(AppendOnlyError):
        getattr(table, change)({"text": "gone"})
    with pytest.raises(AppendOnlyError):
        database.drop_table("case")
    with pytest.raises(AppendOnlyError):
        database.drop_tables()
    assert [doc["text"] for doc in table.all()] == ["stays"]
    database.close()


def test_records_are_frozen_all_the_way_down(journal: Journal) -> None:
    journal.record("actions", {"kind": "plan", "plan": {"steps": [{"call": {"params": {"Names": ["a", ["b"]]}}}]}})
    plan = journal.records("actions")[0]["plan"]
    with pytest.raises(AppendOnlyError):
        plan["steps"] = []
    for change in (
        lambda: plan["steps"].append(1),
        lambda: plan["steps"][0].update(call=1),
        lambda: plan["steps"][0]["call"]["params"]["Names"].clear(),
        lambda: plan["steps"][0]["call"]["params"]["Names"][1].sort(),
        lambda: plan["steps"].__iadd__([1]),
        lambda: plan.pop("steps"),
    ):
        with pytest.raises(AppendOnlyError):
            change()
    assert plan == {"steps": [{"call": {"params": {"Names": ["a", ["b"]]}}}]}


def test_copies_of_what_is_in_a_record_are_plain_and_free(journal: Journal) -> None:
    journal.record("actions", {"kind": "plan", "plan": {"steps": [1, {"a": [2]}]}})
    plan = journal.records("actions")[0]["plan"]
    for copied in (copy.deepcopy(plan), pickle.loads(pickle.dumps(plan)), json.loads(json.dumps(plan))):
        copied["steps"][1]["a"].append(3)
        assert copied == {"steps": [1, {"a": [2, 3]}]}
    assert plan == {"steps": [1, {"a": [2]}]}


def test_what_the_caller_keeps_changing_is_recorded_as_it_was(journal: Journal) -> None:
    doc = {"kind": "note", "words": ["one"]}
    journal.record("case", doc)
    doc["words"].append("two")  # type: ignore[attr-defined]
    assert journal.records("case")[0]["words"] == ["one"]


@pytest.mark.parametrize("name", ["seq", "prev", "session", "table", "ts", "mono_ns", "seen", "parents", "stored"])
def test_fields_of_the_log_itself_are_refused(journal: Journal, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        journal.record("case", {"kind": "note", name: "forged"})
    assert journal.records("case") == []
    assert journal.record("case", {"kind": "note"})


@pytest.mark.parametrize("table", ["_session", "", "no such/table"])
def test_tables_that_are_not_for_records_are_refused(journal: Journal, table: str) -> None:
    with pytest.raises(ValueError, match="table"):
        journal.record(table, {"kind": "note"})


def test_a_batch_has_one_time_and_consecutive_references(journal: Journal) -> None:
    refs = journal.record_many("trail", [{"kind": "event", "number": number} for number in range(700)])
    records = journal.records("trail")
    assert [record.ref for record in records] == refs
    assert [record["number"] for record in records] == list(range(700))
    assert len({record.ts for record in records}) == 2  # written 500 at a time


def test_no_records_at_all_write_nothing(journal: Journal) -> None:
    head = journal.head
    assert journal.record_many("trail", []) == []
    assert journal.head == head


def test_hostile_text_comes_back_unchanged_from_an_ascii_file(journal: Journal, case: Path) -> None:
    text = 'a\nb\x1b[31m\u202e\ud800"}\\,"hash":"' + "é" * 3
    journal.record("case", {"kind": "note", "text": text})
    assert journal.records("case")[0]["text"] == text
    data = next(case.glob("*.jsonl")).read_bytes()
    assert data.isascii()
    assert data.count(b"\n") == 2
    assert b"\x1b" not in data


def test_files_and_folder_are_for_the_owner_only(journal: Journal, case: Path) -> None:
    assert case.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in case.glob("*.jsonl"))


# -- sessions -------------------------------------------------------------------------------------


def test_a_case_goes_on_in_a_new_file_and_keeps_what_was_there(case: Path) -> None:
    with opened(case) as first:
        ref = first.record("case", {"kind": "note", "text": "one"})
    with opened(case) as second:
        assert [record.ref for record in second.records("case")] == [ref]
        second.record("case", {"kind": "note", "text": "two"})
        assert [record["text"] for record in second.records("case")] == ["one", "two"]
        assert second.problems == ()
    assert len(list(case.glob("*.jsonl"))) == 2
    assert verify(case).problems == ()
    assert verify(case).links_checked == 1


def test_two_consoles_see_each_other_and_testify(case: Path) -> None:
    with opened(case) as alice, opened(case, "bob") as bob:
        assert bob.consoles == 2
        ref = bob.record("case", {"kind": "note", "text": "from bob"})
        assert alice.refresh() == 2  # bob's first record too
        assert alice.records("case")[-1].ref == ref
        alice.record("case", {"kind": "note", "text": "read"})
        seen = alice.records("case")[-1]["seen"]
        assert list(seen.values()) == [[1, bob.heads[next(iter(seen))][1]]]
        assert alice.problems == bob.problems == ()
    assert verify(case).problems == ()


def test_consoles_counts_those_that_run(case: Path) -> None:
    with opened(case) as alice:
        assert alice.consoles == 1
        bob = Journal.open(case, about={}, poll_seconds=0.02)
        deadline = time.monotonic() + 5
        assert bob.consoles == 2
        alice.close()
        while bob.consoles != 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert bob.consoles == 1
        bob.close()


def test_news_of_others_arrives_without_asking(case: Path) -> None:
    came = threading.Event()
    with Journal.open(case, about={}, poll_seconds=0.02) as alice, opened(case, "bob") as bob:
        alice.subscribe(lambda records: came.set() if records[-1].get("text") == "from bob" else None)
        bob.record("case", {"kind": "note", "text": "from bob"})
        assert came.wait(5)


def test_news_comes_even_while_this_console_never_rests(case: Path) -> None:
    with Journal.open(case, about={}, poll_seconds=0.05) as alice, opened(case, "bob") as bob:
        bob.record("case", {"kind": "note", "text": "from bob"})
        deadline = time.monotonic() + 5
        while len(alice.records("case")) == 0 and time.monotonic() < deadline:
            alice.record("trail", {"kind": "event"})
        assert alice.records("case")[0]["text"] == "from bob"


def test_records_stay_in_time_order_when_older_news_comes(case: Path) -> None:
    with opened(case) as alice, opened(case, "bob") as bob:
        alice.record("case", {"kind": "note", "text": "1"})
        bob.record("case", {"kind": "note", "text": "2"})
        alice.record("case", {"kind": "note", "text": "3"})
        bob.record_many("case", [{"kind": "note", "text": "4"}] * 30)
        alice.record("case", {"kind": "note", "text": "5"})
        before = alice.records("case")
        alice.refresh()
        assert [record["text"] for record in before] == ["1", "3", "5"]
        assert [record["text"] for record in alice.records("case")] == ["1", "2", "3", *["4"] * 30, "5"]
        times = [record.ts for record in alice.records()]
        assert times == sorted(times)


def test_a_clock_set_back_does_not_turn_a_session_round(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime, timedelta

    import s3ir_tui.journal.store as store

    class Back(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(hours=1)

    with opened(case) as journal:
        journal.record("case", {"kind": "note", "text": "before"})
        monkeypatch.setattr(store, "datetime", Back)
        journal.record("case", {"kind": "note", "text": "after"})
        assert [record["text"] for record in journal.records("case")] == ["before", "after"]
    with opened(case) as again:
        first, second = again.records("case")
        assert (first["text"], second["text"]) == ("before", "after")
        assert first.ts > second.ts
        assert first["mono_ns"] < second["mono_ns"]


def test_the_head_names_session_number_and_hash(journal: Journal) -> None:
    ref = journal.record("case", {"kind": "note"})
    (head,) = journal.heads.values()
    assert journal.head == f"{ref} {head[1][:8]}"
    assert head[0] == 1


# -- threads, subscribers, the end ----------------------------------------------------------------


def test_many_threads_may_record_and_search_at_once(journal: Journal) -> None:
    def work(number: int) -> list[str]:
        refs = [journal.record("case", {"kind": "note", "text": f"{number}"}) for _ in range(20)]
        assert len(journal.search("case", where("text") == f"{number}")) == 20
        assert len(journal.records("case")) >= 20
        return refs

    with ThreadPoolExecutor(8) as pool:
        refs = [ref for refs in pool.map(work, range(8)) for ref in refs]
    assert len(set(refs)) == 160
    assert {record.ref for record in journal.records("case")} == set(refs)
    assert journal.problems == ()


def test_subscribers_are_told_of_every_record_once_on_one_thread(journal: Journal) -> None:
    told: list[str] = []
    threads: set[str] = set()
    journal.record("case", {"kind": "note", "text": "before"})

    def take(records: Sequence[Record]) -> None:
        threads.add(threading.current_thread().name)
        told.extend(record.ref for record in records)

    journal.subscribe(take)
    refs = [journal.record("case", {"kind": "note"}), *journal.record_many("trail", [{"kind": "event"}] * 3)]
    assert told == refs
    assert threads == {"journal"}


def test_a_subscriber_may_be_told_what_there_is_first(journal: Journal) -> None:
    told: list[str] = []
    first = journal.record("case", {"kind": "note"})
    journal.subscribe(lambda records: told.extend(record.ref for record in records), replay=True)
    second = journal.record("case", {"kind": "note"})
    assert told[-2:] == [first, second]
    assert len(told) == 3


def test_a_subscriber_may_record_itself(journal: Journal) -> None:
    def answer(records: Sequence[Record]) -> None:
        if records[-1].get("text") == "ping":
            journal.record("case", {"kind": "note", "text": "pong"})

    journal.subscribe(answer)
    journal.record("case", {"kind": "note", "text": "ping"})
    assert [record["text"] for record in journal.records("case")] == ["ping", "pong"]


def test_a_subscriber_that_fails_stops_neither_the_log_nor_the_others(journal: Journal) -> None:
    told: list[int] = []

    def fail(records: Sequence[Record]) -> None:
        raise KeyError("oops")

    journal.subscribe(fail)
    journal.subscribe(lambda records: told.append(len(records)))
    journal.record("case", {"kind": "note"})
    journal.record("case", {"kind": "note"})
    assert told == [1, 1]
    assert any("KeyError" in problem for problem in journal.problems)


def test_closing_says_why_and_leaves_the_records_readable(case: Path) -> None:
    journal = opened(case)
    journal.record("case", {"kind": "note", "text": "one"})
    journal.close("SIGHUP")
    journal.close("again")
    last = lines_of(case)[-1]
    assert (last["kind"], last["why"]) == ("close", "SIGHUP")
    assert [record.get("text") for record in journal.records("case")] == ["one"]
    assert journal.head.startswith(journal.session)
    with pytest.raises(WriteFailed):
        journal.record("case", {"kind": "note"})
    assert verify(case).notes == ()


def test_closing_ends_the_thread(case: Path) -> None:
    journal = opened(case)
    assert any(thread.name == "journal" for thread in threading.enumerate())
    journal.close()
    assert not any(thread.name == "journal" for thread in threading.enumerate())


def test_reading_only_writes_nothing(case: Path) -> None:
    with opened(case) as writer:
        writer.record("case", {"kind": "note", "text": "one"})
    before = {file: file.read_bytes() for file in case.iterdir()}
    with Journal.open(case, about={}, readonly=True, poll_seconds=0.01) as reader:
        assert reader.records("case")[0]["text"] == "one"
        assert reader.consoles == 0
        with pytest.raises(AppendOnlyError):
            reader.record("case", {"kind": "note"})
        time.sleep(0.05)
    assert {file: file.read_bytes() for file in case.iterdir()} == before


def test_reading_only_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no case folder"):
        Journal.open(tmp_path / "nowhere", about={}, readonly=True)
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(JournalError, match="cannot be used"):
        Journal.open(tmp_path / "file" / "case", about={})


def test_a_signal_that_comes_while_a_record_is_written_closes_the_log_in_order(case: Path) -> None:
    code = """
import signal, sys
from pathlib import Path
from s3ir_tui.journal import Journal
journal = Journal.open(Path(sys.argv[1]), about={})
def leave(number, frame):
    journal.close(signal.Signals(number).name)
    sys.exit(3)
signal.signal(signal.SIGHUP, leave)
print("ready", flush=True)
while True:
    journal.record("case", {"kind": "note"})
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.Popen([sys.executable, "-c", code, str(case)], stdout=subprocess.PIPE, env=environment)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(0.1)
    child.send_signal(signal.SIGHUP)
    assert child.wait(20) == 3
    child.stdout.close()
    last = lines_of(case)[-1]
    assert (last["kind"], last["why"]) == ("close", "SIGHUP")
    found = verify(case)
    assert (found.problems, found.notes) == ((), ())
    assert found.records > 10


@pytest.mark.slow
def test_a_record_costs_the_same_in_a_long_case(journal: Journal) -> None:
    def median() -> float:
        taken = []
        for _ in range(100):
            begun = time.perf_counter()
            journal.record("case", {"kind": "note", "text": "x" * 300})
            taken.append(time.perf_counter() - begun)
        return statistics.median(taken)

    short = median()
    journal.record_many("actions", [{"kind": "intent", "text": "x" * 300}] * 30_000)
    assert median() < 3 * short


# -- large values ---------------------------------------------------------------------------------


def test_a_large_value_is_kept_in_a_file_of_its_own_and_read_from_there(journal: Journal, case: Path) -> None:
    plan = {"steps": [{"target": f"key-{number:06d}", "before": ["x" * 40]} for number in range(6000)]}
    journal.record("actions", {"kind": "plan", "title": "many objects", "plan": plan})
    record = journal.records("actions")[0]
    assert record["plan"] == plan
    assert record.get("plan") == plan
    assert record["title"] == "many objects"
    assert "plan" in set(record)
    assert all(len(line) <= RECORD_LIMIT for line in next(case.glob("*.jsonl")).read_bytes().splitlines())
    assert verify(case).attachments == 1
    with opened(case) as again:
        assert again.records("actions")[0]["plan"] == plan


def test_a_large_value_that_was_altered_is_not_taken_for_what_was_recorded(journal: Journal, case: Path) -> None:
    journal.record("case", {"kind": "note", "text": "x" * RECORD_LIMIT})
    (file,) = (case / "attachments").iterdir()
    file.write_text('"something else"')
    assert set(journal.records("case")[0]["text"]) == {"bytes", "sha256"}
    assert any("is not what" in problem for problem in verify(case).problems)
    file.unlink()
    assert set(journal.records("case")[0]["text"]) == {"bytes", "sha256"}
    assert any("missing" in problem for problem in verify(case).problems)


def test_the_same_large_value_is_kept_once(journal: Journal, case: Path) -> None:
    for _ in range(2):
        journal.record("case", {"kind": "note", "text": "x" * RECORD_LIMIT, "small": 1})
    assert len(list((case / "attachments").iterdir())) == 1
    assert [len(record["text"]) for record in journal.records("case")] == [RECORD_LIMIT] * 2


def test_a_new_case_in_which_nothing_happened_leaves_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "IR-1"
    journal = Journal.open(folder, about={})
    assert not journal.leave_no_empty_case()  # it is still open
    journal.close("closed by the responder")
    assert journal.leave_no_empty_case()
    assert not folder.exists()


@pytest.mark.parametrize("left", ["note", "file", "console"])
def test_a_case_that_holds_anything_stays(tmp_path: Path, left: str) -> None:
    folder = tmp_path / "IR-1"
    journal = Journal.open(folder, about={}, poll_seconds=0)
    if left == "note":
        journal.record("case", {"kind": "note", "text": "hello"})
    elif left == "file":
        (folder / "evidence.zip").write_bytes(b"x")
    else:
        Journal.open(folder, about={}).close()
    journal.close()
    assert not journal.leave_no_empty_case()
    assert len(list(folder.glob("*.jsonl"))) == (2 if left == "console" else 1)
