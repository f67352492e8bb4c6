"""The watch of an incident covers all that comes from the contained actor; suspects are never legitimate work."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from trail_world import ACCOUNT, OUTSIDE, OUTSIDER, START, assume, at, event, new_key, read, session, user

from s3ir_tui.board.known import Known
from s3ir_tui.board.lag import Arrivals
from s3ir_tui.board.reach import Reach, lag_of, reach_of
from s3ir_tui.board.snapshot import Moment, snapshot
from s3ir_tui.case import Containment
from s3ir_tui.model import Bucket, Identity, Principal, State
from s3ir_tui.room import Condition, Row, Snapshot, SourceStatus, WatchView
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.coverage import Coverage
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.selectors import Logged

BOB = f"arn:aws:iam::{ACCOUNT}:user/bob"
KEY, SECOND, SESSION = "AKIABOB0000000000001", "AKIABOB0000000000002", "ASIAWEB0000000000003"
CONTAINED = 5.0


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def let_outsider_in(when: float) -> Event:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OUTSIDE}:root"}, "Action": "s3:GetObject",
             "Resource": "arn:aws:s3:::payroll/*"},
        ],
    }  # fmt: skip
    return event("PutBucketPolicy", bucket="payroll", params={"bucketPolicy": policy}, when=at(when), readOnly=False)


def contained(*principals: str, ref: str = "s:1", when: float = CONTAINED) -> Containment:
    return Containment(ref, "contain.lineage", "bob", principals, {"principal": principals}, "alice", at(when),
                       at=at(when), steps=2, done=2, last_ref=ref, running=False)  # fmt: skip


def board(events: list[Event], *plans: Containment, now: float = 60.0, **more: Any) -> Snapshot:
    """The board of an account in which all is logged, read and up to date."""
    known = Known(Analysis(), identity=Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/me", "AIDA", "us-east-1"))
    known.take_events(events, "bucket logs")
    known.buckets["payroll"] = Bucket("payroll", "us-east-1", policy=more.pop("policy", None),
                                      foreign_accounts=more.pop("foreign", ()))  # fmt: skip
    known.coverage["payroll"] = (Coverage("payroll", "org", "", "", Logged.ALL, Logged.ALL),)
    for posture in more.pop("posture", ()):
        known.take_posture(posture)
    for ref, (word, reason) in more.pop("verdicts", {}).items():
        known.case.verdicts[ref], known.case.reasons[ref] = word, reason
    for plan in plans or (contained(BOB, KEY),):
        known.case.containments[plan.ref] = plan
    end = minute(now)
    reach = (Reach("bucket logs", end, 60.0, end, data=True), Reach("lookup us-east-1", end, 60.0, end,
                                                                   regions=("us-east-1",)))  # fmt: skip
    given = {"reach": reach, "sources": (SourceStatus("bucket logs", data_events=True),), "answered": end, "lag": 60.0}
    return snapshot(known, Moment(end, "ARMED", "case", **{**given, **more}))


def row(shown: Snapshot, ident: str) -> Row:
    return next(item for item in shown.principals if item.id == ident)


def watch(shown: Snapshot) -> WatchView:
    (view,) = shown.watches
    return view


ATTACK = [read(user(), when=at(0)), let_outsider_in(1)]


def test_an_account_that_the_actor_let_in_and_that_reads_on_is_still_in() -> None:
    reads = [read(OUTSIDER, when=at(10 + n), key=f"k{n}") for n in range(45)]
    view = watch(board([*ATTACK, *reads]))
    assert view.state is State.STILL_IN
    assert view.words == f"acct {OUTSIDE[:4]}…{OUTSIDE[-4:]} (granted access by bob): 45 ok since 09:05:00Z"
    assert not any(OUTSIDE in line for line in view.workload)


def test_it_is_proposed_to_contain_what_is_still_in() -> None:
    shown = board([*ATTACK, *[read(OUTSIDER, when=at(50 + n)) for n in range(3)]])
    assert shown.proposal is not None
    assert shown.proposal.row == ("principal", f"AWSAccount:{OUTSIDE}")
    assert shown.proposal.action == "contain.lineage"


def test_a_session_of_another_role_made_before_or_after_is_still_in() -> None:
    late = [assume(user(), "web", "one", SESSION, when=at(2)), read(session("web", "one", SESSION), when=at(50))]
    view = watch(board([*ATTACK, *late]))
    assert view.state is State.STILL_IN
    assert "role/web/one (created by bob)" in view.words


def test_a_key_of_another_user_that_the_actor_made_is_still_in() -> None:
    other = [new_key(user(), "carol", "AKIACAROL00000000001", when=at(2)),
             read(user("carol", "AKIACAROL00000000001"), when=at(50))]  # fmt: skip
    assert watch(board([*ATTACK, *other])).state is State.STILL_IN


def test_the_actor_itself_that_calls_on_is_leaking_and_not_still_in() -> None:
    view = watch(board([*ATTACK, read(user(), when=at(40))]))
    assert view.state is State.LEAKING
    assert not view.still_in


def test_what_a_later_plan_contained_is_in_no_longer() -> None:
    reads = [read(OUTSIDER, when=at(10))]
    plans = contained(BOB, KEY), contained(f"AWSAccount:{OUTSIDE}", ref="s:9", when=12)
    states = [view.state for view in board([*ATTACK, *reads], *plans).watches]
    assert states == [State.QUIET, State.QUIET]


def test_once_the_family_is_silent_for_as_long_as_was_asked_it_is_quiet() -> None:
    reads = [read(OUTSIDER, when=at(10))]
    assert watch(board([*ATTACK, *reads], now=41.5)).state is State.QUIET
    assert watch(board([*ATTACK, *reads], now=40.5)).state is State.STILL_IN


def test_suspects_are_never_workload_and_healthy_principals_are() -> None:
    worker = [read(session("etl", "nightly", "ASIAETL0000000000001"), when=at(n)) for n in range(10)]
    view = watch(board([*ATTACK, *worker, read(OUTSIDER, when=at(10))]))
    assert [line.split("  ")[0] for line in view.workload] == ["role/etl/nightly"]


def test_a_lost_source_makes_the_watch_unknown_and_keeps_its_counters() -> None:
    end = minute(60)
    lost = Reach("bucket logs", minute(50), 60.0, minute(50), failing_since=minute(50), error="timeout", data=True)
    condition = Condition("SOURCE LOST", "bucket logs for 10m00: timeout")
    shown = board([*ATTACK, read(user(), when=at(6), error="AccessDenied")], reach=(lost,), condition=condition,
                  answered=minute(50))  # fmt: skip
    view = watch(shown)
    assert view.state is State.UNKNOWN
    assert view.reasons[0] == "bucket logs failing for 10m00"
    assert shown.proposal is not None
    assert shown.proposal.text == "restore the source bucket logs for 10m00: timeout"
    assert (shown.status.suspects, shown.status.contained) == (1, 1)
    assert shown.status.no_news == 600.0
    assert shown.status.lag == 660.0
    assert end == minute(60)


def test_who_was_contained_before_this_case_is_watched_and_not_contained_again() -> None:
    cut = Principal(BOB, "user", "bob", denied_all=True)
    other = contained("arn:aws:iam::111122223333:user/else")
    events = [read(user(), when=at(n), key=f"k{n}", address="203.0.113.7", agent="curl/8") for n in range(5)]
    events += [new_key(user(), "bob", SECOND, when=at(2)), let_outsider_in(3)]
    found = row(board(events, other, posture=(cut,)), BOB)
    assert found.before
    assert "contained before this case" in found.facts


def test_a_share_that_we_deny_is_said_to_be_denied() -> None:
    policy = f'{{"Statement": [{{"Sid": "S3irDenyData{OUTSIDE}", "Effect": "Deny"}}]}}'
    facts = board(ATTACK, foreign=(OUTSIDE,), policy=policy).buckets[0].facts
    assert f"shared {OUTSIDE[:4]}…{OUTSIDE[-4:]} (denied by us)" in facts
    assert not any("denied by us" in fact for fact in board(ATTACK, foreign=(OUTSIDE,)).buckets[0].facts)


def test_a_review_shows_the_recorded_word_and_its_reason() -> None:
    said = {"s:1": ("UNKNOWN", "lookup us-east-1 failing for 3m00")}
    view = watch(board(ATTACK, recorded=True, reach=(), sources=(), verdicts=said))
    assert (view.state, view.reasons) == (State.UNKNOWN, ("lookup us-east-1 failing for 3m00",))
    assert view.words.startswith("lookup us-east-1 failing for 3m00; 0 allowed")


def test_a_word_of_an_older_version_is_leaking_where_calls_were_allowed_afterwards() -> None:
    said = {"s:1": ("NOT QUIET YET", "")}
    assert watch(board(ATTACK, recorded=True, verdicts=said)).state is State.HOLDING
    assert watch(board([*ATTACK, read(user(), when=at(40))], recorded=True, verdicts=said)).state is State.LEAKING


@pytest.mark.parametrize(("after", "lag"), [(0.0, 5.0), (600.0, 605.0)])
def test_the_lag_of_a_source_grows_while_it_is_not_read(after: float, lag: float) -> None:
    arrivals = Arrivals()
    arrivals.take("lookup us-east-1", [], [], minute(0))
    status = SourceStatus("lookup us-east-1", complete_to=minute(0), late=5.0)
    now = minute(0) + timedelta(seconds=after)
    assert lag_of(reach_of(status, arrivals, now, timedelta(hours=24)), now) == lag


def test_how_far_the_look_back_is_stands_in_hours() -> None:
    arrivals = Arrivals()
    arrivals.take("lookup us-east-1", [read(when=at(-14 * 60))], [], minute(0))
    status = SourceStatus("lookup us-east-1", caught_up=False)
    found = reach_of(status, arrivals, minute(0), timedelta(hours=24))
    assert (found.progress, found.complete_to) == ("14 of 24 h", None)
    assert replace(found, caught_up=True).regions == ("us-east-1",)


def test_the_wait_between_two_looks_is_no_delay_of_the_service() -> None:
    arrivals = Arrivals()
    arrivals.take("lookup eu-west-1", [], [], minute(0))
    quick, late = read(when=at(0.5)), read(when=at(-0.1))
    arrivals.take("lookup eu-west-1", [quick], [quick], minute(1), minute(0))
    assert arrivals.delay("lookup eu-west-1") == 0.0
    arrivals.take("lookup eu-west-1", [late], [late], minute(2), minute(0))
    assert arrivals.delay("lookup eu-west-1") == 6.0
