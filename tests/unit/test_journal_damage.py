"""The log of a case under attack, on a full disk, after a crash: nothing acknowledged is lost, and it always opens."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s3ir_tui.journal import Journal, WriteFailed, verify
from s3ir_tui.journal.store import CaseDB, CaseStorage

ROOT = Path(__file__).parents[2]
ZERO = "0" * 64


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return tmp_path / "IR-42"


def opened(case: Path, **options: Any) -> Journal:
    return Journal.open(case, about={}, poll_seconds=0, **options)


def recorded(case: Path, count: int = 3) -> Path:
    """A closed session with some records; gives its file."""
    before = set(case.glob("*.jsonl"))
    with opened(case) as journal:
        for number in range(count):
            journal.record("case", {"kind": "note", "text": f"note {number}"})
    (file,) = set(case.glob("*.jsonl")) - before
    return file


def line(entry: object, *, body: bytes | None = None) -> bytes:
    """A line with the right hash, whatever it holds."""
    data = json.dumps(entry, separators=(",", ":"), sort_keys=True).encode() if body is None else body
    return b'{"entry":' + data + b',"hash":"' + hashlib.sha256(data).hexdigest().encode() + b'"}\n'


def texts(journal: Journal) -> list[str]:
    return [str(record.get("text")) for record in journal.records("case")]


def python(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    """A console in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def agree(case: Path, journal: Journal) -> None:
    """Console and verifier come to the same result."""
    found = verify(case)
    assert bool(found.problems) == bool(journal.problems), (found.problems, journal.problems)
    assert found.records == len(journal.records())


# -- crashes --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_acknowledged_record_is_lost_to_kill_9() -> None:
    command = [sys.executable, str(ROOT / "tests/bench/kill_journal.py"), "--rounds", "20", "--consoles", "2", "--json"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=120)
    tally = json.loads(done.stdout)
    assert tally["kills"] == 40
    assert tally["acknowledged"] > 0
    assert (tally["lost"], tally["unreadable"], tally["problems"]) == (0, 0, 0)


def test_every_possible_cut_of_the_last_line_leaves_the_rest(case: Path) -> None:
    file = recorded(case)
    data = file.read_bytes()
    begin = data.rindex(b"\n", 0, -1) + 1
    for cut in range(begin, len(data)):
        file.write_bytes(data[:cut])
        database, storage = CaseDB.open(case, about={}, readonly=True)
        assert [record.get("text") for record in storage.ordered.copy("case")] == ["note 0", "note 1", "note 2"]
        assert storage.problems == ()
        database.close()
        found = verify(case)
        assert (found.records, found.problems) == (4, ())
        assert len(found.notes) == 1 + (cut > begin)  # not closed, and the unfinished line


@pytest.mark.parametrize("tail", [b"\0" * 4096, b'{"entry":{"a":1', b"\xff\xfe garbage", b"\n"[:0]])
def test_after_a_torn_line_recording_goes_on_in_a_new_file(case: Path, tail: bytes) -> None:
    file = recorded(case)
    with file.open("ab") as end:
        end.write(tail)
    with opened(case) as journal:
        assert journal.problems == ()
        journal.record("case", {"kind": "note", "text": "goes on"})
        assert texts(journal) == ["note 0", "note 1", "note 2", "goes on"]
    assert file.read_bytes().endswith(tail)  # what a crash left stays as it is
    assert verify(case).problems == ()
    assert bool(tail) == any("unfinished line" in note for note in verify(case).notes)


def test_a_hole_in_the_middle_is_told_and_the_rest_is_shown(case: Path) -> None:
    file = recorded(case, 6)
    data = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*data[:3], b"\0" * len(data[3]), b"\n", *data[4:]]))
    with opened(case) as journal:
        assert texts(journal) == ["note 0", "note 1", "note 3", "note 4", "note 5"]
        assert any("no record" in problem for problem in journal.problems)
        assert any("does not follow" in problem for problem in journal.problems)


def test_a_session_that_was_killed_is_noted_and_not_a_problem(case: Path) -> None:
    journal = opened(case)
    journal.record("case", {"kind": "note"})
    found = verify(case)
    assert found.problems == ()
    assert any("not closed" in note for note in found.notes)
    journal.close()


def test_an_empty_session_file_is_noted(case: Path) -> None:
    recorded(case)
    (case / "20261124T034951.789341Z-46d868cb.jsonl").touch()
    with opened(case) as journal:
        assert journal.problems == ()
        assert len(journal.heads) == 2
    found = verify(case)
    assert found.problems == ()
    assert any("no record" in note for note in found.notes)


# -- the disk -------------------------------------------------------------------------------------


def of_log(fd: int) -> bool:
    return os.readlink(f"/proc/self/fd/{fd}").endswith(".jsonl")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], bool]]:
    """Lets writes to the log fail: `full` after half of the bytes, `broken` at the sync."""
    rules: dict[str, Callable[[], bool]] = {"full": lambda: False, "broken": lambda: False}
    real_write, real_sync = os.write, os.fdatasync

    def write(fd: int, data: bytes) -> int:
        if len(data) > 1 and of_log(fd) and rules["full"]():
            real_write(fd, bytes(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(fd, data)

    def fdatasync(fd: int) -> None:
        if of_log(fd) and rules["broken"]():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real_sync(fd)

    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(os, "fdatasync", fdatasync)
    return rules


def test_each_record_and_each_batch_waits_for_the_disk_once(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    real_write, real_sync = os.write, os.fdatasync

    def write(fd: int, data: bytes) -> int:
        if of_log(fd):
            done.append("write")
        return real_write(fd, data)

    def fdatasync(fd: int) -> None:
        real_sync(fd)
        if of_log(fd):
            done.append("sync")

    with opened(case) as journal:
        monkeypatch.setattr(os, "write", write)
        monkeypatch.setattr(os, "fdatasync", fdatasync)
        journal.record("case", {"kind": "note"})
        assert done == ["write", "sync"]
        journal.record_many("trail", [{"kind": "event"}] * 400)
        assert done == ["write", "sync"] * 2


def test_on_a_full_disk_the_reserve_takes_the_next_records(case: Path, disk: dict[str, Any]) -> None:
    with opened(case) as journal:
        reserve = case / "reserve"
        assert reserve.stat().st_size == 1 << 20
        disk["full"] = reserve.exists
        journal.record("case", {"kind": "note", "text": "last words"})
        assert texts(journal) == ["last words"]
        assert not reserve.exists()
        assert any("disk is full" in problem for problem in journal.problems)
        agree_records(case, journal)


def agree_records(case: Path, journal: Journal) -> None:
    assert verify(case).problems == ()
    assert verify(case).records == len(journal.records())


def test_without_room_a_record_is_refused_and_neither_shown_nor_kept(case: Path, disk: dict[str, Any]) -> None:
    with opened(case) as journal:
        journal.record("case", {"kind": "note", "text": "before"})
        disk["full"] = lambda: True
        for _ in range(5):
            with pytest.raises(WriteFailed, match="No space"):
                journal.record_many("case", [{"kind": "note", "text": "refused"}] * 3)
        assert texts(journal) == ["before"]
        assert journal.problems[0].startswith("NOT RECORDING")
        agree_records(case, journal)
        disk["full"] = lambda: False
        journal.record("case", {"kind": "note", "text": "after"})
        assert not any("NOT RECORDING" in problem for problem in journal.problems)
        assert texts(journal) == ["before", "after"]
    assert len(list(case.glob("*.jsonl"))) == 1
    agree_records(case, journal)


def test_the_reserve_is_set_aside_again_when_there_is_room(case: Path) -> None:
    with Journal.open(case, about={}, poll_seconds=0.02):
        (case / "reserve").unlink()
        deadline = time.monotonic() + 5
        while not (case / "reserve").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert (case / "reserve").stat().st_size == 1 << 20


def test_a_case_opens_and_shows_its_records_on_a_full_disk(case: Path, disk: dict[str, Any]) -> None:
    recorded(case)
    (case / "reserve").unlink()
    disk["full"] = lambda: True
    with opened(case) as journal:
        (case / "reserve").unlink(missing_ok=True)
        assert texts(journal) == ["note 0", "note 1", "note 2"]
        with pytest.raises(WriteFailed):
            journal.record("case", {"kind": "note", "text": "refused"})
        assert journal.problems[0].startswith("NOT RECORDING")
        disk["full"] = lambda: False
        journal.record("case", {"kind": "note", "text": "room again"})
        assert texts(journal)[-1] == "room again"
    assert len(list(case.glob("*.jsonl"))) == 2  # the files that could not be begun are gone
    assert verify(case).problems == ()


def test_a_file_at_the_limit_of_its_size_is_left_for_a_new_one_and_none_is_lost(case: Path) -> None:
    child = python(
        """
        import resource, sys
        from pathlib import Path
        from s3ir_tui.journal import Journal
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        with Journal.open(Path(sys.argv[1]), about={}, poll_seconds=0) as journal:
            for number in range(120):
                journal.record("case", {"kind": "note", "text": f"{number:03} " + "x" * 700})
            print(len(journal.records("case")))
        """,
        case,
    )
    out, _ = child.communicate(timeout=60)
    assert int(out) == 120
    with opened(case, readonly=True) as journal:
        assert [text[:3] for text in texts(journal)] == [f"{number:03}" for number in range(120)]
        agree(case, journal)
    assert len(list(case.glob("*.jsonl"))) > 2
    assert verify(case).problems == ()


def test_a_failed_sync_gives_the_file_up_and_the_record_goes_to_a_new_one(case: Path, disk: dict[str, Any]) -> None:
    with opened(case) as journal:
        session = journal.session
        failures = iter([True])
        disk["broken"] = lambda: next(failures, False)
        ref = journal.record("case", {"kind": "note", "text": "kept"})
        assert not ref.startswith(session)
        assert journal.session == ref.split(":")[0]
        assert texts(journal) == ["kept"]
        assert any("given up: Input/output error" in problem for problem in journal.problems)
        assert journal.records("_session")[-1]["why"] == "Input/output error"
    agree_records(case, journal)


def test_a_disk_that_is_broken_acknowledges_nothing(case: Path, disk: dict[str, Any]) -> None:
    with opened(case) as journal:
        disk["broken"] = lambda: True
        with pytest.raises(WriteFailed):
            journal.record("case", {"kind": "note", "text": "lost"})
        assert texts(journal) == []
        assert journal.problems[0].startswith("NOT RECORDING")


# -- somebody else's hands ------------------------------------------------------------------------


def removed(file: Path) -> None:
    file.unlink()


def replaced(file: Path) -> None:
    draft = file.with_suffix(".draft")  # as an editor saves
    draft.write_bytes(file.read_bytes())
    draft.replace(file)


def shortened(file: Path) -> None:
    os.truncate(file, 300)


def lengthened(file: Path) -> None:
    with file.open("ab") as end:
        end.write(b"not ours\n")


@pytest.mark.parametrize("deed", [removed, replaced, shortened, lengthened])
def test_a_file_that_somebody_touches_is_left_for_a_new_one_that_says_why(
    case: Path, deed: Callable[[Path], None]
) -> None:
    with opened(case) as journal:
        first = journal.record("case", {"kind": "note", "text": "before"})
        deed(next(case.glob("*.jsonl")))
        second = journal.record("case", {"kind": "note", "text": "after"})
        assert first.split(":")[0] != second.split(":")[0]
        assert texts(journal) == ["before", "after"]
        assert any("given up" in problem for problem in journal.problems)
        assert journal.records("_session")[-1]["why"]
        assert journal.head.startswith(second)
    assert (deed is replaced) or verify(case).problems


def test_a_file_that_is_removed_is_told_before_the_next_record(case: Path) -> None:
    with Journal.open(case, about={}, poll_seconds=0.02) as journal:
        next(case.glob("*.jsonl")).unlink()
        deadline = time.monotonic() + 5
        while not journal.problems and time.monotonic() < deadline:
            time.sleep(0.02)
        assert any("removed while it was open" in problem for problem in journal.problems)


@pytest.mark.parametrize("deed", [removed, replaced, shortened])
def test_what_is_done_to_the_file_of_another_console_is_told(case: Path, deed: Callable[[Path], None]) -> None:
    file = recorded(case)
    with opened(case) as journal:
        deed(file)
        journal.refresh()
        assert any(file.name in problem for problem in journal.problems)
        assert texts(journal) == ["note 0", "note 1", "note 2"]


def test_a_console_that_is_stopped_keeps_nobody_waiting(case: Path) -> None:
    peer = python(
        """
        import sys
        from pathlib import Path
        from s3ir_tui.journal import Journal
        journal = Journal.open(Path(sys.argv[1]), about={})
        while True:
            journal.record_many("case", [{"kind": "note", "text": "peer"}] * 50)
            print("x", flush=True)
        """,
        case,
    )
    assert peer.stdout is not None
    try:
        peer.stdout.readline()
        with opened(case) as journal:
            worst = 0.0
            for _ in range(10):
                peer.send_signal(signal.SIGSTOP)
                for _ in range(5):
                    begun = time.monotonic()
                    journal.record("case", {"kind": "note", "text": "mine"})
                    worst = max(worst, time.monotonic() - begun)
                journal.refresh()
                peer.send_signal(signal.SIGCONT)
                peer.stdout.readline()
            assert texts(journal).count("mine") == 50
            assert journal.consoles == 2
            assert worst < 1.0
    finally:
        peer.kill()
        peer.wait()
        peer.stdout.close()
    with opened(case, readonly=True) as journal:
        agree(case, journal)
    assert verify(case).problems == ()


def test_every_flipped_bit_is_noticed(case: Path) -> None:
    file = recorded(case, 8)
    data = file.read_bytes()
    chance = random.Random(7)
    for _ in range(300):
        at, bit = chance.choice((chance.randrange(len(data)), len(data) - 1)), chance.randrange(8)
        changed = bytearray(data)
        changed[at] ^= 1 << bit
        file.write_bytes(changed)
        database, storage = CaseDB.open(case, about={}, readonly=True)
        assert storage.problems, f"bit {bit} of byte {at}"
        assert verify(case).problems, f"bit {bit} of byte {at}"
        database.close()


def test_lines_taken_out_swapped_or_put_in_again_are_noticed(case: Path) -> None:
    file = recorded(case, 5)
    lines = file.read_bytes().splitlines(keepends=True)
    for forged in (
        [*lines[:2], *lines[3:]],
        [lines[0], lines[2], lines[1], *lines[3:]],
        [*lines[:3], lines[2], *lines[3:]],
        lines[1:],
    ):
        file.write_bytes(b"".join(forged))
        with opened(case, readonly=True) as journal:
            assert journal.problems
            agree(case, journal)


def test_a_cut_end_is_noticed_by_another_session_and_by_an_anchor(case: Path) -> None:
    file = recorded(case, 5)
    with opened(case) as other:
        head = next(f"{name}:{seq}:{digest}" for name, (seq, digest) in other.heads.items() if name == file.name)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-3]))
    with opened(case, readonly=True) as journal:
        assert any("ends at record" in problem for problem in journal.problems)
        agree(case, journal)
    for each in case.glob("*.jsonl"):
        if each != file:
            each.unlink()
    assert verify(case).problems == ()  # nobody is left who knows
    assert any("the anchor" in problem for problem in verify(case, [head]).problems)


def entry(**changes: object) -> dict[str, object]:
    """A record that could stand at the beginning of a file of session 46d868cb."""
    return {
        "kind": "note",
        "prev": ZERO,
        "seq": 0,
        "session": "46d868cb",
        "table": "case",
        "ts": "2026-11-24T03:49:51.789341Z",
    } | changes


HOSTILE = {
    "not JSON": line(None, body=b"{nonsense}"),
    "two values": line(None, body=b"1,2"),
    "a list": line([1, 2]),
    "a number": line(7),
    "null": line(None),
    "nested 100,000 deep": line(None, body=b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a number of many digits": line(None, body=b'{"a":' + b"9" * 10_000 + b"}"),
    "NaN": line(None, body=json.dumps(entry(a=1)).replace('"a": 1', '"a": NaN').encode()),
    "not UTF-8": line(None, body=b'{"a":"\xff"}'),
    "no sequence": line({key: value for key, value in entry().items() if key != "seq"}),
    "a huge sequence": line(entry(seq=10**15)),
    "a sequence ahead": line(entry(seq=10**9)),
    "a negative sequence": line(entry(seq=-1)),
    "true as sequence": line(entry(seq=True)),
    "text as sequence": line(entry(seq="0")),
    "a wrong link": line(entry(prev="f" * 64)),
    "a link that is no text": line(entry(prev=None)),
    "another session": line(entry(session="deadbeef")),
    "a list as session": line(entry(session=[])),
    "a table that is no text": line(entry(table={"a": 1})),
    "no time": line(entry(ts="yesterday")),
    "an impossible time": line(entry(ts="2026-13-41T03:49:51.789341Z")),
    "parents elsewhere": line(entry(parents={"../../etc/passwd": [1, "00"], "x": [0, "ff"]})),
    "the wrong hash": line(entry()).replace(b'"hash":"', b'"hash":"0')[:-4] + b'"}\n',
    "a line of two megabytes": b"x" * (2 << 20) + b"\n",
    "an empty line": b"\n",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("place", ["alone", "before", "after"])
def test_hostile_lines_with_right_hashes_are_told_and_stop_nothing(case: Path, name: str, place: str) -> None:
    good = recorded(case)
    if place == "alone":
        (case / "20261124T034951.789341Z-46d868cb.jsonl").write_bytes(HOSTILE[name])
    else:
        data = good.read_bytes()
        good.write_bytes(HOSTILE[name] + data if place == "before" else data + HOSTILE[name])
    with opened(case) as journal:
        assert [text for text in texts(journal) if text != "None"] == ["note 0", "note 1", "note 2"]
        assert journal.problems
        journal.record("case", {"kind": "note", "text": "goes on"})
        assert "goes on" in texts(journal)
        for record in journal.records():
            assert record.ref
            assert dict(record)["ts"] == record.ts
        agree(case, journal)


@pytest.mark.parametrize("field", ["parents", "seen", "stored"])
@pytest.mark.parametrize(
    "value", [7, [1], {"a": 1}, {"a": [1]}, {"a": [1, 2]}, {"a": ["x", "y"]}, {"text": {"sha256": "../../etc/passwd"}}]
)
def test_hostile_links_and_attachments_stop_nothing(case: Path, field: str, value: object) -> None:
    recorded(case)
    (case / "20261124T034951.789341Z-46d868cb.jsonl").write_bytes(line(entry(**{field: value})))
    with opened(case) as journal:
        assert "note 2" in texts(journal)
        for record in journal.records():
            assert dict(record)
    assert verify(case).records == 8


def test_a_forged_file_cannot_take_the_place_of_another_session(case: Path) -> None:
    good = recorded(case)
    session = good.stem[-8:]
    forged = line(entry(session=session, seq=1, text="forged"))
    (case / "20200101T000000.000000Z-46d868cb.jsonl").write_bytes(forged)
    with opened(case) as journal:
        by_ref = {record.ref: record for record in journal.records()}
        assert by_ref[f"{session}:1"]["text"] == "note 0"
        assert by_ref["46d868cb:1"]["text"] == "forged"
        assert by_ref["46d868cb:1"].session == "46d868cb"


def test_a_second_record_of_a_number_does_not_replace_the_first(case: Path) -> None:
    good = recorded(case)
    session = good.stem[-8:]
    with good.open("ab") as end:
        end.write(line(entry(session=session, seq=1, text="forged")))
    with opened(case) as journal:
        by_ref = {record.ref: record.get("text") for record in journal.records()}
        assert by_ref[f"{session}:1"] == "note 0"
        assert [text for ref, text in by_ref.items() if ref.startswith(f"{session}:1@")] == ["forged"]


def test_links_and_pipes_in_the_folder_are_told_and_not_followed(case: Path, tmp_path: Path) -> None:
    recorded(case)
    outside = tmp_path / "outside.jsonl"
    outside.write_bytes(line(entry(text="outside")))
    (case / "20261124T034951.789341Z-46d868cb.jsonl").symlink_to(outside)
    os.mkfifo(case / "20261124T034951.789341Z-46d868cc.jsonl")
    (case / "20261124T034951.789341Z-46d868cd.jsonl").mkdir()
    with opened(case) as journal:
        assert texts(journal) == ["note 0", "note 1", "note 2"]
        assert len(journal.problems) == 3
    assert len(verify(case).problems) == 3


@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link", "pipe", "folder"])
def test_what_stands_in_place_of_the_reserve_is_never_written_to_nor_waited_for(
    case: Path, tmp_path: Path, kind: str
) -> None:
    case.mkdir()
    precious, reserve = tmp_path / "authorized_keys", case / "reserve"
    precious.write_text("ssh-ed25519 AAAA")
    if kind == "pipe":
        os.mkfifo(reserve)
    elif kind == "folder":
        reserve.mkdir()
    elif kind == "hard link":
        os.link(precious, reserve)
    else:
        reserve.symlink_to(precious if kind == "link" else tmp_path / "new")
    with opened(case) as journal:
        journal.record("case", {"kind": "note", "text": "goes on"})
        assert any("reserve" in problem for problem in journal.problems) == (kind != "hard link")
    assert precious.read_text() == "ssh-ed25519 AAAA"
    assert not (tmp_path / "new").exists()


def test_the_reserve_is_for_its_owner_alone(case: Path) -> None:
    with opened(case):
        assert (case / "reserve").stat().st_mode & 0o777 == 0o600


def test_a_folder_of_attachments_that_leads_elsewhere_is_neither_written_nor_read(case: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    case.mkdir()
    (case / "attachments").symlink_to(elsewhere)
    with opened(case) as journal, pytest.raises(WriteFailed):
        journal.record("case", {"kind": "note", "text": "x" * 300_000})
    assert not list(elsewhere.iterdir())


def test_a_copy_of_a_session_file_under_another_name_is_told_and_takes_no_place(case: Path) -> None:
    good = recorded(case)
    (case / f"20270101T000000.000000Z-{good.stem[-8:]}.jsonl").write_bytes(good.read_bytes())
    with opened(case, readonly=True) as journal:
        refs = [record.ref for record in journal.records()]
        assert len(set(refs)) == len(refs)
        assert any("one of them is a copy" in problem for problem in journal.problems)
    assert any("one of them is a copy" in problem for problem in verify(case).problems)


def test_an_attachment_that_is_a_link_is_not_followed(case: Path, tmp_path: Path) -> None:
    with opened(case) as journal:
        journal.record("case", {"kind": "note", "text": "x" * 300_000})
        (file,) = (case / "attachments").iterdir()
        elsewhere = tmp_path / "elsewhere"
        file.rename(elsewhere)
        file.symlink_to(elsewhere)
        assert isinstance(journal.records("case")[0]["text"], dict)
    assert verify(case).problems


def test_many_problems_are_counted_and_do_not_fill_the_memory(case: Path) -> None:
    file = recorded(case)
    with file.open("ab") as end:
        end.write(b"".join(b"garbage %d\n" % number for number in range(5000)))
    with opened(case) as journal:
        assert len(journal.problems) == 101
        assert "and more" in journal.problems[-1]


def test_storage_refuses_what_tinydb_would_rewrite(case: Path) -> None:
    database, storage = CaseDB.open(case, about={})
    assert isinstance(storage, CaseStorage)
    with pytest.raises(Exception, match="append-only"):
        storage.write({"case": {}})
    database.close()
