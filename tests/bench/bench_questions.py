"""Which engine keeps and asks local history: SQLite beside DuckDB fed from our decoder and DuckDB's own JSON reader.

python -m pytest -m bench -s tests/bench/bench_questions.py
python tests/bench/bench_questions.py [FOLDER | EVENTS]     # a folder of .json.gz files, or how many events to make up

Each engine runs in a process of its own on the same folder, one after the other, and answers the same questions.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

from s3ir_tui.questions.catalog import question  # noqa: E402 - this file is also run by its path
from s3ir_tui.questions.feed import feed  # noqa: E402
from s3ir_tui.questions.local import LocalStore  # noqa: E402
from s3ir_tui.questions.question import COLUMNS, FLAGS, NUMBERS, wrapped  # noqa: E402
from s3ir_tui.trail.sources.files import iter_events  # noqa: E402

pytestmark = pytest.mark.bench

EVENTS = 60_000
A_PART = 20_000
"""Events of a file that DuckDB is fed with."""

ASKED: dict[str, dict[str, str]] = {
    "top-readers": {},
    "bulk-reads": {"least": "100"},
    "credential": {"actor": "ASIA0000000000001234"},
    "refused": {},
}
_KINDS = {name: "BIGINT" if name in NUMBERS else "BOOLEAN" if name in FLAGS else "VARCHAR" for name in COLUMNS}
_VALUES = attrgetter(*COLUMNS)

# What read_json can make of a trail file by itself: the plain fields, without the rules of our decoder.
_READ_JSON = """INSERT INTO stored BY NAME
SELECT r.eventID AS id, r.eventTime AS time, r.eventName AS name, split_part(r.eventSource, '.', 1) AS service,
  r.userIdentity.arn AS principal, r.userIdentity.accessKeyId AS access_key,
  r.userIdentity.sessionContext.sessionIssuer.arn AS issuer, r.sourceIPAddress AS address, r.userAgent AS agent,
  json_extract_string(r.requestParameters, '$.bucketName') AS bucket,
  json_extract_string(r.requestParameters, '$.key') AS key, coalesce(r.errorCode, '') AS error, r.readOnly AS read_only,
  CAST(CAST(json_extract_string(r.additionalEventData, '$.bytesTransferredIn') AS double) AS bigint) AS bytes_in,
  CAST(CAST(json_extract_string(r.additionalEventData, '$.bytesTransferredOut') AS double) AS bigint) AS bytes_out
FROM (SELECT unnest(Records) AS r FROM read_json('FOLDER/**/*.json.gz', maximum_object_size=67108864, columns={
  Records: 'STRUCT(eventID VARCHAR, eventTime VARCHAR, eventName VARCHAR, eventSource VARCHAR, sourceIPAddress VARCHAR,
    userAgent VARCHAR, errorCode VARCHAR, readOnly BOOLEAN, requestParameters JSON, additionalEventData JSON,
    userIdentity STRUCT(arn VARCHAR, accessKeyId VARCHAR,
      sessionContext STRUCT(sessionIssuer STRUCT(arn VARCHAR))))[]'}))"""

Rows = list[tuple[Any, ...]]


def sqlite(folder: Path, place: Path) -> Callable[[str, dict[str, str]], Rows]:
    """Our store."""
    store = LocalStore(place / "events.sqlite")
    feed(store, [folder])
    return lambda name, given: list(store.ask(question(name), given).rows)


def duckdb_fed(folder: Path, place: Path) -> Callable[[str, dict[str, str]], Rows]:
    """DuckDB, fed with CSV parts from our decoder: no pyarrow, no numpy."""
    db = _duckdb(place)
    part = place / "part.csv"
    kinds = ", ".join(f"'{name}': '{kind}'" for name, kind in _KINDS.items())
    texts = [name for name, kind in _KINDS.items() if kind == "VARCHAR"]
    read = f"INSERT INTO stored SELECT * FROM read_csv('{part}', header=false, delim=',', quote='\"', escape='\"', "
    read += f"auto_detect=false, columns={{{kinds}}}, force_not_null={texts}, parallel=false)"
    waiting: list[Any] = []
    for events, _ in iter_events([folder]):
        waiting += map(_VALUES, events)
        if len(waiting) >= A_PART:
            _write(part, waiting)
            db.execute(read)
            waiting = []
    _write(part, waiting)
    db.execute(read)
    part.unlink()
    db.execute("CHECKPOINT")
    return _asker(db)


def duckdb_read_json(folder: Path, place: Path) -> Callable[[str, dict[str, str]], Rows]:
    """DuckDB's own reader."""
    db = _duckdb(place, "2GB")
    db.execute(_READ_JSON.replace("FOLDER", str(folder)))
    db.execute("CHECKPOINT")
    return _asker(db)


def _duckdb(place: Path, memory: str = "160MB") -> Any:
    import duckdb

    db = duckdb.connect(str(place / "events.duckdb"))
    db.execute(f"SET memory_limit = '{memory}'; SET preserve_insertion_order = false; SET threads = 1")
    db.execute(f"CREATE TABLE stored ({', '.join(f'{name} {kind}' for name, kind in _KINDS.items())})")
    return db


def _write(part: Path, rows: list[Any]) -> None:
    with part.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _asker(db: Any) -> Callable[[str, dict[str, str]], Rows]:
    # Each event once, as the store of SQLite has them.
    relation = f"SELECT DISTINCT ON (id) {', '.join(COLUMNS)} FROM stored WHERE time BETWEEN ? AND ?"

    def ask(name: str, given: dict[str, str]) -> Rows:
        bound = wrapped(relation, question(name).bind(given), ("", "9999"))
        found: Rows = db.execute(bound.text, list(bound.values)).fetchall()
        return found

    return ask


ENGINES = {"sqlite": sqlite, "duckdb fed": duckdb_fed, "duckdb read_json": duckdb_read_json}


def one(engine: str, folder: Path) -> dict[str, Any]:
    """Measure one engine, in this process."""
    began = time.perf_counter()
    __import__("sqlite3" if engine == "sqlite" else "duckdb")
    imported = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        wall, cpu = time.perf_counter(), time.process_time()
        ask = ENGINES[engine](folder, place)
        loaded = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        disk = sum(file.stat().st_size for file in place.rglob("*"))
        seconds, answers = {}, {}
        for name, given in ASKED.items():
            began = time.perf_counter()
            answers[name] = ask(name, given)
            seconds[name] = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"engine": engine, "import": imported, **loaded, "disk": disk, "peak": peak} | {
        "seconds": seconds,
        "answers": answers,
    }


def measure(folder: Path) -> list[dict[str, Any]]:
    """Measure every engine, each in a process of its own."""
    found = []
    for engine in ENGINES:
        command = [sys.executable, __file__, str(folder), "--engine", engine]
        found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return found


def report(found: list[dict[str, Any]]) -> str:
    """The numbers, as lines."""
    lines = [f"{'':18} import s  load s  CPU s  disk MB  peak MB  " + "  ".join(ASKED)]
    for item in found:
        asked = "  ".join(f"{item['seconds'][name]:{len(name)}.3f}" for name in ASKED)
        lines.append(
            f"{item['engine']:18} {item['import']:8.3f}  {item['wall']:6.2f} {item['cpu']:6.2f}  "
            f"{item['disk'] / 1e6:7.1f}  {item['peak'] / 1e6:7.1f}  {asked}"
        )
    return "\n".join(lines)


def test_sqlite_loads_as_fast_in_less_memory_and_answers_alike(tmp_path: Path) -> None:
    from tests.bench.bench_trail import make_folder

    make_folder(tmp_path, EVENTS)
    found = measure(tmp_path)
    print("\n" + report(found))
    ours, fed, own_reader = found
    assert ours["answers"] == fed["answers"]
    assert ours["cpu"] < 1.5 * fed["cpu"]
    assert ours["cpu"] < own_reader["cpu"]
    assert ours["peak"] < min(250e6, fed["peak"])
    assert max(ours["seconds"].values()) < 2


def main() -> None:
    """Measure a folder, or one made up."""
    parser = argparse.ArgumentParser()
    parser.add_argument("given", nargs="?", default=str(EVENTS))
    parser.add_argument("--engine", choices=ENGINES)
    chosen = parser.parse_args()
    if chosen.engine:
        print(json.dumps(one(chosen.engine, Path(chosen.given))))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made if chosen.given.isdigit() else chosen.given)
        if chosen.given.isdigit():
            from tests.bench.bench_trail import make_folder

            make_folder(folder, int(chosen.given))
        print(report(measure(folder)))


if __name__ == "__main__":
    main()
