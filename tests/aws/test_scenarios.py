"""Each scenario is played: the attack works, a containment stops it for good, the legitimate work goes on."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from s3ir_tui.gameday.actor import REFUSALS, read_log
from s3ir_tui.gameday.day import GameDay
from s3ir_tui.gameday.play import play
from s3ir_tui.model import iso

pytestmark = pytest.mark.slow

Info = Mapping[str, Any]
DENY_ALL = "arn:aws:iam::aws:policy/AWSDenyAll"


def client(info: Info, credential: Mapping[str, Any], service: str) -> Any:
    """A plain boto3 client, made from nothing but the info file."""
    keys = {name: value for name, value in credential.items() if name.startswith("aws_")}
    config = Config(retries={"total_max_attempts": 1}, signature_version=None if keys else UNSIGNED)
    return boto3.client(service, region_name=info["region"], endpoint_url=info["endpoint_url"], config=config, **keys)


def allowed(call: Callable[..., Any], **params: Any) -> bool:
    """Whether a call is allowed; any other failure is raised."""
    try:
        call(**params)
    except ClientError as error:
        if error.response["Error"]["Code"] not in REFUSALS:
            raise
        return False
    return True


def can_read(info: Info, credential: Mapping[str, Any], bucket: str) -> bool:
    """Whether a credential reads anything of a bucket: its list, or any one of its objects."""
    s3 = client(info, credential, "s3")
    keys = [item["Key"] for item in client(info, info["responder"], "s3").list_objects_v2(Bucket=bucket)["Contents"]]
    return allowed(s3.list_objects_v2, Bucket=bucket) or any(
        allowed(s3.get_object, Bucket=bucket, Key=key) for key in keys
    )


def readers(info: Info) -> set[str]:
    """Names of the attacker's credentials that read one of the affected buckets."""
    return {c["name"] for c in info["attacker"] if any(can_read(info, c, bucket) for bucket in info["buckets"][:1])}


def minted_anew(info: Info) -> Iterator[dict[str, Any]]:
    """Whatever sessions the attacker's credentials can still make, by GetSessionToken and by assuming the roles."""
    for credential in info["attacker"]:
        if credential.get("anonymous"):
            continue
        sts = client(info, credential, "sts")
        wanted: list[Callable[[], Any]] = [sts.get_session_token]
        for arn in info["principals"]:
            if ":role/" in arn:
                wanted.append(lambda sts=sts, arn=arn: sts.assume_role(RoleArn=arn, RoleSessionName="again"))
        for mint in wanted:
            try:
                made = mint()["Credentials"]
            except ClientError:
                continue
            yield {
                "name": f"anew by {credential['name']}",
                "aws_access_key_id": made["AccessKeyId"],
                "aws_secret_access_key": made["SecretAccessKey"],
                "aws_session_token": made["SessionToken"],
            }


def contain_leaked_key(info: Info, *, margin: float = 0.0) -> None:
    """Deny the user, disable its keys, close its backdoor and deny both accounts on the bucket."""
    iam, s3 = client(info, info["responder"], "iam"), client(info, info["responder"], "s3")
    user, outside = info["principals"]
    name = user.rsplit("/", 1)[1]
    iam.attach_user_policy(UserName=name, PolicyArn=DENY_ALL)
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    bucket = info["buckets"][0]
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    kept = [item for item in policy["Statement"] if item["Sid"] != "AllowPartner"]
    denies = [
        {
            "Sid": f"Deny{number}",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
            "Condition": condition,
        }
        for number, condition in enumerate(
            ({"ArnEquals": {"aws:PrincipalArn": user}}, {"StringEquals": {"aws:PrincipalAccount": outside}})
        )
    ]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy | {"Statement": kept + denies}))


def contain_reverse_proxy(info: Info, *, margin: float = 2.0) -> None:
    """Revoke the sessions of both roles, last assumed first, with a margin of seconds for those minted meanwhile."""
    iam = client(info, info["responder"], "iam")
    before = iso(datetime.now(UTC) + timedelta(seconds=margin))
    deny = {
        "Effect": "Deny",
        "Action": ["*"],
        "Resource": ["*"],
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": before}},
    }
    for arn in reversed(info["principals"]):
        iam.put_role_policy(
            RoleName=arn.rsplit("/", 1)[1],
            PolicyName="AWSRevokeOlderSessions",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
        )


def contain_public_bucket(info: Info, *, margin: float = 0.0) -> None:
    """Block public access to the bucket."""
    client(info, info["responder"], "s3").put_public_access_block(
        Bucket=info["buckets"][0],
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )


CONTAIN = {
    "leaked-key": contain_leaked_key,
    "reverse-proxy": contain_reverse_proxy,
    "public-bucket": contain_public_bucket,
}


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.2)


def tries_to_undo(day: GameDay, times: int, *, since: float = 0.0) -> None:
    """Wait until the attacker has tried to undo a containment so often."""

    def tried() -> int:
        return sum(line["kind"] == "undo" and line["at"] > since for line in read_log(day.log("attacker")))

    until(lambda: tried() >= times, 25, f"{times} attempts to undo")


def work_done(day: GameDay, name: str) -> bool:
    """Whether a job that had been refused has succeeded since."""
    lines = [line for line in read_log(day.log("workload")) if line["who"] == name]
    return any(line["refused"] for line in lines) and bool(lines[-1]["ok"])


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("name", CONTAIN)
def test_containment_ends_every_way_of_the_attacker_and_spares_the_work(name: str) -> None:
    began = time.monotonic()
    with GameDay.start(name, attacker=False, workload=False) as day:
        assert time.monotonic() - began < 15
        info = day.snapshot()
        assert readers(info) == {credential["name"] for credential in info["attacker"]}
        assert all(can_read(info, worker, worker["bucket"]) for worker in info["workload"])

        CONTAIN[name](info)

        assert readers(info) == set()
        again = list(minted_anew(info))
        assert not any(can_read(info, session, info["buckets"][0]) for session in again)
        told = day.debrief()
        assert told.working == {}
        assert told.held == len(info["attacker"])
        assert told.out.objects > 0
        assert told.last_byte is not None

        time.sleep(2.5 if name == "reverse-proxy" else 0)
        for worker in info["workload"]:
            assert can_read(info, refetched(day, worker), worker["bucket"]), worker["name"]


def refetched(day: GameDay, worker: Mapping[str, Any]) -> Mapping[str, Any]:
    """The worker's credentials, as its instance would fetch them now."""
    if "instance" not in worker:
        return worker
    made = day.server.control("instance-credentials", {"instance": worker["instance"]})
    return {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
        "aws_session_token": made["Token"],
    }


@pytest.fixture(scope="module")
def untouched() -> Iterator[GameDay]:
    """A day on which nobody contains anything; the attacker has made its opening moves."""
    with GameDay.start("leaked-key", attacker=False, workload=False) as day:
        yield day


def test_every_set_that_the_attacker_holds_is_in_the_info(untouched: GameDay) -> None:
    names = [credential["name"] for credential in untouched.info["attacker"]]
    assert names == ["leaked-key", "outside-account", "second-key", "session"]


def test_a_half_containment_is_undone_by_the_attacker_and_a_whole_one_is_not() -> None:
    with GameDay.start("leaked-key", delay=0.5, pace=6) as day:
        until(lambda: len(day.snapshot()["attacker"]) == 4, 25, "the attacker makes a key and a session")
        info = day.snapshot()
        iam = client(info, info["responder"], "iam")
        leaked = info["attacker"][0]["aws_access_key_id"]

        def status() -> str:
            keys = iam.list_access_keys(UserName="svc-export")["AccessKeyMetadata"]
            return str(next(key["Status"] for key in keys if key["AccessKeyId"] == leaked))

        iam.update_access_key(UserName="svc-export", AccessKeyId=leaked, Status="Inactive")
        until(lambda: status() == "Active", 20, "the second key re-activates the first")

        contain_leaked_key(info)
        contained = time.time()
        tries_to_undo(day, 6, since=contained + 1)

        assert status() == "Inactive"
        told = day.debrief()
        assert told.working == {}
        assert told.undo_tried > told.undo_denied > 0
        assert told.last_byte is not None
        assert told.last_byte <= contained - day.started + 2
        assert [job.state for job in told.jobs] == ["unharmed", "unharmed"]
        assert all(job.calls > 3 and job.failed == 0 for job in told.jobs)
        assert told.detected is None
        assert any("exports has no Block Public Access" in item for item in told.still_open)


def test_work_through_the_stolen_role_recovers_from_a_revocation_by_itself() -> None:
    with GameDay.start("reverse-proxy", pace=6) as day:
        until(lambda: len(day.snapshot()["attacker"]) == 2, 25, "the attacker assumes the second role")
        contain_reverse_proxy(day.snapshot(), margin=3)
        tries_to_undo(day, 4)
        until(lambda: work_done(day, "web-proxy-1") and work_done(day, "web-proxy-2"), 20, "new credentials work")
        told = day.debrief()
        info = day.snapshot()
    assert told.working == {}
    assert told.undo_tried == told.undo_denied > 0
    assert {job.name: job.state for job in told.jobs} == {
        "bi-reader": "unharmed",
        "web-proxy-1": "recovered",
        "web-proxy-2": "recovered",
    }
    assert any("answers IMDSv1" in item for item in told.still_open)
    assert {worker["name"] for worker in info["workload"]} == {"bi-reader", "web-proxy-1", "web-proxy-2"}


def test_strangers_cannot_reopen_a_blocked_bucket_and_the_debrief_says_what_lies_behind_the_block() -> None:
    with GameDay.start("public-bucket", pace=6) as day:
        bucket = day.info["buckets"][0]
        until(lambda: len(read_log(day.log("attacker"))) > 6, 25, "strangers read")
        contain_public_bucket(day.snapshot())
        tries_to_undo(day, 4)
        told = day.debrief()
        addresses = {
            record["sourceIPAddress"]
            for record in day.server.control("events")
            if record["userIdentity"].get("accountId") == "anonymous"
        }
    assert told.working == {}
    assert told.undo_tried == told.undo_denied > 0
    assert all(job.state == "unharmed" for job in told.jobs)
    assert f"the policy of {bucket} is still public behind Block Public Access" in told.still_open
    assert len(addresses) >= 3


def test_nothing_contained_is_told_as_everything_missed(untouched: GameDay) -> None:
    told = untouched.debrief()
    assert set(told.working) == {"leaked-key", "outside-account", "second-key", "session"}
    assert not told.cut


def test_the_past_of_the_workload_is_in_the_trail_and_the_attacker_has_none(untouched: GameDay) -> None:
    today = iso(datetime.fromtimestamp(untouched.started - 3600, UTC))
    past = [event for event in untouched.server.control("events") if event["eventTime"] < today]
    names = {event["userIdentity"]["arn"].split(":", 5)[5].split("/")[1] for event in past}
    assert names == {"payroll-app", "etl-role"}
    assert len(past) > 100
    assert not any("S3 Browser" in event["userAgent"] for event in past)


def test_probing_for_the_debrief_leaves_no_data_out_behind(untouched: GameDay) -> None:
    before = untouched.debrief().out
    assert before.objects > 0
    assert untouched.debrief().out == before


def test_secrets_reach_processes_by_stdin_only_and_the_end_of_a_day_is_the_end_of_all() -> None:
    with GameDay.start("leaked-key") as day:
        pids = (*day.pids, day.server.pid)
        folder = day.log("attacker").parent
        secrets = [item["aws_secret_access_key"] for item in (*day.info["attacker"], *day.info["workload"])]
        for pid in pids:
            seen = Path(f"/proc/{pid}/cmdline").read_text() + Path(f"/proc/{pid}/environ").read_text()
            assert not any(secret in seen for secret in secrets)
        assert len(pids) == 3
        assert all(map(alive, pids))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not any(map(alive, pids))
    assert not folder.exists()


def test_a_console_that_fails_still_ends_everything() -> None:
    seen: list[Info] = []

    def console(info: dict[str, Any]) -> int:
        seen.append(info)
        raise RuntimeError("the console broke")

    with pytest.raises(RuntimeError, match="the console broke"):
        play("public-bucket", console, lag=0.0, delay=0.0)
    where = urlsplit(seen[0]["endpoint_url"])
    with pytest.raises(OSError):
        socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=2)


def test_playing_prints_the_debrief_and_returns_the_status_of_the_console() -> None:
    lines: list[str] = []

    def console(info: dict[str, Any]) -> int:
        contain_public_bucket(info)
        return 3

    assert play("public-bucket", console, lag=0.0, delay=0.0, show=lines.append) == 3
    text = "\n".join(lines)
    assert "Game day  public-bucket" in text
    assert "0 of 1 credentials work now" in text


SERVE = """
import sys
from pathlib import Path
from s3ir_tui.gameday.play import serve
sys.exit(serve("leaked-key", port=0, info=Path(sys.argv[1]), attacker=True, export=True))
"""


@contextmanager
def served(info: Path) -> Iterator[subprocess.Popen[str]]:
    """`serve` in a process of its own, once its info file is there."""
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(info)], stdout=subprocess.PIPE, text=True)
    try:
        until(lambda: info.exists() or process.poll() is not None, 60, "the info file")
        yield process
    finally:
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def children(pid: int) -> list[int]:
    """Process ids of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_serving_keeps_a_private_info_file_up_to_date_until_it_is_told_to_stop(tmp_path: Path) -> None:
    file = tmp_path / "info.json"
    with served(file) as process:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        until(lambda: len(json.loads(file.read_text())["attacker"]) == 3, 25, "a minted key in the file")
        info = json.loads(file.read_text())
        assert can_read(info, info["attacker"][2], info["buckets"][0])
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        pids = children(process.pid)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
        assert process.returncode == 0
    assert f"export AWS_ENDPOINT_URL={info['endpoint_url']}" in output.splitlines()
    assert f"export AWS_ACCESS_KEY_ID={info['responder']['aws_access_key_id']}" in output.splitlines()
    assert not any(map(alive, pids))


def test_attacker_and_workload_end_when_the_program_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "info.json"
    with served(file) as process:
        pids = children(process.pid)
        assert len(pids) == 3
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        until(lambda: not any(map(alive, pids)), 15, "children end")
