"""A recording as a source: sorted by time, on time, pauses skipped and told, all of it however long it is."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s3ir_tui.model import iso
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources import recording as module
from s3ir_tui.trail.sources.recording import Recording, speed_of
from tests.unit import trail_world as world


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def record(seconds: float, name: str = "GetObject") -> world.Fields:
    """A record some seconds after nine o'clock."""
    return world.record(name, bucket="payroll", key="iban.csv", when=iso(world.START + timedelta(seconds=seconds)))


def folder(tmp_path: Path, *files: list[world.Fields]) -> Path:
    """A folder of files of records."""
    for number, records in enumerate(files):
        (tmp_path / f"{number}.json").write_text(json.dumps({"Records": records}), encoding="utf-8")
    return tmp_path


def seconds(events: list[Event]) -> list[float]:
    """Seconds after nine o'clock."""
    return [(event.at - world.START).total_seconds() for event in events]


def read(source: Recording) -> None:
    """Let it read to its end."""
    while source.reading:
        assert source.poll() == []


def test_events_come_sorted_by_time_and_not_before_their_time(tmp_path: Path) -> None:
    clock = Clock()
    source = Recording([folder(tmp_path, [record(30), record(0)], [record(10), record(40)])], speed=2, clock=clock)
    assert source.now is None
    read(source)
    assert source.now == world.START
    assert seconds(source.poll()) == [0]
    clock.now = 4.9
    assert seconds(source.poll()) == []
    clock.now = 5
    assert seconds(source.poll()) == [10]
    assert source.now == world.START + timedelta(seconds=10)
    clock.now = 60
    assert seconds(source.poll()) == [30, 40]
    assert source.ended
    assert source.now == world.START + timedelta(seconds=40)
    clock.now = 1e12
    assert source.poll() == []
    assert source.now == world.START + timedelta(seconds=40)


def test_a_pause_of_more_than_a_minute_on_the_screen_is_skipped_and_told(tmp_path: Path) -> None:
    clock = Clock()
    source = Recording([folder(tmp_path, [record(0), record(59 * 10), record(10_000)])], speed=10, clock=clock)
    read(source)
    assert seconds(source.poll()) == [0]
    assert source.remark == ""
    clock.now = 59
    assert seconds(source.poll()) == [590]
    assert source.remark == "skipped 2h36"
    assert source.now == world.START + timedelta(seconds=10_000 - 20)
    clock.now = 61
    assert seconds(source.poll()) == [10_000]
    clock.now = 68
    assert source.remark == ""


def test_as_fast_as_possible_events_come_file_by_file_at_once(tmp_path: Path) -> None:
    source = Recording([folder(tmp_path, [record(30), record(0)], [record(10), record(40)])], speed=0, clock=Clock())
    assert not source.reading
    assert seconds(source.poll()) == [0, 30]
    assert (source.first, source.now) == (iso(world.START), world.START + timedelta(seconds=30))
    assert source.interval == 0
    assert seconds(source.poll()) == [10, 40]
    assert source.poll() == []
    assert source.ended
    assert source.interval > 0
    assert source.now == world.START + timedelta(seconds=40)


def test_more_than_memory_holds_is_sorted_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RUN", 50)
    monkeypatch.setattr(module, "_BLOCK", 7)
    times = list(range(700))
    random.Random(7).shuffle(times)
    files = [[record(second) for second in times[start : start + 33]] for start in range(0, 700, 33)]
    clock = Clock()
    source = Recording([folder(tmp_path, *files)], speed=60, clock=clock)
    read(source)
    found: list[Event] = []
    while not source.ended:
        found += source.poll()
        clock.now += 1
    assert seconds(found) == list(range(700))
    assert len({event.id for event in found}) == 700
    assert json.loads(found[0].raw)["eventName"] == "GetObject"
    source.close()


def test_a_full_disk_ends_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_RUN", 1)
    monkeypatch.setattr(module.tempfile, "TemporaryFile", full)
    source = Recording([folder(tmp_path, [record(0)])], clock=Clock())
    with pytest.raises(OSError, match="No space"):
        source.poll()
    assert source.ended
    assert source.poll() == []


def test_what_cannot_be_read_is_told_and_the_rest_is_played(tmp_path: Path) -> None:
    place = folder(tmp_path, [record(0)])
    (place / "broken.json").write_text("no JSON", encoding="utf-8")
    source = Recording([place], speed=0, clock=Clock())
    assert len(source.poll()) == 1
    assert source.poll() == []
    assert [Path(item.origin).name for item in source.skipped] == ["broken.json"]


def test_nothing_is_a_recording_that_has_ended(tmp_path: Path) -> None:
    source = Recording([tmp_path], clock=Clock())
    read(source)
    assert source.ended
    assert source.poll() == []
    assert source.now is None


def test_it_says_whether_object_reads_are_in_it(tmp_path: Path) -> None:
    with_data = Recording([folder(tmp_path, [record(0)])], clock=Clock())
    without = Recording([folder(tmp_path / "..", [record(0, "ListBuckets")]) / "0.json"], clock=Clock())
    read(with_data)
    read(without)
    assert with_data.data_events
    assert not without.data_events
    assert (with_data.account, with_data.first) == (world.ACCOUNT, world.at())


@pytest.mark.parametrize(("text", "speed"), [("1", 1), ("x60", 60), ("0.5", 0.5), ("max", 0), ("0", 0)])
def test_speed_is_a_number_or_max(text: str, speed: float) -> None:
    assert speed_of(text) == speed


@pytest.mark.parametrize("text", ["fast", "-1", "inf", "nan", ""])
def test_what_is_no_speed_is_refused_with_what_would_be(text: str) -> None:
    with pytest.raises(ValueError, match="write 1, 60"):
        speed_of(text)


def test_a_clock_that_jumps_far_ahead_ends_at_the_last_event(tmp_path: Path) -> None:
    clock = Clock()
    source = Recording([folder(tmp_path, [record(0), record(5)])], speed=1e300, clock=clock)
    read(source)
    clock.now = 1e9
    assert seconds(source.poll()) == [0, 5]
    assert source.now == datetime(2026, 11, 24, 9, 0, 5, tzinfo=UTC)
