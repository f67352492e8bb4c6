"""What KMS tells of reads that were not logged themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trail_world import ACCOUNT, OUTSIDE, OUTSIDER, at, event, read, record, session, user

from s3ir_tui.trail import kms as module
from s3ir_tui.trail.alike import alone
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.bulk.call import decode_calls
from s3ir_tui.trail.bulk.tally import Tally
from s3ir_tui.trail.detections import detect
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.kms import KmsReads, shadowed

BOB = f"arn:aws:iam::{ACCOUNT}:user/bob"


def kms(name: str, arn: str, who: Any = None, **more: Any) -> Event:
    context = {"encryptionContext": {"aws:s3:arn": arn}} if arn else {"keyId": "x"}
    internal = {"address": "AWS Internal", "agent": "AWS Internal"}
    return event(name, who, service="kms", params=context, **internal | more)


def tell(*events: Event) -> KmsReads:
    found = KmsReads()
    for item in events:
        found.add(alone(item, detect(item)))
    return found


def test_decryptions_are_told_by_principal_and_bucket_with_the_objects() -> None:
    found = tell(
        *(kms("Decrypt", f"arn:aws:s3:::payroll/q3/{n}.csv", when=at(n)) for n in range(3)),
        kms("Decrypt", "arn:aws:s3:::payroll/q3/0.csv", when=at(9)),
        kms("GenerateDataKey", "arn:aws:s3:::payroll/new.csv", when=at(4)),
        kms("Decrypt", "arn:aws:s3:::exports/x", session()),
    )
    first, second = found.reads()
    assert (first.principal, first.bucket, first.decrypted, first.encrypted) == (BOB, "payroll", 4, 1)
    assert (first.first, first.last) == (at(0), at(9))
    assert first.objects == ("q3/0.csv", "q3/1.csv", "q3/2.csv", "new.csv")
    assert second.bucket == "exports"
    assert found.reads("exports") == (second,)


def test_it_is_called_probable_and_never_a_read() -> None:
    found = tell(kms("Decrypt", "arn:aws:s3:::payroll/a"))
    (item,) = found.reads()
    assert "decrypted for user/bob (such as a), so probably read" in item.text
    assert "likely read (inferred from KMS Decrypt, not logged as GetObject)" in found.visibility()["payroll"]
    assert item.to_json()["text"] == item.text


def test_with_a_bucket_key_only_the_bucket_is_known() -> None:
    (item,) = tell(kms("Decrypt", "arn:aws:s3:::payroll")).reads()
    assert (item.bucket, item.objects) == ("payroll", ())
    assert "by the key of the whole bucket" in item.text


def test_refusals_are_no_reads() -> None:
    found = tell(kms("Decrypt", "arn:aws:s3:::payroll/a", error="AccessDenied"))
    (item,) = found.reads()
    assert (item.decrypted, item.refused) == (0, 1)
    assert found.visibility() == {}


@pytest.mark.parametrize("arn", ["", "arn:aws:lambda:us-east-1:1:function:x", "arn:aws:s3:us-east-1:1:accesspoint/x"])
def test_other_uses_of_keys_tell_of_no_bucket(arn: str) -> None:
    assert tell(kms("Decrypt", arn), read()).reads() == ()


def test_spaces_and_other_partitions_are_read() -> None:
    assert shadowed(b'{"aws:s3:arn" : "arn:aws-cn:s3:::b/k/l"}') == ("b", "k/l")
    assert shadowed(b'{"aws:s3:arn":"arn:aws:s3:::b"}') == ("b", "")
    assert shadowed(rb'{"aws:s3:arn":"arn:aws:s3:::b/a\"b\\c"}') == ("b", 'a"b\\c')


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PAIRS", 3)
    monkeypatch.setattr(module, "MOST_OBJECTS", 2)
    found = tell(*(kms("Decrypt", f"arn:aws:s3:::b{n % 9}/k{n}", user(f"u{n % 4}")) for n in range(90)))
    assert found.capped
    assert len(found.reads()) == 3
    assert all(len(item.objects) == 2 and len(item.events) <= 20 for item in found.reads())


def test_hostile_keys_are_safe_in_words() -> None:
    (item,) = tell(kms("Decrypt", "arn:aws:s3:::payroll/\u202egnp.exe")).reads()
    assert "\u202e" not in item.text


def summed(*records: dict[str, Any]) -> Analysis:
    """As a folder is read."""
    analysis = Analysis()
    tally = Tally(analysis.claim)
    tally.add_calls(decode_calls(json.dumps({"Records": records}).encode()).Records, "file")
    analysis.add_sum(tally.sum())
    return analysis


def decrypt(bucket: str, number: int) -> dict[str, Any]:
    context = {"encryptionContext": {"aws:s3:arn": f"arn:aws:s3:::{bucket}/{number}"}}
    return record("Decrypt", service="kms", params=context, when=at(number), managementEvent=True)


def test_a_folder_that_is_added_up_tells_of_every_bucket() -> None:
    analysis = summed(*(decrypt(bucket, number) for number in range(30) for bucket in ("payroll", "exports")))
    told = analysis.to_json()["kms_reads"]
    assert {item["bucket"]: item["decrypted"] for item in told} == {"payroll": 30, "exports": 30}
    texts = {item.bucket: item.text for item in analysis.visibility()}
    assert "likely read (inferred from KMS Decrypt" in texts["payroll"]


def test_where_reads_were_logged_kms_is_not_asked() -> None:
    reads = [
        record("GetObject", bucket="payroll", key="1", managementEvent=False, eventCategory="Data", out=5.0),
        decrypt("payroll", 1),
    ]
    assert not any("probably" in item.text for item in summed(*reads).visibility())


def test_network_activity_that_is_added_up_keeps_its_places_apart() -> None:
    calls = [
        record(
            "GetObject",
            OUTSIDER if number == 2 else user(),
            bucket="payroll",
            key="k",
            address=("10.0.0.1", "203.0.113.7", "10.0.0.2")[number],
            eventCategory="NetworkActivity",
            eventType="AwsVpceEvent",
        )
        for number in range(3)
    ]
    texts = [reason.text for item in summed(*calls).principals() for reason in item.reasons]
    assert "VPC endpoint used from 203.0.113.7, which is not of a VPC (GetObject)" in texts
    assert f"account {OUTSIDE} called through the house's VPC endpoint (GetObject)" in texts
    assert sum("endpoint" in text for text in texts) == 2
