"""AWS's whole decision over all policies of a request."""

from __future__ import annotations

from typing import Any

import pytest

from s3ir_tui.policy import Caller, Decision, Policies, Request, authorize

OWNER = "111122223333"
OTHER = "999988887777"
USER_ARN = f"arn:aws:iam::{OWNER}:user/ann"
ROLE_ARN = f"arn:aws:iam::{OWNER}:role/web"
SESSION_ARN = f"arn:aws:sts::{OWNER}:assumed-role/web/i-0abc"
FEDERATED_ARN = f"arn:aws:sts::{OWNER}:federated-user/bob"
STRANGER_ARN = f"arn:aws:iam::{OTHER}:user/mallory"

USER = Caller(account=OWNER, arn=USER_ARN)
ROLE = Caller(account=OWNER, arn=ROLE_ARN, session_arn=SESSION_ARN)
FEDERATED = Caller(account=OWNER, arn=USER_ARN, session_arn=FEDERATED_ARN)
ROOT = Caller(account=OWNER, root=True)
STRANGER = Caller(account=OTHER, arn=STRANGER_ARN)
STRANGE_ROOT = Caller(account=OTHER, root=True)
ANONYMOUS = Caller(anonymous=True)
LOGGING = Caller(service="logging.s3.amazonaws.com")

GET = "s3:GetObject"
BUCKET = "arn:aws:s3:::payroll"
OBJECT = f"{BUCKET}/2026.csv"
TRUSTED_ROLE = f"arn:aws:iam::{OWNER}:role/admin"


def document(effect: str, action: str = "*", principal: Any = None, **more: Any) -> dict[str, Any]:
    """A policy of one statement."""
    statement: dict[str, Any] = {"Sid": f"{effect}It", "Effect": effect, "Action": action, "Resource": "*", **more}
    if principal is not None:
        statement["Principal"] = principal
    return {"Version": "2012-10-17", "Statement": [statement]}


ALLOW, DENY, EMPTY = document("Allow"), document("Deny"), {"Version": "2012-10-17", "Statement": []}


def decide(caller: Caller, action: str = GET, asked: str = OBJECT, acl: bool = False, **policies: Any) -> Decision:
    """The decision on an object of a bucket that `OWNER` owns."""
    return authorize(Request(action, asked, caller), Policies(**{"resource_owner": OWNER, **policies}), acl_allows=acl)


def grant(principal: Any) -> dict[str, Any]:
    """A bucket policy that grants everything to a principal."""
    return document("Allow", principal=principal)


SAME_ACCOUNT = [
    ("nothing", USER, {}, False),
    ("identity allows", USER, {"identity": (ALLOW,)}, True),
    ("one of several identity policies allows", USER, {"identity": (EMPTY, ALLOW)}, True),
    ("bucket policy names the user", USER, {"resource": grant({"AWS": USER_ARN})}, True),
    ("bucket policy names the role", ROLE, {"resource": grant({"AWS": ROLE_ARN})}, True),
    ("bucket policy names the account only", USER, {"resource": grant({"AWS": OWNER})}, False),
    ("account named, identity allows", USER, {"resource": grant({"AWS": OWNER}), "identity": (ALLOW,)}, True),
    ("bucket policy names everyone", USER, {"resource": grant("*")}, True),
    ("identity allows, boundary silent", USER, {"identity": (ALLOW,), "boundary": EMPTY}, False),
    ("identity and boundary allow", USER, {"identity": (ALLOW,), "boundary": ALLOW}, True),
    ("boundary alone grants nothing", USER, {"boundary": ALLOW}, False),
    ("identity allows, session silent", ROLE, {"identity": (ALLOW,), "session": (EMPTY,)}, False),
    ("identity and one session policy allow", ROLE, {"identity": (ALLOW,), "session": (EMPTY, ALLOW)}, True),
    ("session alone grants nothing", ROLE, {"session": (ALLOW,)}, False),
    ("role granted, boundary silent", ROLE, {"resource": grant({"AWS": ROLE_ARN}), "boundary": EMPTY}, False),
    ("role granted, session silent", ROLE, {"resource": grant({"AWS": ROLE_ARN}), "session": (EMPTY,)}, False),
    ("role granted, limits allow", ROLE, {"resource": grant({"AWS": ROLE_ARN}), "boundary": ALLOW}, True),
    ("session granted, limits silent", ROLE, {"resource": grant({"AWS": SESSION_ARN}), "boundary": EMPTY}, True),
    ("everyone granted, session silent", ROLE, {"resource": grant("*"), "session": (EMPTY,)}, True),
    ("user granted, boundary silent", USER, {"resource": grant({"AWS": USER_ARN}), "boundary": EMPTY}, True),
    ("federated user granted", FEDERATED, {"resource": grant({"AWS": FEDERATED_ARN}), "session": (EMPTY,)}, True),
    ("its user granted", FEDERATED, {"resource": grant({"AWS": USER_ARN}), "session": (EMPTY,)}, False),
    ("federated, no session policy", FEDERATED, {"identity": (ALLOW,), "session": (EMPTY,)}, False),
    ("scps silent", USER, {"identity": (ALLOW,), "scps": ((EMPTY,),)}, False),
    ("an scp allows", USER, {"identity": (ALLOW,), "scps": ((EMPTY, ALLOW),)}, True),
    ("scp silent over a bucket grant", USER, {"resource": grant({"AWS": USER_ARN}), "scps": ((EMPTY,),)}, False),
    ("root", ROOT, {}, True),
    ("root under a silent scp", ROOT, {"scps": ((EMPTY,),)}, False),
    ("root denied by the bucket policy", ROOT, {"resource": document("Deny", principal="*")}, False),
    ("acl, identity silent", USER, {"acl": True}, False),
    ("acl, identity allows", USER, {"acl": True, "identity": (ALLOW,)}, True),
]


@pytest.mark.parametrize(("_case", "caller", "policies", "allowed"), SAME_ACCOUNT, ids=[c[0] for c in SAME_ACCOUNT])
def test_within_one_account(_case: str, caller: Caller, policies: dict[str, Any], allowed: bool) -> None:
    assert decide(caller, **policies).allowed is allowed


CROSS_ACCOUNT = [
    ("identity alone", STRANGER, {"identity": (ALLOW,)}, False),
    ("bucket policy alone", STRANGER, {"resource": grant({"AWS": STRANGER_ARN})}, False),
    ("public bucket policy alone", STRANGER, {"resource": grant("*")}, False),
    ("both, user named", STRANGER, {"identity": (ALLOW,), "resource": grant({"AWS": STRANGER_ARN})}, True),
    ("both, account named", STRANGER, {"identity": (ALLOW,), "resource": grant({"AWS": OTHER})}, True),
    ("both, everyone named", STRANGER, {"identity": (ALLOW,), "resource": grant("*")}, True),
    ("both, own boundary silent", STRANGER, {"identity": (ALLOW,), "resource": grant("*"), "boundary": EMPTY}, False),
    ("acl and identity", STRANGER, {"identity": (ALLOW,), "acl": True}, True),
    ("acl alone", STRANGER, {"acl": True}, False),
    ("foreign root, account named", STRANGE_ROOT, {"resource": grant({"AWS": OTHER})}, True),
    ("foreign root, nothing", STRANGE_ROOT, {}, False),
    ("unknown account", Caller(unique_id="AIDAX"), {"identity": (ALLOW,)}, False),
]


@pytest.mark.parametrize(("_case", "caller", "policies", "allowed"), CROSS_ACCOUNT, ids=[c[0] for c in CROSS_ACCOUNT])
def test_across_accounts_both_sides_must_allow(
    _case: str, caller: Caller, policies: dict[str, Any], allowed: bool
) -> None:
    assert decide(caller, **policies).allowed is allowed


UNSIGNED = [
    ("anonymous, nothing", ANONYMOUS, {}, False),
    ("anonymous, identity does not count", ANONYMOUS, {"identity": (ALLOW,)}, False),
    ("anonymous, public policy", ANONYMOUS, {"resource": grant("*")}, True),
    ("anonymous, public acl", ANONYMOUS, {"acl": True}, True),
    ("anonymous, public acl, policy denies", ANONYMOUS, {"acl": True, "resource": document("Deny", "*", "*")}, False),
    ("anonymous, account granted", ANONYMOUS, {"resource": grant({"AWS": OWNER})}, False),
    ("anonymous, scp does not count", ANONYMOUS, {"resource": grant("*"), "scps": ((DENY,),)}, True),
    ("service granted", LOGGING, {"resource": grant({"Service": "logging.s3.amazonaws.com"})}, True),
    ("service not granted", LOGGING, {"resource": grant({"Service": "config.amazonaws.com"})}, False),
    (
        "service, scp does not count",
        LOGGING,
        {"resource": grant({"Service": LOGGING.service}), "scps": ((DENY,),)},
        True,
    ),
]


@pytest.mark.parametrize(("_case", "caller", "policies", "allowed"), UNSIGNED, ids=[c[0] for c in UNSIGNED])
def test_anonymous_callers_and_services_have_only_the_resources_side(
    _case: str, caller: Caller, policies: dict[str, Any], allowed: bool
) -> None:
    assert decide(caller, **policies).allowed is allowed


DENIED = [
    ("scps", ((DENY,),), "a service control policy"),
    ("resource", document("Deny", principal="*"), "a resource-based policy"),
    ("identity", (ALLOW, DENY), "an identity-based policy"),
    ("boundary", DENY, "a permissions boundary"),
    ("session", (DENY,), "a session policy"),
]


@pytest.mark.parametrize(("place", "policy", "words"), DENIED)
def test_an_explicit_deny_anywhere_decides_and_is_named(place: str, policy: Any, words: str) -> None:
    allowing: dict[str, Any] = {
        "scps": ((ALLOW,),),
        "resource": grant("*"),
        "identity": (ALLOW,),
        "boundary": ALLOW,
        "session": (ALLOW,),
    }
    assert decide(ROLE, **allowing).allowed
    assert decide(ROLE, **{**allowing, place: policy}) == Decision(
        False, f"with an explicit deny in {words}", "DenyIt", explicit=True
    )


MISSING = [
    (USER, {}, "identity-based policy"),
    (USER, {"identity": (ALLOW,), "boundary": EMPTY}, "permissions boundary"),
    (ROLE, {"identity": (ALLOW,), "session": (EMPTY,)}, "session policy"),
    (USER, {"identity": (ALLOW,), "scps": ((EMPTY,),)}, "service control policy"),
    (STRANGER, {"identity": (ALLOW,)}, "resource-based policy"),
    (STRANGER, {"resource": grant("*")}, "identity-based policy"),
    (ANONYMOUS, {}, "resource-based policy"),
]


@pytest.mark.parametrize(("caller", "policies", "kind"), MISSING)
def test_an_implicit_deny_names_the_policy_that_is_missing(caller: Caller, policies: dict[str, Any], kind: str) -> None:
    found = decide(caller, **policies)
    assert found == Decision(False, f"because no {kind} allows the s3:GetObject action")


def test_an_allow_names_its_statement() -> None:
    assert decide(USER, identity=(ALLOW,)) == Decision(True, "by an identity-based policy", "AllowIt")
    assert decide(USER, resource=grant({"AWS": USER_ARN})) == Decision(True, "by a resource-based policy", "AllowIt")
    assert decide(ANONYMOUS, acl=True) == Decision(True, "by an access control list")


@pytest.mark.parametrize("action", ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"])
def test_root_of_the_owner_can_always_repair_the_bucket_policy(action: str) -> None:
    locked = document("Deny", principal="*")
    assert decide(ROOT, action, BUCKET, resource=locked).allowed
    assert not decide(ROOT, action, BUCKET, resource=locked, scps=((DENY,),)).allowed
    assert not decide(USER, action, BUCKET, resource=locked, identity=(ALLOW,)).allowed
    assert decide(STRANGE_ROOT, action, BUCKET, resource=locked).explicit


def test_root_is_held_by_the_bucket_policy_for_everything_else() -> None:
    assert decide(ROOT, "s3:PutBucketAcl", BUCKET, resource=document("Deny", principal="*")).explicit


def test_not_principal_in_a_deny_never_spares_a_caller_with_a_boundary() -> None:
    everyone_else = {
        "Statement": [{"Effect": "Deny", "NotPrincipal": {"AWS": [OWNER, USER_ARN]}, "Action": "*", "Resource": "*"}]
    }
    assert decide(USER, identity=(ALLOW,), resource=everyone_else).allowed
    assert decide(USER, identity=(ALLOW,), resource=everyone_else, boundary=ALLOW).explicit


def trust(principal: Any, action: str = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    """A trust policy."""
    return {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": action, **more}]}


def assume(caller: Caller, policy: Any, action: str = "sts:AssumeRole", **policies: Any) -> Decision:
    """Whether the caller may assume a role of `OWNER`."""
    return decide(caller, action, TRUSTED_ROLE, resource=policy, **policies)


ASSUME = [
    ("exact user suffices", USER, trust({"AWS": USER_ARN}), {}, True),
    ("exact role suffices", ROLE, trust({"AWS": ROLE_ARN}), {}, True),
    ("everyone suffices in the account", USER, trust({"AWS": "*"}), {}, True),
    ("account delegates only", USER, trust({"AWS": OWNER}), {}, False),
    ("account and identity", USER, trust({"AWS": OWNER}), {"identity": (ALLOW,)}, True),
    ("identity without trust", USER, trust({"AWS": OTHER}), {"identity": (ALLOW,)}, False),
    ("no trust policy at all", USER, None, {"identity": (ALLOW,)}, False),
    ("foreign user needs both", STRANGER, trust({"AWS": STRANGER_ARN}), {}, False),
    ("foreign user has both", STRANGER, trust({"AWS": STRANGER_ARN}), {"identity": (ALLOW,)}, True),
    ("foreign account has both", STRANGER, trust({"AWS": OTHER}), {"identity": (ALLOW,)}, True),
    ("only a deny that names someone else", USER, document("Deny", principal={"AWS": OTHER}), {}, False),
    ("service", Caller(service="ec2.amazonaws.com"), trust({"Service": "ec2.amazonaws.com"}), {}, True),
    ("user where a service is trusted", USER, trust({"Service": "ec2.amazonaws.com"}), {"identity": (ALLOW,)}, False),
    ("exact user denied by identity", USER, trust({"AWS": USER_ARN}), {"identity": (DENY,)}, False),
]


@pytest.mark.parametrize(("_case", "caller", "policy", "policies", "allowed"), ASSUME, ids=[c[0] for c in ASSUME])
def test_assume_role_needs_the_trust_policy(
    _case: str, caller: Caller, policy: Any, policies: dict[str, Any], allowed: bool
) -> None:
    found = assume(caller, policy, **policies)
    assert found.allowed is allowed
    if not allowed and not policies:
        assert "role trust policy" in found.reason or "identity-based policy" in found.reason


def test_trust_refusals_are_worded_for_trust() -> None:
    assert assume(USER, trust({"AWS": OTHER})).reason == (
        "because no role trust policy allows the sts:AssumeRole action"
    )
    denied = {"Statement": [*trust({"AWS": "*"})["Statement"], *document("Deny", principal="*")["Statement"]]}
    assert assume(USER, denied).reason == "with an explicit deny in a role trust policy"


def test_a_trust_condition_on_the_external_id_counts() -> None:
    policy = trust({"AWS": OTHER}, Condition={"StringEquals": {"sts:ExternalId": "42"}})

    def asked(context: dict[str, str]) -> bool:
        request = Request("sts:AssumeRole", TRUSTED_ROLE, STRANGER, context)
        return authorize(request, Policies(identity=(ALLOW,), resource=policy, resource_owner=OWNER)).allowed

    assert asked({"sts:ExternalId": "42"})
    assert not asked({"sts:ExternalId": "43"})
    assert not asked({})


def test_a_web_identity_needs_only_the_trust_policy() -> None:
    provider = Caller(federated="accounts.google.com")
    action = "sts:AssumeRoleWithWebIdentity"
    assert assume(provider, trust({"Federated": "accounts.google.com"}, action), action).allowed
    assert not assume(provider, trust({"Federated": "cognito-identity.amazonaws.com"}, action), action).allowed


def test_sessions_of_a_provider_still_have_their_roles_policies() -> None:
    session = Caller(account=OWNER, arn=ROLE_ARN, session_arn=SESSION_ARN, federated="accounts.google.com")
    assert decide(session, identity=(ALLOW,)).allowed
    assert decide(session, identity=(DENY,)).explicit


@pytest.mark.parametrize("action", ["sts:GetCallerIdentity", "sts:GetSessionToken"])
def test_calls_that_policies_cannot_control_are_allowed_under_any_deny(action: str) -> None:
    assert decide(USER, action, "*", identity=(DENY,), scps=((DENY,),)).allowed
    assert not decide(ANONYMOUS, action, "*").allowed


def test_a_resource_without_owner_is_the_callers_own() -> None:
    found = authorize(Request("iam:ListUsers", "*", STRANGER), Policies(identity=(ALLOW,)))
    assert found.allowed
