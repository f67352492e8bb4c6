"""State words and the next step follow from what stands on the board, and from nothing else."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from s3ir_tui.board.condition import condition_of
from s3ir_tui.board.proposal import propose
from s3ir_tui.board.reach import Reach
from s3ir_tui.model import Severity, State
from s3ir_tui.room import Condition, Row, WatchView
from s3ir_tui.states import LEGEND, explained, state_of
from s3ir_tui.trail.watch import Proof, Seen, Verdict, Watch

SINCE, PROOF = "2026-11-24T09:15:12Z", "2026-11-24T09:15:50Z"
LAG = timedelta(seconds=38)
USER = Row("principal", "arn:user", "user/svc-export", Severity.CRITICAL, State.ACTIVE, ("3 cred",), suspect=True)
OPEN = Row("bucket", "exports", "exports", Severity.CRITICAL, State.ACTIVE, ("public",), suspect=True)


def silence(now: str, last_ok: str = "2026-11-24T09:15:10Z", was_quiet: bool = False) -> Verdict:
    watch = Watch(datetime.fromisoformat(SINCE), timedelta(minutes=30))
    at = datetime.fromisoformat(now)
    return watch.look(Seen(last_ok), at, Proof(at - LAG, LAG), was_quiet=was_quiet)


@pytest.mark.parametrize(
    ("now", "last_ok", "was_quiet", "state"),
    [
        ("2026-11-24T09:15:40Z", "2026-11-24T09:15:10Z", False, State.NO_PROOF_YET),
        ("2026-11-24T09:20:00Z", "2026-11-24T09:15:10Z", False, State.HOLDING),
        ("2026-11-24T09:45:50Z", "2026-11-24T09:15:10Z", False, State.QUIET),
        ("2026-11-24T09:50:00Z", "2026-11-24T09:30:00Z", False, State.LEAKING),
        ("2026-11-24T10:00:38Z", "2026-11-24T09:30:00Z", False, State.QUIET),
        ("2026-11-24T10:10:00Z", "2026-11-24T10:09:00Z", True, State.RETURNED),
        ("2026-11-24T10:39:38Z", "2026-11-24T10:09:00Z", True, State.QUIET),
    ],
)
def test_silence_is_proof_only_after_the_lag_and_for_as_long_as_asked(
    now: str, last_ok: str, was_quiet: bool, state: State
) -> None:
    assert silence(now, last_ok, was_quiet).state is state


def test_a_call_that_was_allowed_after_containment_moves_the_quiet_time_on() -> None:
    assert silence("2026-11-24T09:16:00Z").quiet_at == "2026-11-24T09:45:50Z"
    assert silence("2026-11-24T09:40:00Z", "2026-11-24T09:39:00Z").quiet_at == "2026-11-24T10:09:38Z"


def step(**known: Any) -> str:
    given: dict[str, Any] = {"unknown_outcomes": 0, "principals": (), "buckets": (), "watches": (), "connected": True}
    found = propose(**{**given, **known})
    return f"{found.key}: {found.text}" if found else ""


def view(state: State, in_place: int = 4, changes: int = 4) -> WatchView:
    return WatchView(
        "s:1", "user/svc-export", state, SINCE, proof_from=PROOF, in_place=in_place, changes=changes, checked=PROOF
    )


def test_credentials_are_contained_before_buckets_are_closed() -> None:
    assert step(principals=(USER,), buckets=(OPEN,)).startswith("a: contain user/svc-export: 3 cred")
    assert step(buckets=(OPEN,)) == "a: close exports: public"


def test_our_own_unknown_outcomes_come_before_everything() -> None:
    assert "outcome is unknown" in step(principals=(USER,), unknown_outcomes=2)


def test_a_change_of_ours_that_someone_undid_comes_before_new_suspects() -> None:
    assert "1 of our 4 changes were undone" in step(principals=(USER,), watches=(view(State.HOLDING, 3),))
    unread = replace(view(State.HOLDING, 3), unreadable=1)
    assert "undone" not in step(principals=(USER,), watches=(unread,))


def test_an_actor_who_returned_is_contained_again() -> None:
    assert step(watches=(view(State.RETURNED),)) == "a: user/svc-export is back: contain it again"


def test_a_contained_suspect_is_not_proposed_again() -> None:
    contained = Row("principal", "arn:user", "user/svc-export", Severity.CRITICAL, State.NO_PROOF_YET, suspect=True)
    assert step(principals=(contained,), watches=(view(State.NO_PROOF_YET),)) == (
        "w: watching user/svc-export: no proof yet"
    )


def test_what_holds_is_told_in_numbers_and_with_the_time_of_quiet() -> None:
    watch = Watch(datetime.fromisoformat(SINCE), timedelta(minutes=30))
    seen = Seen("2026-11-24T09:15:10Z", denied=960, first_denied="2026-11-24T09:15:14Z")
    at = datetime.fromisoformat("2026-11-24T09:24:00Z")
    verdict = watch.look(seen, at, Proof(at - LAG, LAG))
    assert verdict.words == "0 allowed, 960 denied since 09:15:12Z; QUIET at 09:46Z"
    held = WatchView("s:1", "user/svc-export", verdict.state, SINCE, verdict.words)
    assert step(watches=(held,)) == f"w: watching user/svc-export: {verdict.words}"


def test_every_state_word_has_its_meaning_and_a_glyph_of_its_own() -> None:
    assert set(LEGEND) == set(State) - {State.NONE}
    assert len({meaning.glyph for meaning in LEGEND.values()}) == len(LEGEND)


def test_a_case_of_an_older_version_stays_readable() -> None:
    assert state_of("NOT QUIET YET") is State.HOLDING
    assert "older version" in explained("NOT QUIET YET")
    assert state_of("QUIET") is State.QUIET
    assert state_of("nonsense") is State.NONE


def test_after_quiet_comes_the_report() -> None:
    assert step(watches=(view(State.QUIET),)) == "R: contained and quiet: write the report"


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        (Condition("SIGNING IN", "waiting"), ": SIGNING IN: waiting"),
        (
            Condition("NOT CONNECTED", "no credentials", "run 'aws sso login'"),
            ": NOT CONNECTED: no credentials; run 'aws sso login'",
        ),
        (Condition("READING HISTORY", "14 of 24 h"), "4: reading history, 14 of 24 h: no suspect so far"),
        (Condition("SOURCE LOST", "lookup us-east-1 for 2m00: x"), ": restore the source lookup us-east-1 for 2m00: x"),
        (Condition("LIVE"), "4: no suspect yet: look through the trail, mark what looks wrong"),
    ],
)
def test_there_is_a_next_step_in_every_condition(condition: Condition, wanted: str) -> None:
    connected = condition.word not in ("SIGNING IN", "NOT CONNECTED")
    assert step(condition=condition, connected=connected) == wanted


def test_a_lost_source_is_restored_before_who_is_contained_already_is_proposed_again() -> None:
    contained = replace(USER, state=State.UNKNOWN, contained=True)
    lost = Condition("SOURCE LOST", "lookup us-east-1 for 2m00: timeout")
    assert step(principals=(contained,), watches=(view(State.UNKNOWN),), condition=lost).startswith(": restore the")
    assert step(principals=(USER,), condition=lost).startswith("a: contain user/svc-export")


def test_who_was_contained_before_this_case_is_proposed_to_be_watched() -> None:
    before = replace(USER, state=State.NONE, before=True)
    assert step(principals=(before,)).startswith("a: watch user/svc-export: contained before this case")
    assert step(principals=(replace(before, state=State.ACTIVE),)).startswith("a: contain user/svc-export")


def test_each_condition_has_its_reason() -> None:
    now = datetime.fromisoformat("2026-11-24T09:30:00Z")
    works = Reach("lookup us-east-1", now, 5.0, now)
    slow = Reach("bucket logs", caught_up=False, progress="14 of 24 h")
    failing = replace(works, failing_since=now - timedelta(minutes=2), error="timeout")

    def words(*sources: Reach, answered: datetime = now, **more: Any) -> str:
        return condition_of(sources, now, **{"signed_in": True, "answered": answered, **more}).words

    assert words(signed_in=False).startswith("SIGNING IN: ")
    assert words(signed_in=False, error="aws sso login").startswith("NOT CONNECTED: aws sso login; tried again")
    assert words().startswith("READING HISTORY: looking for the trail sources")
    assert words(works, slow) == "READING HISTORY: 14 of 24 h of bucket logs"
    assert words(works) == "LIVE: 1 trail source"
    assert words(works, failing).startswith("SOURCE LOST: lookup us-east-1 for 2m00: timeout")
    silent = words(failing, answered=now - timedelta(minutes=2))
    assert silent == "NO NEWS: no trail source has been read for 2m00; restore lookup us-east-1: timeout"


def test_nothing_is_proposed_before_the_account_has_answered() -> None:
    assert step(connected=False) == ""
