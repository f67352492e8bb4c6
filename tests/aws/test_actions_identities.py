"""Actions on keys, users and roles: what their owners can do afterwards, and that undo brings all of it back."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from acting import Scene, allowed, can_read, client, scene

from actions.plan import Danger, Refusal, StepState
from s3ir_tui.gameday.process import AccountServer
from s3ir_tui.gameday.scenario import Credential
from s3ir_tui.gameday.seeding import Seed, allow, bucket_arns, trust

BUCKET, KEY = "payroll", "a.csv"
_NUMBER = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[AccountServer]:
    with AccountServer.start() as running:
        Seed(running).bucket(BUCKET, {KEY: 100})
        yield running


@pytest.fixture(scope="module")
def seed(server: AccountServer) -> Seed:
    return Seed(server)


@pytest.fixture(scope="module")
def responder(seed: Seed) -> Credential:
    return seed.responder()


@pytest.fixture(scope="module")
def glass(seed: Seed, responder: Credential) -> str:
    return seed.break_glass()


@pytest.fixture
def here(server: AccountServer, responder: Credential, glass: str, tmp_path: Path) -> Iterator[Scene]:
    with scene(server, responder, tmp_path / "case", (glass,)) as made:
        yield made


@pytest.fixture
def user(seed: Seed) -> Credential:
    name = f"svc-{next(_NUMBER)}"
    return seed.user(name, allow(["s3:*"], bucket_arns(BUCKET)), allow(["iam:*", "sts:*"]))


@pytest.fixture
def role(seed: Seed) -> str:
    trusted = trust({"AWS": f"arn:aws:iam::{seed.account}:root"})
    return seed.role(f"role-{next(_NUMBER)}", trusted, allow(["s3:*"], bucket_arns(BUCKET)), allow(["iam:*", "sts:*"]))


def reads(server: AccountServer, credential: Credential | dict[str, Any]) -> bool:
    return can_read(server, credential, BUCKET, KEY)


def session_of(seed: Seed, role: str, name: str = "job") -> dict[str, str]:
    return as_keys(seed.sts.assume_role(RoleArn=role, RoleSessionName=name)["Credentials"])


def as_keys(made: dict[str, Any]) -> dict[str, str]:
    return {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
        "aws_session_token": made["SessionToken"],
    }


def name_of(item: Credential | str) -> str:
    return (item if isinstance(item, str) else item.principal).rsplit("/", 1)[-1]


# -- keys -----------------------------------------------------------------------------------------


def test_a_disabled_key_reads_nothing_and_comes_back_only_by_itself_with_a_reason(
    here: Scene, server: AccountServer, user: Credential
) -> None:
    before = here.state()
    assert reads(server, user)
    done = here.act("contain.disable-access-key", access_key=user.access_key_id)
    assert not reads(server, user)
    back = here.desk.undo_plan(done.plan_ref)
    assert back.danger is Danger.IRREVERSIBLE
    assert back.must_type == user.access_key_id
    with pytest.raises(Refusal, match="reason"):
        here.run(back, reason="")
    assert not reads(server, user)
    assert here.run(back, reason="the key was rotated in a drill").ok
    assert reads(server, user)
    assert here.state() == before
    with pytest.raises(Refusal, match="left to undo"):
        here.desk.undo_plan(done.plan_ref)


def test_all_active_keys_of_a_user_are_disabled_newest_first(here: Scene, seed: Seed, user: Credential) -> None:
    second = seed.iam.create_access_key(UserName=name_of(user))["AccessKey"]["AccessKeyId"]
    plan = here.desk.plan("contain.disable-access-key", {"principal": (user.principal,)})
    assert [step.target for step in plan.steps] == [second, user.access_key_id]
    assert all(step.call.params["UserName"] == name_of(user) for step in plan.steps)
    assert here.run(plan).ok
    assert here.desk.plan("contain.disable-access-key", {"user": (name_of(user),)}).in_place


def test_the_consoles_own_key_is_refused_with_the_way_out(
    server: AccountServer, seed: Seed, user: Credential, tmp_path: Path
) -> None:
    with scene(server, user, tmp_path / "own") as here:
        for targets in ({"access-key": (user.access_key_id,)}, {"user": (name_of(user),)}):
            with pytest.raises(Refusal, match="Way out"):
                here.desk.plan("contain.disable-access-key", targets)
        with pytest.raises(Refusal, match="Way out"):
            here.desk.plan("contain.deny-user", {"user": (name_of(user),)})
    assert reads(server, user)


def test_a_sessions_key_is_refused_and_what_helps_is_named(here: Scene) -> None:
    with pytest.raises(Refusal, match=r"contain\.deny-user"):
        here.desk.plan("contain.disable-access-key", {"access-key": ("ASIAABCDEFGHIJKLMNOP",)})
    with pytest.raises(Refusal, match="no key of a user"):
        here.desk.plan("contain.disable-access-key", {"access-key": ("AKIAABCDEFGHIJKLMNOP",)})


# -- users ----------------------------------------------------------------------------------------


def test_a_denied_user_does_nothing_with_any_key_or_session_until_undone(
    here: Scene, server: AccountServer, user: Credential
) -> None:
    session = as_keys(client(server, user, "sts").get_session_token()["Credentials"])
    federated = as_keys(
        client(server, user, "sts").get_federation_token(
            Name="guest", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow(["s3:*"])]})
        )["Credentials"]
    )
    ways = [user, session, federated]
    before = here.state()
    assert all(reads(server, way) for way in ways)
    done = here.act("contain.deny-user", principal=user.principal)
    assert not any(reads(server, way) for way in ways)
    again = as_keys(client(server, user, "sts").get_session_token()["Credentials"])
    assert not reads(server, again)
    assert not allowed(client(server, user, "iam").list_users)
    undo = here.desk.undo_plan(done.plan_ref)
    assert any(session["aws_access_key_id"] in warning for warning in undo.warnings)
    assert here.run(undo).ok
    assert all(reads(server, way) for way in ways)
    assert here.state() == before


def test_a_user_with_a_full_quota_of_managed_policies_is_denied_inline(
    here: Scene, server: AccountServer, seed: Seed, user: Credential
) -> None:
    arns = [item["Arn"] for item in seed.iam.list_policies(Scope="AWS")["Policies"] if "Deny" not in item["Arn"]]
    for arn in arns[:10]:
        seed.iam.attach_user_policy(UserName=name_of(user), PolicyArn=arn)
    before = here.state()
    plan = here.desk.plan("contain.deny-user", {"user": (name_of(user),)})
    assert [step.call.name for step in plan.steps] == ["iam:PutUserPolicy"]
    done = here.run(plan)
    assert not reads(server, user)
    assert here.desk.plan("contain.deny-user", {"user": (name_of(user),)}).in_place
    here.undo(done.plan_ref)
    assert here.state() == before


def test_no_room_for_a_deny_is_tried_with_a_raised_quota_and_refused_beyond_it(
    here: Scene, server: AccountServer, seed: Seed, user: Credential
) -> None:
    for item in [i["Arn"] for i in seed.iam.list_policies(Scope="AWS")["Policies"] if "Deny" not in i["Arn"]][:10]:
        seed.iam.attach_user_policy(UserName=name_of(user), PolicyArn=item)
    full = {
        "Version": "2012-10-17",
        "Statement": [allow(["s3:GetObject"], [f"arn:aws:s3:::b/{'x' * 40}{n}" for n in range(28)])],
    }
    seed.iam.put_user_policy(UserName=name_of(user), PolicyName="full", PolicyDocument=json.dumps(full))
    plan = here.desk.plan("contain.deny-user", {"user": (name_of(user),)})
    assert "put-user-permissions-boundary" in plan.steps[0].note
    assert here.run(plan).states == (StepState.FAILED,)
    assert reads(server, user)
    server.control("settings", {"attached_policies": 20})
    try:
        done = here.run(here.desk.plan("contain.deny-user", {"user": (name_of(user),)}))
        assert done.ok
        assert not reads(server, user)
        here.undo(done.plan_ref)
        others = [i["Arn"] for i in seed.iam.list_policies(Scope="AWS")["Policies"] if "Deny" not in i["Arn"]]
        for item in others[10:20]:
            seed.iam.attach_user_policy(UserName=name_of(user), PolicyArn=item)
    finally:
        server.control("settings", {"attached_policies": 10})
    with pytest.raises(Refusal, match=r"Way out.*put-user-permissions-boundary"):
        here.desk.plan("contain.deny-user", {"user": (name_of(user),)})


def test_a_policy_of_our_name_that_denies_nothing_is_no_deny(
    here: Scene, server: AccountServer, seed: Seed, user: Credential
) -> None:
    theirs = json.dumps({"Version": "2012-10-17", "Statement": [allow(["s3:*"])]})
    seed.iam.put_user_policy(UserName=name_of(user), PolicyName="S3irDenyAll", PolicyDocument=theirs)
    done = here.act("contain.deny-user", user=name_of(user))
    assert done.plan_ref
    assert not reads(server, user)


# -- roles ----------------------------------------------------------------------------------------


def test_revoking_ends_sessions_issued_until_now_and_is_not_lifted_while_one_could_live(
    here: Scene, server: AccountServer, seed: Seed, role: str
) -> None:
    before = here.state()
    old = session_of(seed, role)
    assert reads(server, old)
    done = here.act("contain.revoke-role-sessions", principal=role)
    assert not reads(server, old)
    assert not reads(server, session_of(seed, role)), "issued within the 30 seconds"
    document = seed.iam.get_role_policy(RoleName=name_of(role), PolicyName="AWSRevokeOlderSessions")["PolicyDocument"]
    cutoff = document["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
    assert cutoff.endswith("Z")
    with pytest.raises(Refusal, match="stays revoked"):
        here.desk.undo_plan(done.plan_ref)
    here.ahead = timedelta(hours=1, seconds=40)
    here.undo(done.plan_ref)
    assert here.state() == before


def test_the_cutoff_is_that_of_the_write_not_of_the_plan(
    here: Scene, server: AccountServer, seed: Seed, role: str
) -> None:
    plan = here.desk.plan("contain.revoke-role-sessions", {"role": (name_of(role),)})
    assert "time of the write" in plan.steps[0].summary
    here.ahead = timedelta(minutes=10)
    result = here.run(plan)
    sent = next(item for item in here.journal.records("actions") if item["kind"] == "intent")["after"]
    cutoff = sent["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
    assert result.ok
    assert cutoff[:16] == (here.now() + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M")


def test_a_cutoff_moves_forward_only_and_statements_of_others_stay(here: Scene, seed: Seed, role: str) -> None:
    here.act("contain.revoke-role-sessions", principal=role)
    here.ahead = timedelta(minutes=-5)
    assert here.desk.plan("contain.revoke-role-sessions", {"principal": (role,)}).in_place
    here.ahead = timedelta(minutes=5)
    here.act("contain.revoke-role-sessions", principal=role)
    document = seed.iam.get_role_policy(RoleName=name_of(role), PolicyName="AWSRevokeOlderSessions")["PolicyDocument"]
    assert len(document["Statement"]) == 1


def test_the_plan_names_who_else_is_cut(here: Scene, server: AccountServer, seed: Seed, role: str) -> None:
    reads(server, session_of(seed, role, "nightly-job"))
    plan = here.desk.plan("contain.revoke-role-sessions", {"principal": (role,)})
    assert any("nightly-job" in line and "cut until" in line for line in plan.breaks)


def test_one_session_is_denied_now_and_when_issued_anew_while_others_go_on(
    here: Scene, server: AccountServer, seed: Seed, role: str
) -> None:
    before = here.state()
    thief, other = session_of(seed, role, "thief"), session_of(seed, role, "worker")
    session = f"arn:aws:sts::{seed.account}:assumed-role/{name_of(role)}/thief"
    done = here.act("contain.revoke-one-session", principal=session)
    assert not reads(server, thief)
    assert not reads(server, session_of(seed, role, "thief"))
    assert reads(server, other)
    with pytest.raises(Refusal, match="keeps its denied sessions"):
        here.desk.undo_plan(done.plan_ref)
    here.ahead = timedelta(hours=2)
    here.undo(done.plan_ref)
    assert here.state() == before


def test_a_role_whose_inline_policies_are_full_is_denied_by_a_managed_policy(
    here: Scene, server: AccountServer, seed: Seed, role: str
) -> None:
    long = [f"arn:aws:s3:::b/{'x' * 90}{number}" for number in range(90)]
    full = json.dumps({"Version": "2012-10-17", "Statement": [allow(["s3:GetObject"], long)]})
    seed.iam.put_role_policy(RoleName=name_of(role), PolicyName="full", PolicyDocument=full)
    before = here.state()
    old = session_of(seed, role)
    assert reads(server, old)
    session = f"arn:aws:sts::{seed.account}:assumed-role/{name_of(role)}/worker"
    with pytest.raises(Refusal, match=r"Way out: contain\.revoke-role-sessions"):
        here.desk.plan("contain.revoke-one-session", {"principal": (session,)})
    plan = here.desk.plan("contain.revoke-role-sessions", {"principal": (role,)})
    assert [step.call.name for step in plan.steps] == ["iam:AttachRolePolicy"]
    assert any("issued later too" in line for line in plan.breaks)
    done = here.run(plan)
    assert done.ok, done.details
    assert not reads(server, old)
    assert not reads(server, session_of(seed, role))
    with pytest.raises(Refusal, match="stays revoked"):
        here.desk.undo_plan(done.plan_ref)
    here.ahead = timedelta(hours=13)
    here.undo(done.plan_ref)
    assert here.state() == before


@pytest.mark.parametrize(("service", "warned"), [("lambda", True), ("codebuild", True), ("ecs-tasks", False)])
def test_where_someone_else_chooses_the_names_of_sessions_a_deny_by_name_is_said_to_be_weak(
    here: Scene, seed: Seed, service: str, warned: bool
) -> None:
    name = f"fn-{next(_NUMBER)}"
    seed.role(name, trust({"Service": f"{service}.amazonaws.com"}), allow(["s3:*"]))
    session = f"arn:aws:sts::{seed.account}:assumed-role/{name}/x"
    plan = here.desk.plan("contain.revoke-one-session", {"principal": (session,)})
    assert any("can choose another session name" in line for line in plan.warnings) is warned


def test_a_role_that_a_service_assumes_stays_revoked_for_twelve_hours(here: Scene, seed: Seed) -> None:
    seed.role("fn-twelve", trust({"Service": "lambda.amazonaws.com"}), allow(["s3:*"]))
    done = here.act("contain.revoke-role-sessions", role="fn-twelve")
    here.ahead = timedelta(hours=11)
    with pytest.raises(Refusal, match="stays revoked"):
        here.desk.undo_plan(done.plan_ref)
    here.ahead = timedelta(hours=13)
    here.undo(done.plan_ref)


def test_the_responders_own_role_session_and_break_glass_are_refused(
    here: Scene, responder: Credential, glass: str, server: AccountServer
) -> None:
    for targets in ({"principal": (responder.principal,)}, {"principal": (glass,)}):
        with pytest.raises(Refusal, match="Way out"):
            here.desk.plan("contain.revoke-role-sessions", targets)
    with pytest.raises(Refusal, match="your own session"):
        here.desk.plan("contain.revoke-one-session", {"principal": (here.account.identity.arn,)})
    with pytest.raises(Refusal, match="Way out"):
        here.desk.plan("contain.lineage", {"principal": (here.account.identity.arn,)})
    assert allowed(client(server, responder, "iam").list_users)


def test_service_linked_roles_are_refused(here: Scene, seed: Seed) -> None:
    seed.iam.create_role(
        RoleName="AWSServiceRoleForX",
        Path="/aws-service-role/x.amazonaws.com/",
        AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [trust({"Service": "x.amazonaws.com"})]}
        ),
    )
    with pytest.raises(Refusal, match="service-linked"):
        here.desk.plan("contain.revoke-role-sessions", {"role": ("AWSServiceRoleForX",)})


# -- what moves meanwhile ---------------------------------------------------------------------------


def test_a_policy_that_moved_since_the_plan_keeps_what_others_put_there(here: Scene, seed: Seed, role: str) -> None:
    plan = here.desk.plan("contain.revoke-role-sessions", {"principal": (role,)})
    theirs = {"Version": "2012-10-17", "Statement": [{"Sid": "Mine", **allow(["s3:GetObject"])}]}
    seed.iam.put_role_policy(
        RoleName=name_of(role), PolicyName="AWSRevokeOlderSessions", PolicyDocument=json.dumps(theirs)
    )
    result = here.run(plan)
    assert result.ok
    intent = next(item for item in here.journal.records("actions") if item["kind"] == "intent")
    assert "+ Mine" in intent["moved"]
    document = seed.iam.get_role_policy(RoleName=name_of(role), PolicyName="AWSRevokeOlderSessions")["PolicyDocument"]
    assert [item.get("Sid") for item in document["Statement"]] == ["Mine", None]


def test_undo_is_refused_where_the_world_moved_on(here: Scene, seed: Seed, user: Credential) -> None:
    done = here.act("contain.disable-access-key", access_key=user.access_key_id)
    seed.iam.delete_access_key(UserName=name_of(user), AccessKeyId=user.access_key_id)
    with pytest.raises(Refusal, match="changed since"):
        here.desk.undo_plan(done.plan_ref)


def test_what_was_undone_by_others_is_nothing_to_undo(here: Scene, seed: Seed, user: Credential) -> None:
    done = here.act("contain.deny-user", user=name_of(user))
    assert here.desk.in_place(done.plan_ref) == (1, 1, 0)
    seed.iam.detach_user_policy(UserName=name_of(user), PolicyArn="arn:aws:iam::aws:policy/AWSDenyAll")
    assert here.desk.in_place(done.plan_ref) == (0, 1, 0)
    with pytest.raises(Refusal, match="back already"):
        here.desk.undo_plan(done.plan_ref)


# -- trouble with AWS -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "faults",
    [
        [{"code": "Throttling", "status": 400, "count": 2}],
        [{"code": "ServiceUnavailable", "status": 503, "service": "iam", "operation": "AttachUserPolicy", "count": 2}],
        [
            {
                "code": "InternalError",
                "status": 500,
                "service": "iam",
                "operation": "ListAttachedUserPolicies",
                "count": 1,
            }
        ],
    ],
    ids=["throttled", "write-503", "read-500"],
)
def test_passing_trouble_is_ridden_out(here: Scene, server: AccountServer, user: Credential, faults: list[Any]) -> None:
    plan = here.desk.plan("contain.deny-user", {"user": (name_of(user),)})
    server.control("faults", faults)
    try:
        assert here.run(plan).ok
    finally:
        server.control("faults", [])
    assert not reads(server, user)


def test_lasting_trouble_leaves_an_unknown_step_and_its_error_in_the_log(
    here: Scene, server: AccountServer, user: Credential
) -> None:
    plan = here.desk.plan("contain.deny-user", {"user": (name_of(user),)})
    fault = {"code": "ServiceUnavailable", "status": 503, "service": "iam", "operation": "AttachUserPolicy", "count": 9}
    server.control("faults", [fault])
    try:
        result = here.run(plan)
    finally:
        server.control("faults", [])
    assert result.states == (StepState.UNKNOWN,)
    outcome = next(item for item in here.journal.records("actions") if item["kind"] == "outcome")
    assert outcome["error"]["code"] == "ServiceUnavailable"
    assert outcome["state"] == "unknown"
    here.ahead = timedelta(minutes=2)
    assert [item.state for item in here.desk.reconcile()] == ["failed"]
    assert outcome["accepted"] is False
    assert reads(server, user)


def test_a_missing_permission_is_named(
    here: Scene, server: AccountServer, seed: Seed, user: Credential, tmp_path: Path
) -> None:
    weak = seed.user(f"weak-{next(_NUMBER)}", allow(["iam:Get*", "iam:List*", "s3:*"]))
    with scene(server, weak, tmp_path / "weak") as limited:
        result = limited.run(limited.desk.plan("contain.deny-user", {"user": (name_of(user),)}))
        assert result.states == (StepState.FAILED,)
        assert "iam:AttachUserPolicy" in result.details[0]
    blind = seed.user(f"blind-{next(_NUMBER)}", allow(["s3:*"]))
    with scene(server, blind, tmp_path / "blind") as limited:
        with pytest.raises(Refusal, match="iam:GetUser"):
            limited.desk.plan("contain.deny-user", {"user": (name_of(user),)})
        offers = {offer.action: offer for offer in limited.desk.offers({"user": (name_of(user),)})}
        assert "no permission" in offers["contain.deny-user"].why_not


def test_every_write_has_its_request_id_and_awss_clock_in_the_log(here: Scene, user: Credential) -> None:
    here.act("contain.deny-user", user=name_of(user))
    outcome = next(item for item in here.journal.records("actions") if item["kind"] == "outcome")
    assert outcome["request_id"]
    assert outcome["aws_date"].endswith("GMT")
    assert outcome["http"] == 200


def test_the_role_of_an_instance_in_another_region_is_cut_by_the_instances_id(
    here: Scene, seed: Seed, server: AccountServer
) -> None:
    name = f"far-{next(_NUMBER)}"
    seed.role(name, trust({"Service": "ec2.amazonaws.com"}), allow(["s3:*"], bucket_arns(BUCKET)))
    far = server.admin("ec2", region="eu-west-1")
    started = far.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, IamInstanceProfile={"Arn": seed.profile(name)}
    )
    instance = started["Instances"][0]["InstanceId"]
    plan = here.desk.plan("contain.revoke-role-sessions", {"instance": (instance,)})
    assert any(step.call.params.get("RoleName") == name for step in plan.steps)


def test_an_instance_that_no_region_shows_is_refused_with_the_way_out(here: Scene) -> None:
    with pytest.raises(Refusal, match="not shown by EC2 in any Region"):
        here.desk.plan("contain.revoke-role-sessions", {"instance": ("i-0123456789abcdef0",)})
