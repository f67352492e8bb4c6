"""contain.lineage on the scenarios: no credential of the attacker works any more, and legitimate work goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from acting import Scene, allowed, can_read, client, keys_of
from botocore.exceptions import ClientError

from actions.desk import Desk
from actions.plan import Danger, Plan, Refusal
from s3ir_tui.aws.account import Account
from s3ir_tui.gameday.day import GameDay
from s3ir_tui.journal import Journal
from s3ir_tui.trail.analysis import Analysis

pytestmark = pytest.mark.slow

Info = Mapping[str, Any]


@pytest.fixture(autouse=True)
def _short_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.contain.lineage.HOLD_SECONDS", 0.1)


@contextmanager
def played(name: str, case: Path, **given: Any) -> Iterator[tuple[GameDay, Scene]]:
    """A scenario, and the console of its responder on it."""
    options = {"attacker": False, "workload": False, **given}
    with GameDay.start(name, **options) as day, Journal.open(case, about={}, poll_seconds=0) as journal:
        info = day.snapshot()
        account = Account.connect(
            region=info["region"], endpoint_url=info["endpoint_url"], credentials=keys_of(info["responder"])
        )
        yield day, Scene(day.server, account, journal, tuple(info["console"]["break_glass"]))


def readers(info: Info, credentials: list[Any] | None = None) -> set[str]:
    """Names of the attacker's credentials, or of others, that read something of an affected bucket."""
    return {
        item["name"]
        for item in (info["attacker"] if credentials is None else credentials)
        if any(reads(info, item, bucket) for bucket in info["buckets"])
    }


def reads(info: Info, credential: Mapping[str, Any], bucket: str) -> bool:
    listed = client(info["endpoint_url"], info["responder"], "s3").list_objects_v2(Bucket=bucket)["Contents"]
    return can_read(info["endpoint_url"], credential, bucket, listed[0]["Key"])


def works(info: Info, worker: Mapping[str, Any]) -> bool:
    return reads(info, worker, worker["bucket"])


def minted(info: Info) -> list[dict[str, Any]]:
    """What the attacker can still make: sessions of its users, and of every role that it knows of."""
    made = []
    for item in info["attacker"]:
        sts = client(info["endpoint_url"], item, "sts")
        ways: list[Callable[[], Any]] = [sts.get_session_token]
        for arn in info["principals"]:
            if ":role/" in arn:
                ways.append(lambda sts=sts, arn=arn: sts.assume_role(RoleArn=arn, RoleSessionName="again"))
        for way in ways:
            try:
                answer = way()["Credentials"]
            except ClientError:
                continue
            made.append(as_keys(answer, f"minted by {item['name']}"))
    return made


def as_keys(answer: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {
        "name": name,
        "aws_access_key_id": answer["AccessKeyId"],
        "aws_secret_access_key": answer["SecretAccessKey"],
        "aws_session_token": answer.get("SessionToken") or answer["Token"],
    }


def suspect(scene: Scene, worker: str = "stolen") -> str:
    """The session that the trail shows at the customers' bucket from two addresses."""
    sessions = [item for item in scene.history().principals() if ":assumed-role/web-proxy-role/" in item.id]
    return max(sessions, key=lambda item: len(item.addresses)).id


# -- leaked-key -----------------------------------------------------------------------------------


def test_a_leaked_key_is_cut_with_all_that_it_made_and_everything_comes_back(tmp_path: Path) -> None:
    with played("leaked-key", tmp_path / "case") as (day, scene):
        info = day.snapshot()
        before = scene.state()
        assert readers(info) == {"leaked-key", "second-key", "session", "outside-account"}
        plan = scene.desk.plan("contain.lineage", {"principal": (info["principals"][0],)})
        operations = [step.call.operation for step in plan.steps]
        assert operations == ["AttachUserPolicy", "UpdateAccessKey", "UpdateAccessKey", "PutBucketPolicy"]
        keys = {item["name"]: item["aws_access_key_id"] for item in info["attacker"]}
        assert [step.target for step in plan.steps[1:3]] == [keys["second-key"], keys["leaked-key"]]
        assert (plan.danger, plan.must_type) == (Danger.WIDE, "4")
        assert {*keys.values(), *info["principals"]} - {keys["outside-account"]} <= set(plan.principals)

        for other in ({"access-key": (keys["leaked-key"],)}, {"user": ("svc-export",)}):
            assert scene.desk.plan("contain.lineage", other).steps == plan.steps

        done = scene.run(plan)
        assert done.ok
        assert readers(info) == set()
        assert readers(info, minted(info)) == set()
        time.sleep(1.2)
        assert readers(info) == set()
        assert all(works(info, worker) for worker in info["workload"])
        assert scene.desk.in_place(done.plan_ref) == (4, 4, 0)
        again = scene.desk.plan("contain.lineage", {"principal": (info["principals"][0],)})
        assert (again.steps, bool(again.in_place)) == ((), True)

        first = scene.desk.undo_plan(done.plan_ref)
        assert "UpdateAccessKey" not in [step.call.operation for step in first.steps]
        assert sum("stays as it is" in warning for warning in first.warnings) == 2
        assert scene.run(first).ok
        assert readers(info) == {"session", "outside-account"}
        assert scene.desk.done()[0].undone_by == ""
        scene.undo(done.plan_ref)
        assert scene.state() == before
        assert readers(info) == {"leaked-key", "second-key", "session", "outside-account"}
        assert scene.desk.done()[0].undone_by


def test_a_thief_who_undoes_us_while_the_deny_spreads_loses_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.contain.lineage.HOLD_SECONDS", 3.0)
    with played("leaked-key", tmp_path / "case", delay=0.6) as (day, scene):
        info = day.snapshot()
        user = info["principals"][0]
        with thief(info, day) as undone:
            done = scene.run(scene.desk.plan("contain.lineage", {"principal": (user,)}))
        assert undone, "the thief undid nothing: the test proves nothing"
        intents = [item["step"] for item in scene.journal.records("actions") if item["kind"] == "intent"]
        assert len(intents) > len(set(intents))
        assert done.ok, done.details
        time.sleep(0.8)
        assert scene.desk.in_place(done.plan_ref) == (4, 4, 0)
        assert readers(info) == set()
        assert readers(info, minted(info)) == set()


@contextmanager
def thief(info: Info, day: GameDay) -> Iterator[list[str]]:
    """Someone who takes off, as fast as possible and with every credential, whatever is done to the user."""
    user = info["principals"][0].rsplit("/", 1)[1]
    backdoor = day.server.admin("s3").get_bucket_policy(Bucket=info["buckets"][0])["Policy"]
    undone: list[str] = []
    over = threading.Event()

    def fight(held: Mapping[str, Any]) -> None:
        iam, s3 = (client(info["endpoint_url"], held, service) for service in ("iam", "s3"))
        deny_all = {"UserName": user, "PolicyArn": "arn:aws:iam::aws:policy/AWSDenyAll"}
        key = {"UserName": user, "AccessKeyId": info["attacker"][0]["aws_access_key_id"], "Status": "Active"}
        while not over.is_set():
            for what, call in (
                ("deny", lambda: iam.detach_user_policy(**deny_all)),
                ("key", lambda: iam.update_access_key(**key)),
                ("policy", lambda: s3.put_bucket_policy(Bucket=info["buckets"][0], Policy=backdoor)),
            ):
                if allowed(call, also={"NoSuchEntity"}):
                    undone.append(what)
            over.wait(0.2)

    threads = [threading.Thread(target=fight, args=(item,)) for item in info["attacker"] if item["name"] != "session"]
    for thread in threads[::2]:
        thread.start()
    try:
        yield undone
    finally:
        over.set()
        for thread in threads[::2]:
            thread.join(20)


# -- reverse-proxy --------------------------------------------------------------------------------


def proxy_plan(scene: Scene) -> Plan:
    return scene.desk.plan("contain.lineage", {"principal": (suspect(scene),)})


def run_proxies(info: Info, day: GameDay) -> None:
    """Work of both instances before anything is contained, so that the trail knows it."""
    for worker in info["workload"]:
        s3 = client(info["endpoint_url"], worker, "s3")
        assert allowed(s3.list_objects_v2, Bucket=worker["bucket"])


def test_stolen_role_sessions_are_cut_last_chained_first_and_other_sessions_of_the_role_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.moment.AHEAD", timedelta(seconds=2))
    with played("reverse-proxy", tmp_path / "case") as (day, scene):
        info = day.snapshot()
        run_proxies(info, day)
        before = scene.state()
        workers = {item["name"]: item for item in info["workload"]}
        assert readers(info) == {item["name"] for item in info["attacker"]}
        plan = proxy_plan(scene)
        assert [(step.call.operation, step.target) for step in plan.steps] == [
            ("PutRolePolicy", "backup-role"),
            ("PutRolePolicy", "web-proxy-role"),
        ]
        leaky = info["instances"][0]
        assert any(leaky in line and "cut until it fetches new" in line for line in plan.breaks)
        sound = workers["web-proxy-2"]["instance"]
        assert any(sound in line and line.startswith("goes on") for line in plan.breaks)
        assert any("IMDSv1" in warning for warning in plan.warnings)

        done = scene.run(plan)
        assert done.ok
        assert readers(info) == set()
        assert readers(info, minted(info)) == set()
        assert works(info, workers["web-proxy-2"])
        assert works(info, workers["bi-reader"])
        time.sleep(3.2)
        fetched = day.server.control("instance-credentials", {"instance": leaky})
        assert works(info, {**as_keys(fetched, "fetched"), "bucket": workers["web-proxy-1"]["bucket"]})
        assert readers(info) == set()

        with pytest.raises(Refusal, match="stays revoked"):
            scene.desk.undo_plan(done.plan_ref)
        scene.ahead = timedelta(hours=12, minutes=1)
        scene.undo(done.plan_ref)
        assert scene.state() == before


def test_an_instance_is_contained_by_its_id(tmp_path: Path) -> None:
    with played("reverse-proxy", tmp_path / "case") as (day, scene):
        info = day.snapshot()
        plan = scene.desk.plan("contain.lineage", {"instance": (info["instances"][0],)})
        policies = {step.target: step.call.params["PolicyName"] for step in plan.steps}
        assert policies == {"backup-role": "AWSRevokeOlderSessions", "web-proxy-role": "S3irRevokeSessions"}
        # Where the trail shows nobody else at work through the role, all its sessions are revoked, seen or not.
        blind = Desk(scene.account, scene.journal, Analysis).plan(
            "contain.lineage", {"instance": (info["instances"][0],)}
        )
        assert [step.call.params["PolicyName"] for step in blind.steps] == ["AWSRevokeOlderSessions"]
        assert scene.run(plan).ok
        assert readers(info) == set()
        assert readers(info, minted(info)) == set()


# -- public-bucket --------------------------------------------------------------------------------


def test_strangers_have_no_lineage_and_a_block_ends_them(tmp_path: Path) -> None:
    with played("public-bucket", tmp_path / "case") as (day, scene):
        info = day.snapshot()
        before = scene.state()
        assert readers(info) == {"anyone"}
        with pytest.raises(Refusal, match=r"contain\.block-public-access"):
            scene.desk.plan("contain.lineage", {"principal": ("anonymous",)})
        offers = scene.desk.offers({"bucket": (info["buckets"][0],)})
        assert next(item.action for item in offers if not item.why_not) == "contain.block-public-access"
        done = scene.act("contain.block-public-access", bucket=info["buckets"][0])
        assert readers(info) == set()
        assert all(works(info, worker) for worker in info["workload"])
        scene.undo(done.plan_ref)
        assert scene.state() == before
