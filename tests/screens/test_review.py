"""The time line of a recorded case: stepping, playing, going to a time."""

from __future__ import annotations

import asyncio

from tests.screens.driving import press, review, rows, screen, shows, until
from tests.screens.fakes import FakeTimeline


def run(test):  # type: ignore[no-untyped-def]
    return asyncio.run(test)


def test_review_opens_at_the_end_and_says_as_of_when() -> None:
    async def test() -> None:
        async with review() as pilot:
            seen = rows(pilot.app)
            assert "REVIEW" in seen[0]
            assert "09:14:05Z" in seen[0]
            assert "as recorded" in seen[1]

    run(test())


def test_left_steps_back_and_the_tail_shows_what_was_known_then() -> None:
    async def test() -> None:
        timeline = FakeTimeline()
        async with review(timeline) as pilot:
            await press(pilot, "left", "left", "left")
            await shows(pilot, "8 of 11")
            assert timeline.position == 7
            assert "GetSessionToken" not in "\n".join(rows(pilot.app)[7:])
            await press(pilot, "right")
            await shows(pilot, "9 of 11")

    run(test())


def test_g_goes_to_the_last_record_at_or_before_a_time() -> None:
    async def test() -> None:
        timeline = FakeTimeline()
        async with review(timeline) as pilot:
            await press(pilot, "g", *"09:13:58", "enter")
            await shows(pilot, "6 of 11")
            await press(pilot, "g", *"08:00", "enter")
            await shows(pilot, "no record at or before 08:00")
            assert timeline.position == 5

    run(test())


def test_space_plays_from_the_beginning_to_the_end_and_stops() -> None:
    async def test() -> None:
        timeline = FakeTimeline()
        async with review(timeline) as pilot:
            await press(pilot, "right_square_bracket", "right_square_bracket", "space")
            await shows(pilot, "▶ x16")
            await until(pilot, lambda: timeline.position == 10 and "▶" not in screen(pilot.app))
            assert timeline.sought[1] == 0
            assert timeline.sought[1:] == sorted(timeline.sought[1:])

    run(test())
