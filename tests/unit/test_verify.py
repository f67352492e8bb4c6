"""The stand-alone verifier, run as it is shipped: a file of its own, isolated, without the console."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from s3ir_tui.journal import Journal, verify, verify_case
from s3ir_tui.report.handover import add_report, add_verifier


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "IR-42"
    for who in ("alice", "bob"):
        with Journal.open(folder, about={"actor": who}, poll_seconds=0) as journal:
            journal.record_many("case", [{"kind": "note", "text": f"{who} {number}"} for number in range(5)])
            journal.record("actions", {"kind": "plan", "plan": {"steps": ["x" * 300_000]}})
    return folder


def alone(case: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The shipped file, outside of the project, seeing the standard library only."""
    script = add_verifier(case)
    command = [sys.executable, "-I", "-S", str(script), str(case), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/")


def test_the_shipped_verifier_needs_the_standard_library_only() -> None:
    tree = ast.parse(Path(verify_case.__file__).read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_a_sound_case_is_called_sound(case: Path) -> None:
    done = alone(case)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("sound: 16 records in 2 sessions, 1 links and anchors, 1 attachments checked")
    assert done.stderr == ""


def test_the_shipped_verifier_finds_what_the_console_finds(case: Path) -> None:
    file = sorted(case.glob("*.jsonl"))[0]
    file.write_bytes(file.read_bytes().replace(b"alice 3", b"alice 8"))
    done = alone(case, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    expected = verify(case)
    assert found["problems"] == list(expected.problems)
    assert found["notes"] == list(expected.notes)
    assert found["heads"] == list(expected.heads)
    assert found["records"] == expected.records == 15
    assert any("no record" in problem for problem in found["problems"])


def test_heads_of_a_check_are_anchors_of_the_next(case: Path) -> None:
    heads = verify(case).heads
    assert alone(case, *heads).returncode == 0
    assert verify(case, heads).links_checked == 3
    file = sorted(case.glob("*.jsonl"))[-1]
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-2]))
    assert verify(case).problems == ()  # nobody else knows that it was longer
    done = alone(case, *heads)
    assert done.returncode == 1
    assert "the anchor knows its record 7" in done.stdout


def test_the_head_as_the_console_shows_it_is_an_anchor(tmp_path: Path) -> None:
    with Journal.open(tmp_path, about={}, poll_seconds=0) as journal:
        journal.record("case", {"kind": "note", "text": "one"})
        head = journal.head
    assert re.fullmatch(r"[0-9a-f]{8}:1 [0-9a-f]{8}", head)
    assert verify(tmp_path, [head]).problems == ()
    forged = head[:-1] + ("0" if head[-1] != "0" else "1")
    assert any("another hash" in problem for problem in verify(tmp_path, [forged]).problems)


def test_an_anchor_of_a_missing_session_is_a_problem(case: Path) -> None:
    found = verify(case, ["deadbeef:3 00112233"])
    assert found.problems == ("deadbeef is missing: the anchor knows its record 3",)


@pytest.mark.parametrize("anchor", ["nonsense", "46d868cb:17", "46d868cb:x 58bde580", "46d868cb:17 58bd", "--help"])
def test_an_anchor_that_is_none_is_wrong_usage(case: Path, anchor: str) -> None:
    with pytest.raises(ValueError, match="not an anchor"):
        verify(case, [anchor])
    done = alone(case, anchor)
    assert done.returncode == 2
    assert "not an anchor" in done.stderr


def test_wrong_usage_explains_itself(tmp_path: Path) -> None:
    script = str(shutil.copy(verify_case.__file__, tmp_path / "verify_case.py"))
    done = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "verify_case.py CASE_FOLDER" in done.stderr
    done = subprocess.run([sys.executable, "-I", script, "/nowhere"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "/nowhere" in done.stderr


def test_a_folder_without_a_session_is_not_sound(tmp_path: Path) -> None:
    (tmp_path / "timeline.jsonl").write_text("{}\n")
    found = verify(tmp_path)
    assert found.problems == ("there is no session in this folder",)
    assert any("timeline.jsonl" in note for note in found.notes)


def test_control_characters_in_names_do_not_reach_the_terminal(case: Path) -> None:
    (case / "\x1b[31mred.jsonl").write_text("{}\n")
    done = alone(case)
    assert "\x1b" not in done.stdout
    assert "\\x1b[31mred.jsonl" in done.stdout


def test_what_is_handed_over_is_beside_the_log_and_does_not_disturb_it(case: Path) -> None:
    report = add_report(case)
    assert add_verifier(case).parent == report.parent == case
    assert "# Incident report" in report.read_text("utf-8")
    assert alone(case).returncode == 0
