"""The headless commands on a game day: what they print, what they change, how they end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from faulty_line import Fault, FaultyLine

from s3ir_tui.gameday.day import GameDay
from s3ir_tui.headless.exits import Code
from s3ir_tui.journal import Journal

pytestmark = pytest.mark.slow

Info = Mapping[str, Any]
_DENIED = {"AccessDenied", "AccessDeniedException", "InvalidAccessKeyId", "InvalidClientTokenId", "ExpiredToken"}


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def info() -> Iterator[Info]:
    # Without the attacker's process its opening moves are made all the same: the account holds still for the tests.
    with GameDay.start("leaked-key", attacker=False, workload=False) as running:
        yield running.snapshot()


@pytest.fixture
def run(info: Info, cases: Path) -> Run:
    def call(*words: object) -> Ended:
        ended = subprocess.run(
            [sys.executable, "-m", "s3ir_tui", *map(str, words)],
            env=environment(info) | {"S3IR_CASES": str(cases)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return call


def environment(info: Info) -> dict[str, str]:
    responder = info["responder"]
    values = {
        "AWS_ENDPOINT_URL": info["endpoint_url"],
        "AWS_REGION": info["region"],
        "AWS_ACCESS_KEY_ID": responder["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": responder["aws_secret_access_key"],
        "AWS_SESSION_TOKEN": responder.get("aws_session_token", ""),
    }
    return {**os.environ, **{name: value for name, value in values.items() if value}}


def can_read(info: Info, credential: Mapping[str, Any], bucket: str) -> bool:
    """Whether a plain client with this credential can list or read anything of a bucket."""
    keys = {name: value for name, value in credential.items() if name.startswith("aws_")}
    config = Config(retries={"total_max_attempts": 1})
    s3 = boto3.client("s3", region_name=info["region"], endpoint_url=info["endpoint_url"], config=config, **keys)
    try:
        listed = s3.list_objects_v2(Bucket=bucket)
        s3.get_object(Bucket=bucket, Key=listed["Contents"][0]["Key"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in _DENIED:
            raise
        return False
    return True


def readers(info: Info) -> set[str]:
    """Names of the attacker's credentials with which an affected bucket can be read."""
    return {item["name"] for item in info["attacker"] if any(can_read(info, item, name) for name in info["buckets"])}


def workers(info: Info) -> set[str]:
    """Names of the legitimate principals that can do their work."""
    return {item["name"] for item in info["workload"] if can_read(info, item, item["bucket"])}


def attacker(info: Info) -> str:
    """ARN of the compromised user."""
    return next(str(arn) for arn in info["principals"] if ":user/" in arn)


def test_triage_names_what_is_there_and_what_could_not_be_seen(run: Run, info: Info) -> None:
    found = run("triage", "--output", "json").data
    assert found["account"] == info["account_id"]
    assert found["region"] == info["region"]
    assert set(info["buckets"]) <= {item["name"] for item in found["buckets"]}
    assert attacker(info) in {item["arn"] for item in found["principals"]}
    assert set(info["instances"]) <= {item["id"] for item in found["instances"]}
    for kind in ("buckets", "principals", "instances"):
        assert kind in found["gaps"] or all(isinstance(item["gaps"], dict) for item in found[kind])
    shared = {item["name"]: item["foreign_accounts"] for item in found["buckets"]}
    assert any(shared[name] for name in info["buckets"])


def test_triage_with_a_case_is_recorded(run: Run, info: Info, cases: Path) -> None:
    assert run("triage", "--case", "IR-1").code == Code.OK
    assert stat.S_IMODE((cases / "IR-1").stat().st_mode) == 0o700
    with Journal.open(cases / "IR-1", about={}, readonly=True) as journal:
        recorded = {record["id"] for record in journal.records("posture")}
    assert {*info["buckets"], attacker(info)} <= recorded
    assert run("verify", "IR-1").code == Code.OK


def test_trail_of_the_account_accuses_the_attacker(run: Run, info: Info) -> None:
    found = run("trail", "--output", "json").data
    severity = {item["id"]: item["severity"] for item in found["principals"]}
    assert severity[attacker(info)] in ("high", "critical")
    for job in info["workload"]:
        sessions = [worst for ident, worst in severity.items() if ident == job["principal"]]
        assert all(worst not in ("high", "critical") for worst in sessions)


def test_plan_is_shown_and_changes_nothing(run: Run, info: Info, cases: Path) -> None:
    before = readers(info)
    words = ("act", "contain.lineage", "--target", f"principal={attacker(info)}")
    plan = run(*words, "--output", "json")
    assert plan.code == Code.OK
    assert plan.data["action"] == "contain.lineage"
    assert plan.data["steps"]
    assert all({"call", "before", "after", "undo"} <= set(step) for step in plan.data["steps"])
    shown = run(*words)
    assert "Nothing was changed" in shown.out
    lines = run(*words, "--as-cli").out
    assert "aws iam" in lines
    assert run(*words, "--as-cli", "--output", "json").data["cli"]
    assert readers(info) == before
    assert not list(cases.iterdir())


def test_lineage_is_contained_recorded_and_undone(run: Run, info: Info, cases: Path) -> None:
    before, at_work = readers(info), workers(info)
    assert before
    assert at_work
    words = ("act", "contain.lineage", "--target", f"principal={attacker(info)}")
    asked = run(*words, "--case", "IR-2", "--execute", "--yes")
    assert (asked.code, "--reason TICKET" in asked.err, "--no-ticket" in asked.err) == (Code.REFUSED, True, True)
    assert readers(info) == before
    ticket = ("--reason", "IR-2", "--as", "Ada")
    done = run(*words, "--case", "IR-2", "--execute", "--yes", "--output", "json", *ticket)
    assert done.code == Code.OK, done.err
    assert done.data["ok"]
    assert {step["state"] for step in done.data["steps"]} == {"done"}
    assert readers(info) == set()
    assert workers(info) == at_work
    assert done.data["head"].split()[0].partition(":")[0] == done.data["plan"].partition(":")[0]
    listed = run("act", "--done", "--case", "IR-2", "--output", "json").data
    assert [item["ref"] for item in listed] == [done.data["plan"]]

    with Journal.open(cases / "IR-2", about={}, readonly=True) as journal:
        armed = next(item for item in journal.records("case") if item["kind"] == "armed")
    assert (armed["reason"], armed["operator"]) == ("IR-2", "Ada")
    again = run(*words, "--case", "IR-2", "--execute", "--yes")
    assert (again.code, "nothing to do" in again.err) == (Code.OK, True), again.err
    undone = run("act", "--undo", "last", "--case", "IR-2", "--execute", "--yes", "--output", "json", *ticket)
    assert undone.data["undo_of"] == done.data["plan"]
    keys = run("act", "--undo", "last", "--case", "IR-2", "--execute", "--yes", "--no-ticket")
    assert keys.code == Code.REFUSED
    assert "reason" in keys.err
    keys = run("act", "--undo", "last", "--case", "IR-2", "--execute", "--yes", "--reason", "drill over")
    assert keys.code == Code.OK, keys.err
    assert readers(info) == before
    assert run("verify", "IR-2").code == Code.OK
    assert "contain.lineage" in run("report", "IR-2").out


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, Code.TERMINATED), (signal.SIGHUP, Code.HUNG_UP), (signal.SIGINT, Code.INTERRUPTED)],
)
def test_a_signal_within_the_last_step_is_in_the_exit_code_and_the_step_is_recorded(
    info: Info, cases: Path, number: signal.Signals, code: Code
) -> None:
    port = int(info["endpoint_url"].rsplit(":", 1)[1])
    words = ("act", "contain.revoke-role-sessions", "role=BackupOperator", "--case", "IR-9")
    confirmed = ("--execute", "--yes", "--reason", "drill", "--output", "json")
    iam = boto3.client("iam", region_name=info["region"], endpoint_url=info["endpoint_url"], **keys_of(info))
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="BackupOperator", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    with FaultyLine(port) as line:
        line.fault = Fault(b"Action=PutRolePolicy", seconds=1.5)
        around = environment(info) | {"S3IR_CASES": str(cases), "AWS_ENDPOINT_URL": line.endpoint_url}
        running = subprocess.Popen(
            [sys.executable, "-m", "s3ir_tui", *words, *confirmed],
            env=around, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        end = time.monotonic() + 60
        while not line.met and running.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    assert running.returncode == code, err
    assert [step["state"] for step in json.loads(out)["steps"]] == ["done"]
    with Journal.open(cases / "IR-9", about={}, readonly=True) as journal:
        assert [item["kind"] for item in journal.records("actions")][-2:] == ["outcome", "end"]


def test_own_key_is_refused_with_the_way_out(run: Run, info: Info) -> None:
    own = info["responder"]["aws_access_key_id"]
    words = ("--case", "IR-3", "--execute", "--yes", "--output", "json")
    ended = run("act", "contain.disable-access-key", "--target", f"access-key={own}", *words)
    assert ended.code == Code.REFUSED
    assert ended.data["refused"]
    assert can_list(info)


def keys_of(info: Info) -> dict[str, str]:
    return {name: value for name, value in info["responder"].items() if name.startswith("aws_")}


def can_list(info: Info) -> bool:
    keys = keys_of(info)
    s3 = boto3.client("s3", region_name=info["region"], endpoint_url=info["endpoint_url"], **keys)
    return bool(s3.list_buckets()["Buckets"])


def test_unknown_action_names_the_nearest(run: Run) -> None:
    ended = run("act", "contain.denny-user", "--target", "user=x")
    assert ended.code == Code.USAGE
    assert "contain.deny-user" in ended.err


def test_gameday_is_served_with_its_truth_in_a_private_file_until_told_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "info.json"
    words = ("gameday", "serve", "leaked-key", "--port", "0", "--info", str(path), "--no-attacker", "--export")
    process = subprocess.Popen(
        [sys.executable, "-m", "s3ir_tui", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 60
        while not path.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
        assert path.exists(), process.communicate(timeout=5)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        served = json.loads(path.read_text())
        assert served["endpoint_url"].startswith("http://127.0.0.1:")
        assert can_list(served)
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert f"export AWS_ENDPOINT_URL={served['endpoint_url']}" in out
