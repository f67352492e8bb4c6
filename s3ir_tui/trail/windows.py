"""Stretches of time in which a bucket stood open: what they are, and how they follow from settings that were made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from s3ir_tui.text import clean, short_arn

Kind = Literal["public", "shared", "granted", "unblocked"]


@dataclass(frozen=True, slots=True)
class Outsider:
    """What someone who is not of the account did with a bucket while it was open.

    Attributes:
        principal: `anonymous`, or the other account's principal as the trail names it.
        reads: Objects read.
        lists: Listings.
        writes: Objects written or deleted.
        denied: Calls that were turned away.
        bytes_out: Bytes of what was read.
        addresses: Where from, the first 64.
        first: Time of the first of these calls.
        last: Time of the last.
        exact: Whether all of it fell into the window; where not, some of it may lie just outside.
        events: Ids of the first twenty.
    """

    principal: str
    reads: int
    lists: int
    writes: int
    denied: int
    bytes_out: int
    addresses: tuple[str, ...]
    first: str
    last: str
    exact: bool
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exposure:
    """A stretch of time in which a bucket stood open.

    Attributes:
        bucket: Its name, or "" for the whole account.
        kind: Open to everyone, to another account, to whoever comes from an address, an organization, a service and
            the like, or with Block Public Access lowered so that it could be opened.
        by: By what: `policy`, `ACL`, `ACLs of objects`, `Block Public Access`, an account id; the grantee in words
            where it is `granted`; "" where it is not known.
        opened_at: When, or "" where it was open before the trail begins.
        opened_by: The principal, or "".
        opened_event: The event, or "".
        closed_at: When, or "" where it is still open.
        closed_by: The principal, or "".
        closed_event: The event, or "".
        outsiders: What was done to it meanwhile, most bytes first.
    """

    bucket: str
    kind: Kind
    by: str
    opened_at: str = ""
    opened_by: str = ""
    opened_event: str = ""
    closed_at: str = ""
    closed_by: str = ""
    closed_event: str = ""
    outsiders: tuple[Outsider, ...] = ()

    @property
    def reads(self) -> int:
        """Objects that outsiders read meanwhile."""
        return sum(item.reads for item in self.outsiders)

    @property
    def text(self) -> str:
        """In words, safe to display."""
        what = {
            "public": f"open to everyone{f' by {self.by}' if self.by else ''}",
            "shared": f"open to account {self.by}",
            "granted": f"open to {self.by}",
            "unblocked": "without Block Public Access",
        }[self.kind]
        since = f"from {self.opened_at} ({short_arn(self.opened_by)})" if self.opened_at else "since before the trail"
        until = f"to {self.closed_at} ({short_arn(self.closed_by)})" if self.closed_at else "and still"
        return clean(f"{what} {since} {until}{self._meanwhile()}")

    def _meanwhile(self) -> str:
        if self.kind == "unblocked" or (self.kind == "granted" and not self.outsiders):
            return ""
        if not self.outsiders:
            return ": no call of an outsider was seen meanwhile"
        places = {address for item in self.outsiders for address in item.addresses}
        size = sum(item.bytes_out for item in self.outsiders)
        about = "" if all(item.exact for item in self.outsiders) else "about "
        writes = sum(item.writes for item in self.outsiders)
        changed = f", {writes} changed" if writes else ""
        return (
            f": {about}{self.reads} objects ({size} bytes) read{changed} by {_count(len(self.outsiders), 'outsider')}"
            f" from {_count(len(places), 'address')}"
        )

    def to_json(self) -> dict[str, Any]:
        """As `trail --output json` prints it."""
        made = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "outsiders"}
        made["text"] = self.text
        made["outsiders"] = [
            {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in ((name, getattr(item, name)) for name in item.__dataclass_fields__)
            }
            for item in self.outsiders
        ]
        return made


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """A setting that was made, in order of time."""

    at: str
    event: str
    principal: str = field(compare=False)
    sets: str = field(compare=False)
    public: str = field(compare=False)
    lowered: bool = field(compare=False)
    accounts: tuple[str, ...] = field(compare=False)
    grants: tuple[str, ...] = field(compare=False, default=())


def replay(bucket: str, changes: Sequence[Change]) -> Iterator[Exposure]:
    """The windows of a bucket by the settings made, its own and the account's."""
    state = _State()
    open_: dict[tuple[Kind, str], Exposure] = {}
    for change in changes:
        state.apply(change, whole=not bucket)
        now = state.openings()
        for what in [item for item in open_ if item not in now]:
            window = open_.pop(what)
            yield closed(window, change)
        for kind, by in now:
            if (kind, by) not in open_:
                open_[kind, by] = Exposure(bucket, kind, by, change.at, change.principal, change.event)
    yield from open_.values()


def closed(window: Exposure, change: Change) -> Exposure:
    """A window with its end."""
    return replace(window, closed_at=change.at, closed_by=change.principal, closed_event=change.event)


class _State:
    """What is set at a moment; what was set before the trail begins is not known and taken as harmless."""

    def __init__(self) -> None:
        self._public: dict[str, str] = {}
        self._accounts: tuple[str, ...] = ()
        self._grants: tuple[str, ...] = ()
        self._blocks: dict[str, bool | None] = {"block": None, "account-block": None}
        self._whole = False

    def apply(self, change: Change, *, whole: bool) -> None:
        self._whole = whole
        sets = change.sets
        if sets in self._blocks:
            self._blocks[sets] = not change.lowered
        elif sets == "policy":
            self._set(sets, change.public)
            self._accounts, self._grants = change.accounts, change.grants
        elif sets in ("acl", "objects"):
            self._set(sets, change.public)
        elif sets == "ownership" and not change.public:  # no ACL counts any more
            self._set("acl", "")
            self._set("objects", "")
        elif sets == "bucket":
            self._public.clear()
            self._accounts = self._grants = ()
            self._blocks["block"] = None

    def _set(self, what: str, public: str) -> None:
        if public:
            self._public[what] = public
        else:
            self._public.pop(what, None)

    def openings(self) -> dict[tuple[Kind, str], None]:
        """What stands open now. Source: S3 User Guide, "Blocking public access": either block is enough."""
        now: dict[tuple[Kind, str], None] = {}
        own = "account-block" if self._whole else "block"
        if self._blocks[own] is False:
            now["unblocked", "Block Public Access"] = None
        if self._public and True not in self._blocks.values():
            now["public", next(iter(self._public.values()))] = None
        for account in self._accounts:
            now["shared", account] = None
        for words in self._grants:
            now["granted", words] = None
        return now


def _count(number: int, word: str) -> str:
    plural = f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{number} {word if number == 1 else plural}"
