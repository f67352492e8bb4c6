"""Detections as a list: worst first, no row moves under the cursor, from an entry to its event and its actions."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from s3ir_tui.app import WarRoomApp
from s3ir_tui.model import Severity
from s3ir_tui.room import Update
from s3ir_tui.trail.event import Judged
from s3ir_tui.trail.found import Found
from screens.detections import DetectionsScreen, FoundList
from screens.event import EventScreen
from screens.widgets.tail import Tail
from tests.screens.driving import BROAD, NARROW, console, press, rows, screen, shows, until
from tests.screens.fakes import HOSTILE, USER, FakeDesk, FakeRoom, FakeTimeline, event, lines, snapshot

POLICY = Judged(event(7, "PutBucketPolicy"), Severity.CRITICAL, ("lets in 9999…7777",))


def found(
    name: str = "bucket-policy-outside",
    severity: Severity = Severity.CRITICAL,
    text: str = "policy of payroll-2026 lets in another account",
    sample: Judged | None = POLICY,
    **more: object,
) -> Found:
    """An entry."""
    first = Found(
        name, severity, text, USER, "payroll-2026", 3, "2026-11-24T09:13:57Z", "2026-11-24T09:14:20Z",
        ("event-7",), sample,
    )  # fmt: skip
    return replace(first, **more)


WORST = found()
READS = found("secret-read", Severity.MEDIUM, "object that looks like a secret was read")
PATTERN = found("many-signs", Severity.HIGH, "together: many signs", None, bucket="", first="", last="", count=11)


def run(test):  # type: ignore[no-untyped-def]
    return asyncio.run(test)


def said(*entries: Found) -> Update:
    """What a room says that knows these entries."""
    return Update(replace(snapshot(), found=entries))


def room(*entries: Found) -> FakeRoom:
    """A room that knows these entries, and the first lines."""
    return FakeRoom(first=replace(said(*entries), lines=lines()))


def listed(app) -> list[str]:  # type: ignore[no-untyped-def]
    """The entries as they stand on the screen."""
    return [row for row in rows(app)[3:] if row[1:6].strip() in ("CRIT", "high", "med", "low")]


@pytest.mark.parametrize("size", [NARROW, BROAD])
def test_entries_stand_worst_first_with_who_what_and_how_often(size: tuple[int, int]) -> None:
    async def test() -> None:
        async with console(room(WORST, PATTERN, READS), size=size) as pilot:
            await press(pilot, "D")
            await shows(pilot, "Detections ─ 3, 2 high or worse")
            seen = listed(pilot.app)
            assert [row[1:5] for row in seen] == ["CRIT", "high", "med "]
            assert "09:14:20" in seen[0]
            assert "x3" in seen[0]
            assert "svc-export" in seen[0]
            assert USER in screen(pilot.app)
            assert "critical: policy of payroll-2026 lets in another account" in screen(pilot.app)

    run(test())


def test_enter_opens_the_event() -> None:
    async def test() -> None:
        async with console(room(WORST)) as pilot:
            await press(pilot, "D", "enter")
            await shows(pilot, "PutBucketPolicy  2026-11-24T09:13:57Z")
            assert isinstance(pilot.app.screen, EventScreen)

    run(test())


def test_an_entry_that_knows_only_ids_finds_its_event_in_the_tail() -> None:
    async def test() -> None:
        known, gone = replace(PATTERN, events=("event-12",)), replace(PATTERN, name="other", events=("event-99",))
        async with console(room(known, gone)) as pilot:
            await press(pilot, "D", "enter")
            await shows(pilot, "GetSessionToken")
            await press(pilot, "escape", "down", "enter")
            await shows(pilot, "not at the end of the tail: events event-99")

    run(test())


def test_t_shows_the_tail_as_of_the_newest_event() -> None:
    async def test() -> None:
        async with console(room(replace(WORST, last="2026-11-24T09:13:57Z"), PATTERN)) as pilot:
            await press(pilot, "D", "down", "t")
            await shows(pilot, "the time of its events is not known here")
            await press(pilot, "up", "t")
            await until(pilot, lambda: isinstance(pilot.app.focused, Tail))
            tail = pilot.app.screen.query_one(Tail)
            await until(pilot, lambda: tail.current() is not None and tail.current().event.name == "PutBucketPolicy")

    run(test())


def test_filter_narrows_the_list() -> None:
    async def test() -> None:
        async with console(room(WORST, PATTERN, READS)) as pilot:
            await press(pilot, "D", "slash", *"secret", "enter")
            await shows(pilot, "1 of 3")
            assert [row[1:5] for row in listed(pilot.app)] == ["med "]
            assert "looks like a secret" in screen(pilot.app)
            await press(pilot, "slash", "escape")
            await shows(pilot, "Detections ─ 3")

    run(test())


def test_rows_stay_where_they_are_once_the_cursor_was_moved() -> None:
    async def test() -> None:
        fake = room(PATTERN, READS)
        async with console(fake) as pilot:
            await press(pilot, "D", "down")
            fake.say(said(WORST, PATTERN, replace(READS, count=44)))
            await shows(pilot, "x44")
            entries = pilot.app.screen.query_one(FoundList)
            assert entries.current() is not None
            assert entries.current().name == READS.name
            assert [row[1:5] for row in listed(pilot.app)] == ["high", "med ", "CRIT"]
            assert "+1 new, o sorts" in screen(pilot.app)
            await press(pilot, "o")
            await until(pilot, lambda: [row[1:5] for row in listed(pilot.app)] == ["CRIT", "high", "med "])
            assert entries.current().name == READS.name

    run(test())


def test_a_acts_on_the_principal_and_on_the_bucket_where_nobody_signed() -> None:
    async def test() -> None:
        desk = FakeDesk()
        anonymous = Judged(event(9, kind="Anonymous", principal="anonymous"), Severity.HIGH, ("read by anyone",))
        reads = found("anonymous-read", Severity.HIGH, "read without credentials", anonymous, principal="anonymous")
        async with console(room(WORST, reads), desk) as pilot:
            await press(pilot, "D", "a")
            await until(pilot, lambda: desk.asked == [("offers", {"principal": (USER,)})])
            await press(pilot, "escape", "down", "a")
            await until(pilot, lambda: desk.asked[1:] == [("offers", {"bucket": ("payroll-2026",)})])

    run(test())


def test_nothing_found_is_said() -> None:
    async def test() -> None:
        async with console(room()) as pilot:
            await press(pilot, "D")
            await shows(pilot, "no detection has found anything yet")
            await press(pilot, "enter", "a", "o", "escape")
            await until(pilot, lambda: not isinstance(pilot.app.screen, DetectionsScreen))

    run(test())


def test_words_of_an_attacker_are_words() -> None:
    async def test() -> None:
        bad = found(HOSTILE, Severity.HIGH, HOSTILE, principal=HOSTILE, bucket=HOSTILE, events=(HOSTILE,), sample=None)
        async with console(room(bad)) as pilot:
            await press(pilot, "D")
            await shows(pilot, "\\x1b]52")
            await press(pilot, "enter")
            await shows(pilot, "not at the end of the tail")
            assert "\x1b" not in screen(pilot.app)

    run(test())


def test_review_shows_the_same_list_and_changes_nothing() -> None:
    class Recorded(FakeTimeline):
        def say(self, update: Update) -> None:
            super().say(replace(update, snapshot=replace(update.snapshot, found=(WORST,))))

    async def test() -> None:
        recorded = Recorded()
        async with WarRoomApp(recorded, None, recorded).run_test(size=NARROW) as pilot:
            await shows(pilot, "11 of 11")
            await press(pilot, "D")
            await shows(pilot, "Detections ─ 1")
            await press(pilot, "a")
            await shows(pilot, "recorded case")

    run(test())
