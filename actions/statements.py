"""Statements of a policy, compared and merged one by one: ours are told from what others put beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from actions.reads import canonical

Statement = Mapping[str, Any]

_LISTS = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
"""Condition operators that match where one of the values does: more values deny more."""

_BEFORE = ("DateLessThan", "DateLessThanEquals")
"""Condition operators that match what is older: a later date denies more."""


def statements(document: Any) -> tuple[Statement, ...]:
    """The statements of a policy; none where there is no policy, or something that is none."""
    found = document.get("Statement") if isinstance(document, Mapping) else None
    items = found if isinstance(found, list | tuple) else [found]
    return tuple(item for item in items if isinstance(item, Mapping))


def without(some: Iterable[Statement], others: Iterable[Statement]) -> tuple[Statement, ...]:
    """Those of `some` that do not stand in `others` to the letter."""
    known = {_text(item) for item in others}
    return tuple(item for item in some if _text(item) not in known)


def covers(found: Statement, wanted: Statement) -> bool:
    """Whether a statement does all that another does: a Deny may be wider, any other is equal. Sids do not count."""
    if found.get("Effect") != "Deny" or wanted.get("Effect") != "Deny":
        return _text(found, sid=False) == _text(wanted, sid=False)
    if _shape(found) != _shape(wanted):
        return False
    there = _values(found)
    return all(
        max(there[place], default="") >= max(values, default="") if _is_date(place) else there[place] >= values
        for place, values in _values(wanted).items()
    )


def covered(document: Any, wanted: Statement) -> bool:
    """Whether a policy does all that a statement does."""
    return any(covers(item, wanted) for item in statements(document))


def merged(fresh: Any, old: Sequence[Statement], new: Sequence[Statement]) -> dict[str, Any] | None:
    """What was to be changed in one version of a policy, changed in another.

    Args:
        fresh: The policy as it is now, or `None`.
        old: The statements that go, as they stood when the change was made.
        new: The statements that come.

    Returns:
        The policy with everything else in it kept; `None` where no statement is left.
    """
    document = dict(fresh) if isinstance(fresh, Mapping) else {"Version": "2012-10-17"}
    left = list(statements(fresh))
    before, after = {_name(item): item for item in old}, {_name(item): item for item in new}
    for name in [*before, *(name for name in after if name not in before)]:
        left = _changed(left, before.get(name), after.get(name))
    document["Statement"] = left
    return document if left else None


def _changed(left: list[Statement], old: Statement | None, new: Statement | None) -> list[Statement]:
    name = _name(new if new is not None else old or {})
    at = next((index for index, item in enumerate(left) if _name(item) == name), None)
    if at is None:
        if new is None:
            return left
        sid = new.get("Sid")  # a Sid stands once in a policy: what took ours for something else goes
        return [*(item for item in left if not sid or item.get("Sid") != sid), new]
    result = _mixed(left[at], old, new)
    return [*left[:at], *([result] if result is not None else []), *left[at + 1 :]]


def _mixed(fresh: Statement, old: Statement | None, new: Statement | None) -> Statement | None:
    """One statement of the fresh policy with what came added and what went taken out."""
    if fresh.get("Effect") != "Deny":
        return new
    was, comes = _values(old or {}), _values(new or {})
    condition: dict[str, dict[str, Any]] = {}
    for place, values in _values(fresh).items():
        before, after = was.get(place, frozenset()), comes.get(place, frozenset())
        if _is_date(place):
            kept = _date(values, before, after)
        else:
            kept = (values - (before - after)) | (after - before)
        if not kept:
            return None
        operator, key = place
        condition.setdefault(operator, {})[_spelled(fresh, operator, key)] = _as_written(kept)
    if new is None and not any(not _is_date(place) for place in was):
        return None if _same_or_earlier(fresh, old) else fresh
    return {**fresh, "Condition": condition} if condition else (new if old is not None or new is not None else fresh)


def _date(fresh: frozenset[str], old: frozenset[str], new: frozenset[str]) -> frozenset[str]:
    if new and (not old or max(new) >= max(old)):
        return frozenset({max(fresh | new)})
    return new if new and fresh <= old else fresh


def _same_or_earlier(fresh: Statement, old: Statement | None) -> bool:
    return old is not None and all(
        max(_values(fresh).get(place, frozenset()), default="") <= max(values) for place, values in _values(old).items()
    )


def _values(statement: Statement) -> dict[tuple[str, str], frozenset[str]]:
    """Values of the condition by operator and key."""
    condition = statement.get("Condition")
    found: dict[tuple[str, str], frozenset[str]] = {}
    for operator, keys in condition.items() if isinstance(condition, Mapping) else ():
        for key, value in keys.items() if isinstance(keys, Mapping) else ():
            items = value if isinstance(value, list | tuple) else [value]
            found[operator, key.lower()] = frozenset(map(str, items))
    return found


def _spelled(statement: Statement, operator: str, key: str) -> str:
    return next(str(name) for name in statement["Condition"][operator] if name.lower() == key)


def _as_written(values: frozenset[str]) -> Any:
    return next(iter(values)) if len(values) == 1 else sorted(values)


def _is_date(place: tuple[str, str]) -> bool:
    return place[0] in _BEFORE


def _shape(statement: Statement) -> str:
    """The statement without its Sid and without those values of its condition that may be more or fewer."""
    loose = {place: [] if place[0] in (*_LISTS, *_BEFORE) else sorted(v) for place, v in _values(statement).items()}
    rest = {name: value for name, value in statement.items() if name not in ("Sid", "Condition")}
    return json.dumps([canonical(rest), sorted((*place, *v) for place, v in loose.items())], sort_keys=True)


def _name(statement: Statement) -> tuple[str, str]:
    shape = _shape(statement) if statement.get("Effect") == "Deny" else _text(statement)
    return str(statement.get("Sid") or ""), shape


def _text(statement: Statement, *, sid: bool = True) -> str:
    rest = statement if sid else {name: value for name, value in statement.items() if name != "Sid"}
    return json.dumps(canonical(rest), sort_keys=True)
