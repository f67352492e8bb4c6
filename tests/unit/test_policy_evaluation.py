"""One document and one request: actions, resources, principals, the caller's condition keys."""

from __future__ import annotations

from typing import Any

import pytest

from s3ir_tui.policy import Caller, Effect, Match, PolicyError, Request, evaluate

ACCOUNT = "111122223333"
ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"
USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/team/ann"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/app/web"
SESSION_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/i-0abc"
FEDERATED_ARN = f"arn:aws:sts::{ACCOUNT}:federated-user/bob"

USER = Caller(account=ACCOUNT, arn=USER_ARN, unique_id="AIDAANN")
ROLE = Caller(account=ACCOUNT, arn=ROLE_ARN, session_arn=SESSION_ARN, unique_id="AROAWEB:i-0abc")
FEDERATED = Caller(account=ACCOUNT, arn=USER_ARN, session_arn=FEDERATED_ARN, unique_id=f"{ACCOUNT}:bob")
ROOT = Caller(account=ACCOUNT, root=True)
SERVICE = Caller(service="logging.s3.amazonaws.com")
ANONYMOUS = Caller(anonymous=True)
PROVIDER = Caller(federated="arn:aws:iam::111122223333:saml-provider/corp")
STRANGER = Caller(arn="arn:aws:iam::999988887777:user/mallory")


def says(
    statement: dict[str, Any],
    caller: Caller = USER,
    action: str = "s3:GetObject",
    resource: str = "arn:aws:s3:::b/k",
    *,
    resource_policy: bool = False,
    **context: Any,
) -> Effect:
    """What a policy of one statement says; the statement's missing elements allow everything."""
    scope = {} if "NotAction" in statement else {"Action": "*"}
    scope |= {} if "NotResource" in statement else {"Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", **scope, **statement}}
    keys = {key.replace("__", ":"): value for key, value in context.items()}
    return evaluate(document, Request(action, resource, caller, keys), resource_policy=resource_policy).effect


ACTIONS = [
    ({"Action": "s3:GetObject"}, True),
    ({"Action": "S3:getobject"}, True),
    ({"Action": "s3:Get*"}, True),
    ({"Action": "s3:*Object"}, True),
    ({"Action": "s3:GetObj?ct"}, True),
    ({"Action": "*:GetObject"}, True),
    ({"Action": "*"}, True),
    ({"Action": "s3:GetObjectVersion"}, False),
    ({"Action": "s3:Get"}, False),
    ({"Action": ["s3:PutObject", "s3:GetObject"]}, True),
    ({"Action": []}, False),
    ({"NotAction": "s3:PutObject"}, True),
    ({"NotAction": ["s3:Get*", "iam:*"]}, False),
    ({"NotAction": "*"}, False),
]


@pytest.mark.parametrize(("statement", "expected"), ACTIONS)
def test_actions_match_without_case_and_with_wildcards(statement: dict[str, Any], expected: bool) -> None:
    assert (says(statement) is Effect.ALLOW) is expected


RESOURCES = [
    ({"Resource": "arn:aws:s3:::b/k"}, "arn:aws:s3:::b/k", True),
    ({"Resource": "arn:aws:s3:::b/K"}, "arn:aws:s3:::b/k", False),
    ({"Resource": "arn:aws:s3:::b"}, "arn:aws:s3:::b/k", False),
    ({"Resource": "arn:aws:s3:::b/*"}, "arn:aws:s3:::b", False),
    ({"Resource": "arn:aws:s3:::b*"}, "arn:aws:s3:::b/k", True),
    ({"Resource": "arn:aws:s3:::b/*/test/*"}, "arn:aws:s3:::b/1///test///o", True),
    ({"Resource": "arn:aws:s3:::b/*/test/*"}, "arn:aws:s3:::b/1/test/", True),
    ({"Resource": "arn:aws:s3:::b/*/test/*"}, "arn:aws:s3:::b/1-test/o", False),
    ({"Resource": "arn:aws:s3:::b/*/test/*"}, "arn:aws:s3:::b/test/o", False),
    ({"Resource": "arn:aws:s3:::b/*"}, "arn:aws:s3:::b/a:b\nc", True),
    ({"Resource": "arn:aws:s3:::b/a[1].txt"}, "arn:aws:s3:::b/a1.txt", False),
    ({"Resource": "arn:aws:s3:*"}, "arn:aws:s3:::b/k", True),
    ({"Resource": ["arn:aws:s3:::a", "arn:aws:s3:::b/?"]}, "arn:aws:s3:::b/k", True),
    ({"Resource": "arn:aws:s3:::b/${aws:username}/*"}, "arn:aws:s3:::b/ann/x", True),
    ({"Resource": "arn:aws:s3:::b/${aws:username}/*"}, "arn:aws:s3:::b/bob/x", False),
    ({"Resource": "arn:aws:s3:::b/${aws:PrincipalTag/x}"}, "arn:aws:s3:::b/${aws:PrincipalTag/x}", False),
    ({"NotResource": "arn:aws:s3:::b/*"}, "arn:aws:s3:::b/k", False),
    ({"NotResource": ["arn:aws:s3:::a/*", "arn:aws:s3:::c/*"]}, "arn:aws:s3:::b/k", True),
]


@pytest.mark.parametrize(("statement", "resource", "expected"), RESOURCES)
def test_resources_match_with_case_and_wildcards(statement: dict[str, Any], resource: str, expected: bool) -> None:
    assert (says(statement, resource=resource) is Effect.ALLOW) is expected


def test_a_variable_without_value_in_not_resource_spares_nothing() -> None:
    scope = {"NotResource": "arn:aws:s3:::b/${aws:PrincipalTag/home}/*"}
    assert says({"Effect": "Deny", **scope}) is Effect.DENY
    assert says({"Effect": "Allow", **scope}) is Effect.ALLOW
    assert says({"Effect": "Deny", "NotResource": [*scope.values(), "arn:aws:s3:::b/*"]}) is Effect.NONE


PRINCIPALS = [
    # Principal, caller, what an Allow says
    ("*", ANONYMOUS, Effect.ALLOW),
    ("*", STRANGER, Effect.ALLOW),
    ({"AWS": "*"}, ANONYMOUS, Effect.ALLOW),
    ({"AWS": "*"}, SERVICE, Effect.ALLOW),
    ({"AWS": ACCOUNT}, USER, Effect.ALLOW_ACCOUNT),
    ({"AWS": ROOT_ARN}, USER, Effect.ALLOW_ACCOUNT),
    ({"AWS": ROOT_ARN}, ROLE, Effect.ALLOW_ACCOUNT),
    ({"AWS": ROOT_ARN}, FEDERATED, Effect.ALLOW_ACCOUNT),
    ({"AWS": ROOT_ARN}, ROOT, Effect.ALLOW),
    ({"AWS": ACCOUNT}, ROOT, Effect.ALLOW),
    ({"AWS": ROOT_ARN}, STRANGER, Effect.NONE),
    ({"AWS": ROOT_ARN}, ANONYMOUS, Effect.NONE),
    ({"AWS": ROOT_ARN}, SERVICE, Effect.NONE),
    ({"AWS": "999988887777"}, STRANGER, Effect.ALLOW_ACCOUNT),
    ({"AWS": USER_ARN}, USER, Effect.ALLOW),
    ({"AWS": [ROOT_ARN, USER_ARN]}, USER, Effect.ALLOW),
    ({"AWS": USER_ARN.upper()}, USER, Effect.NONE),
    ({"AWS": "AIDAANN"}, USER, Effect.ALLOW),
    ({"AWS": "AIDABOB"}, USER, Effect.NONE),
    ({"AWS": ROLE_ARN}, ROLE, Effect.ALLOW),
    ({"AWS": "AROAWEB"}, ROLE, Effect.ALLOW),
    ({"AWS": SESSION_ARN}, ROLE, Effect.ALLOW),
    ({"AWS": SESSION_ARN.replace("i-0abc", "other")}, ROLE, Effect.NONE),
    ({"AWS": SESSION_ARN.replace("i-0abc", "*")}, ROLE, Effect.NONE),
    ({"AWS": FEDERATED_ARN}, FEDERATED, Effect.ALLOW),
    ({"AWS": USER_ARN}, FEDERATED, Effect.ALLOW),
    ({"Service": "logging.s3.amazonaws.com"}, SERVICE, Effect.ALLOW),
    ({"Service": ["a.amazonaws.com", "logging.s3.amazonaws.com"]}, SERVICE, Effect.ALLOW),
    ({"Service": "a.amazonaws.com"}, SERVICE, Effect.NONE),
    ({"Service": "logging.s3.amazonaws.com"}, USER, Effect.NONE),
    ({"Federated": "arn:aws:iam::111122223333:saml-provider/corp"}, PROVIDER, Effect.ALLOW),
    ({"Federated": "accounts.google.com"}, PROVIDER, Effect.NONE),
    ({"CanonicalUser": "79a5"}, USER, Effect.NONE),
]


@pytest.mark.parametrize(("principal", "caller", "expected"), PRINCIPALS)
def test_principals_name_callers_as_documented(principal: Any, caller: Caller, expected: Effect) -> None:
    assert says({"Principal": principal}, caller, resource_policy=True) is expected
    denied = says({"Effect": "Deny", "Principal": principal}, caller, resource_policy=True)
    assert denied is (Effect.NONE if expected is Effect.NONE else Effect.DENY)


def test_a_role_session_without_its_role_arn_matches_the_role_without_path() -> None:
    caller = Caller(session_arn=SESSION_ARN)
    role = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/web"}
    assert says({"Principal": role}, caller, resource_policy=True) is Effect.ALLOW
    assert says({"Principal": {"AWS": ACCOUNT}}, caller, resource_policy=True) is Effect.ALLOW_ACCOUNT


def test_statements_without_principal_say_nothing_in_a_resource_policy() -> None:
    assert says({"Effect": "Allow"}, resource_policy=True) is Effect.NONE
    assert says({"Effect": "Deny"}, resource_policy=True) is Effect.NONE


def test_principals_do_not_count_in_an_identity_policy() -> None:
    assert says({"Principal": {"AWS": "999988887777"}}) is Effect.ALLOW


NOT_PRINCIPALS = [
    # who is named in NotPrincipal of a Deny, caller, whether the caller is denied
    ([ROOT_ARN, USER_ARN], USER, False),
    ([ACCOUNT, USER_ARN], USER, False),
    ([USER_ARN], USER, True),
    ([ROOT_ARN], USER, True),
    ([ROOT_ARN], ROOT, False),
    ([ROOT_ARN, ROLE_ARN, SESSION_ARN], ROLE, False),
    ([ROOT_ARN, ROLE_ARN], ROLE, True),
    ([ROOT_ARN, SESSION_ARN], ROLE, True),
    ([ROOT_ARN, USER_ARN], STRANGER, True),
    ([ROOT_ARN, USER_ARN], ANONYMOUS, True),
    ([ROOT_ARN, USER_ARN], SERVICE, True),
]


@pytest.mark.parametrize(("named", "caller", "denied"), NOT_PRINCIPALS)
def test_not_principal_in_a_deny_spares_only_who_is_named_at_every_level(
    named: list[str], caller: Caller, denied: bool
) -> None:
    found = says({"Effect": "Deny", "NotPrincipal": {"AWS": named}}, caller, resource_policy=True)
    assert found is (Effect.DENY if denied else Effect.NONE)


def test_not_principal_in_a_deny_can_spare_a_service() -> None:
    statement = {"Effect": "Deny", "NotPrincipal": {"Service": "logging.s3.amazonaws.com"}}
    assert says(statement, SERVICE, resource_policy=True) is Effect.NONE
    assert says(statement, USER, resource_policy=True) is Effect.DENY


def test_not_principal_in_an_allow_leaves_out_who_is_named() -> None:
    statement = {"NotPrincipal": {"AWS": ROOT_ARN}}
    assert says(statement, USER, resource_policy=True) is Effect.NONE
    assert says(statement, ANONYMOUS, resource_policy=True) is Effect.ALLOW


CALLER_KEYS = [
    (USER, "aws:PrincipalArn", USER_ARN),
    (USER, "aws:PrincipalAccount", ACCOUNT),
    (USER, "aws:userid", "AIDAANN"),
    (USER, "aws:PrincipalType", "User"),
    (USER, "aws:username", "ann"),
    (USER, "aws:PrincipalIsAWSService", "false"),
    (ROLE, "aws:PrincipalArn", ROLE_ARN),
    (ROLE, "aws:userid", "AROAWEB:i-0abc"),
    (ROLE, "aws:PrincipalType", "AssumedRole"),
    (ROLE, "aws:username", None),
    (Caller(session_arn=SESSION_ARN, unique_id="AROAWEB"), "aws:userid", "AROAWEB:i-0abc"),
    (FEDERATED, "aws:PrincipalArn", FEDERATED_ARN),
    (FEDERATED, "aws:PrincipalType", "FederatedUser"),
    (FEDERATED, "aws:userid", f"{ACCOUNT}:bob"),
    (FEDERATED, "aws:username", None),
    (ROOT, "aws:PrincipalArn", ROOT_ARN),
    (ROOT, "aws:PrincipalType", "Account"),
    (ROOT, "aws:userid", ACCOUNT),
    (Caller(arn=ROOT_ARN), "aws:PrincipalType", "Account"),
    (ANONYMOUS, "aws:PrincipalArn", None),
    (ANONYMOUS, "aws:PrincipalAccount", "anonymous"),
    (ANONYMOUS, "aws:userid", "anonymous"),
    (ANONYMOUS, "aws:PrincipalType", "Anonymous"),
    (ANONYMOUS, "aws:PrincipalIsAWSService", None),
    (SERVICE, "aws:PrincipalArn", None),
    (SERVICE, "aws:PrincipalIsAWSService", "true"),
    (SERVICE, "aws:PrincipalServiceName", "logging.s3.amazonaws.com"),
    (STRANGER, "aws:PrincipalAccount", "999988887777"),
]


@pytest.mark.parametrize(("caller", "key", "value"), CALLER_KEYS)
def test_condition_keys_about_the_caller_are_derived(caller: Caller, key: str, value: str | None) -> None:
    missing = says({"Principal": "*", "Condition": {"Null": {key: "true"}}}, caller, resource_policy=True)
    assert (missing is Effect.ALLOW) is (value is None)
    if value is not None:
        same = {"StringEquals": {key: value}}
        assert says({"Principal": "*", "Condition": same}, caller, resource_policy=True) is Effect.ALLOW


def test_keys_of_the_context_go_before_derived_ones() -> None:
    condition = {"StringEquals": {"aws:PrincipalAccount": "444455556666"}}
    assert says({"Condition": condition}, USER, aws__principalaccount="444455556666") is Effect.ALLOW


def test_an_allow_list_by_negated_arn_denies_anonymous_callers_and_services() -> None:
    lock = {
        "Effect": "Deny",
        "Principal": "*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": [USER_ARN, ROLE_ARN]}},
    }
    for caller, expected in ((USER, Effect.NONE), (ROLE, Effect.NONE)):
        assert says(lock, caller, resource_policy=True) is expected
    for caller in (ANONYMOUS, SERVICE, STRANGER, ROOT, FEDERATED):
        assert says(lock, caller, resource_policy=True) is Effect.DENY


def test_sessions_issued_before_the_cut_off_are_denied_and_keys_are_not() -> None:
    revoke = {"Effect": "Deny", "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2026-11-24T09:00:00Z"}}}
    assert says(revoke, ROLE, aws__TokenIssueTime="2026-11-24T08:59:59Z") is Effect.DENY
    assert says(revoke, ROLE, aws__TokenIssueTime="2026-11-24T09:00:00Z") is Effect.NONE
    assert says(revoke, USER) is Effect.NONE


def test_a_session_arn_as_condition_value_matches_nothing() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": SESSION_ARN}}}
    assert says(deny, ROLE, resource_policy=True) is Effect.NONE


def test_the_first_applying_deny_is_named_and_else_the_widest_allow() -> None:
    def allow(sid: str, principal: Any, effect: str = "Allow") -> dict[str, Any]:
        return {"Sid": sid, "Effect": effect, "Principal": principal, "Action": "*", "Resource": "*"}

    request = Request("s3:GetObject", "arn:aws:s3:::b/k", USER)
    allows = [allow("root", {"AWS": ROOT_ARN}), allow("user", {"AWS": USER_ARN}), allow("all", "*")]
    assert evaluate({"Statement": allows}, request, resource_policy=True) == Match(Effect.ALLOW, "user")
    document = {"Statement": [*allows, allow("no", {"AWS": ACCOUNT}, "Deny")]}
    assert evaluate(document, request, resource_policy=True) == Match(Effect.DENY, "no")
    accounts = {"Statement": [allow("first", {"AWS": ACCOUNT}), allow("second", {"AWS": ROOT_ARN})]}
    assert evaluate(accounts, request, resource_policy=True).sid == "first"
    assert evaluate({"Statement": []}, request, resource_policy=True) == Match(Effect.NONE, "")


def test_grants_to_a_role_are_marked_as_limited() -> None:
    def limited(principal: Any, caller: Caller) -> bool:
        document = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"}]}
        return evaluate(document, Request("s3:GetObject", "x", caller), resource_policy=True).limited

    assert limited({"AWS": ROLE_ARN}, ROLE)
    assert limited({"AWS": USER_ARN}, FEDERATED)
    assert not limited({"AWS": SESSION_ARN}, ROLE)
    assert not limited({"AWS": USER_ARN}, USER)
    assert not limited("*", ROLE)


BROKEN = [
    {},
    {"Effect": "allow", "Action": "*"},
    {"Effect": "Allow"},
    {"Effect": "Allow", "Action": "*", "NotAction": "*"},
    {"Effect": "Allow", "Action": 1},
    {"Effect": "Allow", "Action": "*", "Resource": [1]},
    {"Effect": "Allow", "Action": "*", "Principal": "arn:aws:iam::1:root"},
    {"Effect": "Allow", "Action": "*", "Condition": []},
    {"Effect": "Allow", "Action": "*", "Condition": {"Bool": "true"}},
    {"Effect": "Allow", "Action": "*", "Condition": {"Bool": {"k": {}}}},
    {"Effect": "Allow", "Action": "*", "Sid": 1},
]


@pytest.mark.parametrize("statement", BROKEN)
def test_documents_that_are_no_policies_are_refused(statement: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        evaluate({"Statement": [statement]}, Request("s3:GetObject", "x", USER), resource_policy=True)
