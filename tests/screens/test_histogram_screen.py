"""Calls over time on the screen: allowed and denied apart, with and without colour, at any scale, a cell at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from s3ir_tui.app import WarRoomApp
from s3ir_tui.model import iso
from s3ir_tui.room import Update
from s3ir_tui.trail.histogram import Counts, Histogram
from screens.histogram import HistogramScreen
from screens.widgets.histogram import HistogramChart
from screens.widgets.tail import Tail
from tests.screens.driving import BROAD, NARROW, console, press, rows, screen, shows, until
from tests.screens.fakes import START, FakeRoom, FakeTimeline, lines, snapshot

MINUTE = timedelta(minutes=1)
FIRST = START.replace(second=0)


def run(test):  # type: ignore[no-untyped-def]
    return asyncio.run(test)


def counted(allowed: Iterable[int], denied: Iterable[int] = (), *, every: timedelta = MINUTE) -> Counts:
    """Calls in one cell after the other, from 09:13 on."""
    histogram = Histogram()
    for place, count in enumerate(allowed):
        histogram.add(iso(FIRST + place * every), "allowed", count)
    for place, count in enumerate(denied):
        if count:
            histogram.add(iso(FIRST + place * every), "denied", count)
    return histogram.counts()


def room(counts: Counts) -> FakeRoom:
    """A room that knows these calls."""
    return FakeRoom(first=Update(replace(snapshot(), calls=counts), lines()))


def chart(pilot) -> HistogramChart:  # type: ignore[no-untyped-def]
    return pilot.app.screen.query_one(HistogramChart)


def drawn(pilot) -> list[str]:  # type: ignore[no-untyped-def]
    """The rows of both charts, without what stands before them."""
    top, height = chart(pilot).region.y, chart(pilot).region.height
    return [row[14:] for row in rows(pilot.app)[top : top + height - 2]]


@pytest.mark.parametrize("size", [NARROW, BROAD])
def test_allowed_and_denied_are_two_charts_with_the_numbers_of_the_newest_cell(size: tuple[int, int]) -> None:
    async def test() -> None:
        async with console(room(counted([40, 3, 0, 1], [0, 0, 2, 7])), size=size) as pilot:
            await press(pilot, "H")
            await shows(pilot, "09:16Z to 09:17Z  allowed 1  denied 7  failed 0")
            seen = screen(pilot.app)
            assert "in all  allowed 44  denied 9  failed 0" in seen
            assert "peak 40" in seen
            assert "peak 7" in seen
            assert "█" in seen
            assert "▒" in seen
            assert all("▒" not in row for row in drawn(pilot) if "█" in row)

    run(test())


def test_cursor_tells_each_cell_and_finds_the_next_denied_one() -> None:
    async def test() -> None:
        async with console(room(counted([4, 3, 2, 1], [0, 5, 0, 0]))) as pilot:
            await press(pilot, "H", "left")
            await shows(pilot, "09:15Z to 09:16Z  allowed 2  denied 0")
            await press(pilot, "home")
            await shows(pilot, "09:13Z to 09:14Z  allowed 4")
            await press(pilot, "left", "n")
            await shows(pilot, "09:14Z to 09:15Z  allowed 3  denied 5")
            await press(pilot, "end", "N")
            await shows(pilot, "09:14Z to 09:15Z  allowed 3  denied 5")

    run(test())


def test_zoom_joins_cells_and_takes_them_apart_again() -> None:
    async def test() -> None:
        async with console(room(counted([1] * 60))) as pilot:
            await press(pilot, "H", "home", "minus")
            await shows(pilot, "2 min a cell")
            await press(pilot, "minus", "minus")
            await shows(pilot, "09:10Z to 09:20Z  allowed 7  denied 0")
            await press(pilot, "plus", "plus", "plus", "plus")
            await shows(pilot, "1 min a cell")
            await shows(pilot, "allowed 1  denied 0")

    run(test())


def test_a_long_trail_is_seen_whole_at_first_and_walked_through_close_up() -> None:
    async def test() -> None:
        counts = counted([1] * 500, every=timedelta(hours=1))
        async with console(room(counts)) as pilot:
            await press(pilot, "H")
            await shows(pilot, "12 h a cell")
            assert sum(cell.allowed for cell in chart(pilot).cells) == 500
            await press(pilot, *["plus"] * 8)
            await shows(pilot, "1 min a cell")
            await press(pilot, "home")
            await shows(pilot, "2026-11-24 09:13Z to 09:14Z  allowed 1")
            await press(pilot, "pagedown")
            await shows(pilot, "2026-11-24 10:17Z to 10:18Z  allowed 0")
            assert [cell.allowed for cell in chart(pilot).cells].count(1) >= 1

    run(test())


def test_cursor_goes_with_the_newest_cell_until_it_is_moved() -> None:
    async def test() -> None:
        fake = room(counted([1, 1]))
        async with console(fake) as pilot:
            await press(pilot, "H")
            await shows(pilot, "09:14Z to 09:15Z")
            fake.say(Update(replace(snapshot(), calls=counted([1, 1, 9]))))
            await shows(pilot, "09:15Z to 09:16Z  allowed 9")
            await press(pilot, "home")
            fake.say(Update(replace(snapshot(), calls=counted([1, 1, 9, 8]))))
            await shows(pilot, "in all  allowed 19")
            assert "09:13Z to 09:14Z  allowed 1" in screen(pilot.app)

    run(test())


def test_cells_grow_with_the_trail_until_someone_zooms() -> None:
    async def test() -> None:
        fake = room(counted([1, 1]))
        async with console(fake) as pilot:
            await press(pilot, "H")
            await shows(pilot, "1 min a cell")
            fake.say(Update(replace(snapshot(), calls=counted([1] * 50, every=timedelta(hours=1)))))
            await shows(pilot, "1 h a cell")
            await press(pilot, "home", "plus")
            await shows(pilot, "30 min a cell")
            fake.say(Update(replace(snapshot(), calls=counted([1] * 500, every=timedelta(hours=1)))))
            await shows(pilot, "in all  allowed 500")
            assert "30 min a cell" in screen(pilot.app)
            assert "2026-11-24 09:00Z to 09:30Z" in screen(pilot.app)

    run(test())


def test_one_call_among_thousands_is_still_seen() -> None:
    async def test() -> None:
        async with console(room(counted([9000, 1], [9000, 1]))) as pilot:
            await press(pilot, "H", "home")
            await shows(pilot, "allowed 9000")
            assert [row[1] for row in drawn(pilot) if "·" in row] == ["▁", "░"]

    run(test())


def test_pulse_of_the_row_under_the_cursor_stands_beside() -> None:
    async def test() -> None:
        async with console(room(counted([1])), size=BROAD) as pilot:
            await press(pilot, "2", "H")
            await shows(pilot, "user/svc-export")
            await until(pilot, lambda: any("last 1 min" in row and "denied" in row for row in rows(pilot.app)))

    run(test())


def test_enter_tells_the_time_of_the_cell_and_leaves() -> None:
    async def test() -> None:
        told: list[str] = []
        async with console(room(counted([1, 1, 1]))) as pilot:
            pilot.app.push_screen(HistogramScreen(pilot.app.state, None, told.append))
            await shows(pilot, "09:15Z to 09:16Z")
            await press(pilot, "left", "enter")
            await until(pilot, lambda: not isinstance(pilot.app.screen, HistogramScreen))
            assert told == ["2026-11-24T09:14:00Z"]

    run(test())


@pytest.mark.parametrize("size", [NARROW, BROAD])
def test_enter_shows_the_tail_as_of_that_time(size: tuple[int, int]) -> None:
    async def test() -> None:
        async with console(room(counted([1, 1, 1])), size=size) as pilot:
            await press(pilot, "2", "H")
            await shows(pilot, "09:15Z to 09:16Z")
            await press(pilot, "left", "enter")
            await until(pilot, lambda: isinstance(pilot.app.focused, Tail))
            tail = pilot.app.screen.query_one(Tail)
            await until(pilot, lambda: not tail.follow)
            assert tail.current() is not None
            assert tail.current().event.time in ("2026-11-24T09:13:59Z", "2026-11-24T09:14:01Z")

    run(test())


def test_nothing_yet_is_said() -> None:
    async def test() -> None:
        async with console(room(Counts())) as pilot:
            await press(pilot, "H")
            await shows(pilot, "no call yet")
            await press(pilot, "left", "plus", "home", "n", "enter", "escape")
            await until(pilot, lambda: not isinstance(pilot.app.screen, HistogramScreen))

    run(test())


def test_review_shows_what_was_recorded() -> None:
    class Recorded(FakeTimeline):
        def say(self, update: Update) -> None:
            super().say(replace(update, snapshot=replace(update.snapshot, calls=counted([2, 5]))))

    async def test() -> None:
        recorded = Recorded()
        async with WarRoomApp(recorded, None, recorded).run_test(size=NARROW) as pilot:
            await shows(pilot, "11 of 11")
            await press(pilot, "H")
            await shows(pilot, "in all recorded  allowed 7")

    run(test())


def test_without_colour_the_charts_differ_by_their_glyphs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def test() -> None:
        async with console(room(counted([4, 4], [4, 4]))) as pilot:
            await press(pilot, "H")
            await shows(pilot, "allowed 4  denied 4")
            strips = pilot.app.screen._compositor.render_strips()
            used = {segment.style.color for strip in strips for segment in strip if segment.style is not None}
            assert all(colour is None or colour.is_default for colour in used)
            assert {glyph for row in drawn(pilot) for glyph in row} == {"█", "▒", "·"}

    run(test())
