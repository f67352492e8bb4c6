"""Three days of an account at work accuse nobody, however they are read; the same days with a thief in them do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
import quiet_day
from trail_world import at, record

from s3ir_tui.model import Severity
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.bulk.call import decode_calls
from s3ir_tui.trail.bulk.tally import Tally
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.event import Judged

ALARMING = Severity.HIGH
Records = Sequence[dict[str, Any]]


@pytest.fixture(scope="module")
def records() -> Records:
    return quiet_day.records()


def streamed(records: Records) -> tuple[Analysis, list[Judged]]:
    """As a tail sees it: a few events at a time."""
    analysis, lines = Analysis(), list[Judged]()
    for start in range(0, len(records), 100):
        events = [decode_record(json.dumps(item).encode()) for item in records[start : start + 100]]
        lines += analysis.add(events)
    return analysis, lines


def summed(records: Records) -> Analysis:
    """As a folder is read: added up file by file."""
    analysis = Analysis()
    tally = Tally(analysis.claim)
    for start in range(0, len(records), 1000):
        data = json.dumps({"Records": records[start : start + 1000]}).encode()
        tally.add_calls(decode_calls(data).Records, f"file {start}")
    analysis.add_sum(tally.sum())
    return analysis


def then_live(records: Records, later: Records) -> Analysis:
    """A folder first, and then what a tail brings."""
    analysis = summed(records)
    for item in later:
        analysis.add([decode_record(json.dumps(item).encode())])
    return analysis


def alarms(analysis: Analysis) -> list[str]:
    seen = (*analysis.principals(), *analysis.buckets(), *analysis.instances())
    return [reason.text for item in seen if item.severity >= ALARMING for reason in item.reasons]


def test_the_days_are_busy_and_of_many_kinds(records: Records) -> None:
    assert len(records) >= 20_000
    assert len({item["eventName"] for item in records}) >= 60
    assert len({item["userIdentity"].get("arn") for item in records}) >= 100
    assert len({item["sourceIPAddress"] for item in records}) >= 100
    assert records == sorted(records, key=lambda item: str(item["eventTime"]))


def test_no_line_and_nobody_is_above_medium_when_events_stream_in(records: Records) -> None:
    analysis, lines = streamed(records)
    assert len(lines) == len(records)
    assert [line.reasons for line in lines if line.severity >= ALARMING] == []
    assert alarms(analysis) == []
    # What is merely worth a look stays little, too.
    assert sum(line.severity is Severity.MEDIUM for line in lines) < len(lines) / 50


def test_nobody_is_above_medium_when_a_folder_is_added_up(records: Records) -> None:
    analysis = summed(records)
    assert analysis.distinct == len(records)
    assert alarms(analysis) == []


def test_nobody_is_above_medium_after_the_first_day_alone(records: Records) -> None:
    first = [item for item in records if item["eventTime"] < quiet_day.iso(quiet_day.BEGIN + quiet_day.A_DAY)]
    assert len(first) > 7_000
    assert alarms(summed(first)) == []


def test_a_thief_with_a_plain_program_stands_out_of_the_same_days(records: Records) -> None:
    """A key of a web server behind the NAT gateways, from outside, with the program that the servers have too."""
    stolen = next(
        item["userIdentity"]
        for item in reversed(records)
        if item["eventName"] == "GetObject" and "web-frontend" in str(item["userIdentity"].get("arn"))
    )
    given: dict[str, Any] = {"address": "203.0.113.7", "agent": quiet_day.APP}
    theft = [
        record("GetObject", stolen, bucket="user-uploads", key=f"u/{n}", when=at(n / 10, days=-5), out=9.0, **given)
        for n in range(40)
    ]
    for analysis in (then_live(records, theft), summed([*records, *theft])):
        worst = analysis.principals()[0]
        assert worst.id == stolen["arn"]
        assert worst.severity >= ALARMING
        assert [item.id for item in analysis.principals() if item.severity >= ALARMING] == [worst.id]
        assert [item.name for item in analysis.buckets() if item.severity >= ALARMING] == ["user-uploads"]


def test_a_leaked_key_that_looks_around_and_stays_stands_out_of_the_same_days(records: Records) -> None:
    who = quiet_day.person("svc-report", "AKIASVCREPORT0000001")
    given: dict[str, Any] = {"address": "203.0.113.7", "agent": quiet_day.APP}
    theft = [
        record("GetCallerIdentity", who, service="sts", when=at(0, days=-5), **given),
        record("ListBuckets", who, when=at(1, days=-5), **given),
        record("ListUsers", who, service="iam", when=at(2, days=-5), error="AccessDenied", **given),
        record("GetObject", who, bucket="billing-2026", key="invoices/1.pdf", when=at(3, days=-5), **given),
        record("CreateAccessKey", who, service="iam", params={"userName": "svc-report"}, when=at(4, days=-5), **given),
    ]
    for analysis in (then_live(records, theft), summed([*records, *theft])):
        assert [item.id for item in analysis.principals() if item.severity >= ALARMING] == [who["arn"]]
