"""What AWS refuses to store, as validation and the check of merged policies say it."""

from __future__ import annotations

from typing import Any

import pytest

from s3ir_tui.policy import (
    MANAGED_POLICY_LIMIT,
    TRUST_POLICY_LIMIT,
    PolicyError,
    PolicyTooLarge,
    characters,
    check_inline_size,
    problems,
    validate,
)

ACTION = "Action does not apply to any resource"
CONDITION = "Conditions do not apply to combination"
BUCKET, OBJECTS = "arn:aws:s3:::b", "arn:aws:s3:::b/*"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: Any, resources: Any, condition: Any = None, **more: Any) -> dict[str, Any]:
    item = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": actions, "Resource": resources, **more}
    return {**item, "Condition": condition} if condition else item


@pytest.mark.parametrize(
    ("actions", "resources"),
    [
        ("s3:CreateAccessPoint", [BUCKET, OBJECTS]),
        ("s3:ListAllMyBuckets", BUCKET),
        ("s3:GetAccountPublicAccessBlock", BUCKET),
        ("s3:GetObject", BUCKET),
        ("s3:GetBucketAcl", OBJECTS),
        (["s3:GetObject", "s3:ListBucket"], OBJECTS),
        ("s3:PutBucket*", OBJECTS),
    ],
)
def test_an_action_that_applies_to_no_resource_of_its_statement_is_refused(actions: Any, resources: Any) -> None:
    with pytest.raises(PolicyError, match=ACTION):
        validate(policy(allow(actions, resources)), "bucket", bucket="b")


@pytest.mark.parametrize(
    ("actions", "resources"),
    [
        ("s3:*", OBJECTS),
        ("*", BUCKET),
        ("s3:Get*", OBJECTS),
        ("s3:List*", OBJECTS),
        (["s3:GetObject", "s3:ListBucket"], [BUCKET, OBJECTS]),
        ("s3:GetObject", "arn:aws:s3:::b*"),
        ("s3:GetObject", "arn:aws:s3:::b/${aws:username}/*"),
        ("s3:getobject", OBJECTS),
        ("s3:HeadBucket", BUCKET),
        (["s3:DeleteBucket*", "s3:Put*Configuration", "s3:PutBucket*"], BUCKET),
    ],
)
def test_an_action_that_applies_to_one_resource_is_taken(actions: Any, resources: Any) -> None:
    validate(policy(allow(actions, resources)), "bucket", bucket="b")


def test_what_a_negated_element_leaves_over_is_not_judged() -> None:
    item = allow("s3:GetObject", None)
    del item["Resource"]
    validate(policy({**item, "NotResource": BUCKET}), "bucket", bucket="b")
    item = allow(None, BUCKET)
    del item["Action"]
    validate(policy({**item, "NotAction": "s3:GetObject"}), "bucket", bucket="b")


@pytest.mark.parametrize("name", ["s3:ListObjects", "s3:ListObjectsV2", "s3:GetObjects"])
def test_an_action_that_s3_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(PolicyError, match="Policy has invalid action"):
        validate(policy(allow(name, [BUCKET, OBJECTS])), "bucket", bucket="b")


TAG, NEW_TAG = {"StringEquals": {"s3:ExistingObjectTag/k": "v"}}, {"StringEquals": {"s3:RequestObjectTag/k": "v"}}
PREFIX = {"StringLike": {"s3:prefix": "home/*"}}
COPY = {"StringLike": {"s3:x-amz-copy-source": "b/public/*"}}


@pytest.mark.parametrize(
    ("actions", "condition"),
    [
        ("s3:GetObject", PREFIX),
        (["s3:GetObject", "s3:ListBucket"], PREFIX),
        (["s3:ListBucket", "s3:GetBucketLocation"], PREFIX),
        ("s3:ListBucketMultipartUploads", PREFIX),
        ("s3:PutObject", TAG),
        ("s3:DeleteObject", TAG),
        ("s3:GetObjectRetention", TAG),
        ("s3:PutObjectLegalHold", TAG),
        (["s3:GetObject", "s3:PutObject"], TAG),
        ("s3:PutObjectAcl", NEW_TAG),
        (["s3:PutObjectAcl", "s3:PutObjectTagging"], NEW_TAG),
        (["s3:GetObject", "s3:PutObject"], COPY),
        (["s3:GetObjectVersion", "s3:PutObject"], {"StringEquals": {"s3:x-amz-acl": "private"}}),
        (["s3:GetObject", "s3:PutObject"], {"Null": {"s3:x-amz-server-side-encryption": "true"}}),
    ],
)
def test_a_condition_key_that_does_not_apply_to_each_action_is_refused(actions: Any, condition: Any) -> None:
    # Each of these pairs is one that S3 is known to refuse.
    with pytest.raises(PolicyError, match=CONDITION):
        validate(policy(allow(actions, [BUCKET, OBJECTS], condition)), "bucket", bucket="b")


@pytest.mark.parametrize(
    ("actions", "condition"),
    [
        ("s3:ListBucket", PREFIX),
        ("s3:ListBucketVersions", PREFIX),
        ("s3:GetObject", TAG),
        ("s3:GetObjectAttributes", TAG),
        ("s3:DeleteObjectTagging", TAG),
        ("s3:PutObject", NEW_TAG),
        ("s3:PutObject", COPY),
        ("s3:*", {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
        ("s3:*", {"NumericGreaterThan": {"s3:signatureAge": "600000"}}),
        ("*", {"StringEquals": {"s3:DataAccessPointAccount": "111122223333"}}),
        ("s3:*", {"StringEquals": {"s3:ResourceAccount": "111122223333"}}),
        ("s3:GetObject", {"StringEquals": {"aws:SomethingNew": "x"}}),
        ("s3:GetObject", {"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-west-1:1:function:f"}}),
    ],
)
def test_a_condition_key_that_applies_is_taken(actions: Any, condition: Any) -> None:
    validate(policy(allow(actions, [BUCKET, OBJECTS], condition)), "bucket", bucket="b")


def test_a_condition_key_that_s3_does_not_have_is_refused() -> None:
    with pytest.raises(PolicyError, match="Policy has an invalid condition key"):
        validate(policy(allow("s3:PutObject", OBJECTS, {"StringEquals": {"s3:x-acl": "x"}})), "bucket", bucket="b")


def test_a_principal_that_does_not_exist_is_refused() -> None:
    document = policy(allow("s3:GetObject", OBJECTS, Principal={"AWS": "arn:aws:iam::111122223333:user/gone"}))
    validate(document, "bucket", bucket="b")
    with pytest.raises(PolicyError, match="Invalid principal in policy"):
        validate(document, "bucket", bucket="b", exists=lambda _principal: False)


def test_access_point_policies_name_the_access_point_and_what_is_behind_it() -> None:
    point = "arn:aws:s3:eu-west-1:111122223333:accesspoint/door"
    validate(policy(allow(["s3:GetObject", "s3:ListBucket"], [point, f"{point}/object/*"])), "access point")
    with pytest.raises(PolicyError, match=ACTION):
        validate(policy(allow("s3:GetObject", point)), "access point")
    with pytest.raises(PolicyError, match="invalid resource"):
        validate(policy(allow("s3:GetObject", OBJECTS)), "access point")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"NotPrincipal": {"AWS": "111122223333"}, "Principal": None}, "Allow with NotPrincipal is not allowed"),
        ({"NotResource": "*"}, "must not contain resources"),
    ],
)
def test_trust_policies_are_refused_in_the_words_of_iam(change: dict[str, Any], words: str) -> None:
    item = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole", **change}
    item = {key: value for key, value in item.items() if value is not None}
    with pytest.raises(PolicyError, match=words):
        validate(policy(item), "trust")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Action": "s3:Get:Object"}, "only one colon"),
        ({"Resource": "bucket"}, "must be in ARN format"),
    ],
)
def test_identity_policies_are_refused_in_the_words_of_iam(change: dict[str, Any], words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        validate(policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **change}), "identity")


def test_iam_stores_names_of_actions_that_do_not_exist() -> None:
    validate(policy({"Effect": "Allow", "Action": "s3:NoSuchAction", "Resource": "*"}), "identity")


def test_sizes_are_those_of_iams_quotas_without_white_space() -> None:
    item = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/" + "x" * MANAGED_POLICY_LIMIT}
    with pytest.raises(PolicyTooLarge, match="Cannot exceed quota for PolicySize: 6144"):
        validate(policy(item), "identity", limit=MANAGED_POLICY_LIMIT)
    assert characters('{ "Version": "2012-10-17",\n "Statement": [] }') == len(
        '{"Version":"2012-10-17","Statement":[]}'
    )
    half = policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/" + "x" * 1000})
    check_inline_size([half], "user", "ann")
    with pytest.raises(PolicyTooLarge, match="Maximum policy size of 2048 bytes exceeded for user ann"):
        check_inline_size([half, half], "user", "ann")


def test_a_trust_policy_over_its_quota_is_a_problem_of_the_whole() -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}
    (problem,) = problems(policy({**trust, "Sid": "x" * TRUST_POLICY_LIMIT}), kind="trust", limit=TRUST_POLICY_LIMIT)
    assert problem.words == "the policy: Cannot exceed quota for ACLSizePerRole: 2048"


def test_a_merged_policy_names_each_statement_that_would_make_s3_refuse_it() -> None:
    document = policy(
        allow("s3:GetObject", OBJECTS, Sid="Orphan", Principal={"AWS": "AIDAEXAMPLEID"}),
        allow("s3:GetObject", OBJECTS, Principal="*"),
        allow("s3:CreateAccessPoint", BUCKET, Sid="Ours"),
        allow("s3:GetObject", OBJECTS, Sid="Sound"),
    )
    found = problems(document, kind="bucket", bucket="b", block_public_policy=True)
    assert [(problem.place, problem.code, problem.detail) for problem in found] == [
        (0, "principal", "AIDAEXAMPLEID"),
        (1, "public", ""),
        (2, "action-resource", "s3:CreateAccessPoint"),
    ]
    assert found[0].words == "statement 'Orphan': Invalid principal in policy (AIDAEXAMPLEID)"
    assert found[1].words.startswith("statement 2 (no Sid): public policies are blocked by the BlockPublicPolicy")


def test_a_public_statement_is_no_problem_while_block_public_policy_is_off() -> None:
    assert problems(policy(allow("s3:GetObject", OBJECTS, Principal="*")), kind="bucket", bucket="b") == ()


def test_a_statement_that_cannot_be_read_is_one_problem_among_others() -> None:
    document = policy({"Effect": "Perhaps"}, allow("s3:ListBucket", OBJECTS))
    assert [(problem.place, problem.code) for problem in problems(document, kind="bucket", bucket="b")] == [
        (0, "syntax"),
        (1, "action-resource"),
    ]


@pytest.mark.parametrize("text", ["", "[]", '{"Statement": 3}', '{"Statement": [], "X": 1}'])
def test_text_that_is_no_policy_is_a_problem_of_the_whole(text: str) -> None:
    (problem,) = problems(text, kind="bucket")
    assert (problem.place, problem.code, problem.where) == (None, "syntax", "the policy")
