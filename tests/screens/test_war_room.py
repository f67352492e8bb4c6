"""The war room: what stands there in the first second, and what its keys do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from s3ir_tui.app import WarRoomApp
from s3ir_tui.model import Severity, State
from s3ir_tui.room import Condition, Proposal, Row, Snapshot, Status, Update
from s3ir_tui.trail.event import Judged
from screens.widgets.pane import Pane
from screens.widgets.tail import Tail
from tests.screens.driving import BROAD, NARROW, console, press, rows, screen, shows, until
from tests.screens.fakes import ETL, OUTSIDER, USER, FakeDesk, FakeRoom, event, lines, snapshot


def run(test):  # type: ignore[no-untyped-def]
    return asyncio.run(test)


@pytest.mark.parametrize(("desk", "words"), [(FakeDesk(), "connecting …"), (None, "reading …")])
def test_frame_stands_before_the_room_says_anything(desk: FakeDesk | None, words: str) -> None:
    async def test() -> None:
        async with console(FakeRoom(first=None), desk, first=words) as pilot:
            seen = rows(pilot.app)
            assert "READ-ONLY" in seen[0]
            assert "? help" in seen[-1]

    run(test())


def test_a_room_that_never_says_anything_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screens.watchdog.OLD_SECONDS", 0.5)

    async def test() -> None:
        async with console(FakeRoom(first=None), first="reading …") as pilot:
            await shows(pilot, "1s old: no news")

    run(test())


def test_room_begins_once_the_first_picture_stands() -> None:
    seen: list[str] = []

    class Room(FakeRoom):
        def start(self, post: Callable[[Update], None]) -> None:
            seen.extend(rows(app))
            super().start(post)

    app = WarRoomApp(Room())

    async def test() -> None:
        async with app.run_test(size=NARROW) as pilot:
            await shows(pilot, "IR-42")

    run(test())
    assert "reading …" in seen[0]
    assert "no event yet" in " ".join(seen)


@pytest.mark.parametrize("size", [NARROW, BROAD])
def test_first_second_tells_whether_it_goes_on_and_what_to_do(size: tuple[int, int]) -> None:
    async def test() -> None:
        async with console(desk=FakeDesk(), size=size) as pilot:
            seen = rows(pilot.app)
            assert "READ-ONLY" in seen[0]
            assert "09:14:07Z" in seen[0]
            assert "1111-2222-3333" in seen[0]
            assert "lag 41s" in seen[1]
            assert "log 46d868cb:17 58bde580" in seen[1]
            assert any("user/svc-export" in row and "● ACTIVE" in row for row in seen)
            assert seen[-2].startswith(" Next: contain user/svc-export")
            assert seen[-2].endswith(" a")

    run(test())


def test_wide_shows_all_panes_and_the_cursor_stands_on_the_worst_suspect() -> None:
    async def test() -> None:
        async with console(desk=FakeDesk(), size=BROAD) as pilot:
            for word in ("1 Buckets", "2 Principals", "3 Instances", "4 Tail"):
                assert word in screen(pilot.app)
            pane = pilot.app.focused
            assert isinstance(pane, Pane)
            assert pane.current() is not None
            assert pane.current().id == USER

    run(test())


def test_number_keys_open_one_pane_at_80_columns() -> None:
    async def test() -> None:
        async with console() as pilot:
            for key, words, other in (("1", "exports", "etl-role/nightly"), ("3", "IMDSv1", "exports")):
                await press(pilot, key)
                await shows(pilot, words)
                assert other not in "\n".join(rows(pilot.app)[4:])

    run(test())


def test_resize_goes_from_one_pane_to_four_and_back() -> None:
    async def test() -> None:
        async with console() as pilot:
            await pilot.resize_terminal(140, 30)
            await shows(pilot, "─ 3 Instances")
            await pilot.resize_terminal(80, 24)
            await until(pilot, lambda: "─ 3 Instances" not in screen(pilot.app))

    run(test())


def test_rows_keep_their_places_once_the_responder_moved() -> None:
    async def test() -> None:
        room = FakeRoom()
        async with console(room, size=BROAD) as pilot:
            await press(pilot, "2", "down")
            now = snapshot()
            newcomer = Row(
                "principal", "arn:aws:iam::111122223333:user/new", "user/new", Severity.CRITICAL, suspect=True
            )
            room.say(Update(replace(now, principals=(newcomer, *reversed(now.principals)))))
            await shows(pilot, "+1 new, o sorts")
            pane = pilot.app.screen.query_one("#pane-principal", Pane)
            assert [row.id for row in pane._rows] == [USER, OUTSIDER, ETL, newcomer.id]
            assert pane.current().id == OUTSIDER
            await press(pilot, "o")
            await until(pilot, lambda: pane._rows[0].id == newcomer.id)
            assert pane.current().id == OUTSIDER

    run(test())


def test_space_marks_at_once_and_tells_the_room() -> None:
    async def test() -> None:
        room = FakeRoom()
        async with console(room) as pilot:
            await press(pilot, "2", "space")
            await shows(pilot, "* user/svc-export")
            assert room.marks == [("principal", USER, True)]
            await press(pilot, "space")
            assert room.marks[-1] == ("principal", USER, False)

    run(test())


def test_actions_work_on_marks_rather_than_on_the_cursor() -> None:
    async def test() -> None:
        desk = FakeDesk()
        async with console(desk=desk) as pilot:
            await press(pilot, "1", "space", "down", "space", "2", "a")
            await until(pilot, lambda: desk.asked)
            assert desk.asked == [("offers", {"bucket": ("payroll-2026", "exports")})]

    run(test())


def test_actions_in_a_following_tail_are_those_of_the_proposal() -> None:
    async def test() -> None:
        desk = FakeDesk()
        async with console(desk=desk) as pilot:
            assert isinstance(pilot.app.focused, Tail)
            await press(pilot, "a")
            await until(pilot, lambda: desk.asked)
            assert desk.asked == [("offers", {"principal": (USER,)})]

    run(test())


def test_actions_in_a_paused_tail_are_those_of_the_event() -> None:
    async def test() -> None:
        desk = FakeDesk()
        async with console(desk=desk) as pilot:
            await press(pilot, "up", "a")
            await until(pilot, lambda: desk.asked)
            assert desk.asked == [("offers", {"principal": (ETL,)})]

    run(test())


def test_filter_narrows_the_tail_and_escape_clears_it() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "F", *"iban", "enter")
            await shows(pilot, "filter iban: 1 line")
            assert "ListBuckets" not in screen(pilot.app)
            await press(pilot, "escape")
            await shows(pilot, "ListBuckets")

    run(test())


def test_filter_finds_address_and_error() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "F", *"accessdenied", "enter")
            await shows(pilot, ": 1 line ")
            assert "board.csv" in screen(pilot.app)

    run(test())


def test_service_noise_is_folded_behind_a_counter() -> None:
    async def test() -> None:
        async with console() as pilot:
            assert "1 service call folded, S shows" in screen(pilot.app)
            assert "GetBucketAcl" not in screen(pilot.app)
            await press(pilot, "S")
            await shows(pilot, "GetBucketAcl")

    run(test())


def test_paused_tail_stays_put_and_counts_what_is_new() -> None:
    async def test() -> None:
        room = FakeRoom()
        async with console(room) as pilot:
            await press(pilot, "up", "up")
            before = rows(pilot.app)[5:15]
            room.say(Update(snapshot(), tuple(Judged(event(60 + i, key=f"late-{i}")) for i in range(30))))
            await shows(pilot, "+30 new")
            assert rows(pilot.app)[5:15] == before
            await press(pilot, "end")
            await shows(pilot, "late-29")
            assert "following" in screen(pilot.app)

    run(test())


def test_event_opens_as_json_and_marks_its_principal() -> None:
    async def test() -> None:
        room = FakeRoom()
        async with console(room) as pilot:
            await press(pilot, "enter")
            await shows(pilot, '"eventID": "event-15"')
            await press(pilot, "P", "B")
            await until(pilot, lambda: len(room.marks) == 2)
            assert room.marks == [("principal", USER, True), ("bucket", "payroll-2026", True)]

    run(test())


def test_row_opens_in_full() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "2", "enter")
            await shows(pilot, "made itself a second access key at 09:14:05")
            assert USER in screen(pilot.app)
            await press(pilot, "escape")
            await shows(pilot, "2 Principals")

    run(test())


def test_note_is_told_to_the_room_and_its_letters_are_no_keys() -> None:
    async def test() -> None:
        room = FakeRoom()
        async with console(room) as pilot:
            await press(pilot, "i", *"quit a?", "enter")
            await until(pilot, lambda: room.notes)
            assert room.notes == ["quit a?"]
            assert room.stopped == []

    run(test())


def test_zoom_gives_one_pane_the_whole_screen() -> None:
    async def test() -> None:
        async with console(size=BROAD) as pilot:
            await press(pilot, "4", "z")
            await until(pilot, lambda: "─ 3 Instances" not in screen(pilot.app))
            await press(pilot, "escape")
            await shows(pilot, "─ 3 Instances")

    run(test())


def test_alarm_has_a_line_of_its_own_and_hides_no_number() -> None:
    async def test() -> None:
        room = FakeRoom()
        async with console(room) as pilot:
            now = snapshot()
            room.say(Update(replace(now, status=replace(now.status, alarms=("NOT RECORDED: disk full", "x")))))
            await shows(pilot, "NOT RECORDED: disk full (+1)")
            assert "lag 41s" in rows(pilot.app)[1]
            assert "suspects 2" in rows(pilot.app)[1]
            assert "NOT RECORDED" in rows(pilot.app)[2]
            room.say(Update(now))
            await until(pilot, lambda: "NOT RECORDED" not in screen(pilot.app))
            await until(pilot, lambda: rows(pilot.app)[2].startswith(" 1 Buckets"))

    run(test())


@pytest.mark.parametrize("state", [state for state in State if state.value])
def test_every_state_is_a_word_with_a_glyph(state: State) -> None:
    async def test() -> None:
        now = snapshot()
        suspect = replace(now.principals[0], state=state)
        async with console(FakeRoom(first=Update(replace(now, principals=(suspect,)), lines()))) as pilot:
            await shows(pilot, f" {state.value}")

    run(test())


def test_copy_puts_the_whole_record_where_it_can_be_pasted_from(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr("screens.clipboard.copy", lambda text, _osc52: copied.append(text) or "copied")

    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "enter")
            await shows(pilot, "event-15")
            await press(pilot, "c")
            await shows(pilot, " copied")
            assert '"userAgent": "aws-cli/2.17"' in copied[0]

    run(test())


def test_log_leaves_out_what_was_only_seen_until_asked() -> None:
    async def test() -> None:
        async with console() as pilot:
            await press(pilot, "l")
            await shows(pilot, "7 of 8 records, 1 to look at")
            assert "CreateAccessKey" not in screen(pilot.app)
            await press(pilot, "S")
            await shows(pilot, "8 of 8 records")
            assert "CreateAccessKey" in screen(pilot.app)
            await press(pilot, "slash", *"intent", "enter")
            await shows(pilot, "2 of 8 records")

    run(test())


def blind(condition: Condition, **status: object) -> Update:
    """A console that cannot see: nothing is known yet."""
    now = Status(account="", case="IR-42", now="2026-11-24T09:14:07Z", condition=condition, **status)  # type: ignore[arg-type]
    return Update(Snapshot(status=now, proposal=Proposal(condition.words)))


def test_not_connected_is_said_everywhere_with_the_way_out_and_a_key_that_tries_again() -> None:
    async def test() -> None:
        condition = Condition("NOT CONNECTED", "no credentials: run 'aws sso login'", "tried again every 10 s")
        room = FakeRoom(first=blind(condition, alarms=("account: no credentials",)))
        async with console(room, FakeDesk(), first="NOT CONNECTED") as pilot:
            await shows(pilot, "r tries now")
            seen = rows(pilot.app)
            assert "NOT CONNECTED  no credentials: run 'aws sso login'; r tries now" in seen[2]
            assert "no suspect yet" not in screen(pilot.app)
            assert "no event yet" not in screen(pilot.app)
            assert sum("NOT CONNECTED" in row for row in seen) >= 4
            assert seen[-2].startswith(" Next: NOT CONNECTED")
            assert seen[-2].endswith("r")
            await press(pilot, "r")
            await shows(pilot, "trying again")
            assert room.retried == 1

    run(test())


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Condition("SIGNING IN", "waiting for AWS to say who this console is"), "SIGNING IN  waiting for AWS"),
        (Condition("READING HISTORY", "14 of 24 h of bucket logs"), "READING HISTORY  14 of 24 h of bucket logs"),
    ],
)
def test_what_is_waited_for_stands_in_status_and_empty_panes(condition: Condition, words: str) -> None:
    async def test() -> None:
        for size in (NARROW, BROAD):
            async with console(FakeRoom(first=blind(condition)), FakeDesk(), size=size, first=words) as pilot:
                await shows(pilot, condition.words)
                assert "yet" not in screen(pilot.app).replace("no suspect so far", "")

    run(test())


def test_lost_source_hides_neither_phase_nor_counters() -> None:
    async def test() -> None:
        now = snapshot()
        way_out = "restore lookup us-east-1: EndpointConnectionError: " + "could not connect " * 9
        condition = Condition("NO NEWS", "no trail source has been read for 2m00", way_out)
        status = replace(now.status, contained=1, condition=condition, no_news=120.0, phase="contain")
        async with console(FakeRoom(first=Update(replace(now, status=status), lines())), FakeDesk()) as pilot:
            await shows(pilot, "NO NEWS 2m00")
            seen = rows(pilot.app)
            assert seen[1].startswith(" contain  suspects 2  contained 1")
            assert "restore lookup us-east-1" in seen[2]
            strip = pilot.app.screen._compositor.render_strips()[2]
            word = next(part for part in strip if "NO NEWS" in part.text)
            assert word.style is not None
            assert word.style.color is not None
            red, green, _ = word.style.color.get_truecolor()
            assert word.style.reverse
            assert red > 2 * green

    run(test())


@pytest.mark.parametrize("state", [state for state in State if state.value])
def test_state_word_is_whole_at_120_columns_and_only_the_focused_pane_has_a_bar(state: State) -> None:
    async def test() -> None:
        now = snapshot()
        suspect = replace(now.principals[0], state=state)
        room = FakeRoom(first=Update(replace(now, principals=(suspect, *now.principals[1:])), lines()))
        async with console(room, FakeDesk(), size=(120, 34)) as pilot:
            await shows(pilot, f" {state.value} ")
            backgrounds = []
            for pane in (*pilot.app.screen.query(Pane), *pilot.app.screen.query(Tail)):
                strip = pane.render_line(pane.cursor - pane.top + 1)
                cursor = next(iter(strip))
                assert cursor.text.startswith("›")
                backgrounds.append(cursor.style.bgcolor != pane.rich_style.bgcolor)
            assert backgrounds.count(True) == 1

    run(test())
