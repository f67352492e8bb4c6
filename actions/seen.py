"""What the trail showed of whoever a plan would cut, in words for the responder."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from actions.context import Context
from actions.subjects import subject
from s3ir_tui.text import clean, short_arn

if TYPE_CHECKING:
    from s3ir_tui.trail.credentials import Credential
    from s3ir_tui.trail.sightings import PrincipalSighting


def since(ctx: Context) -> str:
    """`in the trail since 2026-11-24T09:00Z`: how far the evidence reaches."""
    first = ctx.history().first
    return f"in the trail since {first[:16]}Z" if first else "in the trail (it is empty so far)"


def use(sighting: PrincipalSighting) -> str:
    """`role/etl/i-0a1b: 118 calls ok, last 09:14:07Z, from 10.0.0.5, on exports`."""
    parts = [f"{sighting.events - sighting.denied} calls ok", f"last {sighting.last[11:19]}Z"]
    if sighting.addresses:
        parts.append(f"from {_few(sighting.addresses)}")
    if sighting.buckets:
        parts.append(f"on {_few(sighting.buckets)}")
    return f"{clean(short_arn(sighting.id))}: {', '.join(parts)}"


def of_principal(ctx: Context, arn: str) -> PrincipalSighting | None:
    """What was seen of one principal."""
    return next((item for item in ctx.history().principals() if item.id == arn), None)


def others_on_user(ctx: Context, user: str) -> tuple[str, ...]:
    """Everything that was seen of a user: all of it stops with the user."""
    sighting = of_principal(ctx, str(ctx.user(user)["Arn"]))
    if sighting is None:
        return (f"user/{user}: whoever uses it stops; no call of it {since(ctx)}",)
    return (f"all use of the user stops: {use(sighting)}",)


def sessions_of(ctx: Context, role: str) -> tuple[PrincipalSighting, ...]:
    """Sessions of a role of this account, as seen."""
    found = []
    for item in ctx.history().principals():
        who = subject(item.id)
        if (who.kind, who.account, who.name) == ("session", ctx.account_id, role):
            found.append(item)
    return tuple(found)


def others_on_role(ctx: Context, role: str, known: Collection[str] = ()) -> tuple[PrincipalSighting, ...]:
    """Sessions of a role that are not among the known session names and did something that worked."""
    return tuple(
        item for item in sessions_of(ctx, role) if subject(item.id).session not in known and item.events > item.denied
    )


def live_sessions(ctx: Context, user: str) -> tuple[str, ...]:
    """Sessions made by a user that have not expired: `ASIA… until 21:10Z`."""
    arn = str(ctx.user(user)["Arn"])
    return tuple(
        f"{item.access_key} until {item.expires_at[11:16]}Z"
        for item in _credentials(ctx, arn)
        if item.kind in ("session", "federated") and item.owner_arn == arn and (item.expires_at or "") > ctx.now
    )


def federated_of(ctx: Context, arn: str) -> tuple[str, ...]:
    """ARNs of the GetFederationToken sessions of a user that the trail shows, whether they are over or not."""
    found = [item.principal for item in _credentials(ctx, arn) if item.kind == "federated" and item.owner_arn == arn]
    return tuple(sorted({item for item in found if subject(item).kind == "federated"}))


def _credentials(ctx: Context, ident: str) -> Iterable[Credential]:
    return ctx.history().family(ident).credentials


def readers(ctx: Context, bucket: str) -> tuple[PrincipalSighting, ...]:
    """Principals that were seen on a bucket with a call that worked."""
    return tuple(item for item in ctx.history().principals() if bucket in item.buckets and item.events > item.denied)


def _few(values: Iterable[str], limit: int = 3) -> str:
    listed = [clean(value) for value in values]
    more = f" +{len(listed) - limit}" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more
