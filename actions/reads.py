"""States as they are read and compared: the value behind a `Read`, and whether two values are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from actions.plan import Read
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import iso

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

_SETS = frozenset({"Action", "NotAction", "Resource", "NotResource"})


def value_of(account: Account, read: Read) -> Any:
    """Read a state.

    Returns:
        JSON values; `None` where AWS says that there is none; a policy document as a mapping.

    Raises:
        AwsError: The read failed.
    """
    import jmespath

    try:
        answer = account.call(read.call.service, read.call.operation, read.call.params, read.call.region)
    except AwsError as error:
        if error.code in read.absent:
            return None
        raise
    answer.pop("ResponseMetadata", None)
    found = as_json(jmespath.search(read.pick, answer))
    return document(found) if read.document else found


def document(value: Any) -> Any:
    """JSON text as a mapping; anything else, and text that is not JSON, as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def as_json(value: Any) -> Any:
    """An answer of boto3 as JSON values: times in ISO 8601."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two states are the same. AWS gives lists of one as scalars, and sets in any order."""
    return bool(canonical(one) == canonical(other))


def canonical(value: Any, key: str = "") -> Any:
    """A form in which equal documents are equal: order of keys, lists of one and order within lists do not count."""
    if key == "Statement" and not isinstance(value, list | tuple):
        value = [value]
    if key in _SETS:
        return _as_set(value)
    if isinstance(value, Mapping):
        if key == "Condition":
            return {name: {k.lower(): _as_set(v) for k, v in keys.items()} for name, keys in value.items()}
        if key in ("Principal", "NotPrincipal"):
            return {name: _as_set(item) for name, item in value.items()}
        return {name: canonical(item, name) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return sorted((canonical(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def _as_set(value: Any) -> list[str]:
    items = value if isinstance(value, list | tuple) else [value]
    return sorted(json.dumps(item) if not isinstance(item, str) else item for item in items)


def difference(planned: Any, found: Any, limit: int = 300) -> str:
    """In words, how the state that was found differs from the one the plan was made from."""
    if "Statement" in (planned or ()) or "Statement" in (found or ()):
        planned, found = planned or {}, found or {}
    if isinstance(planned, Mapping) and isinstance(found, Mapping):
        statements = _statement_difference(planned, found)
        keys = [
            f"{name}: {_short(planned.get(name))} -> {_short(found.get(name))}"
            for name in sorted({*planned, *found} - {"Statement"})
            if canonical(planned.get(name), name) != canonical(found.get(name), name)
        ]
        return "; ".join(statements + keys)[:limit]
    return f"was {_short(planned)}, is {_short(found)}"[:limit]


def _statement_difference(planned: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    before, after = _by_text(planned.get("Statement")), _by_text(found.get("Statement"))
    gone = [f"- {_label(before[text])}" for text in before if text not in after]
    return gone + [f"+ {_label(after[text])}" for text in after if text not in before]


def _by_text(statements: Any) -> dict[str, Any]:
    items = statements if isinstance(statements, list | tuple) else [] if statements is None else [statements]
    return {json.dumps(canonical(item), sort_keys=True): item for item in items}


def _label(statement: Any) -> str:
    if not isinstance(statement, Mapping):
        return _short(statement)
    return f"{statement.get('Sid') or 'statement'} ({_short(statement, 160)})"


def _short(value: Any, limit: int = 80) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= limit else text[: limit - 1] + "…"
