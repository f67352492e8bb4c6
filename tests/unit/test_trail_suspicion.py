"""Who is suspect by everything it did: thieves, and not the people and jobs beside them."""

from __future__ import annotations

import random

import pytest
from trail_world import (
    ACCOUNT,
    ANONYMOUS,
    BOTO,
    CLI,
    EC2,
    OUTSIDE,
    OUTSIDER,
    allow,
    assume,
    at,
    event,
    new_key,
    put_policy,
    read,
    session,
    user,
)

from s3ir_tui.model import Severity
from s3ir_tui.trail.analysis import Analysis, PrincipalSighting
from s3ir_tui.trail.event import Event

BOB = f"arn:aws:iam::{ACCOUNT}:user/bob"
WEB = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/i-0aaaaaaaaaaaaaaa1"
HOME, THIEF = "54.214.7.7", "203.0.113.7"


def analysis(*events: Event, **own: tuple[str, ...]) -> Analysis:
    made = Analysis(**own)
    made.add(events)
    return made


def of(found: Analysis, ident: str) -> PrincipalSighting:
    return next(item for item in found.principals() if item.id == ident)


def names(item: PrincipalSighting) -> set[str]:
    return {reason.name for reason in item.reasons}


def work(who: dict[str, object], *, days: int = 3, address: str = HOME, agent: str = BOTO) -> list[Event]:
    """Some days of reading the same objects."""
    return [
        read(
            who,
            bucket="content",
            key=f"page-{number}",
            when=at(days=-day, minutes=number),
            address=address,
            agent=agent,
        )
        for day in range(days, 0, -1)
        for number in range(5)
    ]


def test_a_key_of_an_instance_in_two_networks_at_once_is_stolen() -> None:
    found = analysis(*work(session()), read(session(), address=HOME), read(session(), address=THIEF, agent=CLI))
    thief = of(found, WEB)
    assert thief.severity is Severity.CRITICAL
    assert "instance-key-moved" in names(thief)


def test_two_keys_of_one_instance_in_two_networks_are_suspect_where_the_programs_differ() -> None:
    other = session(key="ASIAWEB0000000000002")
    late = [read(session(), address=HOME, when=at(minute)) for minute in (0, 20)]
    assert of(analysis(*late, read(other, address=THIEF, agent=CLI, when=at(10))), WEB).severity is Severity.HIGH
    assert of(analysis(*late, read(other, address=THIEF, when=at(10))), WEB).severity is Severity.MEDIUM


def test_an_instance_that_got_a_new_address_is_not_suspect() -> None:
    before = work(session(key="ASIAWEB0000000000009"), address=HOME)
    after = [read(session(), address="54.214.200.9", when=at(minute)) for minute in range(20)]
    assert of(analysis(*before, *after), WEB).severity is Severity.INFO


def test_an_instance_that_uses_two_private_paths_is_not_suspect() -> None:
    events = [read(session(), address=address, when=at(n)) for n in range(20) for address in ("10.1.0.7", "10.9.0.7")]
    assert of(analysis(*events), WEB).severity <= Severity.MEDIUM


def test_an_instance_that_lists_buckets_and_reads_what_it_found_is_suspect_wherever_it_calls_from() -> None:
    events = [
        event("ListBuckets", session(), agent=CLI),
        event("ListObjects", session(), bucket="payroll", agent=CLI, when=at(1)),
        read(session(), agent=CLI, when=at(2)),
    ]
    found = analysis(*events)
    assert of(found, WEB).severity is Severity.HIGH
    (reason,) = [item for item in of(found, WEB).reasons if item.name == "instance-looked-around"]
    assert set(reason.events) == {item.id for item in events}
    assert found.instances()[0].severity is Severity.HIGH


def test_an_instance_that_lists_buckets_every_day_does_its_work() -> None:
    daily = [event("ListBuckets", session(), when=at(days=-day), address=HOME) for day in range(5)]
    listed = [event("ListObjects", session(), bucket="content", when=item.time, address=HOME) for item in daily]
    assert of(analysis(*daily, *listed, *work(session())), WEB).severity <= Severity.MEDIUM


@pytest.mark.parametrize(
    "agent", ["aws-cli/1.16.280 Python/3.7.3 Linux/4.19.0-kali5-amd64 botocore/1.13.16", "TruffleHog", "[pacu/1.5]"]
)
def test_attack_tools_are_suspect_in_any_hand(agent: str) -> None:
    assert of(analysis(read(user(), agent=agent)), BOB).severity is Severity.HIGH


def test_anonymous_reads_are_suspect_and_refused_ones_are_not() -> None:
    assert of(analysis(read(ANONYMOUS)), "anonymous").severity is Severity.HIGH
    assert of(analysis(read(ANONYMOUS, error="AccessDenied")), "anonymous").severity <= Severity.MEDIUM


def test_a_session_made_by_a_suspect_is_suspect_and_so_is_what_it_makes() -> None:
    stolen = session()
    found = analysis(
        *work(stolen),
        read(stolen, address=THIEF, agent=CLI),
        assume(stolen, "backup", "nightly", "ASIABACKUP0000000001", address=THIEF),
        read(session("backup", "nightly", "ASIABACKUP0000000001"), address=THIEF),
        assume(session("backup", "nightly", "ASIABACKUP0000000001"), "vault", "x", "ASIAVAULT00000000001"),
        read(session("vault", "x", "ASIAVAULT00000000001")),
    )
    for name in ("backup/nightly", "vault/x"):
        heir = of(found, f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}")
        assert heir.severity is Severity.HIGH
        assert "made-by-suspect" in names(heir)


def test_an_account_let_in_by_a_suspect_is_suspect() -> None:
    found = analysis(put_policy(allow({"AWS": f"arn:aws:iam::{OUTSIDE}:root"})), read(OUTSIDER))
    assert "let-in-by-suspect" in names(of(found, f"AWSAccount:{OUTSIDE}"))
    (bucket,) = found.buckets()
    assert bucket.severity is Severity.CRITICAL


def test_a_partner_account_that_reads_is_not_suspect_by_that() -> None:
    assert of(analysis(read(OUTSIDER)), f"AWSAccount:{OUTSIDE}").severity <= Severity.MEDIUM


def found_key(*, last: list[Event]) -> Analysis:
    """Someone tries out a key: who am I, which buckets, how are they protected; then `last`."""
    return analysis(
        event("GetCallerIdentity", service="sts", agent=CLI),
        event("ListBuckets", when=at(1), agent=CLI),
        event("GetBucketPolicy", when=at(2), bucket="payroll", agent=CLI),
        *last,
    )


def test_weak_signs_together_make_a_suspect() -> None:
    last = [read(when=at(3), agent=CLI), new_key(user(), "bob", "AKIABOB0000000000002", when=at(4), agent=CLI)]
    thief = of(found_key(last=last), BOB)
    assert thief.severity is Severity.HIGH
    (reason,) = [item for item in thief.reasons if item.name == "many-signs"]
    assert len(reason.events) >= 4


def test_looking_around_alone_is_not_above_medium() -> None:
    look = [
        event("ListUsers", service="iam", when=at(3), agent=CLI),
        event("DescribeTrails", service="cloudtrail", when=at(3), agent=CLI),
    ]
    assert of(found_key(last=look), BOB).severity is Severity.MEDIUM


def test_a_developer_who_lists_and_reads_is_not_above_medium() -> None:
    events = [event("GetCallerIdentity", service="sts", agent=CLI), event("ListBuckets", agent=CLI), read(agent=CLI)]
    assert of(analysis(*events), BOB).severity <= Severity.MEDIUM


def test_a_responder_who_contains_is_not_above_medium() -> None:
    deny = '{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'
    responder = session("IRResponder", "alice", "ASIAALICE00000000001")
    events = [
        event("GetCallerIdentity", responder, service="sts"),
        event("ListBuckets", responder),
        event("ListUsers", responder, service="iam"),
        event("GetBucketPolicy", responder, bucket="payroll"),
        event("LookupEvents", responder, service="cloudtrail"),
        event("PutUserPolicy", responder, service="iam", params={"userName": "x", "policyDocument": deny}),
        event("UpdateAccessKey", responder, service="iam", params={"userName": "x", "status": "Inactive"}),
        read(responder, bucket="trail-logs", key=f"AWSLogs/{ACCOUNT}/CloudTrail/x.json.gz"),
    ]
    assert of(analysis(*events), f"arn:aws:sts::{ACCOUNT}:assumed-role/IRResponder/alice").severity <= Severity.MEDIUM


def test_our_own_calls_raise_no_suspicion() -> None:
    found = analysis(put_policy(allow("*"), by=user()), own_keys=("AKIABOB0000000000001",))
    assert of(found, BOB).severity is Severity.INFO
    (bucket,) = found.buckets()
    assert bucket.severity is Severity.INFO


def test_another_key_of_our_own_user_is_under_suspicion_all_the_same() -> None:
    leaked = put_policy(allow("*"), by=user("bob", "AKIABOB0000000000002"))
    found = analysis(event("ListBuckets"), leaked, own_keys=("AKIABOB0000000000001",))
    assert of(found, BOB).severity is Severity.CRITICAL
    assert of(found, BOB).events == 2


def test_established_work_is_without_reasons() -> None:
    found = analysis(*work(session()), *work(user(), address="10.0.7.30"), read(session(), address=HOME))
    assert [item.reasons for item in found.principals()] == [(), ()]


def test_a_bulk_delete_is_suspect_and_daily_clearing_is_not() -> None:
    burst = [event("DeleteObject", bucket="payroll", key=f"{n}", when=at(n / 60)) for n in range(40)]
    before = [event("DeleteObject", bucket="payroll", key=f"x{n}", when=at(n / 60, days=-1)) for n in range(40)]
    assert of(analysis(*burst), BOB).severity is Severity.HIGH
    assert of(analysis(*before, *burst), BOB).severity <= Severity.LOW


def test_a_user_whom_aws_put_into_quarantine_is_suspect_and_the_caller_is_not() -> None:
    attach = event(
        "AttachUserPolicy",
        EC2,
        service="iam",
        params={"userName": "bob", "policyArn": "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"},
    )
    assert [item.id for item in analysis(attach).principals()] == [BOB]


def test_buckets_that_only_the_instance_itself_reads_are_not_blamed_on_the_thief() -> None:
    found = analysis(*work(session()), read(session(), bucket="payroll", address=THIEF, agent=CLI))
    severities = {item.name: item.severity for item in found.buckets()}
    assert severities["payroll"] is Severity.HIGH
    assert severities["content"] is Severity.INFO


def test_suspicion_does_not_depend_on_the_order_of_events() -> None:
    stolen = session()
    events = [
        *work(stolen),
        *work(user(), address="10.0.7.30"),
        event("ListBuckets", stolen, address=THIEF, agent=CLI),
        read(stolen, address=THIEF, agent=CLI),
        assume(stolen, "backup", "nightly", "ASIABACKUP0000000001", address=THIEF),
        read(session("backup", "nightly", "ASIABACKUP0000000001"), address=THIEF),
        put_policy(allow("*"), by=stolen),
    ]
    expected = {item.id: (item.severity, names(item)) for item in analysis(*events).principals()}
    for seed in range(5):
        random.Random(seed).shuffle(events)
        assert {item.id: (item.severity, names(item)) for item in analysis(*events).principals()} == expected


def test_the_event_that_makes_a_suspect_is_shown_as_such_and_its_reads_after() -> None:
    found = Analysis()
    found.add(work(session()))
    moved, later = found.add([read(session(), address=THIEF, agent=CLI), read(session(), address=THIEF, agent=CLI)])
    assert moved.severity >= Severity.HIGH
    assert later.severity is Severity.HIGH
    assert later.reasons == ("by a suspect",)
