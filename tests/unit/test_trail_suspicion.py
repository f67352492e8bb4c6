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
from s3ir_tui.trail.arns import network_of
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.exits import Exits

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
    assert of(analysis(*late, read(other, address=THIEF, agent=CLI, when=at(10))), WEB).severity is Severity.CRITICAL
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


# -- the house at work ----------------------------------------------------------------------------

NATS = ("52.29.10.4", "3.121.77.9", "18.198.4.60")


def behind_nats(instance: str, *, days: int = 3) -> list[Event]:
    """An instance whose calls leave by several addresses, with keys that change every six hours."""
    return [
        read(
            session("web", instance, f"ASIA{instance[-6:].upper()}{day}{hour // 6:09d}"),
            bucket="content",
            when=at(days=-day, minutes=60 * hour + 20 * number),
            address=address,
        )
        for day in range(days, 0, -1)
        for hour in range(24)
        for number, address in enumerate(NATS)
    ]


def test_an_instance_behind_nat_gateways_is_not_suspect() -> None:
    assert of(analysis(*behind_nats("i-0aaaaaaaaaaaaaaa1")), WEB).severity <= Severity.MEDIUM


def test_a_thief_of_an_instance_behind_nat_gateways_is_found_with_the_same_program() -> None:
    at_work = behind_nats("i-0aaaaaaaaaaaaaaa1")
    for key, reason in (
        (at_work[-1].access_key, "instance-key-moved"),
        ("ASIANEW0000000000001", "instance-session-moved"),
    ):
        thief = session("web", "i-0aaaaaaaaaaaaaaa1", key)
        stolen = [read(thief, address=THIEF, when=at(days=-1, minutes=60 * 20 + n)) for n in range(5)]
        found = of(analysis(*at_work, *stolen), WEB)
        assert found.severity >= Severity.HIGH
        assert reason in names(found)


def test_ways_out_are_networks_that_several_instances_have_used_from_their_beginning() -> None:
    exits = Exits()
    for number in range(3):
        who = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/i-0000000000000000{number}"
        for address in NATS[:2]:
            exits.add(who, address, at(number))
        exits.add(who, THIEF, at(300 + number))
    assert exits.has(network_of(NATS[0]))
    assert not exits.has(network_of(NATS[2]))
    assert not exits.has(network_of(THIEF))
    assert exits.revision > 0


MAC = "[aws-cli/2.22.0 md/awscrt#0.22.0 ua/2.0 os/macos#23.6.0 md/arch#arm64 lang/python#3.12.6]"


def test_macos_on_an_instance_is_a_theft_unless_it_is_a_mac_that_works_for_days() -> None:
    assert of(analysis(read(session(), agent=MAC, address=THIEF)), WEB).severity is Severity.CRITICAL
    days = [*work(session(), agent=MAC), *work(session(key="ASIAWEB0000000000002"), agent=MAC)]
    assert of(analysis(*days), WEB).severity <= Severity.MEDIUM
    assert of(analysis(*days, read(session(), agent=BOTO)), WEB).severity >= Severity.HIGH


def test_a_function_with_many_addresses_is_not_suspect() -> None:
    who = session("thumbnails", "make-thumbnail", "ASIATHUMB00000000001")
    events = [read(who, bucket="media", address=f"3.{64 + n % 9}.{n}.9", when=at(n)) for n in range(60)]
    found = of(analysis(*events), f"arn:aws:sts::{ACCOUNT}:assumed-role/thumbnails/make-thumbnail")
    assert found.severity <= Severity.MEDIUM
    assert len([reason for reason in found.reasons if reason.name == "key-at-two-places"]) <= 1


def cleared(who: dict[str, object], *more: Event) -> Severity:
    gone = [event("DeleteObject", who, bucket="payroll", key=f"{n}", when=at(n / 60)) for n in range(40)]
    return analysis(*gone, *more).principals()[0].severity


def test_a_job_that_only_clears_is_not_alarming_and_one_that_read_or_looked_for_versions_is() -> None:
    job = session("janitor", "sweep", "ASIAJANITOR000000001")
    assert cleared(job) is Severity.MEDIUM
    assert cleared(job, read(job)) is Severity.HIGH
    assert cleared(job, event("ListObjectVersions", job, bucket="payroll")) is Severity.HIGH
    suspended = {"VersioningConfiguration": {"Status": "Suspended"}}
    assert cleared(job, event("PutBucketVersioning", job, bucket="payroll", params=suspended)) >= Severity.HIGH
    assert cleared(user()) is Severity.HIGH


def test_what_keeps_an_account_as_described_is_not_alarming_and_who_also_searches_is() -> None:
    who = session("ci-deploy", "run-1", "ASIACI00000000000001")
    run = [
        event("GetCallerIdentity", who, service="sts"),
        event("GetBucketPolicy", who, bucket="payroll", when=at(1)),
        event("ListRolePolicies", who, service="iam", when=at(1)),
        event("DescribeTrails", who, service="cloudtrail", when=at(1)),
        read(who, bucket="state", key="prod/terraform.tfstate", when=at(1)),
        event("PutRolePolicy", who, service="iam", params={"roleName": "x", "policyDocument": "{}"}, when=at(2)),
        event("DeleteBucket", who, bucket="feature-1", when=at(3)),
    ]
    ident = f"arn:aws:sts::{ACCOUNT}:assumed-role/ci-deploy/run-1"
    assert of(analysis(*run), ident).severity is Severity.MEDIUM
    assert of(analysis(*run, event("ListBuckets", who, when=at(4))), ident).severity is Severity.HIGH


def test_people_who_proved_themselves_are_judged_by_strong_signs() -> None:
    who = session("AWSReservedSSO_Administrators_0123456789abcdef", "ann@example.com", "ASIASSO0000000000001")
    ident = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Administrators_0123456789abcdef/ann@example.com"
    day = [
        event("GetCallerIdentity", who, service="sts"),
        event("ListBuckets", who),
        event("ListUsers", who, service="iam"),
        event("GetBucketPolicy", who, bucket="payroll"),
        event("CreateAccessKey", who, service="iam", params={"userName": "alice"}),
        read(who),
    ]
    assert of(analysis(*day), ident).severity is Severity.MEDIUM
    assert of(analysis(*day, put_policy(allow("*"), by=who)), ident).severity is Severity.CRITICAL


def test_a_key_of_software_within_a_vpc_and_outside_by_another_program_is_stolen() -> None:
    task = session("orders-api", "0f3c9a", "ASIATASK000000000001")
    ident = f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-api/0f3c9a"
    at_work = [read(task, address="10.20.0.4", when=at(n)) for n in range(10)]
    found = of(analysis(*at_work, read(task, address=THIEF, agent=CLI, when=at(5))), ident)
    assert found.severity is Severity.HIGH
    assert "key-at-two-places" in names(found)
    same = of(analysis(*at_work, read(task, address=HOME, when=at(5))), ident)
    assert same.severity is Severity.LOW


def test_a_leaked_key_that_lists_and_reads_all_over_the_place_is_suspect_without_a_past() -> None:
    given: dict[str, object] = {"agent": BOTO, "address": THIEF}
    events = [
        event("GetCallerIdentity", service="sts", **given),
        event("ListBuckets", when=at(1), **given),
        *(event("ListObjects", bucket=f"b{n}", when=at(2), **given) for n in range(4)),
        *(read(bucket=f"b{n % 4}", key=f"{n}", when=at(3 + n / 60), **given) for n in range(120)),
    ]
    assert of(analysis(*events), BOB).severity is Severity.HIGH
    few = events[:20]
    assert of(analysis(*few), BOB).severity is Severity.MEDIUM


def test_a_thousand_objects_at_once_are_worth_a_look_and_a_hundred_are_little() -> None:
    many = [read(key=f"{n}", when=at(n / 200)) for n in range(1200)]
    assert of(analysis(*many), BOB).severity is Severity.MEDIUM
    assert of(analysis(*many[:150]), BOB).severity is Severity.LOW
