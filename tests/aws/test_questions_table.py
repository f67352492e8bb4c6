"""`s3ir-tui ask --athena` and the table that it needs, on the wire."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from s3ir_tui.cli import main
from s3ir_tui.trail.sources.files import iter_events
from tests.aws.wire_athena import AthenaServer, Fault, serving

RECORDING = Path(__file__).parents[1] / "data" / "otrf-cloud-breach-s3"
THIEF_KEY = "ASIA5FLZVX4OPVKKVBMX"
WHEN = ("--from", "2020-09-14", "--to", "2020-09-15")
CREDENTIAL = ("credential", "--with", f"actor={THIEF_KEY}", "--athena", *WHEN)

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AthenaServer]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIARESPONDER0000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr("s3ir_tui.questions.athena._FIRST_PAUSE", 0.01)
    with serving(event for batch, _ in iter_events([RECORDING]) for event in batch) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        yield running


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    def run(*words: str, command: str = "ask") -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([command, *words])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def test_a_table_is_shown_made_on_request_asked_and_taken_away_again(
    server: AthenaServer, ask: Ask, cases: Path
) -> None:
    code, _, err = ask(*CREDENTIAL)
    assert (code, "--create-table" in err) == (3, True)

    code, out, err = ask("--create-table")
    assert (code, "Nothing was changed" in err) == (0, True)
    assert "LOCATION 's3://logs/ct/AWSLogs/111122223333/CloudTrail/'" in out
    assert not server.has_table()

    code, _, err = ask("--create-table", "--yes", "--case", "IR-7", "--reason", "ticket 7")
    assert (code, "default.s3ir_cloudtrail: done" in err) == (0, True)
    assert server.has_table()

    code, out, err = ask(*CREDENTIAL, "--output", "json", "--case", "IR-7")
    told = json.loads(out)
    assert code == 0
    assert sum(row["succeeded"] for row in told["rows"]) == 11
    assert told["scanned_bytes"] > 0
    assert told["estimated_cost_usd"] == pytest.approx(0.00005)
    assert "stops a query after 1.0 GB" in err

    assert ask("IR-7", command="verify")[0] == 0
    assert f"asked credential actor={THIEF_KEY}" in ask("IR-7", command="report")[1].replace("\\", "")
    code, _, err = ask("--undo", "last", "--case", "IR-7", "--execute", "--yes", "--no-ticket", command="act")
    assert code == 0, err
    assert not server.has_table()


def test_a_table_that_is_not_made_is_a_problem(server: AthenaServer, ask: Ask, cases: Path) -> None:
    server.faults.append(Fault("StartQueryExecution", 9, "InvalidRequestException"))
    code, _, err = ask("--create-table", "--yes", "--case", "IR-7", "--reason", "ticket 7")
    assert (code, "failed" in err) == (1, True)
    assert not server.has_table()


def test_the_place_of_a_trail_can_be_named_and_is_checked(server: AthenaServer, ask: Ask) -> None:
    code, out, _ = ask("--create-table", "--table", "sec.trail", "--logs", "s3://other/AWSLogs/o-1/1/CloudTrail")
    assert code == 0
    assert "CREATE EXTERNAL TABLE `sec`.`trail`" in out
    assert "s3://other/AWSLogs/o-1/1/CloudTrail/${region}/${timestamp}" in out
    code, _, err = ask("--create-table", "--logs", "s3://other/x' TBLPROPERTIES ('a'='b")
    assert (code, "no place of a trail" in err) == (2, True)


def test_a_scan_limit_and_an_expired_token_end_with_their_codes(server: AthenaServer, ask: Ask) -> None:
    server.make_table()
    server.config["BytesScannedCutoffPerQuery"] = 1000
    code, out, err = ask(*CREDENTIAL)
    assert (code, out, "ask about a shorter time" in err) == (3, "", True)
    server.faults.append(Fault("GetWorkGroup", 9, "ExpiredTokenException"))
    code, _, err = ask(*CREDENTIAL)
    assert (code, "ExpiredTokenException" in err) == (3, True)
    assert "Traceback" not in err


def test_ctrl_c_stops_the_query_and_ends_with_its_code(server: AthenaServer) -> None:
    server.make_table()
    server.endless = True
    code = "import sys; from s3ir_tui.cli import main; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "ask", *CREDENTIAL], stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    end = time.monotonic() + 20
    while "GetQueryExecution" not in server.calls and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert [item.state for item in server.executions.values()] == ["CANCELLED"]
    assert "stopped" in err
