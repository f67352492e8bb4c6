"""The quiet watch: what is proof, what is not yet, and who is back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trail_world import START, at, read

from s3ir_tui.model import State
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.watch import Proof, Seen, Watch, seen_of

WATCH = Watch(START, timedelta(minutes=30))
LAG = 300.0


def proof(minute: float, lag: float | None = LAG) -> Proof:
    """All is read that was there, and comes so late."""
    if lag is None:
        return Proof(None, missing=("nothing brings it",))
    return Proof(START + timedelta(minutes=minute, seconds=-lag), timedelta(seconds=lag))


def state(
    minute: float,
    *,
    ok: float | None = None,
    lag: float | None = LAG,
    was_quiet: bool = False,
    kin: float | None = None,
) -> State:
    """The state some minutes after containment, with the last successful call (of it, of its kin) at a minute."""
    seen = Seen(last_ok="" if ok is None else at(ok))
    now = START + timedelta(minutes=minute)
    kin_ok = "" if kin is None else at(kin)
    return WATCH.look(seen, now, proof(minute, lag), was_quiet=was_quiet, family_ok=kin_ok).state


@pytest.mark.parametrize(
    ("minute", "ok", "expected"),
    [
        (1, None, State.NO_PROOF_YET),
        (1, -1, State.NO_PROOF_YET),
        (4.9, 0, State.NO_PROOF_YET),
        (1, 0.5, State.LEAKING),
        (5, None, State.HOLDING),
        (34.9, -1, State.HOLDING),
        (35, -1, State.QUIET),
        (35.9, 1, State.LEAKING),
        (36, 1, State.QUIET),
    ],
)
def test_silence_is_proof_only_after_the_lag_and_quiet_only_after_the_time_asked(
    minute: float, ok: float | None, expected: State
) -> None:
    assert state(minute, ok=ok) is expected


def test_who_was_quiet_and_calls_again_has_returned() -> None:
    assert state(40, ok=39, was_quiet=True) is State.RETURNED
    assert state(50, ok=39, was_quiet=True) is State.RETURNED
    assert state(74, ok=39, was_quiet=True) is State.QUIET


def test_where_nothing_can_be_seen_silence_says_nothing() -> None:
    assert state(60, lag=None) is State.UNKNOWN
    assert state(60, ok=59, lag=None) is State.LEAKING


def test_a_call_in_the_second_of_containment_is_not_after_it() -> None:
    assert state(35, ok=0) is State.QUIET


def test_a_lag_longer_than_the_time_asked_puts_quiet_off() -> None:
    assert state(31, lag=3600.0) is State.NO_PROOF_YET
    assert state(61, lag=3600.0) is State.HOLDING
    assert state(90, lag=3600.0) is State.QUIET


def test_what_descends_from_it_and_is_active_keeps_it_from_being_quiet() -> None:
    assert state(40, kin=20) is State.STILL_IN
    assert state(56, kin=20) is State.QUIET
    assert state(40, kin=20, ok=30) is State.LEAKING
    assert state(40, kin=-5) is State.QUIET
    assert state(40, kin=20, lag=None) is State.STILL_IN


def test_the_reason_of_unknown_stands_in_the_words() -> None:
    now = START + timedelta(minutes=40)
    verdict = WATCH.look(Seen(denied=3), now, Proof(None, missing=("lookup us-east-1 failing for 3m00", "another")))
    assert verdict.state is State.UNKNOWN
    assert verdict.words.startswith("lookup us-east-1 failing for 3m00 (+1 more); 0 allowed, 3 denied since ")


def test_the_numbers_tell_when_it_will_be_proof_and_quiet() -> None:
    verdict = WATCH.look(Seen(last_ok=at(2)), START + timedelta(minutes=3), proof(3))
    assert (verdict.since, verdict.proof_from, verdict.quiet_at) == (at(0), at(5), at(37))
    assert WATCH.look(Seen(), START, proof(0, None)).proof_from == ""


def test_the_numbers_come_from_the_analysis() -> None:
    found = Analysis()
    found.add([read(when=at(-1)), read(when=at(1)), read(when=at(2), error="AccessDenied")])
    seen = seen_of(found, found.family("AKIABOB0000000000001"), START)
    assert seen == Seen(last_ok=at(1), allowed=1, denied=1, first_denied=at(2))


@given(st.floats(-60, 600), st.none() | st.floats(-60, 600), st.none() | st.floats(0, 7200), st.booleans())
def test_quiet_is_never_said_within_the_time_asked_of_a_call_or_before_the_lag(
    minute: float, ok: float | None, lag: float | None, was_quiet: bool
) -> None:
    if state(minute, ok=ok, lag=lag, was_quiet=was_quiet) is State.QUIET:
        assert lag is not None
        assert minute * 60 >= lag + 30 * 60 - 1
        assert ok is None or ok <= 0.02 or minute - ok >= 29.9
