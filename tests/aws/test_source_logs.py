"""FilterLogEvents as a source: everything comes once, newest first, within the quota, whatever goes wrong between."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from wire_logs import ARN, GROUP, LogsWire, reads

from s3ir_tui.aws.account import Account
from s3ir_tui.model import utc_now
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import SourceError, drain
from s3ir_tui.trail.sources.logs import LogsSource

MINUTE, HOUR = 60.0, 3600.0


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's own retries wait less, ours are fewer."""
    monkeypatch.setattr("s3ir_tui.trail.sources.logs._TRIES", 2)
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 50)))


@pytest.fixture
def wire() -> Iterator[LogsWire]:
    with LogsWire() as running:
        yield running


class Clock:
    """The time, which a test can move."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


def of(account: Account, group: str = GROUP, *, hours: float = 3, **more: Any) -> LogsSource:
    return LogsSource(account, group, account.region, utc_now() - timedelta(hours=hours), data_events=True, **more)


def ids(events: list[Event]) -> list[str]:
    return sorted(event.id for event in events)


def wanted(*records: dict[str, Any]) -> list[str]:
    return sorted(item["eventID"] for item in records)


def start_of(wire: LogsWire) -> float:
    """How many seconds before now the last request began to look."""
    return time.time() - wire.calls("FilterLogEvents")[-1].params["startTime"] / 1000


def test_everything_of_the_window_comes_once_and_what_is_newest_comes_first(wire: LogsWire) -> None:
    recent, older, old = reads(70), reads(70), reads(70)
    wire.log(*old, at=time.time() - 2.5 * HOUR)
    wire.log(*older, at=time.time() - 0.5 * HOUR)
    wire.log(*recent)
    wire.log(*reads(1), at=time.time() - 4 * HOUR)
    found = drain(of(wire.connect()))
    assert ids(found[:70]) == wanted(*recent)
    assert ids(found[70:140]) == wanted(*older)
    assert ids(found[140:]) == wanted(*old)


@pytest.mark.parametrize("group", [GROUP, ARN, f"{ARN}:*"])
def test_the_group_is_given_by_name_or_as_a_trail_names_it(wire: LogsWire, group: str) -> None:
    wire.log(*reads(1))
    source = of(wire.connect(), group)
    assert source.name == f"logs {GROUP}"
    assert len(drain(source)) == 1


def test_empty_pages_are_read_on_through_and_a_token_is_kept_until_the_next_poll() -> None:
    with LogsWire(page=10, empty_pages=2) as wire:
        made = reads(40)
        wire.log(*made)
        source = of(wire.connect(), hours=0.2, seconds=0)
        polls = [source.poll() for _ in range(11)]
        assert not source.caught_up
        polls.append(source.poll())
        assert source.caught_up
        assert [len(found) for found in polls] == [0, 0, 10, 0, 0, 10, 0, 0, 10, 0, 0, 10]
        assert ids([event for found in polls for event in found]) == wanted(*made)


def test_what_is_new_does_not_wait_for_what_is_old(wire: LogsWire) -> None:
    wire.log(*reads(300), at=time.time() - HOUR)
    source = of(wire.connect(), seconds=0)
    for _ in range(4):
        source.poll()
    assert not source.caught_up
    new = reads(1, "DeleteObject")
    wire.log(*new)
    assert ids(source.poll()[:1]) == wanted(*new)
    assert len(drain(source)) >= 50


def test_a_poll_ends_in_time_to_show_something() -> None:
    with LogsWire(page=1) as wire:
        wire.log(*reads(100))
        source = of(wire.connect("eu-central-1"), seconds=0.5)
        begun = time.monotonic()
        assert 0 < len(source.poll()) < 5
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize(("region", "a_second"), [("eu-central-1", 5), ("eu-west-1", 10)])
def test_the_quota_of_the_region_is_kept(region: str, a_second: int) -> None:
    with LogsWire(page=1) as wire:
        wire.log(*reads(5))
        drain(of(wire.connect(region)))
        _, *times = [asked.at for asked in wire.calls("FilterLogEvents")]
    assert len(times) >= 5
    assert times[-1] - times[0] >= (len(times) - 1) / a_second


@pytest.mark.parametrize(("region", "a_second"), [("us-east-1", 25), ("ap-northeast-3", 5), ("ca-west-1", 5)])
def test_other_regions_have_other_quotas(wire: LogsWire, region: str, a_second: int) -> None:
    assert 1 / a_second <= of(wire.connect(region)).pace < 1.2 / a_second


def test_late_events_are_found_and_the_look_back_follows_how_late_they_are(wire: LogsWire) -> None:
    source = of(wire.connect())
    wire.log(*reads(1), at=time.time() - 1)
    drain(source)
    assert drain(source) == []
    assert 2 * MINUTE <= start_of(wire) < 3 * MINUTE
    late = reads(1)
    wire.log(*late, at=time.time() - 1.5 * MINUTE)
    assert ids(drain(source)) == wanted(*late)
    wire.log(*reads(1), at=time.time() - MINUTE, ingested=time.time() + 5 * MINUTE)
    drain(source)
    drain(source)
    assert 7 * MINUTE <= start_of(wire) <= 9 * MINUTE


def test_a_group_whose_lateness_is_not_known_is_read_far_back(wire: LogsWire) -> None:
    source = of(wire.connect())
    drain(source)
    late = reads(1)
    wire.log(*late, at=time.time() - 12 * MINUTE)
    assert ids(drain(source)) == wanted(*late)


def test_what_comes_very_late_is_found_by_the_deeper_look(wire: LogsWire) -> None:
    clock = Clock()
    source = of(wire.connect(), clock=clock)
    wire.log(*reads(1), at=time.time() - 1)
    drain(source)
    late = reads(1)
    wire.log(*late, at=time.time() - 50 * MINUTE)
    assert drain(source) == []
    clock.ahead = timedelta(minutes=11)
    assert ids(drain(source)) == wanted(*late)


def test_what_is_no_record_is_counted_and_what_wraps_records_is_opened(wire: LogsWire) -> None:
    made = reads(2)
    wire.log("no record", "no record", '{"insightDetails": {}, "eventType": "AwsCloudTrailInsight"}')
    wire.log('{"Records": [' + ",".join(json.dumps(item) for item in made) + "]}")
    source = of(wire.connect())
    assert ids(drain(source)) == wanted(*made)
    assert {item.reason: item.count for item in source.skipped} == {"not JSON": 2, "Insights event": 1}


def test_a_group_that_is_not_there_is_told_with_the_way_out(wire: LogsWire) -> None:
    with pytest.raises(SourceError, match=r"logs other: .*ResourceNotFound.*no such log group in us-east-1"):
        of(wire.connect(), "other").poll()


def test_a_token_that_is_too_old_is_told_and_the_window_is_begun_again() -> None:
    with LogsWire(page=10) as wire:
        made = reads(35)
        wire.log(*made)
        source = of(wire.connect(), hours=0.2, seconds=0)
        found = [*source.poll(), *source.poll()]
        wire.forget_tokens()
        with pytest.raises(SourceError, match="InvalidParameterException"):
            source.poll()
        assert ids(found + drain(source)) == wanted(*made)


FAULTS = {
    "throttling": ({"code": "ThrottlingException", "times": 99}, "fewer calls"),
    "5xx": ({"code": "ServiceUnavailableException", "status": 503, "times": 99}, "ServiceUnavailableException"),
    "5xx without a name": ({"code": "InternalFailure", "status": 500, "times": 99}, "InternalFailure"),
    "expired token": ({"code": "ExpiredTokenException", "times": 99}, "sign-in has expired"),
    "slow answer": ({"seconds": 1.0, "times": 99}, "No answer came in time"),
    "dropped connection": ({"cut": True, "times": 99}, "IncompleteReadError"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_and_nothing_is_lost_or_doubled(
    wire: LogsWire, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s3ir_tui.aws.account._SECONDS_TO_ANSWER", 0.3)
    fault, told = FAULTS[name]
    source = of(wire.connect())
    before, meanwhile, after = reads(60), reads(60), reads(60)
    analysis = Analysis()
    wire.log(*before)
    analysis.add(drain(source))
    wire.fail("FilterLogEvents", **fault)
    wire.log(*meanwhile)
    with pytest.raises(SourceError, match=told) as problem:
        source.poll()
    assert str(problem.value).startswith(f"logs {GROUP}: ")
    assert problem.value.retry_after >= 5
    with pytest.raises(SourceError):
        source.poll()
    wire.mend()
    wire.log(*after)
    returned = drain(source)
    analysis.add(returned)
    assert ids(returned) == wanted(*meanwhile, *after)
    (payroll,) = analysis.buckets()
    assert (payroll.name, payroll.reads, analysis.distinct) == ("payroll", 180, 180)


@pytest.mark.parametrize("fault", [{"code": "ThrottlingException"}, {"code": "InternalFailure", "status": 500}])
def test_a_short_fault_in_the_middle_of_the_pages_is_ridden_out(wire: LogsWire, fault: dict[str, Any]) -> None:
    made = reads(200)
    wire.log(*made)
    source = of(wire.connect(), seconds=0)
    found = source.poll()
    wire.fail("FilterLogEvents", times=2, **fault)
    assert ids(found + drain(source)) == wanted(*made)
