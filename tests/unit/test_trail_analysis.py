"""The analysis as a whole: counting, bounds, pulses, JSON."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from trail_world import ACCOUNT, CLI, EC2, OUTSIDE, OUTSIDER, START, at, event, put_policy, read, session, user

from s3ir_tui.model import Severity
from s3ir_tui.trail import analysis as module
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.arns import is_private, network_of
from s3ir_tui.trail.decode import Skipped
from s3ir_tui.trail.dedupe import SeenIds
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.names import got_through, is_denied
from s3ir_tui.trail.own_calls import own_sessions

BOB, KEY = f"arn:aws:iam::{ACCOUNT}:user/bob", "AKIABOB0000000000001"
WEB = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/i-0aaaaaaaaaaaaaaa1"
NOW = START + timedelta(minutes=2)


def analysis(*events: Event) -> Analysis:
    made = Analysis()
    made.add(events, "test")
    return made


def refused(who: dict[str, object] | None = None, **more: object) -> Event:
    return read(who, error="AccessDenied", **more)


def test_an_event_that_several_sources_bring_counts_once() -> None:
    found, item = Analysis(), read()
    assert len(found.add([item, item], "one")) == 1
    assert found.add([item], "two") == []
    assert (found.events, found.distinct, found.duplicates) == (3, 1, 2)
    assert found.principals()[0].events == 1


def test_new_events_come_back_judged_in_the_order_given() -> None:
    first, second = read(when=at(5)), read(when=at(1))
    judged = Analysis().add([first, second], "lookup us-east-1")
    assert [item.event.id for item in judged] == [first.id, second.id]
    assert {item.source for item in judged} == {"lookup us-east-1"}


def test_our_own_calls_are_marked() -> None:
    found = Analysis()
    found.own_keys = frozenset({KEY})
    (mine,) = found.add([read()])
    assert mine.ours


def test_denied_counts_refusals_and_not_every_failure() -> None:
    found = analysis(read(), refused(), read(error="NoSuchKey"), read(error="SlowDown"))
    assert (found.principals()[0].events, found.principals()[0].denied) == (4, 1)


def test_reads_and_bytes_are_of_objects_that_left() -> None:
    listed = event("ListObjects", bucket="payroll", out=500.0)
    found = analysis(read(), refused(out=99.0), listed, event("PutObject", bucket="payroll", key="k"))
    (bucket,) = found.buckets()
    assert (bucket.events, bucket.reads, bucket.writes, bucket.bytes_out) == (4, 1, 1, 1000)
    assert found.principals()[0].bytes_out == 1000


def test_keys_of_a_batch_delete_are_counted_and_its_call_is_not_added() -> None:
    keys = [event("DeleteObject", bucket="payroll", key=str(n), eventType="AwsServiceEvent") for n in range(3)]
    assert analysis(event("DeleteObjects", bucket="payroll"), *keys).buckets()[0].writes == 3


def test_aws_services_are_counted_and_not_listed() -> None:
    found = analysis(event("GetBucketAcl", EC2, bucket="payroll"), read())
    assert [item.id for item in found.principals()] == [BOB]
    assert any("1 calls of AWS services" in item.text for item in found.visibility())


def test_instances_are_those_whose_session_was_seen_at_work() -> None:
    found = analysis(read(session()))
    (instance,) = found.instances()
    assert (instance.id, instance.role) == ("i-0aaaaaaaaaaaaaaa1", f"arn:aws:iam::{ACCOUNT}:role/web")


def test_a_bucket_without_data_events_is_not_called_unread() -> None:
    found = analysis(put_policy())
    texts = [item.text for item in found.visibility()]
    assert any("not logged" in text for text in texts)
    assert not any(item.data_events for item in found.visibility())


def test_a_source_that_failed_stands_in_the_visibility() -> None:
    found = analysis(read())
    found.gap("bucket trail-logs", "AccessDenied")
    assert found.visibility()[0].text == "bucket trail-logs could not be read: AccessDenied"


def test_json_has_the_fields_that_others_rely_on() -> None:
    found = analysis(read(session(), agent=CLI), read())
    found.skip([Skipped("f", "broken JSON", 2), Skipped("f", "broken JSON", 1)])
    made = json.loads(json.dumps(found.to_json()))
    assert set(made) == {
        "events",
        "distinct",
        "duplicates",
        "first",
        "last",
        "principals",
        "buckets",
        "instances",
        "visibility",
        "skipped",
        "exposures",
        "kms_reads",
    }
    principal = {"id", "kind", "access_keys", "events", "denied", "buckets", "addresses", "first", "last"}
    assert principal | {"severity", "reasons", "instance"} <= set(made["principals"][0])
    bucket = {"name", "events", "reads", "writes", "bytes_out", "principals", "severity", "reasons"}
    assert bucket <= set(made["buckets"][0])
    assert {"id", "role", "access_keys", "severity", "reasons"} <= set(made["instances"][0])
    assert made["skipped"] == [{"origin": "f", "reason": "broken JSON", "count": 3}]
    assert made["principals"][0]["severity"] in ("critical", "high", "medium", "low", "info")


def test_an_empty_analysis_is_whole() -> None:
    made = Analysis().to_json()
    assert (made["events"], made["first"], made["principals"]) == (0, "", [])


# -- pulses ---------------------------------------------------------------------------------------


def test_the_pulse_counts_allowed_and_denied_apart() -> None:
    found = analysis(read(when=at(0)), read(when=at(0.1)), refused(when=at(1)), read(error="SlowDown", when=at(1)))
    allowed, denied = found.pulse(KEY, NOW, 10, 13)
    assert allowed == (2, *[0] * 12)
    assert denied == (*[0] * 6, 1, *[0] * 6)
    assert sum(found.pulse(KEY, NOW, 60, 3)[0]) == 2


def test_calls_are_found_by_every_name_of_who_made_them() -> None:
    found = analysis(read(session()), read(user("bob", "ASIABOB0000000000003")), read(OUTSIDER))
    for name in (WEB, "ASIAWEB0000000000001", f"arn:aws:iam::{ACCOUNT}:role/web", "i-0aaaaaaaaaaaaaaa1"):
        assert found.last_ok([name]) == at(0), name
    for name in (BOB, "ASIABOB0000000000003", OUTSIDE, f"AWSAccount:{OUTSIDE}"):
        assert sum(found.pulse([name], NOW, 10, 60)[0]) == 1, name
    assert found.last_ok([f"arn:aws:iam::{ACCOUNT}:role/other"]) == ""


def test_a_call_counts_once_though_several_of_its_names_are_asked_for() -> None:
    found = analysis(refused())
    assert found.denied([BOB, KEY]) == 1
    assert found.denied(found.family(BOB)) == 1


def test_an_answer_that_a_thing_is_absent_proves_access() -> None:
    found = analysis(read(error="NoSuchKey", when=at(1)))
    assert found.last_ok(KEY) == at(1)
    assert got_through("NoSuchEntityException")
    assert not got_through("NoSuchBucket")
    assert not got_through("AccessDenied")
    assert is_denied("Client.UnauthorizedOperation")


def test_what_happened_after_containment_is_told_to_the_second() -> None:
    found = analysis(*(read(when=at(n / 60)) for n in (1, 5)), *(refused(when=at(n / 60)) for n in (3, 6, 8)))
    assert found.first_denied_after(KEY, at(0)) == at(3 / 60)
    assert found.first_denied_after(KEY, at(4 / 60)) > at(4 / 60)
    assert found.allowed_after(KEY, at(5 / 60)) == 0
    assert found.allowed_after(KEY, at(4 / 60)) == 1
    assert found.denied_after(KEY, at(8 / 60)) == 0
    assert found.denied_after(KEY, at(0)) == 3


# -- bounds ---------------------------------------------------------------------------------------


def test_principals_beyond_the_limit_are_counted_under_their_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PRINCIPALS", 5)
    found = analysis(*(read(session("web", f"name-{n}", f"ASIA{n:016d}")) for n in range(30)))
    listed = found.principals()
    assert len(listed) == 6
    assert sum(item.events for item in listed) == 30
    assert any("too many principals" in item.text for item in found.visibility())


def test_lists_that_grow_too_long_are_cut_and_say_so() -> None:
    found = analysis(*(read(address=f"203.0.{n // 250}.{n % 250}", bucket=f"b{n}") for n in range(400)))
    (bob,) = found.principals()
    assert bob.events == 400
    assert len(bob.addresses) < 400
    assert set(bob.capped) == {"addresses", "buckets"}


def test_counters_over_time_keep_an_hour() -> None:
    found = analysis(*(read(when=at(n / 6)) for n in range(3000)))
    (unit,) = found._activity._units.values()
    assert len(unit.cells) <= 721
    assert unit.allowed == 3000


def test_forgotten_ids_are_the_oldest() -> None:
    seen = SeenIds(kept=10)
    assert all(seen.add(str(n)) for n in range(15))
    assert not seen.add("14")
    assert not seen.add("3")
    assert all(seen.add(f"x{n}") for n in range(20))
    assert seen.add("3")


def test_threads_may_read_while_another_adds() -> None:
    found, stop, errors = Analysis(), threading.Event(), []

    def look() -> None:
        try:
            while not stop.is_set():
                found.principals()
                found.pulse([BOB], NOW, 10, 12)
                found.family(BOB)
                found.to_json()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(300):
        found.add([read(user(f"u{n}", f"AKIA{n:016d}"), bucket=f"b{n}")])
    stop.set()
    for thread in threads:
        thread.join(10)
    assert not errors


def test_networks_are_told_from_addresses() -> None:
    assert network_of("203.0.113.7") == network_of("203.0.113.200")
    assert network_of("10.1.2.3") == network_of("10.1.200.3")
    assert network_of("2001:db8::1") == network_of("2001:db8:0:ffff::1")
    assert network_of("ec2.amazonaws.com") == "ec2.amazonaws.com"
    assert network_of("257.1.1.1") == "257.1.1.1"
    assert is_private("172.31.0.1")
    assert not is_private("203.0.113.7")


def test_calls_before_their_key_is_known_as_ours_are_taken_back_when_it_is() -> None:
    who = session("responders", "ana", "ASIAOURS000000000002")
    analysis = Analysis(own_keys=("ASIAOURS000000000001",))
    analysis.add(
        [
            event("GetCallerIdentity", who, service="sts"),
            event("ListBuckets", who),
            event("ListUsers", who, service="iam"),
            event("DeleteBucketPublicAccessBlock", who, bucket="payroll"),
            read(who),
        ]
    )
    (before,) = analysis.principals()
    assert before.severity >= Severity.HIGH
    assert analysis.buckets()[0].severity >= Severity.HIGH
    analysis.own_keys = frozenset((*analysis.own_keys, "ASIAOURS000000000002"))
    (after,) = analysis.principals()
    assert (after.severity, after.reasons, after.reads, after.events) == (Severity.INFO, (), 0, 5)
    assert analysis.buckets()[0].severity is Severity.INFO
    assert all(line.ours for line in analysis.add([read(who), event("ListBuckets", who)]))
    assert analysis.principals()[0].severity is Severity.INFO


def test_a_user_with_a_key_that_is_not_ours_stays_suspect_when_another_of_its_keys_is() -> None:
    leaked = user(key="AKIALEAKED0000000001")
    analysis = Analysis()
    analysis.add([event("ListBuckets", user()), event("DeleteBucketPublicAccessBlock", leaked, bucket="payroll")])
    before = analysis.principals()[0].severity
    analysis.own_keys = frozenset({user()["accessKeyId"]})
    assert analysis.principals()[0].severity is before >= Severity.HIGH


def test_the_session_that_the_console_named_is_ours_by_any_key_and_one_that_people_share_is_not() -> None:
    arn = f"arn:aws-us-gov:sts::{ACCOUNT}:assumed-role/responders/s3ir-ana"
    assert own_sessions(arn) == {arn}
    for shared in (f"arn:aws:sts::{ACCOUNT}:assumed-role/responders/ana", WEB, BOB, ""):
        assert own_sessions(shared) == frozenset()
    analysis = Analysis(own_principals=own_sessions(f"arn:aws:sts::{ACCOUNT}:assumed-role/responders/s3ir-ana"))
    (line,) = analysis.add([read(session("responders", "s3ir-ana", "ASIAUNKNOWN000000001"))])
    assert line.ours
