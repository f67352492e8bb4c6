"""Ours in a policy told from what others put beside it: in effect, merged again, taken out, not visible yet."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.holds import in_effect
from actions.plan import Call, Read, Step
from actions.statements import covers, merged, statements
from actions.visibility import Visibility

READ = Read(Call("s3", "GetBucketPolicy", {"Bucket": "b"}), "Policy", document=True)
PARTNER = {"Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": "1"}, "Action": "s3:GetObject", "Resource": "*"}


def deny(sid: str, *ids: str, before: str = "") -> dict[str, Any]:
    condition: dict[str, Any] = {"StringEquals": {"aws:userid": list(ids)}} if ids else {}
    condition |= {"DateLessThan": {"aws:TokenIssueTime": before}} if before else {}
    return {"Sid": sid, "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}


def policy(*items: Any) -> dict[str, Any] | None:
    return {"Version": "2012-10-17", "Statement": list(items)} if items else None


def step(before: Any, after: Any) -> Step:
    return Step(Call("s3", "PutBucketPolicy", {}), "b", "s", READ, before=before, after=after)


OURS = deny("S3irA", "x")
EARLY, LATE = deny("S3irR", before="2026-11-24T09:00:00Z"), deny("S3irR", before="2026-11-24T10:00:00Z")


@pytest.mark.parametrize(
    ("state", "there"),
    [
        (policy(PARTNER, OURS), True),
        (policy(OURS, deny("S3irB", "y"), PARTNER), True),
        (policy(PARTNER, deny("S3irA", "x", "y")), True),
        (policy(PARTNER, {**OURS, "Sid": "Renamed"}), True),
        (policy(PARTNER), False),
        (policy(PARTNER, deny("S3irA", "y")), False),
        (policy(PARTNER, {**OURS, "Effect": "Allow"}), False),
        (policy(PARTNER, {**OURS, "Resource": "arn:aws:s3:::other"}), False),
        (
            policy(PARTNER, {**OURS, "Condition": {**OURS["Condition"], "Bool": {"aws:SecureTransport": "false"}}}),
            False,
        ),
        (None, False),
        ("not a policy", False),
    ],
)
def test_a_deny_is_in_effect_where_it_is_there_at_least_as_wide(state: Any, there: bool) -> None:
    assert in_effect(step(policy(PARTNER), policy(PARTNER, OURS)), state) is there


@pytest.mark.parametrize(("state", "there"), [(policy(LATE), True), (policy(EARLY), False), (None, False)])
def test_a_cut_off_is_in_effect_where_it_is_ours_or_later(state: Any, there: bool) -> None:
    assert in_effect(step(policy(EARLY), policy(LATE)), state) is there
    assert in_effect(step(None, policy(EARLY)), state) is (state is not None)


def test_taking_a_name_out_is_not_in_effect_while_it_is_there() -> None:
    shrink = step(policy(deny("S3irA", "x", "y")), policy(OURS))
    assert not in_effect(shrink, policy(deny("S3irA", "x", "y")))
    assert in_effect(shrink, policy(OURS, PARTNER))
    assert not covers(OURS, deny("S3irA", "x", "y"))


def test_a_value_that_is_no_policy_must_be_the_very_same() -> None:
    plain = replace(step("Active", "Inactive"), read=replace(READ, document=False))
    assert in_effect(plain, "Inactive")
    assert not in_effect(plain, "Active")


def test_who_took_our_sid_for_something_else_is_written_over() -> None:
    assert merged(policy({**PARTNER, "Sid": "S3irA"}), (), (OURS,)) == policy(OURS)


def test_a_later_cut_off_of_others_stays_when_ours_is_taken_out() -> None:
    assert merged(policy(LATE), (EARLY,), ()) == policy(LATE)
    assert merged(policy(LATE), (LATE,), ()) is None
    assert merged(policy(LATE), (LATE,), (EARLY,)) == policy(EARLY)


others = st.lists(
    st.sampled_from([PARTNER, deny("S3irA", "p"), deny("S3irA", "p", "q"), deny("Theirs", "x"), EARLY]),
    max_size=4,
    unique_by=lambda item: item["Sid"],
)
names = st.sets(st.sampled_from(["x", "y", "z"]), min_size=1)


@given(others, names)
def test_what_is_merged_in_is_in_effect_and_taken_out_again_leaves_what_was(there: list[Any], ids: set[str]) -> None:
    before, new = policy(*there), deny("S3irA", *sorted(ids))
    after = merged(before, (), (new,))
    assert after is not None
    assert in_effect(step(before, after), after)
    kept = {json.dumps(item) for item in there if item["Sid"] != "S3irA"}
    assert kept <= {json.dumps(item) for item in statements(after)}
    assert in_effect(step(after, before), merged(after, (new,), ())) or any(item["Sid"] == "S3irA" for item in there)
    assert {json.dumps(item) for item in statements(merged(after, (new,), ()))} >= kept


def test_an_old_state_is_not_visible_yet_for_ten_seconds_unless_the_new_one_was_seen() -> None:
    never = Visibility(accepted=0.0)
    never.not_seen(1.0)
    assert [never.put_back(at, 0.0) for at in (1.0, 9.0, 10.0)] == [False, False, True]
    seen = Visibility(accepted=0.0)
    seen.seen(2.0)
    seen.not_seen(3.0)
    assert [seen.put_back(at, seen.delay) for at in (3.0, 5.0, 7.0)] == [False, False, True]
    seen.seen(8.0)
    assert not seen.put_back(20.0, seen.delay)
