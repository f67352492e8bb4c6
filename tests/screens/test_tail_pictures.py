"""How the tail looks with a filter being written, with a search, by principal, and what else there is of an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from s3ir_tui.app import WarRoomApp
from s3ir_tui.room import Update
from tests.screens.driving import BROAD, NARROW, press, shows
from tests.screens.fakes import FakeDesk, FakeRoom, lines, snapshot

Compare = Callable[..., bool]

_PICTURES = {
    "filter": (("F", *"-outcome:"), "-outcome:ok"),
    "problem": (("F", *"buket:x"), "did you mean"),
    "search": (("slash", *"bonus", "enter"), "/bonus: 1 of 1"),
    "principals": (("b",), "Tail by principal: 2"),
    "pivots": (("up", "v"), "What else there is"),
}


def _picture(name: str) -> Callable[[Pilot[Any]], Any]:
    keys, words = _PICTURES[name]

    async def prepare(pilot: Pilot[Any]) -> None:
        await shows(pilot, "IR-42")
        await press(pilot, "4", *keys)
        await shows(pilot, words)
        await pilot.pause(0.3)

    return prepare


@pytest.mark.parametrize("name", _PICTURES)
def test_tail_at_80x24(snap_compare: Compare, name: str) -> None:
    app = WarRoomApp(FakeRoom(first=Update(snapshot(), lines())), FakeDesk())
    assert snap_compare(app, terminal_size=NARROW, run_before=_picture(name))


@pytest.mark.parametrize("name", ["filter", "principals"])
def test_tail_wide(snap_compare: Compare, name: str) -> None:
    app = WarRoomApp(FakeRoom(first=Update(snapshot(), lines())), FakeDesk())
    assert snap_compare(app, terminal_size=BROAD, run_before=_picture(name))
