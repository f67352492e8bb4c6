"""contain.deny-principal: a bucket's policy denies one principal the control plane first, then the data."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from actions import access_points, bucket_policy, lockout, seen, who
from actions import bucket as buckets
from actions.action import Action, Fit
from actions.contain.revoke_one_session import user_id
from actions.context import Context
from actions.plan import AlreadyInPlace, Danger, Holds, Plan, Refusal, Step, made_of
from actions.reads import document, same
from actions.statements import without
from actions.subjects import Subject, Subjects, subject
from s3ir_tui import policy
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.text import clean, short_arn

ID = "contain.deny-principal"
_OURS = ("S3irDenyControl", "S3irDenyData")
_CONTROL = ("s3:DeleteBucket*", "s3:Put*Configuration", "s3:PutBucket*")


@dataclass(frozen=True, slots=True)
class Denied:
    """Who is denied in a bucket policy, and by which condition.

    Attributes:
        label: For the plan.
        key: What stands in the Sid: the account id, or a digest of the principal.
        condition: The condition that matches every request of the principal and nobody else's.
        data: Whether the data is denied too, or the control plane alone.
    """

    label: str
    key: str
    condition: Mapping[str, Mapping[str, Any]]
    data: bool = True


def denied(item: Subject, ctx: Context, *, data: bool = True) -> Denied:
    """How a principal is matched in a bucket policy.

    A condition instead of `Principal` also works for principals that are deleted or belong to others, and does not
    break when one is deleted and made again. A session ARN in `aws:PrincipalArn` would match nothing, silently.

    Raises:
        Refusal: No condition matches it and nobody else.
    """
    label = short_arn(item.id)
    if item.kind == "anonymous":
        raise Refusal("requests without credentials cannot be denied by name: use contain.block-public-access")
    if item.kind == "root" and item.account == ctx.account_id:
        return Denied(label, _digest(item.id), {"ArnEquals": {"aws:PrincipalArn": item.id}}, data)
    if item.kind in ("account", "root"):
        if item.account == ctx.account_id:
            raise Refusal(f"{item.account} is this account itself: that would deny everyone, you included")
        return Denied(f"acct {item.account}", item.account, _equals("aws:PrincipalAccount", item.account), data)
    if item.kind == "session":
        return _session(item, ctx, label, data)
    if item.kind == "federated":
        return Denied(label, _digest(item.id), _equals("aws:userid", f"{item.account}:{item.session}"), data)
    if item.kind == "user" and (sessions := seen.federated_of(ctx, item.id)):
        # Its sessions of GetFederationToken have an aws:PrincipalArn of their own, which the user's does not match.
        return Denied(label, _digest(item.id), {"ArnEquals": {"aws:PrincipalArn": [item.id, *sessions]}}, data)
    if item.kind in ("user", "role"):
        return Denied(label, _digest(item.id), {"ArnEquals": {"aws:PrincipalArn": item.id}}, data)
    raise Refusal(f"{item.id}: neither a user, a role, a session nor an account; nothing in a bucket policy matches it")


def _session(item: Subject, ctx: Context, label: str, data: bool) -> Denied:
    if item.account == ctx.account_id:
        return Denied(label, _digest(item.id), _equals("aws:userid", user_id(item.name, item.session, ctx)), data)
    # The path of another account's role cannot be read: both forms of its ARN are matched.
    partition = ctx.account.partition
    arns = [f"arn:{partition}:iam::{item.account}:role/{path}{item.name}" for path in ("", "*/")]
    return Denied(label, _digest(item.id), {"ArnLike": {"aws:PrincipalArn": arns}}, data)


def _equals(key: str, value: str) -> dict[str, dict[str, str]]:
    return {"StringEquals": {key: value}}


def _digest(ident: str) -> str:
    return hashlib.sha256(ident.encode()).hexdigest()[:12]


def statements(who_is: Denied, bucket: str, partition: str) -> list[dict[str, Any]]:
    """The statements for one principal: the control plane, then everything on bucket and objects."""
    arn = f"arn:{partition}:s3:::{bucket}"
    common = {"Effect": "Deny", "Principal": "*"}
    control = {
        "Sid": f"{_OURS[0]}{who_is.key}",
        **common,
        "Action": list(_CONTROL),
        "Resource": arn,
        "Condition": who_is.condition,
    }
    data = {
        "Sid": f"{_OURS[1]}{who_is.key}",
        **common,
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": who_is.condition,
    }
    return [control, data] if who_is.data else [control]


def _chosen(subjects: Subjects, ctx: Context) -> tuple[Subject, ...]:
    found = list(subjects.principals)
    for session in who.sessions(subjects, ctx):
        found.append(session)
    for user in who.users(subjects, ctx):
        if user not in subjects.users:
            found.append(_user(user, ctx))
    return tuple(dict.fromkeys(found))


def _user(name: str, ctx: Context) -> Subject:
    return Subject(str(ctx.user(name)["Arn"]), "user", ctx.account_id, name)


def _buckets(subjects: Subjects, ctx: Context) -> tuple[str, ...]:
    return subjects.buckets or touched(ctx, [item.id for item in subjects.principals])


def touched(ctx: Context, idents: Iterable[str]) -> tuple[str, ...]:
    """Buckets of this account on which principals were seen, or whose policy grants an outside account access."""
    wanted = set(idents)
    own = {str(entry["Name"]) for entry in ctx.listed("s3", "ListBuckets", {}, "Buckets")}
    found = [name for item in ctx.history().principals() if item.id in wanted for name in item.buckets]
    if any(subject(ident).kind in ("account", "root") for ident in wanted):
        accounts = {subject(ident).account for ident in wanted} - {ctx.account_id}
        found += [name for name, inside in _shared(ctx, sorted(own)) if accounts & set(inside)]
    return tuple(name for name in dict.fromkeys(found) if name in own)


def _shared(ctx: Context, names: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    with ThreadPoolExecutor(16, thread_name_prefix="policies") as pool:
        return list(zip(names, pool.map(lambda name: granted_accounts(ctx, name), names), strict=True))


def granted_accounts(ctx: Context, bucket: str) -> tuple[str, ...]:
    """Foreign accounts that the policies of a bucket and its access points grant access.

    None where they cannot be read (see `unread`).
    """
    documents = [_policy_of(ctx, bucket), *access_points.policies(ctx, bucket).values()]
    found = [account for item in documents if item for account in policy.foreign_accounts(item, ctx.account_id)]
    return tuple(dict.fromkeys(found))


def _policy_of(ctx: Context, bucket: str) -> Any:
    try:
        return ctx.state(buckets.policy_read(ctx, bucket))
    except (AwsError, Refusal):
        return None


def unread(ctx: Context) -> tuple[str, ...]:
    """A warning that names the buckets whose policy cannot be read, where those of all buckets were looked at."""
    names = [str(entry["Name"]) for entry in ctx.listed("s3", "ListBuckets", {}, "Buckets")]

    def readable(name: str) -> bool:
        try:
            ctx.state(buckets.policy_read(ctx, name))
        except (AwsError, Refusal):
            return False
        return True

    with ThreadPoolExecutor(16, thread_name_prefix="policies") as pool:
        missing = [name for name, read in zip(names, pool.map(readable, names), strict=True) if not read]
    if not missing:
        return ()
    return (f"{len(missing)} buckets whose policy cannot be read may grant it access too: {who.names(missing, 10)}",)


def left_open(ctx: Context, bucket: str, granted: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Warnings on what the policy of a bucket grants to others than accounts, by address, organization, service, id.

    Args:
        ctx: The look at the world.
        bucket: The bucket.
        granted: What the suspect granted, by bucket, as the trail shows it.
    """
    documents = {"": _policy_of(ctx, bucket), **access_points.policies(ctx, bucket)}
    for point, found in documents.items():
        for grant in policy.grants(found, ctx.account_id) if found else ():
            if grant.own or grant.kind in ("account", "principal", "deleted principal"):
                continue
            by_it = (bucket, grant.words) in granted
            where = f"statement {grant.sid}" if grant.sid else f"statement {grant.place + 1}"
            where = f"access point {point}, {where}" if point else where
            way = "contain.block-public-access" if grant.kind == "everyone" else "take that statement out of the policy"
            yield clean(
                f"{bucket} stays open to {grant.words}: {', '.join(grant.actions)} ({where}"
                f"{', granted by the suspect' if by_it else ''}): {way}"
            )


def fit(subjects: Subjects, ctx: Context) -> Fit:
    """It fits principals together with buckets, or with the buckets on which they were seen."""
    found = _chosen(subjects, ctx)
    if not found:
        return Fit("no principal is chosen: mark one beside the bucket")
    for item in found:
        denied(item, ctx)
    chosen = _buckets(subjects, ctx)
    return Fit(detail=f"on {who.names(chosen)}") if chosen else Fit("no bucket is chosen, and on none was it seen")


def plan(subjects: Subjects, ctx: Context) -> Plan:
    """One step for each bucket."""
    found = _chosen(subjects, ctx)
    chosen = _buckets(subjects, ctx)
    if not found or not chosen:
        raise Refusal("choose a principal and a bucket")
    items = [denied(item, ctx) for item in found]
    planned, in_place = made_of(functools.partial(deny_step, name, items, ctx) for name in chosen)
    steps = tuple(made.step for made in planned)
    return Plan(
        action=ID,
        title=f"Deny {who.names(item.label for item in items)} on {who.names(chosen)}",
        targets=subjects.targets,
        steps=steps,
        danger=Danger.REVERSIBLE,
        warnings=(
            "A bucket policy reaches this bucket alone: the credentials still work elsewhere",
            *_not_reached(found, ctx),
            *(unread(ctx) if not subjects.buckets and any(item.kind == "account" for item in found) else ()),
            *(line for made in planned for line in made.warnings),
        ),
        breaks=tuple(line for step in steps for line in step.breaks),
        checked=tuple(dict.fromkeys(made.checked for made in planned)),
        principals=tuple(item.id for item in found),
        made_at=ctx.now,
        independent=True,
        in_place=in_place,
    )


def _not_reached(found: Sequence[Subject], ctx: Context) -> Iterator[str]:
    """What acts for a principal, or in place of it, under another name, so that no deny in a bucket policy matches."""
    if any(item.kind in ("user", "role", "session", "root") for item in found):
        yield (
            "Not reached, since they act as other roles: credentials of S3 Access Grants that it was given (up to 12 "
            "h), Batch jobs that run already, replication rules"
        )
    for item in found:
        if item.kind == "user" and item.account == ctx.account_id:
            names = who.names(subject(arn).session for arn in seen.federated_of(ctx, item.id))
            yield (
                f"Sessions of GetFederationToken of {item.name}: {f'{names} denied as well' if names else 'none'} "
                f"{seen.since(ctx)}; one under another name is not reached, contain.deny-user reaches all"
            )
            yield f"Roles that {item.name} may assume are not reached (contain.lineage follows them)"


@dataclass(frozen=True, slots=True)
class Made:
    """A step on a bucket's policy.

    Attributes:
        step: The step.
        checked: The lock-out check, in words.
        dropped: What the step takes out of the policy besides, in words.
    """

    step: Step
    checked: str
    dropped: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is taken out besides; undo does not put it back, S3 would refuse it then as well."""
        return tuple(f"{line}. Undo does not put it back; the record keeps it" for line in self.dropped)


def deny_step(bucket: str, items: Sequence[Denied], ctx: Context) -> Made:
    """The step that merges denies into a bucket's policy, and leaves out of it what S3 would refuse it for.

    Raises:
        LockOut: It would cut the responders or log delivery.
        AlreadyInPlace: It is there already.
        Refusal: It does not fit into the 20 KB of a bucket policy.
    """
    read = buckets.policy_read(ctx, bucket)
    text = buckets.policy_text(ctx, bucket)
    before = document(text)
    new = [statement for item in items for statement in statements(item, bucket, ctx.account.partition)]
    merged = policy.merge(before, new)
    if before is not None and same(before, merged):
        raise AlreadyInPlace(f"{bucket}: {who.names(item.label for item in items)} denied already")
    storable = bucket_policy.storable(ctx, bucket, merged)
    after = storable.document or merged
    size = policy.measure(after)
    if size > policy.BUCKET_POLICY_LIMIT:
        raise Refusal(
            f"{bucket}: the policy would have {size} bytes, {policy.BUCKET_POLICY_LIMIT} are allowed. "
            "Way out: deny the identities themselves (contain.deny-user, contain.revoke-role-sessions), "
            "or drop statements first."
        )
    checked = lockout.check_bucket(ctx, bucket, before, after)
    step = Step(
        call=buckets.call(ctx, "PutBucketPolicy", bucket, Policy=policy.minify(after)),
        target=bucket,
        summary=f"+ {len(new)} denies: {who.names(item.label for item in items)}",
        read=read,
        before=before,
        after=after,
        undo=buckets.call(ctx, "DeleteBucketPolicy", bucket)
        if text is None
        else buckets.call(ctx, "PutBucketPolicy", bucket, Policy=text),
        breaks=_breaks(bucket, items, ctx),
        note=f"policy {size} of {policy.BUCKET_POLICY_LIMIT} bytes",
        holds=Holds(without(new, policy.statements(before) if before else ())) if storable.dropped else None,
        action=ID,
    )
    return Made(step, checked, storable.dropped)


def _breaks(bucket: str, items: Sequence[Denied], ctx: Context) -> tuple[str, ...]:
    return tuple(
        f"stops on {bucket}: {seen.use(item)}"
        for item in seen.readers(ctx, bucket)
        if any(_matches(wanted, item.id) for wanted in items if wanted.data)
    )


def _matches(wanted: Denied, ident: str) -> bool:
    """Whether a principal of the trail is meant: itself, by its account, or as a session of the role."""
    item = subject(ident)
    if wanted.key in (_digest(ident), item.account):
        return True
    values = wanted.condition.get("ArnEquals", {}).values()
    arns = [arn for value in values for arn in ([value] if isinstance(value, str) else value)]
    if ident in arns:
        return True
    return item.kind == "session" and any(
        (role.kind, role.account, role.name) == ("role", item.account, item.name) for role in map(subject, arns)
    )


ACTION = Action(
    id=ID,
    title="deny the principal on the bucket",
    part=2,
    takes=("bucket", "principal", "user", "role", "account", "access-key", "instance"),
    danger=Danger.REVERSIBLE,
    rank=50,
    fit=fit,
    plan=plan,
    writes=("s3:PutBucketPolicy",),
)
