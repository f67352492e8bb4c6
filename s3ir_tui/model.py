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


OTHER_WAYS = (
    "access points",
    "multi-Region access points",
    "access grants",
    "replication",
    "notifications",
    "lifecycle",
    "inventory",
)
"""What can open, copy or empty a bucket beside its policy and ACL. It is read for few buckets: see `not_looked_at`."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The posture of a bucket. A field that could not be read is `None` and its reason stands in `gaps`.

    Attributes:
        open_to: Whom policy, ACL and access points grant access beyond the own account, in words, the worst first.
        open_severity: How much the worst of `open_to` matters.
        objects_public: Whether single objects can be public by their own ACLs.
        aws_public: What GetBucketPolicyStatus says of the policy.
        other_ways: Replication, notifications, lifecycle rules and the like, the worst first.
        ways_severity: How much the worst of `other_ways` matters.
        not_looked_at: Those of `OTHER_WAYS` that were not read.
        deleted: Whether it is gone.
        read_at: When policy, ACL, ownership and Block Public Access were read.
        settings_at: When versioning, encryption, logging and tags were read.
    """

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
    open_to: tuple[str, ...] = ()
    open_severity: Severity = Severity.INFO
    objects_public: bool | None = None
    aws_public: bool | None = None
    other_ways: tuple[str, ...] = ()
    ways_severity: Severity = Severity.INFO
    not_looked_at: tuple[str, ...] = OTHER_WAYS
    deleted: bool = False
    read_at: datetime | None = None
    settings_at: datetime | None = None

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
    """An IAM user or role of the account, or a foreign principal found in a policy, an ACL or the trail.

    Attributes:
        keys: Access keys with their ids; empty where only the credential report was read.
        active_keys: How many access keys are active, or `None` where that is not known.
        keys_last_used: When one of the keys was used last, as IAM knows it.
        credentials_at: As of when keys, console password and MFA are known: the time of reading, or the time at which
            IAM made its credential report, which may be four hours earlier.
        groups: Groups of the user, whose policies stand in `policies` as well.
        deleted: Whether it is gone.
        read_at: When policies and trust were read.
    """

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
    active_keys: int | None = None
    keys_last_used: datetime | None = None
    credentials_at: datetime | None = None
    groups: tuple[str, ...] = ()
    deleted: bool = False
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """An EC2 instance with what matters for leaked role credentials; `read_at` says when it was read."""

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
    read_at: datetime | None = None


def utc_now() -> datetime:
    """The time, aware and in UTC: the only clock of the console."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """`2026-11-24T09:14:07Z`, as CloudTrail writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
