"""`s3ir-tui ask` on files."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s3ir_tui.cli import main
from s3ir_tui.questions.catalog import question
from s3ir_tui.questions.seen import SeenHistory
from s3ir_tui.trail.sources.files import iter_events

RECORDING = Path(__file__).parents[1] / "data" / "otrf-cloud-breach-s3"
BUCKET = "mordors3stack-s3bucket-llp2yingx64a"
THIEF_KEY = "ASIA5FLZVX4OPVKKVBMX"

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["ask", *words])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def test_without_a_question_all_are_listed_with_what_they_take(ask: Ask) -> None:
    code, out, _ = ask()
    assert code == 0
    assert "who-touched-key" in out
    assert "key, [bucket]" in out
    told = json.loads(ask("--output", "json")[1])
    assert told[0]["id"] == "who-touched-key"
    assert all(item["sql"].startswith("SELECT") for item in told)


def test_an_answer_as_table_json_and_csv(ask: Ask) -> None:
    words = ("who-touched-key", "--with", "key=ring.txt", "--files", str(RECORDING))
    code, out, err = ask(*words)
    assert (code, "203" in out, THIEF_KEY in out) == (0, False, True)
    assert "1 row, local files" in err
    told = json.loads(ask(*words, "--output", "json")[1])
    assert [(row["access_key"], row["bytes_out"]) for row in told["rows"]] == [(THIEF_KEY, 178)]
    assert told["notes"]
    lines = ask(*words, "--output", "csv")[1].splitlines()
    assert lines[0].startswith("principal,access_key,address,name,succeeded,failed")
    assert len(lines) == 2


def test_a_window_bounds_what_is_asked(ask: Ask) -> None:
    words = ("credential", "--with", f"actor={THIEF_KEY}", "--files", str(RECORDING), "--output", "json")
    whole = json.loads(ask(*words)[1])["rows"]
    part = json.loads(ask(*words, "--from", "2020-09-14T01:00:00Z", "--to", "2020-09-14T01:01:00Z")[1])["rows"]
    assert sum(row["succeeded"] for row in whole) == 11
    assert 0 < sum(row["succeeded"] for row in part) < 11


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("who-touched",), "did you mean"),
        (("who-touched-key", "--files", str(RECORDING)), "needs key"),
        (("who-touched-key", "--with", "key", "--files", str(RECORDING)), "NAME=VALUE"),
        (("refused", "--with", "bucket=a", "--with", "bucket=b", "--files", str(RECORDING)), "given twice"),
        (("refused",), "either files"),
        (("refused", "--athena", "--files", str(RECORDING)), "either files"),
        (("refused", "--files", "/nowhere"), "no such file"),
        (("refused", "--files", str(RECORDING), "--from", "soon"), "is no time"),
        (("refused", "--files", str(RECORDING), "--output", "xml"), "table, json or csv"),
        (("refused", "--athena", "--table", "a.b.c"), "no name of a table"),
        (("--create-table", "--yes"), "needs --case"),
    ],
)
def test_what_cannot_be_asked_so_is_said(ask: Ask, words: tuple[str, ...], why: str) -> None:
    code, out, err = ask(*words)
    assert (code, out) == (2, "")
    assert why in err


def test_what_was_read_is_kept_for_the_next_question_and_never_in_the_case(
    ask: Ask, tmp_path: Path, cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "trail"
    folder.mkdir()
    for file in RECORDING.glob("*.json"):
        (folder / file.name).write_bytes(file.read_bytes())
    kept = tmp_path / "kept.sqlite"
    words = ("other-buckets", "--with", f"actor={THIEF_KEY}", "--files", str(folder), "--output", "json")
    first = json.loads(ask(*words, "--store", str(kept))[1])["rows"]
    assert [row["bucket"] for row in first] == [BUCKET]
    for file in folder.glob("*.json"):
        file.unlink()
    assert json.loads(ask(*words, "--store", str(kept))[1])["rows"] == first
    assert json.loads(ask(*words)[1])["rows"] == []
    ask(*words, "--case", "IR-7")
    assert not (cases / "IR-7").exists()
    (kept,) = (tmp_path / "cache" / "s3ir-tui" / "questions").iterdir()
    assert kept.name.startswith("IR-7-")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_files_of_which_nothing_can_be_read_are_a_problem(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("nonsense")
    code, out, err = ask("refused", "--files", str(tmp_path))
    assert code == 1
    assert "none" in out
    assert "not read" in err
    (tmp_path / "text.sqlite").write_text("no store " * 200)
    code, _, err = ask("refused", "--files", str(RECORDING), "--store", str(tmp_path / "text.sqlite"))
    assert (code, "name another file" in err) == (1, True)


def test_hostile_values_reach_no_terminal(ask: Ask, tmp_path: Path) -> None:
    record: dict[str, Any] = {
        "eventName": "GetObject",
        "eventSource": "s3.amazonaws.com",
        "eventTime": "2026-03-06T03:00:00Z",
        "eventID": "1",
        "userAgent": "\x1b]52;c;x\x07=cmd()",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/\x1b[2J", "accessKeyId": "AKIA1"},
        "requestParameters": {"bucketName": "b", "key": "k"},
    }
    (tmp_path / "t.json").write_text(json.dumps({"Records": [record]}))
    for form in ("table", "json", "csv"):
        _, out, err = ask("addresses", "--with", "actor=AKIA1", "--files", str(tmp_path), "--output", form)
        assert "\x1b" not in out + err
        assert "=cmd()" in out


def test_ctrl_c_ends_the_reading_with_its_code(tmp_path: Path) -> None:
    pipe = tmp_path / "slow.json"
    os.mkfifo(pipe)
    code = "import sys; from s3ir_tui.cli import main; main(sys.argv[1:])"
    words = ["ask", "refused", "--files", str(RECORDING), "--files", str(pipe), "--files", str(RECORDING)]
    process = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True)
    writer = os.open(pipe, os.O_WRONLY)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    os.close(writer)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "taken back" in err


def test_what_a_console_has_seen_lies_in_no_file_that_a_killed_process_leaves_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = SeenHistory(tmp_path / "answers")
    events = [event for batch, _ in iter_events([RECORDING]) for event in batch]
    seen.add(events, len(events))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    answer = seen.ask(question("other-buckets"), {"actor": THIEF_KEY}, threading.Event())
    assert [row[0] for row in answer.rows] == [BUCKET]
