"""triage: the posture of buckets, principals and instances, with what could not be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from s3ir_tui.aws.account import Account
from s3ir_tui.aws.buckets import read_buckets
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.aws.instances import read_instances
from s3ir_tui.aws.principals import read_principals
from s3ir_tui.headless.output import Format, print_json, print_table, say
from s3ir_tui.headless.preflight import logged_rows
from s3ir_tui.model import Bucket, Identity, Instance, Principal, iso, utc_now
from s3ir_tui.trail.discover import survey
from s3ir_tui.trail.logged import Reading, read_logged

Posture = Sequence[Bucket] | Sequence[Principal] | Sequence[Instance]


@dataclass(frozen=True, slots=True)
class Triage:
    """The posture of an account. What could not be listed at all is empty and has its reason in `gaps`."""

    identity: Identity
    at: str
    buckets: Sequence[Bucket] = ()
    principals: Sequence[Principal] = ()
    instances: Sequence[Instance] = ()
    logged: Reading | None = None
    gaps: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The `triage` JSON."""
        return {
            "account": self.identity.account,
            "region": self.identity.region,
            "identity": self.identity.arn,
            "at": self.at,
            "buckets": [_plain(item) | {"public": item.public} for item in self.buckets],
            "principals": [_plain(item) for item in self.principals],
            "instances": [_plain(item) | {"gaps": _unknown(item)} for item in self.instances],
            "visibility": [self.logged.facts(bucket) for bucket in self.logged.buckets] if self.logged else [],
            "gaps": self.gaps,
        }


def triage(account: Account, since: datetime) -> Triage:
    """Read everything at once.

    Args:
        account: The connection.
        since: How far back it is looked at what was logged of the buckets.

    Raises:
        AwsError: Nothing could be read.
    """
    reads: dict[str, Callable[[Account], Posture]] = {
        "buckets": read_buckets,
        "principals": read_principals,
        "instances": read_instances,
    }
    found: dict[str, Any] = {}
    errors: dict[str, AwsError] = {}
    with ThreadPoolExecutor(len(reads) + 1, thread_name_prefix="triage") as pool:
        logged = pool.submit(_logged, account, since)
        pending = {name: pool.submit(read, account) for name, read in reads.items()}
    for name, future in pending.items():
        try:
            found[name] = future.result()
        except AwsError as error:
            errors[name] = error
    if not found:
        raise next(iter(errors.values()))
    seen, unseen = logged.result()
    gaps = {name: error.short for name, error in errors.items()} | unseen
    return Triage(account.identity, iso(utc_now()), **found, logged=seen, gaps=gaps)


def _logged(account: Account, since: datetime) -> tuple[Reading, dict[str, str]]:
    """What was logged of each bucket, and what of that could not be found out."""
    found = survey(account)
    return read_logged(account, found, since, utc_now()), dict(found.gaps)


def run(account: Account, since: datetime, form: Format, case: Path | None) -> int:
    """Print the posture; with a case it is recorded as well.

    Args:
        account: The connection.
        since: How far back it is looked at what was logged of the buckets.
        form: How to print.
        case: The case to record in.
    """
    result = triage(account, since)
    if case is not None:
        _record(account, result, case)
    if form is Format.JSON:
        print_json(result.to_json())
    else:
        _print(result)
    return 0


def _record(account: Account, result: Triage, case: Path) -> None:
    from s3ir_tui.board.known import logged_record, posture_record
    from s3ir_tui.headless.case import opened

    items: list[Bucket | Principal | Instance] = [*result.buckets, *result.principals, *result.instances]
    with opened(case, account, "triage") as journal:
        journal.record_many("posture", [posture_record(item) for item in items])
        if result.logged is not None:
            journal.record_many("posture", [logged_record(result.logged.facts(name)) for name in result.logged.buckets])


def _print(result: Triage) -> None:
    say(f"{result.identity.account}  {result.identity.region}  {result.identity.arn}  {result.at}")
    say()
    print_table(
        f"Buckets {_count(result, 'buckets')}",
        ("bucket", "region", "public", "open to", "block public access", "ownership", "versioning", "gaps"),
        [
            (
                item.name,
                item.region,
                _yes(item.public),
                "; ".join(item.open_to),
                _block(item),
                _ownership(item),
                item.versioning or "?",
                _gaps(item.gaps),
            )
            for item in result.buckets
        ],
    )
    if result.buckets:
        say(
            f"Not looked at: {', '.join(dict.fromkeys(what for item in result.buckets for what in item.not_looked_at))}"
        )
        say()
    print_table(
        f"Principals {_count(result, 'principals')}",
        ("kind", "name", "keys", "console", "MFA", "denied all", "trusts", "gaps"),
        [
            (
                item.kind,
                item.name,
                _keys(item),
                "" if item.kind != "user" else _yes(item.console),
                "" if item.kind != "user" else _yes(item.mfa),
                _yes(item.denied_all),
                ", ".join(item.trusts),
                _gaps(item.gaps),
            )
            for item in result.principals
        ],
    )
    print_table(
        f"Instances {_count(result, 'instances')}",
        ("instance", "region", "state", "role", "IMDSv1", "public address"),
        [
            (item.id, item.region, item.state, item.role or "", _yes(item.imds_v1), item.public_address or "")
            for item in result.instances
        ],
    )
    if result.logged is not None:
        print_table(
            f"Object reads and writes since {iso(result.logged.history.since)}",
            ("bucket", "what was logged"),
            logged_rows(result.logged),
        )


def _count(result: Triage, name: str) -> str:
    return f"? ({result.gaps[name]})" if name in result.gaps else str(len(getattr(result, name)))


def _yes(value: bool | None) -> str:
    return "?" if value is None else "yes" if value else "no"


def _ownership(bucket: Bucket) -> str:
    return (bucket.ownership or "?") + (", objects can be public" if bucket.objects_public else "")


def _keys(user: Principal) -> str:
    known = ", ".join(f"{key.id} {key.status}" for key in user.keys)
    return known or (f"{user.active_keys} active" if user.active_keys else "")


def _block(bucket: Bucket) -> str:
    block = bucket.public_access_block
    if block is None:
        return "?" if "public_access_block" in bucket.gaps else "off"
    on = sum(
        (block.block_public_acls, block.ignore_public_acls, block.block_public_policy, block.restrict_public_buckets)
    )
    return "on" if block.all_on else f"{on} of 4" if on else "off"


def _gaps(gaps: Any) -> str:
    return ", ".join(f"{name}: {why}" for name, why in gaps.items())


def _unknown(item: Instance) -> dict[str, str]:
    return {"imds_v1": "not told by EC2"} if item.imds_v1 is None else {}


def _plain(item: Bucket | Principal | Instance) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(item)
    return built
