"""What a line of the trail can be asked for by name: the fields of the filter language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Literal, Protocol

from s3ir_tui.model import Severity
from s3ir_tui.text import short_arn
from s3ir_tui.trail.arns import instance_of, role_of_session
from s3ir_tui.trail.event import Event

_DENIED = ("denied", "unauthorized", "invalidclienttoken", "invalidaccesskey", "expiredtoken", "tokenrefresh")

OUTCOMES = ("ok", "denied", "failed")
SEVERITIES = tuple(item.word for item in Severity)
_YES = ("yes", "no")


class Line(Protocol):
    """What is asked of a line: a `Judged`, or one that was laid by without its record."""

    @property
    def event(self) -> Event:
        """The event."""

    @property
    def severity(self) -> Severity:
        """How much it matters."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why."""

    @property
    def noise(self) -> bool:
        """Whether it is service noise."""

    @property
    def ours(self) -> bool:
        """Whether this console made the call."""

    @property
    def source(self) -> str:
        """Name of the source that brought it."""

    @property
    def late(self) -> str:
        """How it is marked where it came late, "" where it did not."""


Kind = Literal["whole", "part", "who", "time", "severity", "number", "record"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the filter language.

    Attributes:
        name: How it is written.
        help: What it is, for completion.
        kind: How it is compared: `whole` value, any `part` of it, `who` by any of its names, by order.
        get: Its value in a line.
        also: Other names for it.
        choices: The only values that it has; empty where it may have any.
        derived: Whether its value stands nowhere in the record as it is written.
    """

    name: str
    help: str
    kind: Kind
    get: Callable[[Line], str]
    also: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    derived: bool = False


@lru_cache(maxsize=4096)
def outcome_of(error: str) -> str:
    """`ok`, `denied` or `failed`, from an `errorCode`: attempts and successes are told apart in every line."""
    if not error:
        return "ok"
    folded = error.casefold()
    return "denied" if any(word in folded for word in _DENIED) else "failed"


def names_of(principal: str, issuer: str) -> tuple[str, ...]:
    """Every name by which a responder may call a principal, lower case: ARN, issuer, role, and short forms of them."""
    names: list[str] = []
    for item in (principal, issuer, role_of_session(principal)):
        if item:
            short = short_arn(item)
            names += [item, short, short.partition("/")[2], item.rsplit("/", 1)[-1]]
    return tuple(dict.fromkeys(name.lower() for name in names if name))


def actor(principal: str) -> str:
    """Who acted, short: `svc-export`, `etl-role/i-0a1b`, `anonymous`."""
    short = short_arn(principal)
    kind, slash, rest = short.partition("/")
    return rest if slash and kind in ("user", "role", "federated-user") else short


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _event(name: str) -> Callable[[Line], str]:
    return attrgetter(f"event.{name}")


FIELDS: tuple[Field, ...] = (
    Field("bucket", "bucket", "whole", _event("bucket")),
    Field("key", "object key, or a part of it", "part", _event("key"), ("object",)),
    Field("principal", "who acted: ARN, role or short name", "who", _event("principal"), ("who", "user", "role")),
    Field("address", "source address", "whole", _event("address"), ("ip", "from")),
    Field("agent", "user agent, or a part of it", "part", _event("agent"), ("useragent", "user_agent")),
    Field("name", "call, such as GetObject", "whole", _event("name"), ("event", "call", "operation")),
    Field("service", "service, such as s3 or iam", "whole", _event("service")),
    Field("region", "Region", "whole", _event("region")),
    Field("account", "account whose resource was touched", "whole", _event("account")),
    Field("caller", "account of the caller", "whole", _event("caller_account"), ("caller_account",)),
    Field("credential", "access key id", "whole", _event("access_key"), ("access_key", "accesskey")),
    Field("instance", "instance whose role it is", "whole", lambda line: instance_of(line.event.principal)),
    Field("identity", "IAMUser, AssumedRole, Anonymous, ...", "whole", _event("kind"), ("kind",)),
    Field("issuer", "role or user behind a session", "whole", _event("issuer")),
    Field("via", "AWS service that called for it", "whole", _event("invoked_by"), ("invoked_by",)),
    Field("outcome", "how it ended", "whole", lambda line: outcome_of(line.event.error), ("result",), OUTCOMES,
          derived=True),
    Field("error", "error code", "whole", _event("error"), ("code",)),
    Field("message", "error message, or a part of it", "part", _event("message")),
    Field("severity", "how much it matters", "severity", lambda line: line.severity.word, ("sev",), SEVERITIES,
          derived=True),
    Field("reason", "why it matters, or a part of it", "part", lambda line: "\n".join(line.reasons), ("why",)),
    Field("time", "UTC: 14:03, 2026-03-02T14:03, -15m", "time", _event("time"), ("at",)),
    Field("category", "Management, Data, Insight, ...", "whole", _event("category")),
    Field("type", "AwsApiCall, AwsConsoleSignIn, ...", "whole", _event("type")),
    Field("source", "source that brought it", "whole", attrgetter("source")),
    Field("readonly", "whether it only reads", "whole", lambda line: _yes(line.event.read_only), ("read_only",), _YES,
          derived=True),
    Field("ours", "whether this console made the call", "whole", lambda line: _yes(line.ours), (), _YES, derived=True),
    Field("noise", "whether it is folded service noise", "whole", lambda line: _yes(line.noise), (), _YES,
          derived=True),
    Field("bytes_out", "bytes out of S3: 1mb, 500kb", "number", _event("bytes_out"), ("out",), derived=True),
    Field("bytes_in", "bytes into S3", "number", _event("bytes_in"), ("in",), derived=True),
    Field("id", "event id", "whole", _event("id"), ("eventid",)),
    Field("request", "request id", "whole", _event("request_id"), ("request_id", "requestid")),
    Field("record", "any part of the record as it was logged", "record", _event("raw"), ("raw",)),
)  # fmt: skip
"""Every field, the ones that a responder asks for most first."""

_BY_NAME = {name: field for field in FIELDS for name in (field.name, *field.also)}


def field_named(name: str) -> Field | None:
    """A field by its name or another name for it."""
    return _BY_NAME.get(name.lower())


def field_names() -> Iterable[str]:
    """Every name there is, others included."""
    return _BY_NAME
