"""A tail of very many lines: they are looked through beside the keys, and what an attacker wrote stays words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from s3ir_tui.model import Severity
from s3ir_tui.room import Update
from s3ir_tui.trail.event import Event, Judged
from s3ir_tui.trail.spool import Spool
from screens.widgets import tail as tail_module
from screens.widgets.palette import PLAIN
from screens.widgets.tail import Tail
from screens.widgets.tail_line import highlighted
from screens.widgets.tail_search import Search
from tests.screens.driving import console, press, rows, screen, shows, until
from tests.screens.fakes import HOSTILE, FakeRoom, event, hostile_update, snapshot

MANY = 30_000


def line(number: int, **fields: Any) -> Judged:
    at = f"2026-11-24T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
    usual = {"id": f"e{number}", "time": at, "name": "GetObject", "service": "s3", "bucket": f"bucket-{number % 7}",
             "key": f"k{number}", "principal": f"arn:aws:iam::111122223333:user/u{number % 3}"}  # fmt: skip
    return Judged(Event(**(usual | fields)), Severity(number % 5), noise=number % 5 == 0)


@pytest.fixture(scope="module")
def many() -> tuple[Judged, ...]:
    return tuple(line(number) for number in range(MANY))


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def tail_of(pilot: Pilot[Any]) -> Tail:
    return pilot.app.screen.query_one(Tail)


def room_of(lines: tuple[Judged, ...]) -> FakeRoom:
    return FakeRoom(first=Update(snapshot(), lines))


def row_of_cursor(pilot: Pilot[Any]) -> str:
    return next((row for row in rows(pilot.app) if row.startswith("›")), "")


def _stand_still_after_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_module, "_PAUSE", 60.0)
    monkeypatch.setattr(tail_module, "_SLICE", 0.0)


async def settled(pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: tail_of(pilot)._all_looked_at)


def test_newest_lines_stand_at_once_and_the_rest_is_looked_at_beside_the_keys(
    many: tuple[Judged, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        async with console(room_of(many)) as pilot:
            await shows(pilot, f"k{MANY - 1}")
            tail = tail_of(pilot)
            await settled(pilot)
            assert tail.count() == MANY - MANY // 5
            assert tail.folded == MANY // 5
            _stand_still_after_one_block(monkeypatch)
            tail.narrow("bucket:bucket-3")
            await shows(pilot, "% searched")
            await press(pilot, "up", "up", "up")
            assert not tail.follow
            under = row_of_cursor(pilot)
            assert not tail._view.done
            monkeypatch.undo()
            tail._look_on()
            await settled(pilot)
            assert row_of_cursor(pilot) == under
            assert "% searched" not in screen(pilot.app)
            wanted = [n for n in range(MANY) if n % 7 == 3 and n % 5]
            assert tail.count() == len(wanted)

    run(test)


def test_search_reaches_a_line_on_the_disk(many: tuple[Judged, ...]) -> None:
    async def test() -> None:
        async with console(room_of(many)) as pilot:
            await settled(pilot)
            await press(pilot, "slash", *"key=k1234", "enter")
            await until(pilot, lambda: "bucket-2/k1234 " in row_of_cursor(pilot))
            await settled(pilot)
            assert "/key=k1234: 1 of 1" in screen(pilot.app)
            await press(pilot, "enter")
            await shows(pilot, "Record")
            assert "e1234" in screen(pilot.app) or "k1234" in screen(pilot.app)

    run(test)


def test_going_to_a_time_that_lies_on_the_disk(many: tuple[Judged, ...]) -> None:
    async def test() -> None:
        async with console(room_of(many)) as pilot:
            await press(pilot, "g", *"2026-11-24 00:10:01", "enter")
            await until(pilot, lambda: row_of_cursor(pilot).startswith("›00:10:01"))
            await press(pilot, "down")
            assert row_of_cursor(pilot).startswith("›00:10:02")

    run(test)


def test_all_lines_are_counted_by_principal(many: tuple[Judged, ...]) -> None:
    async def test() -> None:
        async with console(room_of(many)) as pilot:
            await press(pilot, "b")
            await until(pilot, lambda: "% counted" not in screen(pilot.app) and "by principal: 3" in screen(pilot.app))
            assert _counted(pilot) == MANY - MANY // 5

    run(test)


def test_very_many_lines_at_once_are_counted_once(many: tuple[Judged, ...]) -> None:
    async def test() -> None:
        room = room_of(many[:1000])
        async with console(room) as pilot:
            await press(pilot, "b")
            await shows(pilot, "by principal: 3")
            room.say(Update(snapshot(), many[1000:]))
            await until(pilot, lambda: len(pilot.app.state.lines) == MANY)
            await until(pilot, lambda: _counted(pilot) == MANY - MANY // 5)
            await press(pilot, "escape")
            await settled(pilot)
            assert (tail_of(pilot).count(), tail_of(pilot).folded) == (MANY - MANY // 5, MANY // 5)

    run(test)


def _counted(pilot: Pilot[Any]) -> int:
    listed = [row for row in rows(pilot.app) if "user/u" in row and "%" not in row]
    return sum(int(row.split("user/u")[1].split()[1].replace(",", "")) for row in listed)


def test_lines_that_come_while_it_looks_are_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        room = room_of(tuple(line(number) for number in range(25_000)))
        async with console(room) as pilot:
            await settled(pilot)
            _stand_still_after_one_block(monkeypatch)
            tail_of(pilot).narrow("bucket:bucket-3")
            for start in range(25_000, 26_000, 100):
                room.say(Update(snapshot(), tuple(line(number) for number in range(start, start + 100))))
                await pilot.pause(0.01)
            monkeypatch.undo()
            tail = tail_of(pilot)
            tail._look_on()
            await settled(pilot)
            await until(pilot, lambda: tail.count() == len([n for n in range(26_000) if n % 7 == 3 and n % 5]))
            numbers = list(tail._view)
            assert numbers == sorted(set(numbers))

    run(test)


def test_why_lines_are_missing_is_said() -> None:
    async def test() -> None:
        async with console() as pilot:
            tail_of(pilot)._lines.problem = "No space left on device: lines before the newest 20,000 are not kept"
            tail_of(pilot).refresh_head()
            await shows(pilot, "No space left on device")

    run(test)


def test_hostile_names_are_words_in_filter_search_groups_and_pivots() -> None:
    async def test() -> None:
        async with console(FakeRoom(first=hostile_update()), first="4 Tail") as pilot:
            for keys in (("F", *"key:", "tab", "enter"), ("slash", *"cHd", "enter"), ("b",), ("escape",), ("v",)):
                await press(pilot, *keys)
                strips = pilot.app.screen._compositor.render_strips()
                text = "".join(part.text for strip in strips for part in strip)
                assert not any(char < " " or "\x7f" <= char <= "\x9f" or char == "\u202e" for char in text)
            for _ in range(2):
                await press(pilot, "enter", "v") if "What else" in screen(pilot.app) else await press(pilot, "v")
            assert pilot.app.is_running

    run(test)


def test_what_is_searched_stands_out_wherever_it_is_in_a_line() -> None:
    spans = [("09:14", PLAIN), (" Salaries of salaries", PLAIN)]
    assert [text for text, style in highlighted(spans, ("salaries",)) if style.reverse] == ["Salaries", "salaries"]
    assert [text for text, style in highlighted(spans, ("absent",)) if style.reverse] == ["09:14"]
    assert [text for text, style in highlighted(spans, ("sal", "salaries")) if style.reverse] == [
        "Salaries",
        "salaries",
    ]
    odd = [("09:14", PLAIN), ("İstanbul", PLAIN)]
    assert "".join(text for text, _ in highlighted(odd, ("stan",))) == "09:14İstanbul"


def test_search_counts_its_place_from_the_newest() -> None:
    lines = Spool(memory=100, capacity=0)
    lines.extend(line(number) for number in range(50))
    search = Search(lines, lambda _line: True)
    search.ask("bucket:bucket-3", event(1).at)
    search.begin(tail_module.EVERYTHING)
    while not search.done:
        search.step(1)
    assert search.place(45) == "1 of 7"
    assert search.place(46) == "7"
    assert (search.next(45, "older"), search.next(45, "newer"), search.next(None, "newer")) == (38, None, 3)


def test_hostile_text_is_cut_from_what_a_filter_would_say() -> None:
    async def test() -> None:
        async with console() as pilot:
            tail_of(pilot).seek(HOSTILE)
            await pilot.pause(0.1)
            assert "\x1b" not in screen(pilot.app)

    run(test)
