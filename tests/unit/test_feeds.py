"""The threads of sources: what goes wrong is said and tried again, what a source says is passed on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

import pytest

from s3ir_tui.feeds import EventsCame, Fact, Feeds, SourceChanged, trail_feed
from s3ir_tui.live_record import every
from s3ir_tui.trail.event import Event, Judged
from s3ir_tui.trail.sources.base import SourceError


class Scripted:
    """A source that does one thing after the other, the last again and again."""

    name = "bucket trail-logs"
    data_events = True
    interval = 0.01
    remark = "no file from \x1b[2J since 09:10Z"

    def __init__(self, *acts: list[Event] | Exception) -> None:
        self._acts = list(acts)
        self.closed = threading.Event()

    def poll(self) -> list[Event]:
        act = self._acts.pop(0) if len(self._acts) > 1 else self._acts[0]
        if isinstance(act, Exception):
            raise act
        return act

    def close(self) -> None:
        self.closed.set()


class Giving(Scripted):
    """One that gives up what is recorded."""

    def recorded(self, events: Sequence[Event]) -> None:
        """Not needed."""


def event(ident: str) -> Event:
    return Event(id=ident, time="2026-11-24T09:14:07Z", name="GetObject", service="s3", raw=b"{}")


def until(inbox: SimpleQueue[Fact], wanted: Callable[[Any], object]) -> Any:
    """The first fact that is as wanted."""
    while True:
        fact = inbox.get(timeout=5)
        if wanted(fact):
            return fact


def run(source: Scripted, wanted: Callable[[Any], object]) -> Any:
    inbox: SimpleQueue[Fact] = SimpleQueue()
    running = Feeds(inbox)
    running.follow(source)
    try:
        return until(inbox, wanted)
    finally:
        running.stop()
        assert source.closed.is_set()


def works_again(fact: Any) -> bool:
    return isinstance(fact, SourceChanged) and not fact.status.error


def test_a_source_that_is_lost_is_said_and_tried_again() -> None:
    lost = SourceError("bucket trail-logs: no permission", 0.01)
    found = run(Scripted(lost, []), lambda fact: isinstance(fact, SourceChanged) and fact.status.error)
    assert found.status.error == "bucket trail-logs: no permission"
    run(Scripted(lost, []), works_again)


def test_a_source_that_breaks_unexpectedly_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_feed, "_AFTER_FAULT", 0.01)
    found = run(Scripted(KeyError("Events"), []), lambda fact: isinstance(fact, SourceChanged) and fact.status.error)
    assert "unexpected KeyError" in found.status.error
    run(Scripted(KeyError("Events"), []), works_again)


def test_the_remark_of_a_source_is_passed_on_safe_to_show() -> None:
    found = run(Scripted([]), lambda fact: isinstance(fact, SourceChanged))
    assert found.status.remark == "no file from \\x1b[2J since 09:10Z"


def test_only_a_source_that_gives_up_what_is_recorded_is_told_of_it() -> None:
    giving = Giving([event("e-1")])
    assert run(giving, lambda fact: isinstance(fact, EventsCame)).recorded == giving.recorded
    assert run(Scripted([event("e-1")]), lambda fact: isinstance(fact, EventsCame)).recorded is None


def test_all_that_such_a_source_brings_is_to_be_recorded_noise_and_known_events_too() -> None:
    known, noise = event("known"), event("noise")
    judged = Judged(noise, noise=True, source="queue q")
    assert every([known, noise], [judged], "queue q") == [Judged(known, source="queue q"), judged]
