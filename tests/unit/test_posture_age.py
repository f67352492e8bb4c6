"""Rows and details say how old what they show is, and when it is older than a write."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from s3ir_tui.board.details import detail_of
from s3ir_tui.board.known import Known, posture_record
from s3ir_tui.board.rows import Look, bucket_rows, principal_rows
from s3ir_tui.model import OTHER_WAYS, Bucket, Principal
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.decode import decode_record
from s3ir_tui.trail.targets import Target

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
READ = NOW - timedelta(minutes=12)
USER = "arn:aws:iam::111122223333:user/eve"


def known(*items: Any) -> Known:
    made = Known(Analysis())
    for item in items:
        made.take_posture(item)
    return made


def write(made: Known, at: str) -> None:
    record = {
        "eventVersion": "1.08",
        "eventID": "e-1",
        "eventTime": at,
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutBucketPolicy",
        "awsRegion": "us-east-1",
        "readOnly": False,
        "eventCategory": "Management",
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": USER, "userName": "eve", "accountId": "111122223333"},
        "requestParameters": {"bucketName": "b"},
    }
    made.take_events([decode_record(json.loads(json.dumps(record)))], "test")


def section(made: Known, kind: Any, ident: str, heading: str) -> str:
    return "\n".join(dict(detail_of(made, kind, ident, NOW).sections)[heading])


def test_a_row_says_when_it_was_read_once_that_is_a_while_ago() -> None:
    made = known(Bucket("b", gaps={"policy": "no permission"}, read_at=READ))
    (row,) = bucket_rows(made, NOW)
    assert row.facts[-2:] == ("1 unread", "read 12 min ago")
    assert "read" not in " ".join(bucket_rows(known(Bucket("b", read_at=NOW)), NOW)[0].facts)


def test_a_row_that_is_older_than_a_write_says_so_until_it_is_read_again() -> None:
    made = known(Bucket("b", read_at=READ))
    write(made, "2026-11-24T09:25:00Z")
    assert "changed 09:25Z, not read since" in bucket_rows(made, NOW)[0].facts
    assert "older than the last known write to it" in section(made, "bucket", "b", "Read")
    assert list(made.take_writes()) == [(Target("bucket", "b"), "2026-11-24T09:25:00Z")]
    made.take_posture(Bucket("b", read_at=NOW))
    assert "not read since" not in " ".join(bucket_rows(made, NOW)[0].facts)


def test_that_something_was_read_again_unchanged_is_no_news_for_the_log() -> None:
    made = known(Bucket("b", versioning="Enabled", read_at=READ))
    assert made.take_posture(Bucket("b", versioning="Enabled", read_at=NOW)) is False
    assert made.buckets["b"].read_at == NOW
    assert made.take_posture(Bucket("b", versioning="Suspended", read_at=NOW)) is True


def test_the_detail_lists_every_opening_and_what_was_not_looked_at() -> None:
    words = tuple(f"anyone from 198.51.100.{n}/32: read (statement S{n})" for n in range(3))
    made = known(Bucket("b", open_to=words, read_at=READ))
    assert section(made, "bucket", "b", "Open to").splitlines() == list(words)
    assert section(made, "bucket", "b", "Other ways in and out") == f"not looked at: {', '.join(OTHER_WAYS)}"
    assert "12 min ago" in section(made, "bucket", "b", "Read")


def test_a_user_says_as_of_when_its_credentials_are_known_and_that_key_ids_are_not() -> None:
    report = NOW - timedelta(hours=3)
    made = known(Principal(USER, "user", "eve", active_keys=2, credentials_at=report, read_at=NOW))
    look = Look(NOW, None, False, {}, frozenset())
    assert principal_rows(made, look)[0].facts == ("2 active keys",)
    read = section(made, "principal", USER, "Read")
    assert "no key ids read" in read
    assert "3 h ago" in read


def test_postures_of_old_cases_are_read_as_before() -> None:
    old = {"name": "b", "region": "us-east-1", "foreign_accounts": ["999988887777"], "public_by_policy": False}
    record = posture_record(Bucket("b"))
    assert set(old) <= set(record["facts"])
    assert msgspec.convert(old, Bucket, strict=False) == Bucket(
        "b", "us-east-1", public_by_policy=False, foreign_accounts=("999988887777",)
    )
    full = Bucket("b", open_to=("x (ACL)",), read_at=READ, settings_at=READ)
    assert msgspec.convert(posture_record(full)["facts"], Bucket, strict=False) == full
