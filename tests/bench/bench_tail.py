"""The tail at full strength: a million lines laid by, looked through and read; keys and memory while lines pour in.

`python -m tests.bench.bench_tail --seconds 600` is the long run of the console; `make bench` runs all of it briefly.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from s3ir_tui.model import Severity
from s3ir_tui.trail.event import Event, Judged
from s3ir_tui.trail.filter import parse
from s3ir_tui.trail.sieve import Sieve
from s3ir_tui.trail.spool import Spool
from tests.terminal.harness import CONSOLE, Terminal

pytestmark = pytest.mark.bench

LINES = 1_000_000
RATE = 500
_BATCH = 5_000
_SLICE = 0.004
_CURSOR = "›".encode()
_UP, _DOWN = "\x1b[A", "\x1b[B"
_FILTERS = (
    "", ">=high", "noise:no bucket:payroll-2026", "principal:svc-7", "-principal:svc-7", "key:file-777", "name:Get*",
    "time>=2026-03-02T13:00 outcome:ok", "file-777777", "absent", "record:absent",
)  # fmt: skip


def line(number: int, dice: random.Random) -> Judged:
    """A line as a busy bucket makes them, with a record of the usual size."""
    ident = f"{dice.getrandbits(128):032x}"
    second = number // 20
    at = f"2026-03-02T{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
    who = f"arn:aws:iam::111122223333:user/svc-{number % 50}"
    name = ("GetObject", "PutObject", "ListObjects", "HeadObject")[number % 4]
    key = f"2026/q3/part-{number % 997}/file-{number}.csv"
    record = {
        "eventVersion": "1.11", "eventID": ident, "eventTime": at, "eventSource": "s3.amazonaws.com", "eventName": name,
        "awsRegion": "us-east-1", "sourceIPAddress": f"203.0.113.{number % 250}", "requestID": ident[:16].upper(),
        "userIdentity": {"type": "IAMUser", "arn": who, "accountId": "111122223333",
                         "accessKeyId": "AKIAEXAMPLEXNL3F6J"},
        "userAgent": "[aws-cli/2.17 Python/3.11 Linux/6.1 botocore/2.4]", "readOnly": True, "eventCategory": "Data",
        "requestParameters": {"bucketName": "payroll-2026", "key": key,
                              "Host": "payroll-2026.s3.us-east-1.amazonaws.com"},
        "additionalEventData": {"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256",
                                "bytesTransferredOut": number, "x-amz-id-2": f"{dice.getrandbits(448):0112x}"},
        "resources": [{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::payroll-2026/{key}"}],
        "eventType": "AwsApiCall", "managementEvent": False, "recipientAccountId": "111122223333",
    }  # fmt: skip
    event = Event(
        id=ident, time=at, name=name, service="s3", region="us-east-1", account="111122223333", principal=who,
        kind="IAMUser", caller_account="111122223333", access_key="AKIAEXAMPLEXNL3F6J",
        address=f"203.0.113.{number % 250}", agent="[aws-cli/2.17 Python/3.11 Linux/6.1 botocore/2.4]",
        bucket="payroll-2026" if number % 3 else "exports", key=key, error="" if number % 40 else "AccessDenied",
        read_only=True, bytes_out=number, category="Data", request_id=ident[:16].upper(),
        raw=json.dumps(record).encode(),
    )  # fmt: skip
    return Judged(event, Severity(number % 100 // 24), noise=number % 5 == 0, source="bucket trail-logs")


def resident(pid: int | str = "self") -> float:
    """Memory of a process, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def test_a_million_lines() -> None:
    dice = random.Random(1)
    spool = Spool(capacity=2 * LINES)
    spent = worst = 0.0
    marks = {}
    print()
    for start in range(0, LINES, _BATCH):
        batch = [line(number, dice) for number in range(start, start + _BATCH)]
        begun = time.perf_counter()
        spool.extend(batch)
        took = time.perf_counter() - begun
        spent, worst = spent + took, max(worst, took)
        if start + _BATCH in (100_000, 300_000, LINES):
            marks[start + _BATCH] = resident()
    begun = time.perf_counter()
    while spool._pending:
        spool.extend(())
        time.sleep(0.001)
    spent += time.perf_counter() - begun
    stored = {id(place.segment): place.segment._end for place in spool._laid.values()}
    print(
        f"append   holds the loop for {spent / LINES * 1e6:.1f} us a line, packing goes on beside it; "
        f"worst batch of {_BATCH:,}: {worst * 1e3:.0f} ms"
    )
    print(f"disk     {sum(stored.values()) / len(spool._laid) / spool.span:10.0f} bytes a line")
    print("memory   " + "   ".join(f"{mark:,}: {used:.0f} MB" for mark, used in marks.items()))
    for text in _FILTERS:
        _scan(spool, text)
    numbers = [dice.randrange(LINES - 50_000) for _ in range(300)]
    for what, get in (("look at", spool.look), ("read whole", spool.__getitem__)):
        begun = time.perf_counter()
        for number in numbers:
            get(number)
        print(f"{what:10} a line anywhere {(time.perf_counter() - begun) / len(numbers) * 1e6:8.0f} us")
    begun = time.perf_counter()
    number = spool.near("2026-03-02T07:00:00Z")
    print(f"go to a time {(time.perf_counter() - begun) * 1e3:8.1f} ms")
    assert spool[number].event.time >= "2026-03-02T07:00:00Z"
    assert len(spool) == LINES
    assert marks[LINES] < marks[100_000] + 60


def _scan(spool: Spool, text: str) -> None:
    wanted, sieve = parse(text), Sieve(spool)
    sieve.begin(wanted.test, wanted.needles, records=wanted.record)
    slices: list[float] = []
    work: list[float] = []
    first = 0.0
    begun = time.perf_counter()
    while not sieve.done:
        at, worked = time.perf_counter(), time.thread_time()
        sieve.step(_SLICE)
        slices.append(time.perf_counter() - at)
        work.append(time.thread_time() - worked)
        if not first and len(sieve):
            first = time.perf_counter() - begun
    spent = time.perf_counter() - begun
    slices.sort()
    work.sort()
    most = len(slices) * 99 // 100
    print(
        f"scan     {text or '(all)':34} {LINES / spent:10,.0f} lines/s  {len(sieve):9,} found, the first after "
        f"{first * 1e3:6.1f} ms; slice p99 {slices[most] * 1e3:.1f} ms, "
        f"{work[most] * 1e3:.1f} of work"
    )


def test_cost_of_a_filter_per_line() -> None:
    dice = random.Random(2)
    lines = [line(number, dice) for number in range(20_000)]
    print()
    for text in _FILTERS[1:]:
        test = parse(text).test
        assert test is not None
        best = min(_timed(test, lines) for _ in range(5))
        print(f"filter   {text:34} {best / len(lines) * 1e9:6.0f} ns a line")
        assert best / len(lines) < 20e-6


def _timed(test, lines) -> float:  # type: ignore[no-untyped-def]
    begun = time.process_time()
    for item in lines:
        test(item)
    return time.process_time() - begun


def test_keys_and_memory_while_lines_pour_in() -> None:
    watch(seconds=20, rate=RATE)


_PROGRAM = """
import random, sys
from s3ir_tui.app import run
from s3ir_tui.room import Update
from tests.bench.bench_tail import line
from tests.screens.fakes import FakeDesk, FakeRoom, snapshot
dice = random.Random(3)
lines = tuple(line(number, dice) for number in range(int(sys.argv[1])))
sys.exit(run(FakeRoom(first=Update(snapshot(), lines), rate=500), FakeDesk()))
"""


def test_letters_of_a_filter_while_many_lines_are_looked_through() -> None:
    many = 300_000
    with Terminal((sys.executable, "-c", _PROGRAM, str(many)), size=(100, 30)) as terminal:
        terminal.wait_for("Next: contain", 120)
        terminal.read(3)
        terminal.press("F")
        terminal.wait_for("filter tail")
        typed, waits = "", []
        for letter in "nothing-has-this-word-in-it":
            typed += letter
            begun = time.perf_counter()
            terminal.press(letter)
            while f"filter tail {typed}" not in terminal.text():
                terminal._read_once(0.005)
                assert time.perf_counter() - begun < 10, terminal.text()
            waits.append((time.perf_counter() - begun) * 1e3)
        seen = "% searched" in terminal.text()
        begun = time.perf_counter()
        terminal.wait_until(lambda: "% searched" not in terminal.text(), "still searching", 60)
        rest = time.perf_counter() - begun
        waits.sort()
        print(
            f"\nletters while {many:,} lines are looked through ({'seen' if seen else 'not seen'}): p50 "
            f"{statistics.median(waits):.0f} ms, worst {waits[-1]:.0f} ms; through {rest:.1f} s after the last"
        )
        assert waits[-1] < 1000


def watch(seconds: float, rate: int) -> None:
    """Run the console in a terminal, press keys in its paused tail, and look at its memory."""
    with Terminal((*CONSOLE, "--rate", str(rate)), size=(120, 40)) as terminal:
        terminal.wait_for("Next: contain")
        terminal.press("4")
        terminal.read(2)
        begun, waits, used = time.monotonic(), [], []
        for keys in _presses():
            passed = time.monotonic() - begun
            if passed > seconds:
                break
            if len(used) <= passed // max(1, seconds / 20):
                used.append(resident(terminal.process.pid))
            waits.append(_repainted(terminal, keys))
            terminal.read(0.05 if passed < 30 else 0.5)
        waits.sort()
        half, most = statistics.median(waits), waits[len(waits) * 95 // 100]
        print(
            f"\n{rate} events/s for {seconds:.0f} s, {len(waits)} keys: to repaint p50 {half:.0f} ms, "
            f"p95 {most:.0f} ms, worst {waits[-1]:.0f} ms"
        )
        print("memory over time, MB: " + " ".join(f"{value:.0f}" for value in used))
        assert most < 250


def _presses() -> Iterator[str]:
    yield _UP
    while True:
        yield from (_UP, _UP, _UP, _DOWN, _DOWN, _UP, _DOWN)


def _repainted(terminal: Terminal, keys: str) -> float:
    """Milliseconds from a key to the cursor on another line."""
    begin, at = len(terminal.sent), time.perf_counter()
    terminal.press(keys)
    while _CURSOR not in terminal.sent[begin:]:
        terminal._read_once(0.005)
        if time.perf_counter() - at > 10:
            raise AssertionError("no repaint after ten seconds:\n" + terminal.text())
    return (time.perf_counter() - at) * 1e3


def main() -> None:
    """Run the console for a given time."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=int, default=RATE)
    wanted = parser.parse_args()
    watch(wanted.seconds, wanted.rate)


if __name__ == "__main__":
    main()
