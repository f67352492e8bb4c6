"""Who made which credential: the tree from a leaked key to everything that was made with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from s3ir_tui.trail import doors
from s3ir_tui.trail.alike import Alike
from s3ir_tui.trail.arns import account_of, instance_of, is_account, is_instance, role_of_session
from s3ir_tui.trail.credentials import Credential, used
from s3ir_tui.trail.event import Event

MOST_DOORS = 1000
LIMIT = 100_000
"""Most credentials that are remembered; beyond it the oldest are forgotten, and `Lineage.capped` says so."""


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
        accounts: Other accounts that it granted access, or itself where an account was asked for.
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

    def add(self, some: Alike) -> None:
        """Take in alike events: note the credential that they were made with, and what they made."""
        event = some.event
        key = event.access_key
        if key and event.principal.startswith("arn:"):
            if key in self._credentials:
                self._correct(self._credentials[key], event)
            elif not event.invoked_by:
                self._note(some.used or used(event))
        for made in some.made:
            self._note(made)
            if not key and event.kind != "AWSService":
                self._by_maker.setdefault(event.principal, {})[made.access_key] = None
        for door in some.opened:
            opened = self._opened.setdefault(key or event.principal, {})
            if len(opened) < MOST_DOORS:
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

    def _correct(self, known: Credential, event: Event) -> None:
        """A call tells the ARN of the user, path and all, that the making of its key did not."""
        if known.kind == "key" and known.principal != event.principal:
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
            elif door.kind != "grant":  # whoever comes through it is known by its address or service alone
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


def members(families: Iterable[Family]) -> frozenset[str]:
    """Names by which the calls of several families are recognised."""
    return frozenset().union(*(family.idents for family in families))


def idents_of(who: Family | Collection[str] | str) -> Collection[str]:
    """Names by which calls are recognised: those of a family, some names, or one."""
    if isinstance(who, Family):
        return who.idents
    return (who,) if isinstance(who, str) else who
