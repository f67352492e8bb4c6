"""preflight: what each trail source of the account can see, what was logged of each bucket, what this role may read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from s3ir_tui.aws.account import Account
from s3ir_tui.headless.exits import Code
from s3ir_tui.headless.gather import Sources
from s3ir_tui.headless.output import Format, print_json, print_table, say
from s3ir_tui.headless.probes import check_permissions, check_sources
from s3ir_tui.model import Identity, iso, utc_now
from s3ir_tui.text import ago
from s3ir_tui.trail.coverage import words
from s3ir_tui.trail.discover import Survey, survey
from s3ir_tui.trail.logged import Reading, read_logged
from s3ir_tui.trail.preflight import Checked, Permission
from s3ir_tui.trail.selectors import Logged


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found.

    Attributes:
        identity: Who asked.
        found: Regions and trails, with what could not be found out.
        sources: The sources, each tried once.
        logged: What was logged of each bucket.
        permissions: The reads that the console makes.
    """

    identity: Identity
    found: Survey
    sources: Sequence[Checked]
    logged: Reading
    permissions: Sequence[Permission]

    @property
    def worry(self) -> bool:
        """Whether something is wrong: a source or a read fails, or reads of no bucket at all are logged now."""
        failing = any(item.reachable is False for item in self.sources) or bool(self.gaps)
        refused = any(item.allowed is False for item in self.permissions)
        now = [item.reads for found in self.logged.buckets.values() for item in found if not item.until]
        return failing or refused or not {Logged.ALL, Logged.PART} & set(now)

    @property
    def gaps(self) -> dict[str, str]:
        """What could not be found out, with the reason."""
        return {**self.found.gaps, **({"buckets": self.logged.gap} if self.logged.gap else {})}

    def to_json(self) -> dict[str, Any]:
        """The `preflight` JSON."""
        return {
            "account": self.identity.account,
            "region": self.identity.region,
            "identity": self.identity.arn,
            "at": iso(self.logged.history.until),
            "regions": list(self.found.regions),
            "sources": [msgspec.to_builtins(item) for item in self.sources],
            "trails": [
                {"name": item.name, "arn": item.arn, "logging": item.logging, "gap": item.gap}
                for item in self.found.trails
            ],
            "visibility": [self.logged.facts(bucket) for bucket in self.logged.buckets],
            "permissions": [msgspec.to_builtins(item) for item in self.permissions],
            "gaps": self.gaps,
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
    logged = read_logged(account, found, since, now)
    return Preflight(account.identity, found, checked, logged, check_permissions(account, found.trails))


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
    say(f"{now.account}  {now.region}  {now.arn}  {iso(result.logged.history.until)}")
    say()
    print_table(
        "Trail sources",
        ("source", "reachable", "expected", "measured", "management", "data events", "missing", "note"),
        _rows(result.sources),
    )
    print_table("What reading takes", ("source", "permissions", "cost"), _takes(result.sources))
    print_table(
        f"Object reads and writes since {iso(result.logged.history.since)}",
        ("bucket", "what was logged"),
        logged_rows(result.logged),
    )
    refused = [item for item in result.permissions if item.allowed is False]
    unknown = [item for item in result.permissions if item.allowed is None]
    allowed = len(result.permissions) - len(refused) - len(unknown)
    print_table(
        f"Reads of this identity: {allowed} work, {len(refused)} are refused, {len(unknown)} are not known",
        ("permission", "works", "why not"),
        [(item.action, _yes(item.allowed), item.why) for item in (*refused, *unknown)],
    )
    if result.gaps:
        print_table("Not known", ("what", "why"), list(result.gaps.items()))


def logged_rows(logged: Reading) -> list[tuple[str, str]]:
    """Bucket and sentence, row by row."""
    return [(bucket, line) for bucket, found in logged.buckets.items() for line in words(found, logged.history)]


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


def _takes(sources: Sequence[Checked]) -> list[tuple[str, str, str]]:
    """Permissions and cost of each kind of source."""
    kinds = {item.source.split()[0]: (", ".join(item.needs), item.cost) for item in sources if item.needs}
    return [(kind, *about) for kind, about in kinds.items()]


def _yes(value: bool | None) -> str:
    return "?" if value is None else "yes" if value else "no"
