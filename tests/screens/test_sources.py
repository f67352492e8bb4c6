"""The sources, one by one: what is lost and what is left out is said in words."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from s3ir_tui.room import SourceStatus, Status, Update
from screens.sources import source_lines
from screens.widgets.status import _lag
from tests.screens.driving import console, press, shows
from tests.screens.fakes import FakeDesk, FakeRoom, snapshot

WORKS = SourceStatus("bucket trail-logs", 38.0, data_events=True)
GAP = replace(WORKS, remark="bucket trail-logs: no file from eu-west-1 since 2026-11-24 08:10Z")
LOST = SourceStatus("lookup ap-south-1", None, "lookup ap-south-1: cloudtrail:LookupEvents failed: AccessDenied")


def texts(*sources: SourceStatus) -> list[str]:
    return [text for text, _ in source_lines(Status(sources=sources)) if text]


def test_lost_sources_stand_first_with_their_reason() -> None:
    assert texts(WORKS, LOST)[:3] == [
        "LOST lookup ap-south-1  lag ?  management events",
        "    lookup ap-south-1: cloudtrail:LookupEvents failed: AccessDenied",
        "bucket trail-logs  lag 38s  management and data events",
    ]


def test_what_a_source_does_not_bring_is_said_below_it() -> None:
    assert texts(GAP)[1] == "    bucket trail-logs: no file from eu-west-1 since 2026-11-24 08:10Z"


def test_where_no_source_brings_data_events_that_is_said_and_not_that_there_were_none() -> None:
    lost = replace(WORKS, error="no such bucket")
    assert (
        texts(lost, LOST)[-1]
        == "no source brings S3 data events: reads of objects are not seen; their absence proves nothing"
    )
    assert "not seen" not in texts(WORKS)[-1]


def test_hostile_words_of_a_source_are_shown_safely() -> None:
    assert "\x1b" not in "".join(texts(replace(WORKS, error="\x1b[2J", remark="\x1b]0;x\x07")))


def test_the_status_line_counts_the_lost_and_shows_what_is_missing() -> None:
    other = replace(LOST, name="lookup eu-west-3")
    assert _lag(Status(sources=(WORKS, LOST, other), lag=38.0), wide=True)[0].endswith("LOST lookup ap-south-1 +1")
    assert "38s no file from eu-west-1 since 2026" in _lag(Status(sources=(GAP,), lag=38.0), wide=True)[0]


def test_the_palette_opens_the_sources() -> None:
    async def test() -> None:
        shot = snapshot()
        room = FakeRoom(Update(replace(shot, status=replace(shot.status, sources=(WORKS, LOST)))))
        async with console(room, FakeDesk()) as pilot:
            await press(pilot, "colon", *"trail sources")
            await shows(pilot, "one by one")
            await press(pilot, "enter")
            await shows(pilot, "LOST lookup ap-south-1")

    asyncio.run(test())
