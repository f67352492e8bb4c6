"""The trail sources against the embedded account: what was done there is what the analysis says."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from account_world import World, allow

from s3ir_tui.aws.account import Account
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.gameday.day import GameDay
from s3ir_tui.gameday.process import AccountServer
from s3ir_tui.model import Severity, utc_now
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.discover import discover
from s3ir_tui.trail.sources.base import SourceError, drain
from s3ir_tui.trail.sources.bucket import TrailBucketSource
from s3ir_tui.trail.sources.lookup import LookupSource

pytestmark = pytest.mark.slow


def connect(server: AccountServer, key: dict[str, str]) -> Account:
    return Account.connect(
        region="us-east-1",
        endpoint_url=server.endpoint_url,
        credentials={"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]},
    )


@pytest.fixture
def responder(world: World) -> Account:
    return connect(world.server, world.user("responder", allow("*")))


def collect(account: Account) -> Analysis:
    """Everything that the account's sources bring; those that fail are noted."""
    found = Analysis(account.own_keys)
    for source in discover(account, utc_now() - timedelta(hours=26)):
        try:
            found.add(drain(source), source.name)
        except SourceError as error:
            found.gap(source.name, str(error))
    return found


def until(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.5)
    return False


def test_lookup_brings_the_management_calls_of_a_key(world: World, responder: Account) -> None:
    bob = world.user("bob", allow("*"))
    for _ in range(3):
        world.client("s3", bob).list_buckets()
    source = LookupSource(responder, "us-east-1", utc_now() - timedelta(hours=1))
    found = [event for event in drain(source) if event.access_key == bob["AccessKeyId"]]
    assert [event.name for event in found] == ["ListBuckets"] * 3
    assert not source.data_events


def test_lookup_catches_up_with_more_than_a_page_through_the_real_limits(world: World, responder: Account) -> None:
    bob = world.user("bob", allow("*"))
    client = world.client("s3", bob)
    for _ in range(120):
        client.list_buckets()
    source = LookupSource(responder, "us-east-1", utc_now() - timedelta(hours=1), pages=2)
    found = drain(source)
    names = [event.id for event in found if event.name == "ListBuckets" and event.access_key == bob["AccessKeyId"]]
    assert len(names) == len(set(names)) == 120


def test_a_denied_lookup_says_what_is_lacking(world: World) -> None:
    account = connect(world.server, world.user("poor", allow("sts:GetCallerIdentity")))
    with pytest.raises(SourceError, match="LookupEvents"):
        LookupSource(account, "us-east-1", utc_now() - timedelta(hours=1)).poll()
    with pytest.raises(SourceError, match="ListObjectsV2"):
        TrailBucketSource(account, "trail-logs", "", account.identity.account, (), utc_now()).poll()


@pytest.fixture(scope="module")
def day() -> GameDay:
    """The leaked key, whose attacker has been and gone, and three weeks of the workload."""
    with GameDay.start("leaked-key", lag=0.5, attacker=False) as running:
        time.sleep(8)
        yield running


def history(day: GameDay) -> tuple[Account, Analysis]:
    account = Account.connect(
        region=day.info["region"], endpoint_url=day.info["endpoint_url"], credentials=day.info["responder"]
    )
    return account, collect(account)


def test_the_sources_of_a_game_day_are_found_and_bring_object_reads(day: GameDay) -> None:
    account, found = history(day)
    names = {source.name: source.data_events for source in discover(account, utc_now())}
    assert next(iter(names)) == "lookup us-east-1"
    assert {name for name in names if not name.startswith("lookup")} == {"bucket trail-logs"}
    assert [name for name, data in names.items() if data] == ["bucket trail-logs"]
    payroll = next(item for item in found.buckets() if item.name == "payroll-2026")
    assert payroll.reads > 0
    assert payroll.bytes_out > 0
    assert not [item for item in found.visibility() if "could not be read" in item.text]


def test_the_workload_has_no_reason_against_it(day: GameDay) -> None:
    _, found = history(day)
    for job in day.info["workload"]:
        (sighting,) = [item for item in found.principals() if _works(item.id, job)]
        assert sighting.events > 80
        assert sighting.reasons == ()


def test_a_source_that_cannot_be_read_is_told_and_the_others_go_on(
    day: GameDay, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, _ = history(day)
    ask = account.call

    def refuse(service: str, operation: str, *rest: object, **more: object) -> dict[str, object]:
        if operation == "LookupEvents":
            raise AwsError("AccessDenied", "no", operation="cloudtrail:LookupEvents")
        return ask(service, operation, *rest, **more)

    monkeypatch.setattr(account, "call", refuse)
    found = collect(account)
    assert found.events > 0
    assert any("lookup us-east-1 could not be read" in item.text for item in found.visibility())


@pytest.mark.parametrize("scenario", ["leaked-key", "reverse-proxy", "public-bucket"])
def test_the_attackers_are_suspects_and_the_workload_is_not(scenario: str) -> None:
    with GameDay.start(scenario, lag=0.5) as running:
        truth, workload = running.info, {item["name"]: item for item in running.info["workload"]}

        def suspects() -> set[str]:
            _, found = history(running)
            return {item.id for item in found.principals() if item.severity >= Severity.HIGH}

        def named() -> bool:
            return all(any(_same(principal, item) for item in suspects()) for principal in truth["principals"])

        assert until(named, 40), (truth["principals"], suspects())
        _, found = history(running)
        affected = {item.name for item in found.buckets() if item.severity >= Severity.HIGH}
        assert truth["buckets"][0] in affected
        assert affected <= set(truth["buckets"])
        assert {item.id for item in found.instances() if item.severity >= Severity.HIGH} == set(truth["instances"])
        for job in workload.values():
            if job.get("instance") in truth["instances"] and job.get("instance"):
                continue  # the same session as the thief's: told apart by its address only
            sightings = [item for item in found.principals() if _works(item.id, job)]
            assert sightings
            assert all(item.severity <= Severity.MEDIUM for item in sightings), sightings


def _same(principal: str, ident: str) -> bool:
    """Whether a suspect is a principal of the truth: itself, a session of the role, or of the account."""
    if principal == ident or ident == f"AWSAccount:{principal}":
        return True
    return ":role/" in principal and f":assumed-role/{principal.rsplit('/', 1)[-1]}/" in ident


def _works(ident: str, job: dict[str, str]) -> bool:
    if job.get("instance"):
        return ident.endswith(f"/{job['instance']}")
    return ident == job["principal"]
