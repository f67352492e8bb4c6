"""How the screens look: one picture each at 80x24 and wide, and the war room without colour."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from s3ir_tui.app import WarRoomApp
from s3ir_tui.room import Update
from tests.screens.driving import BROAD, NARROW, press, shows
from tests.screens.fakes import FakeDesk, FakeRoom, FakeTimeline, lines, snapshot, watch_view

Prepared = Callable[[Pilot[Any]], Awaitable[None]]
Compare = Callable[..., bool]
SIZES = pytest.mark.parametrize("size", [NARROW, BROAD], ids=["narrow", "wide"])


@pytest.fixture(autouse=True)
def _pictures_do_not_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rooms of pictures say one thing only; on a busy machine the watchdog would soon say how old that is."""
    monkeypatch.setattr("screens.watchdog.OLD_SECONDS", 3600.0)


def _app() -> WarRoomApp:
    now = replace(snapshot(), watches=(watch_view(),))
    return WarRoomApp(FakeRoom(first=Update(now, lines())), FakeDesk(needs_reason=True))


def _after(*steps: tuple[str, str]) -> Prepared:
    """Press keys; after each wait for what it must bring to the screen."""

    async def prepare(pilot: Pilot[Any]) -> None:
        await shows(pilot, "IR-42")
        for key, words in steps:
            await press(pilot, key)
            await shows(pilot, words)
        await pilot.pause(0.3)

    return prepare


@SIZES
def test_war_room(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(_app(), terminal_size=size, run_before=_after())


def test_war_room_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = _app()
    assert app.theme == "ansi-dark"
    assert snap_compare(app, terminal_size=NARROW, run_before=_after(("2", "─ 2 Principals")))


@SIZES
def test_actions(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(_app(), terminal_size=size, run_before=_after(("a", "contain.lineage")))


@SIZES
def test_plan(snap_compare: Compare, size: tuple[int, int]) -> None:
    steps = (("a", "contain.lineage"), ("enter", "type 4 to run"), *((("down", "Step"),) * 3))
    assert snap_compare(_app(), terminal_size=size, run_before=_after(*steps))


@SIZES
def test_watch(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(_app(), terminal_size=size, run_before=_after(("w", "HOLDING")))


@SIZES
def test_review(snap_compare: Compare, size: tuple[int, int]) -> None:
    timeline = FakeTimeline()
    app = WarRoomApp(timeline, None, timeline)
    steps = (("left", "10 of 11"), ("left", "9 of 11"), ("left", "8 of 11"))
    assert snap_compare(app, terminal_size=size, run_before=_after(*steps))


@pytest.mark.parametrize(
    ("key", "words"),
    [("l", "7 of 8 records"), ("enter", "event-15"), ("question_mark", "Help"), ("u", "4 of 4 steps done")],
    ids=["log", "event", "help", "undo"],
)
def test_other_screens(snap_compare: Compare, key: str, words: str) -> None:
    assert snap_compare(_app(), terminal_size=NARROW, run_before=_after((key, words)))
