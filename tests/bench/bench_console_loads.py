"""The console while a folder of many events loads: the first rows, keys to repaint, CPU, memory, in a terminal.

python -m tests.bench.bench_console_loads [FOLDER | EVENTS]     # default: 60,000 events made up
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.bench.bench_tail import _presses, _repainted, resident
from tests.bench.bench_trail import make_folder
from tests.terminal.harness import Terminal

pytestmark = pytest.mark.bench

EVENTS = 60_000
PATIENCE = 1800.0


def spent(pid: int) -> float:
    """Seconds of CPU of a process so far, without those that it started."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(folder: Path) -> tuple[float, list[float], float, list[float], float]:
    """Replay a folder as fast as possible, press keys in its paused tail, and look at its memory.

    Returns:
        Seconds to the first rows, milliseconds from each key to its repaint, seconds to the end, memory over time (MB),
        seconds of CPU of the console's own process.
    """
    begun = time.perf_counter()
    command = (sys.executable, "-m", "s3ir_tui", "replay", str(folder), "--speed", "max")
    with Terminal(command, size=(120, 40)) as terminal:
        terminal.wait_until(lambda: "GetObject" in terminal.text(), "no rows", 60)
        first = time.perf_counter() - begun
        terminal.press("4")
        terminal.read(0.5)
        waits: list[float] = []
        used: list[float] = []
        for keys in _presses():
            if "REPLAY ENDED" in terminal.text():
                break
            passed = time.perf_counter() - begun
            assert passed < PATIENCE, terminal.text()
            waits.append(_repainted(terminal, keys))
            terminal.read(0.2)
            if len(used) <= passed // 5:
                used.append(resident(terminal.process.pid))
        used.append(resident(terminal.process.pid))
        return first, sorted(waits), time.perf_counter() - begun, used, spent(terminal.process.pid)


def report(folder: Path) -> float:
    """Load a folder and print how it went; gives the 95th percentile of the waits."""
    first, waits, whole, used, cpu = load(folder)
    most = waits[len(waits) * 95 // 100]
    print(
        f"\nfirst rows after {first:.2f} s, all of it after {whole:.0f} s; {len(waits)} keys meanwhile: to repaint "
        f"p50 {statistics.median(waits):.0f} ms, p95 {most:.0f} ms, worst {waits[-1]:.0f} ms"
    )
    print(f"CPU of the console's own process: {cpu:.1f} s; load of this machine: {os.getloadavg()[0]:.1f}")
    print("memory over time, MB: " + " ".join(f"{value:.0f}" for value in used))
    return most


def test_keys_are_answered_while_a_folder_loads(tmp_path: Path) -> None:
    make_folder(tmp_path, EVENTS)
    assert report(tmp_path) < 500


def main() -> None:
    """Load a folder, or one made up."""
    given = sys.argv[1] if len(sys.argv) > 1 else str(EVENTS)
    with tempfile.TemporaryDirectory() as made:
        if given.isdigit():
            make_folder(Path(made), int(given))
        report(Path(made if given.isdigit() else given))


if __name__ == "__main__":
    main()
