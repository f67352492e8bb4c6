"""What was chosen, sorted by what can be done about it: names and ARNs of targets taken apart with care."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

from actions.plan import Refusal, Targets

Kind = Literal["user", "role", "session", "federated", "account", "root", "anonymous", "service", "unknown"]

TARGETS = ("bucket", "principal", "user", "role", "access-key", "instance", "account")

ArnOf = Callable[[str, str], str]
"""Gives the ARN of a user or role of the own account by its kind and name, as IAM has it: with path and partition."""

_T = TypeVar("_T")
_KEY_ID = re.compile(r"(?:AKIA|ASIA)[A-Z0-9]{12,}")


@dataclass(frozen=True, slots=True)
class Subject:
    """A principal, taken apart.

    Attributes:
        id: As it was given.
        kind: What it is.
        account: Account it belongs to, or "".
        name: Name of user or role, without path.
        session: Session name of a role session or name of a federated user.
    """

    id: str
    kind: Kind
    account: str = ""
    name: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class Subjects:
    """Targets of an action, sorted. Users and roles of other accounts stand only in `principals`.

    Attributes:
        principals: Every principal that was given, as a user or role as well.
        users: Names of IAM users of the account.
        roles: Names of IAM roles of the account, those behind sessions included.
        sessions: Role sessions of the account.
        keys: Access key ids.
        buckets: Bucket names.
        instances: Instance ids.
        targets: What was given.
    """

    principals: tuple[Subject, ...]
    users: tuple[str, ...]
    roles: tuple[str, ...]
    sessions: tuple[Subject, ...]
    keys: tuple[str, ...]
    buckets: tuple[str, ...]
    instances: tuple[str, ...]
    targets: Targets

    @property
    def anonymous(self) -> bool:
        """Whether unsigned requests are among the principals."""
        return any(item.kind == "anonymous" for item in self.principals)


def subject(ident: str) -> Subject:
    """Take a principal apart: an ARN, an account id, `anonymous`, or whatever the trail calls it by."""
    if ident.lower() == "anonymous" or ident == "*":
        return Subject(ident, "anonymous")
    if re.fullmatch(r"\d{12}", ident):
        return Subject(ident, "account", ident)
    tail = ident.rsplit(":", 1)[-1]
    if not ident.startswith("arn:"):
        if re.fullmatch(r"\d{12}", tail):
            return Subject(ident, "account", tail)
        return Subject(ident, "service" if ident.endswith(".amazonaws.com") else "unknown")
    parts = ident.split(":", 5)
    if len(parts) < 6:
        return Subject(ident, "unknown")
    account, resource = parts[4], parts[5]
    kind, _, rest = resource.partition("/")
    if resource == "root":
        return Subject(ident, "root", account)
    if kind in ("user", "role") and rest:
        return Subject(ident, "user" if kind == "user" else "role", account, rest.rsplit("/", 1)[-1])
    if kind == "assumed-role" and rest:
        role, _, session = rest.partition("/")
        return Subject(ident, "session", account, role, session)
    if kind == "federated-user" and rest:
        return Subject(ident, "federated", account, session=rest)
    return Subject(ident, "unknown", account)


def sort(targets: Targets, account: str, arn_of: ArnOf) -> Subjects:
    """Sort targets by what they are.

    Args:
        targets: Target names to values, as the screens or the command line give them.
        account: The account that the console is connected to.
        arn_of: Where ARNs of the account's own users and roles come from; one that is put together from a name has no
            path, and a condition on it matches nobody.

    Raises:
        Refusal: A target name is not known, a value is not of its kind, or there is no such user or role.
    """
    unknown = sorted(set(targets) - set(TARGETS))
    if unknown:
        raise Refusal(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    keys = [value for value in targets.get("principal", ()) if _KEY_ID.fullmatch(value)]
    given = [subject(value) for value in targets.get("principal", ()) if value not in keys]
    for kind, values in (("user", targets.get("user", ())), ("role", targets.get("role", ()))):
        given += [_named(kind, value, account, arn_of) for value in values]
    given += [_account(value) for value in targets.get("account", ())]
    own = [item for item in given if item.account == account]
    return Subjects(
        principals=_once(given),
        users=_once(item.name for item in own if item.kind == "user"),
        roles=_once(item.name for item in own if item.kind in ("role", "session")),
        sessions=_once(item for item in own if item.kind == "session" and item.session),
        keys=_once([*targets.get("access-key", ()), *keys]),
        buckets=_once(targets.get("bucket", ())),
        instances=_once(targets.get("instance", ())),
        targets={name: tuple(values) for name, values in targets.items() if values},
    )


def _named(kind: str, value: str, account: str, arn_of: ArnOf) -> Subject:
    name = value.rsplit("/", 1)[-1]
    if value.startswith("arn:"):
        found = subject(value)
        if found.kind != kind:
            raise Refusal(f"{value} is not a {kind}")
        if found.account != account:
            return found
        name = found.name
    return subject(arn_of(kind, name))


def _account(value: str) -> Subject:
    found = subject(value)
    if found.kind not in ("account", "root"):
        raise Refusal(f"{value} is not an account id (12 digits)")
    return Subject(value, "account", found.account)


def _once(values: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(values))
