"""Which resources a call is about: the ARNs that AWS checks permissions on, by its Service Authorization Reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.resource_names import NAMES
from s3ir_tui.gameday.wire import Call
from s3ir_tui.policy import reference

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_PREFIXES = {"s3control": "s3", "monitoring": "cloudwatch", "tagging": "tag", "sso-admin": "sso"}
_ACTIONS = {
    "lambda:Invoke": ("lambda:InvokeFunction",),
    "lambda:InvokeAsync": ("lambda:InvokeFunction",),
    "sqs:SendMessageBatch": ("sqs:SendMessage",),
    "sqs:DeleteMessageBatch": ("sqs:DeleteMessage",),
    "sqs:ChangeMessageVisibilityBatch": ("sqs:ChangeMessageVisibility",),
    "sns:PublishBatch": ("sns:Publish",),
    "dynamodb:TransactGetItems": ("dynamodb:GetItem",),
    "kms:ReEncrypt": ("kms:ReEncryptFrom", "kms:ReEncryptTo"),
}
"""Operations whose permission is called otherwise; each action is checked."""
_WRITES = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


@dataclass(frozen=True, slots=True)
class Target:
    """One resource of a call.

    Attributes:
        arn: Its ARN, or `*`.
        kind: Type of resource as the Service Authorization Reference calls it, or "".
    """

    arn: str
    kind: str = ""

    @property
    def name(self) -> str:
        """What stands behind the type: `i-0a1b`, `alias/one`."""
        return re.split(r"[:/]", self.arn.split(":", 5)[-1], maxsplit=1)[-1]

    @property
    def account(self) -> str:
        """The account in the ARN, or ""."""
        parts = self.arn.split(":", 5)
        return parts[4] if len(parts) == 6 else ""


def actions_of(call: Call) -> tuple[str, ...]:
    """The actions that a call needs permission for, with their prefix."""
    name = f"{_PREFIXES.get(call.service, call.service)}:{call.operation}"
    if name == "dynamodb:TransactWriteItems":
        kinds = {kind for item in call.params.get("TransactItems") or () for kind in item}
        return tuple(f"dynamodb:{_WRITES[kind]}" for kind in sorted(kinds) if kind in _WRITES) or (name,)
    return _ACTIONS.get(name, (name,))


def targets_of(call: Call, who: Who, action: str) -> tuple[Target, ...]:
    """The resources that one action of a call is checked on, each of them.

    Args:
        call: The call.
        who: Its caller.
        action: With its prefix.

    Returns:
        `*` alone for actions that know no resources.
    """
    facts = reference.action(action)
    if facts is None or not facts.resource_types:
        return (Target("*"),)
    found: list[Target] = []
    missing: list[Target] = []
    for kind in facts.resource_types:
        named = [Target(arn, kind.name) for arn in _arns(call, who, action, kind)]
        found += named
        if not named and kind.required:
            # What the call makes, or finds by itself, has no name yet: AWS checks the type with a wildcard.
            missing.append(Target(_filled(kind.template, call, who, "*"), kind.name))
    if not found and not missing and len(facts.resource_types) == 1:
        only = facts.resource_types[0]
        missing.append(Target(_filled(only.template, call, who, "*"), only.name))
    return tuple(dict.fromkeys([*found, *missing])) or (Target("*"),)


def _arns(call: Call, who: Who, action: str, kind: reference.ResourceType) -> Iterator[str]:
    service = action.partition(":")[0]
    names = NAMES.get((service, kind.name)) or NAMES.get((service, "*"))
    if names is not None:
        for name in names(call, who, kind.name):
            yield name if name.startswith("arn:") else _filled(kind.template, call, who, name)
        return
    given = [value for value in _texts(call.params) if value.startswith("arn:") and kind.fits(value)]
    yield from given
    if not given and (name := _by_variable(kind.template, call.params)):
        yield _filled(kind.template, call, who, name)


def _by_variable(template: str, params: Mapping[str, Any]) -> str:
    """The name of the resource, where a parameter is called as the reference calls it."""
    wanted = _VARIABLE.findall(template)[-1].lower()
    for name, value in params.items():
        if isinstance(value, str) and wanted in (name.lower(), name.lower() + "name", name.lower() + "id"):
            return value
    return ""


def _filled(template: str, call: Call, who: Who, name: str) -> str:
    """A template with Region and account of the call; `name` stands for all the rest, up to its end."""
    known = {"Partition": "aws", "Region": call.region, "Account": who.account}
    head, variable, _ = template.partition(_first_own(template))
    filled = _VARIABLE.sub(lambda match: known.get(match[1], "*"), head)
    return filled + name if variable else filled


def _first_own(template: str) -> str:
    own = [name for name in _VARIABLE.findall(template) if name not in ("Partition", "Region", "Account")]
    return "${" + own[0] + "}" if own else template


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


Names = Callable[[Call, Who, str], Iterator[str]]
