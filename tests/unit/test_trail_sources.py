"""Sources: paced, overlapped, bounded, and with their trouble said."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from trail_world import ACCOUNT, record

from s3ir_tui.aws.errors import AwsError
from s3ir_tui.trail.discover import discover, offers, selects_s3_data, survey
from s3ir_tui.trail.sources import files
from s3ir_tui.trail.sources.base import SourceError, drain
from s3ir_tui.trail.sources.bucket import TrailBucketSource
from s3ir_tui.trail.sources.files import FilesSource, iter_events
from s3ir_tui.trail.sources.lookup import PACE, LookupSource
from s3ir_tui.trail.sources.lookup_denied import DeniedRegions
from s3ir_tui.trail.sources.lookup_quota import Quota

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=3)


class Clock:
    """A time that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.slept += seconds


class History:
    """LookupEvents as CloudTrail answers it: newest first, fifty a page, the window inclusive."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.records: list[dict[str, Any]] = []
        self.when: dict[str, datetime] = {}
        self.there: dict[str, datetime] = {}
        self.asked: list[float] = []
        self.faults: list[AwsError] = []

    def put(self, *moments: datetime, name: str = "ListBuckets", late: float = 0.0, **more: Any) -> None:
        """Calls at these times, in Event history so many seconds after them."""
        for moment in moments:
            made = record(name, when=moment.strftime("%Y-%m-%dT%H:%M:%SZ"), **more)
            made["readOnly"] = name.startswith(("List", "Get", "Describe", "Lookup"))
            self.records.append(made)
            self.when[made["eventID"]] = _when(made)
            self.there[made["eventID"]] = moment + timedelta(seconds=late)

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        assert (service, operation) == ("cloudtrail", "LookupEvents")
        assert params["StartTime"] <= params["EndTime"]
        self.asked.append(self.clock.seconds)
        if self.faults:
            raise self.faults.pop(0)
        now = self.clock.now()
        start, end = params["StartTime"], params["EndTime"]
        chosen = [
            r for r in self.records if start <= self.when[r["eventID"]] <= end and self.there[r["eventID"]] <= now
        ]
        for attribute in params.get("LookupAttributes") or ():
            assert attribute["AttributeKey"] == "ReadOnly"
            chosen = [r for r in chosen if str(r["readOnly"]).lower() == attribute["AttributeValue"]]
        chosen.sort(key=lambda r: self.when[r["eventID"]], reverse=True)
        start = int(params.get("NextToken") or 0)
        page = chosen[start : start + params["MaxResults"]]
        answer: dict[str, Any] = {"Events": [{"CloudTrailEvent": json.dumps(r)} for r in page]}
        if start + len(page) < len(chosen):
            answer["NextToken"] = str(start + len(page))
        return answer

    def pages(self, *_: Any, **__: Any) -> Iterator[Any]:
        raise AssertionError("not used")


def _when(item: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(item["eventTime"])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def history(clock: Clock) -> History:
    return History(clock)


def lookup(history: History, pages: int = 10, **more: Any) -> LookupSource:
    clock = history.clock
    more = {"region": "us-east-1", "since": SINCE} | more
    return LookupSource(history, pages=pages, clock=clock.now, monotonic=clock.monotonic, sleep=clock.sleep, **more)


def follow(source: LookupSource, clock: Clock, seconds: float) -> dict[str, datetime]:
    """Poll for so long; when each event was brought, by its id."""
    brought: dict[str, datetime] = {}
    until = clock.seconds + seconds
    while clock.seconds < until:
        for found in source.poll():
            brought[found.id] = clock.now()
        clock.seconds += source.interval
    return brought


def test_lookup_brings_everything_newest_first_in_bounded_parts(history: History) -> None:
    history.put(*(NOW - timedelta(seconds=20 * n) for n in range(300)))
    source = lookup(history, pages=2)
    first = source.poll()
    assert first[0].at == NOW
    assert 50 < len(first) <= 100
    assert not source.caught_up
    rest = first + drain(source, clock=history.clock.monotonic)
    assert source.caught_up
    assert len({event.id for event in rest}) == 300
    assert len(rest) == 300


def test_lookup_gets_through_a_second_that_holds_more_than_a_poll(history: History) -> None:
    history.put(*[NOW - timedelta(seconds=30)] * 180, *[NOW - timedelta(seconds=31)] * 180, NOW - timedelta(minutes=1))
    assert len(drain(lookup(history, pages=2), clock=history.clock.monotonic)) == 361


def test_lookup_keeps_the_pace_that_cloudtrail_allows(history: History) -> None:
    history.put(*(NOW - timedelta(seconds=n) for n in range(500)))
    drain(lookup(history), clock=history.clock.monotonic)
    gaps = [later - earlier for earlier, later in zip(history.asked, history.asked[1:], strict=False)]
    assert min(gaps) >= PACE - 1e-9


def test_lookup_finds_events_that_come_late(history: History) -> None:
    history.put(NOW - timedelta(seconds=5))
    source = lookup(history)
    source.poll()
    history.put(NOW - timedelta(minutes=10))
    history.clock.seconds += 61
    assert len(source.poll()) == 1


def test_lookup_asks_no_more_than_it_needs_while_nothing_happens(history: History) -> None:
    history.put(*(NOW - timedelta(minutes=3, seconds=n) for n in range(400)))
    source = lookup(history)
    drain(source, clock=history.clock.monotonic)
    before = len(history.asked)
    for _ in range(5):
        history.clock.seconds += 2
        assert source.poll() == []
    assert len(history.asked) - before <= 15


def test_lookup_retries_when_throttled_and_then_says_so(history: History) -> None:
    history.put(NOW)
    history.faults = [AwsError("ThrottlingException", "Rate exceeded")] * 2
    assert len(lookup(history).poll()) == 1
    history.faults = [AwsError("ThrottlingException", "Rate exceeded")] * 10
    with pytest.raises(SourceError, match="lookup us-east-1") as caught:
        lookup(history).poll()
    assert caught.value.retry_after == 5.0


def test_lookup_loses_nothing_to_a_failure_in_the_middle(history: History) -> None:
    history.put(*(NOW - timedelta(seconds=20 * n) for n in range(200)))
    source = lookup(history)
    ask = history.call
    calls = 0

    def broken(*args: Any, **more: Any) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise AwsError("ServiceUnavailable", "try again", status=503)
        return ask(*args, **more)

    history.call = broken
    found = source.poll()
    assert 50 < len(found) <= 100
    found += drain(source, clock=history.clock.monotonic)
    assert len({event.id for event in found}) == 200


def test_lookup_says_what_is_missing_where_it_is_not_allowed(history: History) -> None:
    history.faults = [AwsError("AccessDeniedException", "no", operation="cloudtrail:LookupEvents", hint="Ask for it.")]
    with pytest.raises(SourceError, match="Ask for it") as caught:
        lookup(history).poll()
    assert caught.value.retry_after > 5


def test_what_is_new_comes_while_a_day_of_history_is_still_being_read(history: History) -> None:
    history.put(*(NOW - timedelta(seconds=n) for n in range(6 * 3600)), late=120)
    history.put(*(NOW + timedelta(seconds=n) for n in range(250)), late=120)
    done = [NOW + timedelta(seconds=20 * n) for n in range(1, 6)]
    history.put(*done, name="PutBucketPolicy", late=120)
    source = lookup(history, since=NOW - timedelta(hours=6), pages=8)
    brought = follow(source, history.clock, 250)
    assert not source.caught_up
    waits = [
        (brought[r["eventID"]] - history.there[r["eventID"]]).total_seconds()
        for r in history.records
        if r["eventName"] == "PutBucketPolicy"
    ]
    assert len(waits) == 5
    assert max(waits) < 20


def test_an_event_that_comes_an_hour_late_is_found(history: History) -> None:
    source = lookup(history)
    source.poll()
    history.put(NOW + timedelta(minutes=5), late=3600)
    brought = follow(source, history.clock, 3600 + 300 + 1000)
    assert len(brought) == 1
    assert source.late is not None
    assert source.late >= 3600


def test_calls_that_change_something_come_before_a_flood_of_reads(history: History) -> None:
    history.put(*(NOW - timedelta(seconds=n / 10) for n in range(6000)))
    history.put(NOW - timedelta(minutes=9), name="CreateAccessKey")
    source = lookup(history, pages=4)
    assert "CreateAccessKey" in [event.name for event in source.poll()]


def test_a_look_goes_on_until_it_meets_what_is_known_so_that_nothing_new_is_passed_over(history: History) -> None:
    history.put(*(NOW + timedelta(seconds=n / 20) for n in range(20 * 400)))
    source = lookup(history, pages=8)
    brought = follow(source, history.clock, 700)
    assert len(brought) == 20 * 400


def test_a_region_where_nothing_happens_is_asked_seldom_and_often_again_when_something_does(history: History) -> None:
    source = lookup(history, every=60.0, own=lambda: ("AKIAOURS",))
    follow(source, history.clock, 600)
    before = len(history.asked)
    start = history.clock.seconds
    history.put(*(history.clock.now() + timedelta(minutes=n) for n in range(10)), name="LookupEvents")
    follow(source, history.clock, 600)
    assert (len(history.asked) - before) / (history.clock.seconds - start) * 60 <= 1.5
    history.put(history.clock.now() - timedelta(seconds=1), name="CreateBucket")
    follow(source, history.clock, 61)
    before = len(history.asked)
    follow(source, history.clock, 60)
    assert len(history.asked) - before >= 9


def test_complete_to_is_the_time_of_the_last_whole_look(history: History) -> None:
    source = lookup(history)
    assert source.complete_to is None
    source.poll()
    assert source.complete_to == NOW
    history.faults = [AwsError("ServiceUnavailable", "try again", status=503)]
    history.clock.seconds += 60
    with pytest.raises(SourceError):
        source.poll()
    assert source.complete_to == NOW


def test_all_who_ask_in_one_region_share_one_budget(history: History) -> None:
    clock = history.clock
    quota = Quota(monotonic=clock.monotonic, sleep=clock.sleep)
    history.put(*(NOW - timedelta(seconds=n) for n in range(300)))
    sources = [lookup(history, quota=quota), lookup(history, quota=quota)]
    for source in sources:
        drain(source, clock=clock.monotonic)
    gaps = [later - earlier for earlier, later in zip(history.asked, history.asked[1:], strict=False)]
    assert min(gaps) >= PACE - 1e-9


def test_the_pace_gives_way_to_others_and_recovers(history: History) -> None:
    clock = history.clock
    quota = Quota(monotonic=clock.monotonic, sleep=clock.sleep)
    refused = AwsError("ThrottlingException", "Rate exceeded")
    params = {"StartTime": SINCE, "EndTime": NOW, "MaxResults": 50}
    history.faults = [refused] * 3
    quota.ask(history, params, "us-east-1")
    gaps = [later - earlier for earlier, later in zip(history.asked, history.asked[1:], strict=False)]
    assert gaps == sorted(gaps)
    assert gaps[-1] > 3
    for _ in range(60):
        quota.ask(history, params, "us-east-1")
    assert history.asked[-1] - history.asked[-2] == pytest.approx(PACE, abs=0.01)


SCP = "User: arn:aws:iam::111122223333:user/r is not authorized with an explicit deny in a service control policy"


def test_regions_that_a_policy_of_the_organization_denies_are_one_remark(history: History) -> None:
    denied = DeniedRegions("lookup us-east-1", never=("us-east-1",))
    home = lookup(history, denied=denied)
    others = [lookup(history, denied=denied, region=region) for region in ("sa-east-1", "ap-south-1", "me-south-1")]
    history.faults = [
        AwsError("AccessDeniedException", SCP),
        AwsError("AccessDeniedException", SCP),
        AwsError("UnrecognizedClientException", "The security token included in the request is invalid"),
    ]
    for source in others:
        assert source.poll() == []
        assert source.dormant
        assert source.caught_up
        assert source.interval >= 3600
    assert home.remark == (
        "Regions not looked in, asked again every hour: "
        "denied by a service control policy: ap-south-1, sa-east-1; not enabled: me-south-1"
    )
    assert others[0].remark == ""
    others[0].poll()
    assert "sa-east-1" not in home.remark
    assert not others[0].dormant


def test_a_region_that_worked_and_is_denied_now_is_in_trouble_and_so_is_the_home_region(history: History) -> None:
    denied = DeniedRegions("lookup us-east-1", never=("us-east-1",))
    source = lookup(history, denied=denied, region="eu-west-1")
    source.poll()
    history.clock.seconds += 60
    history.faults = [AwsError("AccessDeniedException", SCP)] * 2
    with pytest.raises(SourceError, match="lookup eu-west-1"):
        source.poll()
    with pytest.raises(SourceError, match="lookup us-east-1"):
        lookup(history, denied=denied).poll()


def test_another_console_goes_on_with_history_where_the_first_one_ended(history: History) -> None:
    history.put(*(NOW - timedelta(seconds=20 * n) for n in range(500)))
    first = lookup(history, pages=2)
    brought = {event.id for event in first.poll()}
    second = lookup(history, pages=2)
    second.take_over(first.complete_to, first.backlog)
    history.clock.seconds += 30
    before = len(history.asked)
    found = drain(second, clock=history.clock.monotonic)
    assert brought | {event.id for event in found} == {r["eventID"] for r in history.records}
    assert len(history.asked) - before <= 12


class Store:
    """A trail's bucket."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refused: set[str] = set()
        self.listed: list[Mapping[str, Any]] = []
        self.got: list[str] = []

    def put(self, when: datetime, *names: str, prefix: str = "", region: str = "us-east-1", unique: str = "x") -> str:
        base = f"{prefix}AWSLogs/{ACCOUNT}/CloudTrail/{region}/{when:%Y/%m/%d}"
        key = f"{base}/{ACCOUNT}_CloudTrail_{region}_{when:%Y%m%dT%H%MZ}_{unique}.json.gz"
        self.objects[key] = gzip.compress(json.dumps({"Records": [record("GetObject", key=n) for n in names]}).encode())
        return key

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        assert operation == "GetObject"
        self.got.append(params["Key"])
        if params["Key"] in self.refused:
            raise AwsError("AccessDenied", "kms:Decrypt", operation="s3:GetObject", hint="The caller lacks kms:Decrypt")
        return {"Body": io.BytesIO(self.objects[params["Key"]])}

    def pages(
        self, service: str, operation: str, params: Mapping[str, Any], key: str, region: str = ""
    ) -> Iterator[Any]:
        self.listed.append(params)
        prefix = params["Prefix"]
        names = [
            name for name in sorted(self.objects) if name.startswith(prefix) and name > params.get("StartAfter", "")
        ]
        if key == "CommonPrefixes":
            for folder in dict.fromkeys(prefix + name[len(prefix) :].split("/")[0] + "/" for name in names):
                yield {"Prefix": folder}
            return
        yield from ({"Key": name} for name in names)


def trail_bucket(store: Store, clock: Clock, **more: Any) -> TrailBucketSource:
    return TrailBucketSource(store, "trail-logs", more.pop("prefix", ""), ACCOUNT, (), SINCE, clock=clock.now, **more)


def keys(events: list[Any]) -> list[str]:
    return [event.key for event in events]


def test_the_bucket_is_read_newest_first_each_file_once(clock: Clock) -> None:
    store = Store()
    for minute in range(10):
        store.put(NOW - timedelta(minutes=minute), f"m{minute}")
    source = trail_bucket(store, clock, files=4, seconds=0)
    assert keys(source.poll()) == ["m0", "m1", "m2", "m3"]
    assert not source.caught_up
    assert keys(drain(source)) == ["m4", "m5", "m6", "m7", "m8", "m9"]
    assert source.poll() == []
    assert len(store.got) == 10


def test_late_files_under_an_older_name_are_found(clock: Clock) -> None:
    store = Store()
    store.put(NOW, "now")
    source = trail_bucket(store, clock)
    source.poll()
    store.put(NOW - timedelta(minutes=40), "late")
    clock.seconds += 5
    assert keys(source.poll()) == ["late"]
    store.put(NOW - timedelta(hours=6), "very late")
    clock.seconds += 700
    assert keys(source.poll()) == ["very late"]


def test_every_region_and_the_day_before_are_read(clock: Clock) -> None:
    store = Store()
    store.put(NOW, "here")
    store.put(NOW, "there", region="eu-west-1")
    store.put(NOW - timedelta(days=1), "yesterday")
    source = TrailBucketSource(store, "b", "", ACCOUNT, (), NOW - timedelta(days=1), clock=clock.now)
    assert set(keys(drain(source))) == {"here", "there", "yesterday"}


def test_a_region_whose_first_file_comes_later_is_found(clock: Clock) -> None:
    store = Store()
    source = trail_bucket(store, clock)
    assert source.poll() == []
    store.put(NOW, "first")
    assert keys(source.poll()) == ["first"]
    store.put(NOW, "elsewhere", region="ap-south-1")
    clock.seconds += 31
    assert keys(source.poll()) == ["elsewhere"]


def test_prefixes_and_organization_trails_are_found(clock: Clock) -> None:
    store = Store()
    store.put(NOW, "own", prefix="trails/")
    when = f"{NOW:%Y/%m/%d}/{ACCOUNT}_CloudTrail_us-east-1_{NOW:%Y%m%dT%H%MZ}_y.json"
    store.objects[f"trails/AWSLogs/o-abc/{ACCOUNT}/CloudTrail/us-east-1/{when}"] = json.dumps(
        {"Records": [record("GetObject", key="organization")]}
    ).encode()
    assert set(keys(drain(trail_bucket(store, clock, prefix="trails")))) == {"own", "organization"}


def test_one_file_that_cannot_be_read_costs_only_itself(clock: Clock) -> None:
    store = Store()
    store.put(NOW, "good")
    store.refused = {store.put(NOW - timedelta(minutes=1), "bad")}
    source = trail_bucket(store, clock)
    assert keys(source.poll()) == ["good"]
    with pytest.raises(SourceError, match="kms:Decrypt"):
        source.poll()
    with pytest.raises(SourceError):
        source.poll()
    assert source.poll() == []
    assert "kms:Decrypt" in source.skipped[0].reason


def test_regions_of_a_trail_where_no_file_comes_are_listed_once_a_minute(clock: Clock) -> None:
    store = Store()
    regions = [f"xx-north-{n}" for n in range(17)]
    for region in regions:
        store.put(NOW, "x", region=region)
    source = trail_bucket(store, clock)
    drain(source)
    begin = clock.seconds
    while clock.seconds < begin + 300:
        source.poll()
        clock.seconds += source.interval
    before = len(store.listed)
    while clock.seconds < begin + 900:
        source.poll()
        clock.seconds += source.interval
    assert (len(store.listed) - before) / 10 <= 32
    store.put(clock.now(), "new", region=regions[3])
    begin, found = clock.seconds, []
    while not found:
        found = source.poll()
        clock.seconds += source.interval
    assert clock.seconds - begin <= 65
    assert source.complete_to is not None
    assert (clock.now() - source.complete_to).total_seconds() <= 70


def test_a_bucket_that_cannot_be_listed_says_so(clock: Clock) -> None:
    store = Store()

    def refuse(*_: Any, **__: Any) -> Iterator[Any]:
        raise AwsError("AccessDenied", "no", operation="s3:ListObjectsV2 on trail-logs")

    store.pages = refuse
    with pytest.raises(SourceError, match="s3:ListObjectsV2 on trail-logs"):
        trail_bucket(store, clock).poll()


def test_a_region_whose_files_stop_is_remarked_while_the_others_are_read(clock: Clock) -> None:
    store = Store()
    for minute in range(0, 300, 5):
        store.put(NOW - timedelta(minutes=minute), f"m{minute}")
        store.put(NOW - timedelta(minutes=minute), f"w{minute}", region="eu-west-1")
    source = trail_bucket(store, clock)
    drain(source)
    assert source.remark == ""
    clock.seconds += 3600
    for minute in range(0, 60, 5):
        store.put(clock.now() - timedelta(minutes=minute), f"late{minute}")
    assert len(drain(source)) == 12
    assert source.remark.startswith(
        f"bucket trail-logs: no file from eu-west-1 since {NOW:%Y-%m-%d %H:%M}Z, while others"
    )


def test_a_key_that_cannot_be_used_is_said_as_that(clock: Clock) -> None:
    store = Store()
    store.put(NOW, "x")

    def refuse(*_: Any, **__: Any) -> dict[str, Any]:
        raise AwsError("KMS.DisabledException", "arn:aws:kms:us-east-1:111122223333:key/k is disabled.", status=400)

    store.call = refuse
    with pytest.raises(SourceError, match="the KMS key that they are encrypted with cannot be used"):
        trail_bucket(store, clock).poll()


def test_listing_goes_on_from_an_hour_ago(clock: Clock) -> None:
    store = Store()
    store.put(NOW, "x")
    source = trail_bucket(store, clock)
    source.poll()
    store.listed.clear()
    clock.seconds += 6
    source.poll()
    assert [bool(params.get("StartAfter")) for params in store.listed] == [True]


# -- files ----------------------------------------------------------------------------------------


def test_a_folder_is_walked_and_only_trail_names_are_read(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "a.json.gz").write_bytes(gzip.compress(json.dumps({"Records": [record("A")]}).encode()))
    (tmp_path / "b.ndjson").write_text(json.dumps(record("B")) + "\n" + json.dumps(record("C")))
    (tmp_path / "README.md").write_text("hello")
    (tmp_path / "c.json").write_text("{broken")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere.json")
    events, skipped = [], []
    for some, left in iter_events([tmp_path]):
        events += some
        skipped += left
    assert {event.name for event in events} == {"A", "B", "C"}
    assert {Path(item.origin).name for item in skipped} == {"c.json", "gone.json"}


def test_a_file_that_is_named_itself_may_be_called_anything(tmp_path: Path) -> None:
    (tmp_path / "export.txt").write_text(json.dumps(record("A")))
    assert sum(len(some) for some, _ in iter_events([tmp_path / "export.txt"])) == 1


@pytest.mark.parametrize("packed", [False, True])
def test_long_files_of_lines_are_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    monkeypatch.setattr(files, "WHOLE", 4000)
    monkeypatch.setattr(files, "CHUNK", 1500)
    text = b"\n".join(json.dumps(record("GetObject", key=f"{n}")).encode() for n in range(200))
    path = tmp_path / ("long.ndjson.gz" if packed else "long.ndjson")
    path.write_bytes(gzip.compress(text) if packed else text)
    parts = list(iter_events([path]))
    assert len(parts) > 10
    assert [event.key for some, _ in parts for event in some] == [str(n) for n in range(200)]
    assert not [item for _, left in parts for item in left]


def test_a_long_file_of_one_value_is_read_whole_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK", 1500)
    path = tmp_path / "long.json"
    path.write_text(json.dumps({"Records": [record("GetObject", key=f"{n}") for n in range(50)]}))
    monkeypatch.setattr(files, "WHOLE", path.stat().st_size - 1)
    assert sum(len(some) for some, _ in iter_events([path])) == 50
    monkeypatch.setattr(files, "WHOLE", path.stat().st_size // 8)
    ((events, skipped),) = iter_events([path])
    assert not events
    assert "one JSON value" in skipped[0].reason


def test_files_as_a_source_are_read_again_only_when_they_change(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps(record("A")))
    source = FilesSource([path])
    assert len(source.poll()) == 1
    assert source.poll() == []
    path.write_text(json.dumps(record("A")) + "\n" + json.dumps(record("B")))
    assert len(source.poll()) == 2


# -- discovery ------------------------------------------------------------------------------------


class Trails:
    """An account with trails."""

    region = "eu-central-1"
    partition = "aws"

    class identity:
        account = ACCOUNT

    def __init__(self, answers: dict[str, Any]) -> None:
        regions = {"Regions": [{"RegionName": name} for name in ("eu-west-1", "us-east-1", "eu-central-1")]}
        self.answers = {
            "DescribeRegions": regions,
            "ListTrails": {"Trails": []},
            "GetTrailStatus": {"IsLogging": True},
            **answers,
        }

    def pages(self, service: str, operation: str, params: Mapping[str, Any], key: str, region: str = "") -> Any:
        yield from self.call(service, operation, params, region)[key]

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        answer = self.answers[operation]
        if isinstance(answer, AwsError):
            raise answer
        return dict(answer)


def test_lookup_of_both_regions_and_the_bucket_of_each_trail_are_found() -> None:
    trail = {"TrailARN": "arn:x", "S3BucketName": "trail-logs", "HomeRegion": "eu-central-1"}
    account = Trails(
        {
            "DescribeTrails": {"trailList": [trail, trail | {"TrailARN": "arn:y"}]},
            "GetEventSelectors": {
                "EventSelectors": [{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}]
            },
        }
    )
    found = discover(account, SINCE)
    assert [(item.name, item.data_events) for item in found] == [
        ("lookup eu-central-1", False),
        ("lookup us-east-1", False),
        ("lookup eu-west-1", False),
        ("bucket trail-logs", True),
    ]


def test_a_trail_that_is_not_logging_brings_no_data_events_and_says_since_when() -> None:
    trail = {"TrailARN": "arn:x", "Name": "main", "S3BucketName": "trail-logs", "HomeRegion": "eu-central-1"}
    selectors = {"EventSelectors": [{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}]}
    stopped = {"IsLogging": False, "StopLoggingTime": datetime(2026, 11, 24, 3, 10, tzinfo=UTC)}
    account = Trails(
        {"DescribeTrails": {"trailList": [trail]}, "GetEventSelectors": selectors, "GetTrailStatus": stopped}
    )
    bucket = discover(account, SINCE)[-1]
    assert bucket.data_events is False
    assert bucket.remark == "bucket trail-logs: trail main is not logging since 2026-11-24T03:10:00Z"
    account.answers["GetTrailStatus"] = {"IsLogging": True, "LatestDeliveryError": "NoSuchBucket"}
    bucket = discover(account, SINCE)[-1]
    assert bucket.data_events is True
    assert bucket.remark == "bucket trail-logs: trail main: its last delivery failed: NoSuchBucket"


def test_without_permission_to_see_trails_the_lookups_are_left_and_say_so() -> None:
    account = Trails({"DescribeTrails": AwsError("AccessDenied", "no", operation="cloudtrail:DescribeTrails")})
    found = discover(account, SINCE)
    assert [item.name for item in found] == ["lookup eu-central-1", "lookup us-east-1", "lookup eu-west-1"]
    assert "trails not known: cloudtrail:DescribeTrails" in found[0].remark
    assert found[1].remark == ""


def test_without_permission_to_see_regions_those_that_every_account_has_are_read() -> None:
    account = Trails({"DescribeRegions": AwsError("UnauthorizedOperation", "no"), "DescribeTrails": {}})
    found = discover(account, SINCE)
    assert [item.name for item in found[:2]] == ["lookup eu-central-1", "lookup us-east-1"]
    assert len(found) == 17
    assert "Regions that were opted into not known" in found[0].remark


def test_a_trail_that_only_its_own_region_shows_is_found() -> None:
    account = Trails(
        {"DescribeTrails": {}, "ListTrails": {"Trails": [{"TrailARN": "arn:z", "HomeRegion": "sa-east-1"}]}}
    )
    ask = account.call

    def call(service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        if operation == "DescribeTrails" and region == "sa-east-1":
            return {"trailList": [{"TrailARN": "arn:z", "S3BucketName": "far-logs", "HomeRegion": region}]}
        if operation in ("GetEventSelectors", "GetTrailStatus"):
            assert region == "sa-east-1"
            return {}
        return ask(service, operation, params, region)

    account.call = call
    assert [item.name for item in discover(account, SINCE)][-1] == "bucket far-logs"


def test_a_trail_that_sends_to_cloudwatch_offers_logs_and_no_live_tail_unasked() -> None:
    group = "arn:aws:logs:us-west-2:111122223333:log-group:trail:*"
    account = Trails(
        {"DescribeTrails": {"trailList": [{"TrailARN": "arn:x", "CloudWatchLogsLogGroupArn": group}]}}
        | {"GetEventSelectors": {}}
    )
    assert [item.name for item in discover(account, SINCE)][-1] == "logs trail"
    assert [item.name for item in offers(account, survey(account), SINCE)][-2:] == ["logs trail", "livetail trail"]


def test_both_kinds_of_selectors_tell_of_data_events() -> None:
    fields = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
    ]
    assert selects_s3_data({"AdvancedEventSelectors": [{"FieldSelectors": fields}]})
    assert not selects_s3_data({"AdvancedEventSelectors": [{"FieldSelectors": fields[:1]}]})
    assert not selects_s3_data({"EventSelectors": [{"DataResources": [{"Type": "AWS::Lambda::Function"}]}]})
    assert not selects_s3_data({})
