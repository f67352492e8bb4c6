"""Since when a bucket stood open, by whom, until when, and what outsiders did with it meanwhile."""

from __future__ import annotations

import random
from typing import Any

import pytest
from trail_world import ACCOUNT, ANONYMOUS, OUTSIDE, OUTSIDER, allow, at, event, put_policy, read, session, user

from s3ir_tui.trail import exposures as module
from s3ir_tui.trail.alike import Alike, alone
from s3ir_tui.trail.detections import detect
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.exposures import Exposures
from s3ir_tui.trail.windows import Exposure

BOB, BEN = f"arn:aws:iam::{ACCOUNT}:user/bob", f"arn:aws:iam::{ACCOUNT}:user/ben"
LET_IN = {"AWS": f"arn:aws:iam::{OUTSIDE}:root"}
BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
BEN_WITH_KEY = user("ben", "AKIABEN0000000000001")


def alike(item: Event) -> Alike:
    return alone(item, detect(item))


def windows(*events: Event) -> tuple[Exposure, ...]:
    found = Exposures()
    for item in events:
        found.add(alike(item))
    return found.windows()


def block(minutes: float, who: Any = None, *, on: bool = True, account: bool = False) -> Event:
    name = "PutAccountPublicAccessBlock" if account else "PutBucketPublicAccessBlock"
    params = {"PublicAccessBlockConfiguration": BLOCK if on else dict.fromkeys(BLOCK, False)}
    return event(name, who, bucket="" if account else "payroll", params=params, when=at(minutes))


def stranger(minutes: float, address: str = "203.0.113.7", **more: Any) -> Event:
    return read(ANONYMOUS, when=at(minutes), address=address, **more)


def test_a_public_policy_opens_and_a_block_closes_and_what_strangers_read_meanwhile_is_told() -> None:
    (found,) = windows(
        put_policy(allow("*"), when=at(10)),
        stranger(11),
        stranger(12, "198.51.100.4"),
        stranger(13, error="AccessDenied"),
        block(20, BEN_WITH_KEY),
        stranger(21, error="AccessDenied"),
    )
    assert (found.bucket, found.kind, found.by) == ("payroll", "public", "policy")
    assert (found.opened_at, found.opened_by) == (at(10), BOB)
    assert (found.closed_at, found.closed_by) == (at(20), BEN)
    (outsider,) = found.outsiders
    assert (outsider.principal, outsider.reads, outsider.bytes_out, outsider.denied) == ("anonymous", 2, 2000, 1)
    assert set(outsider.addresses) == {"203.0.113.7", "198.51.100.4"}
    assert outsider.exact
    assert "2 objects (2000 bytes) read by 1 outsider from 2 addresses" in found.text


def test_what_is_still_open_says_so() -> None:
    (found,) = windows(put_policy(allow("*"), when=at(10)))
    assert found.closed_at == ""
    assert "and still: no call of an outsider was seen meanwhile" in found.text


@pytest.mark.parametrize(
    "closing",
    [
        put_policy(when=at(20)),
        event("DeleteBucketPolicy", bucket="payroll", when=at(20)),
        event("DeleteBucket", bucket="payroll", when=at(20)),
        block(20),
        block(20, account=True),
    ],
    ids=lambda item: item.name,
)
def test_every_way_to_close_a_public_policy_closes(closing: Event) -> None:
    (found,) = [item for item in windows(put_policy(allow("*"), when=at(10)), closing) if item.kind == "public"]
    assert found.closed_at == at(20)
    assert found.closed_event == closing.id


def test_what_fails_opens_and_closes_nothing() -> None:
    assert windows(put_policy(allow("*"), error="AccessDenied")) == ()
    (found,) = windows(
        put_policy(allow("*"), when=at(1)),
        event("DeleteBucketPolicy", bucket="payroll", when=at(2), error="AccessDenied"),
    )
    assert found.closed_at == ""


def test_removing_the_block_lets_a_policy_that_stayed_public_open_again() -> None:
    found = windows(put_policy(allow("*"), when=at(1)), block(5), block(9, on=False), stranger(10))
    public = [item for item in found if item.kind == "public"]
    assert [(item.opened_at, item.closed_at, item.reads) for item in public] == [(at(9), "", 1), (at(1), at(5), 0)]
    (unblocked,) = [item for item in found if item.kind == "unblocked"]
    assert (unblocked.opened_at, unblocked.closed_at) == (at(9), "")


def test_an_account_is_let_in_and_put_out() -> None:
    (found,) = windows(
        put_policy(allow(LET_IN), when=at(1)),
        read(OUTSIDER, when=at(2)),
        stranger(3, error="AccessDenied"),
        put_policy(allow({"AWS": BOB}), when=at(4)),
        read(OUTSIDER, when=at(5), error="AccessDenied"),
    )
    assert (found.kind, found.by, found.opened_at, found.closed_at) == ("shared", OUTSIDE, at(1), at(4))
    assert [item.principal for item in found.outsiders] == [f"AWSAccount:{OUTSIDE}"]
    assert found.reads == 1


def test_a_public_acl_opens_until_acls_do_not_count_any_more() -> None:
    enforced = {"OwnershipControls": {"Rule": {"ObjectOwnership": "BucketOwnerEnforced"}}}
    (found,) = windows(
        event("PutBucketAcl", bucket="payroll", params={"x-amz-acl": "public-read"}, when=at(1)),
        event("PutBucketOwnershipControls", bucket="payroll", params=enforced, when=at(2)),
    )
    assert (found.by, found.closed_at) == ("ACL", at(2))


def test_objects_made_public_open_the_bucket() -> None:
    public = {"x-amz-acl": "public-read"}
    (found,) = windows(event("PutObjectAcl", bucket="payroll", key="a", params=public, when=at(1)), stranger(2))
    assert (found.by, found.reads) == ("ACLs of objects", 1)


def test_the_block_of_the_account_is_told_apart() -> None:
    found = windows(block(1, account=True, on=False), block(3, account=True))
    assert [(item.bucket, item.kind, item.opened_at, item.closed_at) for item in found] == [
        ("", "unblocked", at(1), at(3))
    ]


def test_strangers_who_got_in_without_a_setting_seen_tell_that_it_was_open_before() -> None:
    found = windows(stranger(1), block(5), stranger(6, error="AccessDenied"))
    (before,) = [item for item in found if item.kind == "public"]
    assert (before.opened_at, before.closed_at, before.reads) == ("", at(5), 1)
    assert before.text.startswith("open to everyone since before the trail")


def test_own_people_and_services_are_no_outsiders() -> None:
    service = {"type": "AWSService", "invokedBy": "cloudfront.amazonaws.com"}
    (found,) = windows(put_policy(allow("*")), read(when=at(1)), read(session(), when=at(1)), read(service, when=at(1)))
    assert found.outsiders == ()


def test_the_order_of_events_does_not_matter() -> None:
    events = [
        put_policy(allow("*"), when=at(10)),
        stranger(11),
        block(20),
        block(30, on=False),
        stranger(31),
        put_policy(allow(LET_IN), when=at(40)),
        read(OUTSIDER, when=at(41)),
        event("DeleteBucketPolicy", bucket="payroll", when=at(50)),
    ]
    expected = windows(*events)
    assert len(expected) == 4
    for seed in range(6):
        random.Random(seed).shuffle(events)
        assert windows(*events) == expected


def test_calls_that_were_added_up_and_reach_over_the_edge_are_told_as_about() -> None:
    found = Exposures()
    found.add(alike(put_policy(allow("*"), when=at(10))))
    some = alike(stranger(5))
    some.count, some.last, some.bytes_out = 40, at(15), 40_000
    found.add(some)
    (window,) = found.windows()
    assert window.reads == 40
    assert not window.outsiders[0].exact
    assert "about 40 objects" in window.text


def test_memory_is_bounded_and_nothing_is_lost_but_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FINE", 10)
    monkeypatch.setattr(module, "MOST_CELLS", 20)
    monkeypatch.setattr(module, "MOST_BUCKETS", 3)
    found = Exposures()
    found.add(alike(put_policy(allow("*"), when=at(0))))
    for number in range(2000):
        found.add(alike(stranger(number, bucket="payroll")))
        found.add(alike(stranger(number, bucket=f"b{number}")))
    assert found.capped
    assert len(found._buckets["payroll"].touches) < 60
    (payroll,) = [item for item in found.windows() if item.bucket == "payroll"]
    assert payroll.reads == 2000


def test_a_bucket_that_outsiders_read_is_affected_and_one_that_only_stood_open_is_not_by_this() -> None:
    found = Exposures()
    for item in (put_policy(allow("*")), stranger(1), put_policy(allow("*"), bucket="other")):
        found.add(alike(item))
    reasons = found.reasons()
    assert set(reasons) == {"payroll"}
    assert reasons["payroll"][0].severity.word == "high"
    assert reasons["payroll"][0].events


def test_as_json_it_has_everything() -> None:
    (found,) = windows(put_policy(allow("*")), stranger(1))
    made = found.to_json()
    assert {"bucket", "kind", "by", "opened_at", "opened_by", "closed_at", "text", "outsiders"} <= set(made)
    assert made["outsiders"][0]["addresses"] == ["203.0.113.7"]


def test_hostile_names_are_safe_in_words() -> None:
    who = session("web", "x\x1b[2J", "ASIAX000000000000001")
    (found,) = windows(put_policy(allow("*"), by=who))
    assert "\x1b" not in found.text


def test_a_policy_for_one_address_opens_a_window_to_it_and_to_nobody_else() -> None:
    from_there = allow("*") | {"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
    found = windows(
        put_policy(from_there, when=at(10)),
        stranger(11),
        read(OUTSIDER, when=at(12), address="198.51.100.4"),
        put_policy(allow({"AWS": f"arn:aws:iam::{ACCOUNT}:role/app"}), when=at(20)),
    )
    (window,) = [item for item in found if item.kind == "granted"]
    assert (window.by, window.opened_at, window.closed_at) == ("anyone from 203.0.113.0/24", at(10), at(20))
    assert [item.principal for item in window.outsiders] == ["anonymous"]
    assert "open to anyone from 203.0.113.0/24 from" in window.text


def test_a_policy_for_a_service_says_nothing_of_what_other_accounts_read_meanwhile() -> None:
    found = windows(
        put_policy(allow({"Service": "cloudfront.amazonaws.com"}), when=at(10)),
        read(OUTSIDER, when=at(12), address="198.51.100.4"),
    )
    (window,) = found
    assert (window.kind, window.outsiders) == ("granted", ())
    assert "outsider" not in window.text
