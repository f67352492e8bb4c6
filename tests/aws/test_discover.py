"""Which sources an account offers, and what is said where this identity may not see them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from account_world import World, allow, deny

from s3ir_tui.aws.account import Account
from s3ir_tui.headless.gather import Sources, gather
from s3ir_tui.model import utc_now
from s3ir_tui.settings import Settings
from s3ir_tui.trail.discover import ALWAYS_ENABLED, discover, survey

FROM = "eu-west-1"
HOUR = timedelta(hours=1)


def connect(world: World, *statements: dict[str, object]) -> Account:
    key = world.user("responder", *statements)
    return Account.connect(
        region=FROM,
        endpoint_url=world.server.endpoint_url,
        credentials={"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]},
    )


def test_every_region_is_looked_in_the_home_region_and_that_of_global_services_first(world: World) -> None:
    names = [source.name for source in discover(connect(world, allow("*")), utc_now())]
    assert names[:2] == [f"lookup {FROM}", "lookup us-east-1"]
    assert {f"lookup {region}" for region in ALWAYS_ENABLED} <= set(names)
    assert not [name for name in names if "gov" in name or " cn-" in name]


def test_a_call_in_a_far_region_is_found(world: World) -> None:
    world.server.client("sqs", world.user("mallory", allow("*")), region="sa-east-1").create_queue(QueueName="loot")
    analysis, missing = gather(connect(world, allow("*")), Sources(Settings(sources=("lookup",))), utc_now() - HOUR)
    assert [item for item in analysis.principals() if item.id.endswith("user/mallory")]
    assert not missing


def test_a_region_that_is_refused_is_remarked_and_the_others_are_read(world: World) -> None:
    only = {"StringEquals": {"aws:RequestedRegion": "ap-south-1"}}
    account = connect(world, allow("*"), deny("cloudtrail:LookupEvents", Condition=only))
    analysis, missing = gather(account, Sources(Settings(sources=("lookup",))), utc_now() - HOUR)
    assert [item.reason for item in missing] == [
        "Regions not looked in, asked again every hour: denied: ap-south-1",
    ]
    assert analysis.events > 0


@pytest.mark.parametrize(
    ("action", "gap"),
    [
        ("ec2:DescribeRegions", "Regions that were opted into"),
        ("cloudtrail:DescribeTrails", "trails"),
        ("cloudtrail:ListTrails", "trails of other Regions"),
    ],
)
def test_what_may_not_be_seen_is_said(world: World, action: str, gap: str) -> None:
    found = survey(connect(world, allow("*"), deny(action)))
    assert list(found.gaps) == [gap]
    assert action in found.gaps[gap]
    assert found.regions[:2] == (FROM, "us-east-1")
