"""Outside strings become display text in one place, and harmless."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3ir_tui import text

HOSTILE = [
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;owned\x07",
    "\x1b[2J",
    "\u009b2J",
    "a\rb",
    "report\u202efdp.exe",
    "zero\u200bwidth",
    "line\nbreak",
    "\ud800",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_control_and_invisible_characters_are_shown_not_sent(value: str) -> None:
    shown = text.clean(value)
    assert "\\" in shown
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in shown)


@given(st.text())
def test_cleaning_twice_changes_nothing_more(value: str) -> None:
    once = text.clean(value)
    assert text.clean(once) == once


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_stays_as_it_is(value: str) -> None:
    assert text.clean(value) == value


@given(st.text(), st.integers(min_value=0, max_value=40))
def test_middle_is_never_wider_than_the_room(value: str, cells: int) -> None:
    assert text.width(text.middle(text.clean(value), cells)) <= cells


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_fit_fills_the_room_exactly(value: str, cells: int) -> None:
    assert text.width(text.fit(text.clean(value), cells)) == cells


def test_middle_keeps_the_end_that_tells() -> None:
    assert text.middle("AKIAIOSFODNN7EXAQ2D4", 9) == "AKIA…Q2D4"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0s"), (41, "41s"), (751, "12m31"), (3 * 3600 + 300, "3h05"), (187200, "2d04h")]
)
def test_durations_read_as_responders_say_them(seconds: float, shown: str) -> None:
    assert text.ago(seconds) == shown


@pytest.mark.parametrize(("count", "shown"), [(None, "?"), (0, "0 B"), (412, "412 B"), (1_900_000_000, "1.9 GB")])
def test_sizes_carry_units_and_unknown_is_a_question_mark(count: int | None, shown: str) -> None:
    assert text.size(count) == shown


@pytest.mark.parametrize(
    ("arn", "shown"),
    [
        ("arn:aws:iam::111122223333:user/team/svc-export", "user/svc-export"),
        ("arn:aws:sts::111122223333:assumed-role/etl/i-0a1b", "role/etl/i-0a1b"),
        ("arn:aws:iam::111122223333:root", "root 1111…3333"),
        ("999988887777", "acct 9999…7777"),
        ("anonymous", "anonymous"),
    ],
)
def test_arns_are_shortened_to_what_is_read_first(arn: str, shown: str) -> None:
    assert text.short_arn(arn) == shown


@pytest.mark.parametrize("char", "\u034f\u180b\u180f\U0001bca0\U0001d173\u2800\u2000\u200a\ufffe\uffff")
def test_blanks_joiners_and_non_characters_are_shown_as_what_they_are(char: str) -> None:
    assert text.clean(f"a{char}b") == f"a{_escaped(char)}b"


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def test_letters_with_many_combining_marks_are_cut_to_a_few_and_have_a_width() -> None:
    assert text.clean("Vie\u0302\u0323t") == "Vie\u0302\u0323t"
    shown = text.clean("A" + 400 * "\u0301")
    assert sum(map(bool, map(unicodedata.combining, shown))) == 3
    assert text.width(shown) > 300
    assert text.width(text.middle(shown, 20)) <= 20
