"""A step made anew for a state that moved between plan and write, so that who keeps touching a policy stops no deny."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actions import bucket_policy, lockout, writes
from actions.holds import is_policy
from actions.plan import Refusal, Step
from actions.statements import merged, statements, without
from s3ir_tui import policy

if TYPE_CHECKING:
    from actions.context import Context


def remerged(step: Step, fresh: Any, ctx: Context) -> Step:
    """What a step changes in a policy, changed in the policy as it is now; the lock-out check is made again.

    Args:
        step: The step as it was planned, or as it was sent last.
        fresh: The state as it was just read.
        ctx: The look at the world.

    Raises:
        Refusal: It is no policy, or the result does not fit or would lock someone out.
    """
    if not is_policy(step) or not (fresh is None or isinstance(fresh, Mapping)):
        raise Refusal("not sent: the state is not one into which a change can be merged")
    old, new = statements(step.before), statements(step.after)
    after = merged(fresh, without(old, new), without(new, old))
    if step.read.call.operation == "GetBucketPolicy":
        after = bucket_policy.storable(ctx, str(step.read.call.params.get("Bucket")), after).document
    call = writes.put_policy(step.read.call, after)
    if call is None:
        raise Refusal(f"not sent: {step.read.call.name} reads no policy that can be merged into")
    if step.read.call.operation == "GetBucketPolicy":
        size = policy.measure(after) if after is not None else 0
        if size > policy.BUCKET_POLICY_LIMIT:
            raise Refusal(f"not sent: the policy would have {size} bytes, {policy.BUCKET_POLICY_LIMIT} are allowed")
        if after is not None:
            lockout.check_bucket(ctx, str(step.read.call.params.get("Bucket")), fresh, after)
    return replace(step, call=call, before=fresh, after=after)
