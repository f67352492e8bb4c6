"""Who comes from a contained actor without being contained with it: what it created, and who was granted access."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from s3ir_tui.board.known import Known
from s3ir_tui.case import Containment
from s3ir_tui.model import iso
from s3ir_tui.room import StillIn
from s3ir_tui.text import clean, short_arn
from s3ir_tui.trail.arns import account_of, is_account
from s3ir_tui.trail.lineage import Family


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the family of an actor that its plan did not name.

    Attributes:
        id: As in the row of a principal.
        idents: Names by which its calls are recognised.
        how: `granted access by` or `created by`.
    """

    id: str
    idents: frozenset[str]
    how: str


def contained_idents(known: Known, item: Containment) -> frozenset[str]:
    """Names of whom a plan contains: those that it names, their accounts, and credentials that act as them."""
    found = set(item.principals)
    found |= {_account(ident) for ident in item.principals if _is_outside(ident)}
    for ident in item.principals:
        for made in known.analysis.family(ident).credentials:
            if made.principal in found or made.owner_arn in found or made.access_key in found:
                found.add(made.access_key)
    return frozenset(found)


def members(known: Known, item: Containment, contained: Collection[str]) -> tuple[Member, ...]:
    """Everyone of the actor's family whom its plan did not name, each once."""
    found: dict[str, Member] = {}
    for ident in item.principals:
        for member in _of_family(known.analysis.family(ident), contained):
            if not member.idents & set(known.analysis.own_keys):
                old = found.get(member.id)
                idents = member.idents | old.idents if old else member.idents
                found[member.id] = Member(member.id, idents, old.how if old else member.how)
    return tuple(found.values())


def _of_family(family: Family, contained: Collection[str]) -> Iterator[Member]:
    for account in family.accounts:
        if account not in contained:
            yield Member(f"AWSAccount:{account}", frozenset((account, f"AWSAccount:{account}")), "granted access by")
    outside = {f"AWSAccount:{account}" for account in family.accounts}
    for principal in family.principals:
        if principal not in contained and principal not in outside and not _in(principal, family.accounts):
            yield Member(principal, frozenset([principal]), "created by")
    for made in family.credentials:
        if made.access_key not in contained and not _in(made.principal, family.accounts):
            yield Member(made.principal, frozenset([made.access_key]), "created by")


def still_in(
    known: Known, item: Containment, found: Collection[Member], others: Collection[Containment]
) -> tuple[StillIn, ...]:
    """Those of the family whose calls were allowed after they should have been cut.

    Args:
        known: What is known.
        item: The plan that contained the actor.
        found: Its family.
        others: All plans in force: what a later one contains is counted from that one on.
    """
    root = clean(short_arn(next(iter(item.principals), item.label)))
    shown = []
    for member in found:
        since = max((other.at for other in others if member.idents & set(other.principals)), default="")
        since = iso(datetime.fromisoformat(max(since, item.at)))
        last = known.analysis.last_ok(member.idents)
        if last > since:
            ok = known.analysis.allowed_after(member.idents, since)
            label = _account(member.id) if _is_outside(member.id) else member.id
            shown.append(
                StillIn(member.id, clean(short_arn(label)), f"{member.how} {root.split('/', 1)[-1]}", ok, since, last)
            )
    return tuple(sorted(shown, key=lambda one: one.last_ok, reverse=True))


def _is_outside(ident: str) -> bool:
    return is_account(ident) or ident.startswith("AWSAccount:")


def _account(ident: str) -> str:
    return account_of(ident) if ident.startswith("AWSAccount:") else ident


def _in(principal: str, accounts: Collection[str]) -> bool:
    """Whether a principal belongs to one of the outside accounts, under which its calls are counted already."""
    return account_of(principal) in accounts
