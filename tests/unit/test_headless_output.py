"""What headless commands print, and when they ask for an MFA code."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actions.plan import Call, Danger, Plan, Read, Step
from s3ir_tui.headless.output import print_json, table, tell
from s3ir_tui.headless.plan_text import plan_lines
from s3ir_tui.headless.session import needs_code
from s3ir_tui.settings import Settings

HOSTILE = "key\x1b]52;c;ZXZpbA==\x07\x9b2J\u202etxt.exe\x7f\n"


def is_safe(text: str) -> bool:
    return all(character == "\n" or character.isprintable() for character in text)


def test_json_holds_strings_whole_and_sends_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"key": HOSTILE})
    out = capsys.readouterr().out
    assert is_safe(out)
    assert out.isascii()
    assert json.loads(out) == {"key": HOSTILE}


def test_table_shows_control_characters_and_keeps_its_columns() -> None:
    lines = table(("key", "count"), [(HOSTILE, 1), ("plain", 22)])
    assert all(is_safe(line) for line in lines)
    assert {line.rstrip().rfind(" ") for line in lines} == {lines[0].rfind(" ")}


def test_table_cuts_the_widest_columns_in_the_middle_to_fit() -> None:
    rows = [("arn:aws:iam::111122223333:user/svc-export", "critical", "AKIA" + "X" * 16)]
    lines = table(("principal", "severity", "key"), rows, columns=50)
    assert all(len(line) <= 50 for line in lines)
    assert "critical" in lines[1]
    assert "…" in lines[1]
    assert table(("principal", "severity", "key"), rows)[1].split() == list(rows[0])


def test_terminal_that_went_away_does_not_stop_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.EIO, f"no terminal for {len(text)} characters")

    monkeypatch.setattr(sys, "stderr", Gone())
    with pytest.raises(OSError, match="no terminal"):
        sys.stderr.write("x")
    tell("1/4 iam:UpdateAccessKey AKIA1: done")


def test_table_without_rows_is_empty() -> None:
    assert table(("key",), []) == []


def _plan(**changes: Any) -> Plan:
    read = Read(Call("iam", "ListAccessKeys", {"UserName": "svc"}), "AccessKeyMetadata[0].Status")
    call = Call("iam", "UpdateAccessKey", {"AccessKeyId": "AKIA1", "Status": "Inactive"})
    step = Step(call, "AKIA1", "Active -> Inactive", read, before={"Status": "Active"}, after={"Status": "Inactive"})
    given: dict[str, Any] = {
        "action": "contain.disable-access-key",
        "title": "Disable AKIA1",
        "targets": {"access-key": ("AKIA1",)},
        "steps": (step,),
        "danger": Danger.REVERSIBLE,
        "warnings": ("sessions live on",),
        "breaks": (f"an object named {HOSTILE}",),
        "checked": ("the caller is not cut",),
    }
    return Plan(**given | changes)


def test_plan_is_told_with_its_difference_warnings_and_checks() -> None:
    lines = plan_lines(_plan())
    text = "\n".join(lines)
    assert is_safe(text)
    assert "1 iam:UpdateAccessKey  AKIA1  Active -> Inactive" in lines
    assert any(line.strip() == '-  "Status": "Active"' for line in lines)
    assert any(line.strip() == '+  "Status": "Inactive"' for line in lines)
    for told in ("sessions live on", "an object named", "the caller is not cut", "Nothing was changed"):
        assert told in text
    assert "--reason TEXT to carry it out (--no-ticket" in text
    assert "--no-ticket" not in "\n".join(plan_lines(_plan(danger=Danger.IRREVERSIBLE)))


def test_what_is_sent_is_told_with_all_its_parameters() -> None:
    lines = [line.strip() for line in plan_lines(_plan())]
    assert "sends AccessKeyId = AKIA1" in lines
    assert "sends Status = Inactive" in lines


def test_a_policy_that_is_sent_and_is_not_the_one_shown_is_told_in_full() -> None:
    allow = '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    step = replace(_plan().steps[0], call=Call("iam", "PutUserPolicy", {"PolicyDocument": allow}))
    assert any(allow in line for line in plan_lines(_plan(steps=(step,))))
    shown = replace(step, after=json.loads(allow))
    assert not any(allow in line for line in plan_lines(_plan(steps=(shown,))))


@pytest.mark.parametrize(
    ("settings", "needed"),
    [
        (Settings(mfa_serial="arn:aws:iam::111122223333:mfa/alice"), True),
        (Settings(profile="ir"), True),
        (Settings(profile="chained"), True),
        (Settings(profile="plain"), False),
        (Settings(profile="loop"), False),
        (Settings(profile="none"), False),
        (Settings(), False),
    ],
)
def test_mfa_code_is_asked_for_where_the_profile_or_one_behind_it_needs_one(
    tmp_path: Path, settings: Settings, needed: bool
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[default]\nregion = us-east-1\ns3 =\n  max_concurrent_requests = 20\n"
        "[profile ir]\nrole_arn = arn:aws:iam::111122223333:role/IR\nsource_profile = plain\nmfa_serial = alice\n"
        "[profile chained]\nrole_arn = arn:aws:iam::111122223333:role/Deep\nsource_profile = ir\n"
        "[profile plain]\nregion = us-east-1\n"
        "[profile loop]\nsource_profile = loop\n"
    )
    assert needs_code(settings, {"AWS_CONFIG_FILE": str(config)}) is needed


def test_profile_of_the_environment_counts_and_a_broken_file_does_not(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile ir]\nrole_arn = a\nmfa_serial = b\n")
    assert needs_code(Settings(), {"AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "ir"})
    config.write_text("no section\n")
    assert not needs_code(Settings(), {"AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "ir"})


def test_one_long_cell_does_not_pad_the_other_lines() -> None:
    lines = table(["key", "n"], [["k" * 30_000, 1], ["short", 2]])
    assert lines[1] == f"{'k' * 30_000}  1"
    assert len(lines[2]) < 200


def test_a_terminal_that_knows_ascii_only_gets_escapes(tmp_path: Path) -> None:
    events = Path(__file__).parents[1] / "data" / "otrf-cloud-breach-s3"
    command = [sys.executable, "-m", "s3ir_tui", "trail", str(events)]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(command, capture_output=True, env=env, timeout=60, check=False)
    assert ended.returncode == 0
    assert ended.stdout.isascii()
