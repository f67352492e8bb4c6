"""One table of keys: each leads somewhere, none changes AWS, help shows them all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from s3ir_tui.app import WarRoomApp
from screens.actions import ActionsScreen
from screens.base import CaseScreen, Prompt
from screens.detail import RowScreen
from screens.detections import DetectionsScreen
from screens.document import DocumentScreen
from screens.event import EventScreen
from screens.filter_bar import FilterBar
from screens.groups import GroupsScreen
from screens.keys import KEYS, Key
from screens.log import LogScreen
from screens.pivot import PivotScreen
from screens.plan import PlanScreen
from screens.questions import AnswerScreen, QuestionsScreen
from screens.undo import UndoScreen
from screens.war_room import WarRoomScreen
from screens.watch import WatchScreen
from screens.widgets.histogram import HistogramChart
from screens.widgets.pages import Pages
from screens.widgets.rows import Rows
from tests.screens.driving import console, press, screen, shows
from tests.screens.fakes import FakeDesk

HOMES: dict[str, type] = {
    "all": CaseScreen,
    "list": Rows,
    "room": WarRoomScreen,
    "tail": WarRoomScreen,
    "filter": FilterBar,
    "groups": GroupsScreen,
    "pivot": PivotScreen,
    "review": WarRoomScreen,
    "actions": ActionsScreen,
    "plan": PlanScreen,
    "watch": WatchScreen,
    "log": LogScreen,
    "event": EventScreen,
    "histogram": HistogramChart,
    "found": DetectionsScreen,
    "questions": QuestionsScreen,
    "answer": AnswerScreen,
    "row": RowScreen,
    "document": DocumentScreen,
    "pages": Pages,
    "prompt": Prompt,
}
_MUTATES_NOTHING = {"room.mark", "row.mark", "event.principal", "event.bucket", "event.instance"}


def test_ids_are_unique() -> None:
    assert len({key.id for key in KEYS}) == len(KEYS)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.id)
def test_every_key_has_its_action_and_help(key: Key) -> None:
    name = key.action.partition("(")[0]
    home: type = WarRoomApp if name.startswith("app.") else HOMES.get(key.where, UndoScreen)
    action = f"action_{name.removeprefix('app.')}"
    lists = (LogScreen, UndoScreen, ActionsScreen, GroupsScreen, PivotScreen, QuestionsScreen)
    found = hasattr(home, action) or (home in lists and hasattr(Rows, action))
    found = found or (home in (EventScreen, RowScreen) and hasattr(Pages, action))
    assert found, f"{key.id}: {home.__name__} has no {action}"
    assert key.help


def test_no_bare_key_runs_a_plan() -> None:
    for key in KEYS:
        assert "run" not in key.action
        assert "confirm" not in key.action


def test_keys_of_the_readme_are_keys_of_the_war_room() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    table = readme[readme.index("## Keys") : readme.index("## Afterwards")]
    named = {part.strip("` ") for row in table.splitlines() if row.startswith("| `") for part in
             row.split("|")[1].replace(" or ", " ").split()}  # fmt: skip
    labels = {key.label for key in KEYS} | {name for key in KEYS for name in key.keys.split(",")}
    assert named <= labels, named - labels


def test_help_lists_every_key_of_the_screen() -> None:
    async def test() -> None:
        async with console(desk=FakeDesk(), size=(100, 80)) as pilot:
            wanted = pilot.app.screen.key_table()
            await press(pilot, "question_mark")
            await shows(pilot, "State of a suspect")
            for key in wanted:
                assert key.help in screen(pilot.app)

    asyncio.run(test())


def test_palette_finds_an_action_by_its_words() -> None:
    async def test() -> None:
        async with console(desk=FakeDesk()) as pilot:
            await press(pilot, "colon", *"log of")
            await shows(pilot, "log of the case")
            await press(pilot, "enter")
            await shows(pilot, "7 of 8 records")

    asyncio.run(test())
