"""Policy documents as data, and what the storing APIs refuse."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest

from s3ir_tui.policy import (
    BUCKET_POLICY_LIMIT,
    PolicyError,
    measure,
    merge,
    minify,
    named_principals,
    parse,
    statements,
    validate,
    without_sids,
)

ONE = {"Sid": "One", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
TWO = {**ONE, "Sid": "Two", "Effect": "Deny"}
BARE = {key: value for key, value in TWO.items() if key != "Sid"}


def doc(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", **more, "Statement": list(items)}


def test_a_single_statement_counts_as_a_list_of_one() -> None:
    single = {"Version": "2012-10-17", "Statement": ONE}
    assert statements(single) == (ONE,)
    assert parse(json.dumps(single)) == doc(ONE)


def test_what_is_read_is_a_copy() -> None:
    source = doc(dict(ONE))
    parse(source)["Statement"][0]["Effect"] = "Deny"
    assert source["Statement"][0]["Effect"] == "Allow"


def test_any_mapping_is_a_document() -> None:
    assert parse(MappingProxyType(doc(ONE))) == doc(ONE)


TEXTS = [
    "",
    "null",
    "[]",
    '"Statement"',
    "{",
    "{}",
    '{"Statement":"x"}',
    '{"Statement":["x"]}',
    '{"Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*"}]}',
    '{"Statement":[],"Statement":[]}',
    '{"Statement":[{"Effect":"Allow","Action":"*","Condition":{"NumericEquals":{"a":NaN}}}]}',
    '{"Statement":' + "[" * 200_000,
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_text_that_is_no_policy_is_refused(text: str) -> None:
    for read in (parse, statements):
        with pytest.raises(PolicyError):
            read(text)


STRICT = [
    {"Version": "2020-01-01", "Statement": []},
    {"Statement": [], "Statements": []},
    doc({**ONE, "Resources": "x"}),
    doc({**ONE, "Principal": {"User": "x"}}),
    doc({**ONE, "Principal": "arn:aws:iam::111122223333:root"}),
    doc({**ONE, "Effect": "ALLOW"}),
    doc({**ONE, "Condition": {"StringEquals": {"a": []}}}),
]


@pytest.mark.parametrize("document", STRICT)
def test_parse_is_strict(document: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        parse(document)


def test_merge_replaces_in_place_appends_and_keeps_the_rest() -> None:
    new = {**ONE, "Action": "s3:*"}
    assert merge(doc(ONE, TWO, Id="keep"), [new]) == doc(new, TWO, Id="keep")
    assert merge(doc(ONE), [TWO]) == doc(ONE, TWO)
    assert merge(None, [TWO]) == doc(TWO)
    assert merge(json.dumps({"Statement": ONE}), [TWO]) == {"Statement": [ONE, TWO]}


def test_merge_does_not_add_a_statement_without_sid_twice() -> None:
    once = merge(doc(ONE), [BARE])
    assert once == doc(ONE, BARE)
    assert merge(once, [BARE]) == once


def test_merge_leaves_one_statement_of_a_sid_that_stood_twice() -> None:
    assert merge(doc(ONE, TWO, {**ONE, "Effect": "Deny"}), [ONE]) == doc(ONE, TWO)
    assert merge(None, [{**ONE, "Effect": "Deny"}, ONE]) == doc(ONE)


def test_merge_keeps_elements_that_it_does_not_know() -> None:
    strange = {**ONE, "Sid": "Strange", "Condition": {"NewOperator": {"a": "b"}}, "NewElement": 1}
    assert merge(doc(strange), [TWO]) == doc(strange, TWO)


def test_merge_refuses_variables_that_the_old_version_would_take_literally() -> None:
    scoped = {**TWO, "Resource": "arn:aws:s3:::b/${aws:username}/*"}
    assert merge(doc(ONE), [scoped])["Statement"] == [ONE, scoped]
    with pytest.raises(PolicyError, match="2008-10-17"):
        merge({"Statement": [ONE]}, [scoped])


def test_without_sids_takes_out_only_these() -> None:
    assert without_sids(doc(ONE, TWO, BARE), {"Two"}) == doc(ONE, BARE)
    assert without_sids(doc(ONE), ["Two"]) == doc(ONE)
    assert without_sids(doc(ONE), ["One"]) is None
    assert without_sids(None, ["One"]) is None


def test_size_is_that_of_the_minified_utf8_text() -> None:
    document = doc({**ONE, "Sid": "Lohn für Ärzte"})
    text = json.dumps(document, indent=4)
    assert minify(text) == minify(document)
    assert measure(text) == measure(document) == len(minify(document).encode())
    assert measure(document) > len(minify(document))
    assert "\n" not in minify(text)
    assert '": ' not in minify(text)


def test_policies_that_json_cannot_hold_are_refused() -> None:
    for document in ({"Statement": [{"Sid": {1, 2}}]}, {"Statement": [{"Sid": float("nan")}]}):
        with pytest.raises(PolicyError):
            minify(document)


def test_named_principals_are_listed_once() -> None:
    first = {**ONE, "Principal": {"AWS": ["111122223333", "*"], "Service": "s3.amazonaws.com"}}
    second = {**BARE, "Principal": {"AWS": "111122223333"}}
    third = {**{k: v for k, v in BARE.items() if k != "Principal"}, "NotPrincipal": {"AWS": "AROAX"}}
    assert named_principals(doc(first, second, third, ONE)) == ("111122223333", "AROAX")


BUCKET_REFUSED = [
    (doc(), "Statement is empty"),
    (doc({k: v for k, v in ONE.items() if k != "Principal"}), "Missing required field Principal"),
    (doc({k: v for k, v in ONE.items() if k != "Resource"}), "Missing required field Resource"),
    (doc({**ONE, "Principal": {}}), "Missing required field Principal"),
    (doc({**ONE, "Principal": {"AWS": []}}), "Invalid principal"),
    (doc({**ONE, "Principal": {"AWS": "arn:aws:iam::*:root"}}), "Invalid principal"),
    (doc({**ONE, "Principal": {"AWS": "arn:aws:sts::111122223333:assumed-role/r/*"}}), "Invalid principal"),
    (doc({**ONE, "Principal": {"AWS": "AROAEXAMPLEID"}}), "Invalid principal"),
    (doc({**ONE, "Principal": {"AWS": "ann"}}), "Invalid principal"),
    (doc({**ONE, "Resource": "arn:aws:s3:::other/*"}), "invalid resource"),
    (doc({**ONE, "Resource": "arn:aws:s3:::bb"}), "invalid resource"),
    (doc({**ONE, "Resource": "*"}), "invalid resource"),
    (doc({**ONE, "Action": "iam:CreateUser"}), "invalid action"),
    (doc(ONE, ONE), "must be unique"),
    (doc({**ONE, "Sid": "x" * BUCKET_POLICY_LIMIT}), "maximum allowed document size"),
]


@pytest.mark.parametrize(("document", "words"), BUCKET_REFUSED, ids=[words for _, words in BUCKET_REFUSED])
def test_bucket_policies_are_refused_in_the_words_of_s3(document: dict[str, Any], words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        validate(document, "bucket", bucket="b")


@pytest.mark.parametrize(
    "change",
    [
        {"Principal": {"AWS": ["111122223333", "arn:aws:iam::111122223333:role/path/r"]}},
        {"Principal": {"AWS": "arn:aws:sts::111122223333:assumed-role/r/session"}},
        {"Principal": {"Service": "logging.s3.amazonaws.com"}},
        {"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::*"]},
        {"Action": "*"},
        {"Sid": "with spaces - and more"},
    ],
)
def test_bucket_policies_that_s3_takes_are_taken(change: dict[str, Any]) -> None:
    assert validate(doc({**ONE, **change}), "bucket", bucket="b") == doc({**ONE, **change})


IAM = {"Sid": "One", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
IAM_REFUSED = [
    ("identity", {**IAM, "Principal": "*"}, "should not specify a principal"),
    ("identity", {k: v for k, v in IAM.items() if k != "Resource"}, "must contain resources"),
    ("identity", {**IAM, "Action": []}, "must contain actions"),
    ("identity", {**IAM, "Action": "GetObject"}, "prefaced by a vendor"),
    ("identity", {**IAM, "Sid": "no spaces"}, "alpha-numeric"),
    ("trust", {**TRUST, "Resource": "*"}, "prohibited field Resource"),
    ("trust", {**TRUST, "Action": "s3:*"}, "STS AssumeRole actions"),
    ("trust", {k: v for k, v in TRUST.items() if k != "Principal"}, "Missing required field Principal"),
]


@pytest.mark.parametrize(("kind", "statement", "words"), IAM_REFUSED, ids=[case[2] for case in IAM_REFUSED])
def test_iam_policies_are_refused_in_the_words_of_iam(kind: Any, statement: dict[str, Any], words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        validate(doc(statement), kind)


def test_iam_policies_that_iam_takes_are_taken() -> None:
    revoke: dict[str, Any] = {"Effect": "Deny", "Action": ["*"], "Resource": ["*"]}
    revoke |= {"Condition": {"DateLessThan": {"aws:TokenIssueTime": "2026-11-24T09:00:00Z"}}}
    assert validate(doc(IAM, revoke), "identity") == doc(IAM, revoke)
    assert validate(doc(TRUST), "trust") == doc(TRUST)
