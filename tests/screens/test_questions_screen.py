"""Questions to history in the console: filled in from the cursor, answered from what was seen, saved, taken back."""

from __future__ import annotations

import asyncio
import csv
import json
import stat
import threading
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from textual.pilot import Pilot

from s3ir_tui.app import WarRoomApp
from s3ir_tui.questions.question import Question
from s3ir_tui.questions.results import Answer, Cancelled
from s3ir_tui.questions.seen import SeenHistory
from s3ir_tui.room import Update
from s3ir_tui.trail.event import Event, Judged
from s3ir_tui.trail.spool import Spool
from screens.asking import Asks
from screens.questions import AnswerScreen, QuestionList, QuestionsScreen
from screens.widgets.tail import Tail
from tests.screens.driving import NARROW, press, screen, shows, until
from tests.screens.fakes import HOSTILE, USER, FakeRoom, FakeTimeline, event, hostile_update, snapshot


@asynccontextmanager
async def asking(
    asks: Asks | None, room: FakeRoom | None = None, size: tuple[int, int] = NARROW, first: str = "IR-42"
) -> AsyncIterator[Pilot[Any]]:
    """A console that can be asked."""
    app = WarRoomApp(room or FakeRoom(), None, None, asks)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, first)
        yield pilot


async def go_to(pilot: Pilot[Any], name: str) -> None:
    """Put the cursor on a question."""
    listed = pilot.app.screen.query_one(QuestionList)
    await until(pilot, lambda: listed.has_focus)
    for _ in range(listed.count()):
        if listed.current().id == name:
            return
        await press(pilot, "down")


async def go_to_event(pilot: Pilot[Any], key: str) -> None:
    """Put the cursor of the tail on the event of a key."""
    await press(pilot, "4")
    tail = pilot.app.screen.query_one(Tail)
    await until(pilot, lambda: tail.has_focus and tail.count() >= 10)
    for _ in range(tail.count()):
        await press(pilot, "up")
        line = tail.current()
        if line is not None and line.event.key == key:
            return


def test_a_question_is_filled_in_from_the_event_under_the_cursor_and_answered(tmp_path: Path) -> None:
    async def test() -> None:
        async with asking(SeenHistory(tmp_path / "answers")) as pilot:
            await go_to_event(pilot, "q3/iban.csv")
            await press(pilot, "Q")
            await shows(pilot, "Questions to history")
            await shows(pilot, "key=q3/iban.csv")
            await shows(pilot, "bucket=payroll-2026")
            await press(pilot, "down", "up", "enter")
            await shows(pilot, "principal")
            await press(pilot, "right")
            await until(pilot, lambda: "‹access_key" in screen(pilot.app))
            await press(pilot, "left")
            await shows(pilot, "who-touched-key  key=")
            await shows(pilot, "user/svc-export")
            await shows(pilot, "Answered from the 11 events")
            await press(pilot, "enter")
            await shows(pilot, f"principal   {USER}")
            await press(pilot, "escape", "escape")
            await shows(pilot, "Questions to history")
            await press(pilot, "escape")
            await shows(pilot, "IR-42")

    asyncio.run(test())


def test_what_a_question_still_needs_is_asked_for(tmp_path: Path) -> None:
    async def test() -> None:
        async with asking(SeenHistory(tmp_path / "answers")) as pilot:
            await press(pilot, "1", "Q")
            await shows(pilot, "Questions to history")
            await go_to(pilot, "credential")
            await press(pilot, "enter")
            await shows(pilot, "access key id, or ARN")
            await press(pilot, *"AKIAEXAMPLEXNL3F6J", "enter")
            await shows(pilot, "credential  actor=AKIAEXAMPLEXNL3F6J")
            await shows(pilot, "ListBuckets")

    asyncio.run(test())


def test_a_question_can_be_asked_with_other_values_and_a_wrong_one_is_said(tmp_path: Path) -> None:
    async def test() -> None:
        async with asking(SeenHistory(tmp_path / "answers")) as pilot:
            await press(pilot, "Q")
            await go_to(pilot, "bulk-reads")
            await press(pilot, "e")
            await shows(pilot, "reads in an hour that count as bulk (may be left out)")
            await press(pilot, *"few", "enter")
            await shows(pilot, "name of the bucket")
            await press(pilot, "enter")
            await shows(pilot, "must be a whole number")
            await press(pilot, "e", "backspace", "backspace", "backspace", *"2", "enter")
            await shows(pilot, "name of the bucket")
            await press(pilot, "enter")
            await shows(pilot, "bulk-reads  least=2")

    asyncio.run(test())


def test_an_answer_is_saved_into_the_case_as_csv_and_json(tmp_path: Path) -> None:
    room = FakeRoom()

    async def test() -> None:
        async with asking(SeenHistory(tmp_path / "answers"), room, size=(132, 34)) as pilot:
            await press(pilot, "Q")
            await go_to(pilot, "top-readers")
            await press(pilot, "enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, AnswerScreen))
            await press(pilot, "s")
            await shows(pilot, "saved as")
            await press(pilot, "S")
            await until(pilot, lambda: len(room.notes) == 2)

    asyncio.run(test())
    assert all("answer to top-readers (1 row) saved as top-readers-" in note for note in room.notes), room.notes
    assert len(room.notes) == 2
    saved = {file.suffix: file for file in (tmp_path / "answers").iterdir()}
    assert {stat.S_IMODE(file.stat().st_mode) for file in saved.values()} == {0o600}
    rows = list(csv.DictReader(saved[".csv"].read_text().splitlines()))
    told = json.loads(saved[".json"].read_text())
    assert rows[0]["principal"] == told["rows"][0]["principal"] == USER
    assert told["rows"][0]["succeeded"] == 3
    assert told["question"] == "top-readers"


def test_later_events_are_in_the_next_answer_and_each_is_counted_once(tmp_path: Path) -> None:
    room = FakeRoom()

    async def ask(pilot: Pilot[Any], reads: int) -> None:
        await press(pilot, "Q")
        await go_to(pilot, "top-readers")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, AnswerScreen))
        answer = pilot.app.screen._answer
        assert [row[2] for row in answer.rows if row[0] == USER] == [reads]
        await press(pilot, "escape", "escape")

    async def test() -> None:
        async with asking(SeenHistory(tmp_path / "answers"), room) as pilot:
            await ask(pilot, 3)
            more = tuple(Judged(event(100 + n, key=f"later-{n}")) for n in range(2_000))
            room.say(Update(snapshot(), (*more, more[0])))
            await until(pilot, lambda: pilot.app.state.lines.end > 2_000)
            await ask(pilot, 2_003)

    asyncio.run(test())


def test_lines_that_were_laid_by_are_answered_too(tmp_path: Path) -> None:
    async def test() -> None:
        async with asking(SeenHistory(tmp_path / "answers")) as pilot:
            state = pilot.app.state
            state.lines = Spool(memory=64, capacity=6_000, folder=tmp_path, block=16)
            state.lines.extend([Judged(event(n, key=f"k{n}")) for n in range(5_000)])
            await press(pilot, "Q")
            await go_to(pilot, "top-readers")
            await press(pilot, "enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, AnswerScreen))
            assert [row[2] for row in pilot.app.screen._answer.rows] == [5_000]

    asyncio.run(test())


class Slow:
    """Answers only once it is told to stop."""

    def __init__(self) -> None:
        self.taken = 0
        self.asked = threading.Event()

    def forget(self) -> None:
        self.taken = 0

    def add(self, events: Iterable[Event], taken: int) -> None:
        self.taken = taken

    def ask(self, question: Question, given: Mapping[str, str], stop: threading.Event) -> Answer:
        self.asked.set()
        assert stop.wait(5)
        raise Cancelled("taken back")

    def save(self, answer: Answer, form: Literal["csv", "json"]) -> Path:
        raise OSError("no room")


def test_escape_takes_a_question_back_and_the_screen_lives_on() -> None:
    slow = Slow()

    async def test() -> None:
        async with asking(slow) as pilot:
            await press(pilot, "Q")
            await go_to(pilot, "top-readers")
            await press(pilot, "enter")
            await until(pilot, slow.asked.is_set)
            await press(pilot, "enter")
            await shows(pilot, "escape takes it back")
            await press(pilot, "escape")
            await shows(pilot, "the question was taken back")
            assert isinstance(pilot.app.screen, QuestionsScreen)
            await press(pilot, "escape")
            await until(pilot, lambda: not isinstance(pilot.app.screen, QuestionsScreen))

    asyncio.run(test())


def test_without_a_place_to_ask_it_says_so() -> None:
    async def test() -> None:
        async with asking(None) as pilot:
            await press(pilot, "Q")
            await go_to(pilot, "top-readers")
            await press(pilot, "enter")
            await shows(pilot, "questions cannot be asked here")

    asyncio.run(test())


def test_a_recorded_case_is_asked_about_the_moment_that_is_looked_at(tmp_path: Path) -> None:
    timeline = FakeTimeline()

    async def ask(pilot: Pilot[Any]) -> int:
        await press(pilot, "Q")
        await go_to(pilot, "refused")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, AnswerScreen))
        count = len(pilot.app.screen._answer.rows)
        await press(pilot, "escape", "escape")
        return count

    async def test() -> None:
        app = WarRoomApp(timeline, None, timeline, SeenHistory(tmp_path / "answers"))
        async with app.run_test(size=NARROW) as pilot:
            await shows(pilot, "11 of 11")
            assert await ask(pilot) == 1
            await press(pilot, "left")
            await shows(pilot, "10 of 11")
            assert await ask(pilot) == 0

    asyncio.run(test())


def test_hostile_values_stay_text(tmp_path: Path) -> None:
    async def test() -> None:
        room = FakeRoom(first=hostile_update())
        async with asking(SeenHistory(tmp_path / "answers"), room, first="Next:") as pilot:
            await go_to_event(pilot, HOSTILE)
            await press(pilot, "Q")
            await shows(pilot, "Questions to history")
            for name in ("credential", "refused"):
                await go_to(pilot, name)
                await press(pilot, "enter")
                await until(pilot, lambda: isinstance(pilot.app.screen, AnswerScreen))
                await press(pilot, "enter")
                await shows(pilot, "row 1")
                assert not any(ord(char) < 32 or char in "\x9b\u202e" for char in screen(pilot.app).replace("\n", ""))
                await press(pilot, "escape", "escape")

    asyncio.run(test())
