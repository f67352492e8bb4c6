"""A console that dies between intent and outcome: the next one finds out what became of the step."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from acting import can_read, keys_of, scene
from faulty_line import Fault, FaultyLine

from actions.plan import Refusal, StepState
from s3ir_tui.gameday.process import AccountServer
from s3ir_tui.gameday.scenario import Credential
from s3ir_tui.gameday.seeding import Seed, allow, bucket_arns

CONSOLE = """
import json, os, signal, sys, threading
from pathlib import Path
from actions.desk import Desk
from actions.plan import Answer
from s3ir_tui.aws.account import Account
from s3ir_tui.journal import Journal
from s3ir_tui.trail.analysis import Analysis

given = json.load(sys.stdin)
account = Account.connect(endpoint_url=given["url"], region="us-east-1", credentials=given["keys"])
call = account.call

def dying(service, operation, params, region=""):
    if operation == given["dies_at"] and given["when"] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    if operation == given["dies_at"] and given["when"] == "during":
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGKILL)).start()
    answer = call(service, operation, params, region)
    if operation == given["dies_at"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

account.call = dying
desk = Desk(account, Journal.open(Path(given["case"]), about={}), Analysis)
plan = desk.plan("contain.lineage", {"user": (given["user"],)})
desk.run(plan, Answer(plan.must_type, "drill"), lambda news: None)
"""


@pytest.fixture(scope="module")
def seed(server: AccountServer) -> Seed:
    made = Seed(server)
    made.bucket("payroll", {"a.csv": 10})
    return made


@pytest.fixture(scope="module")
def responder(seed: Seed) -> Credential:
    return seed.responder()


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return tmp_path / "case"


@pytest.fixture
def user(seed: Seed, request: pytest.FixtureRequest) -> Credential:
    name = "".join(filter(str.isalnum, request.node.name))[-40:]
    return seed.user(name, allow(["s3:*"], bucket_arns("payroll")))


def die(
    server: AccountServer | FaultyLine, responder: Credential, case: Path, user: Credential, dies_at: str, when: str
) -> None:
    given = {
        "url": server.endpoint_url,
        "keys": keys_of(responder),
        "case": str(case),
        "user": user.name,
        "dies_at": dies_at,
        "when": when,
    }
    words = [sys.executable, "-c", CONSOLE]
    ended = subprocess.run(words, input=json.dumps(given), text=True, capture_output=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.mark.parametrize(("when", "state", "cut"), [("after", "done", True), ("before", "failed", False)])
def test_a_killed_console_leaves_a_question_that_the_next_one_answers(
    server: AccountServer, responder: Credential, case: Path, user: Credential, when: str, state: str, cut: bool
) -> None:
    die(server, responder, case, user, "AttachUserPolicy", when)
    with scene(server, responder, case) as here:
        (question,) = here.desk.unknown_outcomes()
        assert question.step.call.operation == "AttachUserPolicy"
        assert user.name in str(question)
        if not cut:
            (found,) = here.desk.reconcile()
            assert (found.state, 0 < found.again_in <= 60) == ("", True)
            assert len(here.desk.unknown_outcomes()) == 1
            here.ahead = timedelta(seconds=61)
        (found,) = here.desk.reconcile()
        assert found.state == state
        assert here.desk.unknown_outcomes() == ()
        outcome, end = here.journal.records("actions")[-2:]
        assert (outcome["kind"], outcome["ok"], outcome["reconciled"]) == ("outcome", cut, True)
        assert end["states"] == [state, "not run"]
        assert can_read(server, user, "payroll", "a.csv") is not cut
        if cut:
            here.undo(question.plan_ref)
            assert can_read(server, user, "payroll", "a.csv")
        else:
            with pytest.raises(Refusal, match="left to undo"):
                here.desk.undo_plan(question.plan_ref)


UNDER_WAY = 4.0


@pytest.fixture
def held(server: AccountServer) -> Iterator[FaultyLine]:
    """A line on which AttachUserPolicy takes seconds to arrive."""
    with FaultyLine(int(server.endpoint_url.rsplit(":", 1)[1])) as line:
        line.fault = Fault(b"Action=AttachUserPolicy", under_way=UNDER_WAY)
        yield line


def until_attached(seed: Seed, user: Credential) -> None:
    end = time.monotonic() + 15
    while not seed.iam.list_attached_user_policies(UserName=user.name)["AttachedPolicies"]:
        assert time.monotonic() < end, "the request never arrived"
        time.sleep(0.1)


def test_a_request_under_way_when_its_console_is_killed_is_no_failure_and_can_be_undone(
    server: AccountServer, held: FaultyLine, responder: Credential, case: Path, user: Credential, seed: Seed
) -> None:
    die(held, responder, case, user, "AttachUserPolicy", "during")
    with scene(server, responder, case) as here:
        (found,) = here.desk.reconcile()
        assert (found.state, "looked at again in" in found.detail) == ("", True)
        ref = found.unknown.plan_ref
        assert [item.ref for item in here.desk.done()] == [ref]
        with pytest.raises(Refusal, match="try again in"):
            here.desk.undo_plan(ref)
        assert here.desk.look_again() == 1
        until_attached(seed, user)
        assert here.desk.look_again() == 0
        outcome = [item for item in here.journal.records("actions") if item["kind"] == "outcome"][-1]
        assert (outcome["state"], outcome["accepted"]) == ("done", True)
        assert not can_read(server, user, "payroll", "a.csv")
        here.undo(ref)
        assert can_read(server, user, "payroll", "a.csv")


def test_a_step_recorded_as_failed_that_took_effect_after_all_gets_a_new_record(
    server: AccountServer, held: FaultyLine, responder: Credential, case: Path, user: Credential, seed: Seed
) -> None:
    die(held, responder, case, user, "AttachUserPolicy", "during")
    with scene(server, responder, case) as here:
        here.ahead = timedelta(seconds=90)
        assert [item.state for item in here.desk.reconcile()] == ["failed"]
        until_attached(seed, user)
        (found,) = here.desk.reconcile()
        assert (found.state, "recorded as failed, but" in found.detail) == ("done", True)
        assert [item["state"] for item in here.journal.records("actions") if item["kind"] == "outcome"] == [
            "failed",
            "done",
        ]
        assert here.desk.reconcile() == ()
        here.undo(found.unknown.plan_ref)
        assert can_read(server, user, "payroll", "a.csv")


def test_a_stale_read_is_no_failure(server: AccountServer, responder: Credential, case: Path, user: Credential) -> None:
    server.control("settings", {"read_lag": 2.0})
    try:
        die(server, responder, case, user, "AttachUserPolicy", "after")
        with scene(server, responder, case) as here:
            assert [item.state for item in here.desk.reconcile()] == [""]
            end = time.monotonic() + 10
            while here.desk.look_again():
                assert time.monotonic() < end
                time.sleep(0.2)
            assert here.desk.done()[0].states[0] is StepState.DONE
            here.undo(here.desk.done()[0].ref)
    finally:
        server.control("settings", {"read_lag": 0.0})


def test_what_someone_made_of_the_step_since_is_told(
    server: AccountServer, responder: Credential, case: Path, user: Credential, seed: Seed
) -> None:
    die(server, responder, case, user, "UpdateAccessKey", "after")
    seed.iam.delete_access_key(UserName=user.name, AccessKeyId=user.access_key_id)
    with scene(server, responder, case) as here:
        (found,) = here.desk.reconcile()
        assert found.state == "moved"
        assert "another state" in found.detail


def test_while_aws_does_not_answer_the_question_stays_open(
    server: AccountServer, responder: Credential, case: Path, user: Credential
) -> None:
    die(server, responder, case, user, "AttachUserPolicy", "after")
    with scene(server, responder, case) as here:
        server.control("faults", [{"code": "ServiceUnavailable", "status": 503, "count": 5}])
        (found,) = here.desk.reconcile()
        server.control("faults", [])
        assert found.state == ""
        assert len(here.desk.unknown_outcomes()) == 1
        assert here.desk.reconcile()[0].state == "done"


def test_a_plan_that_another_living_console_runs_is_not_asked_about(
    server: AccountServer, responder: Credential, case: Path, user: Credential
) -> None:
    with scene(server, responder, case) as one, scene(server, responder, case) as two:
        plan = one.desk.plan("contain.deny-user", {"user": (user.name,)})
        ref = one.journal.record("actions", {"kind": "plan", "action": plan.action, "plan": plan.to_json()})
        one.journal.record("actions", {"kind": "intent", "plan": ref, "step": 0, "before": None, "after": "x"})
        two.journal.refresh()
        assert two.journal.consoles == 2
        assert two.desk.unknown_outcomes() == ()
