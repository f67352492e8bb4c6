"""Files decoded ahead by another process: the same events in the same order, whatever becomes of that process."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from s3ir_tui.trail import frames
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.batch import Batch
from s3ir_tui.trail.sources import ahead as module
from s3ir_tui.trail.sources.ahead import Ahead, batches
from s3ir_tui.trail.sources.recording import Recording
from tests.unit.trail_world import at, record, user

FILES = 8
EACH = 2_300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("trail")
    for number in range(FILES):
        records = [
            record(
                "GetObject", user(), when=at(number * 10 - index / 300), bucket="payroll", key=f"{number}/{index}.env"
            )
            for index in range(EACH)
        ]
        made.joinpath(f"{number}.json.gz").write_bytes(gzip.compress(json.dumps({"Records": records}).encode(), 1))
    made.joinpath("5-broken.json").write_text("{", encoding="ascii")
    return made


@pytest.fixture
def other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONG", 1)


def _all(ahead: Ahead, beside: Callable[[int], None] = lambda _number: None) -> Iterator[Batch]:
    number = 0
    while not ahead.ended:
        batch = ahead.next(20)
        if batch is not None:
            yield batch
            beside(number)
            number += 1


def _pid(ahead: Ahead) -> int:
    assert ahead._process is not None
    return ahead._process.pid


def _gone(pid: int, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        except OSError:
            return True
        if stat.rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.01)
    return False


@pytest.mark.usefixtures("other_process")
def test_another_process_brings_what_is_read_here(folder: Path) -> None:
    ahead = Ahead([folder])
    brought = list(_all(ahead))
    expected = list(batches([folder]))
    assert [batch.events for batch in brought] == [batch.events for batch in expected]
    assert [item.reason for batch in brought for item in batch.skipped] == ["broken JSON"]
    assert sum(map(len, brought)) == FILES * EACH
    assert all(len(batch) <= module.AT_ONCE for batch in brought)
    ahead.close()


@pytest.mark.usefixtures("other_process")
def test_what_another_process_found_out_says_the_same(folder: Path) -> None:
    ahead = Ahead([folder])
    one, other = Analysis(), Analysis()
    for batch, plain in zip(_all(ahead), batches([folder]), strict=True):
        assert batch.told is not None or not batch
        assert one.add_batch(batch) == other.add(plain.events)
    assert one.to_json() == other.to_json()
    assert one.principals()[0].reads == FILES * EACH
    ahead.close()


@pytest.mark.usefixtures("other_process")
@pytest.mark.parametrize("when", [0, 1, 4])
def test_when_the_other_process_dies_the_rest_is_read_here(folder: Path, when: int) -> None:
    ahead = Ahead([folder])
    pid = _pid(ahead)

    def kill(number: int) -> None:
        if number == when:
            os.kill(pid, signal.SIGKILL)

    found = [event.id for batch in _all(ahead, kill) for event in batch.events]
    assert found == [event.id for batch in batches([folder]) for event in batch.events]
    assert ahead._process is None


@pytest.mark.usefixtures("other_process")
def test_a_recording_that_is_closed_leaves_no_process(folder: Path) -> None:
    recording = Recording([folder], speed=0)
    pid = _pid(recording._files)
    while not recording.poll():
        pass
    recording.close()
    assert _gone(pid, 0.5)
    assert recording.poll() == []
    assert recording.ended


_CONSOLE = """
import sys, time
from pathlib import Path
from s3ir_tui.trail.sources import ahead
ahead.LONG = 1
files = ahead.Ahead([Path(sys.argv[1])])
assert files.next(20) is not None
print(files._process.pid, flush=True)
time.sleep(60)
"""


def test_the_other_process_does_not_outlive_a_console_that_is_killed(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _CONSOLE, str(folder)], stdout=subprocess.PIPE, text=True) as console:
        assert console.stdout is not None
        pid = int(console.stdout.readline())
        console.kill()
    assert _gone(pid)


def test_a_little_is_read_without_another_process(folder: Path) -> None:
    ahead = Ahead([folder / "1.json.gz"])
    assert ahead._process is None
    assert sum(map(len, _all(ahead))) == EACH
    assert ahead.next(0) is None


@pytest.mark.usefixtures("other_process")
def test_without_a_process_to_be_had_it_is_read_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames.sys, "executable", str(folder / "no-such-python"))
    assert sum(map(len, _all(Ahead([folder])))) == FILES * EACH


@pytest.mark.usefixtures("other_process")
def test_it_is_not_read_further_ahead_than_memory_allows(folder: Path) -> None:
    ahead = Ahead([folder])
    assert ahead.next(20) is not None
    time.sleep(1.5)
    # It waits with the next batch in its hands: nothing of this process holds more than was asked for.
    state = Path(f"/proc/{_pid(ahead)}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    assert state == "S"
    ahead.close()
