"""preflight: what each trail source of the account can see, what was logged of each bucket, what this role may read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from s3ir_tui.aws.account import THREADS, Account
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.headless.exits import Code
from s3ir_tui.headless.gather import Sources
from s3ir_tui.headless.output import Format, print_json, print_table, say
from s3ir_tui.headless.probes import check_permissions, check_sources
from s3ir_tui.model import Identity, iso, utc_now
from s3ir_tui.text import ago
from s3ir_tui.trail.changes import read_changes
from s3ir_tui.trail.coverage import Coverage, History, coverage, unlogged, words
from s3ir_tui.trail.discover import Survey, first_regions, survey
from s3ir_tui.trail.preflight import Checked, Permission
from s3ir_tui.trail.selectors import Logged


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found.

    Attributes:
        identity: Who asked.
        found: Regions and trails, with what could not be found out.
        sources: The sources, each tried once.
        history: What was done to the trails.
        logged: What was logged of each bucket.
        buckets_gap: Why the buckets are not known, or "".
        permissions: The reads that the console makes.
    """

    identity: Identity
    found: Survey
    sources: Sequence[Checked]
    history: History
    logged: Mapping[str, tuple[Coverage, ...]]
    buckets_gap: str
    permissions: Sequence[Permission]

    @property
    def worry(self) -> bool:
        """Whether something is wrong: a source or a read fails, or reads of no bucket at all are logged now."""
        failing = any(item.reachable is False for item in self.sources) or bool(self.found.gaps or self.buckets_gap)
        refused = any(item.allowed is False for item in self.permissions)
        now = [item.reads for found in self.logged.values() for item in found if not item.until]
        return failing or refused or not {Logged.ALL, Logged.PART} & set(now)

    def to_json(self) -> dict[str, Any]:
        """The `preflight` JSON."""
        return {
            "account": self.identity.account,
            "region": self.identity.region,
            "identity": self.identity.arn,
            "at": iso(self.history.until),
            "regions": list(self.found.regions),
            "sources": [msgspec.to_builtins(item) for item in self.sources],
            "trails": [
                {"name": item.name, "arn": item.arn, "logging": item.logging, "gap": item.gap}
                for item in self.found.trails
            ],
            "visibility": [
                {
                    "bucket": bucket,
                    "coverage": [msgspec.to_builtins(item) for item in found],
                    "reads_not_logged": [{"from": a, "to": b} for a, b in unlogged(found, self.history)],
                    "text": list(words(found, self.history)),
                }
                for bucket, found in self.logged.items()
            ],
            "permissions": [msgspec.to_builtins(item) for item in self.permissions],
            "gaps": {**self.found.gaps, **({"buckets": self.buckets_gap} if self.buckets_gap else {})},
        }


def preflight(account: Account, sources: Sources, since: datetime) -> Preflight:
    """Try what the console will need. Nothing is changed, no object of a bucket but a trail's is read.

    Args:
        account: The connection.
        sources: The sources that settings choose.
        since: How far back the visibility of buckets is looked at.
    """
    now = utc_now()
    found = survey(account)
    checked = check_sources(account, sources.all_of(account, found, since), found.trails, now)
    history, logged, gap = visibility(account, found, since, now)
    return Preflight(account.identity, found, checked, history, logged, gap, check_permissions(account, found.trails))


def visibility(
    account: Account, found: Survey, since: datetime, now: datetime
) -> tuple[History, dict[str, tuple[Coverage, ...]], str]:
    """What was logged of each bucket since a moment; with the reason, if the buckets are not known."""
    history = read_changes(account, found.trails, first_regions(account), since, now)
    try:
        names = _names(account)
    except AwsError as error:
        return history, {}, str(error)
    with ThreadPoolExecutor(THREADS // 2, thread_name_prefix="visibility") as pool:
        buckets = dict(zip(names, pool.map(lambda name: _region(account, name), names), strict=True))
    return history, coverage(found.trails, history, buckets, found.gaps.get("trails", "")), ""


def _names(account: Account) -> list[str]:
    return sorted(str(item["Name"]) for item in account.pages("s3", "ListBuckets", {}, "Buckets"))


def _region(account: Account, bucket: str) -> str:
    try:
        place = account.call("s3", "GetBucketLocation", {"Bucket": bucket}).get("LocationConstraint")
    except AwsError:
        return ""
    # us-east-1 has no constraint, and the oldest European buckets say EU (S3 API, GetBucketLocation).
    return "eu-west-1" if place == "EU" else str(place or "us-east-1")


def run(account: Account, sources: Sources, since: datetime, form: Format) -> int:
    """Print what was found.

    Returns:
        `Code.OK`; `Code.PROBLEM` where a source or a read fails, or object reads are logged of no bucket.
    """
    result = preflight(account, sources, since)
    if form is Format.JSON:
        print_json(result.to_json())
    else:
        _print(result)
    return Code.PROBLEM if result.worry else Code.OK


def _print(result: Preflight) -> None:
    now = result.identity
    say(f"{now.account}  {now.region}  {now.arn}  {iso(result.history.until)}")
    say()
    print_table(
        "Trail sources",
        ("source", "reachable", "expected", "measured", "management", "data events", "missing", "note"),
        _rows(result.sources),
    )
    print_table("What reading costs", ("source", "cost"), list(_costs(result.sources).items()))
    print_table(
        f"Object reads and writes since {iso(result.history.since)}",
        ("bucket", "what was logged"),
        [(bucket, line) for bucket, found in result.logged.items() for line in words(found, result.history)],
    )
    refused = [item for item in result.permissions if item.allowed is False]
    unknown = [item for item in result.permissions if item.allowed is None]
    allowed = len(result.permissions) - len(refused) - len(unknown)
    print_table(
        f"Reads of this identity: {allowed} work, {len(refused)} are refused, {len(unknown)} are not known",
        ("permission", "works", "why not"),
        [(item.action, _yes(item.allowed), item.why) for item in (*refused, *unknown)],
    )
    gaps = result.to_json()["gaps"]
    if gaps:
        print_table("Not known", ("what", "why"), list(gaps.items()))


def _rows(sources: Sequence[Checked]) -> list[tuple[str, ...]]:
    """A row a source; Regions of which the same is to be said share one."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for item in sources:
        measured = item.measured_by if item.measured is None else f"{ago(item.measured)} ({item.measured_by})"
        about = (item.management, item.data_events, ", ".join(item.missing), item.note)
        rows.setdefault((_yes(item.reachable), item.expected, measured, *about), []).append(item.source)
    return [(_together(names), *row) for row, names in rows.items()]


def _together(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _costs(sources: Sequence[Checked]) -> dict[str, str]:
    return {item.source.split()[0]: item.cost for item in sources if item.cost}


def _yes(value: bool | None) -> str:
    return "?" if value is None else "yes" if value else "no"
