"""watch.quiet: count what an actor still can do, and say when it has gone quiet. The room does the counting."""

from __future__ import annotations

from actions.action import Action, Fit
from actions.context import Context
from actions.plan import Danger, Plan, Refusal
from actions.subjects import Subjects
from s3ir_tui.text import short_arn

MINUTES = 30
"""How long an actor must stay silent to be called quiet."""


def _watched(subjects: Subjects) -> tuple[str, ...]:
    found = [item.id for item in subjects.principals]
    return tuple(dict.fromkeys([*found, *subjects.keys, *subjects.buckets, *subjects.instances]))


def fit(subjects: Subjects, _: Context) -> Fit:
    """It fits whatever leaves a trace in the trail."""
    if not _watched(subjects):
        return Fit("nothing is chosen to be watched")
    return Fit(detail=f"{MINUTES} min")


def plan(subjects: Subjects, ctx: Context) -> Plan:
    """A plan without a step: running it records who is watched since when."""
    watched = _watched(subjects)
    if not watched:
        raise Refusal("choose a principal, an access key, a bucket or an instance to watch")
    return Plan(
        action=ACTION.id,
        title=f"Watch {', '.join(short_arn(item) for item in watched)} for {MINUTES} minutes",
        targets=subjects.targets,
        steps=(),
        danger=Danger.READS,
        principals=watched,
        made_at=ctx.now,
    )


ACTION = Action(
    id="watch.quiet",
    title="count its calls until it has been quiet for 30 minutes",
    part=2,
    takes=("principal", "user", "role", "access-key", "account", "bucket", "instance"),
    danger=Danger.READS,
    rank=90,
    fit=fit,
    plan=plan,
)
