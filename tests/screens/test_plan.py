"""From the list of actions to the running plan: what must be typed, what Cancel keeps, what errors say."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

from actions.plan import Danger, Refusal
from s3ir_tui.room import Update
from screens.actions import ActionsScreen
from screens.plan import NO_TICKET, PlanScreen
from screens.undo import UndoScreen
from screens.war_room import WarRoomScreen
from screens.watch import WatchScreen
from tests.screens.driving import BROAD, console, press, review, rows, screen, shows, until
from tests.screens.fakes import FakeDesk, FakeRoom, plan, snapshot, watch_view


def run(test):  # type: ignore[no-untyped-def]
    return asyncio.run(test)


def test_four_keystrokes_from_first_paint_to_a_contained_lineage() -> None:
    async def test() -> None:
        room = FakeRoom()
        desk = FakeDesk(room=room, needs_reason=True)
        async with console(room, desk) as pilot:
            await pilot.press("a")
            await shows(pilot, "contain.lineage")
            await pilot.press("enter")
            await shows(pilot, "type 4 to run")
            await pilot.press("4", "enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, WatchScreen))
            await shows(pilot, "HOLDING")
            assert desk.ran[0][1].typed == "4"
            assert desk.ran[0][1].reason == NO_TICKET

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


def test_burst_of_enters_runs_nothing_reversible() -> None:
    async def test() -> None:
        desk = FakeDesk(planned=plan(Danger.REVERSIBLE, 1))
        async with console(desk=desk) as pilot:
            await press(pilot, "a")
            await shows(pilot, "contain.lineage")
            await pilot.press("enter", "enter", "enter")
            await pilot.pause(0.2)
            assert desk.ran == []

    run(test())


def test_reversible_has_cancel_focused_and_runs_from_its_own_button() -> None:
    async def test() -> None:
        desk = FakeDesk(planned=plan(Danger.REVERSIBLE, 2))
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "[ Run 2 steps ]")
            assert pilot.app.focused is not None
            assert pilot.app.focused.id == "cancel"
            await press(pilot, "right", "enter")
            await until(pilot, lambda: desk.ran)
            assert desk.ran[0][1].reason == ""

    run(test())


def test_irreversible_asks_for_the_target_and_a_reason() -> None:
    async def test() -> None:
        desk = FakeDesk(planned=plan(Danger.IRREVERSIBLE, 1))
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "type svc-export to run")
            await press(pilot, *"svc-export", "enter")
            await shows(pilot, "a reason is needed")
            assert desk.ran == []
            await press(pilot, *"T-7", "enter")
            await until(pilot, lambda: desk.ran)
            assert desk.ran[0][1].reason == "T-7"

    run(test())


def test_ticket_is_recorded_as_typed() -> None:
    async def test() -> None:
        desk = FakeDesk(needs_reason=True)
        async with console(desk=desk) as pilot:
            await press(pilot, "a", "enter")
            await shows(pilot, "ticket:")
            await press(pilot, "4", "tab", *"T-7", "enter")
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
            await press(pilot, "right", "enter")
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
