"""Small helpers to drive the console by its keys and to read its screen."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from s3ir_tui.app import WarRoomApp
from tests.screens.fakes import FakeDesk, FakeRoom, FakeTimeline

NARROW, BROAD = (80, 24), (132, 34)
PATIENCE = 5.0


async def until(pilot: Pilot[Any], true: Callable[[], object]) -> None:
    """Wait until something holds; fails after five seconds."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come to hold; the screen says:\n" + screen(pilot.app)
        await pilot.pause(0.01)


def rows(app: Any) -> list[str]:
    """The screen as lines of text."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


def screen(app: Any) -> str:
    """The screen as one text."""
    return "\n".join(rows(app))


async def shows(pilot: Pilot[Any], words: str) -> None:
    """Wait until words stand on the screen."""
    await until(pilot, lambda: words in screen(pilot.app))


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, one after the other, as a person does."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause(0.02)


@asynccontextmanager
async def console(
    room: FakeRoom | None = None, desk: FakeDesk | None = None, size: tuple[int, int] = NARROW, first: str = "IR-42"
) -> AsyncIterator[Pilot[Any]]:
    """A live console on a room, once its first words stand."""
    app = WarRoomApp(FakeRoom() if room is None else room, desk)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, first)
        yield pilot


@asynccontextmanager
async def review(timeline: FakeTimeline | None = None, size: tuple[int, int] = NARROW) -> AsyncIterator[Pilot[Any]]:
    """A console on a recorded case."""
    recorded = FakeTimeline() if timeline is None else timeline
    app = WarRoomApp(recorded, None, recorded)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "11 of 11")
        yield pilot
