"""contain.private-bucket-acl: a bucket's ACL back to its owner alone."""

from __future__ import annotations

from typing import Any

from actions import bucket as buckets
from actions import who
from actions.action import Action, Fit
from actions.context import Context
from actions.plan import AlreadyInPlace, Danger, Plan, Refusal, Step
from actions.subjects import Subjects
from s3ir_tui.aws.buckets import ENFORCED, LOG_DELIVERY, grantee_uri
from s3ir_tui.aws.openness import LOG_DELIVERY_IDS

ID = "contain.private-bucket-acl"


def _why_not(bucket: str, ctx: Context) -> str:
    if ctx.state(buckets.ownership_read(ctx, bucket)) == ENFORCED:
        return "ACLs are off here (BucketOwnerEnforced)"
    acl = ctx.state(buckets.acl_read(ctx, bucket))
    if len(private(acl)["Grants"]) == len(acl["Grants"]):
        return "is private already" + (_EFFECTIVE if _hidden(bucket, ctx) else "")
    return ""


_EFFECTIVE = " as far as can be seen: Block Public Access hides the stored ACL"


def _hidden(bucket: str, ctx: Context) -> bool:
    own = ctx.state(buckets.block_read(ctx, bucket)) or {}
    return bool(own.get("IgnorePublicAcls") or (buckets.account_block(ctx) or {}).get("IgnorePublicAcls"))


def private(acl: dict[str, Any]) -> dict[str, Any]:
    """An ACL without anyone but the owner, and S3's log delivery where it had a grant."""
    kept = [
        grant
        for grant in acl["Grants"]
        if grant["Grantee"].get("ID") in (acl["Owner"]["ID"], *LOG_DELIVERY_IDS) or grantee_uri(grant) == LOG_DELIVERY
    ]
    return {"Owner": acl["Owner"], "Grants": kept}


def fit(subjects: Subjects, ctx: Context) -> Fit:
    """It fits buckets whose ACL counts and grants something to others."""
    if not subjects.buckets:
        return Fit("not a bucket")
    reasons = {name: _why_not(name, ctx) for name in subjects.buckets}
    left = [name for name, why in reasons.items() if not why]
    return Fit(detail=f"owner alone on {who.names(left)}") if left else Fit(next(iter(reasons.values())))


def plan(subjects: Subjects, ctx: Context) -> Plan:
    """One step for each bucket."""
    if not subjects.buckets:
        raise Refusal("choose a bucket")
    reasons = {name: _why_not(name, ctx) for name in subjects.buckets}
    left = [name for name, why in reasons.items() if not why]
    if not left:
        raise AlreadyInPlace(*(f"{name}: {why}" for name, why in reasons.items()))
    hidden = [name for name in left if _hidden(name, ctx)]
    steps = tuple(acl_step(name, ctx) for name in left)
    return Plan(
        action=ID,
        title=f"Make the ACL of {who.names(left)} private",
        targets=subjects.targets,
        steps=steps,
        danger=Danger.REVERSIBLE,
        warnings=(
            "Objects have ACLs of their own, which this does not change: contain.block-public-access covers them",
            *(
                f"{name}: Block Public Access hides public grants; undo brings back only what is seen"
                for name in hidden
            ),
        ),
        breaks=tuple(line for step in steps for line in step.breaks),
        checked=("lock-out checked: the owner's grant and log delivery stay",),
        principals=("anonymous",),
        made_at=ctx.now,
        independent=True,
    )


def acl_step(bucket: str, ctx: Context) -> Step:
    """The step that leaves the owner's grants alone."""
    read = buckets.acl_read(ctx, bucket)
    before = ctx.state(read)
    after = private(before)
    gone = [grant for grant in before["Grants"] if grant not in after["Grants"]]
    return Step(
        call=buckets.call(ctx, "PutBucketAcl", bucket, AccessControlPolicy=_sendable(after)),
        target=bucket,
        summary=f"- {len(gone)} grants: {who.names(_named(grant) for grant in gone)}",
        read=read,
        before=before,
        after=after,
        undo=buckets.call(ctx, "PutBucketAcl", bucket, AccessControlPolicy=_sendable(before)),
        breaks=tuple(f"{bucket}: {_named(grant)} loses {grant['Permission']}" for grant in gone),
        note="undo needs Block Public Access to allow public ACLs" if any(map(grantee_uri, gone)) else "",
        action=ID,
    )


def _named(grant: dict[str, Any]) -> str:
    uri = grantee_uri(grant)
    return uri.rsplit("/", 1)[-1] if uri else f"canonical user {str(grant['Grantee'].get('ID'))[:8]}…"


def _sendable(acl: dict[str, Any]) -> dict[str, Any]:
    grants = [
        {**grant, "Grantee": {name: value for name, value in grant["Grantee"].items() if value is not None}}
        for grant in acl["Grants"]
    ]
    return {"Owner": acl["Owner"], "Grants": grants}


ACTION = Action(
    id=ID,
    title="make the bucket's ACL private",
    part=2,
    takes=("bucket",),
    danger=Danger.REVERSIBLE,
    rank=70,
    fit=fit,
    plan=plan,
    writes=("s3:PutBucketAcl",),
)
