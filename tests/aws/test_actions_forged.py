"""A case folder into which anyone may have written: nothing is sent or armed because a record says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acting import REGION, Scene, scene

from actions.cli_text import cli_lines
from actions.plan import Refusal
from s3ir_tui.gameday.process import AccountServer
from s3ir_tui.gameday.scenario import Credential
from s3ir_tui.gameday.seeding import Seed, allow

DENY_ALL = "arn:aws:iam::aws:policy/AWSDenyAll"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ALLOW_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@pytest.fixture(scope="module")
def seed(server: AccountServer) -> Seed:
    made = Seed(server)
    made.bucket("payroll", {"a.csv": 10}, blocked=False)
    for name in ("svc-export", "payroll-app"):
        made.user(name, allow(["s3:ListAllMyBuckets"]))
    return made


@pytest.fixture(scope="module")
def responder(seed: Seed) -> Credential:
    return seed.responder()


@pytest.fixture
def here(server: AccountServer, responder: Credential, tmp_path: Path) -> Iterator[Scene]:
    with scene(server, responder, tmp_path / "case") as made:
        yield made


def call(operation: str, service: str = "iam", **params: Any) -> dict[str, Any]:
    return {"service": service, "operation": operation, "params": params, "region": ""}


ATTACH = call("AttachUserPolicy", UserName="svc-export", PolicyArn=DENY_ALL)
ATTACH_ADMIN = call("AttachUserPolicy", UserName="svc-export", PolicyArn=ADMIN)
READ_USER = {"call": call("GetUser", UserName="svc-export"), "pick": "User.UserName", "absent": [], "document": False}
PUT_ALLOW = call("PutUserPolicy", UserName="payroll-app", PolicyName="S3irDenyAll", PolicyDocument=ALLOW_ALL)
OURS = call("PutUserPolicy", UserName="svc-export", PolicyName="S3irDenyAll", PolicyDocument="{}")
BUCKET_DENY = {
    "Sid": "S3irDenyData1",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::payroll/*",
}
BUCKET_ALLOW = {
    "Sid": "S3irDenyData2",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "arn:aws:s3:::payroll",
}


def forge(here: Scene, action: str, step: dict[str, Any], *, outcome: bool = True) -> str:
    """A plan that nobody ran, as whoever may write into the case folder can record it."""
    told = {"target": "svc-export", "summary": "deny all -> policy s3ir-deny: none", "read": READ_USER}
    plan = {
        "action": action,
        "title": "Deny svc-export everything",
        "targets": {"user": ["svc-export"]},
        "steps": [{**told, "before": "svc-export", "after": "svc-export", **step}],
        "danger": "reversible",
    }
    ref = here.journal.record("actions", {"kind": "plan", "action": action, "title": plan["title"], "plan": plan})
    intent = {"kind": "intent", "plan": ref, "step": 0, "call": step["call"]}
    states = {name: step.get(name, "svc-export") for name in ("before", "after")}
    at = here.journal.record("actions", {**intent, **states})
    if outcome:
        ended = {"kind": "outcome", "intent": at, "plan": ref, "step": 0, "state": "done", "ok": True}
        here.journal.record("actions", {**ended, "accepted": True})
    return ref


@pytest.mark.parametrize(
    ("action", "step", "why"),
    [
        ("contain.deny-user", {"call": PUT_ALLOW, "undo": PUT_ALLOW}, "no statement of ours"),
        ("contain.deny-user", {"call": call("CreateAccessKey", UserName="payroll-app")}, "does not make the call"),
        ("contain.deny-user", {"call": ATTACH_ADMIN}, "not what"),
        ("contain.deny-user", {"call": call("DetachUserPolicy", UserName="payroll-app", PolicyArn=ADMIN)}, "not make"),
        ("contain.anything", {"call": ATTACH, "undo": PUT_ALLOW}, "an action that there is not"),
        ("contain.deny-user", {"call": {**OURS, "params": {**OURS["params"], "UserName": ""}}}, "without UserName"),
        ("contain.deny-user", {"call": {**ATTACH, "params": {**ATTACH["params"], "X": "y"}}}, "with X"),
        (
            "contain.disable-access-key",
            {"call": call("UpdateAccessKey", UserName="u", AccessKeyId="A'] || [0", Status="Inactive")},
            "no name that AWS gives",
        ),
    ],
)
def test_a_record_of_what_no_action_does_has_no_undo_and_it_is_said_why(
    here: Scene, seed: Seed, action: str, step: dict[str, Any], why: str
) -> None:
    ref = forge(here, action, step)
    with pytest.raises(Refusal, match=why):
        here.desk.undo_plan(ref)


def test_the_undo_that_a_record_names_is_never_sent(here: Scene, seed: Seed) -> None:
    seed.iam.attach_user_policy(UserName="svc-export", PolicyArn=DENY_ALL)
    forged = {"call": ATTACH, "undo": PUT_ALLOW, "before": None, "after": DENY_ALL, "target": "payroll-app"}
    plan = here.desk.undo_plan(forge(here, "contain.deny-user", forged))
    (step,) = plan.steps
    assert step.call.name == "iam:DetachUserPolicy"
    assert dict(step.call.params) == {"UserName": "svc-export", "PolicyArn": DENY_ALL}
    assert (step.target, step.summary) == ("svc-export", "AWSDenyAll -> none")
    assert here.run(plan).ok
    assert seed.iam.list_user_policies(UserName="payroll-app")["PolicyNames"] == ["payroll-app-access"]
    assert "payroll-app" not in "".join(cli_lines(plan))


def test_an_undo_of_a_policy_takes_denies_of_ours_out_and_puts_no_allow_back(here: Scene, seed: Seed) -> None:
    standing = {"Version": "2012-10-17", "Statement": [BUCKET_DENY]}
    seed.s3.put_bucket_policy(Bucket="payroll", Policy=json.dumps(standing))
    named = {"Bucket": "payroll", "ExpectedBucketOwner": here.account.identity.account}
    opened = {"Version": "2012-10-17", "Statement": [BUCKET_ALLOW]}
    forged = {
        "call": {**call("PutBucketPolicy", "s3", **named, Policy=json.dumps(standing)), "region": REGION},
        "undo": call("PutBucketPolicy", "s3", **named, Policy=json.dumps(opened)),
        "before": opened,
        "after": standing,
    }
    plan = here.desk.undo_plan(forge(here, "contain.deny-principal", forged))
    assert [step.call.name for step in plan.steps] == ["s3:DeleteBucketPolicy"]


def test_reconciling_sends_no_read_that_a_record_names(here: Scene, server: AccountServer) -> None:
    role = "arn:aws:iam::111122223333:role/Admin"
    assume = {**READ_USER, "call": call("AssumeRole", "sts", RoleArn=role, RoleSessionName="forged")}
    forge(here, "contain.deny-user", {"call": call("CreateAccessKey", UserName="x"), "read": assume}, outcome=False)
    forge(here, "contain.deny-user", {"call": ATTACH, "read": assume}, outcome=False)
    before = len(server.control("events"))
    found = here.desk.reconcile()
    assert [bool(item.state) for item in found] == [False, True]
    assert "no call that an action" in found[0].detail
    assert {record["eventName"] for record in server.control("events")[before:]} == {"ListAttachedUserPolicies"}


def test_malformed_records_stop_neither_the_list_of_what_was_done_nor_a_containment(here: Scene, seed: Seed) -> None:
    ref = forge(here, "contain.deny-user", {"call": {"service": 5}})
    for plan in ({"targets": 5}, {"steps": 5}, {"steps": [{"call": {"service": 5}}]}, None, [1]):
        here.journal.record("actions", {"kind": "plan", "action": "x", "plan": plan})
    here.journal.record("actions", {"kind": "intent", "plan": ref, "step": "x", "call": {"service": 5}})
    here.desk.done()
    here.desk.reconcile()
    done = here.act("contain.deny-user", user="payroll-app")
    here.undo(done.plan_ref)


def test_an_undo_is_not_undone(here: Scene) -> None:
    done = here.act("contain.deny-user", user="payroll-app")
    back = here.undo(done.plan_ref)
    with pytest.raises(Refusal, match=r"plan contain\.deny-user again"):
        here.desk.undo_plan(back.plan_ref)


def test_a_recorded_arming_is_offered_and_spares_no_reason(here: Scene) -> None:
    here.journal.record("case", {"kind": "armed", "reason": "IR-1", "operator": "Mallory"})
    desk = here.desk
    assert desk.needs_reason
    assert not desk.armed
    offered = desk.recorded_reason()
    assert offered is not None
    assert (offered.reason, offered.operator) == ("IR-1", "Mallory")
    with pytest.raises(Refusal, match="ticket or reason"):
        here.run(desk.plan("contain.deny-user", {"user": ("payroll-app",)}), reason="")
