"""A folder from outside may hold pipes and links to devices: nothing waits for them or writes through them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from s3ir_tui.journal import Journal
from s3ir_tui.plain_file import open_plain, replace_plain
from tests.unit.trail_world import record


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "a.json"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    else:
        file.mkdir()
    with pytest.raises(OSError, match=r"not a plain file|directory"):
        open_plain(file)


def test_a_link_to_a_plain_file_is_read_and_replaced_when_it_is_written(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"as it was")
    link.symlink_to(target)
    with open_plain(link) as stream:
        assert stream.read() == b"as it was"
    replace_plain(link, b"new")
    assert (target.read_bytes(), link.read_bytes(), link.is_symlink()) == (b"as it was", b"new", False)
    assert link.stat().st_mode & 0o777 == 0o600


def test_a_folder_of_cloudtrail_is_read_past_a_pipe_and_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    (tmp_path / "b.json").symlink_to("/dev/zero")
    (tmp_path / "c.json").write_text(json.dumps({"Records": [record("GetObject")]}))
    command = [sys.executable, "-m", "s3ir_tui", "trail", str(tmp_path), "--output", "json"]
    told = json.loads(subprocess.run(command, capture_output=True, timeout=60, check=False).stdout)
    assert told["events"] == 1
    reasons = [item["reason"] for item in told["skipped"]]
    assert [("not a plain file" in reason) for reason in reasons] == [True, True]


def test_a_report_to_a_dash_is_printed_and_makes_no_file(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "IR-1", about={}) as journal:
        journal.record("case", {"kind": "note", "text": "hello"})
    command = [sys.executable, "-m", "s3ir_tui", "report", str(tmp_path / "IR-1"), "-o", "-"]
    ended = subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=tmp_path, text=True)
    assert ended.stdout.startswith("# Incident report")
    assert not (tmp_path / "-").exists()
