"""What is known of an account: frozen dataclasses, no I/O."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


class Severity(enum.IntEnum):
    """How much something matters to a responder; ordered, `INFO` lowest."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """The word in JSON output: `critical`, `high`, `medium`, `low`, `info`."""
        return self.name.lower()

    @property
    def short(self) -> str:
        """Four cells for a column: `CRIT`, `high`, `med`, `low`, `info`."""
        return ("info", "low", "med", "high", "CRIT")[self]


class State(enum.Enum):
    """What a suspect does now; the same word in pane, watch, log and report. `states.LEGEND` says what each means."""

    ACTIVE = "ACTIVE"
    CONTAINING = "CONTAINING"
    NO_PROOF_YET = "NO PROOF YET"
    HOLDING = "HOLDING"
    LEAKING = "LEAKING"
    STILL_IN = "STILL IN"
    QUIET = "QUIET"
    RETURNED = "RETURNED"
    UNKNOWN = "UNKNOWN"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the console is, as STS GetCallerIdentity answers."""

    account: str
    arn: str
    user_id: str
    region: str

    @property
    def principal_arn(self) -> str:
        """The ARN that `aws:PrincipalArn` has for this caller: the role's ARN for a role session.

        Source: IAM User Guide, global condition keys. The role's path is unknown from the session ARN alone.
        """
        parts = self.arn.split(":", 5)
        if len(parts) == 6 and parts[2] == "sts" and parts[5].startswith("assumed-role/"):
            return f"arn:{parts[1]}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"
        return self.arn


@dataclass(frozen=True, slots=True)
class PublicAccessBlock:
    """The four flags of S3 Block Public Access, of a bucket or of the account."""

    block_public_acls: bool = False
    ignore_public_acls: bool = False
    block_public_policy: bool = False
    restrict_public_buckets: bool = False

    @property
    def all_on(self) -> bool:
        """Whether all four flags are set."""
        return (
            self.block_public_acls
            and self.ignore_public_acls
            and self.block_public_policy
            and self.restrict_public_buckets
        )


@dataclass(frozen=True, slots=True)
class Bucket:
    """The posture of a bucket. A field that could not be read is `None` and its reason stands in `gaps`."""

    name: str
    region: str = ""
    created: datetime | None = None
    public_by_policy: bool | None = None
    public_by_acl: bool | None = None
    public_access_block: PublicAccessBlock | None = None
    foreign_accounts: tuple[str, ...] = ()
    ownership: str | None = None
    versioning: str | None = None
    encryption: str | None = None
    logging_target: str | None = None
    policy: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    gaps: Mapping[str, str] = field(default_factory=dict)

    @property
    def public(self) -> bool | None:
        """Whether anyone can reach it by policy or ACL, Block Public Access considered; `None` if unknown."""
        known = (self.public_by_policy, self.public_by_acl)
        if True in known:
            return True
        return None if None in known else False


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A long-term access key of an IAM user."""

    id: str
    user: str
    status: str
    created: datetime | None = None
    last_used: datetime | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """An IAM user or role of the account, or a foreign principal found in a policy, an ACL or the trail."""

    arn: str
    kind: str
    name: str
    keys: tuple[AccessKey, ...] = ()
    console: bool | None = None
    mfa: bool | None = None
    policies: tuple[str, ...] = ()
    trusts: tuple[str, ...] = ()
    instance_profiles: tuple[str, ...] = ()
    sessions_revoked_before: str | None = None
    max_session_seconds: int | None = None
    denied_all: bool = False
    gaps: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Instance:
    """An EC2 instance with what matters for leaked role credentials."""

    id: str
    region: str
    state: str = ""
    role: str | None = None
    profile_arn: str | None = None
    imds_v1: bool | None = None
    public_address: str | None = None
    private_address: str | None = None
    key_pair: str | None = None
    security_groups: tuple[str, ...] = ()
    launched: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def utc_now() -> datetime:
    """The time, aware and in UTC: the only clock of the console."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """`2026-11-24T09:14:07Z`, as CloudTrail writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
