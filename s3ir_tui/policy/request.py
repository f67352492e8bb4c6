"""Who asks for what: the request that policies are evaluated for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


def arn_parts(arn: str | None) -> tuple[str, str, str, str, str, str] | None:
    """The six parts of an ARN, or `None` for something else."""
    parts = (arn or "").split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        return None
    return parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]


def account_of(principal: str | None) -> str | None:
    """The account id in a principal as policies name it (an id, or an ARN), or `None`."""
    if principal and len(principal) == 12 and principal.isdecimal() and principal.isascii():
        return principal
    parts = arn_parts(principal)
    return account_of(parts[4]) if parts and len(parts[4]) == 12 else None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request.

    Attributes:
        account: Account id; taken from the ARNs when not given.
        arn: ARN of the IAM user or role, which is what `aws:PrincipalArn` holds, path included.
        session_arn: `arn:aws:sts::A:assumed-role/R/S` or `arn:aws:sts::A:federated-user/N` of temporary credentials.
        unique_id: `AIDA...`, `AROA...` or `AROA...:session`.
        service: Service principal, when an AWS service asks for itself.
        federated: Identity provider, for AssumeRoleWithSAML and AssumeRoleWithWebIdentity.
        anonymous: Whether the request is not signed.
        root: Whether it is the root user of the account.
        canonical_id: Canonical user id of the account, by which bucket policies may name it.
    """

    account: str | None = None
    arn: str | None = None
    session_arn: str | None = None
    unique_id: str | None = None
    service: str | None = None
    federated: str | None = None
    anonymous: bool = False
    root: bool = False
    canonical_id: str | None = None

    @property
    def account_id(self) -> str | None:
        """The caller's account, if it has one that is known."""
        return self.account or account_of(self.arn) or account_of(self.session_arn)

    @property
    def is_root(self) -> bool:
        """Whether it is the root user: said so, or by its ARN."""
        parts = arn_parts(self.arn)
        return self.root or (parts is not None and parts[2] == "iam" and parts[5] == "root")

    @property
    def is_federated_user(self) -> bool:
        """Whether the credentials are from GetFederationToken."""
        parts = arn_parts(self.session_arn)
        return parts is not None and parts[2] == "sts" and parts[5].startswith("federated-user/")

    @property
    def principal_arn(self) -> str | None:
        """`aws:PrincipalArn`: user, role, federated user or root; from a role session alone, the role without path."""
        if self.is_federated_user:
            return self.session_arn
        if self.arn:
            return self.arn
        parts = arn_parts(self.session_arn)
        if self.root and self.account:
            return f"arn:{parts[1] if parts else 'aws'}:iam::{self.account}:root"
        if parts and parts[5].startswith("assumed-role/"):
            return f"arn:{parts[1]}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"
        return None

    @property
    def principal_id(self) -> str | None:
        """The unique id that AWS stores in the place of a user or role ARN in `Principal`.

        `aws:userid` of a federated user or of root begins with the account id: that names the account, not the caller.
        """
        first = self.unique_id.split(":", 1)[0] if self.unique_id else None
        return None if account_of(first) else first

    @property
    def user_id(self) -> str | None:
        """`aws:userid`: `AIDA...`, `AROA...:session`, the account id of a root user, `anonymous`."""
        if self.anonymous:
            return "anonymous"
        if self.is_root:
            return self.account_id
        parts = arn_parts(self.session_arn)
        if not parts or not self.unique_id or ":" in self.unique_id:
            return self.unique_id
        kind, _, name = parts[5].partition("/")
        return f"{self.unique_id}:{name.rpartition('/')[2]}" if kind == "assumed-role" else self.unique_id

    @property
    def principal_type(self) -> str | None:
        """`aws:PrincipalType`: Account, User, AssumedRole, FederatedUser or Anonymous."""
        if self.anonymous:
            return "Anonymous"
        if self.is_root:
            return "Account"
        if self.is_federated_user:
            return "FederatedUser"
        parts = arn_parts(self.principal_arn)
        kind = parts[5].split("/", 1)[0] if parts else ""
        return {"user": "User", "role": "AssumedRole"}.get(kind)

    @property
    def user_name(self) -> str | None:
        """`aws:username`: of IAM users only; a path is no part of it."""
        return str(self.principal_arn).rpartition("/")[2] if self.principal_type == "User" else None

    def context(self) -> dict[str, tuple[str, ...]]:
        """The condition keys that follow from who is asking, in lower case (IAM User Guide, global condition keys)."""
        signed = not self.anonymous and not self.service
        keys = {
            "aws:principalarn": self.principal_arn,
            "aws:principalaccount": "anonymous" if self.anonymous else self.account_id,
            "aws:userid": self.user_id,
            "aws:principaltype": self.principal_type,
            "aws:username": self.user_name,
            "aws:principalisawsservice": "true" if self.service else "false" if signed else None,
            "aws:principalservicename": self.service,
            "aws:federatedprovider": self.federated,
        }
        return {key: (value,) for key, value in keys.items() if value}


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        action: `s3:GetObject`; its case does not matter.
        resource: The ARN that is asked for, or `*`.
        caller: Who asks.
        context: Condition keys in any case; keys about the caller are derived when they are missing.
    """

    action: str
    resource: str
    caller: Caller
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


class Asked:
    """A request made ready for evaluation: names in lower case, the caller's condition keys added."""

    __slots__ = ("action", "caller", "context", "resource")

    def __init__(self, request: Request) -> None:
        self.action = request.action.lower()
        self.resource = request.resource
        self.caller = request.caller
        self.context: dict[str, tuple[str, ...]] = request.caller.context()
        for key, value in request.context.items():
            self.context[key.lower()] = (value,) if isinstance(value, str) else tuple(value)

    def resolve(self, variable: str) -> str | None:
        """What a policy variable stands for: the value of a condition key that has exactly one."""
        values = self.context.get(variable.lower(), ())
        return values[0] if len(values) == 1 else None
