"""The trail bucket of a log-archive account, read by a role in it."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pytest
from account_world import World, allow, arns, document, trust

from s3ir_tui.aws.account import Account
from s3ir_tui.aws.guard import WriteRefused
from s3ir_tui.gameday.process import OUTSIDE, VICTIM
from s3ir_tui.headless.exits import Failure
from s3ir_tui.headless.gather import Sources, gather
from s3ir_tui.model import iso, utc_now
from s3ir_tui.settings import Settings
from s3ir_tui.trail.sources.base import SourceError

ROLE = f"arn:aws:iam::{OUTSIDE}:role/LogReader"
ARCHIVE = f"bucket:log-archive/org@{ROLE}"


def put_log(world: World, account: str, name: str) -> None:
    """A log file of an organization's trail, for one of its accounts."""
    now = utc_now()
    record = {
        "eventVersion": "1.11",
        "eventID": f"00000000-0000-4000-8000-{abs(hash((account, name))) % 10**12:012d}",
        "eventTime": iso(now),
        "eventName": name,
        "eventSource": "s3.amazonaws.com",
        "eventCategory": "Data",
        "awsRegion": "us-east-1",
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{account}:user/mallory", "accountId": account},
        "requestParameters": {"bucketName": "payroll", "key": "k"},
    }
    key = f"org/AWSLogs/o-abcdefghij/{account}/CloudTrail/us-east-1/{now:%Y/%m/%d}/"
    key += f"{account}_CloudTrail_us-east-1_{now:%Y%m%dT%H%MZ}_x.json.gz"
    body = gzip.compress(json.dumps({"Records": [record]}).encode())
    world.server.admin("s3", account=OUTSIDE).put_object(Bucket="log-archive", Key=key, Body=body)


@pytest.fixture
def account(world: World) -> Account:
    """A responder who may assume the role of the log-archive account and no more there."""
    key = world.user("responder", allow("*"))
    world.server.admin("s3", account=OUTSIDE).create_bucket(Bucket="log-archive")
    iam = world.server.admin("iam", account=OUTSIDE)
    trusted = trust({"AWS": f"arn:aws:iam::{VICTIM}:root"})
    iam.create_role(RoleName="LogReader", AssumeRolePolicyDocument=trusted)
    may = document(allow("s3:*", [*arns("log-archive")]))
    iam.put_role_policy(RoleName="LogReader", PolicyName="own", PolicyDocument=may)
    return Account.connect(
        region="us-east-1",
        endpoint_url=world.server.endpoint_url,
        credentials={"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]},
    )


def test_the_trail_of_the_log_archive_is_read_for_this_account_alone(world: World, account: Account) -> None:
    put_log(world, VICTIM, "GetObject")
    put_log(world, "444455556666", "DeleteObject")
    analysis, missing = gather(account, Sources(Settings(sources=(ARCHIVE,))), utc_now() - timedelta(hours=1))
    assert not missing
    assert [item.id for item in analysis.principals()] == [f"arn:aws:iam::{VICTIM}:user/mallory"]


def test_a_source_that_brought_data_events_says_so(world: World, account: Account) -> None:
    put_log(world, VICTIM, "GetObject")
    (source,) = Sources(Settings(sources=(ARCHIVE,)))(account, utc_now() - timedelta(hours=1))
    assert not source.data_events
    source.poll()
    assert source.data_events


def test_no_writes_go_through_the_role_although_it_may_and_the_console_is_armed(world: World, account: Account) -> None:
    account.guard.armed = True
    there = account.elsewhere(ROLE)
    params = {"Bucket": "log-archive"}
    with account.guard.permit("s3:DeleteBucket", params), pytest.raises(WriteRefused):
        there.call("s3", "DeleteBucket", params)
    names = [item["Name"] for item in world.server.admin("s3", account=OUTSIDE).list_buckets()["Buckets"]]
    assert "log-archive" in names


def test_a_role_that_may_not_be_assumed_is_a_source_in_trouble(account: Account) -> None:
    named = f"bucket:log-archive@arn:aws:iam::{OUTSIDE}:role/Other"
    (source,) = Sources(Settings(sources=(named,)))(account, utc_now() - timedelta(hours=1))
    with pytest.raises(SourceError, match="AssumeRole"):
        source.poll()


def test_a_bucket_without_files_of_this_account_says_so(account: Account) -> None:
    (source,) = Sources(Settings(sources=(ARCHIVE,)))(account, utc_now() - timedelta(hours=1))
    assert source.poll() == []
    assert f"no log files of account {VICTIM}" in source.remark  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["bucket:", "bucket:UPPER", "bucket:name@role", "bucket:name@arn:aws:iam::1:role/x"])
def test_what_names_no_bucket_is_refused_with_the_way_to_write_it(text: str) -> None:
    with pytest.raises(Failure, match="write bucket:NAME"):
        Sources(Settings(sources=(text,)))
