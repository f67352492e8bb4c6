"""The keys of the tail: filter by field, search, severity, time, principals, and what else there is of an event."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from s3ir_tui.model import Severity
from s3ir_tui.room import Update
from s3ir_tui.trail.event import Judged
from screens.filter_bar import FilterBar
from screens.widgets.field import Field
from screens.widgets.tail import Tail
from tests.screens.driving import BROAD, console, press, review, rows, screen, shows, until
from tests.screens.fakes import ETL, USER, FakeDesk, FakeRoom, event, lines, snapshot


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def tail_of(pilot: Pilot[Any]) -> Tail:
    return pilot.app.screen.query_one(Tail)


def filter_field(pilot: Pilot[Any]) -> Field:
    return pilot.app.screen.query_one(FilterBar).query_one(Field)


def row_of_cursor(pilot: Pilot[Any]) -> str:
    return next((row for row in rows(pilot.app) if row.startswith("›")), "")


def test_filter_by_field_shows_only_its_lines() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "F", *"outcome:denied", "enter")
            await shows(pilot, "filter outcome:denied: 1 line")
            assert "board.csv" in screen(pilot.app)
            await press(pilot, "escape")
            await shows(pilot, "ListBuckets")

    run(test)


def test_filter_offers_fields_and_values_and_tab_writes_them() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "F", *"-bu")
            await shows(pilot, "-bucket:")
            await press(pilot, "tab")
            await shows(pilot, "payroll-2026")
            await press(pilot, "tab", "enter")
            await until(pilot, lambda: tail_of(pilot).filter == "-bucket:payroll-2026")
            assert "salaries.csv" not in screen(pilot.app)

    run(test)


def test_name_of_a_field_on_the_way_hides_nothing() -> None:
    async def test() -> None:
        async with console() as pilot:
            shown = tail_of(pilot).count()
            await press(pilot, "F", *"princ")
            assert tail_of(pilot).count() == shown
            await press(pilot, *"ipa")
            assert tail_of(pilot).count() == shown
            await press(pilot, "enter")
            await shows(pilot, "filter principa: 0 lines")

    run(test)


def test_arrows_choose_what_is_offered() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "F", *"outcome:", "down", "tab")
            assert filter_field(pilot).value == "outcome:denied "

    run(test)


def test_what_is_no_filter_stays_in_the_field_and_the_lines_stay() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "F", *"iban buket:x", "enter")
            await shows(pilot, "did you mean bucket:x?")
            assert filter_field(pilot).value == "iban buket:x"
            assert filter_field(pilot).has_focus
            assert tail_of(pilot).filter == "iban buket"
            await press(pilot, "escape")
            await until(pilot, lambda: tail_of(pilot).has_focus)
            assert tail_of(pilot).filter == ""

    run(test)


def test_letters_of_a_filter_are_no_keys() -> None:
    async def test() -> None:
        room = FakeRoom()
        async with console(room) as pilot:
            await press(pilot, "F", *"q a s")
            assert pilot.app.is_running
            assert filter_field(pilot).value == "q a s"
            assert room.marks == []

    run(test)


def test_ampersand_filters_as_in_less_and_slash_filters_tables() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "ampersand")
            await until(pilot, lambda: filter_field(pilot).has_focus)
            await press(pilot, "escape", "2", "slash", *"etl", "enter")
            await shows(pilot, "1 of 3")

    run(test)


def test_search_goes_to_the_match_shows_it_and_n_goes_on() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "slash", *"salaries", "enter")
            await shows(pilot, "/salaries: 1 of 1")
            assert "salaries.csv" in row_of_cursor(pilot)
            strips = pilot.app.screen._compositor.render_strips()
            marked = [part.text for strip in strips for part in strip if part.style and part.style.underline]
            assert marked == ["salaries"]
            await press(pilot, "escape", "end", "slash", *"name:getobject", "enter")
            await until(pilot, lambda: "GetObject" in row_of_cursor(pilot))
            seen = [row_of_cursor(pilot)]
            await press(pilot, "n")
            seen.append(row_of_cursor(pilot))
            await press(pilot, "n")
            seen.append(row_of_cursor(pilot))
            assert len(set(seen)) == 3
            assert [row[1:9] for row in seen] == sorted((row[1:9] for row in seen), reverse=True)
            await press(pilot, "N")
            assert row_of_cursor(pilot) == seen[1]
            await press(pilot, "escape")
            assert tail_of(pilot).search == ""

    run(test)


def test_search_is_case_blind_and_takes_a_text_as_it_is_where_it_is_no_filter() -> None:
    async def test() -> None:
        room = FakeRoom(first=Update(snapshot(), (*lines(), Judged(event(90, key="s3:odd")), Judged(event(91)))))
        async with console(room) as pilot:
            await press(pilot, "slash", *"S3:ODD", "enter")
            await until(pilot, lambda: "s3:odd" in row_of_cursor(pilot))

    run(test)


def test_search_for_nothing_is_the_last_search_again() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "slash", *"iban", "enter", "escape", "end")
            await until(pilot, lambda: tail_of(pilot).follow and not tail_of(pilot).search)
            await press(pilot, "slash", "enter")
            await until(pilot, lambda: "iban.csv" in row_of_cursor(pilot))
            assert tail_of(pilot).search == "iban"
            await press(pilot, "up", "escape")
            assert "iban.csv" not in row_of_cursor(pilot)

    run(test)


def test_search_that_is_taken_back_leaves_the_tail_following() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "slash", *"salaries")
            await until(pilot, lambda: not tail_of(pilot).follow)
            await press(pilot, "escape")
            await until(pilot, lambda: tail_of(pilot).follow)
            assert tail_of(pilot).search == ""

    run(test)


def test_nothing_matches_is_said() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "slash", *"absent", "enter")
            await shows(pilot, "/absent: no match")
            await press(pilot, "n")
            await shows(pilot, "nothing matches")

    run(test)


def test_severity_floor_goes_round() -> None:
    async def test() -> None:
        async with console() as pilot:
            for word in ("low", "medium", "high", "critical"):
                await press(pilot, "s")
                await shows(pilot, f"severity >= {word}")
            assert {tail_of(pilot)._look(index).severity for index in range(tail_of(pilot).count())} == {
                Severity.CRITICAL
            }
            await press(pilot, "s")
            await until(pilot, lambda: tail_of(pilot).floor == Severity.INFO)

    run(test)


def test_go_to_a_time() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "g", *"09:13", "enter")
            await until(pilot, lambda: not tail_of(pilot).follow)
            assert tail_of(pilot).current().event.time == lines()[0].event.time
            await press(pilot, "g", *"soon", "enter")
            await shows(pilot, "soon is no time; write a UTC time: 14:03")

    run(test)


def test_in_a_review_g_goes_to_a_record() -> None:
    async def test() -> None:
        async with review() as pilot:
            await press(pilot, "g", *"09:13:51", "enter")
            await shows(pilot, "1 of 11")

    run(test)


def test_one_line_for_each_principal_and_enter_shows_its_lines() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "b")
            await shows(pilot, "Tail by principal: 2")
            first = next(row for row in rows(pilot.app) if row.startswith("›"))
            assert "CRIT" in first
            assert "user/svc-export" in first
            await press(pilot, "down", "enter")
            await shows(pilot, "filter principal:")
            assert {tail_of(pilot)._look(index).event.principal for index in range(tail_of(pilot).count())} == {ETL}

    run(test)


def test_what_else_there_is_of_an_event_shows_lines_of_its_address() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "up", "v")
            await shows(pilot, "What else there is")
            for words in ("lines of principal", "lines of bucket", "lines from address", "tree of credential",
                          "detail of bucket"):  # fmt: skip
                assert words in screen(pilot.app)
            place = next(i for i, row in enumerate(r for r in rows(pilot.app) if "  lines" in r or "› lines" in r)
                         if "lines from address" in row)  # fmt: skip
            await press(pilot, *["down"] * place, "enter")
            await shows(pilot, "filter address:")

    run(test)


def test_what_else_from_the_event_screen_opens_detail_and_tree() -> None:
    async def test() -> None:
        async with console(FakeRoom(), FakeDesk(), size=BROAD) as pilot:
            await press(pilot, "4", "slash", *"CreateAccessKey", "enter", "enter")
            await shows(pilot, "Record")
            await press(pilot, "v")
            await shows(pilot, "tree of credential")
            names = [row for row in rows(pilot.app) if "of " in row[:24] or "from " in row[:24]]
            place = next(i for i, row in enumerate(names) if "tree of credential" in row)
            await press(pilot, *["down"] * place, "enter")
            await shows(pilot, "made itself a second access key")
            await press(pilot, "escape", "escape", "escape")
            await shows(pilot, "4 Tail")

    run(test)


def test_keys_of_the_tail_are_at_the_foot_only_where_it_is_open() -> None:
    async def test() -> None:
        async with console() as pilot:
            assert "/ search" in rows(pilot.app)[-1]
            await press(pilot, "2")
            await until(pilot, lambda: "/ search" not in rows(pilot.app)[-1])
            assert "F filter" in rows(pilot.app)[-1]

    run(test)


def test_filter_of_the_principal_by_its_short_name() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "F", *"principal:svc-export >=high", "enter")
            await until(pilot, lambda: tail_of(pilot).filter)
            found = [tail_of(pilot)._look(index) for index in range(tail_of(pilot).count())]
            assert found
            assert {line.event.principal for line in found} == {USER}

    run(test)
