"""contain.lineage: a credential with everything that descends from it, cut so that nothing of it can undo us."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actions import lockout, seen, who
from actions.action import Action, Fit
from actions.contain import beyond_iam, deny_principal, deny_user, disable_access_key, revoke_role_sessions
from actions.context import Context
from actions.lockout import LockOut
from actions.plan import AlreadyInPlace, Danger, Plan, Refusal, Step
from actions.subjects import Subject, Subjects, subject
from s3ir_tui.aws.principals import trusted
from s3ir_tui.model import Severity
from s3ir_tui.text import middle, short_arn

if TYPE_CHECKING:
    from s3ir_tui.trail.credentials import Credential

ID = "contain.lineage"
HOLD_SECONDS = 5.0
"""IAM was measured to need four to six seconds to enforce a deny; a thief may take it off until then."""


_NOTHING = (
    "nothing of this account descends from it, as far as the trail shows. Way out: look at a wider time (--since), or "
    "deny it on the bucket (contain.deny-principal)"
)


@dataclass(frozen=True, slots=True)
class Tree:
    """What descends from the chosen principals, by the trail.

    Attributes:
        users: Names of users of this account, the first chosen first.
        roles: Names of roles of this account, last chained first, each with the session names that are the thief's.
        accounts: Other accounts that were let in.
        credentials: Every credential of the family.
        principals: Every principal of the family.
        grants: What it granted to others than accounts, in words: `anyone from 198.51.100.7/32`, each with its bucket.
    """

    users: tuple[str, ...]
    roles: Mapping[str, frozenset[str]]
    accounts: tuple[str, ...]
    credentials: tuple[Credential, ...]
    principals: tuple[str, ...]
    grants: tuple[tuple[str, str], ...] = ()


def _roots(subjects: Subjects, ctx: Context) -> tuple[str, ...]:
    found = [item.id for item in subjects.principals if item.kind not in ("anonymous", "service")]
    found += [item.id for item in who.sessions(subjects, ctx)]
    found += subjects.keys
    return tuple(dict.fromkeys(found))


def tree(subjects: Subjects, ctx: Context) -> Tree:
    """Follow the chosen principals and keys through the trail."""
    credentials: dict[str, Credential] = {}
    principals: list[str] = [item.id for item in subjects.principals]
    arns: list[str] = []
    accounts: list[str] = [item.account for item in subjects.principals if item.kind in ("account", "root")]
    for root in _roots(subjects, ctx):
        family = ctx.history().family(root)
        credentials |= {item.access_key: item for item in family.credentials}
        principals += family.principals
        arns += [*family.users, *family.roles]
        accounts += family.accounts
    named = [subject(arn) for arn in [*principals, *arns]]
    own = [item for item in named if item.account == ctx.account_id]
    owners = [subject(item.owner_arn).name for item in credentials.values() if item.kind == "key"]
    users = [*who.users(subjects, ctx), *(item.name for item in own if item.kind == "user"), *owners]
    return Tree(
        users=tuple(name for name in dict.fromkeys(users) if name),
        roles=_roles(subjects, own, tuple(credentials.values()), ctx),
        accounts=tuple(account for account in dict.fromkeys(accounts) if account != ctx.account_id),
        credentials=tuple(credentials.values()),
        principals=tuple(dict.fromkeys(principals)),
        grants=_granted({*credentials, *principals}, ctx),
    )


def _granted(idents: Collection[str], ctx: Context) -> tuple[tuple[str, str], ...]:
    doors = [door for by, door in ctx.history().lineage.openers() if by in idents and door.kind == "grant"]
    return tuple(dict.fromkeys((door.bucket, door.ident) for door in doors))


def _roles(
    subjects: Subjects, own: Iterable[Subject], credentials: tuple[Credential, ...], ctx: Context
) -> dict[str, frozenset[str]]:
    names: dict[str, set[str]] = {}
    for item in [*who.sessions(subjects, ctx), *own]:
        if item.kind in ("role", "session"):
            names.setdefault(item.name, set()).update({item.session} - {""})
    depth = _depths(credentials)

    def deepest(role: str) -> int:
        found = [depth[item.access_key] for item in credentials if subject(item.principal).name == role]
        return max(found, default=0)

    return {role: frozenset(names[role]) for role in sorted(names, key=deepest, reverse=True)}


def _depths(credentials: tuple[Credential, ...]) -> dict[str, int]:
    parents = {item.access_key: item.parent for item in credentials}

    def depth(key: str) -> int:
        count, at = 0, key
        while count <= len(parents) and (at := parents.get(at, "")):
            count += 1
        return count

    return {key: depth(key) for key in parents}


def fit(subjects: Subjects, ctx: Context) -> Fit:
    """It fits whoever holds credentials of this account, or was let in from outside."""
    if not _roots(subjects, ctx):
        return Fit("holds no credentials" if subjects.anonymous else "not a principal, access key or instance")
    found = tree(subjects, ctx)
    parts = [
        _count(len(found.users), "user"),
        _count(sum(len(who.keys_of(user, ctx)) for user in found.users), "key"),
        _count(len(found.roles), "role"),
        _count(len(found.accounts), "outside account"),
        _count(len(found.grants), "grant to others"),
    ]
    if any(item.kind in ("root", "federated") and item.account == ctx.account_id for item in subjects.principals):
        parts.append("denied on the buckets where it was seen")
    told = ", ".join(part for part in parts if part)
    return Fit(detail=f"{told}, last first") if told else Fit("nothing of this account descends from it")


def _count(number: int, word: str) -> str:
    if not number:
        return ""
    head, _, rest = word.partition(" to ")
    return f"{number} {head}{'s' if number != 1 else ''}{f' to {rest}' if rest else ''}"


class _Making:
    """A plan in the making: steps that fit, and why others do not."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.steps: list[Step] = []
        self.warnings: list[str] = []
        self.checked: list[str] = []
        self.in_place: list[str] = []
        self.refused = False
        self.elsewhere: list[str] = []
        self.guests: list[Subject] = []
        """Who can be denied on buckets alone: sessions of Identity Center and of federation, root."""

    def _left_out(self, refusal: Refusal) -> None:
        if isinstance(refusal, AlreadyInPlace):
            self.in_place += refusal.what
        else:
            self.refused = True
            self.warnings.append(str(refusal))

    def users(self, found: Tree) -> None:
        """First the deny, which reaches every key and session, then the keys, so that no new session can be made."""
        for user in found.users:
            try:
                self.checked.append(lockout.check_user(self.ctx, user))
                if deny_user.denied(user, self.ctx):
                    raise AlreadyInPlace(f"{user}: denied everything already")
                self.steps.append(deny_user.deny_step(user, self.ctx))
            except LockOut:
                raise
            except Refusal as refusal:
                self._left_out(refusal)
        for user in found.users:
            try:
                active = [key for key in who.keys_of(user, self.ctx) if key.status == "Active"]
                self.steps += [disable_access_key.disable_step(key, self.ctx) for key in active]
            except LockOut:
                raise
            except Refusal as refusal:
                self._left_out(refusal)

    def roles(self, found: Tree) -> None:
        """Last chained first: a live session of the last could lift what is done to the one before."""
        for role, names in found.roles.items():
            try:
                self._role(role, names, found.accounts)
            except LockOut:
                raise
            except Refusal as refusal:
                self._left_out(refusal)

    def beyond_iam(self, found: Tree) -> None:
        """Principals without a policy that could be edited: they are denied on buckets, the rest is done elsewhere."""
        for ident in found.principals:
            item = subject(ident)
            if item.kind == "root" and item.account == self.ctx.account_id:
                self.guests.append(item)
                self.elsewhere += beyond_iam.root(self.ctx)
            elif item.kind == "federated" and item.account == self.ctx.account_id:
                self.guests.append(item)
                self.elsewhere += beyond_iam.federated(item, found.users)
            elif item.kind == "unknown":
                self.elsewhere += beyond_iam.unknown(item)

    def _role(self, role: str, names: frozenset[str], accounts: tuple[str, ...]) -> None:
        ctx = self.ctx
        if beyond_iam.of_identity_center(role, ctx):
            known = sorted(names) or [subject(item.id).session for item in seen.sessions_of(ctx, role)]
            arn = f"arn:{ctx.account.partition}:sts::{ctx.account_id}:assumed-role/{role}/"
            self.guests += [subject(f"{arn}{name}") for name in known]
            self.elsewhere += beyond_iam.identity_center(role, known, ctx)
            return
        self.warnings += revoke_role_sessions.open_metadata(role, ctx)
        self.warnings += _let_in_by_trust(role, accounts, ctx)
        guilty = {subject(item.id).session for item in seen.sessions_of(ctx, role) if item.severity >= Severity.HIGH}
        suspects = names | guilty
        bystanders = [item for item in seen.others_on_role(ctx, role, suspects) if not _ours(item.id, ctx)]
        if names and bystanders and revoke_role_sessions.names_by_aws(role, ctx) and self._some(role, suspects):
            return
        self.checked.append(lockout.check_role(ctx, role))
        # Where the role itself was chosen every session of it is in `names`; those without a finding are collateral.
        self.steps.append(revoke_role_sessions.revoke_step(role, ctx, frozenset(guilty) or names))

    def _some(self, role: str, suspects: frozenset[str]) -> bool:
        """Cut sessions of some names alone; false where the role has no room for it."""
        ctx = self.ctx
        for name in suspects:
            arn = f"arn:{ctx.account.partition}:sts::{ctx.account_id}:assumed-role/{role}/{name}"
            self.checked.append(lockout.check_session(ctx, subject(arn)))
        _check_service_role(ctx, role)
        try:
            self.steps.append(revoke_role_sessions.revoke_some_step(role, sorted(suspects), ctx))
        except revoke_role_sessions.NoRoom:
            return False
        self.warnings.append(
            f"Of {role} only {who.names(sorted(suspects))} is cut: AWS alone names its sessions, and others work "
            "through it. If more was stolen than the trail shows yet, contain.revoke-role-sessions cuts all"
        )
        return True

    def buckets(self, found: Tree) -> None:
        """Outside accounts are denied where they were granted access, and the users may not change those buckets back.

        Whom no policy of IAM cuts is denied on the buckets where it was seen.
        """
        ctx = self.ctx
        self.warnings += deny_principal.unread(ctx) if found.accounts else ()
        for bucket in deny_principal.touched(ctx, [*found.principals, *found.accounts]):
            try:
                inside = set(deny_principal.granted_accounts(ctx, bucket)) & set(found.accounts)
                items = [deny_principal.denied(Subject(account, "account", account), ctx) for account in sorted(inside)]
                items += [deny_principal.denied(item, ctx) for item in self._guests_on(bucket)]
                for user in found.users if items else ():
                    arn = str(ctx.user(user)["Arn"])
                    items.append(deny_principal.denied(Subject(arn, "user", ctx.account_id, user), ctx, data=False))
                self.warnings += deny_principal.left_open(ctx, bucket, found.grants)
                if not items:
                    continue
                made = deny_principal.deny_step(bucket, items, ctx)
            except LockOut:
                raise
            except Refusal as refusal:
                self._left_out(refusal)
                continue
            self.steps.append(made.step)
            self.checked.append(made.checked)
            self.warnings += made.warnings

    def _guests_on(self, bucket: str) -> list[Subject]:
        seen_there = {item.id for item in self.ctx.history().principals() if bucket in item.buckets}
        return [item for item in dict.fromkeys(self.guests) if item.id in seen_there]

    def open_doors(self, found: Tree) -> None:
        """Roles that a member of the family may assume, and of which no session was seen yet."""
        arns = {str(self.ctx.user(user)["Arn"]) for user in found.users}
        arns |= {str(self.ctx.role(role)["Arn"]) for role in found.roles}
        for role in self.ctx.listed("iam", "ListRoles", {}, "Roles"):
            name = str(role["RoleName"])
            trusts = trusted(role.get("AssumeRolePolicyDocument"))
            if name not in found.roles and any(item.removeprefix("AWS:") in arns for item in trusts):
                self.warnings.append(
                    f"role/{name} may be assumed by the family; no session of it was seen {seen.since(self.ctx)}: "
                    "revoke its sessions too (contain.revoke-role-sessions) if the trail may lag"
                )


def _let_in_by_trust(role: str, accounts: tuple[str, ...], ctx: Context) -> list[str]:
    trusts = [subject(item.removeprefix("AWS:")) for item in trusted(ctx.role(role).get("AssumeRolePolicyDocument"))]
    return [
        f"role/{role} lets {short_arn(item.id)} in by its trust policy: it can come back until that is taken out"
        for item in trusts
        if item.account in accounts
    ]


def _ours(ident: str, ctx: Context) -> bool:
    return ident == ctx.account.identity.arn


def _check_service_role(ctx: Context, role: str) -> None:
    # A break-glass role is never edited, not even for one session of it.
    arn = str(ctx.role(role)["Arn"])
    if arn in ctx.break_glass:
        lockout.check_role(ctx, role)


def plan(subjects: Subjects, ctx: Context) -> Plan:
    """Users, then keys newest first, then roles last chained first, then the buckets into which outsiders were let."""
    roots = _roots(subjects, ctx)
    if not roots:
        raise Refusal(
            "choose a principal, an access key or an instance; requests without credentials have no lineage: "
            "use contain.block-public-access"
        )
    found = tree(subjects, ctx)
    making = _Making(ctx)
    making.users(found)
    making.roles(found)
    making.beyond_iam(found)
    making.buckets(found)
    making.open_doors(found)
    if not making.steps and making.in_place and not making.refused:
        raise AlreadyInPlace(*dict.fromkeys(making.in_place))
    making.warnings += dict.fromkeys(making.elsewhere)
    if not making.steps:
        head = "this console can cut nothing of it now" if making.warnings else _NOTHING
        raise Refusal("; ".join([head, *dict.fromkeys(making.warnings)]))
    making.warnings.append(f"For {HOLD_SECONDS:.0f} s after the last step, what someone undoes meanwhile is done again")
    return Plan(
        action=ID,
        title=f"Contain {who.names(_label(root) for root in roots)} and what descends from it",
        targets=subjects.targets,
        steps=tuple(making.steps),
        danger=Danger.WIDE,
        warnings=tuple(dict.fromkeys(making.warnings)),
        breaks=tuple(dict.fromkeys(line for step in making.steps for line in step.breaks)),
        checked=tuple(dict.fromkeys(making.checked)),
        principals=_watched(found, ctx),
        made_at=ctx.now,
        independent=True,
        hold_seconds=HOLD_SECONDS,
        in_place=tuple(dict.fromkeys(making.in_place)),
    )


def _label(root: str) -> str:
    return short_arn(root) if root.startswith("arn:") or root.isdigit() else middle(root, 13)


def _watched(found: Tree, ctx: Context) -> tuple[str, ...]:
    """Users, outside accounts and credentials; a session only where its name is the thief's alone."""
    idents = [str(ctx.user(user)["Arn"]) for user in found.users] + [*found.accounts]
    idents += [item.access_key for item in found.credentials]
    for ident in found.principals:
        item = subject(ident)
        shared = item.kind == "session" and item.session.startswith("i-")
        if item.kind in ("session", "federated") and not shared:
            idents.append(ident)
    return tuple(dict.fromkeys(idents))


ACTION = Action(
    id=ID,
    title="contain it and all that descends from it",
    part=2,
    takes=("principal", "user", "role", "access-key", "instance", "account"),
    danger=Danger.WIDE,
    rank=0,
    fit=fit,
    plan=plan,
    follows_lineage=True,
)
