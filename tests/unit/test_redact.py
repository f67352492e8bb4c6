"""What must not stand in the log is taken out of it, and what is evidence stays."""

from __future__ import annotations

import io
import json
import random
import string
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from s3ir_tui.journal import Journal, redact

# Shaped like secrets, and none: made up here.
KEY = "wJa1rXUtnFEM1K7MDENGbPxRf1CYzEXbMPL3KeY4"
SLASHED_KEY = "wJa1rXUtn/EM1K7MDENG+PxRf1CYzEXbMPL3KeY4"
TOKEN = "IQoJb3JpZ2luX2VjE" + "Ab3/+" * 60 + "=="
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nabc\n-----END RSA PRIVATE KEY-----"


@pytest.fixture(autouse=True)
def _nothing_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "_known", ())


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"aws_secret_access_key = {KEY}", KEY),
        (f'"SecretAccessKey": "{SLASHED_KEY}"', SLASHED_KEY),
        (f"the key is {KEY}, rotate it", KEY),
        (f"s3://bucket/{KEY}", KEY),
        (f"https://example.com/path/{SLASHED_KEY}", SLASHED_KEY),
        (f"export X={KEY}", KEY),
        (f"token {TOKEN} end", TOKEN),
        (f"https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIAEXAMPLE&X-Amz-Signature={'ab' * 32}", "ab" * 32),
        (f"https://b.s3.amazonaws.com/k?X-Amz-Security-Token={TOKEN[:60]}&a=b", TOKEN[:60]),
        ("https://b.s3.amazonaws.com/k?AWSAccessKeyId=AKIAEXAMPLE&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D", "vjbyP"),
        (
            "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261124/eu-central-1/s3/aws4_request, "
            f"SignedHeaders=host;x-amz-date, Signature={'cd' * 32}",
            "cd" * 32,
        ),
        ("Authorization: AWS AKIAEXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=", "frJIUN8DYpKDtOLCwo"),
        ("authorization: Bearer abcDEF123456", "abcDEF123456"),
        ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        (JWT, JWT),
        (PEM, "MIIEpAIBAAKCAQEA7"),
        (PEM.split("-----END")[0], "MIIEpAIBAAKCAQEA7"),
        ("push with ghp_" + "a1B2" * 9, "ghp_" + "a1B2" * 9),
        ("https://alice:hunter22@git.example.com/repo", "hunter22"),
    ],
)
def test_planted_secrets_are_taken_out_of_texts(text: str, secret: str) -> None:
    clean = redact.text(text)
    assert secret not in clean
    assert "[redacted:" in clean


def test_planted_secrets_reach_no_byte_of_a_case(tmp_path: Path) -> None:
    redact.learn("secret-key", "our-own-secret-of-no-known-shape")
    planted = (
        KEY,
        SLASHED_KEY,
        TOKEN,
        JWT,
        "MIIEpAIBAAKCAQEA7",
        "our-own-secret-of-no-known-shape",
        "123456",
        "hunter22",
    )
    record = {
        "kind": "note",
        "text": f"pasted {KEY} and {PEM}",
        "error": {"message": f"denied: https://x/?X-Amz-Security-Token={TOKEN}"},
        "raw": {
            "responseElements": {"credentials": {"sessionToken": TOKEN, "secretAccessKey": SLASHED_KEY}},
            "requestParameters": {"tokenCode": 123456, "key": f"dump/our-own-secret-of-no-known-shape/{JWT}"},
            "headers": [{"Authorization": "x"}, {"X-Amz-Security-Token": "y"}, {"Cookie": ["hunter22"]}],
        },
        "our-own-secret-of-no-known-shape": 1,
    }
    with Journal.open(tmp_path, about={"note": f"session of {KEY}"}, poll_seconds=0) as journal:
        journal.record("trail", record)
        journal.record("trail", {**record, "large": ["x" * 300_000, f" {KEY} "]})
        journal.close(f"killed: {KEY}")
    data = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() and file.name != "reserve")
    assert len(data) > 300_000
    for secret in planted:
        assert secret.encode() not in data, secret


def test_learned_values_are_taken_out_wherever_they_stand() -> None:
    redact.learn("secret-key", "correct horse battery staple")
    assert "horse" not in redact.text("the words correct horse battery staple were said")
    assert "horse" not in redact.text("?x=correct%20horse%20battery%20staple")
    assert redact.document({"a": ["b", {"c": "correct horse battery staple!"}]})["a"][1]["c"].endswith("]!")


def test_short_values_and_none_are_not_learned() -> None:
    redact.learn("mfa", "123456")
    redact.learn("token", "")
    redact.learn("token", None)
    assert redact.text("in 2026 there were 123456 events") == "in 2026 there were 123456 events"


def test_a_value_from_outside_is_not_learned() -> None:
    """Else an attacker could have a bucket's name taken out of the whole log."""
    clean = redact.document({"password": "payroll-2026-exports", "bucket": "payroll-2026-exports"})
    assert clean["bucket"] == "payroll-2026-exports"
    assert "payroll" not in clean["password"]
    assert redact.text("payroll-2026-exports") == "payroll-2026-exports"


@pytest.mark.parametrize(
    "name",
    [
        "sessionToken", "SecretAccessKey", "secret_access_key", "Authorization", "X-Amz-Security-Token", "password",
        "SSECustomerKey", "x-amz-server-side-encryption-customer-key", "TokenCode", "Plaintext", "privateKey",
        "client_secret", "SAMLAssertion", "WebIdentityToken", "newPassword", "Set-Cookie",
    ],
)  # fmt: skip
def test_fields_that_carry_credentials_are_emptied_by_name(name: str) -> None:
    clean = redact.document({name: "short", "inside": {name: ["a", {"b": "short"}]}})
    assert "short" not in json.dumps(clean)
    assert redact.document({name: None}) == {name: None}


@pytest.mark.parametrize(
    "name",
    [
        "accessKeyId", "SSEKMSKeyId", "sSECustomerKeyMD5", "continuationToken", "key", "signatureVersion",
        "mfaAuthenticated", "encryptionContext", "secretId", "keyId", "AuthenticationMethod",
    ],
)  # fmt: skip
def test_fields_that_are_evidence_stay(name: str) -> None:
    assert redact.document({name: "AKIAIOSFODNN7EXAMPLE"}) == {name: "AKIAIOSFODNN7EXAMPLE"}


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "AROAEXAMPLEEXAMPLEEX:i-0a1b2c3d4e5f60718",
        "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "home/alice/Photos/Holiday2024/Barcelona0", "Exports/Payroll/FinalVersion/Quarter3/Data",
        "3nRmVv0n5b1h1Yq3mKc1oQ2p4rXk8m0d2Zr1YH5hVQ0b4yJ0cE5z3k2m1n0p9o8i7u6y5t4r3e2w1q0=",
        "aws-cli/2.15.30 Python/3.11.8 Linux/6.1.0 exe/x86_64.debian.12 prompt/off command/s3.cp",
        f"Encoded authorization failure message: fqhg8CzmasrU_{KEY}-AAoKKY1C_{KEY}_x",
        "basic information about bearer authentication", "HIDDEN_DUE_TO_SECURITY_REASONS",
        "https://b.s3.amazonaws.com/k?list-type=2&prefix=a/b", "http://169.254.169.254:80/latest/meta-data/",
    ],
)  # fmt: skip
def test_evidence_is_left_alone(text: str) -> None:
    assert redact.text(text) == text


def test_object_keys_and_other_names_are_left_alone() -> None:
    chance = random.Random(3)
    words = ["exports", "Payroll", "2026", "q3", "part", "0012", "Invoice", "backup", "db", "Users", "report", "final"]
    for _ in range(20_000):
        key = chance.choice("/-_. ").join(chance.choice(words) for _ in range(chance.randrange(1, 9)))
        key = "/".join([key, f"{chance.getrandbits(128):032x}", f"part-{chance.randrange(10**8):08d}.csv"])
        assert redact.text(key) == key


def test_random_keys_are_found_by_their_shape() -> None:
    chance = random.Random(3)
    letters = string.ascii_letters + string.digits + "+/"
    missed = 0
    for _ in range(5_000):
        key = "".join(chance.choice(letters) for _ in range(40))
        missed += key in redact.text(f"key: {key} ")
    assert missed <= 5


def test_the_mark_is_the_same_for_the_same_secret_and_cannot_be_tried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    first = redact.mark("k", "secret one")
    assert first == redact.mark("k", "secret one") != redact.mark("k", "secret two")
    monkeypatch.setattr(redact, "_KEY", b"the key of another process")
    assert redact.mark("k", "secret one") != first


def test_redacting_twice_changes_nothing_more() -> None:
    once = redact.document({"text": f"{KEY} https://a:b@c {TOKEN}", "password": "x", "url": "https://b/?Signature=abc"})
    assert redact.document(once) == once


def test_a_marked_value_is_known_as_such() -> None:
    assert redact.marked({"Policy": {"Statement": [{"Sid": redact.text(f"{KEY}")}]}})
    assert not redact.marked({"Policy": {"Statement": [{"Sid": "plain"}]}})


def test_values_that_are_no_json_become_some() -> None:
    clean = redact.document(
        {
            "bytes": b"abc",
            "stream": io.BytesIO(b"abc"),
            "time": datetime(2026, 11, 24, 9, 14, 7, tzinfo=UTC),
            "path": Path("/x"),
            "nan": float("nan"),
            "set": {"a"},
            "big": 1 << 5000,
            3: "number as name",
        }
    )
    assert json.loads(json.dumps(clean, allow_nan=False))["bytes"] == {
        "bytes": 3,
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }
    assert clean["time"] == "2026-11-24T09:14:07+00:00"
    assert clean["3"] == "number as name"


def test_deep_nesting_is_cut_and_does_not_end_the_program() -> None:
    deep: dict[str, Any] = {"end": KEY}
    for _ in range(5000):
        deep = {"a": deep}
    assert "nested too deeply" in json.dumps(redact.document(deep))


# -- the service model ----------------------------------------------------------------------------


def operation(service: str, name: str) -> Any:
    return botocore.session.get_session().get_service_model(service).operation_model(name)


def test_what_the_service_model_calls_sensitive_is_taken_out_and_learned() -> None:
    params = {"Bucket": "b", "Key": "k", "Body": io.BytesIO(b"content"), "SSECustomerKey": "0123456789abcdef0123"}
    clean = redact.call(operation("s3", "PutObject"), params)
    assert clean["params"]["Bucket"] == "b"
    assert "0123456789" not in json.dumps(clean)
    assert clean["params"]["Body"] == {"stream": "Body"}
    assert "0123456789" not in redact.text("error about 0123456789abcdef0123")


def test_new_credentials_in_answers_are_taken_out_and_their_ids_stay() -> None:
    answer = {"AccessKey": {"UserName": "u", "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": KEY[:30]}}
    clean = redact.call(operation("iam", "CreateAccessKey"), {"UserName": "u"}, answer)
    assert clean["answer"]["AccessKey"]["AccessKeyId"] == "AKIAIOSFODNN7EXAMPLE"
    assert KEY[:30] not in json.dumps(clean)
    answer = {
        "Credentials": {"AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": KEY[:30], "SessionToken": "t0ken"}
    }
    clean = redact.call(
        operation("sts", "AssumeRole"), {"RoleArn": "arn:aws:iam::1:role/r", "TokenCode": "654321"}, answer
    )
    assert clean["answer"]["Credentials"]["AccessKeyId"] == "ASIAIOSFODNN7EXAMPLE"
    for secret in (KEY[:30], "t0ken", "654321"):
        assert secret not in json.dumps(clean)


def test_the_kms_key_of_a_ransom_stays() -> None:
    params = {"Bucket": "b", "Key": "k", "SSEKMSKeyId": "arn:aws:kms:eu-central-1:999988887777:key/evil"}
    assert redact.call(operation("s3", "PutObject"), params)["params"]["SSEKMSKeyId"] == params["SSEKMSKeyId"]


_HEX32 = "0123456789abcdef" * 2
_LETTERS = string.ascii_letters + string.digits


def _random(count: int, letters: str = _LETTERS) -> str:
    chance = random.Random(11)
    return "".join(chance.choice(letters) for _ in range(count))


@pytest.mark.parametrize(
    "form",
    [
        "password={}", "password: {}", '{{"password": "{}"}}', "PGPASSWORD={}", "API_KEY={}", "X-Api-Key: {}",
        "client_secret={}", "https://h/p?password={}", "https://h/p?api_key={}", "db.passwd => '{}'", "auth_token: {}",
        "x-amz-server-side-encryption-customer-key: {}", "x-amz-security-token: {}", "Cookie: sid={}", "PWD='{}'",
    ],
)  # fmt: skip
def test_values_behind_the_names_of_secrets_are_taken_out(form: str) -> None:
    for secret in ("hunter2-Very", "c2VjcmV0LWtleS1vZi0zMi1ieXRlcyEhISEh"):
        assert secret not in redact.text(f"note {form.format(secret)} end")


@pytest.mark.parametrize(
    "secret",
    [
        "sk_live_" + _random(24), "rk_test_" + _random(24), "whsec_" + _random(32), "xapp-1-A0" + _random(20),
        "xoxe.xoxp-1-" + _random(30), "AIza" + _random(35), "ya29." + _random(40), "GOCSPX-" + _random(28),
        "sk-proj-" + _random(48), "sk-ant-api03-" + _random(60), f"SG.{_random(22)}.{_random(43)}", "SK" + _HEX32,
        "npm_" + _random(36), "pypi-" + _random(80), "AccountKey=" + _random(86) + "==", "dop_v1_" + _HEX32 * 2,
        "hvs." + _random(24), "dckr_pat_" + _random(27), "110201543:AA" + _random(33), "key-" + _HEX32,
        f"MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.{_random(27)}", "shpat_" + _HEX32, "ATATT3xFfGF0" + _random(60),
        "dapi" + _HEX32, "hf_" + _random(34), "ABSK" + _random(80),
        "AGE-SECRET-KEY-1" + _random(58, string.ascii_uppercase),
        "-----begin openssh private key-----\nabc\n-----end openssh private key-----",
        f"key-{KEY}-old", f"backup_{KEY}_1", f"creds/{KEY}/x", KEY.replace("1", "%2F", 1)[:42],
        "X-Amz-Security-Token%3D" + TOKEN.replace("+", "%2B").replace("/", "%2F"),
    ],
)  # fmt: skip
def test_tokens_of_many_issuers_are_taken_out_wherever_they_stand(secret: str) -> None:
    for text in (f"used {secret} today", f"aws-cli/2 ua/{secret}", f"s3://bucket/{secret}"):
        clean = redact.text(text)
        kept = secret.removeprefix("AccountKey=").removeprefix("X-Amz-Security-Token%3D").removeprefix("creds/")
        assert "[redacted:" in clean
        assert kept[8:-8] not in clean


def test_the_hash_of_a_customer_key_is_evidence_and_words_about_secrets_stay() -> None:
    for text in (
        "x-amz-server-side-encryption-customer-key-MD5: 4fHFWoQ3yxEOmzdt9Ew6tA==",
        "The security token included in the request is expired",
        '{"Action": ["iam:ChangePassword", "secretsmanager:GetSecretValue"], "Sid": "DenyPassword"}',
        "GetSecretValue on prod/db-password by role/app",
    ):
        assert redact.text(text) == text
