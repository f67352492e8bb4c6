"""The console on a large account: what it knows of an attacker, how soon, and how many calls it makes.

python -m tests.bench.bench_large_account [--minutes 8] [--consoles 1] [--history 24] [--buckets 1000] [--rest-from 4]

A server of our own (`large_account`) with AWS's quota and delays; the room of the console with all its feeds, one
process each, on one case. Only what this server does is shown: AWS itself was not asked.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import tempfile
import time
import urllib.request
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.bench.large_account import HOME, LargeAccount, serve

pytestmark = pytest.mark.bench

_FORK = multiprocessing.get_context("spawn")


def console(port: int, case: str, hours: float, seconds: float, out: str) -> None:
    """Run the room of a console for so long; writes when it showed each event of the attacker."""
    from s3ir_tui.aws.account import Account
    from s3ir_tui.journal import Journal
    from s3ir_tui.live import LiveRoom
    from s3ir_tui.room import Update
    from tests.bench.large_account import ATTACKER

    shown: dict[str, float] = {}
    states: dict[str, Any] = {}

    def take(update: Update) -> None:
        now = time.time()
        for line in update.lines:
            if line.event.access_key == ATTACKER:
                shown.setdefault(line.event.id, now)
        states["sources"] = [
            [s.name, s.caught_up, s.error, s.by, s.late, str(s.complete_to)] for s in update.snapshot.status.sources
        ]

    def connect() -> Account:
        keys = {"aws_access_key_id": "AKIARESPONDER0000001", "aws_secret_access_key": "x" * 40}
        return Account.connect(endpoint_url=f"http://127.0.0.1:{port}", region=HOME, credentials=keys)

    room = LiveRoom(connect, Journal.open(Path(case), about={}), back=timedelta(hours=hours))
    room.start(take)
    time.sleep(seconds)
    room.stop("end of bench")
    Path(out).write_text(json.dumps({"shown": shown, **states}), encoding="utf-8")


def run(
    account: LargeAccount, *, minutes: float, consoles: int, rest_from: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run consoles on an account; gives the account's figures and what each console showed."""
    ready = _FORK.Queue()
    server = _FORK.Process(target=_serve, args=(account.buckets, account.history, ready), daemon=True)
    server.start()
    port = ready.get(timeout=60)
    with tempfile.TemporaryDirectory(prefix="s3ir-bench-") as folder:
        workers = []
        for number in range(consoles):
            args = (port, f"{folder}/case", account.history, minutes * 60 - 5 * number, f"{folder}/{number}.json")
            workers.append(_FORK.Process(target=console, args=args))
            workers[-1].start()
            time.sleep(5 if consoles > 1 else 0)
        time.sleep(max(0.0, minutes * 60 - 5 * consoles - 3))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/figures") as answer:
            figures = json.load(answer)
        at = time.time()
        for worker in workers:
            worker.join(60)
        results = [json.loads(Path(f"{folder}/{number}.json").read_text("utf-8")) for number in range(consoles)]
    server.terminate()
    figures["at"] = at
    report(figures, results, rest_from)
    return figures, results


def _serve(buckets: int, history: float, ready: Any) -> None:
    serve(LargeAccount(buckets=buckets, history=history), ready)


def report(figures: dict[str, Any], results: list[dict[str, Any]], rest_from: int) -> None:
    """Print how it went."""
    last = int((figures["at"] - figures["begun"]) // 60)
    span = max(1, last - rest_from)
    rest: Counter[str] = Counter()
    whole: Counter[int] = Counter()
    for service, name, minute, count in figures["calls"]:
        whole[minute] += count
        if rest_from <= minute < last:
            rest["cloudtrail LookupEvents" if name == "LookupEvents" else service] += count
    asked = sum(count for _, name, _, count in figures["calls"] if name == "LookupEvents")
    refused = sum(figures["throttled"].values())
    print("calls in each minute: " + " ".join(str(whole[minute]) for minute in range(last)))
    each = ", ".join(f"{name} {count / span:.0f}" for name, count in rest.most_common())
    print(f"calls a minute from minute {rest_from} to {last}: {sum(rest.values()) / span:.0f} ({each})")
    print(f"LookupEvents: {asked}, throttled {refused} ({100 * refused / max(1, asked):.1f} %)")
    for number, result in enumerate(results):
        due = [item for item in figures["attacks"] if item[2] <= figures["at"] - 30]
        waits = sorted(result["shown"][item[0]] - item[2] for item in due if item[0] in result["shown"])
        said = f"console {number}: attacker's calls due {len(due)}, known {len(waits)}"
        if waits:
            p95 = waits[min(len(waits) - 1, len(waits) * 95 // 100)]
            said += f"; to the screen p50 {statistics.median(waits):.1f} s, p95 {p95:.1f} s, worst {waits[-1]:.1f} s"
        print(said)
        print("  not caught up: " + (", ".join(s[0] for s in result["sources"] if not s[1]) or "none"), end="; ")
        print("errors: " + ("; ".join(s[2] for s in result["sources"] if s[2]) or "none"), end="; ")
        print("read by: " + (", ".join(sorted({s[3] for s in result["sources"] if s[3]})) or "itself"))
    print(f"load of this machine: {os.getloadavg()[0]:.1f}", flush=True)


def test_an_attacker_is_known_soon_on_a_large_account() -> None:
    _, results = run(LargeAccount(history=24.0), minutes=5, consoles=1, rest_from=3)
    assert results[0]["shown"]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--consoles", type=int, default=1)
    parser.add_argument("--history", type=float, default=24, help="hours")
    parser.add_argument("--buckets", type=int, default=1000)
    parser.add_argument("--rest-from", type=int, default=4, help="minute from which the account counts as at rest")
    given = parser.parse_args()
    account = LargeAccount(buckets=given.buckets, history=given.history)
    run(account, minutes=given.minutes, consoles=given.consoles, rest_from=given.rest_from)


if __name__ == "__main__":
    main()
