"""LookupEvents shared by the consoles of a case: one asks, all know, and nobody waits long for one that died."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from trail_world import record

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import iso
from s3ir_tui.trail.sources.base import SourceError
from s3ir_tui.trail.sources.lease import STALE_SECONDS
from s3ir_tui.trail.sources.lookup import LookupSource
from s3ir_tui.trail.sources.shared import FOLDER, Share, SharedLookup
from s3ir_tui.trail.sources.shared_file import Part, Reader, Writer

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=2)


class World:
    """A case folder, an Event history, and the consoles on them. Time moves by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds = 0.0
        self.records: list[dict[str, Any]] = []
        self.asked = 0
        self.fault: AwsError | None = None
        self.running = 0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def put(self, *ages: float) -> None:
        self.records += [record("CreateUser", when=iso(self.now() - timedelta(seconds=age))) for age in ages]

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        start, end = iso(params["StartTime"]), iso(params["EndTime"])
        chosen = sorted((r for r in self.records if start <= r["eventTime"] <= end), key=lambda r: r["eventTime"])[::-1]
        at = int(params.get("NextToken") or 0)
        answer: dict[str, Any] = {"Events": [{"CloudTrailEvent": json.dumps(r)} for r in chosen[at : at + 50]]}
        return answer | ({"NextToken": str(at + 50)} if len(chosen) > at + 50 else {})

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Console:
    """One console of the case."""

    world: World
    session: str
    since: datetime = SINCE
    pages: int = 8

    def __post_init__(self) -> None:
        self.world.running += 1
        self.folder = self.world.folder
        world = self.world
        source = LookupSource(
            world,  # type: ignore[arg-type]
            "us-east-1",
            self.since,
            pages=self.pages,
            clock=world.now,
            monotonic=lambda: world.seconds,
            sleep=world.sleep,
        )
        self.share = Share(self, "111122223333", self.since, monotonic=lambda: world.seconds)
        self.source = SharedLookup(source, self.share)
        self.known: list[str] = []

    @property
    def consoles(self) -> int:
        return self.world.running

    def poll(self) -> list[str]:
        found = [event.id for event in self.source.poll()]
        self.known += found
        return found

    def leave(self) -> None:
        self.source.close()
        self.world.running -= 1


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_one_console_asks_and_the_other_knows_all_that_it_read(world: World) -> None:
    world.put(*range(0, 3000, 10))
    one, two = Console(world, "aaaa"), Console(world, "bbbb")
    for _ in range(20):
        one.poll()
        asked = world.asked
        two.poll()
        assert world.asked == asked
        world.put(1)
        world.seconds += 6
    one.poll()
    two.poll()
    assert set(one.known) == set(two.known) == {r["eventID"] for r in world.records}
    assert (one.source.by, two.source.by) == ("", "aaaa")
    assert "read by console aaaa" in two.source.remark
    assert one.source.complete_to is not None
    assert two.source.complete_to == one.source.complete_to.replace(microsecond=0)
    assert two.source.caught_up


def test_a_console_that_comes_later_knows_the_history_without_asking(world: World) -> None:
    world.put(*range(0, 3000, 10))
    one = Console(world, "aaaa")
    while not one.source.caught_up:
        one.poll()
    asked = world.asked
    two = Console(world, "bbbb")
    assert len(set(two.poll())) == 300
    assert world.asked == asked


def test_a_leader_that_died_is_succeeded_within_ten_seconds_with_an_overlap(world: World) -> None:
    world.put(*range(0, 3000, 10))
    one, two = Console(world, "aaaa", pages=2), Console(world, "bbbb")
    one.poll()
    two.poll()
    assert not two.source.caught_up
    world.put(60, 30)  # late ones: the first console never saw them
    begun = world.seconds
    while two.source.by:
        two.poll()
        world.seconds += 1
    assert world.seconds - begun <= STALE_SECONDS + 6  # its first poll, within LookupEvents' pace, included
    while not two.source.caught_up:
        two.poll()
        world.seconds += 1
    assert set(two.known) == {r["eventID"] for r in world.records}


def test_a_stalled_leader_that_wakes_up_follows(world: World) -> None:
    one, two = Console(world, "aaaa"), Console(world, "bbbb")
    one.poll()
    two.poll()
    for _ in range(15):
        world.seconds += 1
        two.poll()
    assert two.source.by == ""
    world.put(1)
    world.seconds += 6
    two.poll()
    asked = world.asked
    assert one.poll() == [r["eventID"] for r in world.records]
    assert world.asked == asked
    assert one.source.by == "bbbb"


def test_a_leader_that_gets_no_answers_is_succeeded(world: World) -> None:
    one, two = Console(world, "aaaa"), Console(world, "bbbb")
    one.poll()
    two.poll()
    world.fault = AwsError("EndpointConnectionError", "no route")
    for _ in range(12):
        world.seconds += 1
        for console in (one, two):
            with contextlib.suppress(SourceError):
                console.poll()
    assert two.source.by == ""


def test_the_last_console_leaves_no_records_and_a_successor_leads_at_once(world: World) -> None:
    world.put(1)
    one, two = Console(world, "aaaa"), Console(world, "bbbb")
    one.poll()
    two.poll()
    one.leave()
    world.seconds += 1.1
    two.poll()
    assert two.source.by == ""
    two.leave()
    left = [path.name for path in (world.folder / FOLDER).rglob("*.records")]
    assert left == []


def test_what_is_kept_is_for_this_user_alone(world: World) -> None:
    world.put(1)
    Console(world, "aaaa").poll()
    for path in (world.folder / FOLDER, *(world.folder / FOLDER).rglob("*")):
        assert path.stat().st_mode & 0o077 == 0


def test_a_console_that_was_killed_alone_is_succeeded_at_once_by_the_next(world: World) -> None:
    world.put(*range(0, 3000, 10))
    Console(world, "aaaa").poll()
    world.running = 0
    two = Console(world, "bbbb")
    two.poll()
    assert two.source.by == ""
    while not two.source.caught_up:
        two.poll()
    assert set(two.known) == {r["eventID"] for r in world.records}


@pytest.mark.parametrize("what", ["pipe", "link", "folder"])
def test_what_is_no_plain_file_is_neither_followed_nor_waited_for(world: World, what: str, tmp_path: Path) -> None:
    place = world.folder / FOLDER / "111122223333"
    place.mkdir(parents=True)
    target = tmp_path / "elsewhere"
    target.write_text("mine")
    for name in ("lease", "lease.lock", "000001.records"):
        if what == "pipe":
            os.mkfifo(place / name)
        elif what == "link":
            (place / name).symlink_to(target)
        else:
            (place / name).mkdir()
    world.put(1)
    one = Console(world, "aaaa")
    assert len(one.poll()) == 1
    assert target.read_text() == "mine"
    assert "not shared with other consoles" in one.source.remark


def test_a_damaged_file_costs_what_follows_in_it_and_is_said(world: World) -> None:
    world.put(1)
    one, two = Console(world, "aaaa"), Console(world, "bbbb")
    one.poll()
    path = next((world.folder / FOLDER).rglob("*.records"))
    data = bytearray(path.read_bytes())
    data[-3] ^= 0xFF
    path.write_bytes(bytes(data))
    assert two.poll() == []
    assert "damaged" in two.source.remark
    assert not two.source.caught_up


def test_a_follower_that_wants_to_look_further_back_says_what_it_does_not_get(world: World) -> None:
    one = Console(world, "aaaa")
    two = Console(world, "bbbb", since=SINCE - timedelta(days=3))
    one.poll()
    two.poll()
    assert f"it looks back to {iso(SINCE)} only" in two.source.remark


def test_what_the_consoles_of_a_case_share_holds_no_secrets(tmp_path: Path) -> None:
    secret = "wJa1rXUtnFEM1K7MDENGbPxRf1CYzEXbMPL3KeY4"
    kept = json.dumps(record("CreateUser", agent=f"tool {secret}"))
    Writer(tmp_path, 1).add(Part("lookup us-east-1", (kept, f"no JSON {secret}")))
    (part,) = Reader(tmp_path).take("lookup us-east-1", ())
    assert [secret in text for text in part.records] == [False, False]
    assert json.loads(part.records[0])["eventID"] == json.loads(kept)["eventID"]
