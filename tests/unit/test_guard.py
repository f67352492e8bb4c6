"""The write guard: nothing but the reads that the console makes leaves a guarded session."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.config import Config

from s3ir_tui.aws.guard import READS, SIGN_IN, WriteGuard, WriteRefused, _name

READ_PREFIXES = ("Get", "List", "Head", "Describe", "Lookup", "Filter")
READS_WITHOUT_PREFIX = frozenset({"iam:GenerateCredentialReport", "logs:StartLiveTail", "sqs:ReceiveMessage"})


PUT = {"Bucket": "b", "Policy": "{}"}
ROLE = "arn:aws:iam::111122223333:role/responder"


class Sent(Exception):
    """Raised in place of the network."""


@pytest.fixture(scope="module")
def loader() -> Any:
    return botocore.session.Session()


def guarded() -> tuple[Any, WriteGuard]:
    session = botocore.session.Session()
    session.set_credentials("AKIAEXAMPLEEXAMPLE00", "secret", None)
    guard = WriteGuard()
    guard.install(session)

    def stop(**_: Any) -> None:
        raise Sent

    session.register("before-send", stop)
    return session, guard


def s3(session: Any) -> Any:
    return session.create_client("s3", region_name="us-east-1")


def test_every_allowed_read_exists_and_is_a_read(loader: Any) -> None:
    for service, operations in READS.items():
        model = loader.get_service_model(service)
        assert _name(f"event.{model.service_id.hyphenize()}.Any") == f"{service.replace('-', '')}:Any"
        for operation in operations:
            assert operation in model.operation_names, f"{service}:{operation}"
            called = f"{service}:{operation}"
            assert operation.startswith(READ_PREFIXES) or called in READS_WITHOUT_PREFIX, called


def test_sign_in_operations_exist_and_are_those_of_botocores_credential_providers(loader: Any) -> None:
    for service, operations in SIGN_IN.items():
        assert operations <= set(loader.get_service_model(service).operation_names)
    assert {f"{s}:{o}" for s, ops in SIGN_IN.items() for o in ops} == {
        "sts:AssumeRole",
        "sts:AssumeRoleWithWebIdentity",
        "sso:GetRoleCredentials",
        "sso-oidc:CreateToken",
        "signin:CreateOAuth2Token",
    }


def _operations(loader: Any) -> Iterator[tuple[str, str, Any]]:
    for service in loader.get_available_services():
        model = loader.get_service_model(service)
        for operation in model.operation_names:
            yield service, operation, model.service_id.hyphenize()


def test_every_operation_of_every_service_is_refused_unless_listed(loader: Any) -> None:
    guard = WriteGuard()
    allowed = {f"{s}:{o}" for s, ops in READS.items() for o in ops}
    seen: set[str] = set()
    count = 0
    for service, operation, service_id in _operations(loader):
        count += 1
        passed = []
        for handler in (guard._begin, guard._send, guard._sign):
            try:
                handler(event_name=f"event.{service_id}.{operation}")
                passed.append(True)
            except WriteRefused:
                passed.append(False)
        if any(passed):
            assert all(passed)
            seen.add(f"{service}:{operation}")
    assert seen == allowed
    assert count > 10_000


@pytest.mark.parametrize(
    "service", ["s3", "s3control", "iam", "sts", "ec2", "cloudtrail", "organizations", "kms", "logs"]
)
def test_real_clients_send_no_operation_that_is_not_listed(service: str) -> None:
    session, guard = guarded()
    guard.armed = True
    client = session.create_client(service, region_name="us-east-1")
    allowed = READS.get(service, frozenset())
    for operation in client.meta.service_model.operation_names:
        if operation not in allowed:
            with pytest.raises(WriteRefused):
                getattr(client, xform_name(operation))()


def test_a_role_is_assumed_only_while_signing_in_and_only_the_one_that_was_configured() -> None:
    session, guard = guarded()
    sts = session.create_client("sts", region_name="us-east-1")
    guard.choose_roles(ROLE)
    with pytest.raises(WriteRefused):
        sts.assume_role(RoleArn=ROLE, RoleSessionName="xy")
    with pytest.raises(WriteRefused):
        sts.generate_presigned_url("assume_role", {"RoleArn": ROLE, "RoleSessionName": "xy"})
    with guard.signing_in():
        with pytest.raises(WriteRefused):
            sts.assume_role(RoleArn=ROLE + "-admin", RoleSessionName="xy")
        with pytest.raises(Sent):
            sts.assume_role(RoleArn=ROLE, RoleSessionName="xy")
    with pytest.raises(WriteRefused):
        sts.assume_role(RoleArn=ROLE, RoleSessionName="xy")


def test_a_permit_is_for_the_parameters_of_the_step_alone() -> None:
    session, guard = guarded()
    guard.armed = True
    client = s3(session)
    with guard.permit("s3:PutBucketPolicy", PUT):
        for other in ({**PUT, "Bucket": "c"}, {**PUT, "Policy": "{ }"}, {**PUT, "ExpectedBucketOwner": "1"}):
            with pytest.raises(WriteRefused, match="other parameters"):
                client.put_bucket_policy(**other)
        with pytest.raises(Sent):
            client.put_bucket_policy(**PUT)


def test_a_read_reaches_the_network() -> None:
    session, _ = guarded()
    with pytest.raises(Sent):
        s3(session).list_buckets()


def test_presigned_urls_and_posts_of_writes_are_refused() -> None:
    session, guard = guarded()
    client = s3(session)
    assert client.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"}).startswith("https://")
    with pytest.raises(WriteRefused):
        client.generate_presigned_url("put_object", {"Bucket": "b", "Key": "k"})
    with pytest.raises(WriteRefused):
        client.generate_presigned_post("b", "k")
    for name, params, method in (
        ("get_object", {"Bucket": "b", "Key": "k"}, "DELETE"),
        ("get_object", {"Bucket": "b", "Key": "k"}, "PUT"),
        ("get_bucket_policy", {"Bucket": "b"}, "PUT"),
        ("head_bucket", {"Bucket": "b"}, "DELETE"),
    ):
        with pytest.raises(WriteRefused):
            client.generate_presigned_url(name, params, HttpMethod=method)
    guard.armed = True
    with guard.permit("s3:PutObject", {"Bucket": "b", "Key": "k"}), pytest.raises(WriteRefused):
        client.generate_presigned_post("b", "k")


def test_unsigned_clients_and_clients_made_later_are_guarded_too() -> None:
    from botocore import UNSIGNED

    session, _ = guarded()
    client = session.create_client("s3", region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    with pytest.raises(WriteRefused):
        client.put_object(Bucket="b", Key="k", Body=b"")
    import boto3

    resource = boto3.Session(botocore_session=session).client("iam", region_name="us-east-1")
    with pytest.raises(WriteRefused):
        resource.create_user(UserName="x")


def test_there_is_no_permit_in_a_read_only_console() -> None:
    _, guard = guarded()
    with pytest.raises(WriteRefused, match="read-only"), guard.permit("s3:PutBucketPolicy", PUT):
        pytest.fail("permit given")


def test_a_permit_opens_one_operation_once() -> None:
    session, guard = guarded()
    guard.armed = True
    client = s3(session)
    with guard.permit("s3:PutBucketPolicy", PUT):
        with pytest.raises(WriteRefused):
            client.delete_bucket_policy(Bucket="b")
        with pytest.raises(Sent):
            client.put_bucket_policy(Bucket="b", Policy="{}")
        with pytest.raises(WriteRefused):
            client.put_bucket_policy(Bucket="b", Policy="{}")
    with pytest.raises(WriteRefused):
        client.put_bucket_policy(Bucket="b", Policy="{}")


def test_a_permit_does_not_outlive_disarming_nor_nest() -> None:
    session, guard = guarded()
    guard.armed = True
    with guard.permit("s3:PutBucketPolicy", PUT):
        with pytest.raises(WriteRefused), guard.permit("s3:PutBucketAcl", {"Bucket": "b"}):
            pytest.fail("nested")
        guard.armed = False
        with pytest.raises(WriteRefused):
            s3(session).put_bucket_policy(Bucket="b", Policy="{}")


def test_a_permit_is_of_no_use_to_another_thread() -> None:
    session, guard = guarded()
    guard.armed = True
    client = s3(session)
    outcome: list[BaseException] = []

    def other() -> None:
        try:
            client.put_bucket_policy(Bucket="b", Policy="{}")
        except BaseException as error:
            outcome.append(error)

    with guard.permit("s3:PutBucketPolicy", PUT):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(10)
    assert [type(error) for error in outcome] == [WriteRefused]
