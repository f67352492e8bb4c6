"""Whether the actions, resources and condition keys of one statement of an S3 policy fit together, as S3 checks it.

S3 refuses a statement with an action that applies to none of its resources, and one with a condition key that does
not apply to each of its actions: both follow the tables of the Service Authorization Reference. Where the tables say
nothing S3 is not known to refuse anything, and nothing is refused here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

from s3ir_tui.policy import reference
from s3ir_tui.policy.condition import compile_condition
from s3ir_tui.policy.document import as_tuple

Code: TypeAlias = Literal[
    "syntax", "principal", "action", "resource", "action-resource", "condition", "sid", "size", "public"
]
Finding: TypeAlias = tuple[Code, str, str]
"""What kind of problem, in AWS's words, and which value it is about."""

INVALID_ACTION = "Policy has invalid action"
ACTION_RESOURCE = "Action does not apply to any resource(s) in statement"
CONDITION_ACTION = "Conditions do not apply to combination of actions and resources in statement"
CONDITION_KEY = "Policy has an invalid condition key"

_RETIRED = frozenset({"s3:headbucket"})
"""Names that former editions of the reference listed; whether S3 refuses them now is not known."""

_ANY_ACTION = frozenset(
    {
        "s3:authtype",
        "s3:resourceaccount",
        "s3:signatureage",
        "s3:signatureversion",
        "s3:tlsversion",
        "s3:x-amz-content-sha256",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:accesspointnetworkorigin",
    }
)
"""Keys of every signed request or of every access point: a gap in the table is no reason to refuse them."""

_OTHER_PREFIXES = frozenset({"aws", "codebuild", "ec2", "glue", "identitystore", "lambda", "ssm"})
"""Prefixes of keys that describe the caller whatever the service (IAM User Guide, global condition keys)."""


def findings(item: Mapping[str, Any]) -> Iterator[Finding]:
    """What S3 refuses in a statement of a bucket or access point policy, beside its form.

    A pattern such as `s3:Put*` fits if one of the actions that it names does. NotAction and NotResource are not
    judged: what they leave over is never empty.
    """
    if "Action" not in item:
        return
    actions = [str(value) for value in as_tuple(item["Action"])]
    resources = [str(value) for value in as_tuple(item.get("Resource"))]
    known: list[tuple[str, tuple[reference.ActionFacts, ...]]] = []
    for name in actions:
        meant = reference.actions(name if name == "*" or ":" in name else "")
        if meant:
            known.append((name, meant))
        elif not _wild(name) and name.lower() not in _RETIRED:
            yield "action", INVALID_ACTION, name
    if "Resource" in item:
        for name, meant in known:
            if not any(facts.fits(resource) for facts in meant for resource in resources):
                yield "action-resource", ACTION_RESOURCE, name
    yield from _conditions(item, known)


def _conditions(
    item: Mapping[str, Any], known: list[tuple[str, tuple[reference.ActionFacts, ...]]]
) -> Iterator[Finding]:
    for condition in compile_condition(item.get("Condition"), variables=False):
        key = condition.key
        prefix = key.partition(":")[0]
        if prefix in _OTHER_PREFIXES or key in _ANY_ACTION:
            continue
        if prefix == "s3" and not any(facts.takes(key) for facts in reference.actions("s3:*")):
            yield "condition", CONDITION_KEY, key
            continue
        for name, meant in known:
            if prefix == "s3" and not any(facts.takes(key) for facts in meant):
                yield "condition", CONDITION_ACTION, f"{key} with {name}"


def _wild(name: str) -> bool:
    return "*" in name or "?" in name
