"""Calls over time: allowed and denied apart, exact while there is room, coarser and still complete beyond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3ir_tui.model import iso
from s3ir_tui.trail.histogram import Counts, Histogram, Outcome, outcome_of
from tests.unit import trail_world as world

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """A time some minutes from nine o'clock."""
    return START + timedelta(minutes=minutes)


def test_allowed_denied_and_failed_calls_are_counted_apart() -> None:
    histogram = Histogram()
    histogram.add(iso(at(0)), "allowed", 3)
    histogram.add(iso(at(0.5)), "denied")
    histogram.add(iso(at(1)), "failed")
    first, second = histogram.cells(START, at(2), 2)
    assert (first.allowed, first.denied, first.failed) == (3, 1, 0)
    assert (second.allowed, second.denied, second.failed) == (0, 0, 1)
    assert (first.start, first.end, second.end) == (START, at(1), at(2))
    counts = histogram.counts()
    assert (counts.allowed, counts.denied, counts.failed) == (3, 1, 1)
    assert (counts.first, counts.last) == (iso(START), iso(at(1)))


def test_what_lies_outside_of_the_span_is_left_out() -> None:
    histogram = Histogram()
    for minute in range(10):
        histogram.add(iso(at(minute)), "allowed")
    assert [cell.allowed for cell in histogram.cells(at(3), at(7), 4)] == [1, 1, 1, 1]
    assert [cell.allowed for cell in histogram.cells(at(3), at(7), 2)] == [2, 2]


def test_events_may_come_in_any_order() -> None:
    histogram = Histogram()
    for minute in (5, 1, 3):
        histogram.add(iso(at(minute)), "denied")
    assert [cell.denied for cell in histogram.cells(START, at(6), 6)] == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(("most", "seconds"), [(100, 60), (30, 600), (4, 3600), (1, 86_400)])
def test_cells_are_merged_when_there_are_too_many(most: int, seconds: int) -> None:
    histogram = Histogram(most)
    for minute in range(100):
        histogram.add(iso(at(minute)), "allowed")
    counts = histogram.counts()
    assert counts.seconds == seconds
    assert counts.allowed == sum(cell.allowed for cell in counts.cells(at(-600), at(900), 10)) == 100


def test_size_is_bounded_whatever_times_come() -> None:
    histogram = Histogram(50)
    for year in range(1, 3000):
        histogram.add(f"{year:04}-01-01T00:00:00Z", "allowed")
    assert histogram.counts().allowed == 2999
    histogram = Histogram(50)
    for number in range(10_000):
        histogram.add(iso(START + timedelta(hours=number)), "allowed")
    assert len(histogram._cells) <= 50


def test_what_is_no_time_is_counted_and_stands_nowhere() -> None:
    histogram = Histogram()
    histogram.add("2026-99-99T99:99:99Z", "denied")
    assert histogram.counts().denied == 1
    assert sum(cell.denied for cell in histogram.cells(START, at(600), 5)) == 0


def test_counts_do_not_change_and_are_made_anew_only_after_news() -> None:
    histogram = Histogram()
    histogram.add(iso(START), "allowed")
    before = histogram.counts()
    assert histogram.counts() is before
    histogram.add(iso(START), "allowed")
    assert before.allowed == 1
    assert histogram.counts().allowed == 2


def test_nothing_gives_no_cells_and_empty_ones() -> None:
    assert Counts().cells(START, at(2), 0) == ()
    assert Counts().cells(START, START, 5) == ()
    assert [cell.allowed for cell in Counts().cells(START, at(2), 3)] == [0, 0, 0]


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.sampled_from(["allowed", "denied", "failed"])), max_size=60),
    st.integers(1, 40),
    st.integers(2, 60),
)
@settings(max_examples=60, deadline=None)
def test_no_call_is_lost_or_counted_twice(calls: list[tuple[int, Outcome]], n: int, most: int) -> None:
    histogram = Histogram(most)
    for minute, outcome in calls:
        histogram.add(iso(at(minute)), outcome)
    cells = histogram.cells(datetime(2026, 1, 1, tzinfo=UTC), at(60 * 24 * 5), n)
    for outcome in ("allowed", "denied", "failed"):
        assert sum(getattr(cell, outcome) for cell in cells) == sum(item == outcome for _, item in calls)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [("", "allowed"), ("NoSuchKey", "allowed"), ("AccessDenied", "denied"), ("SlowDown", "failed")],
)
def test_outcome_says_whether_the_caller_was_let_through(error: str, outcome: str) -> None:
    assert outcome_of(world.event("GetObject", world.user(), error=error)) == outcome
