"""Which trail sources are read, and what is told of those that bring nothing."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from s3ir_tui.aws.guard import WriteGuard
from s3ir_tui.headless import act, gather
from s3ir_tui.headless.exits import Failure
from s3ir_tui.model import utc_now
from s3ir_tui.settings import Settings
from s3ir_tui.trail.event import Event
from s3ir_tui.trail.sources.base import SourceError
from s3ir_tui.trail.sources.files import FilesSource


class Offered:
    """A source as an account offers it."""

    data_events = False
    interval = 1.0

    def __init__(self, name: str, *, fails: str = "") -> None:
        self.name, self._fails = name, fails

    def poll(self) -> list[Event]:
        if self._fails:
            raise SourceError(self._fails)
        return [Event(id=self.name, time="2026-11-24T09:14:07Z", name="ListBuckets", service="s3", principal="x")]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Any:
    found = [
        Offered("lookup us-east-1"),
        Offered("bucket trail-logs", fails="bucket trail-logs: no permission"),
        Offered("livetail trail"),
    ]
    monkeypatch.setattr(gather, "survey", lambda _: None)
    monkeypatch.setattr(gather, "offers", lambda *_: found)
    sqs = SimpleNamespace(meta=SimpleNamespace(endpoint_url="https://sqs.eu-west-1.amazonaws.com"))
    return SimpleNamespace(
        own_keys=(),
        region="eu-west-1",
        identity=SimpleNamespace(account="111122223333"),
        client=lambda _: sqs,
        guard=WriteGuard(),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    record = {
        "eventID": "e-1",
        "eventTime": "2026-11-24T09:14:07Z",
        "eventName": "GetObject",
        "eventSource": "s3.amazonaws.com",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/a"},
    }
    (tmp_path / "trail.json").write_text(json.dumps({"Records": [record]}))
    (tmp_path / "torn.json").write_text('{"Records": [{"eventID":')
    return tmp_path


def names(account: Any, *sources: str) -> Sequence[str]:
    return [item.name for item in gather.Sources(Settings(sources=sources))(account, utc_now())]


def test_all_that_the_account_offers_is_read_unless_sources_are_named(account: Any, folder: Path) -> None:
    assert names(account) == ["lookup us-east-1", "bucket trail-logs"]
    assert names(account, "lookup") == ["lookup us-east-1"]
    assert names(account, str(folder)) == [f"files {folder}"]
    assert names(account, "bucket", str(folder)) == ["bucket trail-logs", f"files {folder}"]


def test_source_that_is_none_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="neither lookup, bucket, logs, livetail nor queue:URL"):
        gather.Sources(Settings(sources=(str(tmp_path / "none"),)))
    with pytest.raises(Failure, match="name the queue"):
        gather.Sources(Settings(sources=("queue:",)))


def test_what_is_paid_for_is_read_only_when_it_is_named(account: Any) -> None:
    assert names(account, "lookup", "livetail") == ["lookup us-east-1", "livetail trail"]
    assert "livetail trail" not in names(account)


def test_a_kind_that_the_account_does_not_offer_is_told_with_what_it_does(account: Any) -> None:
    analysis, missing = gather.gather(account, gather.Sources(Settings(sources=("lookup", "logs"))), utc_now())
    assert analysis.distinct == 1
    (told,) = missing
    assert told.origin == "logs"
    assert told.reason == "this account offers no logs; there is: lookup us-east-1, bucket trail-logs, livetail trail"


def test_regions_are_counted_not_listed(monkeypatch: pytest.MonkeyPatch, account: Any) -> None:
    regions = [Offered(f"lookup {name}") for name in ("us-east-1", "eu-west-1")]
    monkeypatch.setattr(gather, "offers", lambda *_: regions)
    _, missing = gather.gather(account, gather.Sources(Settings(sources=("bucket",))), utc_now())
    assert [item.reason for item in missing] == ["this account offers no bucket; there is: lookup of 2 Regions"]


def test_a_queue_is_named_by_url_or_name_and_nothing_else_is_read_then(account: Any) -> None:
    url = "https://sqs.ap-south-1.amazonaws.com/999988887777/events"
    by_url, by_name = gather.Sources(Settings(sources=(f"queue:{url}", "queue:events")))(account, utc_now())
    assert (by_url.name, by_url.url, by_url.region) == ("queue events", url, "ap-south-1")
    assert (by_name.url, by_name.region) == ("https://sqs.eu-west-1.amazonaws.com/111122223333/events", "eu-west-1")


def test_only_a_recorded_case_may_delete_and_only_from_the_queue_that_was_named(account: Any) -> None:
    sources = gather.Sources(Settings(sources=("queue:events",)))
    (source,) = sources(account, utc_now())
    assert not account.guard.may_delete_from(source.url)
    sources.recorded(account, utc_now())
    assert account.guard.may_delete_from(source.url)
    assert not account.guard.may_delete_from(source.url + "-other")


def test_source_that_fails_is_told_and_the_others_are_read(account: Any) -> None:
    analysis, missing = gather.gather(account, gather.Sources(Settings()), utc_now())
    assert analysis.distinct == 1
    assert [(item.origin, item.reason) for item in missing] == [
        ("bucket trail-logs", "bucket trail-logs: no permission")
    ]


def test_files_are_read_once_and_what_is_torn_is_told(account: Any, folder: Path) -> None:
    source = FilesSource([folder])
    assert [event.id for event in source.poll()] == ["e-1"]
    assert source.poll() == []
    assert [Path(item.origin).name for item in source.skipped] == ["torn.json"]
    analysis, missing = gather.gather(account, gather.Sources(Settings(sources=(str(folder),))), utc_now())
    assert (analysis.distinct, len(missing)) == (1, 1)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_signal_stops_before_the_next_step_and_lets_the_one_in_flight_end(number: signal.Signals) -> None:
    stops: list[str] = []
    desk: Any = SimpleNamespace(stop=lambda: stops.append("stop"))
    before = signal.getsignal(number)
    with act.stopped_by_signals(desk):
        os.kill(os.getpid(), number)
        assert stops == ["stop"]
    assert signal.getsignal(number) is before
