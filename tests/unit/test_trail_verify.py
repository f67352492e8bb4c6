"""`trail verify`: what it prints, how it ends, and what it asks AWS for."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from digest_world import ACCOUNT, BUCKET, HOUR, REGION, START, Trail, der, entry, fingerprint, key

from s3ir_tui import cli
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.headless import trail_verify
from s3ir_tui.headless.exits import Code
from s3ir_tui.headless.output import Format


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(["trail", *map(str, words)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"PublicKeyList": [entry(key()), entry(key(1))]}))
    return file


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    return Trail(tmp_path / "copy").hours(3).sidecar()


def test_a_sound_folder_ends_well(trail: Trail, keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "verify", trail.folder, "--keys", keys, "--bucket", BUCKET)
    assert code == Code.OK
    assert "6 of 6 log files are what CloudTrail delivered; 0 problems" in out
    assert BUCKET in out
    assert "2026-11-24T12:01:31Z" in out


def test_json_says_of_every_problem_what_it_means_and_what_to_do(
    trail: Trail, keys: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = trail.logs[0][0]
    log.write_bytes(gzip.compress(b'{"Records":[]}'))
    trail.logs[1][1].unlink()
    code, out, _ = run(capsys, "verify", trail.folder, "--keys", keys, "--output", "json")
    found = json.loads(out)
    assert code == Code.PROBLEM
    assert not found["ok"]
    assert found["log_files"] == {"here": 5, "vouched": 4, "not_covered": 0}
    assert [(Path(problem["file"]).name, problem["kind"]) for problem in found["problems"]] == [
        (log.name, "changed"),
        (trail.logs[1][1].name, "missing"),
    ]
    assert all(problem["means"] and problem["do"] for problem in found["problems"])


def test_the_table_names_every_file_under_its_meaning(
    tmp_path: Path, keys: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trail = Trail(tmp_path / "copy").hours(2)
    code, out, _ = run(capsys, "verify", trail.folder, "--keys", keys)
    assert code == Code.PROBLEM
    assert "not vouched by signature" in out
    assert ".signature" in out
    for file in (trail.digests[-1], *trail.logs[-1]):
        assert file.name in out
    assert trail.digests[0].name not in out


def test_hostile_names_do_not_reach_the_terminal(trail: Trail, keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (trail.folder / "x\x1b[2Jy.json").write_bytes(b"{}")
    _, out, err = run(capsys, "verify", trail.folder, "--keys", keys)
    assert "\x1b" not in out + err
    assert r"x\x1b[2Jy.json" in out


def test_keys_in_the_folder_itself_are_no_log_file(
    trail: Trail, keys: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = trail.folder / "keys.json"
    inside.write_bytes(keys.read_bytes())
    assert run(capsys, "verify", trail.folder, "--keys", inside)[0] == Code.OK


def test_keys_in_pem_and_in_several_files_work(
    trail: Trail, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "one.pem", tmp_path / "other.pem"
    first.write_bytes(key(1).public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1))
    second.write_bytes(key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert run(capsys, "verify", trail.folder, "--keys", first, "--keys", second)[0] == Code.OK
    assert run(capsys, "verify", trail.folder, "--keys", first)[0] == Code.PROBLEM


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "/nonexistent", "--keys", "KEYS"),
        ("verify", "FOLDER", "--keys", "/nonexistent"),
        ("verify", "FOLDER", "--keys", "FOLDER"),
        ("verify", "/nonexistent"),
        ("verify",),
    ],
)
def test_what_is_not_there_is_told_in_one_line(
    trail: Trail, keys: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    places = {"KEYS": str(keys), "FOLDER": str(trail.folder)}
    code, out, err = run(capsys, *(places.get(word, word) for word in words))
    assert code == Code.USAGE
    assert not out
    assert "Traceback" not in err


def test_a_folder_that_is_called_verify_can_be_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Trail(tmp_path / "verify").hours(1)
    for words in (("./verify",), ("show", "verify"), ("--output", "table", "./verify")):
        code, out, _ = run(capsys, *words)
        assert code == Code.OK
        assert out.startswith("2 events, 2 distinct")


# -- with AWS ------------------------------------------------------------------------------------------------------


class Aws:
    """ListPublicKeys and HeadObject of an account with one trail."""

    def __init__(self, trail: Trail) -> None:
        self.trail = trail
        self.asked: list[tuple[str, str, Mapping[str, Any], str]] = []
        self.refuses: set[str] = set()
        self.made = START + timedelta(days=3)

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        self.asked.append((service, operation, params, region))
        if operation in self.refuses:
            raise AwsError("AccessDenied", "not allowed", operation=f"{service}:{operation}")
        number = [str(file.relative_to(self.trail.folder)) for file in self.trail.digests].index(params["Key"])
        assert params["Bucket"] == BUCKET
        made = {"backfill-generation-timestamp": self.made.isoformat()} if self.trail.suffix else {}
        return {"Metadata": {"signature": self.trail.signatures[number], "signature-algorithm": "SHA256withRSA"} | made}

    def pages(
        self, service: str, operation: str, params: Mapping[str, Any], key_: str, region: str = ""
    ) -> Iterator[Any]:
        self.asked.append((service, operation, params, region))
        if operation in self.refuses:
            raise AwsError("AccessDenied", "not allowed", operation=f"{service}:{operation}")
        yield {
            "Value": der(key()),
            "Fingerprint": fingerprint(key()),
            "ValidityStartTime": START - HOUR,
            "ValidityEndTime": datetime(2026, 12, 31, tzinfo=UTC),
        }


def online(
    aws: Aws, capsys: pytest.CaptureFixture[str], now: datetime = START + 4 * HOUR
) -> tuple[int, dict[str, Any]]:
    code = trail_verify.online(aws.trail.folder, aws, "", now, Format.JSON)
    return code, json.loads(capsys.readouterr().out)


def test_online_the_keys_and_the_newest_signature_come_from_aws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = Aws(Trail(tmp_path).hours(3))
    code, found = online(aws, capsys)
    assert code == Code.OK
    assert found["chains"][0]["vouched"] == 3
    [head, (service, operation, between, region)] = aws.asked
    assert (service, operation, region) == ("cloudtrail", "ListPublicKeys", REGION)
    assert between["StartTime"] < START + HOUR
    assert between["EndTime"] <= START + 4 * HOUR
    assert head[:2] == ("s3", "HeadObject")
    assert head[2]["Key"].endswith(aws.trail.digests[-1].name)


def test_online_the_keys_of_backfills_are_those_of_the_time_of_their_making(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = Aws(Trail(tmp_path, suffix="_backfill").hours(2))
    assert online(aws, capsys, START + timedelta(days=4))[0] == Code.OK
    [asked] = [params for _, operation, params, _ in aws.asked if operation == "ListPublicKeys"]
    assert asked["StartTime"] <= aws.made <= asked["EndTime"]
    aws.made = datetime(2027, 6, 1, tzinfo=UTC)
    code, found = online(aws, capsys, datetime(2027, 7, 1, tzinfo=UTC))
    assert code == Code.PROBLEM
    assert {problem["kind"] for problem in found["problems"]} == {"expired key", "unproven"}


def test_online_without_permissions_says_so_and_proves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = Aws(Trail(tmp_path).hours(2))
    aws.refuses = {"ListPublicKeys", "HeadObject"}
    code, found = online(aws, capsys)
    assert code == Code.PROBLEM
    assert {problem["kind"] for problem in found["problems"]} == {"no key", "unproven"}
    assert any("no public keys of eu-central-1" in note for note in found["notes"])
    assert any("no signature of" in note for note in found["notes"])


def test_online_a_chain_that_ended_hours_ago_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    aws = Aws(Trail(tmp_path).hours(2))
    assert not any("newest digest" in note for note in online(aws, capsys)[1]["notes"])
    code, found = online(aws, capsys, START + timedelta(days=1))
    assert code == Code.OK
    [note] = [note for note in found["notes"] if "newest digest" in note]
    assert ACCOUNT in note
    assert "2026-11-24T11:01:31Z" in note
