"""What real recordings must yield: the attacker with reasons, and nobody else."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from s3ir_tui.model import Severity
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.sources.files import iter_events

DATA = Path(__file__).parent.parent / "data"
ROLE = "MordorNginxStack-BankingWAFRole-9S3E0UAE1MM0"
INSTANCE = "i-0317f6c6b66ae9c40"
ATTACKER = f"arn:aws:sts::123456789123:assumed-role/{ROLE}/{INSTANCE}"
KEY = "ASIA5FLZVX4OPVKKVBMX"
BUCKET = "mordors3stack-s3bucket-llp2yingx64a"


def analyse(path: Path) -> Analysis:
    analysis = Analysis()
    for events, skipped in iter_events([path]):
        analysis.add(events, "files")
        analysis.skip(skipped)
    return analysis


@pytest.fixture(scope="module")
def breach() -> Analysis:
    return analyse(DATA / "otrf-cloud-breach-s3")


def test_every_record_is_counted_once(breach: Analysis) -> None:
    assert (breach.events, breach.distinct, breach.duplicates) == (103, 103, 0)
    assert not breach.to_json()["skipped"]


def test_the_attacker_stands_first_with_its_numbers(breach: Analysis) -> None:
    worst = breach.principals()[0]
    assert worst.id == ATTACKER
    assert worst.kind == "AssumedRole"
    assert worst.access_keys == (KEY,)
    assert (worst.events, worst.denied, worst.reads, worst.bytes_out) == (11, 0, 2, 178)
    assert (worst.first, worst.last) == ("2020-09-14T01:00:04Z", "2020-09-14T01:13:20Z")
    assert worst.buckets == (BUCKET,)
    assert worst.addresses == ("1.2.3.4",)
    assert worst.instance == INSTANCE


def test_the_attacker_is_suspect_for_reasons_with_events_behind_them(breach: Analysis) -> None:
    worst = breach.principals()[0]
    assert worst.severity >= Severity.HIGH
    for reason in worst.reasons:
        assert reason.events, reason
    assert any("listed all buckets, then listed and read" in reason.text for reason in worst.reasons)


def test_the_console_user_at_the_same_address_is_not_suspect(breach: Analysis) -> None:
    (pedro,) = [item for item in breach.principals() if item.id.endswith("user/pedro")]
    assert pedro.events == 87
    assert pedro.severity is Severity.INFO
    assert pedro.reasons == ()


def test_nobody_else_is_listed(breach: Analysis) -> None:
    assert len(breach.principals()) == 2


def test_the_bucket_and_the_instance_are_affected_and_no_other(breach: Analysis) -> None:
    (bucket,) = breach.buckets()
    assert (bucket.name, bucket.events, bucket.reads, bucket.writes, bucket.bytes_out) == (BUCKET, 9, 2, 0, 178)
    assert bucket.severity >= Severity.HIGH
    assert bucket.principals == (ATTACKER,)
    (instance,) = breach.instances()
    assert instance.id == INSTANCE
    assert instance.role == f"arn:aws:iam::123456789123:role/{ROLE}"
    assert instance.access_keys[0] == KEY
    assert instance.severity >= Severity.HIGH


def test_the_key_is_linked_to_the_instance_by_the_role_that_ec2_assumed(breach: Analysis) -> None:
    credential = breach.lineage.credential(KEY)
    assert credential is not None
    assert (credential.kind, credential.issued_at, credential.principal) == (
        "instance-role",
        "2020-09-14T00:48:30Z",
        ATTACKER,
    )
    assert credential.expires_at == "2020-09-14T07:10:27Z"
    family = breach.family(KEY)
    assert family.instances == (INSTANCE,)
    assert [item.access_key for item in family.credentials] == [KEY]


def test_visibility_says_from_when_to_when_reads_were_logged(breach: Analysis) -> None:
    (line,) = [item for item in breach.visibility() if item.bucket == BUCKET]
    assert line.data_events
    assert (line.first, line.last) == ("2020-09-14T01:00:33Z", "2020-09-14T01:13:20Z")


def test_the_attacker_is_found_without_a_telling_user_agent() -> None:
    analysis = Analysis()
    for events, _ in iter_events([DATA / "otrf-cloud-breach-s3"]):
        plain = [msgspec.structs.replace(event, agent="aws-sdk-java/2.0 Linux") for event in events]
        analysis.add(plain)
    suspects = [item.id for item in analysis.principals() if item.severity >= Severity.HIGH]
    assert suspects == [ATTACKER]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("aws.persistence.iam-create-admin-user.json", "policy AdministratorAccess attached"),
        ("aws.persistence.sts-federation-token.json", "federated session made from a key"),
        ("aws.defense-evasion.cloudtrail-stop.json", "CloudTrail switched off (StopLogging)"),
    ],
)
def test_single_techniques_are_recognised(file: str, words: str) -> None:
    worst = analyse(DATA / "stratus" / file).principals()[0]
    assert worst.severity >= Severity.HIGH
    assert any(words in reason.text for reason in worst.reasons)


def test_a_federated_session_belongs_to_the_family_of_its_user() -> None:
    analysis = analyse(DATA / "stratus" / "aws.persistence.sts-federation-token.json")
    user = next(item.id for item in analysis.principals() if ":user/" in item.id)
    assert {item.kind for item in analysis.family(user).credentials} == {"key", "federated"}
