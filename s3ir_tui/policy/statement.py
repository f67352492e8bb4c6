"""Statements of a policy, compiled once and asked many times."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from s3ir_tui.policy import pattern
from s3ir_tui.policy.condition import Condition, all_hold, compile_condition
from s3ir_tui.policy.document import NEW_VERSION, OLD_VERSION, Document, PolicyError, as_tuple, load, minify
from s3ir_tui.policy.request import Asked, Caller, account_of, arn_parts


class Reach(enum.IntEnum):
    """How a Principal element names a caller; the higher, the less an implicit deny elsewhere limits the grant.

    Source: IAM User Guide, policy evaluation for requests within a single account.
    """

    NOT = 0
    ACCOUNT = 1
    """The caller's account: it may delegate, nobody in it is granted anything yet."""
    ROLE = 2
    """The role (or the user behind a federated session): boundary and session policy still limit it."""
    DIRECT = 3
    """The user, the session, the service, or everyone: no implicit deny limits it."""


@dataclass(frozen=True, slots=True)
class Actions:
    """The Action element: plain names and patterns, in lower case."""

    names: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]
    everything: bool

    def match(self, action: str) -> bool:
        """Whether an action (in lower case) is named."""
        if self.everything or action in self.names:
            return True
        for item in self.patterns:  # noqa: SIM110 - asked for every statement of every request: twice as fast as any()
            if item.match(action):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Resource:
    """One value of the Resource element; `compiled` is missing where a variable must be resolved first.

    A `*` reaches over colons here. AWS says so of one that ends a part of the ARN; of one within a part it is assumed,
    which differs only for patterns that nobody writes.
    """

    text: str
    compiled: re.Pattern[str] | None

    def match(self, asked: Asked) -> bool:
        """Whether the resource asked for is named.

        A value with a variable that cannot be resolved matches no resource, under Resource and under NotResource alike
        (IAM User Guide, policy variables with no value): NotResource then spares nothing.
        """
        if self.text == "*":
            return True
        compiled = self.compiled
        if compiled is None:
            parts = pattern.tokens(self.text, asked.resolve)
            if parts is None:
                return False
            compiled = pattern.glob(parts)
        return compiled.match(asked.resource) is not None


@dataclass(frozen=True, slots=True)
class Principals:
    """The Principal element.

    Attributes:
        everyone: Whether `*` stands in it.
        aws: The other values under `AWS`.
        services: Service principals.
        federated: Identity providers.
        canonical: Canonical user ids, each of which stands for an account (S3 User Guide, bucket policy principals).
    """

    everyone: bool
    aws: frozenset[str]
    services: frozenset[str]
    federated: frozenset[str]
    canonical: frozenset[str] = frozenset()

    def reach(self, caller: Caller) -> Reach:
        """How the caller is named, at best."""
        if self.everyone:
            return Reach.DIRECT
        if caller.service:
            return Reach.DIRECT if caller.service in self.services else Reach.NOT
        if caller.federated and caller.federated in self.federated:
            return Reach.DIRECT
        if caller.anonymous:
            return Reach.NOT
        if caller.session_arn in self.aws:
            return Reach.DIRECT
        if caller.arn in self.aws or caller.principal_arn in self.aws or caller.principal_id in self.aws:
            named_user = caller.principal_type == "User" or caller.is_root
            return Reach.DIRECT if named_user else Reach.ROLE
        if self.names_account(caller):
            return Reach.DIRECT if caller.is_root else Reach.ACCOUNT
        return Reach.NOT

    def names_account(self, caller: Caller) -> bool:
        """Whether the caller's account is named: by its id, its root's ARN or its canonical user id."""
        if caller.canonical_id in self.canonical:
            return True
        account = caller.account_id
        return account is not None and any(_is_account(value, account) for value in self.aws)

    def excepts(self, caller: Caller) -> bool:
        """Whether NotPrincipal in a Deny spares the caller: every level of it must be named.

        The IAM User Guide (NotPrincipal) asks for the account, the user or role, and the session; with one missing
        the caller may be denied, so that is what is assumed.
        """
        if self.everyone or caller.service:
            return self.everyone or caller.service in self.services
        if caller.anonymous:
            return False
        if caller.is_root:
            return self.names_account(caller)
        named = caller.principal_arn in self.aws or caller.arn in self.aws or caller.principal_id in self.aws
        session = not caller.session_arn or caller.session_arn in self.aws
        return named and session and self.names_account(caller)


@dataclass(frozen=True, slots=True)
class Compiled:
    """One statement.

    Attributes:
        sid: Its Sid, or "".
        allow: Whether the effect is Allow.
        actions: Action or NotAction.
        not_action: Whether it is NotAction.
        resources: Resource or NotResource; `None` if there is neither.
        not_resource: Whether it is NotResource.
        principals: Principal or NotPrincipal; `None` if there is neither.
        not_principal: Whether it is NotPrincipal.
        conditions: All of them must hold.
    """

    sid: str
    allow: bool
    actions: Actions
    not_action: bool
    resources: tuple[Resource, ...] | None
    not_resource: bool
    principals: Principals | None
    not_principal: bool
    conditions: tuple[Condition, ...]

    def reach(self, asked: Asked, *, resource_policy: bool, bounded: bool) -> Reach:
        """How the statement applies to a request.

        What cannot be told (an unknown operator, a value that is not of the operator's type) is decided against the
        caller: the statement then applies if it is a Deny, and not if it is an Allow.

        Args:
            asked: The request.
            resource_policy: Whether the policy belongs to a resource, and so has principals.
            bounded: Whether the caller has a permissions boundary: NotPrincipal in a Deny then never spares it.

        Returns:
            `Reach.NOT` if it does not apply.
        """
        if self.actions.match(asked.action) is self.not_action:
            return Reach.NOT
        who = self._principal(asked.caller, bounded) if resource_policy else Reach.DIRECT
        if who is Reach.NOT:
            return who
        named = self._resource(asked, resource_policy)
        if named is False or (named is None and self.allow):
            return Reach.NOT
        held = all_hold(self.conditions, asked.context, asked.resolve) if self.conditions else True
        return Reach.NOT if held is False or (held is None and self.allow) else who

    def _principal(self, caller: Caller, bounded: bool) -> Reach:
        if self.principals is None:
            return Reach.NOT
        if not self.not_principal:
            return self.principals.reach(caller)
        if self.allow:
            return Reach.NOT if self.principals.reach(caller) is not Reach.NOT else Reach.DIRECT
        spared = self.principals.excepts(caller) and not bounded
        return Reach.NOT if spared else Reach.DIRECT

    def _resource(self, asked: Asked, resource_policy: bool) -> bool | None:
        if self.resources is None:
            # Trust policies have no Resource; an identity policy without one is not valid.
            return True if resource_policy else None
        for item in self.resources:
            if item.match(asked):
                return not self.not_resource
        return self.not_resource


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """A whole document; denies stand first because one of them decides."""

    denies: tuple[Compiled, ...]
    allows: tuple[Compiled, ...]


def compile_policy(document: Document) -> CompiledPolicy:
    """A document ready for evaluation; the same text is compiled once.

    Raises:
        PolicyError: It is not a policy.
    """
    return _compile(document if isinstance(document, str) else minify(document))


@lru_cache(maxsize=1024)
def _compile(text: str) -> CompiledPolicy:
    found = load(text)
    variables = found.get("Version", OLD_VERSION) == NEW_VERSION
    compiled = [compile_statement(item, variables=variables) for item in found["Statement"]]
    return CompiledPolicy(
        tuple(item for item in compiled if not item.allow), tuple(item for item in compiled if item.allow)
    )


def compile_statement(item: Mapping[str, Any], *, variables: bool) -> Compiled:
    """One statement ready for evaluation.

    Raises:
        PolicyError: Effect or Action is missing, or an element has the wrong form.
    """
    effect = item.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError("Effect must be Allow or Deny")
    actions = _one_of(item, "Action", "NotAction")
    if actions is None:
        raise PolicyError("a statement needs Action or NotAction")
    resources = _one_of(item, "Resource", "NotResource")
    principals = _one_of(item, "Principal", "NotPrincipal")
    return Compiled(
        sid=item.get("Sid", ""),
        allow=effect == "Allow",
        actions=_actions(_texts(actions, item[actions])),
        not_action=actions == "NotAction",
        resources=None if resources is None else _resources(_texts(resources, item[resources]), variables),
        not_resource=resources == "NotResource",
        principals=None if principals is None else compile_principals(item[principals]),
        not_principal=principals == "NotPrincipal",
        conditions=compile_condition(item.get("Condition"), variables=variables),
    )


def compile_principals(element: object) -> Principals:
    """The Principal element.

    Raises:
        PolicyError: It is neither `*` nor an object of texts.
    """
    if element == "*":
        return Principals(True, frozenset(), frozenset(), frozenset())
    if not isinstance(element, Mapping):
        raise PolicyError("Principal must be * or an object")
    values = {kind: frozenset(_texts(kind, named)) for kind, named in element.items()}
    aws = values.get("AWS", frozenset())
    return Principals(
        everyone="*" in aws,
        aws=aws - {"*"},
        services=values.get("Service", frozenset()),
        federated=values.get("Federated", frozenset()),
        canonical=values.get("CanonicalUser", frozenset()),
    )


def _one_of(item: Mapping[str, Any], name: str, other: str) -> str | None:
    if name in item and other in item:
        raise PolicyError(f"{name} and {other} exclude each other")
    return name if name in item else other if other in item else None


def _texts(name: str, value: object) -> tuple[str, ...]:
    found = as_tuple(value)
    if not all(isinstance(item, str) for item in found):
        raise PolicyError(f"{name} is not text or a list of texts")
    return found


def _actions(values: Iterable[str]) -> Actions:
    lower = [value.lower() for value in values]
    wild = [value for value in lower if "*" in value or "?" in value]
    parts = [pattern.tokens(value, None) or () for value in wild if value != "*"]
    return Actions(frozenset(lower) - frozenset(wild), tuple(pattern.glob(part) for part in parts), "*" in wild)


def _resources(values: Iterable[str], variables: bool) -> tuple[Resource, ...]:
    return tuple(
        Resource(
            value,
            None if variables and pattern.has_variable(value) else pattern.glob(pattern.tokens(value, None) or ()),
        )
        for value in values
    )


def _is_account(value: str, account: str) -> bool:
    if value == account:
        return True
    parts = arn_parts(value)
    return parts is not None and parts[2] == "iam" and parts[5] == "root" and account_of(value) == account
