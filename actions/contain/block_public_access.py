"""contain.block-public-access: all four flags of S3 Block Public Access on a bucket."""

from __future__ import annotations

from typing import Any

from actions import bucket as buckets
from actions import seen, who
from actions.action import Action, Fit
from actions.context import Context
from actions.lockout import LockOut
from actions.plan import AlreadyInPlace, Danger, Plan, Refusal, Step
from actions.subjects import Subjects, subject
from s3ir_tui import policy
from s3ir_tui.aws.errors import AwsError

ID = "contain.block-public-access"
ALL_ON = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


def _on(flags: Any) -> bool:
    return bool(flags) and all(flags.get(name) for name in ALL_ON)


def _open(subjects: Subjects, ctx: Context) -> list[str]:
    return [name for name in subjects.buckets if not _on(ctx.state(buckets.block_read(ctx, name)))]


def fit(subjects: Subjects, ctx: Context) -> Fit:
    """It fits buckets that do not have all four flags on."""
    if not subjects.buckets:
        return Fit("not a bucket")
    left = _open(subjects, ctx)
    return Fit(detail=f"all four flags on {who.names(left)}") if left else Fit("is on already")


def plan(subjects: Subjects, ctx: Context) -> Plan:
    """One step for each bucket; the ACL is kept with the plan, since reads no longer show it afterwards."""
    if not subjects.buckets:
        raise Refusal("choose a bucket")
    left = _open(subjects, ctx)
    if not left:
        raise AlreadyInPlace(*(f"{name}: Block Public Access is on already" for name in subjects.buckets))
    steps = tuple(block_step(name, ctx) for name in left)
    return Plan(
        action=ID,
        title=f"Block public access to {who.names(left)}",
        targets=subjects.targets,
        steps=steps,
        danger=Danger.REVERSIBLE,
        warnings=(
            "Every object of the bucket is affected; grants to named accounts and presigned URLs are not stopped",
            "From then on reads show the effective ACL: the stored one is kept with this plan",
        ),
        breaks=tuple(line for step in steps for line in step.breaks),
        checked=("lock-out checked: principals of this account are not affected",),
        principals=("anonymous",),
        made_at=ctx.now,
        independent=True,
        evidence={name: _evidence(name, ctx) for name in left},
    )


def _evidence(bucket: str, ctx: Context) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, read in (("acl", buckets.acl_read(ctx, bucket)), ("policy", buckets.policy_read(ctx, bucket))):
        try:
            kept[name] = ctx.state(read)
        except AwsError as error:
            kept[name] = f"not readable: {error.short}"
    return kept


def block_step(bucket: str, ctx: Context) -> Step:
    """The step that sets all four flags.

    Raises:
        LockOut: A break-glass principal of another account reaches the bucket by its public policy.
    """
    read = buckets.block_read(ctx, bucket)
    before = ctx.state(read)
    put = {"PublicAccessBlockConfiguration": before}
    on = sum(bool((before or {}).get(name)) for name in ALL_ON)
    return Step(
        call=buckets.call(ctx, "PutPublicAccessBlock", bucket, PublicAccessBlockConfiguration=ALL_ON),
        target=bucket,
        summary=f"{on} of 4 flags on -> 4 of 4 flags on",
        read=read,
        before=before,
        after=ALL_ON,
        undo=buckets.call(ctx, "DeletePublicAccessBlock", bucket)
        if before is None
        else buckets.call(ctx, "PutPublicAccessBlock", bucket, **put),
        breaks=_breaks(bucket, ctx),
        action=ID,
    )


def _breaks(bucket: str, ctx: Context) -> tuple[str, ...]:
    document = ctx.state(buckets.policy_read(ctx, bucket))
    lines = []
    if document and policy.is_public(document):
        outside = policy.foreign_accounts(document, ctx.account_id)
        _check_break_glass(bucket, ctx)
        if outside:
            # RestrictPublicBuckets cuts every other account as long as one statement of the policy is public.
            lines.append(f"{bucket}: accounts {who.names(outside)} are cut as well, since the policy is partly public")
    for item in seen.readers(ctx, bucket):
        account = subject(item.id).account
        if item.kind == "Anonymous" or (account and account != ctx.account_id):
            lines.append(f"stops on {bucket}: {seen.use(item)}")
    return tuple(lines) or (f"{bucket}: nothing from outside the account {seen.since(ctx)}",)


def _check_break_glass(bucket: str, ctx: Context) -> None:
    for arn in ctx.break_glass:
        if subject(arn).account not in ("", ctx.account_id):
            raise LockOut(
                f"refused: {bucket}'s policy is partly public, so Block Public Access would also cut the break-glass "
                f"principal {arn} of another account. Way out: take it off break_glass in the settings, or drop the "
                "public statement from the policy instead."
            )


ACTION = Action(
    id=ID,
    title="block public access",
    part=2,
    takes=("bucket",),
    danger=Danger.REVERSIBLE,
    rank=60,
    fit=fit,
    plan=plan,
    writes=("s3:PutPublicAccessBlock",),
)
