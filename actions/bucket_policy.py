"""A bucket policy as S3 will store it: what stands in it already can make S3 refuse what is added.

S3 judges the whole text at each PutBucketPolicy. Two usual causes: the unique id that is left of a principal that was
deleted (IAM User Guide, "AWS JSON policy elements: Principal"; AWS re:Post, "Invalid principal in policy"), and a
public statement while BlockPublicPolicy is on (S3 User Guide, "Blocking public access").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions import bucket as buckets
from actions.context import Context
from actions.plan import Refusal
from actions.statements import Statement, statements
from actions.writes import OUR_SID
from s3ir_tui import policy
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.text import clean

_ORPHAN = "Invalid principal in policy"


@dataclass(frozen=True, slots=True)
class Storable:
    """A policy that S3 will store.

    Attributes:
        document: The policy; `None` where no statement is left.
        dropped: What had to go for that, in words, statement by statement.
    """

    document: dict[str, Any] | None
    dropped: tuple[str, ...] = ()


def storable(ctx: Context, bucket: str, document: Mapping[str, Any] | None) -> Storable:
    """Take out of a policy what S3 would refuse it for, as far as nobody who exists loses anything by it.

    Of a statement that names a deleted principal beside others only that principal goes.

    Args:
        ctx: The look at the world.
        bucket: Whose policy it is.
        document: The policy as it was merged.

    Raises:
        Refusal: What S3 would refuse it for cannot be taken out without allowing more; the message names it.
    """
    if document is None:
        return Storable(None)
    left: dict[int, Statement] = dict(enumerate(statements(document)))
    dropped: list[str] = []
    blocked = _blocks_public_policy(ctx, bucket)
    for problem in _found(bucket, document, blocked):
        item = left.get(problem.place if problem.place is not None else -1)
        if item is None:
            continue  # about the whole policy: who plans measures it; or about what is left out already
        if problem.code == "principal" and problem.reason == _ORPHAN:
            remaining = _without(item, problem.detail)
            if remaining is None and "NotPrincipal" in item:
                raise _refused(bucket, problem)
            what = "the deleted principal in " if remaining is not None else ""
            dropped.append(_said(bucket, problem, what))
        elif problem.code == "public" and not _is_ours(item):
            remaining = None
            dropped.append(_said(bucket, problem, "public "))
        else:
            continue
        left = {**left, problem.place or 0: remaining or {}}
    if not dropped:
        return Storable(dict(document))
    kept = [item for item in left.values() if item]
    return Storable({**document, "Statement": kept} if kept else None, tuple(dropped))


def _said(bucket: str, problem: policy.Problem, what: str) -> str:
    reason = f"{problem.reason} ({problem.detail})" if problem.detail else problem.reason
    return clean(f"{bucket}: {what}{problem.where} goes in the same write, S3 would refuse the policy for it: {reason}")


def _found(bucket: str, document: Mapping[str, Any], blocked: bool) -> tuple[policy.Problem, ...]:
    # What no longer exists stands there as a unique id, which is a problem by itself: nobody has to be looked up.
    return policy.problems(dict(document), kind="bucket", bucket=bucket, block_public_policy=blocked)


def _blocks_public_policy(ctx: Context, bucket: str) -> bool:
    """Whether the bucket's own block or the account's refuses public policies; no where neither may be read."""
    try:
        own = ctx.state(buckets.block_read(ctx, bucket)) or {}
    except AwsError as error:
        if not error.denied:
            raise
        own = {}
    return bool(own.get("BlockPublicPolicy") or (buckets.account_block(ctx) or {}).get("BlockPublicPolicy"))


def _without(item: Statement, orphan: str) -> dict[str, Any] | None:
    """A statement without a principal that is gone; `None` where nobody is left in it."""
    name = "Principal" if "Principal" in item else "NotPrincipal"
    principal = item[name]
    if not isinstance(principal, Mapping):
        return None
    values = principal.get("AWS") or []
    alive = [value for value in ([values] if isinstance(values, str) else values) if value != orphan]
    others = {kind: value for kind, value in principal.items() if kind != "AWS"}
    kept = {"AWS": alive, **others} if alive else others
    return {**item, name: kept} if kept else None


def _is_ours(item: Statement) -> bool:
    return str(item.get("Sid") or "").startswith(OUR_SID)


def _refused(bucket: str, problem: policy.Problem) -> Refusal:
    return Refusal(
        f"{bucket}: S3 would refuse the policy for what stands in it already, {clean(problem.words)}; without that "
        "statement more would be allowed. Way out: correct it first (aws s3api put-bucket-policy), or deny the "
        "identities themselves (contain.deny-user, contain.revoke-role-sessions)."
    )
