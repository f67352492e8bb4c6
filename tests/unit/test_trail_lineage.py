"""Who made which credential, and what belongs to a family."""

from __future__ import annotations

import json

from trail_world import (
    ACCOUNT,
    EC2,
    OUTSIDE,
    OUTSIDER,
    allow,
    assume,
    at,
    event,
    new_key,
    policy,
    put_policy,
    read,
    session,
    user,
)

from s3ir_tui.trail.alike import alone
from s3ir_tui.trail.details import moment
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.lineage import Family, Lineage

BOB = f"arn:aws:iam::{ACCOUNT}:user/bob"
KEY, SECOND, SESSION = "AKIABOB0000000000001", "AKIABOB0000000000002", "ASIABOB0000000000003"


def lineage(*events: Event) -> Lineage:
    made = Lineage()
    for item in events:
        made.add(alone(item, ()))
    return made


def token(by: dict[str, object], key: str) -> Event:
    return event(
        "GetSessionToken",
        by,
        service="sts",
        params={"durationSeconds": 3600},
        answer={"credentials": {"accessKeyId": key, "expiration": "Nov 24, 2026, 10:00:00 AM"}},
    )


def keys(family: Family) -> set[str]:
    return {item.access_key for item in family.credentials}


def test_a_leaked_key_brings_everything_that_was_made_with_it() -> None:
    found = lineage(read(user()), new_key(user(), "bob", SECOND), token(user("bob", SECOND), SESSION))
    family = found.family(KEY)
    assert keys(family) == {KEY, SECOND, SESSION}
    assert family.users == (BOB,)
    assert found.parent_of(SESSION) == found.credential(SECOND)
    (root,) = found.tree(KEY)
    assert root.children[0].credential.access_key == SECOND
    assert root.children[0].children[0].credential.access_key == SESSION


def test_the_family_of_a_key_leaves_out_its_owners_other_keys() -> None:
    found = lineage(read(user()), read(user("bob", "AKIABOB0000000000009")))
    assert keys(found.family(KEY)) == {KEY}
    assert keys(found.family(BOB)) == {KEY, "AKIABOB0000000000009"}
    assert BOB not in found.family(KEY).idents
    assert BOB in found.family(BOB).idents


def test_order_does_not_matter() -> None:
    events = [
        read(user("bob", SECOND)),
        token(user("bob", SECOND), SESSION),
        new_key(user(), "bob", SECOND),
        read(user()),
    ]
    assert lineage(*events).family(KEY).idents == lineage(*reversed(events)).family(KEY).idents


def test_denied_calls_make_nothing() -> None:
    tried = event("CreateAccessKey", service="iam", params={"userName": "bob"}, error="AccessDenied")
    assert keys(lineage(read(user()), tried).family(KEY)) == {KEY}


def test_chained_roles_are_followed() -> None:
    web = session("web", "i-0aaaaaaaaaaaaaaa1", "ASIAWEB0000000000001")
    backup = session("backup", "nightly", "ASIABACKUP0000000001")
    found = lineage(
        read(web),
        assume(web, "backup", "nightly", "ASIABACKUP0000000001"),
        assume(backup, "vault", "deep", "ASIAVAULT00000000001"),
    )
    family = found.family(f"arn:aws:sts::{ACCOUNT}:assumed-role/web/i-0aaaaaaaaaaaaaaa1")
    assert keys(family) == {"ASIAWEB0000000000001", "ASIABACKUP0000000001", "ASIAVAULT00000000001"}
    assert set(family.roles) == {f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("web", "backup", "vault")}
    assert family.instances == ("i-0aaaaaaaaaaaaaaa1",)
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/backup/nightly" in family.principals


def test_another_session_of_the_same_role_is_not_family() -> None:
    found = lineage(read(session()), read(session(name="i-0bbbbbbbbbbbbbbb2", key="ASIAWEB0000000000002")))
    assert "ASIAWEB0000000000002" not in keys(
        found.family(f"arn:aws:sts::{ACCOUNT}:assumed-role/web/i-0aaaaaaaaaaaaaaa1")
    )
    assert "ASIAWEB0000000000002" in keys(found.family(f"arn:aws:iam::{ACCOUNT}:role/web"))


def test_an_instance_has_the_credentials_that_ec2_handed_to_it() -> None:
    found = lineage(assume(EC2, "web", "i-0aaaaaaaaaaaaaaa1", "ASIAWEB0000000000001"))
    (credential,) = found.family("i-0aaaaaaaaaaaaaaa1").credentials
    assert (credential.kind, credential.parent) == ("instance-role", "")
    assert credential.expires_at == "2026-11-24T15:00:00Z"


def test_an_account_that_the_family_let_into_a_bucket_belongs_to_it() -> None:
    found = lineage(read(user()), put_policy(allow({"AWS": f"arn:aws:iam::{OUTSIDE}:root"})), read(OUTSIDER))
    assert found.family(BOB).accounts == (OUTSIDE,)
    assert OUTSIDE in found.family(KEY).idents
    assert f"AWSAccount:{OUTSIDE}" in found.family(KEY).principals


def test_a_user_that_the_family_made_belongs_to_it_with_its_keys() -> None:
    mallory = f"arn:aws:iam::{ACCOUNT}:user/mallory"
    made = event("CreateUser", service="iam", params={"userName": "mallory"}, answer={"user": {"arn": mallory}})
    found = lineage(read(user()), made, read(user("mallory", "AKIAMAL0000000000001")))
    family = found.family(KEY)
    assert mallory in family.users
    assert "AKIAMAL0000000000001" in keys(family)


def test_a_key_made_for_another_user_is_family_and_that_users_own_keys_are_not() -> None:
    found = lineage(
        read(user()), new_key(user(), "alice", "AKIAALICE00000000002"), read(user("alice", "AKIAALICE00000000001"))
    )
    family = found.family(KEY)
    assert "AKIAALICE00000000002" in keys(family)
    assert "AKIAALICE00000000001" not in keys(family)


def test_a_role_opened_to_an_outsider_is_named_and_its_sessions_stay_their_owners() -> None:
    trust = json.dumps(policy({**allow({"AWS": f"arn:aws:iam::{OUTSIDE}:root"}), "Action": "sts:AssumeRole"}))
    opened = event("UpdateAssumeRolePolicy", service="iam", params={"roleName": "web", "policyDocument": trust})
    family = lineage(read(user()), opened, read(session())).family(KEY)
    assert f"arn:aws:iam::{ACCOUNT}:role/web" in family.roles
    assert family.accounts == (OUTSIDE,)
    assert "ASIAWEB0000000000001" not in keys(family)


def test_what_an_outsider_assumes_is_its_family() -> None:
    outsider = dict(OUTSIDER)
    found = lineage(assume(outsider, "web", "x", "ASIAOUT0000000000001"))
    assert keys(found.family(OUTSIDE)) == {"ASIAOUT0000000000001"}


def test_sessions_that_were_only_seen_at_work_end_at_the_latest() -> None:
    found = lineage(read(session(), when=at(5)))
    credential = found.credential("ASIAWEB0000000000001")
    assert credential is not None
    assert (credential.issued_at, credential.expires_at) == ("", "2026-11-24T21:00:00Z")


def test_the_path_of_a_user_is_learnt_from_its_own_calls() -> None:
    alice = user("alice", "AKIAALICE00000000002") | {"arn": f"arn:aws:iam::{ACCOUNT}:user/staff/alice"}
    for events in ((new_key(user(), "alice", "AKIAALICE00000000002"), read(alice)),):
        credential = lineage(*events).credential("AKIAALICE00000000002")
        assert credential is not None
        assert credential.owner_arn.endswith("user/staff/alice")


def test_services_keys_of_forward_access_sessions_are_not_credentials_of_anyone() -> None:
    forwarded = read(user("bob", "ASIAFAS0000000000001") | {"invokedBy": "athena.amazonaws.com"})
    assert lineage(forwarded).credential("ASIAFAS0000000000001") is None


def test_memory_is_bounded_and_says_so() -> None:
    made = Lineage(limit=10)
    for number in range(50):
        made.add(alone(read(user("bob", f"AKIABOB{number:013d}")), ()))
    assert made.capped
    assert len(made.family(BOB).credentials) == 10


def test_circles_end() -> None:
    one, two = session("a", "x", "ASIAA000000000000001"), session("b", "y", "ASIAB000000000000001")
    found = lineage(assume(one, "b", "y", "ASIAB000000000000001"), assume(two, "a", "x", "ASIAA000000000000001"))
    assert len(found.family("ASIAA000000000000001").credentials) == 2
    found.tree("ASIAA000000000000001")


def test_expirations_of_every_shape_are_read() -> None:
    for given in ("Sep 14, 2020, 7:10:27 AM", "Sep 14, 2020 7:10:27 AM", "Sep 14, 2020, 7:10:27\u202fAM", 1600067427):
        assert moment(given) == "2020-09-14T07:10:27Z"
    assert moment("Sep 14, 2020, 12:10:27 PM") == "2020-09-14T12:10:27Z"
    for given in (None, "", "soon", [], 1e300, "Xxx 14, 2020, 7:10:27 AM"):
        assert moment(given) == ""
