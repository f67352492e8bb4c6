"""What trails logged of a bucket, and when: what is not known is said, and "not logged" is never "not done"."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from s3ir_tui.board.details import detail_of
from s3ir_tui.board.known import Known, logged_record
from s3ir_tui.report.facts import gather
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.coverage import Coverage, History, Trail, coverage, unlogged, words
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.logged import Reading
from s3ir_tui.trail.selectors import Logged, Selected, selected

ALL, PART, NONE, UNKNOWN = Logged.ALL, Logged.PART, Logged.NONE, Logged.UNKNOWN
ARN = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"
BEGIN, END = datetime(2026, 11, 23, 12, tzinfo=UTC), datetime(2026, 11, 24, 12, tzinfo=UTC)


def basic(*values: str, kind: str = "All") -> dict[str, Any]:
    resource = {"Type": "AWS::S3::Object", "Values": list(values)}
    return {"EventSelectors": [{"ReadWriteType": kind, "IncludeManagementEvents": True, "DataResources": [resource]}]}


def advanced(*fields: dict[str, Any]) -> dict[str, Any]:
    base = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
    ]
    return {"AdvancedEventSelectors": [{"FieldSelectors": [*base, *fields]}]}


def arn(**tests: str) -> dict[str, Any]:
    return {"Field": "resources.ARN", **{test: [f"arn:aws:s3:::{value}"] for test, value in tests.items()}}


# -- selectors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (basic("arn:aws:s3"), Selected(ALL, ALL)),
        (basic("arn:aws:s3:::"), Selected(ALL, ALL)),
        (basic("arn:aws:s3:::payroll/"), Selected(ALL, ALL)),
        (basic("arn:aws:s3:::payroll/2026/"), Selected(PART, PART, ("only 2026/*",))),
        (basic("arn:aws:s3:::payroll-old/"), Selected()),
        (basic("arn:aws:s3", kind="WriteOnly"), Selected(NONE, ALL)),
        (basic("arn:aws:s3", kind="ReadOnly"), Selected(ALL, NONE)),
        (basic(), Selected()),
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}, Selected()),
        ({"EventSelectors": [{"DataResources": [{"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]}]}]},
         Selected()),
        ({}, Selected()),
        (advanced(), Selected(ALL, ALL)),
        (advanced({"Field": "readOnly", "Equals": ["true"]}), Selected(ALL, NONE)),
        (advanced({"Field": "readOnly", "Equals": ["false"]}), Selected(NONE, ALL)),
        (advanced(arn(StartsWith="payroll/")), Selected(ALL, ALL)),
        (advanced(arn(StartsWith="payroll/in/")), Selected(PART, PART, ("only in/*",))),
        (advanced(arn(StartsWith="other/")), Selected()),
        (advanced(arn(NotStartsWith="payroll/")), Selected()),
        (advanced(arn(NotStartsWith="other/")), Selected(ALL, ALL)),
        (advanced(arn(NotStartsWith="payroll/tmp/")), Selected(PART, PART, ("without tmp/*",))),
        (advanced(arn(Equals="payroll/secret")), Selected(PART, PART, ("only secret",))),
        (advanced(arn(NotEquals="payroll/secret")), Selected(PART, PART, ("without secret",))),
        (advanced({"Field": "eventName", "Equals": ["GetObject"]}), Selected(PART, NONE, ("only GetObject",))),
        (advanced({"Field": "eventName", "Equals": ["DeleteObject"]}), Selected(NONE, PART, ("only DeleteObject",))),
        (advanced({"Field": "eventSource", "Equals": ["s3.amazonaws.com"]}), Selected(ALL, ALL)),
        (
            advanced({"Field": "userIdentity.arn", "NotStartsWith": ["arn:aws:sts::1:assumed-role/etl"]}),
            Selected(PART, PART, ("userIdentity.arn NotStartsWith: arn:aws:sts::1:assumed-role/etl",)),
        ),
        ({"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]},
         Selected()),
    ],
)  # fmt: skip
def test_what_selectors_log_of_a_bucket(selectors: dict[str, Any], expected: Selected) -> None:
    assert selected(selectors, "payroll") == expected


def test_one_selector_for_all_makes_the_limits_of_another_irrelevant() -> None:
    both = {
        "EventSelectors": [
            *basic("arn:aws:s3", kind="WriteOnly")["EventSelectors"],
            *basic("arn:aws:s3:::payroll/in/", kind="ReadOnly")["EventSelectors"],
        ]
    }
    assert selected(both, "payroll") == Selected(PART, ALL, ("only in/*",))
    both["EventSelectors"] += basic("arn:aws:s3")["EventSelectors"]
    assert selected(both, "payroll") == Selected(ALL, ALL)


def test_selectors_as_records_spell_them_are_read_too() -> None:
    small = {
        "trailName": ARN,
        "eventSelectors": [
            {
                "readWriteType": "All",
                "dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3:::payroll/"]}],
            }
        ],
    }
    assert selected(small, "payroll") == Selected(ALL, ALL)


# -- over time -------------------------------------------------------------------------------------


def trail(selectors: dict[str, Any] | None = None, **more: Any) -> Trail:
    known = {"everywhere": True, "logging": True, "started": "2026-01-01T00:00:00Z"}
    return Trail(
        ARN, "main", "eu-west-1", selectors=basic("arn:aws:s3") if selectors is None else selectors, **known | more
    )


def call(time: str, name: str, error: str = "", /, **given: Any) -> Event:
    record = {
        "eventID": f"{name} {time}",
        "eventTime": time,
        "eventName": name,
        "eventSource": "cloudtrail.amazonaws.com",
        "awsRegion": "eu-west-1",
        "requestParameters": {"name": ARN} | given,
    }
    return decode_record(json.dumps(record | ({"errorCode": error} if error else {})).encode())


def put(time: str, selectors: dict[str, Any]) -> Event:
    return call(time, "PutEventSelectors", name=None, trailName="main", **selectors)


def of(trails: Sequence[Trail], *changes: Event, region: str = "eu-west-1", **more: Any) -> tuple[Coverage, ...]:
    history = History(BEGIN, END, changes, more.pop("history_gap", ""))
    return coverage(trails, history, {"payroll": region}, **more)["payroll"]


def short(found: Sequence[Coverage]) -> list[tuple[str, str, Logged, Logged]]:
    return [(item.since, item.until, item.reads, item.writes) for item in found]


def test_a_trail_that_was_not_touched_covers_the_whole_window() -> None:
    found = of([trail()])
    assert found == (Coverage("payroll", "main", "", "", ALL, ALL, sources=found[0].sources),)
    assert words(found, History(BEGIN, END)) == ("reads and writes logged by trail main",)


def test_no_trail_that_logs_the_bucket_says_so_and_not_that_nothing_was_read() -> None:
    found = of([trail(basic("arn:aws:s3:::other/"))])
    assert short(found) == [("", "", NONE, NONE)]
    (told,) = words(found, History(BEGIN, END))[-1:]
    assert told == "reads not logged since 2026-11-23T12:00:00Z: none seen is not none done"


def test_logging_that_was_stopped_leaves_a_time_without_reads() -> None:
    stop, start = "2026-11-24T03:10:00Z", "2026-11-24T05:00:00Z"
    found = of([trail(started=start, stopped=stop)], call(stop, "StopLogging"), call(start, "StartLogging"))
    assert short(found) == [("", stop, ALL, ALL), (start, "", ALL, ALL)]
    assert "first minutes after StartLogging" in found[1].reason
    assert unlogged(found, History(BEGIN, END)) == ((stop, start),)


def test_a_stopped_trail_covers_nothing_from_then_on() -> None:
    stop = "2026-11-24T03:10:00Z"
    found = of([trail(logging=False, stopped=stop)], call(stop, "StopLogging"))
    assert short(found) == [("", stop, ALL, ALL)]
    assert unlogged(found, History(BEGIN, END)) == ((stop, "2026-11-24T12:00:00Z"),)


def test_selectors_before_the_first_change_are_not_known_those_after_it_are() -> None:
    narrowed, widened = "2026-11-24T01:00:00Z", "2026-11-24T02:00:00Z"
    found = of([trail()], put(narrowed, basic("arn:aws:s3:::other/")), put(widened, basic("arn:aws:s3")))
    assert short(found) == [("", narrowed, UNKNOWN, UNKNOWN), (widened, "", ALL, ALL)]
    assert f"before PutEventSelectors at {narrowed} is not known" in found[0].reason
    assert unlogged(found, History(BEGIN, END)) == ((narrowed, widened),)


def test_a_new_trail_covers_nothing_before_it_logs_and_is_told_to_log() -> None:
    made, begun, widened = "2026-11-24T01:00:00Z", "2026-11-24T01:01:00Z", "2026-11-24T02:00:00Z"
    changes = (
        call(made, "CreateTrail", name="main"),
        call(begun, "StartLogging"),
        put(widened, basic("arn:aws:s3:::payroll/")),
    )
    assert short(of([trail(started=begun)], *changes)) == [(widened, "", ALL, ALL)]


def test_a_trail_that_was_deleted_is_not_forgotten() -> None:
    widened, gone = "2026-11-23T20:00:00Z", "2026-11-24T03:00:00Z"
    start = call("2026-11-23T19:00:00Z", "StartLogging", name="old")
    changes = (
        start,
        call(widened, "PutEventSelectors", trailName="old", **basic("arn:aws:s3")),
        call(gone, "DeleteTrail", name="old"),
    )
    found = of([], *changes)
    assert (widened, gone, ALL, ALL) in short(found)
    assert found[0].reads is UNKNOWN
    assert unlogged(found, History(BEGIN, END)) == ((gone, "2026-11-24T12:00:00Z"),)


def test_a_change_that_was_refused_or_was_of_another_trail_changes_nothing() -> None:
    refused = call("2026-11-24T01:00:00Z", "StopLogging", "AccessDenied")
    other = call("2026-11-24T01:00:00Z", "StopLogging", name="other")
    assert short(of([trail()], refused, other)) == [("", "", ALL, ALL)]


def test_a_trail_of_the_same_name_in_another_region_is_another_trail() -> None:
    stop = json.loads(call("2026-11-24T01:00:00Z", "StopLogging", name="main").raw)
    elsewhere = decode_record(json.dumps(stop | {"awsRegion": "us-west-2"}).encode())
    assert short(of([trail()], elsewhere)) == [("", "", ALL, ALL)]
    here = decode_record(json.dumps(stop).encode())
    assert short(of([trail(logging=False)], here)) == [("", "2026-11-24T01:00:00Z", ALL, ALL)]


def test_a_delivery_that_fails_is_said() -> None:
    (found,) = of([trail(delivery_error="NoSuchBucket")])
    assert (found.reads, found.reason) == (ALL, "its last delivery failed: NoSuchBucket")


def test_a_change_that_did_not_concern_the_bucket_cuts_its_time_not_in_two() -> None:
    first = put("2026-11-24T01:00:00Z", basic("arn:aws:s3"))
    second = put("2026-11-24T02:00:00Z", advanced())
    found = of([trail()], first, second)
    assert short(found)[-1] == ("2026-11-24T01:00:00Z", "", ALL, ALL)


def test_a_trail_of_one_region_covers_no_bucket_of_another() -> None:
    assert short(of([trail(everywhere=False)], region="us-east-1")) == [("", "", NONE, NONE)]
    assert short(of([trail(everywhere=False)])) == [("", "", ALL, ALL)]
    made_wide = call("2026-11-24T01:00:00Z", "UpdateTrail", isMultiRegionTrail=True)
    found = of([trail()], made_wide, region="us-east-1")
    assert short(found) == [("", "2026-11-24T01:00:00Z", UNKNOWN, UNKNOWN), ("2026-11-24T01:00:00Z", "", ALL, ALL)]


def test_what_could_not_be_read_is_unknown_with_its_reason() -> None:
    blind = trail(gap="cloudtrail:GetEventSelectors failed: AccessDenied")
    found = of([Trail(blind.arn, "main", "eu-west-1", everywhere=True, logging=True, gap=blind.gap)])
    assert short(found) == [("", "", UNKNOWN, UNKNOWN)]
    assert "GetEventSelectors" in words(found, History(BEGIN, END))[0]
    assert unlogged(found, History(BEGIN, END)) == ()
    none = of([], gap="cloudtrail:DescribeTrails failed: AccessDenied")
    assert short(none) == [("", "", UNKNOWN, UNKNOWN)]
    assert "DescribeTrails" in words(none, History(BEGIN, END))[0]


def test_without_the_history_of_the_trail_the_coverage_says_that_changes_are_not_known() -> None:
    (found,) = of([trail()], history_gap="cloudtrail:LookupEvents failed: AccessDenied")
    assert (found.reads, found.reason) == (
        ALL,
        "what was changed is not known: cloudtrail:LookupEvents failed: AccessDenied",
    )


def test_the_status_tells_of_a_beginning_that_the_history_does_not_have() -> None:
    begun = "2026-11-24T04:00:00Z"
    assert short(of([trail(started=begun)])) == [("", begun, UNKNOWN, UNKNOWN), (begun, "", ALL, ALL)]


def test_hostile_names_are_shown_safely() -> None:
    found = of([trail(basic("arn:aws:s3:::payroll/\x1b[2J"))])
    assert "\x1b" not in "".join(words(found, History(BEGIN, END)))


# -- recorded --------------------------------------------------------------------------------------


class Recorded(dict[str, Any]):
    """A record of a case."""

    table, ref, ts, session, seq = "posture", "46d868cb:17", "2026-11-24T12:00:00.000Z", "46d868cb", 17


def reading(*trails: Trail) -> Reading:
    history = History(BEGIN, END)
    return Reading(history, coverage(trails, history, {"payroll": "eu-west-1"}))


def test_what_was_recorded_is_shown_in_a_review_as_it_was_live() -> None:
    known = Known(Analysis())
    assert known.take_logged(reading(trail()).facts("payroll"))
    assert not known.take_logged(reading(trail()).facts("payroll"))
    review = Known(Analysis())
    review.take_records([Recorded(json.loads(json.dumps(logged_record(reading(trail()).facts("payroll")))))])
    assert review.logged == known.logged
    sections = dict(detail_of(review, "bucket", "payroll").sections)
    assert sections["Logged of its objects"] == ("reads and writes logged by trail main",)


def test_the_detail_of_a_bucket_says_when_it_was_not_looked_at() -> None:
    sections = dict(detail_of(Known(Analysis()), "bucket", "payroll").sections)
    assert sections["Logged of its objects"] == ("not looked at yet",)


def test_the_report_lists_what_was_not_logged_as_last_read() -> None:
    records = [
        Recorded(logged_record(item.facts("payroll"))) for item in (reading(), reading(trail(basic("arn:aws:s3:::x/"))))
    ]
    unseen = [text for text, _ in gather(records).unseen]
    assert unseen == [
        "objects of bucket payroll: reads not logged since 2026-11-23T12:00:00Z: none seen is not none done"
    ]
    assert not gather([*records, Recorded(logged_record(reading(trail()).facts("payroll")))]).unseen
