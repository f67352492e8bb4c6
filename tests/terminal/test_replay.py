"""A recording played in a real terminal: to its end, with the right suspect, without AWS, into a case or none."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from s3ir_tui.journal import Journal
from tests.terminal.harness import ROOT, Terminal
from tests.unit import trail_world as world

pytestmark = pytest.mark.slow

BREACH = ROOT / "tests" / "data" / "otrf-cloud-breach-s3"
ATTACKER = "assumed-role/MordorNginxStack-BankingWAFRole-9S3E0UAE1MM0/i-0317f6c6b66ae9c40"

# The command itself; on leaving it tells which part of AWS's SDK was in memory.
_PROGRAM = """
import sys
from s3ir_tui.cli import main
try:
    main(sys.argv[1:])
finally:
    print("SDK:", sorted({name.partition(".")[0] for name in sys.modules} & {"boto3", "botocore", "moto"}))
"""


def replay(*words: object, size: tuple[int, int] = (80, 24)) -> Terminal:
    """The console on the recording."""
    return Terminal((sys.executable, "-c", _PROGRAM, "replay", str(BREACH), *map(str, words)), size)


def _head(terminal: Terminal) -> str:
    return "\n".join(terminal.text().splitlines()[:2])


def _row(terminal: Terminal, *words: str) -> bool:
    return any(all(word in line for word in words) for line in terminal.text().splitlines())


@pytest.mark.parametrize("size", [(80, 24), (130, 40)])
def test_recording_plays_to_its_end_with_the_right_suspect_and_without_aws(size: tuple[int, int]) -> None:
    with replay("--speed", "max", size=size) as terminal:
        terminal.wait_for("REPLAY ENDED   01:13:20Z")
        for words in ("1234-5678-9123", "2020-09-14", "suspects 1", "lag 0s recording"):
            terminal.wait_until(lambda words=words: words in _head(terminal), f"no {words} at the top")
        terminal.wait_for("Next: contain role/MordorNginxStack-Bank")
        terminal.press("2")
        terminal.wait_until(lambda: _row(terminal, "ae9c40", "CRIT ● ACTIVE"), "no row of the attacker")
        terminal.wait_until(lambda: _row(terminal, "user/pedro", "info"), "no row of the console's user")
        terminal.press("a")
        terminal.wait_for("cannot change anything")
        terminal.press("q")
        assert terminal.ended() == 0
        assert "SDK: []" in " ".join(terminal.text().split())


def test_clock_is_that_of_the_recording_and_runs_at_its_speed() -> None:
    with replay("--speed", "10") as terminal:
        terminal.wait_for("REPLAY x10")
        terminal.wait_for("00:44:3")
        terminal.wait_until(lambda: "2020-09-14" in _head(terminal), "no day at the top")
        terminal.wait_for("suspects 0")


def test_a_long_pause_is_skipped_and_told(tmp_path: Path) -> None:
    records = [world.record("ListBuckets", when=world.at(minutes)) for minutes in (0, 60)]
    (tmp_path / "two.json").write_text(json.dumps({"Records": records}), encoding="utf-8")
    with Terminal((sys.executable, "-c", _PROGRAM, "replay", str(tmp_path))) as terminal:
        terminal.wait_for("skipped 59m5")
        terminal.wait_for("REPLAY ENDED   10:00:00Z")
        terminal.wait_until(lambda: terminal.text().count("ListBuckets") == 2, "not both calls")


def test_what_cannot_be_read_is_said_and_stands_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(
        json.dumps({"Records": [world.record("GetObject", bucket="payroll")]}), encoding="utf-8"
    )
    (tmp_path / "bad.json").write_text("no JSON", encoding="utf-8")
    with Terminal((sys.executable, "-c", _PROGRAM, "replay", str(tmp_path), "--speed", "max"), (130, 30)) as terminal:
        terminal.wait_for("lag 0s 1 not read")
        terminal.press("l")
        terminal.wait_for("trail source")
        terminal.press("\r")
        terminal.wait_for("bad.json")


def test_what_was_seen_is_recorded_in_the_case_that_is_named(tmp_path: Path) -> None:
    case = tmp_path / "IR-42"
    with replay("--speed", "max", "--case", case) as terminal:
        terminal.wait_for("REPLAY ENDED")
        terminal.wait_until(lambda: "IR-42" in _head(terminal), "no case at the top")
        terminal.wait_for("Next: contain")
        terminal.press("i")
        terminal.wait_until(lambda: "\n note" in terminal.text(), "no prompt")
        terminal.press("looked at\r")
        terminal.wait_for("noted in the log")
        terminal.press("q")
        assert terminal.ended() == 0
    with Journal.open(case, about={}, readonly=True) as journal:
        records = journal.records()
    events = [record for record in records if record.table == "trail" and record.get("kind") == "event"]
    assert len([record for record in events if str(record["raw"]["userIdentity"].get("arn")).endswith(ATTACKER)]) == 11
    assert {record["source"] for record in events} == {"recording otrf-cloud-breach-s3"}
    assert any(record.get("text") == "looked at" for record in records)


def test_without_a_case_nothing_is_left_behind(tmp_path: Path) -> None:
    temporary, state = tmp_path / "tmp", tmp_path / "state"
    temporary.mkdir()
    with Terminal(
        (sys.executable, "-c", _PROGRAM, "replay", str(BREACH), "--speed", "max"),
        env={"TMPDIR": str(temporary), "XDG_STATE_HOME": str(state), "S3IR_CASE": "IR-7"},
    ) as terminal:
        terminal.wait_for("REPLAY ENDED")
        assert "IR-7" not in terminal.text()
        assert list(temporary.glob("s3ir-replay-*"))
        terminal.press("q")
        assert terminal.ended() == 0
    assert list(temporary.iterdir()) == []
    assert not state.exists()


def test_paths_and_speeds_that_make_no_sense_are_refused() -> None:
    for words, said in ((("replay", "/no/such"), "/no/such"), (("replay", str(BREACH), "--speed", "fast"), "or max")):
        with Terminal((sys.executable, "-c", _PROGRAM, *words)) as terminal:
            assert terminal.ended() == 2
            assert said in " ".join(terminal.text().split())
