"""From the list of actions to the running plan: what must be typed, what Cancel keeps, what errors say."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from actions.executor import Armed
from actions.plan import Danger, Refusal, Stale
from s3ir_tui.room import Update
from screens.actions import ActionsScreen
from screens.plan import PlanScreen
from screens.undo import UndoScreen
from screens.war_room import WarRoomScreen
from screens.watch import WatchScreen
from tests.screens.driving import BROAD, console, press, review, rows, screen, shows, until
from tests.screens.fakes import FakeDesk, FakeRoom, plan, snapshot, watch_view


def run(test):  # type: ignore[no-untyped-def]
    return asyncio.run(test)


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until the plan is in sight and an `enter` counts."""
    await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
    await until(pilot, lambda: pilot.app.screen.query("#run") and pilot.app.screen.confirmation.settled)


def test_four_keystrokes_from_first_paint_to_a_contained_lineage_where_the_console_is_armed() -> None:
    async def test() -> None:
        room = FakeRoom()
        desk = FakeDesk(room=room)
        async with console(room, desk) as pilot:
            await pilot.press("a")
            await shows(pilot, "contain.lineage")
            await pilot.press("enter")
            await shows(pilot, "type 4 to run")
            await pilot.press("4", "enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, WatchScreen))
            await shows(pilot, "HOLDING")
            assert desk.ran[0][1].typed == "4"
            assert not desk.ran[0][1].no_ticket

    run(test())


def test_plan_that_arms_asks_for_ticket_and_name_first_and_tells_the_desk_both() -> None:
    async def test() -> None:
        desk = FakeDesk(needs_reason=True, operator="", armed_before=Armed("T-6", "bob"))
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "type 4 to run")
            await shows(pilot, "last in this case: T-6")
            assert pilot.app.focused.id == "reason"
            await press(pilot, *"T-7", "enter")
            assert pilot.app.focused.id == "operator"
            await press(pilot, *"alice", "enter")
            assert pilot.app.focused.id == "count"
            await press(pilot, "4", "enter")
            await until(pilot, lambda: desk.ran)
            answer = desk.ran[0][1]
            assert (answer.reason, answer.operator, answer.no_ticket) == ("T-7", "alice", False)
            await until(pilot, lambda: pilot.app.state.operator == "alice")

    run(test())


def test_plan_that_arms_runs_without_a_ticket_only_after_a_second_enter_that_is_recorded_as_such() -> None:
    async def test() -> None:
        desk = FakeDesk(needs_reason=True)
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await settled(pilot)
            await press(pilot, "enter")
            await shows(pilot, "go on without a ticket? enter again")
            await settled(pilot)
            await press(pilot, "enter")
            assert pilot.app.focused.id == "count"
            await press(pilot, "4", "enter")
            await until(pilot, lambda: desk.ran)
            answer = desk.ran[0][1]
            assert (answer.reason, answer.no_ticket, answer.operator) == ("", True, "alice")

    run(test())


def test_reversible_plan_that_arms_runs_with_the_second_enter_in_an_empty_ticket() -> None:
    async def test() -> None:
        desk = FakeDesk(planned=plan(Danger.REVERSIBLE, 1), needs_reason=True)
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await settled(pilot)
            await press(pilot, "enter")
            await shows(pilot, "run without a ticket? enter again")
            assert desk.ran == []
            await settled(pilot)
            await press(pilot, "enter")
            await until(pilot, lambda: desk.ran)
            assert desk.ran[0][1].no_ticket

    run(test())


def test_count_typed_first_does_not_skip_the_ticket() -> None:
    async def test() -> None:
        desk = FakeDesk(needs_reason=True)
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "type 4 to run")
            await press(pilot, "tab", "tab", "4", "enter")
            await shows(pilot, "run without a ticket? enter again")
            assert desk.ran == []
            await press(pilot, "enter")
            await until(pilot, lambda: desk.ran)
            assert desk.ran[0][1].no_ticket

    run(test())


def test_enter_before_the_list_has_come_opens_the_first_plan_once_it_has() -> None:
    async def test() -> None:
        desk = FakeDesk()
        desk.ready.clear()
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "asking AWS what fits")
            desk.ready.set()
            await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
            assert desk.ran == []

    run(test())


def test_typing_narrows_the_list() -> None:
    async def test() -> None:
        desk = FakeDesk()
        async with console(desk=desk) as pilot:
            await press(pilot, "a")
            await shows(pilot, "watch.quiet")
            await press(pilot, *"deny")
            await until(pilot, lambda: "watch.quiet" not in screen(pilot.app))
            await press(pilot, "enter")
            await until(pilot, lambda: desk.asked[-1][0] == "contain.deny-user")

    run(test())


def test_action_that_does_not_fit_says_why_and_is_not_planned() -> None:
    async def test() -> None:
        desk = FakeDesk()
        async with console(desk=desk) as pilot:
            await press(pilot, "a")
            await shows(pilot, "not now")
            await press(pilot, *"revoke", "enter")
            await shows(pilot, "not now: not a role: user/svc-export is a user")
            assert isinstance(pilot.app.screen, ActionsScreen)
            assert [name for name, _ in desk.asked] == ["offers"]

    run(test())


def test_refusal_is_shown_in_full() -> None:
    async def test() -> None:
        reason = "the deny would cut the break-glass role arn:aws:iam::111122223333:role/BreakGlass: leave it out of it"
        async with console(desk=FakeDesk(planned=Refusal(reason))) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "No plan was made. Nothing was changed.")
            assert "leave it out of it" in " ".join(" ".join(rows(pilot.app)).split())

    run(test())


def test_wrong_count_runs_nothing() -> None:
    async def test() -> None:
        desk = FakeDesk()
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "type 4 to run")
            await press(pilot, "3", "enter")
            await shows(pilot, "nothing was changed")
            assert desk.ran == []

    run(test())


def test_burst_of_enters_runs_nothing_reversible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screens.plan_confirm.SETTLE_SECONDS", 60.0)  # however slow the machine is

    async def test() -> None:
        desk = FakeDesk(planned=plan(Danger.REVERSIBLE, 1))
        async with console(desk=desk) as pilot:
            await press(pilot, "a")
            await shows(pilot, "contain.lineage")
            await pilot.press("enter", "enter", "enter")
            await pilot.pause(0.2)
            assert desk.ran == []

    run(test())


def test_enter_runs_a_reversible_plan_of_an_armed_console() -> None:
    async def test() -> None:
        desk = FakeDesk(planned=plan(Danger.REVERSIBLE, 1))
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await settled(pilot)
            assert pilot.app.focused.id == "run"
            await press(pilot, "enter")
            await until(pilot, lambda: desk.ran)
            assert desk.ran[0][1].reason == ""

    run(test())


def test_plan_that_is_left_says_that_nothing_was_changed() -> None:
    async def test() -> None:
        desk = FakeDesk(planned=plan(Danger.REVERSIBLE, 2))
        async with console(desk=desk) as pilot:
            for keys in (("escape",), ("left", "enter")):
                await press(pilot, "a", "enter")
                await shows(pilot, "[ Run 2 steps ]")
                await press(pilot, *keys)
                await until(pilot, lambda: isinstance(pilot.app.screen, WarRoomScreen))
                await shows(pilot, "cancelled: nothing was changed")
                pilot.app.screen.say("")
                assert desk.ran == []

    run(test())


def test_open_plan_says_how_old_it_is_and_what_changed_and_plans_again_by_key() -> None:
    async def test() -> None:
        desk = FakeDesk(planned=plan(steps=3), old=107.0)
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "read 1m47 ago")
            desk.stale = Stale(("+ acct 9999…7777",), 107.0)
            await shows(pilot, "evidence changed: + acct 9999…7777; r re-plans")
            await press(pilot, "3", "enter")
            await shows(pilot, "Not run. Nothing was changed.")
            await shows(pilot, "r plans it again")
            assert desk.ran == []
            desk.planned, desk.stale, desk.old = plan(), None, 0.0
            await press(pilot, "r")
            await shows(pilot, "planned again: 4 steps (before: 3 steps)")
            await shows(pilot, "read 0s ago")
            await press(pilot, "4", "enter")
            await until(pilot, lambda: desk.ran)
            assert len(desk.ran[0][0].steps) == 4

    run(test())


def test_key_that_plans_again_is_one_that_is_not_typed_into_the_ticket() -> None:
    async def test() -> None:
        desk = FakeDesk(needs_reason=True, stale=Stale(("+ 1 credential",), 5.0))
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "evidence changed: + 1 credential; f5 re-plans")
            await press(pilot, *"T-7", "f5")
            await shows(pilot, "planned again: 4 steps")
            assert pilot.app.screen.confirmation.ticket == "T-7"

    run(test())


def test_irreversible_asks_for_the_target_and_a_reason() -> None:
    async def test() -> None:
        desk = FakeDesk(planned=plan(Danger.IRREVERSIBLE, 1))
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "type svc-export to run")
            assert pilot.app.focused.id == "reason"
            await press(pilot, "tab", *"svc-export", "enter")
            await shows(pilot, "a reason is needed")
            assert desk.ran == []
            await press(pilot, *"T-7", "enter")
            await until(pilot, lambda: desk.ran)
            assert desk.ran[0][1].reason == "T-7"

    run(test())


def test_excluded_step_is_told_to_the_desk() -> None:
    async def test() -> None:
        desk = FakeDesk()
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "type 4 to run")
            await press(pilot, "down", "e")
            await shows(pilot, "left out")
            assert "[ Run 3 steps ]" in screen(pilot.app)
            await press(pilot, "4", "enter")
            await until(pilot, lambda: desk.ran)
            assert desk.ran[0][1].excluded == {1}

    run(test())


def test_difference_follows_the_step_and_is_whole_on_request() -> None:
    async def test() -> None:
        async with console(desk=FakeDesk(), size=BROAD) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "type 4 to run")
            await press(pilot, "down", "down", "down")
            await shows(pilot, '"Sid": "AllowPartner"')
            seen = screen(pilot.app)
            assert '-       "Sid": "AllowPartner"' in seen
            assert "lines stay as they are" in seen
            await press(pilot, "D", "end")
            await shows(pilot, "aws s3api put-bucket-policy --bucket payroll-2026")

    run(test())


def test_failure_stays_on_the_plan_and_says_what_failed() -> None:
    async def test() -> None:
        desk = FakeDesk(fails=frozenset({1}))
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "type 4 to run")
            await press(pilot, "4", "enter")
            await shows(pilot, "1 done, 1 failed, 2 not run")
            assert "failed  AccessDenied" in screen(pilot.app)
            assert isinstance(pilot.app.screen, PlanScreen)

    run(test())


def test_desk_that_breaks_is_told_calmly() -> None:
    class Broken(FakeDesk):
        def run(self, plan, answer, progress):  # type: ignore[no-untyped-def]
            raise RuntimeError("secret=hunter2")

    async def test() -> None:
        async with console(desk=Broken()) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "type 4 to run")
            await press(pilot, "4", "enter")
            await shows(pilot, "a fault of this program: RuntimeError")
            await press(pilot, "escape")
            assert isinstance(pilot.app.screen, WarRoomScreen)

    run(test())


def test_running_plan_can_be_left_and_found_again() -> None:
    gate = threading.Event()

    class Slow(FakeDesk):
        def _record(self, kind: str, index: int) -> None:
            if kind == "outcome" and index == 1:
                assert gate.wait(5)

    async def test() -> None:
        room = FakeRoom()
        desk = Slow(room=room)
        async with console(room, desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "type 4 to run")
            await press(pilot, "4", "enter")
            await shows(pilot, "1 of 4 steps")
            await press(pilot, "escape")
            await until(pilot, lambda: isinstance(pilot.app.screen, WarRoomScreen))
            await shows(pilot, "contain.lineage runs: 1 of 4 steps")
            await press(pilot, "a")
            await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
            await shows(pilot, "done  read back")
            assert len(desk.ran) == 1
            gate.set()
            await until(pilot, lambda: isinstance(pilot.app.screen, WatchScreen))

    run(test())


def test_quit_while_a_plan_runs_asks_and_waits_for_its_outcome() -> None:
    gate = threading.Event()

    class Slow(FakeDesk):
        def _record(self, kind: str, index: int) -> None:
            if kind == "outcome":
                assert gate.wait(5)
                recorded.append(index)

    recorded: list[int] = []

    async def test() -> None:
        room, desk = FakeRoom(), Slow()
        async with console(room, desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "type 4 to run")
            await press(pilot, "4", "enter")
            await shows(pilot, "running")
            await press(pilot, "escape", "q")
            await shows(pilot, "type yes")
            await press(pilot, *"no", "enter")
            assert room.stopped == []
            await press(pilot, "q", *"yes", "enter")
            await shows(pilot, "leaving")
            assert room.stopped == []
            gate.set()
            await until(pilot, lambda: room.stopped)
            assert recorded == [0]
            assert pilot.app.state.run.ended

    run(test())


def test_undo_plans_the_way_back() -> None:
    async def test() -> None:
        desk = FakeDesk()
        async with console(desk=desk) as pilot:
            await press(pilot, "u")
            await shows(pilot, "4 of 4 steps done")
            await press(pilot, "enter")
            await shows(pilot, "2 steps, all undoable")
            await settled(pilot)
            await press(pilot, "enter")
            await shows(pilot, "contain.lineage: 2 done")
            assert desk.ran[0][0].undo_of == "46d868cb:19"
            assert isinstance(pilot.app.screen, PlanScreen)

    run(test())


def test_recorded_case_offers_nothing_that_changes() -> None:
    async def test() -> None:
        async with review() as pilot:
            for key in ("a", "u"):
                await press(pilot, key)
                await shows(pilot, "this is a recorded case: nothing can be changed here")
                assert isinstance(pilot.app.screen, WarRoomScreen)
            assert "a act" not in rows(pilot.app)[-1]
            await press(pilot, "question_mark")
            await shows(pilot, "Help")
            assert "mark or unmark" not in screen(pilot.app)

    run(test())


def test_watch_tells_allowed_and_denied_apart() -> None:
    async def test() -> None:
        room = FakeRoom(first=Update(replace(snapshot(), watches=(watch_view(),))))
        async with console(room, size=BROAD) as pilot:
            await press(pilot, "w")
            await shows(pilot, "HOLDING")
            seen = rows(pilot.app)
            assert any(row.strip().startswith("allowed") and row.endswith("36") for row in seen)
            assert any(row.strip().startswith("denied") and row.endswith("17") for row in seen)
            assert "proof from 09:15:50Z; quiet if nothing is allowed until 09:45:12Z" in screen(pilot.app)
            assert "4 of 4 in place" in screen(pilot.app)

    run(test())


def test_undo_screen_opens_without_a_plan() -> None:
    async def test() -> None:
        class Empty(FakeDesk):
            def done(self):  # type: ignore[no-untyped-def]
                return ()

        async with console(desk=Empty()) as pilot:
            await press(pilot, "u")
            await until(pilot, lambda: isinstance(pilot.app.screen, UndoScreen))
            await shows(pilot, "nothing was changed in this case")

    run(test())
