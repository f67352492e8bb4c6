"""Whom the Allow statements of a resource policy grant access beyond the named principals of the own account.

Block Public Access calls a policy public only if an Allow to everyone is bound to nothing fixed (S3 User Guide, "The
meaning of public"). A policy for everyone from one stranger's address, VPC endpoint, organization or distribution is
not public in that sense, and names no foreign account either: here it is listed.

Deny statements are not weighed: they may take some of it away, and an attacker can write them for show.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from s3ir_tui.policy import reference
from s3ir_tui.policy.binding import Binding, Own, bindings
from s3ir_tui.policy.condition import Condition, compile_condition
from s3ir_tui.policy.document import NEW_VERSION, OLD_VERSION, Document, as_tuple, load
from s3ir_tui.policy.request import account_of, arn_parts

GrantKind: TypeAlias = Literal[
    "everyone",
    "network",
    "endpoint",
    "organization",
    "access point",
    "source",
    "service",
    "canonical user",
    "origin access identity",
    "federated",
    "account",
    "principal",
    "deleted principal",
]
ActionClass: TypeAlias = Literal["read", "list", "write", "delete", "policy", "configuration", "assume", "all"]

_ORDER: tuple[ActionClass, ...] = ("all", "policy", "delete", "write", "read", "list", "configuration", "assume")
_OAI = "CloudFront Origin Access Identity "
_TIGHTEST = ("account", "principal", "organization", "access point", "endpoint", "source", "service", "network")
"""Which of several conditions names the grantee best, the best first."""

_WIDE = 2**24
"""IPv4 addresses of a /8, the widest network that Block Public Access does not call public."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One grantee of one Allow statement.

    Attributes:
        place: Place of the statement in the policy, from 0.
        sid: Its Sid, or "".
        kind: What the grantee is.
        who: The value that names it: `198.51.100.7/32`, `vpce-1a2b`, `o-example`, `cloudfront.amazonaws.com`, an
            ARN; "*" for everyone.
        actions: What the statement allows, the gravest first. `read`: objects; `configuration`: reads of settings;
            `policy`: permissions themselves; `assume`: sessions of the role; `all`: every action.
        own: Whether it is bound to the own account, the own organization or one of the own endpoints.
        wide: Whether the networks together are wider than a /8, although each of them may be small enough not to
            count as public.
        words: The grantee in words: `anyone from 198.51.100.7/32`, `service cloudfront.amazonaws.com (no source
            condition)`. Values of the policy stand in it as written: clean them before they reach a screen.
    """

    place: int
    sid: str
    kind: GrantKind
    who: str
    actions: tuple[ActionClass, ...]
    own: bool
    words: str
    wide: bool = False


def grants(
    document: Document,
    account: str,
    *,
    organization: str = "",
    own_endpoints: frozenset[str] = frozenset(),
    canonical_id: str = "",
) -> tuple[Grant, ...]:
    """Whom a bucket, access point, key or trust policy grants access beyond the named principals of its own account.

    Args:
        document: The policy. One whose statements have no Resource is taken as a trust policy.
        account: The account that owns the resource.
        organization: Its organization (`o-...`), if known.
        own_endpoints: Ids of VPCs and VPC endpoints that belong to it.
        canonical_id: Its canonical user id, if known.

    Returns:
        In the order of the statements; those with `own` are listed too.

    Raises:
        PolicyError: The document is not a policy.
    """
    own = Own(account, organization, own_endpoints, canonical_id)
    found = load(document)
    variables = found.get("Version", OLD_VERSION) == NEW_VERSION
    result: list[Grant] = []
    for place, item in enumerate(found["Statement"]):
        if item.get("Effect") == "Allow":
            conditions = compile_condition(item.get("Condition"), variables=variables)
            result.extend(_Statement(place, item, conditions, own).grants())
    return tuple(dict.fromkeys(result))


class _Statement:
    """One Allow statement."""

    def __init__(self, place: int, item: Mapping[str, Any], conditions: tuple[Condition, ...], own: Own) -> None:
        self.place = place
        self.item = item
        self.own = own
        self.conditions = conditions
        self.trust = "Resource" not in item and "NotResource" not in item
        self.actions = action_classes(item)
        self.bound = sorted(bindings(conditions, own), key=lambda item: _TIGHTEST.index(item.kind))

    def grants(self) -> Iterator[Grant]:
        principal = self.item.get("Principal")
        if "NotPrincipal" in self.item or principal == "*":
            yield from self._everyone()
            return
        if not isinstance(principal, Mapping):
            return
        for kind, values in principal.items():
            for value in map(str, as_tuple(values)):
                yield from self._named(kind, value)

    def _named(self, kind: str, value: str) -> Iterator[Grant]:
        if kind == "AWS":
            yield from self._everyone() if value == "*" else self._aws(value)
        elif kind == "Service":
            yield from self._service(value)
        elif kind == "CanonicalUser":
            mine = bool(value) and value == self.own.canonical_id
            yield self._grant("canonical user", value, f"canonical user {value}", own=mine)
        elif kind == "Federated":
            yield self._federated(value)

    def _grant(self, kind: GrantKind, who: str, words: str, *, own: bool, wide: bool = False) -> Grant:
        return Grant(self.place, str(self.item.get("Sid", "")), kind, who, self.actions, own, words, wide)

    def _everyone(self) -> Iterator[Grant]:
        chosen = next((item for item in self.bound if item.all_own), None) or next(iter(self.bound), None)
        if chosen is None:
            yield self._grant("everyone", "*", "everyone" + self._unbound(), own=False)
            return
        if chosen.kind == "network":
            yield self._network(chosen)
            return
        for value, own in chosen.values:
            yield self._grant(chosen.kind, value, f"{chosen.words} {value}".strip(), own=own)

    def _unbound(self) -> str:
        keys = sorted({condition.key for condition in self.conditions})
        return f" (conditions that bind to nobody: {', '.join(keys)})" if keys else ""

    def _network(self, chosen: Binding) -> Grant:
        networks = [value for value, _own in chosen.values]
        shown = ", ".join(networks[:3]) + (f" and {len(networks) - 3} more networks" if len(networks) > 3 else "")
        wide = _addresses(networks) > _WIDE
        return self._grant("network", ", ".join(networks), f"{chosen.words} {shown}", own=False, wide=wide)

    def _aws(self, value: str) -> Iterator[Grant]:
        owner = account_of(value)
        if owner == self.own.account:
            return
        parts = arn_parts(value)
        bound = any(item.all_own for item in self.bound)
        if parts and parts[4] == "cloudfront":
            name = parts[5].removeprefix("user/").removeprefix(_OAI)
            words = f"CloudFront origin access identity {name}"
            yield self._grant("origin access identity", name, words, own=bound)
        elif owner is None:
            yield self._grant("deleted principal", value, f"deleted principal {value}", own=False)
        elif parts is None or parts[5] == "root":
            yield self._grant("account", owner, f"account {owner}", own=bound)
        else:
            yield self._grant("principal", value, value, own=bound)

    def _service(self, value: str) -> Iterator[Grant]:
        words = f"service {value}"
        sources = [item for item in self.bound if item.kind in ("source", "organization", "account", "endpoint")]
        if self.trust:
            # A role can only be passed to a service within its own account (IAM User Guide, iam:PassRole).
            yield self._grant("service", value, words, own=all(item.all_own for item in sources))
        elif not sources:
            yield self._grant("service", value, f"{words} (no source condition)", own=False)
        else:
            chosen = next((item for item in sources if item.all_own), sources[0])
            for source, own in chosen.values:
                yield self._grant("service", value, f"{words} for {chosen.words} {source}", own=own)

    def _federated(self, value: str) -> Grant:
        subject = any(_binds_subject(condition) for condition in self.conditions)
        parts = arn_parts(value)
        saml = parts is not None and parts[5].startswith("saml-provider/")
        own = parts is not None and parts[4] == self.own.account and (saml or subject)
        missing = "" if saml or subject else " (no subject condition)"
        return self._grant("federated", value, f"federated provider {value}{missing}", own=own)


def _binds_subject(condition: Condition) -> bool:
    """Whether a condition holds a web identity to one subject, or one application of a provider that has many."""
    name = condition.key.rpartition(":")[2]
    shared = name in ("aud", "app_id") and not condition.key.startswith("token.actions.githubusercontent.com")
    positive = condition.name.known and not condition.name.negated and not condition.name.if_exists
    return positive and (name == "sub" or shared) and any(value.strip("*") for value in condition.values)


def _addresses(networks: list[str]) -> int:
    """How many IPv4 addresses networks hold together."""
    parsed = []
    for text in networks:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            continue
        if isinstance(network, ipaddress.IPv4Network):
            parsed.append(network)
    return sum(network.num_addresses for network in ipaddress.collapse_addresses(parsed))


def action_classes(item: Mapping[str, Any]) -> tuple[ActionClass, ...]:
    """What the actions of a statement do, the gravest first.

    Args:
        item: A statement. NotAction counts as everything: it allows whatever it does not name.
    """
    if "NotAction" in item:
        return ("all",)
    classes = {one for value in as_tuple(item.get("Action")) for one in _classes(str(value).lower())}
    return ("all",) if "all" in classes else tuple(sorted(classes, key=_ORDER.index))


@lru_cache(maxsize=1024)
def _classes(action: str) -> frozenset[ActionClass]:
    if action == "*" or action.endswith(":*"):
        return frozenset({"all"})
    return frozenset(_class(facts) for facts in reference.actions(action))


def _class(facts: reference.ActionFacts) -> ActionClass:
    name = facts.name.partition(":")[2]
    if facts.service == "sts":
        return "assume"
    if facts.level == "Permissions management":
        return "policy"
    if facts.level == "List":
        return "list"
    if facts.level == "Read":
        kinds = {item.name for item in facts.resource_types}
        return "configuration" if facts.service == "s3" and "object" not in kinds else "read"
    return "delete" if name.startswith("Delete") else "write"
