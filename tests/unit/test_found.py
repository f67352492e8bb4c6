"""Detections gathered: one entry for a detection, a principal and a bucket, bounded, worst first."""

from __future__ import annotations

from dataclasses import replace

from s3ir_tui.board.known import Known
from s3ir_tui.model import Severity
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.detections import Finding, Tactic
from s3ir_tui.trail.event import Event, Judged
from s3ir_tui.trail.found import EVENTS, OTHERS, SUSPECT, Finds, Found, with_patterns
from s3ir_tui.trail.sightings import PrincipalSighting, Reason
from tests.unit import trail_world as world

HIGH, MEDIUM, LOW, INFO = Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFO


def line(event: Event | None = None, severity: Severity = HIGH, *reasons: str) -> Judged:
    """A judged read of an object."""
    return Judged(event or world.read(), severity, reasons or ("secret read",))


def finding(name: str = "secret-read", severity: Severity = HIGH, text: str = "secret read") -> Finding:
    """A finding."""
    return Finding(name, severity, text, Tactic.EXFILTRATION)


def test_the_same_detection_of_a_principal_on_a_bucket_is_one_entry() -> None:
    finds = Finds()
    events = [world.read(when=world.at(minute)) for minute in (5, 1, 9)]
    for event in events:
        finds.add(line(event), [finding()])
    (found,) = finds.all()
    assert (found.name, found.count, found.bucket) == ("secret-read", 3, "payroll")
    assert (found.first, found.last) == (world.at(1), world.at(9))
    assert found.events == tuple(event.id for event in events)
    assert found.sample is not None
    assert found.sample.event is events[2]


def test_principals_buckets_and_detections_are_told_apart() -> None:
    finds = Finds()
    finds.add(line(), [finding(), finding("other")])
    finds.add(line(world.read(bucket="exports")), [finding()])
    finds.add(line(world.read(world.user("eve"))), [finding()])
    assert len(finds.all()) == 4


def test_worst_comes_first_then_the_oldest() -> None:
    finds = Finds()
    finds.add(line(world.read(bucket="a", when=world.at(2)), MEDIUM), [finding("b", MEDIUM)])
    finds.add(line(world.read(bucket="b", when=world.at(3))), [finding("a", HIGH)])
    finds.add(line(world.read(bucket="c", when=world.at(1)), MEDIUM), [finding("c", MEDIUM)])
    assert [found.name for found in finds.all()] == ["a", "c", "b"]


def test_an_entry_takes_the_words_of_its_worst_event() -> None:
    finds = Finds()
    for severity, text in ((LOW, "looked"), (HIGH, "took"), (MEDIUM, "looked again")):
        finds.add(line(None, severity), [finding(severity=severity, text=text)])
    (found,) = finds.all()
    assert (found.severity, found.text, found.count) == (HIGH, "took", 3)


def test_a_call_that_matters_because_of_its_caller_is_an_entry_of_its_own() -> None:
    finds = Finds()
    finds.add(line(None, HIGH, "by a suspect", "lists"), [finding("lists", LOW, "lists")])
    finds.add(line(None, HIGH, "by a suspect"), [])
    assert [(found.name, found.count) for found in finds.all()] == [(SUSPECT, 2), ("lists", 1)]


def test_what_says_nothing_is_left_out() -> None:
    finds = Finds()
    finds.add(Judged(world.read()), [finding(severity=INFO)])
    assert finds.all() == ()


def test_memory_is_bounded_and_what_comes_later_is_counted_all_the_same() -> None:
    finds = Finds(most=3)
    for number in range(50):
        finds.add(line(world.read(bucket=f"bucket-{number}")), [finding()])
        finds.add(line(world.read(bucket=f"bucket-{number}"), HIGH, f"pattern {number}"), [])
    assert finds.capped
    assert len(finds.all()) == 5
    assert sum(found.count for found in finds.all()) == 100
    assert {found.name for found in finds.all() if found.principal == OTHERS} == {"secret-read", SUSPECT}
    assert all(len(found.events) <= EVENTS for found in finds.all())


def test_entries_do_not_change_and_are_made_anew_only_after_news() -> None:
    finds = Finds()
    finds.add(line(), [finding()])
    before = finds.all()
    assert finds.all() is before
    finds.add(line(), [finding()])
    assert (before[0].count, finds.all()[0].count) == (1, 2)


def test_words_of_an_attacker_are_made_safe() -> None:
    finds = Finds()
    finds.add(line(None, HIGH, "took \x1b[2J"), [finding(text="\u202eread")])
    finds.add(line(), [finding(text="took \x1b[2J")])
    assert all("\x1b" not in found.text and "\u202e" not in found.text for found in finds.all())


def seen(*reasons: Reason) -> PrincipalSighting:
    """A principal with reasons."""
    who = world.read().principal
    return PrincipalSighting(who, "IAMUser", (), 1, 0, (), (), "", "", HIGH, reasons, "")


def test_patterns_of_principals_stand_beside_what_was_found_in_single_events() -> None:
    finds = Finds()
    finds.add(line(), [finding()])
    pattern = Reason(Severity.CRITICAL, "listed, then read", ("id-1",), 11, "looked-around")
    repeated = Reason(HIGH, "secret read (x2)", (), 2, "secret-read")
    shown = with_patterns(finds.all(), [seen(pattern, repeated)], {})
    assert [found.text for found in shown] == ["listed, then read", *(found.text for found in finds.all())]
    assert (shown[0].events, shown[0].sample, shown[0].count) == (("id-1",), None, 11)


def test_patterns_are_looked_at_again_only_after_news() -> None:
    finds = Finds()
    finds.add(line(), [finding()])
    principals = (seen(Reason(HIGH, "listed, then read", (), 2, "looked-around")),)
    before = finds.beside(principals)
    assert len(before) == 2
    assert finds.beside(principals) is before
    finds.add(line(), [finding()])
    assert finds.beside(principals)[0].count == 2
    assert len(finds.beside(())) == 1


def test_a_pattern_shows_the_newest_of_its_events_that_is_known() -> None:
    finds = Finds()
    events = [world.read(when=world.at(minute)) for minute in (1, 3, 2, 9)]
    for event in events:
        finds.add(line(event, HIGH, "listed, then read"), [])
    ids = ("gone", *(event.id for event in events[:3]))
    shown = finds.beside((seen(Reason(Severity.CRITICAL, "listed, then read", ids, 3, "looked-around")),))
    assert [found.name for found in shown] == ["looked-around", SUSPECT]
    assert shown[0].sample is not None
    assert shown[0].sample.event is events[1]


def test_what_the_trail_brings_is_counted_and_gathered() -> None:
    known = Known(Analysis(own_keys=["AKIAOURS000000000001"]))
    known.take_events(
        [
            world.event("StopLogging", world.user("eve"), service="cloudtrail"),
            world.read(error="AccessDenied"),
            world.event("StopLogging", world.user("us", "AKIAOURS000000000001"), service="cloudtrail"),
            world.event("GetBucketAcl", world.EC2, bucket="payroll"),
        ],
        "files",
    )
    counts = known.calls.counts()
    assert (counts.allowed, counts.denied) == (1, 1)
    assert [found.principal.rsplit("/")[-1] for found in known.finds.all() if found.severity >= HIGH] == ["eve"]


def test_a_found_entry_is_known_by_detection_principal_and_bucket() -> None:
    one = Found("a", HIGH, "text", "eve", "payroll")
    assert one.key == replace(one, count=9, last="later").key
