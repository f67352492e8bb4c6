"""What `enter` shows of a row: reasons, numbers, credentials and posture, under headings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from s3ir_tui.board.exposure import read_line, read_lines
from s3ir_tui.board.known import Known
from s3ir_tui.model import Bucket, Principal
from s3ir_tui.room import Detail, Kind
from s3ir_tui.text import clean, short_arn, size
from s3ir_tui.trail.lineage import Node

_LISTED = 20
_ELSEWHERE = frozenset(
    {
        "gaps",
        "open_to",
        "open_severity",
        "other_ways",
        "ways_severity",
        "not_looked_at",
        "read_at",
        "settings_at",
        "credentials_at",
    }
)
"""Fields of a posture that have a section of their own."""

_TREE = 60
_KEY = re.compile(r"A[KS]IA[A-Z0-9]+")
_NOT_IN_TRAIL = "nothing of it in the trail: it was not used, or what it did was not logged or lies further back"


def detail_of(known: Known, kind: Kind, ident: str, now: datetime | None = None) -> Detail:
    """Everything known of one row, safe to display; of a credential where an access key stands for a principal.

    Args:
        known: What is known.
        kind: What the row is of.
        ident: What it is called.
        now: The time, for ages; `None` where they are not told.
    """
    if kind == "principal" and _KEY.fullmatch(ident):
        return _credential(known, ident)
    if kind == "principal":
        return _principal(known, ident, now)
    if kind == "bucket":
        return _bucket(known, ident, now)
    return _instance(known, ident, now)


def _principal(known: Known, ident: str, now: datetime | None) -> Detail:
    sections: list[tuple[str, tuple[str, ...]]] = []
    sighting = next((item for item in known.analysis.principals() if item.id == ident), None)
    if sighting is not None:
        sections.append(("Why", _few(reason.text for reason in sighting.reasons) or ("no reason yet",)))
        seen = (
            f"{sighting.events - sighting.denied} calls ok, {sighting.denied} denied, {size(sighting.bytes_out)} out",
            f"first {sighting.first}  last {sighting.last}",
            f"from {', '.join(sighting.addresses) or '?'}",
            f"on {', '.join(sighting.buckets) or 'no bucket'}",
        )
        sections.append(("Seen in the trail", _few(seen)))
    tree = known.analysis.lineage.tree(ident)
    if tree:
        sections.append(("Credentials, with those that came of them", _few(tree_lines(tree), _TREE)))
    user = known.principals.get(ident)
    sections += _posture(user)
    if user is not None:
        sections.append(("Read", _few(_principal_read(known, user, now))))
    return Detail(clean(short_arn(ident)), tuple(sections), ident)


def _credential(known: Known, key: str) -> Detail:
    """One credential: whose it is, what made it, and everything that came of it."""
    lineage = known.analysis.lineage
    item = lineage.credential(key)
    if item is None:
        return Detail(f"credential {clean(key)}", (("Credential", (_NOT_IN_TRAIL,)),), key)
    facts = [
        f"{item.kind} of {item.principal}",
        f"made {item.issued_at or 'before what the trail shows'}, lives until {item.expires_at or 'it is disabled'}",
    ]
    parent = lineage.parent_of(key)
    if parent is not None:
        facts.append(f"made with {parent.access_key}, {parent.kind} of {parent.principal}")
    elif item.parent:
        facts.append(f"made with {item.parent}, of which the trail shows no more")
    family = lineage.family(key)
    reach = [f"role {role}" for role in family.roles]
    reach += [f"account {account}" for account in family.accounts]
    reach += [f"instance {instance}" for instance in family.instances]
    sections = [
        ("Credential", _few(facts)),
        ("What came of it", _few(tree_lines(lineage.tree(key)), _TREE)),
        ("What it reaches", _few(reach) or ("no role, other account or instance",)),
    ]
    return Detail(f"credential {clean(key)}", tuple(sections), key)


def tree_lines(nodes: Sequence[Node]) -> Iterator[str]:
    """Credentials with those that were made with them below, one a line."""
    for node in nodes:
        yield _made(node)
        yield from _below(node, "")


def _below(node: Node, indent: str) -> Iterator[str]:
    for place, child in enumerate(node.children, 1):
        last = place == len(node.children)
        yield f"{indent}{'└─' if last else '├─'} {_made(child)}"
        yield from _below(child, indent + ("   " if last else "│  "))


def _made(node: Node) -> str:
    item = node.credential
    who = short_arn(item.principal)
    return f"{item.access_key}  {item.kind}  {who}  made {item.issued_at or '?'}  until {item.expires_at or 'disabled'}"


def _bucket(known: Known, name: str, now: datetime | None) -> Detail:
    sections: list[tuple[str, tuple[str, ...]]] = []
    sighting = next((item for item in known.analysis.buckets() if item.name == name), None)
    if sighting is not None:
        sections.append(("Why", _few(reason.text for reason in sighting.reasons) or ("no reason yet",)))
        seen = (
            f"{sighting.reads} reads, {sighting.writes} writes, {size(sighting.bytes_out)} out",
            f"by {', '.join(map(short_arn, sighting.principals)) or 'nobody'}",
        )
        sections.append(("Seen in the trail", _few(seen)))
    else:
        sections.append(("Seen in the trail", ("nothing: where data events are off, object reads are not logged",)))
    sections.append(("Logged of its objects", _few(known.logged.get(name, ("not looked at yet",)))))
    bucket = known.buckets.get(name)
    if bucket is not None:
        sections += _open_to(bucket)
    sections += _posture(bucket)
    if bucket is not None:
        sections.append(("Read", _few(read_lines(known, bucket, now))))
    return Detail(clean(name), tuple(sections), name)


def _instance(known: Known, ident: str, now: datetime | None) -> Detail:
    sections: list[tuple[str, tuple[str, ...]]] = []
    sighting = next((item for item in known.analysis.instances() if item.id == ident), None)
    if sighting is not None:
        sections.append(("Why", _few(reason.text for reason in sighting.reasons) or ("no reason yet",)))
        sections.append(("Credentials seen", _few(sighting.access_keys)))
    instance = known.instances.get(ident)
    sections += _posture(instance)
    if instance is not None:
        sections.append(("Read", (read_line("instance", instance.read_at, now),)))
    return Detail(clean(ident), tuple(sections), ident)


def _open_to(bucket: Bucket) -> list[tuple[str, tuple[str, ...]]]:
    sections = [("Open to", _few(bucket.open_to, _TREE) or ("nobody beyond the account, as far as it was read",))]
    ways = list(bucket.other_ways)
    if bucket.not_looked_at:
        ways.append(f"not looked at: {', '.join(bucket.not_looked_at)}")
    return [*sections, ("Other ways in and out", _few(ways, _TREE) or ("none",))]


def _principal_read(known: Known, item: Principal, now: datetime | None) -> Iterator[str]:
    yield read_line("policies" if item.kind == "user" else "policies and trust", item.read_at, now)
    if item.kind == "user":
        how = "" if item.keys or item.active_keys == 0 else " (no key ids read)"
        yield read_line(f"keys, console password and MFA{how}", item.credentials_at, now)
    if written := known.out_of_date("user" if item.kind == "user" else "role", item.name, item.read_at):
        yield f"older than the last known write to it, {written}"


def _posture(item: object) -> list[tuple[str, tuple[str, ...]]]:
    if item is None:
        return [("Posture", ("not read: not in this account, or not yet",))]
    fields = msgspec.to_builtins(item)
    lines = [f"{name.replace('_', ' ')}: {_value(value)}" for name, value in fields.items() if name not in _ELSEWHERE]
    found = [("Posture", _few(lines, 40))]
    gaps = fields.get("gaps")
    if gaps:
        found.append(("Not read", _few(f"{name}: {why}" for name, why in gaps.items())))
    return found


def _value(value: object) -> str:
    if value is None:
        return "?"
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_value(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return "; ".join(map(_value, value)) or "none"
    return str(value) or "?"


def _few(lines: Iterable[str], limit: int = _LISTED) -> tuple[str, ...]:
    listed = [clean(line) for line in lines]
    more = (f"and {len(listed) - limit} more",) if len(listed) > limit else ()
    return (*listed[:limit], *more)
