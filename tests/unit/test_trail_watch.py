"""The quiet watch: what is proof, what is not yet, and who is back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trail_world import START, at, read

from s3ir_tui.model import State
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.watch import Seen, Watch, seen_of

WATCH = Watch(START, timedelta(minutes=30))
LAG = 300.0


def state(minute: float, *, ok: float | None = None, lag: float | None = LAG, was: State = State.NONE) -> State:
    """The state some minutes after containment, with the last successful call at a minute."""
    seen = Seen(last_ok="" if ok is None else at(ok))
    return WATCH.look(seen, START + timedelta(minutes=minute), lag, was).state


@pytest.mark.parametrize(
    ("minute", "ok", "expected"),
    [
        (1, None, State.NO_PROOF_YET),
        (1, -1, State.NO_PROOF_YET),
        (4.9, 0, State.NO_PROOF_YET),
        (1, 0.5, State.LEAKING),
        (5, None, State.HOLDING),
        (29, -1, State.HOLDING),
        (30, -1, State.QUIET),
        (30, 1, State.LEAKING),
        (31, 1, State.QUIET),
    ],
)
def test_silence_is_proof_only_after_the_lag_and_quiet_only_after_the_time_asked(
    minute: float, ok: float | None, expected: State
) -> None:
    assert state(minute, ok=ok) is expected


def test_who_was_quiet_and_calls_again_has_returned() -> None:
    assert state(40, ok=39, was=State.QUIET) is State.RETURNED
    assert state(50, ok=39, was=State.RETURNED) is State.RETURNED
    assert state(69, ok=39, was=State.RETURNED) is State.QUIET


def test_where_nothing_can_be_seen_silence_says_nothing() -> None:
    assert state(60, lag=None) is State.UNKNOWN
    assert state(60, ok=59, lag=None) is State.LEAKING


def test_a_call_in_the_second_of_containment_is_not_after_it() -> None:
    assert state(31, ok=0) is State.QUIET


def test_a_lag_longer_than_the_time_asked_puts_quiet_off() -> None:
    assert state(31, lag=3600.0) is State.NO_PROOF_YET
    assert state(60, lag=3600.0) is State.QUIET


def test_the_numbers_tell_when_it_will_be_proof_and_quiet() -> None:
    verdict = WATCH.look(Seen(last_ok=at(2)), START + timedelta(minutes=3), LAG)
    assert (verdict.since, verdict.proof_from, verdict.quiet_at) == (at(0), at(5), at(32))
    assert WATCH.look(Seen(), START, None).proof_from == ""


def test_the_numbers_come_from_the_analysis() -> None:
    found = Analysis()
    found.add([read(when=at(-1)), read(when=at(1)), read(when=at(2), error="AccessDenied")])
    seen = seen_of(found, found.family("AKIABOB0000000000001"), START)
    assert seen == Seen(last_ok=at(1), allowed=1, denied=1, first_denied=at(2))


@given(
    st.floats(-60, 600), st.none() | st.floats(-60, 600), st.none() | st.floats(0, 7200), st.sampled_from(list(State))
)
def test_quiet_is_never_said_within_the_time_asked_of_a_call_or_before_the_lag(
    minute: float, ok: float | None, lag: float | None, was: State
) -> None:
    if state(minute, ok=ok, lag=lag, was=was) is State.QUIET:
        assert lag is not None
        assert minute * 60 >= lag - 1
        assert minute >= 29.9
        assert ok is None or ok <= 0.02 or minute - ok >= 29.9
