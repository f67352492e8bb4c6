"""The parts of the screens by themselves: lines, tail, pulse, difference, clipboard, times of the status."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from actions.desk import Desk
from s3ir_tui.model import Severity
from s3ir_tui.room import SourceStatus, Status
from s3ir_tui.text import width
from s3ir_tui.trail.event import Judged
from s3ir_tui.trail.spool import Spool
from screens import clipboard, crash
from screens.desk import DeskLike
from screens.event import event_lines
from screens.widgets.diff import diff
from screens.widgets.lines import crop, length, spread, strip_of, wrapped
from screens.widgets.palette import BOLD, PLAIN
from screens.widgets.pulse import bars
from screens.widgets.status import _lag, account, opened
from screens.widgets.tail import Tail
from screens.widgets.tail_line import line_spans, outcome
from tests.screens.fakes import HOSTILE, event, replace_event


def as_desk(desk: Desk) -> DeskLike:
    """The desk of the actions is a desk to the screens: the type checker sees to it."""
    return desk


@given(st.text(max_size=60), st.integers(1, 50))
def test_a_strip_has_exactly_its_cells_and_no_control_character(text: str, cells: int) -> None:
    strip = strip_of([(text, PLAIN), ("x", BOLD)], cells)
    assert strip.cell_length == cells
    assert not any(char < " " or "\x7f" <= char <= "\x9f" for segment in strip for char in segment.text)


@given(st.text(st.characters(max_codepoint=0x2FF), max_size=80), st.integers(12, 60), st.integers(0, 6))
def test_wrapping_loses_no_word(text: str, cells: int, indent: int) -> None:
    lines = wrapped(text, cells, indent)
    assert all(width(line) <= cells for line in lines)
    from s3ir_tui.text import clean

    assert "".join("".join(lines).split()) == "".join(clean(text).split())


def test_right_side_stays_where_both_do_not_fit() -> None:
    spans = spread([("a long left side", PLAIN)], [("09:14Z", BOLD)], 12)
    assert "".join(text for text, _ in spans) == "a lo… 09:14Z"
    assert length(crop([("payroll", PLAIN)], 4)) == 4


def test_tail_keeps_its_line_while_old_ones_fall_out() -> None:
    lines = Spool(memory=10, capacity=0, block=1)
    tail = Tail(lines)
    lines.extend(Judged(event(number, key=f"k{number}")) for number in range(10))
    tail.lines_came()
    tail.follow = False
    tail.cursor = 7
    lines.extend(Judged(event(number, key=f"k{number}")) for number in range(10, 15))
    tail.lines_came()
    line = tail.current()
    assert line is not None
    assert line.event.key == "k7"
    assert tail.fresh == 5
    assert tail.count() == 10


def test_late_line_takes_its_place_and_what_is_under_the_cursor_stays_there() -> None:
    lines = Spool()
    tail = Tail(lines)
    lines.extend(Judged(event(number * 10, key=f"k{number}")) for number in range(10))
    tail.lines_came()
    tail.follow = False
    tail.cursor = 7
    lines.extend([Judged(event(25, key="late")), Judged(event(95, key="new")), Judged(event(85, key="late too"))])
    tail.lines_came()
    line = tail.current()
    assert line is not None
    assert line.event.key == "k7"
    assert (tail.count(), tail.cursor, tail.fresh) == (13, 8, 3)
    assert [lines[number].event.key for number in (2, 3, 4)] == ["k2", "late", "k3"]


def test_reads_of_this_console_are_folded_and_counted_apart_and_what_it_changed_is_shown() -> None:
    lines = Spool()
    tail = Tail(lines)
    read = structs.replace(event(1, "LookupEvents"), read_only=True)
    lines.extend([Judged(read, ours=True)] * 38 + [Judged(event(2, "UpdateAccessKey"), ours=True)])
    lines.extend([Judged(event(3), noise=True)])
    tail.lines_came()
    assert (tail.count(), tail.folded_own, tail.folded) == (1, 38, 1)
    said = "".join(text for text, _ in tail.head(100))
    assert "38 reads of this console, 1 service call folded, S shows" in said
    assert not tail.passes(Judged(read, ours=True))
    tail.fold = False
    tail.rebuild()
    assert tail.count() == 40


def test_tail_of_noise_alone_counts_it() -> None:
    lines = Spool(memory=10, capacity=0, block=1)
    tail = Tail(lines)
    lines.extend(Judged(event(number), noise=True) for number in range(4))
    tail.lines_came()
    assert (tail.count(), tail.folded) == (0, 4)
    tail.fold = False
    tail.rebuild()
    assert (tail.count(), tail.folded) == (4, 0)


@pytest.mark.parametrize(
    ("error", "word"),
    [("", "ok"), ("AccessDenied", "denied"), ("Client.UnauthorizedOperation", "denied"), ("NoSuchKey", "failed")],
)
def test_attempts_and_successes_are_told_apart(error: str, word: str) -> None:
    assert outcome(event(1, error=error)) == word


@given(st.integers(40, 160))
def test_tail_line_fits_and_keeps_the_end_of_the_key(cells: int) -> None:
    line = Judged(event(1, key="2026/q3/payments/europe/salaries.csv"), Severity.HIGH)
    spans = line_spans(line, cells)
    text = "".join(text for text, _ in spans)
    assert width(text) <= max(cells, 60)
    if cells >= 76:
        assert "salaries.csv" in text


def test_hostile_event_is_words_in_line_and_detail() -> None:
    line = Judged(replace_event(event(1), key=HOSTILE, agent=HOSTILE, name=HOSTILE), Severity.CRITICAL, (HOSTILE,))
    for spans in (line_spans(line, 100), event_lines(line)):
        strip = strip_of(spans, 400)
        assert "\x1b" not in "".join(segment.text for segment in strip)
        assert "\u202e" not in "".join(segment.text for segment in strip)


def test_detail_of_an_event_leaves_secrets_out_until_it_is_asked_for_whole() -> None:
    secret = "wJa1rXUtnFEM1K7MDENGbPxRf1CYzEXbMPL3KeY4"
    line = Judged(
        replace_event(event(1), agent=f"tool secret_access_key={secret}", raw=f'{{"x": "{secret}"}}'.encode())
    )
    shown = "\n".join(text for text, _ in event_lines(line))
    assert secret not in shown
    assert shown.count("[redacted:") == 2
    assert "\n".join(text for text, _ in event_lines(line, whole=True)).count(secret) == 2


def test_pulse_scales_to_its_peak_and_dots_silence() -> None:
    assert bars((0, 1, 4, 8), 4) == "·▁▄█"
    assert bars((1, 2, 3), 2) == "▆█"
    assert bars((0, 2), 2, peak=16) == "·▁"
    assert bars((), 6) == ""


def test_difference_shows_what_goes_and_what_comes() -> None:
    before = {"Statement": [{"Sid": f"S{number}"} for number in range(20)]}
    after = {"Statement": [*before["Statement"][:-1], {"Sid": "Deny"}]}
    lines = diff(before, after)
    assert [line.text.strip() for line in lines if line.sign == "-"] == ['"Sid": "S19"']
    assert [line.text.strip() for line in lines if line.sign == "+"] == ['"Sid": "Deny"']
    assert any(line.sign == "~" for line in lines)
    assert len(diff(before, after, None)) > len(lines)


def test_difference_of_json_text_is_laid_out() -> None:
    lines = diff(None, json.dumps({"Sid": "Deny"}))
    assert [(line.sign, line.text) for line in lines] == [
        ("-", "(none)"), ("+", "{"), ("+", '  "Sid": "Deny"'), ("+", "}"),
    ]  # fmt: skip


def test_clipboard_prefers_the_tmux_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def tmux(command: list[str], **wanted: object) -> subprocess.CompletedProcess[bytes]:
        calls.append((command, wanted["input"]))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr("screens.clipboard.subprocess.run", tmux)
    sent: list[str] = []
    assert "tmux buffer" in clipboard.copy("aws iam", sent.append, {"TMUX": "/tmp/tmux-0/default,1,0"})
    assert calls == [(["tmux", "load-buffer", "-w", "-"], b"aws iam")]
    assert sent == []


def test_clipboard_without_tmux_sends_osc52_and_keeps_a_private_file(tmp_path: Path) -> None:
    sent: list[str] = []
    told = clipboard.copy("aws iam", sent.append, {"XDG_STATE_HOME": str(tmp_path)})
    kept = tmp_path / "s3ir-tui" / "clipboard.txt"
    assert sent == ["aws iam"]
    assert str(kept) in told
    assert kept.read_text(encoding="utf-8") == "aws iam"
    assert kept.stat().st_mode & 0o777 == 0o600


def test_text_too_long_for_a_terminal_goes_to_the_file_only(tmp_path: Path) -> None:
    sent: list[str] = []
    told = clipboard.copy("x" * 80_000, sent.append, {"XDG_STATE_HOME": str(tmp_path)})
    assert sent == []
    assert told.startswith("not sent")


def test_fault_file_is_private_and_holds_no_locals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    try:
        credential = "".join(("hunter", "2"))
        raise ValueError(f"{len(credential)} letters")
    except ValueError as error:
        path = crash.record(error)
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o600
    assert "ValueError: 7 letters" in path.read_text(encoding="utf-8")
    assert "hunter2" not in path.read_text(encoding="utf-8")


def test_status_says_what_cannot_be_seen() -> None:
    blind = Status(sources=(SourceStatus("lookup us-east-1", 41.0),), lag=41.0)
    assert "no data events" in _lag(blind, wide=True)[0]
    lost = Status(sources=(SourceStatus("bucket trail-logs", None, "AccessDenied", True),))
    assert "LOST bucket trail-logs" in _lag(lost, wide=True)[0]
    assert _lag(Status(), wide=True)[0] == "  lag ? no source"


def test_status_writes_account_and_age_for_people() -> None:
    assert account("111122223333") == "1111-2222-3333"
    assert opened(Status(opened="2026-11-24T09:00:00Z", now="2026-11-24T09:12:31Z")) == "open 12m31"
