"""Kills consoles while they record, again and again, and counts what was acknowledged and is gone.

    python tests/bench/kill_journal.py [--rounds 200] [--consoles 2] [--json]

Each round opens consoles on one case that is never reset, lets them record (single records, batches, large values, news
of each other), kills them all with SIGKILL at a random moment and reads the case anew.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from s3ir_tui.journal import Journal, verify

ROUNDS_PER_CASE = 25  # the next rounds work on a fresh case: reading a long one takes longer than killing


@dataclass
class Tally:
    """What all rounds together came to."""

    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    unreadable: int = 0
    problems: int = 0
    torn: int = 0


def record_until_killed(folder: Path, pipe: int, seed: int) -> NoReturn:
    """What the victim does. A line on the pipe says that a record was acknowledged, and which."""
    chance = random.Random(seed)
    journal = Journal.open(folder, about={"actor": "victim"}, poll_seconds=0.02)
    number = 0
    while True:
        size = chance.choice([1] * 40 + [20, 400])
        docs = [{"kind": "note", "text": f"{seed} {number + offset} {'x' * 300}"} for offset in range(size)]
        if chance.random() < 0.01:
            docs[0]["large"] = "y" * 300_000
        number += size
        refs = journal.record_many("case", docs)
        told = "".join(f"{ref} {doc['text'][:40].strip('x ')}\n" for ref, doc in zip(refs, docs, strict=True))
        os.write(pipe, told.encode())


def begin(folder: Path, seed: int) -> tuple[int, int]:
    """A console in a process of its own: its id, and the pipe that it acknowledges on."""
    reader, writer = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1 << 20)  # else the victim would wait for us, not be killed writing
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            record_until_killed(folder, writer, seed)
        finally:
            os._exit(1)
    os.close(writer)
    return pid, reader


def read_all(pipe: int) -> dict[str, str]:
    """The acknowledgements that came before the kill: reference to text."""
    with os.fdopen(pipe, "rb") as file:
        lines = file.read().decode().split("\n")[:-1]  # what follows the last newline was cut by the kill
    return dict(line.split(" ", 1) for line in lines)


def check(folder: Path, acknowledged: dict[str, str], tally: Tally) -> None:
    """Read a case as the next console does, and look for every record that was acknowledged."""
    with Journal.open(folder, about={}, readonly=True, poll_seconds=0) as journal:
        texts = {record.ref: str(record.get("text")) for record in journal.records("case")}
        tally.problems += len(journal.problems)
    found = verify(folder)
    tally.unreadable += not texts
    tally.problems += len(found.problems)
    tally.torn += sum("unfinished line" in note for note in found.notes)
    tally.acknowledged += len(acknowledged)
    tally.lost += sum(not texts.get(ref, "").startswith(text) for ref, text in acknowledged.items())


def run(rounds: int, consoles: int, seed: int = 1) -> Tally:
    """All rounds."""
    tally, chance = Tally(), random.Random(seed)
    while tally.kills < rounds * consoles:
        with tempfile.TemporaryDirectory() as place:
            folder, acknowledged = Path(place) / "case", dict[str, str]()
            for _ in range(min(ROUNDS_PER_CASE, rounds - tally.kills // consoles)):
                victims = [begin(folder, chance.randrange(1 << 30)) for _ in range(consoles)]
                time.sleep(chance.uniform(0.02, 0.15))
                for pid, _ in victims:
                    os.kill(pid, signal.SIGKILL)
                for pid, pipe in victims:
                    os.waitpid(pid, 0)
                    acknowledged |= read_all(pipe)
                tally.kills += consoles
            check(folder, acknowledged, tally)
    return tally


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Kill consoles while they record, and count what is lost.")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--consoles", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tally = run(options.rounds, options.consoles)
    if options.json:
        print(json.dumps(asdict(tally)))
    else:
        print(", ".join(f"{count} {name}" for name, count in asdict(tally).items()))
    return 1 if tally.lost or tally.unreadable or tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
