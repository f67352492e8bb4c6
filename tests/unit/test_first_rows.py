"""What a replay shows first: a screenful at once, and all the rest in its order after it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from s3ir_tui.journal import Journal
from s3ir_tui.replay import ReplayRoom
from s3ir_tui.room import Update
from s3ir_tui.trail.sources.recording import Recording
from tests.unit import trail_world as world

EVENTS = 3_000


def test_first_rows_of_a_long_file_do_not_wait_for_the_file(tmp_path: Path) -> None:
    keys = [f"{number:04}.csv" for number in range(EVENTS)]
    records = [world.record("GetObject", bucket="payroll", key=key, when=world.at(0)) for key in keys]
    folder = tmp_path / "trail"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps({"Records": records}), encoding="utf-8")
    updates: list[Update] = []
    ended = threading.Event()

    def post(update: Update) -> None:
        updates.append(update)
        if update.snapshot.status.mode == "REPLAY ENDED":
            ended.set()

    with Journal.open(tmp_path / "case", about={}) as journal:
        room = ReplayRoom(Recording([folder], speed=0), journal)
        room.start(post)
        assert ended.wait(20)
        room.stop("seen")
    first = next(update for update in updates if update.lines)
    assert 100 <= len(first.lines) < 1_000
    assert first.snapshot.buckets, "the board is empty"
    assert [line.event.key for update in updates for line in update.lines] == keys
