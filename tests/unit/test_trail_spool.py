"""A million lines: what is laid by comes back as it was, memory stays flat, and looking through them never waits."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3ir_tui import pace
from s3ir_tui.model import Severity
from s3ir_tui.trail.event import Event, Judged
from s3ir_tui.trail.filter import parse
from s3ir_tui.trail.laid import LaidLine, pack, unpack, unpack_records, unpack_with, whole
from s3ir_tui.trail.sieve import Sieve
from s3ir_tui.trail.spool import Spool

LONG = 10.0


def line(number: int, **fields: object) -> Judged:
    at = f"2026-03-02T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
    usual = {"id": f"e{number}", "time": at, "name": "GetObject", "service": "s3", "key": f"k{number}",
             "bucket": f"bucket-{number % 7}", "raw": b'{"n":%d}' % number}  # fmt: skip
    return Judged(Event(**(usual | fields)), Severity(number % 5), noise=number % 3 == 0)  # type: ignore[arg-type]


def settled(spool: Spool) -> Spool:
    """Wait until everything that is to be laid by is."""
    end = time.monotonic() + LONG
    while spool._pending:
        assert time.monotonic() < end
        spool.extend(())
        time.sleep(0.001)
    return spool


def keys(sieve: Sieve, spool: Spool) -> list[str]:
    return [spool[number].event.key for number in sieve]


def sifted(spool: Spool, text: str = "") -> Sieve:
    sieve, wanted = Sieve(spool), parse(text)
    sieve.begin(wanted.test, wanted.needles, records=wanted.record)
    while not sieve.done:
        sieve.step(LONG)
    return sieve


def test_what_is_laid_by_comes_back_as_it_was() -> None:
    spool = Spool(memory=64, block=16)
    lines = [line(number) for number in range(1000)]
    spool.extend(lines)
    settled(spool)
    assert (spool.start, spool.end) == (0, 1000)
    assert [spool[number] for number in range(1000)] == lines
    assert [spool.look(number).event.key for number in (0, 17, 999)] == ["k0", "k17", "k999"]
    assert len(spool._fresh) * 16 <= 64 + 32


def test_every_field_of_a_line_survives() -> None:
    text = {name: f"<{name}>" for name in Event.__struct_fields__}
    event = Event(**(text | {"read_only": True, "bytes_in": 7, "bytes_out": 2**40, "raw": b"\x00\xff{"}))  # type: ignore[arg-type]
    judged = Judged(event, Severity.CRITICAL, ("one", "two"), noise=True, ours=True, source="files")
    packed = pack([judged])
    (back,) = unpack(packed.lines)
    assert whole(back, unpack_records(packed.records)[0]) == judged
    assert back.event.raw == b""
    assert set(Judged.__struct_fields__) == set(LaidLine.__struct_fields__)


def test_half_a_surrogate_pair_is_laid_by_as_words() -> None:
    packed = pack([line(1, key="a\ud800b")])
    assert unpack(packed.lines)[0].event.key == "a\\ud800b"


@pytest.mark.parametrize("memory", [1, 16, 100, 5000])
def test_the_oldest_fall_out_and_numbers_stay(memory: int) -> None:
    spool = Spool(memory=memory, capacity=320, block=16)
    for start in range(0, 4000, 37):
        spool.extend(line(number) for number in range(start, start + 37))
    settled(spool)
    assert spool.end == 4033
    assert 320 - 64 * 16 <= len(spool) <= memory + 320 + 64 * 16 + 16
    assert spool[spool.start].event.key == f"k{spool.start}"
    for gone in (spool.start - 1, spool.end, -1):
        with pytest.raises(IndexError):
            spool[gone]


def test_without_room_on_the_disk_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s3ir_tui.trail.spool._Segment", None)
    spool = Spool(memory=32, capacity=0, block=16)
    spool.extend(line(number) for number in range(500))
    assert 32 <= len(spool) <= 64
    assert spool[spool.end - 1].event.key == "k499"


def test_files_have_no_name_and_are_private(tmp_path: Path) -> None:
    spool = Spool(memory=16, folder=tmp_path, block=16)
    spool.extend(line(number) for number in range(200))
    settled(spool)
    assert list(tmp_path.iterdir()) == []
    assert spool._segment is not None
    assert os.fstat(spool._segment._file.fileno()).st_mode & 0o777 == 0o600


class _Disk:
    """A disk with room for so many bytes, beneath `os.pwrite`."""

    def __init__(self, room: int) -> None:
        self.room, self.really = room, os.pwrite

    def __call__(self, file: int, data: bytes, at: int) -> int:
        if len(data) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(data)
        return self.really(file, data, at)


def test_full_disk_costs_the_oldest_lines_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = _Disk(60_000)
    monkeypatch.setattr("os.pwrite", disk)
    spool = Spool(memory=64, block=16)
    for number in range(0, 8000, 16):
        spool.extend(line(n) for n in range(number, number + 16))
        settled(spool)
        if spool.problem and disk.room < 1000:
            disk.room = 6_000  # the file that was let go
    assert "No space left on device" in spool.problem
    assert f"{len(spool):,}" in spool.problem or "newest" in spool.problem
    assert spool.start > 0
    assert [spool[number].event.key for number in range(spool.start, spool.end)] == [
        f"k{number}" for number in range(spool.start, 8000)
    ]


def test_disk_that_takes_nothing_leaves_the_newest_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.pwrite", _Disk(0))
    spool = Spool(memory=64, block=16)
    spool.extend(line(number) for number in range(3000))
    settled(spool)
    assert "No space left" in spool.problem
    assert 64 <= len(spool) <= 64 + 32
    assert spool[spool.end - 1].event.key == "k2999"


def test_folder_that_is_not_there_leaves_the_newest_in_memory(tmp_path: Path) -> None:
    spool = Spool(memory=64, block=16, folder=tmp_path / "absent")
    spool.extend(line(number) for number in range(1000))
    settled(spool)
    assert "No such file" in spool.problem
    assert 64 <= len(spool) <= 64 + 32


def test_file_that_was_cut_is_told_and_not_fatal() -> None:
    spool = Spool(memory=16, block=16)
    spool.extend(line(number) for number in range(100))
    settled(spool)
    assert spool._segment is not None
    os.ftruncate(spool._segment._file.fileno(), 10)
    with pytest.raises(IndexError):
        spool[40]
    assert "cannot be read" in spool.problem
    assert spool.block(40)[1] == ()
    assert len(sifted(spool)) < 100


def test_clear_forgets_what_is_still_being_packed() -> None:
    spool = Spool(memory=16, block=16)
    spool.extend(line(number) for number in range(2000))
    spool.clear()
    spool.extend(line(number, key="new") for number in range(100))
    settled(spool)
    assert (spool.start, spool.end) == (0, 100)
    assert {spool[number].event.key for number in range(100)} == {"new"}


@pytest.mark.parametrize(
    "text",
    ["", "bucket:bucket-3", "k77", "-bucket:bucket-3", ">=high", "noise:no key:9", 'record:"77"', "absent",
     "time>=2026-03-02T00:10:00 time<2026-03-02T00:11"],
)  # fmt: skip
def test_sieve_finds_in_memory_and_on_disk_what_a_loop_finds(text: str) -> None:
    spool = Spool(memory=64, block=16)
    lines = [line(number) for number in range(1500)]
    spool.extend(lines)
    settled(spool)
    test = parse(text).test
    assert keys(sifted(spool, text), spool) == [item.event.key for item in lines if test is None or test(item)]


@given(st.lists(st.sampled_from(["K", "k", "\u212a", "İ", "i", "x", "é", "É"]), max_size=4), st.sampled_from("kixeé"))
def test_skipping_blocks_unread_loses_no_line(letters: list[str], word: str) -> None:
    judged = line(1, key="".join(letters), bucket="", name="", service="", id="", time="")
    wanted = parse(f'"{word}"')
    assert wanted.test is not None
    packed = pack([judged])
    found = unpack_with(packed.lines, wanted.needles if packed.folds else ())
    assert bool(found and any(map(wanted.test, found))) is wanted.test(judged)


def test_sieve_looks_at_the_newest_first_and_tells_how_far_it_is() -> None:
    spool = Spool(memory=64, block=16)
    spool.extend(line(number) for number in range(1600))
    settled(spool)
    sieve = Sieve(spool)
    sieve.begin(None)
    assert sieve.step(0.0) == 16
    assert keys(sieve, spool)[-1] == "k1599"
    assert sieve.searched == pytest.approx(0.01)
    assert not sieve.done
    while not sieve.done:
        sieve.step(0.0)
    assert len(sieve) == 1600
    assert sieve.index_of(700) == 700


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["add", "step", "clear"]), st.integers(0, 90)), max_size=25))
def test_sieve_stays_true_while_lines_come_and_fall_out(acts: Iterable[tuple[str, int]]) -> None:
    spool = Spool(memory=48, capacity=0, block=16)
    sieve = Sieve(spool)
    wanted = parse("bucket:bucket-1")
    sieve.begin(wanted.test, wanted.needles)
    number = 0
    for act, count in acts:
        if act == "add":
            spool.extend(line(n) for n in range(number, number + count))
            number += count
            sieve.take()
        elif act == "step":
            sieve.step(0.0)
        else:
            spool.clear()
            sieve.begin(wanted.test, wanted.needles)
    while not sieve.done:
        sieve.step(LONG)
    assert list(sieve) == [n for n in range(spool.start, spool.end) if spool[n].event.bucket == "bucket-1"]


def test_take_tells_what_came_and_what_fell_out() -> None:
    spool = Spool(memory=32, capacity=0, block=16)
    sieve = Sieve(spool)
    sieve.begin(None)
    spool.extend(line(number) for number in range(40))
    assert sieve.take() == (40, 0)
    spool.extend(line(number) for number in range(40, 60))
    came, dropped = sieve.take()
    assert (came, dropped) == (20, spool.start)


def test_time_is_found_where_history_came_after_what_is_new() -> None:
    spool = Spool(memory=64, block=16)
    spool.extend(line(number) for number in [5000, 5001, *range(0, 1000, 3), 5002, 5003])
    assert spool[spool.near("2026-03-02T00:10:01Z")].event.key == "k603"
    assert spool[spool.near("2026-03-02T01:23:22Z")].event.key == "k5002"
    assert spool[spool.near("2026-03-02T00:30:00Z")].event.key == "k5000"


@pytest.mark.parametrize("memory", [16, 4000])
def test_nearest_line_to_a_time(memory: int) -> None:
    spool = Spool(memory=memory, block=16)
    spool.extend(line(number) for number in range(2000))
    settled(spool)
    assert spool.near("2026-03-02T00:10:00Z") == 600
    assert spool.near("2026-03-01T00:00:00Z") == 0
    assert spool.near("2027-01-01T00:00:00Z") == 1999
    late = Spool(memory=memory, block=16)
    late.extend(line(number) for number in [*range(100), *range(200, 300), *range(150, 160)])
    settled(late)
    assert late[late.near("2026-03-02T00:02:00Z")].event.key == "k150"
    assert late[late.near("2026-03-02T00:01:45Z")].event.key == "k150"
    assert late[late.near("2026-03-02T00:04:00Z")].event.key == "k240"
    assert late[late.near("2026-03-02T00:04:00Z", lambda line: not line.noise)].event.key == "k241"
    assert Spool().near("2026-03-02T00:02:00Z") == 0


def test_a_key_that_is_held_down_does_not_make_the_loop_wait_for_the_packer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_until", time.monotonic() + 60)
    spool = Spool(memory=16, block=16)
    begun = time.monotonic()
    spool.extend(line(number) for number in range(16 * 400))
    assert time.monotonic() - begun < 5
    monkeypatch.setattr(pace, "_until", 0.0)
    settled(spool)


def test_memory_is_flat_once_the_newest_are_full() -> None:
    spool = Spool(memory=2048, block=256)
    for start in range(0, 60_000, 1000):
        spool.extend(line(number) for number in range(start, start + 1000))
    settled(spool)
    assert sum(map(len, spool._fresh.values())) <= 2048 + 512
    assert len(spool._unpacked) <= 16
    assert len(spool) == 60_000
    assert len(sifted(spool, "bucket:bucket-3 k777")) == len(
        [n for n in range(60_000) if n % 7 == 3 and "k777" in f"k{n}"]
    )


def _second(at: int, key: str, **fields: object) -> Judged:
    return line(at, key=key, id=key, **fields)


def _times(spool: Spool) -> list[str]:
    return [spool.look(number).event.time for number in range(spool.start, spool.end)]


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 400), max_size=30), max_size=30), st.integers(0, 3))
def test_lines_stand_in_the_order_of_their_time_however_they_come(batches: list[list[int]], every: int) -> None:
    spool = Spool(memory=100_000, block=16)
    sieve = Sieve(spool)
    sieve.begin(parse("noise:no").test)
    came: list[Judged] = []
    for count, batch in enumerate(batches):
        new = [_second(at, f"{count}-{place}") for place, at in enumerate(batch)]
        came += new
        spool.extend(new)
        if every and count % every == 0:
            sieve.take()
    sieve.take()
    while not sieve.done:
        sieve.step(LONG)
    wanted = sorted(came, key=lambda item: item.event.time)
    assert [item.event.time for item in wanted] == _times(spool)
    assert sorted(item.event.key for item in came) == sorted(spool[number].event.key for number in range(spool.end))
    shown = [spool[number] for number in sieve]
    assert [item.event.time for item in shown] == [item.event.time for item in wanted if not item.noise]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.integers(0, 3_000), max_size=40), max_size=40))
def test_lines_that_come_late_are_all_found_also_where_older_ones_are_packed(batches: list[list[int]]) -> None:
    spool = Spool(memory=64, block=8)
    sieve = Sieve(spool)
    sieve.begin(parse("key:x").test)
    wanted = 0
    for count, batch in enumerate(batches):
        new = [_second(at, f"{'x' if at % 2 else 'y'}{count}-{place}") for place, at in enumerate(batch)]
        wanted += sum(item.event.key.startswith("x") for item in new)
        spool.extend(new)
        sieve.take()
    while not sieve.done:
        sieve.step(LONG)
    settled(spool)
    assert len(sieve) == len(set(sieve)) == wanted
    assert all(spool[number].event.key.startswith("x") for number in sieve)


def test_late_line_is_marked_and_stands_in_its_place() -> None:
    spool = Spool()
    spool.begun = _second(0, "begin").event.time
    spool.extend([_second(at, f"k{at}") for at in (10, 20, 200, 210)])
    spool.extend([_second(30, "late"), _second(190, "a little later"), _second(220, "new")])
    assert [spool[number].event.key for number in range(spool.end)] == [
        "k10", "k20", "late", "a little later", "k200", "k210", "new"
    ]  # fmt: skip
    assert [spool[number].late for number in range(spool.end)] == ["", "", "late", "", "", "", ""]
    assert spool.near(_second(30, "").event.time) == 2


def test_history_that_is_read_after_what_is_new_is_not_late() -> None:
    spool = Spool()
    spool.begun = _second(5_000, "").event.time
    spool.extend([_second(5_000 + at, f"k{at}") for at in range(3)])
    spool.extend([_second(at, f"h{at}") for at in range(3)])
    assert [spool[number].event.key for number in range(spool.end)] == ["h0", "h1", "h2", "k0", "k1", "k2"]
    assert not any(spool[number].late for number in range(spool.end))


def test_line_older_than_all_that_is_in_memory_says_of_when_it_is_and_is_found() -> None:
    spool = Spool(memory=64, block=8)
    spool.extend([_second(1_000 + at, f"k{at}") for at in range(1_000)])
    settled(spool)
    sieve = sifted(spool)
    spool.extend([_second(7, "very late")])
    sieve.take()
    place = next(number for number in sieve if spool[number].event.key == "very late")
    assert spool[place].late == "late, of 00:00"
    assert spool.end - place <= 64 + 8
    assert len(sieve) == 1_001


def test_few_late_lines_among_many_cost_little() -> None:
    spool = Spool()
    spool.extend([_second(at, f"k{at}") for at in range(25_000)])
    settled(spool)
    sieve = sifted(spool)
    begun = time.process_time()
    for tick in range(40):  # ten seconds of 500 events a second, each tick with two lines that are two minutes late
        at = 25_000 + tick * 125
        spool.extend([_second(at - 120, f"late{tick}"), _second(at - 60, f"later{tick}")])
        spool.extend([_second(at + more, f"k{at + more}") for more in range(125)])
        sieve.take()
    spent = time.process_time() - begun
    assert len(sieve) == 25_000 + 40 * 127
    assert spent < 2.0, spent
