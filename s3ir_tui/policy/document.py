"""Policy documents as data: read, written small, merged by Sid."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

Document: TypeAlias = Mapping[str, Any] | str
Statement: TypeAlias = Mapping[str, Any]

BUCKET_POLICY_LIMIT = 20480
"""Bytes of a bucket policy (S3 User Guide, access management)."""

INLINE_LIMITS: Mapping[str, int] = {"user": 2048, "role": 10240, "group": 5120}
"""Characters of all inline policies of one identity together, white space not counted (IAM quotas)."""

NEW_VERSION = "2012-10-17"
OLD_VERSION = "2008-10-17"
"""What a document without `Version` is: policy variables are then plain text."""


class PolicyError(ValueError):
    """A policy document that AWS would not accept, or that cannot be read."""


def load(document: Document) -> dict[str, Any]:
    """Read a document leniently: a JSON object whose `Statement` is a list of objects.

    Elements unknown to this code are kept, so that a policy can be extended although AWS has learned something new.

    Args:
        document: JSON text, or the decoded object.

    Returns:
        A copy, with `Statement` always a list.

    Raises:
        PolicyError: It is not JSON, or has not the outline of a policy.
    """
    return _decode(document if isinstance(document, str) else _encode(document))


def statements(document: Document) -> tuple[Statement, ...]:
    """The statements of a document, in order; a single one counts as a list of one.

    Raises:
        PolicyError: The document is not a policy.
    """
    return tuple(load(document)["Statement"])


def minify(document: Document) -> str:
    """The document as JSON text without white space between the elements.

    Raises:
        PolicyError: The text is not JSON.
    """
    return _encode(_json(document) if isinstance(document, str) else document)


def measure(document: Document) -> int:
    """The size that counts towards AWS's limits, in bytes of the minified UTF-8 text."""
    return len(minify(document).encode("utf-8", "surrogatepass"))


def merge(document: Document | None, new: Sequence[Statement]) -> dict[str, Any]:
    """Put statements into a document: in the place of those with the same Sid, the others at the end.

    Merging the same statements again changes nothing; one without Sid is not added beside its equal.

    Args:
        document: What is there; `None` for nothing.
        new: The statements to put in.

    Returns:
        The new document; everything else in it is kept, `Version` too.

    Raises:
        PolicyError: The document is not a policy, or a statement with a policy variable would become plain text in it
            because of its old `Version`.
    """
    merged: dict[str, Any] = {"Version": NEW_VERSION, "Statement": []} if document is None else load(document)
    fresh: list[dict[str, Any]] = [json.loads(_encode(item)) for item in new]
    if merged.get("Version", OLD_VERSION) != NEW_VERSION and "${" in _encode({"Statement": fresh}):
        raise PolicyError(
            f"the document has Version {merged.get('Version', OLD_VERSION)}, in which policy variables are plain text"
        )
    by_sid = {item["Sid"]: item for item in fresh if item.get("Sid")}
    result: list[Any] = []
    for item in merged["Statement"]:
        sid = item.get("Sid")
        if sid not in by_sid:
            result.append(item)
        elif by_sid[sid] not in result:
            result.append(by_sid[sid])
    for item in fresh:
        item = by_sid.get(item.get("Sid"), item)
        if item not in result:
            result.append(item)
    merged["Statement"] = result
    return merged


def without_sids(document: Document | None, sids: Collection[str]) -> dict[str, Any] | None:
    """The document without the statements that have one of these Sids.

    Returns:
        The rest of the document, or `None` when no statement is left.

    Raises:
        PolicyError: The document is not a policy.
    """
    if document is None:
        return None
    rest = load(document)
    rest["Statement"] = [item for item in rest["Statement"] if item.get("Sid") not in sids]
    return rest if rest["Statement"] else None


def as_tuple(value: Any) -> tuple[Any, ...]:
    """One or many, as policies write them, as many."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _decode(text: str) -> dict[str, Any]:
    found = _json(text)
    items = found.get("Statement")
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list):
        raise PolicyError("the policy has no Statement")
    if not all(isinstance(item, dict) for item in items):
        raise PolicyError("a Statement of the policy is not an object")
    if not all(isinstance(item.get("Sid", ""), str) for item in items):
        raise PolicyError("a Sid of the policy is not text")
    found["Statement"] = items
    return found


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except PolicyError:
        raise
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"the policy is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise PolicyError("the policy is not a JSON object")
    return found


def _encode(document: Mapping[str, Any]) -> str:
    try:
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise PolicyError(f"the policy cannot be written as JSON: {error}") from error


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} in a policy")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # With "last one wins" a Deny could hide behind a second Effect; AWS refuses such documents as well.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise PolicyError("an element stands twice in the policy")
    return found


def _no_constant(name: str) -> NoReturn:
    raise PolicyError(f"{name} is not JSON")
