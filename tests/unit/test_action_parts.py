"""The small parts that plans are made of: subjects, states compared, the time of the write, the registry."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from actions import lockout, undo
from actions.moment import RUN_TIME, resolve
from actions.plan import Call, Danger, Plan, Read, Refusal, Step
from actions.reads import as_json, difference, same
from actions.registry import ACTIONS
from actions.subjects import TARGETS, sort, subject
from s3ir_tui.model import Identity

ME = "111122223333"
READ = Read(Call("iam", "GetUser", {}), "x")


def arn_of(kind: str, name: str) -> str:
    return f"arn:aws:iam::{ME}:{kind}/eng/{name}" if name == "alice" else f"arn:aws:iam::{ME}:{kind}/{name}"


@pytest.mark.parametrize(
    ("ident", "kind", "account", "name", "session"),
    [
        (f"arn:aws:iam::{ME}:user/team/svc", "user", ME, "svc", ""),
        (f"arn:aws:iam::{ME}:role/a/b/etl", "role", ME, "etl", ""),
        (f"arn:aws-cn:sts::{ME}:assumed-role/etl/i-0a1b", "session", ME, "etl", "i-0a1b"),
        (f"arn:aws:sts::{ME}:federated-user/guest", "federated", ME, "", "guest"),
        (f"arn:aws:iam::{ME}:root", "root", ME, "", ""),
        (ME, "account", ME, "", ""),
        (f"AWSAccount:{ME}", "account", ME, "", ""),
        ("anonymous", "anonymous", "", "", ""),
        ("ec2.amazonaws.com", "service", "", "", ""),
        ("AROAEXAMPLE", "unknown", "", "", ""),
        ("arn:aws", "unknown", "", "", ""),
        ("", "unknown", "", "", ""),
    ],
)
def test_principals_are_taken_apart(ident: str, kind: str, account: str, name: str, session: str) -> None:
    found = subject(ident)
    assert (found.kind, found.account, found.name, found.session) == (kind, account, name, session)


def test_only_users_and_roles_of_the_account_are_ours_to_change() -> None:
    found = sort(
        {
            "principal": (
                f"arn:aws:iam::{ME}:user/svc",
                "arn:aws:iam::999988887777:user/thief",
                f"arn:aws:sts::{ME}:assumed-role/etl/s",
                "AKIAABCDEFGHIJKLMNOP",
            ),
            "user": ("svc",),
            "account": ("999988887777",),
        },
        ME,
        arn_of,
    )
    assert found.users == ("svc",)
    assert found.roles == ("etl",)
    assert [item.session for item in found.sessions] == ["s"]
    assert found.keys == ("AKIAABCDEFGHIJKLMNOP",)
    assert [item.kind for item in found.principals] == ["user", "user", "session", "account"]


@pytest.mark.parametrize(
    "targets", [{"bukket": ("b",)}, {"account": ("12",)}, {"user": (f"arn:aws:iam::{ME}:role/r",)}]
)
def test_targets_that_make_no_sense_are_refused(targets: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(Refusal):
        sort(targets, ME, arn_of)


def document(**statement: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (document(Action="a", Resource="r"), document(Action=["a"], Resource=["r"])),
        (document(Action=["a", "b"]), document(Action=["b", "a"])),
        (document(Action="a"), {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "a"}}),
        (document(Principal={"AWS": "x"}), document(Principal={"AWS": ["x"]})),
        (
            document(Condition={"StringEquals": {"aws:userid": "x"}}),
            document(Condition={"StringEquals": {"AWS:UserId": ["x"]}}),
        ),
        ({"Grants": [{"a": 1}, {"b": 2}]}, {"Grants": [{"b": 2}, {"a": 1}]}),
    ],
)
def test_documents_that_mean_the_same_are_the_same(one: Any, other: Any) -> None:
    assert same(one, other)
    assert same(json.loads(json.dumps(one)), other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (document(Action="a"), document(Action="b")),
        (document(Principal="*"), document(Principal={"AWS": "x"})),
        (document(Sid="A"), document(Sid="B")),
        (None, document(Action="a")),
        ({"BlockPublicAcls": True}, {"BlockPublicAcls": False}),
        ("Active", "Inactive"),
    ],
)
def test_states_that_differ_are_told_apart(one: Any, other: Any) -> None:
    assert not same(one, other)
    assert difference(one, other)


def test_a_difference_names_the_statements_that_came_and_went() -> None:
    told = difference(document(Sid="Ours", Action="a"), document(Sid="Theirs", Action="a"))
    assert told.startswith("- Ours")
    assert "+ Theirs" in told


def test_answers_become_json() -> None:
    assert as_json({"at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "in": (1,)}) == {
        "at": "2026-01-02T03:04:05Z",
        "in": [1],
    }


def test_the_time_of_the_write_reaches_into_documents_and_text() -> None:
    after = {"Statement": [{"Condition": {"DateLessThan": {"aws:TokenIssueTime": RUN_TIME}}}]}
    made = Step(Call("iam", "PutRolePolicy", {"PolicyDocument": json.dumps(after)}), "r", "s", READ, after=after)
    sent = resolve(made, datetime(2026, 11, 24, 9, 0, 0, tzinfo=UTC))
    assert sent.after["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"] == "2026-11-24T09:00:30Z"
    assert json.loads(sent.call.params["PolicyDocument"]) == sent.after
    assert made.after == after


def test_what_the_log_kept_out_is_not_sent_back() -> None:
    before = {"BlockPublicAcls": "[redacted:secret:01234567]"}
    named = {"Bucket": "b", "ExpectedBucketOwner": "111122223333"}
    step = Step(Call("s3", "PutPublicAccessBlock", named), "b", "s", READ, before=before, after={})
    with pytest.raises(Refusal, match="by hand"):
        undo.mirror(step, SimpleNamespace(account_id="111122223333"), "")  # type: ignore[arg-type]


def test_every_action_is_registered_once_in_the_order_of_the_playbook() -> None:
    assert list(ACTIONS) == [
        "contain.lineage",
        "contain.deny-user",
        "contain.disable-access-key",
        "contain.revoke-role-sessions",
        "contain.revoke-one-session",
        "contain.deny-principal",
        "contain.block-public-access",
        "contain.private-bucket-acl",
        "watch.quiet",
    ]
    for ident, action in ACTIONS.items():
        assert action.id == ident
        assert action.takes
        assert set(action.takes) <= set(TARGETS)
        assert action.title[0].islower()


def test_a_plan_survives_its_record() -> None:
    step = Step(Call("iam", "X", {"a": [1, {"b": None}]}), "t", "s", READ, before={"x": 1}, after=None, undoes=2)
    plan = Plan("a", "t", {"user": ("x",)}, (step,), Danger.WIDE, independent=True, evidence={"b": {"acl": []}})
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def looking(
    arn: str = f"arn:aws:iam::{ME}:user/alice", break_glass: tuple[str, ...] = (), sources: tuple[str, ...] = ()
) -> Any:
    def in_iam(kind: str, name: str) -> str:
        if name in ("alice", "Rescue", "Responder"):
            return f"arn:aws:iam::{ME}:{kind}/{name}" if name != "Rescue" else f"arn:aws:iam::{ME}:{kind}/ops/{name}"
        raise Refusal(f"there is no {kind} {name} in {ME} any more")

    return SimpleNamespace(
        account=SimpleNamespace(identity=Identity(ME, arn, "AIDAME", "us-east-1"), partition="aws", sources=sources),
        account_id=ME,
        break_glass=break_glass,
        arn_of=in_iam,
        role=lambda name: {"Arn": in_iam("role", name), "RoleId": "AROAME"},
    )


def deny(**given: Any) -> dict[str, Any]:
    everything = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
    }
    return {"Version": "2012-10-17", "Statement": [{**everything, **given}]}


@pytest.mark.parametrize(
    ("after", "cut"),
    [
        (deny(Condition={"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ME}:user/alice"}}), "you"),
        (deny(Condition={"StringEquals": {"aws:PrincipalAccount": ME}}), "you"),
        (deny(Condition={"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ME}:user/alice"}}), "break-glass"),
        (
            deny(Condition={"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ME}:*"}}),
            "log delivery",
        ),
        (
            deny(Action="s3:PutObject", Condition={"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ME}:user/al*"}}),
            "you",
        ),
    ],
)
def test_a_deny_is_refused_when_it_would_cut_who_must_stay(after: Any, cut: str) -> None:
    ctx = looking(break_glass=(f"arn:aws:iam::{ME}:role/ops/Rescue",))
    with pytest.raises(lockout.LockOut, match=rf"{cut}.*Way out"):
        lockout.check_bucket(ctx, "b", None, after)


def test_a_deny_that_was_there_already_is_not_ours_to_refuse() -> None:
    old = deny(Condition={"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ME}:*"}})
    assert "none is cut" in lockout.check_bucket(looking(), "b", old, old)


def test_a_deny_of_someone_else_is_checked_and_let_through() -> None:
    after = deny(Condition={"StringEquals": {"aws:PrincipalAccount": "999988887777"}})
    assert lockout.check_bucket(looking(), "b", None, after).startswith("lock-out checked for you (user/alice)")


PERIMETERS = (
    deny(Condition={"StringNotEquals": {"aws:SourceVpce": "vpce-0a1b2c3d"}}),
    deny(Condition={"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
    deny(
        Condition={
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-example123"},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        }
    ),
    deny(
        Condition={
            "NotIpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"},
            "StringNotEqualsIfExists": {"aws:SourceVpc": "vpc-0a1b2c3d"},
        }
    ),
    deny(Condition={"StringNotEquals": {"aws:PrincipalOrgPaths": "o-example123/r-ab12/ou-ab12-11111111/"}}),
)


@pytest.mark.parametrize("perimeter", PERIMETERS)
@pytest.mark.parametrize(
    ("who", "cut"),
    [
        (f"arn:aws:iam::{ME}:user/alice", "you"),
        (f"arn:aws:iam::{ME}:role/ops/Rescue", "break-glass"),
    ],
)
def test_a_data_perimeter_hides_no_deny_of_who_must_stay(perimeter: Any, who: str, cut: str) -> None:
    ours = deny(Condition={"ArnEquals": {"aws:PrincipalArn": who}})["Statement"]
    after = {**perimeter, "Statement": [*perimeter["Statement"], *ours]}
    with pytest.raises(lockout.LockOut, match=rf"{cut}.*Way out"):
        lockout.check_bucket(looking(break_glass=(f"arn:aws:iam::{ME}:role/ops/Rescue",)), "b", perimeter, after)


def test_a_deny_by_what_only_a_request_has_is_said_not_to_be_evaluated() -> None:
    after = deny(Condition={"StringEquals": {"aws:SourceVpc": "vpc-9"}, "Null": {"aws:username": "true"}})
    assert lockout.check_bucket(looking(), "b", None, after).endswith(
        "cannot be evaluated, it depends on aws:SourceVpc of each request"
    )


def test_break_glass_given_as_the_arn_of_a_session_protects_its_role() -> None:
    ctx = looking(break_glass=(f"arn:aws:sts::{ME}:assumed-role/Rescue/bob",))
    with pytest.raises(lockout.LockOut, match="role Rescue is a break-glass principal"):
        lockout.check_role(ctx, "Rescue")
    after = deny(Condition={"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ME}:role/ops/Rescue"}})
    with pytest.raises(lockout.LockOut, match="break-glass role/"):
        lockout.check_bucket(ctx, "b", None, after)


@pytest.mark.parametrize(
    "arn", [f"arn:aws:sts::{ME}:assumed-role/Gone/bob", "arn:aws:sts::999988887777:assumed-role/Rescue/bob"]
)
def test_break_glass_that_cannot_be_resolved_is_refused_instead_of_said_to_be_checked(arn: str) -> None:
    with pytest.raises(Refusal, match="Way out"):
        lockout.check_user(looking(break_glass=(arn,)), "mallory")


def test_who_assumed_the_role_of_the_console_is_not_cut_either() -> None:
    me = f"arn:aws:sts::{ME}:assumed-role/Responder/alice"
    ctx = looking(me, sources=(f"arn:aws:iam::{ME}:user/alice",))
    with pytest.raises(lockout.LockOut, match="assumed with its credentials"):
        lockout.check_user(ctx, "alice")
    with pytest.raises(lockout.LockOut, match="you work through"):
        lockout.check_role(looking(me, sources=(f"arn:aws:sts::{ME}:assumed-role/Hub/a",)), "Hub")
    assert "none is cut" in lockout.check_user(ctx, "mallory")


def test_users_by_name_have_the_path_that_iam_gives_them() -> None:
    found = sort({"user": ("alice", "/eng/alice", f"arn:aws:iam::{ME}:user/alice")}, ME, arn_of)
    assert [item.id for item in found.principals] == [f"arn:aws:iam::{ME}:user/eng/alice"]
