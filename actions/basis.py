"""What a plan rests on: the family of its targets in the trail, then and now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from actions.plan import Basis
from actions.subjects import subject
from s3ir_tui.text import middle, short_arn

if TYPE_CHECKING:
    from actions.plan import Targets
    from s3ir_tui.trail.analysis import Analysis

_NAMED = 3


def basis_of(targets: Targets, history: Analysis, account_id: str, partition: str) -> Basis:
    """What the trail shows of the targets of a plan and of all that descends from them.

    Args:
        targets: What the plan works on.
        history: What the trail shows now.
        account_id: The account that the console works on.
        partition: Its partition.
    """
    credentials: dict[str, None] = {}
    principals: dict[str, None] = {}
    accounts: dict[str, None] = {}
    for root in _roots(targets, account_id, partition):
        family = history.family(root)
        credentials |= dict.fromkeys(item.access_key for item in family.credentials)
        principals |= dict.fromkeys([*family.principals, *family.users, *family.roles])
        accounts |= dict.fromkeys(family.accounts)
    buckets = [name for item in history.principals() if item.id in principals for name in item.buckets]
    return Basis(tuple(credentials), tuple(principals), tuple(accounts), tuple(dict.fromkeys(buckets)))


def _roots(targets: Targets, account_id: str, partition: str) -> Iterable[str]:
    for name in ("principal", "access-key", "account", "instance"):
        yield from targets.get(name, ())
    for name in ("user", "role"):
        for value in targets.get(name, ()):
            yield value if value.startswith("arn:") else f"arn:{partition}:iam::{account_id}:{name}/{value}"


def changes(then: Basis, now: Basis) -> tuple[str, ...]:
    """What came and went between two looks, in words: `+ acct 9999…7777`, `+ 1 credential`."""
    pairs = (
        ("acct", then.accounts, now.accounts),
        ("credential", then.credentials, now.credentials),
        ("principal", then.principals, now.principals),
        ("bucket", then.buckets, now.buckets),
    )
    words = []
    for what, before, after in pairs:
        for sign, values in (("+", _not_in(after, before)), ("-", _not_in(before, after))):
            if values:
                words.append(f"{sign} {_named(what, values)}")
    return tuple(words)


def _not_in(some: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    return [item for item in some if item not in others]


def _named(what: str, values: list[str]) -> str:
    if what == "credential":
        return f"{len(values)} credential{'s' if len(values) > 1 else ''}"
    if len(values) > _NAMED:
        return f"{len(values)} {'accounts' if what == 'acct' else what + 's'}"
    if what == "acct":
        return ", ".join(f"acct {middle(value, 9)}" for value in values)
    names = [short_arn(value) if subject(value).kind else value for value in values] if what == "principal" else values
    return f"{what} {', '.join(names)}"
