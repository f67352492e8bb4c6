"""What a scenario is: a story, a seeded account, an attack, the legitimate work beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from s3ir_tui.gameday.process import AccountServer

MoveKind = Literal["recon", "persist", "mint", "undo"]


@dataclass(frozen=True, slots=True)
class Credential:
    """One way to call the account: a key, a session, or nothing at all (anonymous).

    Attributes:
        name: What it is called in the scenario, such as `leaked-key`.
        access_key_id: Its access key id, "" for anonymous.
        secret_access_key: Never shown, never logged.
        session_token: Of temporary credentials; never shown, never logged.
        principal: ARN of the user or role behind it.
        addresses: Where it is used from, in turn.
        anonymous: Whether requests are not signed at all.
        instance: The instance that hands it out again when asked, or "".
    """

    name: str
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    principal: str = ""
    addresses: tuple[str, ...] = ()
    anonymous: bool = False
    instance: str = ""

    def info(self) -> dict[str, Any]:
        """This credential as the info file holds it, under boto3's parameter names."""
        shown: dict[str, Any] = {"name": self.name, "principal": self.principal, "addresses": list(self.addresses)}
        if self.anonymous:
            return shown | {"anonymous": True}
        shown["aws_access_key_id"] = self.access_key_id
        shown["aws_secret_access_key"] = self.secret_access_key
        if self.session_token:
            shown["aws_session_token"] = self.session_token
        if self.instance:
            shown["instance"] = self.instance
        return shown


@dataclass(frozen=True, slots=True)
class Each:
    """A list to ask for first: the move is then made once for each name in it.

    Attributes:
        operation: The listing operation, called with the move's own parameters.
        names: The field of its answer that holds the names.
        parameter: The parameter of the move that takes one name.
    """

    operation: str
    names: str
    parameter: str


@dataclass(frozen=True, slots=True)
class Move:
    """One call of the attacker that is not a read of data.

    Attributes:
        kind: What it is for.
        service: boto3's service name.
        operation: The API operation.
        params: Its parameters. A value `$NAME` stands for the access key id of the credential of that name.
        by: Names of the credentials to try in order; empty means every one that is held.
        mints: Name of the credential that the answer holds, for moves that make one.
        opens: Name of a credential that becomes useful once this move has succeeded.
        each: A list to ask for first.
    """

    kind: MoveKind
    service: str
    operation: str
    params: Mapping[str, Any] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    mints: str = ""
    opens: str = ""
    each: Each | None = None


@dataclass(frozen=True, slots=True)
class Attack:
    """What the attacker holds, reads and does.

    Attributes:
        user_agent: The user agent of its calls.
        credentials: What it holds at the start.
        buckets: What it reads.
        opening: Its first moves, in order, made while it already reads.
        undo: What it tries, over and over, once something was taken from it.
        waiting: Names of credentials that are of no use until a move opens them.
    """

    user_agent: str
    credentials: tuple[Credential, ...]
    buckets: tuple[str, ...]
    opening: tuple[Move, ...] = ()
    undo: tuple[Move, ...] = ()
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A legitimate principal at work.

    Attributes:
        name: What it is called in info file and debrief.
        credential: What it works with.
        bucket: The bucket it works on.
        prefix: Keys that it reads.
        writes: Prefix under which it also writes, or "" for a reader.
        user_agent: The user agent of its calls.
    """

    name: str
    credential: Credential
    bucket: str
    prefix: str = ""
    writes: str = ""
    user_agent: str = "aws-sdk-java/2.29.50 Linux/6.1 OpenJDK/21"


@dataclass(frozen=True, slots=True)
class World:
    """A seeded account: what is true in it, and who holds what.

    Attributes:
        account_id: The account of the incident.
        region: Its region.
        responder: The credentials that the console uses.
        attack: The attacker.
        jobs: The legitimate work.
        buckets: Affected buckets, worst first.
        principals: ARNs of compromised users and roles; an account id for an outside account; `anonymous`.
        instances: Ids of the instances involved.
        break_glass: ARNs that no containment may cut.
        trail_bucket: Where CloudTrail delivers.
    """

    account_id: str
    region: str
    responder: Credential
    attack: Attack
    jobs: tuple[Job, ...]
    buckets: tuple[str, ...]
    principals: tuple[str, ...]
    instances: tuple[str, ...]
    break_glass: tuple[str, ...]
    trail_bucket: str

    def info(self, endpoint_url: str) -> dict[str, Any]:
        """The content of the info file: credentials and the truth of the case."""
        return {
            "endpoint_url": endpoint_url,
            "region": self.region,
            "account_id": self.account_id,
            "responder": self.responder.info(),
            "workload": [job.credential.info() | {"name": job.name, "bucket": job.bucket} for job in self.jobs],
            "attacker": [credential.info() for credential in self.attack.credentials],
            "buckets": list(self.buckets),
            "principals": list(self.principals),
            "instances": list(self.instances),
            "console": {"break_glass": list(self.break_glass), "trail_bucket": self.trail_bucket},
        }


@dataclass(frozen=True, slots=True)
class Scenario:
    """A game day to play.

    Attributes:
        name: Its name on the command line.
        title: One line.
        story: What happened, as the person who calls the responder would tell it.
        seed: Builds the account on a fresh server.
    """

    name: str
    title: str
    story: str
    seed: Callable[[AccountServer], World]
