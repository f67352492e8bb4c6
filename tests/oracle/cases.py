"""Random requests with random policies, the same for the same seed."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass
from typing import Any

from s3ir_tui.policy import Caller, Policies, Request

OWNER, OTHER = "111122223333", "999988887777"
FULL: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}


def _user(account: str, path: str) -> str:
    return f"arn:aws:iam::{account}:user{path}"


def _role(account: str, name: str) -> Caller:
    role = f"arn:aws:iam::{account}:role/{name}"
    session = f"arn:aws:sts::{account}:assumed-role/{name}/s1"
    return Caller(account=account, arn=role, session_arn=session, unique_id=f"AROA{name.upper()}:s1")


CALLERS = {
    "user": Caller(account=OWNER, arn=_user(OWNER, "/ann"), unique_id="AIDAANN"),
    "user with path": Caller(account=OWNER, arn=_user(OWNER, "/dev/bob"), unique_id="AIDABOB"),
    "role session": _role(OWNER, "web"),
    "federated user": Caller(
        account=OWNER,
        arn=_user(OWNER, "/ann"),
        session_arn=f"arn:aws:sts::{OWNER}:federated-user/ann",
        unique_id=f"{OWNER}:ann",
    ),
    "root": Caller(account=OWNER, arn=f"arn:aws:iam::{OWNER}:root", root=True, unique_id=OWNER),
    "stranger": Caller(account=OTHER, arn=_user(OTHER, "/eve"), unique_id="AIDAEVE"),
    "strange session": _role(OTHER, "admin"),
    "anonymous": Caller(anonymous=True),
    "service": Caller(service="cloudtrail.amazonaws.com"),
}
PRINCIPALS: tuple[Any, ...] = (
    "*",
    {"AWS": "*"},
    {"AWS": OWNER},
    {"AWS": f"arn:aws:iam::{OWNER}:root"},
    {"AWS": OTHER},
    {"AWS": [_user(OWNER, "/ann"), _user(OTHER, "/eve")]},
    {"AWS": _user(OWNER, "/dev/bob")},
    {"AWS": f"arn:aws:iam::{OWNER}:role/web"},
    {"AWS": [f"arn:aws:sts::{OWNER}:assumed-role/web/s1", f"arn:aws:sts::{OWNER}:federated-user/ann"]},
    {"AWS": f"arn:aws:sts::{OWNER}:assumed-role/web/s2"},
    {"AWS": [f"arn:aws:iam::{OTHER}:role/admin", OTHER]},
    {"AWS": [f"arn:aws:sts::{OTHER}:assumed-role/admin/s1"]},
    {"AWS": [OWNER, f"arn:aws:iam::{OWNER}:role/web", f"arn:aws:sts::{OWNER}:assumed-role/web/s1"]},
    {"Service": "cloudtrail.amazonaws.com"},
    {"Service": ["config.amazonaws.com"], "AWS": _user(OWNER, "/ann")},
    {"Federated": "accounts.google.com"},
)
TARGETS: tuple[tuple[str, str], ...] = (
    ("s3:GetObject", "arn:aws:s3:::b/ann/x.csv"),
    ("s3:GetObject", "arn:aws:s3:::b/red/y"),
    ("s3:PutObject", "arn:aws:s3:::b/ann/x.csv"),
    ("s3:ListBucket", "arn:aws:s3:::b"),
    ("s3:GetBucketPolicy", "arn:aws:s3:::c"),
    ("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{OWNER}:alarms"),
    ("kms:Decrypt", f"arn:aws:kms:eu-west-1:{OWNER}:key/1234"),
    ("sts:AssumeRole", f"arn:aws:iam::{OWNER}:role/admin"),
)
ACTIONS = ("*", "s3:*", "s3:Get*", "s3:GetObject", "S3:getobject", "s3:?utObject", "sqs:*", "kms:*", "sts:AssumeRole")
RESOURCES = (
    "*",
    "arn:aws:s3:::b",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::b/${aws:username}/*",
    "arn:aws:s3:::b/${aws:PrincipalTag/team}/*",
    "arn:aws:s3:::b/${aws:PrincipalTag/team, 'red'}/*",
    "arn:aws:s3:::?/ann/x.csv",
    "arn:aws:sqs:*:*:alarms",
    f"arn:aws:kms:eu-west-1:{OWNER}:key/*",
    f"arn:aws:iam::{OWNER}:role/*",
)
TEAM = base64.b64encode(b"team").decode()
CONTEXT: dict[str, tuple[Any, ...]] = {
    "aws:SourceIp": ("203.0.113.9", "198.51.100.7", "2001:db8::1"),
    "aws:SecureTransport": ("true", "false"),
    "aws:PrincipalTag/team": ("red", "blue", "re*"),
    "aws:TagKeys": (["team"], ["team", "cost"], ["cost"]),
    "aws:CurrentTime": ("2026-11-24T09:00:00Z", "2025-01-01T00:00:00Z"),
    "aws:EpochTime": ("1795510800", "1700000000"),
    "aws:TokenIssueTime": ("2026-11-24T08:00:00Z",),
    "aws:MultiFactorAuthAge": ("300", "7200"),
    "aws:PrincipalOrgID": ("o-own", "o-evil"),
    "aws:PrincipalOrgPaths": (["o-own/r-1/ou-1/"], ["o-evil/r-2/", "o-own/r-1/"]),
    "aws:SourceArn": (f"arn:aws:cloudtrail:eu-west-1:{OWNER}:trail/t", f"arn:aws:sns:eu-west-1:{OTHER}:t"),
    "aws:SourceAccount": (OWNER, OTHER),
    "s3:prefix": ("", "home/ann", "Home/Ann"),
    "s3:max-keys": ("10", "1000"),
    "kms:EncryptionContextBlob": (TEAM, base64.b64encode(b"cost").decode()),
}
_STRINGS = ("red", "blue", "re?", "o-*", "o-own", OWNER, "team", "home/*", "HOME/ANN", "${aws:PrincipalTag/team}", "")
_ARNS = (f"arn:aws:iam::{OWNER}:*", f"arn:aws:*:*:{OWNER}:*", f"arn:aws:iam::{OWNER}:role/web", "arn:aws:iam::*:user/*")
VALUES: dict[str, tuple[str, ...]] = {
    "String": _STRINGS,
    "Numeric": ("10", "299", "3600", "1000.0"),
    "Date": ("2026-01-01T00:00:00Z", "2026-11-24T09:00:00Z", "1750000000"),
    "Bool": ("true", "false"),
    "Binary": (TEAM,),
    "Ip": ("203.0.113.0/24", "198.51.100.7", "2001:db8::/32", "0.0.0.0/0"),
    "Arn": _ARNS,
    "Null": ("true", "false"),
}
KEYS: dict[str, tuple[str, ...]] = {
    "String": (
        "aws:PrincipalTag/team",
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "aws:TagKeys",
        "aws:username",
        "aws:userid",
        "aws:PrincipalAccount",
        "aws:PrincipalType",
        "aws:SourceAccount",
        "s3:prefix",
    ),
    "Numeric": ("aws:MultiFactorAuthAge", "s3:max-keys"),
    "Date": ("aws:CurrentTime", "aws:EpochTime", "aws:TokenIssueTime"),
    "Bool": ("aws:SecureTransport",),
    "Binary": ("kms:EncryptionContextBlob",),
    "Ip": ("aws:SourceIp",),
    "Arn": ("aws:PrincipalArn", "aws:SourceArn"),
    "Null": ("aws:PrincipalTag/team", "aws:TokenIssueTime", "aws:TagKeys", "s3:prefix", "aws:SourceIp", "aws:username"),
}
OPERATORS: dict[str, tuple[str, ...]] = {
    "String": (
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
    ),
    "Numeric": tuple(
        f"Numeric{kind}"
        for kind in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
    ),
    "Date": tuple(
        f"Date{kind}"
        for kind in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
    ),
    "Bool": ("Bool",),
    "Binary": ("BinaryEquals",),
    "Ip": ("IpAddress", "NotIpAddress"),
    "Arn": ("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"),
    "Null": ("Null",),
}
MANY = frozenset({"aws:TagKeys", "aws:PrincipalOrgPaths"})
"""Keys of several values, for which alone AWS has the set operators."""


@dataclass(frozen=True)
class Case:
    """A request with the policies that apply to it."""

    name: str
    caller: Caller
    action: str
    resource: str
    context: dict[str, Any]
    identity: tuple[Any, ...] = ()
    resource_policy: Any = None
    boundary: Any = None
    session: Any = None
    scps: tuple[tuple[Any, ...], ...] = ()
    rcps: tuple[Any, ...] = ()
    endpoint: Any = None

    def request(self) -> Request:
        """For the evaluator of this project."""
        context = {key: tuple(value) if isinstance(value, list) else value for key, value in self.context.items()}
        return Request(self.action, self.resource, self.caller, context)

    def policies(self) -> Policies:
        """For the evaluator of this project."""
        return Policies(
            identity=self.identity,
            resource=self.resource_policy,
            resource_owner=OWNER,
            boundary=self.boundary,
            session=() if self.session is None else (self.session,),
            scps=self.scps,
            rcps=self.rcps,
            endpoint=self.endpoint,
        )

    def simulation(self) -> dict[str, Any]:
        """For the other evaluator, which is told the keys that follow from the caller."""
        derived = {key: values[0] for key, values in self.caller.context().items()}
        caller = self.caller
        return {
            "principal": caller.service or caller.session_arn or caller.arn,
            "owner": OWNER,
            "action": self.action,
            "resource": self.resource,
            "context": derived | self.context,
            # The other evaluator has no root user: full access (IAM User Guide) is given to it as a policy.
            "identity": (FULL_IDENTITY,) if caller.root else self.identity,
            "resource_policy": self.resource_policy,
            "boundary": self.boundary,
            "session": self.session,
            "scps": self.scps,
            # Everybody has RCPFullAWSAccess on every level, and it cannot be detached.
            "rcps": ((FULL, *self.rcps),) if self.rcps else (),
            "endpoint": self.endpoint,
        }


def cases(seed: int, count: int) -> list[Case]:
    """Cases number 0 to `count` of a seed."""
    return [_Maker(random.Random(f"{seed}/{number}")).case() for number in range(count)]


class _Maker:
    def __init__(self, source: random.Random) -> None:
        self.random = source
        self.action, self.resource = source.choice(TARGETS)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def case(self) -> Case:
        name = self.random.choice(list(CALLERS))
        caller = CALLERS[name]
        action = self.action
        signed = not caller.anonymous and not caller.service
        person = signed and not caller.root
        context = {key: self.random.choice(values) for key, values in CONTEXT.items() if self.chance(0.55)}
        trust = action == "sts:AssumeRole"
        return Case(
            name=name,
            caller=caller,
            action=action,
            resource=self.resource,
            context=context,
            identity=self.documents(2) if person else (),
            resource_policy=self.resource_policy(trust) if trust or action[:4] == "kms:" or self.chance(0.75) else None,
            boundary=self.limit() if person and self.chance(0.25) else None,
            session=self.limit() if person and caller.session_arn and self.chance(0.45) else None,
            scps=tuple(self.level() for _ in range(self.random.randint(1, 3))) if signed and self.chance(0.3) else (),
            rcps=(self.document("Deny", {"Principal": "*"}),) if self.chance(0.12) else (),
            endpoint=self.limit({"Principal": "*"}) if self.chance(0.12) else None,
        )

    def documents(self, most: int) -> tuple[Any, ...]:
        return tuple(self.document() for _ in range(self.random.randint(0, most)))

    def level(self) -> tuple[Any, ...]:
        return (FULL_IDENTITY, *self.documents(1)) if self.chance(0.75) else (self.document(),)

    def limit(self, more: dict[str, Any] | None = None) -> Any:
        return self.document("Allow" if self.chance(0.8) else None, more, wide=self.chance(0.6))

    def document(self, effect: str | None = None, more: dict[str, Any] | None = None, *, wide: bool = False) -> Any:
        items = [self.statement(effect, wide) | (more or {}) for _ in range(self.random.choice((1, 1, 2)))]
        return {"Version": "2008-10-17" if self.chance(0.08) else "2012-10-17", "Statement": items}

    def resource_policy(self, trust: bool) -> Any:
        document = self.document()
        for item in document["Statement"]:
            negated = item["Effect"] == "Deny" and not trust and self.chance(0.25)
            item["NotPrincipal" if negated else "Principal"] = self.random.choice(
                PRINCIPALS[1:] if negated else PRINCIPALS
            )
            if trust:
                item.pop("Resource", None)
                item.pop("NotResource", None)
                item.pop("NotAction", None)
                item["Action"] = "sts:AssumeRole"
        return document

    def statement(self, effect: str | None, wide: bool) -> dict[str, Any]:
        item: dict[str, Any] = {"Effect": effect or ("Allow" if self.chance(0.8) else "Deny")}
        aimed = self.chance(0.8)
        service, _, name = self.action.partition(":")
        fits = ("*", f"{service}:*", self.action, f"{service}:{name[:3]}*")
        item["NotAction" if self.chance(0.07) else "Action"] = "*" if wide else self.some(fits if aimed else ACTIONS)
        # Six parts always: the evaluators treat shorter ARNs differently, and AWS's services refuse many of them.
        pattern = self.resource.rpartition(":")[0] + ":*"
        near = ("*", self.resource, pattern, *(RESOURCES[2:7] if service == "s3" else ()))
        item["NotResource" if self.chance(0.1) else "Resource"] = (
            "*" if wide else self.some(near if aimed else RESOURCES)
        )
        if not wide and self.chance(0.4):
            item["Condition"] = self.condition()
        return item

    def some(self, values: tuple[str, ...]) -> str | list[str]:
        chosen = self.random.sample(values, min(len(values), self.random.choice((1, 1, 2))))
        return chosen[0] if len(chosen) == 1 else chosen

    def condition(self) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for _ in range(self.random.choice((1, 1, 2))):
            kind = self.random.choice(list(OPERATORS))
            key = self.random.choice(KEYS[kind])
            name = self.random.choice(OPERATORS[kind])
            if kind != "Null" and self.chance(0.2):
                name += "IfExists"
            if key in MANY and kind != "Null":
                name = self.random.choice(("ForAnyValue:", "ForAllValues:")) + name
            result.setdefault(name, {})[key] = self.some(VALUES[kind])
        return result


FULL_IDENTITY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
