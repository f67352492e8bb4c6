"""What AWS's Service Authorization Reference says about each action: its resources, condition keys, access level.

The table lies in `reference.json`, made by `make_reference.py`; it is read when the first fact is asked for, and only
the actions that are asked for are taken apart. It holds the services that `services` names: of any other nothing is
known here, which is not the same as "there is no such action". See `known_service`.

    reference.action("s3:getobject").resource_types       # object, accesspointobject
    reference.action("s3:GetObject").fits("arn:aws:s3:::b")      # False: that is a bucket
    [facts.name for facts in reference.actions("s3:*Policy")]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, TypeAlias, cast

from s3ir_tui.policy import pattern

Level: TypeAlias = Literal["List", "Read", "Write", "Tagging", "Permissions management"]

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_TYPE = re.compile(r"(?P<name>[^*(]+)(?P<required>\*?)(\((?P<keys>.*)\))?\Z")
_WITHOUT_SLASH = frozenset({"BucketName", "AccessPointName", "AccessPointAlias"})
"""Names in ARNs that cannot hold a slash: what follows one is another type of resource (bucket and object)."""

_FIRST_PARTS = frozenset({"Partition", "Region", "Account"})


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A type of resource that an action can be asked for.

    Attributes:
        name: As AWS's page calls it: `object`, `bucket`, `log-group`.
        template: Its ARN, such as `arn:${Partition}:s3:::${BucketName}/${ObjectName}`.
        required: Whether every call of the action names one. An action with several types of which none is required
            is asked for one of them.
        keys: Condition keys that count when the action is asked for a resource of this type.
    """

    name: str
    template: str
    required: bool
    keys: frozenset[str]

    def arn(self, *, partition: str = "aws", **values: str) -> str:
        """The template filled in.

        Args:
            partition: `aws`, `aws-cn` or `aws-us-gov`.
            values: By the names in the template: `BucketName`, `Region`, `Account`.

        Raises:
            KeyError: A name of the template has no value.
        """
        known = {"Partition": partition, **values}
        return _VARIABLE.sub(lambda match: known[match.group(1)], self.template)

    def fits(self, arn: str) -> bool:
        """Whether an ARN, or the pattern of a policy, can name a resource of this type."""
        return overlap(self.template, arn)


@dataclass(frozen=True, slots=True)
class ActionFacts:
    """One action.

    Attributes:
        name: With its prefix, in AWS's spelling: `s3:GetObject`.
        level: Access level. Where AWS gives two ("Permissions management, Write") it is the narrower one.
        resource_types: The types of resources that it can be asked for, sorted; none if only `*` names its resource.
        condition_keys: All condition keys that can count for it, those of its resource types too; global keys that
            AWS's page does not list for the action are not among them. A key that ends in `/` or `:` goes on with
            any text: `aws:ResourceTag/`.
        dependent_actions: Other actions that the caller must be allowed as well.
    """

    name: str
    level: Level
    resource_types: tuple[ResourceType, ...]
    condition_keys: frozenset[str]
    dependent_actions: tuple[str, ...]

    @property
    def service(self) -> str:
        """The prefix: `s3`."""
        return self.name.partition(":")[0]

    @property
    def arns(self) -> tuple[str, ...]:
        """The ARN templates of its resource types; empty if only `*` names its resource."""
        return tuple(item.template for item in self.resource_types)

    def fits(self, arn: str) -> bool:
        """Whether the action can apply to what an ARN, or a pattern in a policy, names.

        Wildcards and policy variables may stand for anything: `arn:aws:s3:::b*` names the bucket and its objects.
        An action without resource types fits `*` only, one of S3 also `arn:aws:s3:::*`, which AWS's own examples use
        (S3 User Guide, identity-based policy examples: `s3:ListAllMyBuckets`).

        Args:
            arn: An ARN, a pattern of ARNs, or `*`.
        """
        if arn.strip("*") == "":
            return bool(arn)
        if not self.resource_types:
            return self.service == "s3" and arn.endswith(":s3:::*")
        return any(item.fits(arn) for item in self.resource_types)

    def takes(self, key: str) -> bool:
        """Whether a condition key can count for the action: listed for it, or one of the global `aws:` keys.

        Args:
            key: In any case: `s3:prefix`, `s3:ExistingObjectTag/class`.
        """
        lower = key.lower()
        return lower.startswith("aws:") or any(_names_key(known.lower(), lower) for known in self.condition_keys)


def action(name: str) -> ActionFacts | None:
    """The facts about one action.

    Args:
        name: With its prefix, in any case; no wildcards.

    Returns:
        `None` if the table has no such action. Where `known_service` is false for the prefix that says nothing.
    """
    prefix, _, short = name.lower().partition(":")
    spelled = _spellings(prefix).get(short)
    return None if spelled is None else _facts(prefix, spelled)


@lru_cache(maxsize=1024)
def actions(pattern_: str) -> tuple[ActionFacts, ...]:
    """All actions that a value of the Action element names, sorted by service and name.

    Args:
        pattern_: `s3:GetObject`, `s3:Get*`, `*`; in any case. The prefix itself may hold wildcards only as `*`, as in
            AWS's policies.

    Returns:
        Empty if it names none in the table.
    """
    lower = pattern_.lower()
    prefix, colon, short = lower.partition(":")
    if not colon:
        if lower.strip("*"):
            return ()
        prefix, short = "*", "*"
    wanted = pattern.glob(pattern.tokens(short, None) or ())
    prefixes = services() if prefix == "*" else (prefix,)
    return tuple(
        _facts(service, spelled)
        for service in prefixes
        for name, spelled in _spellings(service).items()
        if wanted.match(name)
    )


def services() -> tuple[str, ...]:
    """The prefixes of the services in the table, sorted."""
    return tuple(_table())


def known_service(prefix: str) -> bool:
    """Whether the table holds the actions of a service, so that an action missing from it does not exist.

    Args:
        prefix: `s3`, in any case.
    """
    return prefix.lower() in _table()


def service_keys(prefix: str) -> frozenset[str]:
    """All condition keys of one service, those that AWS lists for its actions and resource types."""
    return frozenset(key for facts in actions(f"{prefix}:*") for key in facts.condition_keys)


@lru_cache(maxsize=16384)
def overlap(template: str, arn: str) -> bool:
    """Whether some ARN is named by an ARN template and by the pattern of a policy.

    Args:
        template: With names in `${...}`, as in the Service Authorization Reference.
        arn: An ARN or a pattern: `*` and `?` are wildcards, a policy variable stands for any text.
    """
    left, right = _template_steps(template), _pattern_steps(arn)
    # Both are walked at once; a step that repeats stays where it is or is left behind without reading a character.
    reached = {(0, 0)}
    pending = [(0, 0)]
    while pending:
        i, j = pending.pop()
        if i == len(left) and j == len(right):
            return True
        following = []
        if i < len(left) and left[i].many:
            following.append((i + 1, j))
        if j < len(right) and right[j].many:
            following.append((i, j + 1))
        if i < len(left) and j < len(right) and left[i].meets(right[j]):
            following.append((i + (not left[i].many), j + (not right[j].many)))
        for place in following:
            if place not in reached:
                reached.add(place)
                pending.append(place)
    return False


@dataclass(frozen=True, slots=True)
class _Step:
    """One character of a pattern, or a repetition of characters."""

    text: str = ""
    """The character; "" for any."""
    many: bool = False
    without: str = ""
    """Characters that it cannot be."""

    def meets(self, other: _Step) -> bool:
        if self.text and other.text:
            return self.text == other.text
        return not (self.text and self.text in other.without) and not (other.text and other.text in self.without)


@lru_cache(maxsize=1024)
def _template_steps(template: str) -> tuple[_Step, ...]:
    steps: list[_Step] = []
    for place, piece in enumerate(_VARIABLE.split(template)):
        if place % 2 == 0:
            steps.extend(_Step(character) for character in piece)
        elif piece in _FIRST_PARTS:
            steps.extend((_Step(without=":/"), _Step(many=True, without=":/")))
        else:
            steps.append(_Step(many=True, without="/" if piece in _WITHOUT_SLASH else ""))
    return tuple(steps)


@lru_cache(maxsize=4096)
def _pattern_steps(arn: str) -> tuple[_Step, ...]:
    steps = []
    for piece in re.findall(r"\$\{[^{}]*\}|.", arn, re.DOTALL):
        if piece == "*" or len(piece) > 1:
            steps.append(_Step(many=True))
        else:
            steps.append(_Step("" if piece == "?" else piece))
    return tuple(steps)


def _names_key(known: str, key: str) -> bool:
    return key.startswith(known) and len(key) > len(known) if known[-1:] in ("/", ":") else key == known


Service: TypeAlias = Mapping[str, Mapping[str, str]]


@cache
def _table() -> Mapping[str, Service]:
    text = Path(__file__).with_name("reference.json").read_text(encoding="utf-8")
    return cast("Mapping[str, Service]", json.loads(text)["services"])


@cache
def _spellings(prefix: str) -> Mapping[str, str]:
    """The actions of a service, by their names in lower case."""
    return {name.lower(): name for name in _table().get(prefix, {"actions": {}})["actions"]}


@cache
def _facts(prefix: str, name: str) -> ActionFacts:
    service = _table()[prefix]
    level, types, keys, dependent = service["actions"][name].split(" | ")
    resource_types = tuple(_resource_type(prefix, service, text) for text in types.split(";") if text)
    own = _keys(prefix, service, keys)
    return ActionFacts(
        name=f"{prefix}:{name}",
        level=cast("Level", level),
        resource_types=resource_types,
        condition_keys=own.union(*(item.keys for item in resource_types)),
        dependent_actions=tuple(one for one in dependent.split(",") if one),
    )


def _resource_type(prefix: str, service: Service, text: str) -> ResourceType:
    match = _TYPE.match(text)
    if match is None:
        raise ValueError(f"reference.json: {text!r} is no resource type")
    template, keys = service["resources"][match["name"]].split(" | ")
    return ResourceType(
        name=match["name"],
        template=template,
        required=bool(match["required"]),
        keys=_keys(prefix, service, keys) | _keys(prefix, service, match["keys"] or ""),
    )


def _keys(prefix: str, service: Service, text: str) -> frozenset[str]:
    listed: Iterable[str] = service["sets"].get(text, text).split(",")
    return frozenset(prefix + key if key.startswith(":") else key for key in listed if key)
