"""What is new to a bucket: a new thing alone is everyday, several at once are worth a look."""

from __future__ import annotations

import random
from typing import Any

import pytest
from trail_world import ACCOUNT, BOTO, CLI, at, event, read, session, user

from s3ir_tui.model import Severity
from s3ir_tui.trail import novelty as module
from s3ir_tui.trail.alike import alone, origin
from s3ir_tui.trail.detections import detect
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.novelty import Novelty
from s3ir_tui.trail.sightings import Reason

JAVA = "[aws-sdk-java/2.31.7 ua/2.1 os/Linux#6.1.119 lang/java#21.0.6]"


def add(found: Novelty, *events: Event) -> Novelty:
    for item in events:
        found.add(alone(item, detect(item)))
        if not item.invoked_by:
            found.add_origin(origin(item), item.issuer)
    return found


def week(**more: Any) -> list[Event]:
    """Days of one role that reads payroll from one network."""
    given: dict[str, Any] = {"address": "10.0.4.17", "agent": JAVA} | more
    return [
        read(session("etl", f"run-{day}-{n}", f"ASIAETL{day}{n:012d}"), when=at(days=-day, minutes=n), **given)
        for day in range(6, -1, -1)
        for n in range(6)
    ]


def reasons(*events: Event, bucket: str = "payroll", **of: Any) -> tuple[Reason, ...]:
    return add(Novelty(**of), *events).reasons().get(bucket, ())


def test_the_same_as_every_day_is_nothing_new_though_sessions_have_new_names() -> None:
    assert reasons(*week()) == ()


def test_a_new_principal_alone_is_low() -> None:
    (reason,) = reasons(*week(), read(user(), when=at(1), address="10.0.9.9", agent=JAVA))
    assert reason.severity is Severity.LOW
    assert "by user/bob: principal" in reason.text
    assert len(reason.events) == 1


def test_a_known_role_from_a_new_network_is_low_and_with_a_new_program_and_operation_medium() -> None:
    thief = session("etl", "run-0-0", "ASIAETL0000000000000")
    given: dict[str, Any] = {"address": "203.0.113.7", "when": at(1)}
    (low,) = reasons(*week(), read(thief, agent=JAVA, **given))
    assert (low.severity, low.count) == (Severity.LOW, 1)
    assert "network 203.0.113.0/24" in low.text
    (more,) = reasons(*week(), read(thief, agent=CLI, **given), event("ListObjects", thief, bucket="payroll", **given))
    assert (more.severity, more.count) == (Severity.MEDIUM, 3)
    assert "program aws-cli" in more.text
    assert "operation ListObjects" in more.text


def test_what_a_role_does_from_elsewhere_with_another_bucket_is_not_new_to_this_one() -> None:
    thief = session("etl", "run-0-0", "ASIAETL0000000000000")
    events = [*week(), *week(bucket="content"), read(thief, address="203.0.113.7", agent=CLI, when=at(1))]
    assert len(reasons(*events)) == 1
    assert reasons(*events, bucket="content") == ()


def test_what_is_told_keeps_up_with_what_comes() -> None:
    found = add(Novelty(), *week())
    assert found.reasons() == {}
    add(found, read(user(), when=at(1), address="10.0.9.9", agent=JAVA))
    assert [reason.count for reason in found.reasons()["payroll"]] == [1]
    add(found, read(user(), when=at(2), address="203.0.113.7", agent=CLI))
    assert [reason.count for reason in found.reasons()["payroll"]] == [3]


def test_everything_new_at_once_is_a_look_and_no_alarm() -> None:
    given: dict[str, Any] = {"address": "203.0.113.7", "when": at(1), "agent": CLI}
    (reason,) = reasons(*week(), event("GetBucketPolicy", user(), bucket="payroll", **given))
    assert (reason.severity, reason.count) == (Severity.MEDIUM, 4)


def test_what_others_did_with_the_bucket_before_is_not_new() -> None:
    (reason,) = reasons(*week(), read(user(), when=at(1), address="10.0.4.99", agent=JAVA))
    assert "network" not in reason.text
    assert "operation" not in reason.text


def test_without_a_time_before_nothing_is_called_new() -> None:
    assert reasons(*[read(user(f"u{n}", f"AKIA{n:016d}"), when=at(n)) for n in range(60)]) == ()
    few = [read(when=at(days=-3)), read(user("new", "AKIANEW0000000000001"), when=at(0))]
    assert reasons(*few) == ()


def test_the_time_before_can_be_given() -> None:
    late = read(user(), when=at(days=-2, minutes=30), address="203.0.113.7", agent=CLI)
    assert reasons(*week(), late) == ()
    assert len(reasons(*week(), late, before=at(days=-2, minutes=20))) == 1


def test_failed_calls_and_those_of_services_bring_nothing_new() -> None:
    service = {"type": "AWSService", "invokedBy": "cloudfront.amazonaws.com"}
    assert reasons(*week(), read(user(), when=at(1), error="AccessDenied"), read(service, when=at(1))) == ()


def test_the_order_of_events_does_not_matter() -> None:
    events = [*week(), read(user(), when=at(1), address="203.0.113.7", agent=BOTO)]
    expected = [(item.text, item.severity) for item in reasons(*events)]
    for seed in range(4):
        random.Random(seed).shuffle(events)
        assert [(item.text, item.severity) for item in reasons(*events)] == expected


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_BUCKETS", "MOST_WHO", "MOST_PRINCIPALS", "MOST_WAYS"):
        monkeypatch.setattr(module, name, 5)
    found = Novelty()
    for number in range(200):
        who = user(f"u{number}", f"AKIA{number:016d}")
        add(found, read(who), read(who, bucket=f"b{number}"), read(user(), address=f"45.{number}.0.1"))
    assert found.capped
    assert len(found._buckets) == len(found._ways) == 5
    assert all(len(item.who) <= 5 for item in found._buckets.values())
    assert all(len(item.networks) <= 5 for item in found._ways.values())


def test_hostile_programs_are_safe_in_words() -> None:
    (reason,) = reasons(*week(), read(user(), when=at(1), agent="evil\x1b[2J{x}"))
    assert "\x1b" not in reason.text
    assert ACCOUNT not in reason.text
