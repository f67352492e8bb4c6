"""What the command line understands, how it ends, and that it never ends in a traceback."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from s3ir_tui import cli, console
from s3ir_tui.headless.exits import Code
from s3ir_tui.journal import Journal
from s3ir_tui.settings import Settings


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> Ended:
        with pytest.raises(SystemExit) as ended:
            cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        code = ended.value.code
        return Ended(int(code) if code is not None else 0, out, err)

    return call


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that the live console was opened with."""
    found: list[Settings] = []
    monkeypatch.setattr(console, "open_live", lambda chosen, **_: found.append(chosen) or 0)
    return found


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The game days that were begun, by `play` or `serve`."""
    from s3ir_tui.gameday import play

    found: list[tuple[str, dict[str, Any]]] = []

    def begin(name: str) -> Callable[..., int]:
        return lambda scenario, *_, **given: found.append((f"{name} {scenario}", given)) or 0

    monkeypatch.setattr(play, "play", begin("play"))
    monkeypatch.setattr(play, "serve", begin("serve"))
    return found


def test_without_a_command_the_live_console_opens(run: Run, opened: list[Settings]) -> None:
    arn = "arn:aws:iam::111122223333:role/BreakGlass"
    assert run("--profile", "ir", "--case", "IR-42", "--break-glass", arn, "--since", "2h", "--mouse").code == Code.OK
    [found] = opened
    assert (found.profile, found.case, found.break_glass, found.mouse) == ("ir", "IR-42", (arn,), True)
    assert found.since.total_seconds() == 7200


@pytest.mark.parametrize(
    ("words", "begun"),
    [
        ((), "play leaked-key"),
        (("leaked-key",), "play leaked-key"),
        (("--lag", "3", "reverse-proxy"), "play reverse-proxy"),
        (("public-bucket", "--lag", "3"), "play public-bucket"),
        (("play", "reverse-proxy"), "play reverse-proxy"),
        (("serve", "leaked-key", "--port", "5000", "--info", "info.json"), "serve leaked-key"),
    ],
)
def test_gameday_takes_a_scenario_or_serves_one(
    run: Run,
    played: list[tuple[str, dict[str, Any]]],
    words: tuple[str, ...],
    begun: str,
    cases: Path,
) -> None:
    assert run("gameday", *words).code == Code.OK
    [(found, given)] = played
    assert found == begun
    if begun.startswith("play"):
        assert given["lag"] == (3.0 if "--lag" in words else 5.0)
        assert given["case"].parent == cases
        assert given["case"].name.startswith("gameday-")
    else:
        assert given == {
            "port": 5000,
            "info": Path("info.json"),
            "attacker": True,
            "lag": 0.0,
            "delay": 0.0,
            "export": False,
            "settings": {},
        }


def test_gameday_never_works_in_the_case_or_profile_of_the_settings(
    run: Run, monkeypatch: pytest.MonkeyPatch, opened: list[Settings], cases: Path
) -> None:
    from s3ir_tui.gameday import play

    arn = "arn:aws:iam::111122223333:role/BreakGlass"
    info = {
        "region": "us-east-1",
        "endpoint_url": "http://127.0.0.1:1",
        "responder": {},
        "console": {"break_glass": [arn]},
    }
    monkeypatch.setattr(play, "play", lambda _scenario, open_console, **_: open_console(info))
    monkeypatch.setenv("S3IR_CASE", "IR-42")
    monkeypatch.setenv("S3IR_PROFILE", "production")
    monkeypatch.setenv("S3IR_ROLE_ARN", "arn:aws:iam::111122223333:role/IR")
    assert run("gameday").code == Code.OK
    [found] = opened
    assert (found.case, found.profile, found.role_arn) == ("", "", "")
    assert (found.endpoint_url, found.break_glass) == ("http://127.0.0.1:1", (arn,))


def test_unknown_scenario_names_those_there_are(run: Run) -> None:
    ended = run("gameday", "leaked-kee")
    assert ended.code == Code.USAGE
    assert "leaked-key, reverse-proxy, public-bucket" in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ("--nonsense",),
        ("nonsense",),
        ("act", "a.b", "c.d"),
        ("act", "contain.deny-user", "--target", "nonsense=x"),
        ("act", "contain.deny-user", "--target", "user"),
        ("act", "contain.deny-user", "--target", "user=x", "--execute"),
        ("act", "contain.deny-user", "--target", "user=x", "--execute", "--yes"),
        ("act", "contain.deny-user", "--target", "user=x", "--execute", "--yes", "--as-cli", "--case", "x"),
        ("triage", "--output", "xml"),
        ("triage", "--since", "tomorrow"),
        ("trail", "/nonexistent/trail"),
        ("review", "nonexistent"),
        ("verify", "nonexistent"),
        ("report", "nonexistent"),
        ("locate", "--config", "/nonexistent/config.toml"),
        ("gameday", "serve", "leaked-key", "--info", "/nonexistent/info.json"),
    ],
)
def test_nonsense_ends_with_code_2_and_a_message(run: Run, words: tuple[str, ...]) -> None:
    ended = run(*words)
    assert ended.code == Code.USAGE
    assert ended.err.strip()
    assert "Traceback" not in ended.err + ended.out


def test_no_credentials_ends_with_code_3_and_the_way_out(run: Run) -> None:
    ended = run("triage")
    assert ended.code == Code.AWS
    assert "NoCredentialsError" in ended.err
    assert "AWS_PROFILE" in ended.err
    assert "Traceback" not in ended.err


def test_unreachable_endpoint_ends_with_code_3(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    ended = run("triage", "--endpoint-url", "http://127.0.0.1:9")
    assert ended.code == Code.AWS
    assert "could not be reached" in ended.err
    assert "not-a-secret" not in ended.err + ended.out


def test_fault_of_the_program_is_one_line_without_control_characters(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> int:
        raise RuntimeError("\x1b]0;owned\x07")

    monkeypatch.setattr(console, "open_live", fail)
    ended = run()
    assert ended.code == Code.FAULT
    assert "unexpected RuntimeError" in ended.err
    assert "\x1b" not in ended.err
    assert len(ended.err.splitlines()) == 1


def test_flag_after_the_command_wins_over_the_same_flag_before_it(run: Run, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    assert str(before) in run("--cases", before, "locate").out
    assert str(after) in run("--cases", before, "locate", "--cases", after).out


def test_actions_are_listed_with_what_they_take(run: Run) -> None:
    listed = {item["id"]: item for item in run("act", "--list", "--output", "json").data}
    assert listed["contain.disable-access-key"]["takes"] == ["principal", "user", "access-key"]
    assert listed["watch.quiet"]["danger"] == "reads only"
    ended = run("act", "--list")
    assert all(name in ended.out for name in listed)


def test_help_tells_the_exit_codes_and_the_commands(run: Run) -> None:
    ended = run("--help")
    assert ended.code == Code.OK
    commands = ("review", "triage", "trail", "act", "verify", "report", "locate", "gameday")
    assert all(name in ended.out for name in commands)
    for code in Code:
        assert any(line.strip().startswith(f"{code.value} ") for line in ended.out.splitlines())


def test_misspelt_command_is_met_with_the_one_that_is_meant(run: Run) -> None:
    ended = run("verfy", "IR-42")
    assert ended.code == Code.USAGE
    assert "'verify'" in ended.err


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_is_there_and_says_what_it_does(run: Run, name: str) -> None:
    ended = run(name, "--help")
    assert ended.code == Code.OK
    assert f"s3ir-tui {name}" in ended.out


def test_version_is_told(run: Run) -> None:
    ended = run("--version")
    assert (ended.code, ended.out) == (Code.OK, "s3ir-tui 0.1.0\n")


@pytest.fixture
def case(cases: Path) -> tuple[str, str]:
    """The name of a recorded case, and the head of its log after its only note."""
    with Journal.open(cases / "IR-42", about={}) as journal:
        journal.record("case", {"kind": "note", "text": "reported by the help desk"})
        return "IR-42", journal.head


def test_sound_log_verifies_with_the_head_as_the_status_line_shows_it(run: Run, case: tuple[str, str]) -> None:
    name, head = case
    ended = run("verify", name, *head.split(), "--output", "json")
    assert ended.code == Code.OK
    assert (ended.data["ok"], ended.data["links_checked"]) == (True, 1)


def test_changed_log_does_not_verify(run: Run, case: tuple[str, str], cases: Path) -> None:
    [log] = (cases / "IR-42").glob("*.jsonl")
    log.write_bytes(log.read_bytes().replace(b"help desk", b"help dusk"))
    assert run("verify", case[0]).code == Code.PROBLEM
    ended = run("verify", case[0], "--output", "json")
    assert ended.code == Code.PROBLEM
    assert ended.data["problems"]


def test_head_that_the_log_never_had_does_not_verify(run: Run, case: tuple[str, str]) -> None:
    session = case[1].partition(":")[0]
    assert run("verify", case[0], f"{session}:1", "0123abcd").code == Code.PROBLEM
    assert run("verify", case[0], "nonsense").code == Code.USAGE


def test_report_is_printed_or_written_for_its_owner_alone(run: Run, case: tuple[str, str], tmp_path: Path) -> None:
    printed = run("report", case[0])
    assert printed.code == Code.OK
    assert "help desk" in printed.out
    file = tmp_path / "report.md"
    assert run("report", case[0], "-o", file).code == Code.OK
    assert "help desk" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run("report", case[0], "-o", tmp_path / "none" / "report.md").code == Code.PROBLEM


def test_what_was_done_is_listed_without_signing_in(run: Run, case: tuple[str, str]) -> None:
    ended = run("act", "--done", "--case", case[0], "--output", "json")
    assert (ended.code, ended.data) == (Code.OK, [])
