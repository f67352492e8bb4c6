"""From the start of the program to its first picture, and to the first rows of a replay, beside a bare Textual app.

python -m tests.bench.bench_startup [FOLDER]     # default: 20,000 events made up
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from s3ir_tui.journal import Journal
from tests.bench.bench_trail import make_folder
from tests.terminal.harness import Terminal

pytestmark = pytest.mark.bench

ROUNDS = 7
EVENTS = 20_000
PROGRAM = (sys.executable, "-m", "s3ir_tui")

# What nothing in a terminal can be faster than: Python, Textual, one line.
_BARE = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static("one line", markup=False)

Bare().run(mouse=False)
"""

Start = tuple[str, Sequence[str], str, tuple[int, int]]
"""What is started: a name, the command, what is waited for, the size of the terminal."""


def seconds(start: Start, env: Mapping[str, str | None]) -> float:
    """Seconds from the start of a program in a terminal until something stands on its screen."""
    _, command, sign, size = start
    begun = time.perf_counter()
    with Terminal(command, size, env) as terminal:
        terminal.wait_for(sign)
        return time.perf_counter() - begun


def report(starts: Sequence[Start], env: Mapping[str, str | None]) -> dict[str, float]:
    """Start each several times, in turns: a busy moment of the machine meets all. Print and give the medians."""
    found: dict[str, list[float]] = {start[0]: [] for start in starts}
    for start in starts:
        seconds(start, env)  # compiles what is not compiled yet
    for _ in range(ROUNDS):
        for start in starts:
            found[start[0]].append(seconds(start, env))
    print()
    for name, took in found.items():
        median, best = statistics.median(took) * 1000, min(took) * 1000
        print(f"{name:32} median {median:5.0f} ms   best {best:5.0f} ms   {len(took)} runs")
    return {name: statistics.median(took) for name, took in found.items()}


@contextmanager
def surroundings() -> Iterator[tuple[Path, dict[str, str | None]]]:
    """A folder with a case in it, and an environment without an account that answers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Journal.open(folder / "cases" / "IR-42", about={}) as journal:
            journal.record_many("case", [{"kind": "note", "text": f"note {index}"} for index in range(100)])
        yield (
            folder,
            {
                "S3IR_CASES": str(folder / "cases"),
                "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "example",
                "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # nobody listens: nothing is painted because of an answer
            },
        )


def starts_of(recording: Path) -> list[Start]:
    """What is measured."""
    replay = (*PROGRAM, "replay", str(recording), "--speed", "max")
    return [
        ("bare Textual app, one line", (sys.executable, "-c", _BARE), "one line", (120, 40)),
        ("replay, first picture", replay, "4 Tail", (120, 40)),
        ("replay, first rows, 120x40", replay, "GetObject", (120, 40)),
        ("replay, first rows, 80x24", replay, "GetObject", (80, 24)),
        ("review, first paint", (*PROGRAM, "review", "IR-42"), "REVIEW", (80, 24)),
        ("live console, first paint", (*PROGRAM, "--case", "live"), "READ-ONLY", (80, 24)),
    ]


def test_first_rows_and_first_pictures_beside_a_bare_app() -> None:
    with surroundings() as (folder, env):
        (folder / "trail").mkdir()
        make_folder(folder / "trail", EVENTS)
        took = report(starts_of(folder / "trail"), env)
    # The second that is promised, on a machine that is not busy; on one that is, as much more as a bare app takes.
    bare = took["bare Textual app, one line"]
    assert took["replay, first rows, 120x40"] < max(1.0, 3 * bare)
    assert max(took.values()) < max(1.5, 5 * bare)


def main() -> None:
    """Measure with a folder, or with one made up."""
    with surroundings() as (folder, env):
        if len(sys.argv) > 1:
            report(starts_of(Path(sys.argv[1])), env)
            return
        (folder / "trail").mkdir()
        make_folder(folder / "trail", EVENTS)
        report(starts_of(folder / "trail"), env)


if __name__ == "__main__":
    main()
