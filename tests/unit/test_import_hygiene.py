"""What a command imports, seen from outside: asking for help and reading a case must stay light and need no AWS."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from s3ir_tui.journal import Journal

_COMMAND = """
import json, sys
from s3ir_tui.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
json.dump(sorted(sys.modules), sys.stderr)
"""

# The whole of `review` but the terminal: Textual's own headless driver paints, and a point of time is sought.
_REVIEW = """
import asyncio, json, sys
from pathlib import Path
import s3ir_tui.console
from s3ir_tui.app import WarRoomApp
from s3ir_tui.review import ReviewRoom

async def look():
    room = ReviewRoom(Path(sys.argv[1]))
    async with WarRoomApp(room, None, room).run_test(size=(80, 24)) as pilot:
        for _ in range(100):
            await pilot.pause(0.05)
            if room.points:
                break
        assert room.points, "the case was not read"
        room.seek(0)
        await pilot.pause(0.1)

asyncio.run(look())
json.dump(sorted(sys.modules), sys.stderr)
"""


def modules(program: str, *arguments: object) -> set[str]:
    """What is in memory after a program has run."""
    ended = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return set(json.loads(ended.stderr.splitlines()[-1]))


def loaded(program: str, *arguments: object) -> set[str]:
    """The top-level packages in memory after a program has run."""
    return {name.partition(".")[0] for name in modules(program, *arguments)}


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "IR-42"
    with Journal.open(folder, about={}) as journal:
        journal.record("case", {"kind": "note", "text": "reported by the help desk"})
    return folder


@pytest.mark.parametrize(
    "words",
    [("--help",), ("gameday", "--help"), ("gameday", "serve", "--help"), ("act", "--help"), ("review", "--help")],
)
def test_help_imports_neither_boto3_nor_textual(words: tuple[str, ...]) -> None:
    assert not loaded(_COMMAND, *words) & {"boto3", "botocore", "textual", "moto", "tinydb", "rich"}


def test_a_command_is_made_without_the_others() -> None:
    families = {name for name in modules(_COMMAND, "replay", "--help") if name.startswith("s3ir_tui.commands.")}
    assert families == {"s3ir_tui.commands.console"}


def test_options_are_read_without_boto3_textual_and_pydantic() -> None:
    assert not loaded(_COMMAND, "locate", "--cases", "there") & {"boto3", "botocore", "textual", "pydantic"}


def test_verify_and_report_import_neither_boto3_nor_textual(case: Path) -> None:
    assert not loaded(_COMMAND, "verify", case) & {"boto3", "botocore", "textual"}
    assert not loaded(_COMMAND, "report", case) & {"boto3", "botocore", "textual"}


def test_list_of_actions_needs_neither_aws_nor_textual() -> None:
    assert not loaded(_COMMAND, "act", "--list") & {"boto3", "botocore", "textual"}


def test_review_runs_without_boto3(case: Path) -> None:
    packages = loaded(_REVIEW, case)
    assert "textual" in packages
    assert not packages & {"boto3", "botocore", "moto"}
