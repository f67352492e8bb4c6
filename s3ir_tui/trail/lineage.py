"""Who made which credential: the tree from a leaked key to everything that was made with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from s3ir_tui.model import iso
from s3ir_tui.trail import doors
from s3ir_tui.trail.arns import account_of, instance_of, is_account, is_instance, role_of_session, session_arn
from s3ir_tui.trail.details import Details, moment
from s3ir_tui.trail.event import Event

CredentialKind = Literal["key", "session", "role-session", "federated", "instance-role"]

LIMIT = 100_000
"""Most credentials that are remembered; beyond it the oldest are forgotten, and `Lineage.capped` says so."""

_ASSUMING = frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot"})
MINTING = _ASSUMING | {"CreateAccessKey", "GetSessionToken", "GetFederationToken"}
"""Calls that make credentials."""

_DEFAULT_SECONDS = {"GetSessionToken": 43_200, "GetFederationToken": 43_200, "AssumeRoot": 900}


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that was made or used in the trail.

    Attributes:
        access_key: Its access key id.
        kind: A user's long-term key, a GetSessionToken session, a role session, a GetFederationToken session, or a
            role session that EC2 handed to an instance.
        principal: What it acts as: the user's ARN, the session's ARN.
        owner_arn: The user or role behind it.
        parent: Access key id of the credential that made it, or "".
        issued_at: When it was made, or "" where only its use was seen.
        expires_at: When it ends, at the latest where its making was not seen; "" for keys.
        event_id: The event that made it, or that showed it first.
    """

    access_key: str
    kind: CredentialKind
    principal: str
    owner_arn: str
    parent: str = ""
    issued_at: str = ""
    expires_at: str = ""
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A credential with those that were made with it."""

    credential: Credential
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """Everything that descends from a principal or credential.

    Attributes:
        credentials: Every credential, oldest first.
        principals: Identities all of whose calls are the family's.
        users: ARNs of the IAM users that its credentials act as, or that it made.
        roles: ARNs of the roles whose sessions it holds, or whose trust it opened.
        accounts: Other accounts that it let in, or itself where an account was asked for.
        instances: Instances whose role credentials it holds.
    """

    credentials: tuple[Credential, ...] = ()
    principals: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()

    @property
    def idents(self) -> frozenset[str]:
        """Names by which its calls are recognised: principals, access keys, accounts."""
        return frozenset([*self.principals, *(item.access_key for item in self.credentials), *self.accounts])


class Lineage:
    """The credentials of a trail, event by event. Order does not matter; denied calls make nothing."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._credentials: dict[str, Credential] = {}
        self._by_parent: dict[str, list[str]] = {}
        self._by_maker: dict[str, dict[str, None]] = {}
        self._by_owner: dict[str, dict[str, None]] = {}
        self._by_principal: dict[str, dict[str, None]] = {}
        self._opened: dict[str, dict[doors.Door, None]] = {}
        self.capped = False

    def add(self, event: Event) -> None:
        """Take in an event: note the credential that it was made with, and what it made."""
        key = event.access_key
        if key and key not in self._credentials and not event.invoked_by and event.principal.startswith("arn:"):
            self._note(_used(event))
        elif key and event.principal.startswith("arn:"):
            self._correct(self._credentials.get(key), event)
        if event.error or (event.name not in MINTING and event.name not in doors.NAMES):
            return
        details = Details(event)
        if event.name in MINTING and event.service in ("sts", "iam"):
            made = _minted(details)
            if made is not None:
                self._note(made)
                if not key and event.kind != "AWSService":
                    self._by_maker.setdefault(event.principal, {})[made.access_key] = None
        elif event.name in doors.NAMES:
            for door in doors.opened(details):
                opened = self._opened.setdefault(key or event.principal, {})
                if len(opened) < 1000:
                    opened[door] = None

    def credential(self, access_key: str) -> Credential | None:
        """What is known of an access key."""
        return self._credentials.get(access_key)

    def parent_of(self, access_key: str) -> Credential | None:
        """The credential that made this one, where the trail shows it."""
        made = self._credentials.get(access_key)
        return self._credentials.get(made.parent) if made is not None and made.parent else None

    def openers(self) -> Iterator[tuple[str, doors.Door]]:
        """What was opened to others: by which access key (or principal), and what."""
        for by, opened in self._opened.items():
            for door in opened:
                yield by, door

    def keys_of(self, principal: str) -> tuple[str, ...]:
        """Access keys that act, or acted, as a principal."""
        return tuple(self._by_principal.get(principal, ()))

    def family(self, ident: str) -> Family:
        """Everything that descends from a principal, user, role, access key, account or instance."""
        walk = _Walk(self)
        walk.start(ident)
        return walk.family()

    def tree(self, ident: str) -> tuple[Node, ...]:
        """The credentials of `family` as trees: what was made with what."""
        members = {item.access_key: item for item in self.family(ident).credentials}
        roots = [item for item in members.values() if item.parent not in members]
        return tuple(self._node(item, members, frozenset()) for item in roots)

    def _node(self, item: Credential, members: dict[str, Credential], above: frozenset[str]) -> Node:
        above |= {item.access_key}
        made = [members[key] for key in self._by_parent.get(item.access_key, ()) if key in members and key not in above]
        return Node(item, tuple(self._node(child, members, above) for child in made))

    def _note(self, new: Credential) -> None:
        old = self._credentials.get(new.access_key)
        if old is not None:
            if old.issued_at or not new.issued_at:
                return
            self._forget(old)
        elif len(self._credentials) >= self._limit:
            self.capped = True
            self._forget(next(iter(self._credentials.values())))
        self._credentials[new.access_key] = new
        self._by_principal.setdefault(new.principal, {})[new.access_key] = None
        self._by_owner.setdefault(new.owner_arn, {})[new.access_key] = None
        if new.parent:
            self._by_parent.setdefault(new.parent, []).append(new.access_key)

    def _correct(self, known: Credential | None, event: Event) -> None:
        """A call tells the ARN of the user, path and all, that the making of its key did not."""
        if known is not None and known.kind == "key" and known.principal != event.principal:
            self._forget(known)
            self._note(replace(known, principal=event.principal, owner_arn=event.principal))

    def _forget(self, old: Credential) -> None:
        del self._credentials[old.access_key]
        for index, name in ((self._by_principal, old.principal), (self._by_owner, old.owner_arn)):
            index[name].pop(old.access_key, None)
            if not index[name]:
                del index[name]
        if old.parent and old.access_key in self._by_parent.get(old.parent, ()):
            self._by_parent[old.parent].remove(old.access_key)


class _Walk:
    """One walk down from an identity."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._credentials: dict[str, Credential] = {}
        self._principals: dict[str, None] = {}
        self._users: dict[str, None] = {}
        self._roles: dict[str, None] = {}
        self._accounts: dict[str, None] = {}
        self._waiting: list[str] = []

    def start(self, ident: str) -> None:
        lineage = self._lineage
        if ident in lineage._credentials:
            self._waiting.append(ident)
        elif is_account(ident) or ident.startswith("AWSAccount:"):
            self._accounts[account_of(ident)] = None
            self._everything_of(f"AWSAccount:{account_of(ident)}")
        elif is_instance(ident):
            for principal in list(lineage._by_principal):
                if instance_of(principal) == ident:
                    self._everything_of(principal)
        else:
            self._everything_of(ident)
        while self._waiting:
            self._credential(self._waiting.pop())

    def _everything_of(self, ident: str) -> None:
        """A principal, user or role with all its credentials."""
        if ident in self._principals:
            return
        self._principals[ident] = None
        lineage = self._lineage
        if ":user/" in ident:
            self._users[ident] = None
        elif ":role/" in ident:
            self._roles[ident] = None
        for index in (lineage._by_principal, lineage._by_owner, lineage._by_maker):
            self._waiting += index.get(ident, ())
        role = role_of_session(ident)
        if role and not lineage._by_principal.get(ident):
            self._roles[role] = None
        self._through(ident)

    def _credential(self, key: str) -> None:
        lineage = self._lineage
        item = lineage._credentials.get(key)
        if item is None or key in self._credentials:
            return
        self._credentials[key] = item
        if ":user/" in item.owner_arn:
            self._users[item.owner_arn] = None
        elif ":role/" in item.owner_arn:
            self._roles[item.owner_arn] = None
        if item.kind != "key" and item.kind != "session":
            self._principals[item.principal] = None
        self._waiting += lineage._by_parent.get(key, ())
        self._through(key)

    def _through(self, by: str) -> None:
        """What this key or principal opened to others."""
        for door in self._lineage._opened.get(by, ()):
            if door.kind == "account":
                self._accounts[door.ident] = None
                self._everything_of(f"AWSAccount:{door.ident}")
            elif door.kind == "trust":
                self._roles[door.ident] = None  # others use it too: its sessions are not all the family's
            else:
                self._everything_of(door.ident)

    def family(self) -> Family:
        ordered = sorted(self._credentials.values(), key=lambda item: item.issued_at)
        instances = dict.fromkeys(filter(None, (instance_of(item) for item in self._principals)))
        return Family(
            credentials=tuple(ordered),
            principals=tuple(self._principals),
            users=tuple(self._users),
            roles=tuple(self._roles),
            accounts=tuple(account for account in self._accounts if account),
            instances=tuple(instances),
        )


def _used(event: Event) -> Credential:
    """The credential behind a call, as far as the call itself tells."""
    kind: CredentialKind = "key"
    owner = event.issuer or event.principal
    if event.kind == "FederatedUser":
        kind = "federated"
    elif event.kind == "AssumedRole":
        kind = "instance-role" if instance_of(event.principal) else "role-session"
        owner = event.issuer or role_of_session(event.principal) or event.principal
    elif event.access_key.startswith("ASIA"):
        kind = "session"
    return Credential(event.access_key, kind, event.principal, owner, "", "", _ends_at_latest(event, kind), event.id)


def _ends_at_latest(event: Event, kind: CredentialKind) -> str:
    """When a session whose making was not seen is over for sure: AWS's longest durations after its creation."""
    if kind == "key":
        return ""
    created = Details(event).created or event.time
    hours = 12 if kind in ("role-session", "instance-role") else 36
    return iso(datetime.fromisoformat(created) + timedelta(hours=hours))


def _minted(details: Details) -> Credential | None:
    """The credential that a successful call made, or `None` where the record does not name it."""
    event, name = details.event, details.event.name
    parent = "" if event.kind == "AWSService" else event.access_key
    if name == "CreateAccessKey":
        key = details.answered("accessKey", "accessKeyId")
        user = details.answered("accessKey", "userName") or details.text("userName")
        owner = _sibling(event, user)
        return Credential(key, "key", owner, owner, parent, event.time, "", event.id) if key else None
    key = details.answered("credentials", "accessKeyId")
    if not key:
        return None
    ends = moment((details.answer.get("credentials") or {}).get("expiration")) or _ends(details)
    made = Credential(key, "session", event.principal, event.principal, parent, event.time, ends, event.id)
    if name == "GetSessionToken":
        return made
    if name == "GetFederationToken":
        who = details.answered("federatedUser", "arn")
        if not who:
            who = f"arn:aws:sts::{event.caller_account}:federated-user/{details.text('name')}"
        return replace(made, kind="federated", principal=who)
    if name == "AssumeRoot":
        target = account_of(details.text("targetPrincipal")) or details.text("targetPrincipal")
        root = f"arn:aws:iam::{target}:root"
        return replace(made, kind="role-session", principal=root, owner_arn=root)
    role = details.text("roleArn")
    who = details.answered("assumedRoleUser", "arn") or session_arn(role, details.text("roleSessionName"))
    to_instance = event.kind == "AWSService" and instance_of(who)
    kind: CredentialKind = "instance-role" if to_instance else "role-session"
    return replace(made, kind=kind, principal=who or role, owner_arn=role or role_of_session(who))


def _ends(details: Details) -> str:
    given = details.text("durationSeconds")
    seconds = int(given) if given.isdigit() and len(given) < 7 else _DEFAULT_SECONDS.get(details.event.name, 3600)
    return iso(details.event.at + timedelta(seconds=seconds))


def _sibling(event: Event, user: str) -> str:
    """The ARN of a user of the caller's account: the caller itself where the name is its own or not given."""
    if event.kind == "IAMUser" and (not user or event.principal.rsplit("/", 1)[-1] == user):
        return event.principal
    return doors.user_arn(event, user)


def members(families: Iterable[Family]) -> frozenset[str]:
    """Names by which the calls of several families are recognised."""
    return frozenset().union(*(family.idents for family in families))
