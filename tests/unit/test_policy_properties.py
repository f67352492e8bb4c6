"""What holds for every policy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from s3ir_tui.policy import (
    Caller,
    Effect,
    Policies,
    PolicyError,
    Request,
    authorize,
    evaluate,
    foreign_accounts,
    is_public,
    measure,
    merge,
    minify,
    named_principals,
    parse,
    statements,
    validate,
    without_sids,
)

OWNER, OTHER = "111122223333", "999988887777"
USER_ARN = f"arn:aws:iam::{OWNER}:user/ann"
ROLE_ARN = f"arn:aws:iam::{OWNER}:role/web"
SESSION_ARN = f"arn:aws:sts::{OWNER}:assumed-role/web/i-0abc"
CALLERS = [
    Caller(account=OWNER, arn=USER_ARN, unique_id="AIDAANN"),
    Caller(account=OWNER, arn=ROLE_ARN, session_arn=SESSION_ARN, unique_id="AROAWEB:i-0abc"),
    Caller(account=OWNER, root=True),
    Caller(account=OTHER, arn=f"arn:aws:iam::{OTHER}:user/mallory"),
    Caller(anonymous=True),
    Caller(service="logging.s3.amazonaws.com"),
]
ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:*", "s3:Get*", "*", "iam:*", "sts:AssumeRole"]
RESOURCES = ["*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::c/*"]
PRINCIPALS = [OWNER, OTHER, f"arn:aws:iam::{OWNER}:root", USER_ARN, ROLE_ARN, SESSION_ARN, "AROAWEB", "*"]
CONDITIONS: list[dict[str, Any]] = [
    {"Bool": {"aws:SecureTransport": "true"}},
    {"StringNotEquals": {"aws:PrincipalAccount": OWNER}},
    {"ArnEquals": {"aws:PrincipalArn": [USER_ARN, ROLE_ARN]}},
    {"ArnNotLikeIfExists": {"aws:PrincipalArn": f"arn:aws:iam::{OWNER}:role/*"}},
    {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    {"DateLessThan": {"aws:TokenIssueTime": "2026-11-24T09:00:00Z"}},
    {"Null": {"aws:TokenIssueTime": "true"}},
    {"ForAllValues:StringLike": {"aws:TagKeys": "a*"}},
    {"StringResembles": {"aws:username": "ann"}},
    {"NumericLessThan": {"aws:username": "1"}},
]


def some(choices: list[Any]) -> st.SearchStrategy[Any]:
    """One of them, or a list of some."""
    return st.sampled_from(choices) | st.lists(st.sampled_from(choices), min_size=1, max_size=3)


@st.composite
def a_statement(draw: st.DrawFn, effect: str | None = None) -> dict[str, Any]:
    """A statement that AWS would take, or that has an unknown operator."""
    item: dict[str, Any] = {"Effect": effect or draw(st.sampled_from(["Allow", "Deny"]))}
    item[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(some(ACTIONS))
    item[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(some(RESOURCES))
    who = draw(st.just("*") | some(PRINCIPALS).map(lambda value: {"AWS": value}))
    item[draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))] = who
    if draw(st.booleans()):
        item["Condition"] = draw(st.sampled_from(CONDITIONS))
    if draw(st.booleans()):
        item["Sid"] = draw(st.sampled_from("ABCDEF"))
    return item


@st.composite
def a_document(draw: st.DrawFn) -> dict[str, Any]:
    """A policy; each Sid at most once."""
    items = draw(st.lists(a_statement(), max_size=4))
    sids: set[str] = set()
    for item in items:
        if item.get("Sid") in sids:
            del item["Sid"]
        sids.add(item.get("Sid", ""))
    return {"Version": draw(st.sampled_from(["2012-10-17", "2008-10-17"])), "Statement": items}


@st.composite
def a_request(draw: st.DrawFn) -> Request:
    """A request by one of the callers."""
    context: dict[str, str | tuple[str, ...]] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "aws:SecureTransport": st.sampled_from(["true", "false"]),
                "aws:SourceIp": st.sampled_from(["203.0.113.9", "2001:db8::1", "AWS Internal"]),
                "aws:TokenIssueTime": st.sampled_from(["2026-11-24T08:00:00Z", "1795514400"]),
                "aws:TagKeys": st.sampled_from([(), ("ab",), ("ab", "c")]),
            },
        )
    )
    resource = draw(st.sampled_from(["arn:aws:s3:::b", "arn:aws:s3:::b/ann/x", "arn:aws:s3:::c/x", "*"]))
    action = draw(st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:ListBucket", "sts:AssumeRole", "iam:GetUser"]))
    return Request(action, resource, draw(st.sampled_from(CALLERS)), context)


some_documents = st.lists(a_document(), max_size=2).map(tuple)
some_policies = st.builds(
    Policies,
    identity=some_documents,
    resource=st.none() | a_document(),
    resource_owner=st.sampled_from([None, OWNER, OTHER]),
    boundary=st.none() | a_document(),
    session=some_documents,
    scps=st.lists(some_documents, max_size=2).map(tuple),
    rcps=some_documents,
    endpoint=st.none() | a_document(),
)
PLACES = st.sampled_from(["identity", "resource", "boundary", "session", "scps", "rcps", "endpoint"])
DENY_ALL = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}


def with_statement(policies: Policies, place: str, statement: dict[str, Any]) -> Policies:
    """The policies with a statement added to the documents of one kind; a kind that is absent stays absent."""
    return replace(policies, **{place: extended(getattr(policies, place), statement)})


def extended(held: Any, statement: dict[str, Any]) -> Any:
    """One document, or the first of a list or of its first level, with a statement more."""
    if isinstance(held, tuple):
        return (extended(held[0], statement), *held[1:]) if held else held
    return held and {**held, "Statement": [*held["Statement"], statement]}


@given(some_policies, a_request(), st.booleans())
def test_an_explicit_deny_in_the_resource_policy_wins(policies: Policies, request: Request, acl: bool) -> None:
    denying = Policies(
        policies.identity, {"Statement": [DENY_ALL]}, policies.resource_owner, None, policies.session, policies.scps
    )
    found = authorize(request, denying, acl_allows=acl)
    assert not found.allowed
    assert found.explicit


@given(some_policies, a_request(), PLACES, st.booleans())
def test_a_deny_for_everything_wins_wherever_it_counts(
    policies: Policies, request: Request, place: str, acl: bool
) -> None:
    counts = place in ("resource", "rcps", "endpoint") or request.caller.account is not None
    denying = with_statement(policies, place, DENY_ALL)
    if counts and denying != policies:
        assert authorize(request, denying, acl_allows=acl).explicit


@given(some_policies, a_request(), PLACES, a_statement("Allow"), st.booleans())
@settings(max_examples=150)
def test_adding_an_allow_never_turns_allowed_into_denied(
    policies: Policies, request: Request, place: str, allow: dict[str, Any], acl: bool
) -> None:
    if authorize(request, policies, acl_allows=acl).allowed:
        assert authorize(request, with_statement(policies, place, allow), acl_allows=acl).allowed
        assert authorize(request, policies, acl_allows=True).allowed


@given(some_policies, a_request(), PLACES, a_statement("Deny"), st.booleans())
@settings(max_examples=150)
def test_adding_a_deny_never_turns_denied_into_allowed(
    policies: Policies, request: Request, place: str, deny: dict[str, Any], acl: bool
) -> None:
    if not authorize(request, policies, acl_allows=acl).allowed:
        assert not authorize(request, with_statement(policies, place, deny), acl_allows=acl).allowed


@given(a_document(), a_request(), st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_statements_does_not_matter(
    document: dict[str, Any], request: Request, resource_policy: bool, random: Any
) -> None:
    shuffled = {**document, "Statement": random.sample(document["Statement"], len(document["Statement"]))}
    first = evaluate(document, request, resource_policy=resource_policy)
    second = evaluate(minify(shuffled), request, resource_policy=resource_policy)
    assert (first.effect, first.limited) == (second.effect, second.limited)


@given(a_document(), a_request())
def test_the_public_is_let_in_only_by_public_policies(document: dict[str, Any], request: Request) -> None:
    stranger = Request(request.action, request.resource, Caller(anonymous=True), {})
    if evaluate(document, stranger, resource_policy=True).effect is Effect.ALLOW:
        assert is_public(document)


@given(a_document(), a_request())
def test_other_accounts_are_let_in_only_by_public_policies_or_by_name(
    document: dict[str, Any], request: Request
) -> None:
    mallory = Request(request.action, request.resource, CALLERS[3], request.context)
    if evaluate(document, mallory, resource_policy=True).effect in (Effect.ALLOW, Effect.ALLOW_ACCOUNT):
        assert is_public(document) or OTHER in foreign_accounts(document, OWNER) or named_by_condition(document)


def named_by_condition(document: dict[str, Any]) -> bool:
    """Whether an Allow to everyone has a condition that bounds the network, which is not public and names nobody."""
    return any("IpAddress" in item.get("Condition", {}) for item in statements(document))


new_statements = st.lists(a_statement(), min_size=1, max_size=3, unique_by=str)


def safely(document: dict[str, Any] | None, new: list[dict[str, Any]]) -> dict[str, Any] | None:
    """`merge`, or `None` where it refuses variables in a document of the old version."""
    try:
        return merge(document, new)
    except PolicyError:
        return None


@given(st.none() | a_document(), new_statements)
def test_merge_is_idempotent(document: dict[str, Any] | None, new: list[dict[str, Any]]) -> None:
    once = safely(document, new)
    if once is not None:
        assert merge(once, new) == once
        assert all(any(item == other for other in once["Statement"]) for item in new if "Sid" not in item)


@given(st.none() | a_document(), new_statements)
def test_taking_out_what_was_merged_gives_back_the_document(
    document: dict[str, Any] | None, new: list[dict[str, Any]]
) -> None:
    ours = [{**item, "Sid": f"Ours{place}"} for place, item in enumerate(new)]
    merged = safely(document, ours)
    if merged is not None:
        left = document if document and document["Statement"] else None
        assert without_sids(merged, [item["Sid"] for item in ours]) == left
        assert [item for item in merged["Statement"] if item in ours] == ours


@given(st.none() | a_document(), new_statements, a_request())
def test_a_merged_deny_all_holds_everyone(
    document: dict[str, Any] | None, new: list[dict[str, Any]], request: Request
) -> None:
    merged = safely(document, [*new, {**DENY_ALL, "Sid": "Ours"}])
    if merged is not None:
        assert evaluate(merged, request, resource_policy=True).effect is Effect.DENY


@given(a_document(), st.text())
def test_minified_text_means_the_same(document: dict[str, Any], sid: str) -> None:
    named = {**document, "Id": sid}
    text = minify(named)
    assert statements(text) == statements(named)
    assert minify(text) == text
    assert measure(named) == len(text.encode("utf-8", "surrogatepass"))
    known = {**named, "Statement": [item for item in named["Statement"] if parses(item)]}
    assert parse(minify(known)) == parse(known) == known


def parses(statement: dict[str, Any]) -> bool:
    """Whether the strict reader takes it."""
    try:
        parse({"Statement": [statement]})
    except PolicyError:
        return False
    return True


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
ELEMENTS = ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "Resource", "NotResource", "Condition", "AWS"]
odd_values = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([*ELEMENTS, "Null"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(ELEMENTS), odd_values), a_request())
@settings(max_examples=200)
def test_whatever_stands_in_a_document_only_policy_errors_come_out(changes: dict[str, Any], request: Request) -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": "*", "Principal": "*", **changes}]}
    uses: list[Callable[[], Any]] = [
        lambda: parse(document),
        lambda: validate(document, "bucket", bucket="b"),
        lambda: is_public(document),
        lambda: foreign_accounts(document, OWNER),
        lambda: merge(document, [DENY_ALL]),
        lambda: without_sids(document, {"A"}),
        lambda: named_principals(document),
        lambda: evaluate(document, request, resource_policy=True),
    ]
    for use in uses:
        with suppress(PolicyError):
            use()


@cache
def glob(pattern: str, text: str) -> bool:
    """Wildcards, as simply as they can be said."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return glob(pattern[1:], text) or (bool(text) and glob(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and glob(pattern[1:], text[1:])


def arn_glob(pattern: str, text: str) -> bool:
    """The same, part by part."""
    wanted, found = pattern.split(":", 5), text.split(":", 5)
    wanted += ["*"] * (6 - len(wanted))
    return len(found) == 6 and all(glob(one, other) for one, other in zip(wanted, found, strict=True))


@given(st.text("ab:*?", max_size=12), st.text("ab:", max_size=12), st.sampled_from(["StringLike", "ArnLike"]))
@settings(max_examples=400)
def test_wildcards_match_as_simply_said(pattern: str, text: str, operator: str) -> None:
    expected = glob(pattern, text) if operator == "StringLike" else arn_glob(pattern, text)
    condition = {operator: {"k": pattern}}
    document = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}]}
    request = Request("s3:GetObject", "x", CALLERS[0], {"k": text})
    assert (evaluate(document, request, resource_policy=False).effect is Effect.ALLOW) is expected
