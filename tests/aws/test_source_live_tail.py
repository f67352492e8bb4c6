"""Live Tail as a source: what is logged comes at once, and whatever does not come is told."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from wire_logs import AN_UPDATE, ARN, GROUP, LogsWire, error_frame, event_frame, exception_frame, reads

from s3ir_tui.aws.account import Account
from s3ir_tui.aws.guard import WriteGuard
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import Closes, Remarks, SourceError, caught_up
from s3ir_tui.trail.sources.live_tail import LiveTailSource


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's own retries wait less, and so do ours."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 50)))
    monkeypatch.setattr("s3ir_tui.trail.sources.live_tail._SHORTEST_BACKOFF", 0.1)
    monkeypatch.setattr("s3ir_tui.trail.sources.live_tail.WAITS", 0.2)


@pytest.fixture
def wire() -> Iterator[LogsWire]:
    with LogsWire() as running:
        yield running


@pytest.fixture
def tail(wire: LogsWire) -> Iterator[LiveTailSource]:
    """A source whose session is open."""
    with opened(wire) as source:
        yield source


@contextlib.contextmanager
def opened(wire: LogsWire, **more: Any) -> Iterator[LiveTailSource]:
    source = LiveTailSource(wire.connect(), ARN, "us-east-1", data_events=True, **more)
    try:
        follow(source, lambda: bool(wire.live()))
        yield source
    finally:
        source.close()


def follow(source: LiveTailSource, until: Callable[[], bool], seconds: float = 20.0) -> tuple[list[Event], list[str]]:
    """Poll as the console does; what came, and what was told."""
    events: list[Event] = []
    told: list[str] = []
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        take(source, events, told)
    assert until(), (told, source.remark)
    return events, told


def take(source: LiveTailSource, events: list[Event], told: list[str]) -> None:
    try:
        events += source.poll()
    except SourceError as problem:
        told.append(str(problem))
        time.sleep(min(problem.retry_after, 0.2))


def receive(source: LiveTailSource, count: int, seconds: float = 20.0) -> tuple[list[Event], list[str]]:
    events: list[Event] = []
    told: list[str] = []
    end = time.monotonic() + seconds
    while len(events) < count and time.monotonic() < end:
        take(source, events, told)
    return events, told


def threads() -> set[str]:
    """The threads that read a session."""
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("live tail")}


def comes_back(wire: LogsWire, source: LiveTailSource) -> list[str]:
    """Wait until the source is read again, see that it is; what was told until then."""
    told: list[str] = []
    end = time.monotonic() + 8
    while time.monotonic() < end:
        made = reads(1)
        wire.log(*made)
        events, problems = receive(source, 1, 0.3)
        told += problems
        if made[0]["eventID"] in {event.id for event in events}:
            return told
    raise AssertionError(f"it does not come back: {told}")


def test_what_is_logged_comes_at_once_as_often_as_it_is_polled(wire: LogsWire, tail: LiveTailSource) -> None:
    assert (tail.name, tail.data_events, tail.remark) == (f"livetail {GROUP}", True, "")
    assert caught_up(tail)
    for _ in range(3):
        made = reads(3)
        begun = time.monotonic()
        wire.log(*made)
        events, told = receive(tail, 3)
        assert time.monotonic() - begun < 1
        assert [event.id for event in events] == [item["eventID"] for item in made]
        assert told == []
    assert tail.poll() == []


def test_what_was_logged_before_the_session_is_not_brought(wire: LogsWire) -> None:
    wire.log(*reads(5))
    with opened(wire) as source:
        assert receive(source, 1, 0.3) == ([], [])


def test_it_finds_a_custom_endpoint_although_the_model_puts_a_prefix_before_the_host(
    wire: LogsWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", wire.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    source = LiveTailSource(Account.connect(region="us-east-1"), f"{ARN}:*", "us-east-1", data_events=False)
    follow(source, lambda: bool(wire.live()))
    source.close()
    assert wire.calls("StartLiveTail")[0].host == wire.endpoint_url.removeprefix("http://")
    assert wire.calls("StartLiveTail")[0].params == {"logGroupIdentifiers": [ARN]}


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("eu-west-1", "https://stream-logs.eu-west-1.amazonaws.com/"),
        ("cn-north-1", "https://stream-logs.cn-north-1.amazonaws.com.cn/"),
    ],
)
def test_at_aws_the_prefix_stays(region: str, url: str) -> None:
    import botocore.session

    asked: list[str] = []

    def stop(request: Any, **_: Any) -> None:
        asked.append(request.url)
        raise InterruptedError

    session = botocore.session.Session()
    session.set_credentials("AKIAEXAMPLEEXAMPLE00", "secret", None)
    account = Account(session, WriteGuard(), region=region)
    session.register("before-send", stop)
    for operation in ("StartLiveTail", "FilterLogEvents"):
        params = {"logGroupIdentifiers": [ARN]} if operation == "StartLiveTail" else {"logGroupName": GROUP}
        with pytest.raises(InterruptedError):
            account.call("logs", operation, params)
    prefix = "https://stream-"
    assert [url.replace(prefix, "https://") if n else url for n in range(2)] == [_any(item, prefix) for item in asked]


def _any(url: str, prefix: str) -> str:
    # botocore of before April 2026 says streaming-logs.
    return url.replace("https://streaming-", prefix)


def test_a_sample_is_said_to_be_one(wire: LogsWire, tail: LiveTailSource) -> None:
    assert isinstance(tail, Remarks)
    wire.tick = 0.3
    wire.log(*reads(AN_UPDATE + 100))
    events, told = receive(tail, AN_UPDATE)
    assert (len(events), told) == (AN_UPDATE, [])
    assert tail.remark.startswith("sampled: over 500 events a second")
    receive(tail, 1, 0.5)
    assert tail.remark.startswith("sampled until ")
    assert "1 update" in tail.remark


STREAM_FAULTS = {
    "session error": (exception_frame("SessionStreamingException", "Unknown error"), "SessionStreamingException"),
    "unknown error": (error_frame("InternalServerError", "Something broke"), "InternalServerError"),
    "bit flipped": (event_frame("sessionUpdate", {"sessionResults": []})[:-5] + b"\0\0\0\0\0", "Checksum"),
    "not JSON": (event_frame("sessionUpdate", {}).replace(b"{}", b"{{"), "hecksum"),
}


@pytest.mark.parametrize("name", STREAM_FAULTS)
def test_a_stream_that_goes_wrong_is_told_and_opened_again(wire: LogsWire, tail: LiveTailSource, name: str) -> None:
    frame, why = STREAM_FAULTS[name]
    wire.send(frame)
    _, told = follow(tail, lambda: len(wire.tails) == 2)
    assert any(why in text and text.startswith(f"livetail {GROUP}: ") for text in told), told
    comes_back(wire, tail)
    assert "not read from" in tail.remark


@pytest.mark.parametrize("torn", [b"", event_frame("sessionUpdate", {"sessionResults": []})[:20]])
def test_a_connection_that_breaks_is_told_and_what_came_before_is_kept(
    wire: LogsWire, tail: LiveTailSource, torn: bytes
) -> None:
    made = reads(5)
    wire.log(*made)
    time.sleep(5 * wire.tick)
    wire.cut(torn)
    end = time.monotonic() + 20
    while threads() and time.monotonic() < end:
        time.sleep(wire.tick)
    with pytest.raises(SourceError, match="broke off") as problem:
        tail.poll()
    assert problem.value.retry_after < 1
    events, _ = receive(tail, 5)
    assert sorted(event.id for event in events) == sorted(item["eventID"] for item in made)
    comes_back(wire, tail)
    assert tail.remark.startswith("not read from ")
    assert tail.poll() == []


def test_a_stream_that_just_ends_is_told(wire: LogsWire, tail: LiveTailSource) -> None:
    wire.send(end=True)
    assert any("ended" in text for text in comes_back(wire, tail))


class Writer:
    """Logs a record every few milliseconds."""

    def __init__(self, wire: LogsWire) -> None:
        self.made: list[dict[str, Any]] = []
        self._wire = wire
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        while not self._stop.wait(0.005):
            made = reads(1)
            self.made += made
            self._wire.log(*made)


def test_sessions_are_renewed_before_they_end_and_nothing_is_lost_or_doubled() -> None:
    analysis = Analysis()
    with LogsWire(session_seconds=1.2) as wire, opened(wire, renew_after=0.6, both_for=0.3) as source:
        most = 0
        with Writer(wire) as writer:
            end = time.monotonic() + 2.5
            while time.monotonic() < end:
                analysis.add(source.poll())  # a SourceError would fail the test
                most = max(most, len(wire.live()))
        analysis.add(receive(source, 10_000, 0.5)[0])
        assert len(wire.tails) >= 3
        assert most == 2
        assert source.remark == ""
    assert analysis.distinct == len(writer.made) > 100
    (payroll,) = analysis.buckets()
    assert payroll.reads == len(writer.made)


def test_an_end_that_comes_before_the_successor_is_told_with_its_gap() -> None:
    with LogsWire(session_seconds=0.5) as wire, opened(wire) as source:
        _, told = follow(source, lambda: len(wire.tails) == 2)
        assert any("SessionTimeoutException" in text for text in told), told
        assert "not read" in source.remark


def test_the_session_goes_on_while_its_successor_is_refused() -> None:
    with LogsWire() as wire, opened(wire, renew_after=0.3, both_for=0.1) as source:
        wire.fail("StartLiveTail", code="LimitExceededException", times=2)
        events, told = [], []
        made = reads(40)
        for item in made:
            wire.log(item)
            take(source, events, told)
            time.sleep(0.02)
        wanted, end = {item["eventID"] for item in made}, time.monotonic() + 3
        while {event.id for event in events} != wanted and time.monotonic() < end:
            take(source, events, told)
        assert {event.id for event in events} == wanted
        assert told == []
        follow(source, lambda: len(wire.tails) >= 2)


REFUSALS = {
    "throttling": ({"code": "ThrottlingException"}, "fewer calls"),
    "5xx": ({"code": "InternalFailure", "status": 500}, "InternalFailure"),
    "expired token": ({"code": "ExpiredTokenException"}, "sign-in has expired"),
    "too many sessions": ({"code": "LimitExceededException"}, "Too many Live Tail sessions are open"),
    "dropped connection": ({"cut": True}, "initial-response"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_session_that_cannot_be_opened_is_told_as_long_as_it_lasts_and_tried_again(
    wire: LogsWire, tail: LiveTailSource, name: str
) -> None:
    fault, why = REFUSALS[name]
    wire.fail("StartLiveTail", times=99, **fault)
    begun = time.monotonic()
    wire.cut()
    told: list[str] = []
    while time.monotonic() - begun < 0.8:
        take(tail, [], told)
    assert "broke off" in told[0]
    assert all(why in text for text in told[-2:]), told
    assert tail.remark.startswith("not read since ")
    # Tries grow rarer; botocore's own retries make up to three calls of one.
    assert len(wire.calls("StartLiveTail")) <= 1 + 3 * 4
    wire.mend()
    comes_back(wire, tail)
    assert tail.remark.startswith("not read from ")


@pytest.mark.parametrize(
    ("code", "way_out"),
    [
        ("AccessDeniedException", "lacks logs:StartLiveTail"),
        ("InvalidOperationException", "Standard class only"),
        ("ResourceNotFoundException", "no such log group in us-east-1"),
    ],
)
def test_what_will_not_mend_by_itself_is_told_with_the_way_out(wire: LogsWire, code: str, way_out: str) -> None:
    wire.fail("StartLiveTail", code=code, times=99)
    source = LiveTailSource(wire.connect(), ARN, "us-east-1", data_events=True)
    told: list[str] = []
    end = time.monotonic() + 20
    while not told and time.monotonic() < end:  # the answer may come after the first poll
        take(source, [], told)
    assert any(way_out in text for text in told), told
    assert source.remark == ""
    source.close()


def test_a_session_that_is_slow_to_open_and_one_that_falls_silent_are_told(wire: LogsWire) -> None:
    wire.fail("StartLiveTail", seconds=1.0)
    source = LiveTailSource(wire.connect(), ARN, "us-east-1", data_events=True, silent=0.4)
    _, told = follow(source, lambda: bool(wire.live()))
    assert any("silent for" in text for text in told), told
    assert comes_back(wire, source)[-1:] in ([], told[-1:])
    wire.silent = True
    _, problems = receive(source, 1, 1.0)
    assert any("silent for" in text for text in problems), problems
    wire.silent = False
    comes_back(wire, source)
    assert receive(source, 1, 0.3) == ([], [])
    source.close()


def test_an_answer_that_never_comes_is_given_up(wire: LogsWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s3ir_tui.aws.account._SECONDS_TO_ANSWER", 0.4)
    with opened(wire) as source:
        wire.silent = True
        _, told = follow(source, lambda: len(wire.tails) == 2)
        assert any("timed out" in text for text in told), told
        wire.silent = False
        comes_back(wire, source)


def test_what_nobody_polls_is_kept_within_bounds_and_what_is_dropped_is_counted(wire: LogsWire) -> None:
    made = reads(400)
    size = len(json.dumps(made[0]))
    with opened(wire, most_waiting=100 * size) as source:
        wire.log(*made)
        time.sleep(0.3)
        events, _ = receive(source, 90)
        assert 90 <= len(events) <= 110
        assert events[-1].id == made[-1]["eventID"]
        assert source.remark == f"{400 - len(events)} events dropped: they came faster than they were read"


def test_what_is_no_record_is_counted(wire: LogsWire, tail: LiveTailSource) -> None:
    wire.log("no record", *reads(1))
    assert len(receive(tail, 1)[0]) == 1
    assert [(item.reason, item.count) for item in tail.skipped] == [("not JSON", 1)]


def test_closing_ends_the_session_at_once_and_for_good(wire: LogsWire, tail: LiveTailSource) -> None:
    assert isinstance(tail, Closes)
    assert threads()
    wire.silent = True  # the thread is waiting for an answer
    time.sleep(3 * wire.tick)
    begun = time.monotonic()
    tail.close()
    tail.close()
    assert time.monotonic() - begun < 1
    assert not threads()
    assert tail.poll() == []
    assert len(wire.calls("StartLiveTail")) == 1
    wire.silent = False
    follow_up = time.monotonic() + 3
    while wire.live() and time.monotonic() < follow_up:
        time.sleep(0.02)
    assert not wire.live()


def test_a_session_that_is_being_opened_is_closed_too(wire: LogsWire) -> None:
    wire.fail("StartLiveTail", seconds=0.5)
    source = LiveTailSource(wire.connect(), ARN, "us-east-1", data_events=True)
    source.poll()
    polling = threading.Thread(target=source.poll)
    polling.start()
    source.close()
    polling.join(2)
    assert not polling.is_alive()
    assert not threads()
    assert source.poll() == []
