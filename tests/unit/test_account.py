"""The connection: signing in, what goes over the wire, what is said when it fails."""

from __future__ import annotations

import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from s3ir_tui.aws.account import Account
from s3ir_tui.aws.errors import AwsError, from_exception, from_response
from s3ir_tui.aws.guard import WriteRefused
from s3ir_tui.aws.sign_in import OneCode

KEY = {"aws_access_key_id": "AKIAEXAMPLEEXAMPLE00", "aws_secret_access_key": "long-term-secret"}
WHO = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{arn}</Arn><UserId>AIDAX</UserId>"
    "<Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
ASSUMED = (
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAASSUMEDASSUMED00</AccessKeyId>"
    "<SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>"
    "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)
BLOCK = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>"
ERROR = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
)


@dataclass
class Aws:
    """A few canned answers on loopback, and what was asked."""

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    fail: tuple[int, str, str] | None = None

    def answer(self, form: dict[str, str], path: str) -> tuple[int, str]:
        if self.fail:
            return self.fail[0], ERROR.format(code=self.fail[1], message=self.fail[2])
        if form.get("Action") == "AssumeRole":
            return 200, ASSUMED
        if form.get("Action") == "GetCallerIdentity":
            return 200, WHO.format(arn="arn:aws:iam::111122223333:user/alice")
        if "publicAccessBlock" in path:
            return 200, BLOCK
        return 400, ERROR.format(code="Unexpected", message=path)


@pytest.fixture
def aws() -> Iterator[Aws]:
    world = Aws()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            form = dict(urllib.parse.parse_qsl(body))
            world.asked.append(form)
            world.headers.append(self.headers)
            world.paths.append(self.path)
            status, text = world.answer(form, self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    world.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield world
    server.shutdown()
    thread.join(5)
    server.server_close()


def connect(aws: Aws, **given: Any) -> Account:
    return Account.connect(**{"endpoint_url": aws.url, "credentials": KEY, **given})


def test_the_identity_is_that_of_the_credentials(aws: Aws) -> None:
    account = connect(aws, region="eu-west-1")
    assert account.identity.arn == "arn:aws:iam::111122223333:user/alice"
    assert account.region == account.identity.region == "eu-west-1"
    assert account.own_keys == (KEY["aws_access_key_id"],)


def test_the_environment_names_endpoint_and_credentials(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT00000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    assert Account.connect().own_access_key == "AKIAENVIRONMENT00000"


def test_a_role_is_assumed_with_one_code_and_both_keys_are_known_as_ours(aws: Aws) -> None:
    asked: list[str] = []
    account = connect(
        aws,
        role_arn="arn:aws:iam::111122223333:role/IR",
        mfa_serial="arn:aws:iam::111122223333:mfa/alice",
        mfa_prompt=lambda text: (asked.append(text), "123456")[1],
        external_id="ext",
    )
    assume = next(form for form in aws.asked if form["Action"] == "AssumeRole")
    assert (assume["TokenCode"], assume["SerialNumber"], assume["ExternalId"]) == (
        "123456",
        "arn:aws:iam::111122223333:mfa/alice",
        "ext",
    )
    assert len(asked) == 1
    assert account.own_keys == (KEY["aws_access_key_id"], "ASIAASSUMEDASSUMED00")


def test_a_profile_that_asks_for_mfa_asks_through_the_callback(
    aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile base]\naws_access_key_id=AKIABASEBASEBASEBASE\naws_secret_access_key=x\n"
        "[profile ir]\nrole_arn=arn:aws:iam::111122223333:role/IR\nsource_profile=base\n"
        "mfa_serial=arn:aws:iam::111122223333:mfa/alice\nregion=eu-north-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    account = Account.connect(profile="ir", mfa_prompt=lambda _text: "654321")
    assert account.region == "eu-north-1"
    assert account.own_access_key == "ASIAASSUMEDASSUMED00"
    assert next(form for form in aws.asked if form["Action"] == "AssumeRole")["TokenCode"] == "654321"


def test_without_anyone_to_ask_for_a_code_the_error_says_so(aws: Aws) -> None:
    with pytest.raises(AwsError, match="MFA code is needed"):
        connect(aws, role_arn="arn:aws:iam::111122223333:role/IR", mfa_serial="arn:aws:iam::111122223333:mfa/alice")


def test_a_one_time_code_is_sent_once_and_the_next_try_asks_for_another(aws: Aws) -> None:
    code = OneCode("123456")
    given = {"role_arn": "arn:aws:iam::111122223333:role/IR", "mfa_serial": "arn:aws:iam::1:mfa/a", "mfa_prompt": code}
    aws.fail = (403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.")
    with pytest.raises(AwsError, match="invalid MFA"):
        connect(aws, **given)
    sent = len([form for form in aws.asked if form.get("TokenCode")])
    with pytest.raises(AwsError, match="AWS takes each once"):
        connect(aws, **given)
    assert len([form for form in aws.asked if form.get("TokenCode")]) == sent == 1
    aws.fail = None
    code.give("654321")
    account = connect(aws, **given)
    assert aws.asked[-2]["TokenCode"] == "654321"
    assert account.credentials_end is not None
    assert account.credentials_end.year == 2099


def test_a_session_lasts_as_long_as_is_asked_for_and_else_as_the_role_allows(aws: Aws) -> None:
    role = "arn:aws:iam::111122223333:role/IR"
    connect(aws, role_arn=role, duration=timedelta(hours=8), session_name="ana", source_identity="ana@example.org")
    assume = next(form for form in aws.asked if form["Action"] == "AssumeRole")
    assert (assume["DurationSeconds"], assume["RoleSessionName"], assume["SourceIdentity"]) == (
        "28800",
        "ana",
        "ana@example.org",
    )
    answer = aws.answer

    def refuse(form: dict[str, str], path: str) -> tuple[int, str]:
        if "DurationSeconds" in form:
            return 400, ERROR.format(code="ValidationError", message="DurationSeconds exceeds the maximum")
        return answer(form, path)

    aws.answer = refuse  # type: ignore[method-assign]
    assert connect(aws, role_arn=role, duration=timedelta(hours=8)).own_access_key == "ASIAASSUMEDASSUMED00"


def test_responders_are_told_apart_by_the_name_of_their_session(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ana maria")
    connect(aws, role_arn="arn:aws:iam::111122223333:role/IR")
    assume = next(form for form in aws.asked if form["Action"] == "AssumeRole")
    assert assume["RoleSessionName"] == "s3ir-ana-maria"
    assert "DurationSeconds" not in assume


def test_lookups_are_never_sent_again_by_botocore(aws: Aws) -> None:
    account = connect(aws)
    aws.fail = (400, "ThrottlingException", "Rate exceeded")
    before = len(aws.paths)
    with pytest.raises(AwsError):
        account.call("cloudtrail", "LookupEvents", {"MaxResults": 1})
    assert len(aws.paths) - before == 1


def test_secrets_are_told_to_whoever_keeps_them_out(aws: Aws) -> None:
    told: list[tuple[str, str]] = []
    account = connect(aws, role_arn="arn:aws:iam::1:role/IR", on_secret=lambda kind, value: told.append((kind, value)))
    assert {value for _, value in told} == {"long-term-secret", "role-secret", "role-token"}
    assert not any(value in repr(vars(account)) for _, value in told)


def test_s3control_reaches_a_custom_endpoint_without_the_account_in_the_host(aws: Aws) -> None:
    account = connect(aws)
    answer = account.call("s3control", "GetPublicAccessBlock", {"AccountId": "111122223333"})
    assert answer["PublicAccessBlockConfiguration"]["BlockPublicAcls"] is True
    assert aws.headers[-1]["Host"] == aws.url.removeprefix("http://")


def test_the_user_agent_carries_the_suffix_of_the_moment(aws: Aws) -> None:
    account = connect(aws)
    account.agent_suffix = lambda: "wr/46d868cb:17"
    account.call("sts", "GetCallerIdentity", {})
    assert aws.headers[-1]["User-Agent"].endswith(" wr/46d868cb:17")
    assert "wr/" not in aws.headers[0]["User-Agent"]


def test_clients_are_guarded_and_shared_by_threads(aws: Aws) -> None:
    account = connect(aws)
    made: list[Any] = []
    threads = [threading.Thread(target=lambda: made.append(account.client("s3"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len({id(client) for client in made}) == 1
    assert made[0].meta.config.max_pool_connections == 32
    before = len(aws.asked)
    with pytest.raises(WriteRefused):
        account.call("s3", "DeleteBucketPolicy", {"Bucket": "b"})
    assert len(aws.asked) == before


@pytest.mark.parametrize(
    ("code", "message", "status", "says"),
    [
        ("AccessDenied", "User: x is not authorized to perform: iam:GetRole on resource: y", 403, "lacks iam:GetRole"),
        ("ExpiredToken", "expired", 400, "aws sso login"),
        ("InvalidClientTokenId", "invalid", 403, "inactive or deleted"),
    ],
)
def test_a_refusal_says_what_it_means_and_what_to_do(aws: Aws, code: str, message: str, status: int, says: str) -> None:
    aws.fail = (status, code, message)
    with pytest.raises(AwsError, match=says) as caught:
        connect(aws)
    assert caught.value.code == code
    assert caught.value.operation == "sts:GetCallerIdentity"
    assert caught.value.status == status
    assert caught.value.__cause__ is None


def test_an_endpoint_that_cannot_be_reached_is_said() -> None:
    with pytest.raises(AwsError, match="could not be reached") as caught:
        Account.connect(endpoint_url="http://127.0.0.1:1", credentials=KEY)
    assert not caught.value.sent


def test_no_credentials_and_no_such_profile_are_said() -> None:
    with pytest.raises(AwsError, match="No usable AWS credentials"):
        Account.connect()
    with pytest.raises(AwsError, match="list-profiles"):
        Account.connect(profile="nobody")


def test_an_expired_sso_sign_in_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile ir]\nsso_session=corp\nsso_account_id=111122223333\nsso_role_name=IR\n"
        "[sso-session corp]\nsso_region=us-east-1\nsso_start_url=https://example.invalid/start\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(AwsError, match="aws sso login --profile ir"):
        Account.connect(profile="ir")


def test_messages_of_aws_are_cleaned() -> None:
    error = from_response("s3:GetObject", {"Error": {"Code": "X", "Message": "a\x1b[2Jb"}}, on="k\x07")
    assert str(error).isprintable()
    assert str(from_exception("s3:GetObject", ValueError("\x1b")))
