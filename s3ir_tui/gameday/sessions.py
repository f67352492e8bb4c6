"""Temporary credentials: what each was made from, what limits it, when it ends."""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from moto.iam.utils import generate_access_key_id_from_account_id

Kind = Literal["role", "user", "federated", "root"]


@dataclass(frozen=True, slots=True, repr=False)
class Session:
    """One set of temporary credentials.

    Attributes:
        access_key: `ASIA...`.
        secret: Secret access key.
        token: Session token.
        kind: From AssumeRole (`role`), GetSessionToken (`user`), GetFederationToken (`federated`) or AssumeRoot
            (`root`).
        account: Account of the role or user behind it.
        owner: Name of that role or user.
        owner_id: Its unique id: a role that was deleted and made anew does not revive old sessions.
        name: Role session name, or name of the federated user.
        issued: When it was made (UTC).
        expires: When it ends (UTC).
        policies: Session policies.
        limited: Whether session policies limit it; a federated session without any may do nothing by itself.
        mfa: Whether it was made with MFA.
        source_identity: `sts:SourceIdentity`, or "".
        tags: Session tags.
        transitive: Keys of those that sessions made from this one inherit.
        instance: ARN of the instance that it was delivered to, or "".
        delivery: `ec2RoleDelivery`: `1.0` or `2.0` (IMDSv1, IMDSv2), or "".
    """

    access_key: str
    secret: str
    token: str
    kind: Kind
    account: str
    owner: str
    owner_id: str
    name: str
    issued: datetime
    expires: datetime
    policies: tuple[str, ...] = ()
    limited: bool = False
    mfa: bool = False
    source_identity: str = ""
    instance: str = ""
    delivery: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: frozenset[str] = frozenset()

    @property
    def transitive_tags(self) -> dict[str, str]:
        """The tags that sessions made from this one inherit."""
        return {key: value for key, value in self.tags.items() if key in self.transitive}

    def to_credentials(self) -> dict[str, Any]:
        """The credentials as STS answers them."""
        return {
            "AccessKeyId": self.access_key,
            "SecretAccessKey": self.secret,
            "SessionToken": self.token,
            "Expiration": self.expires,
        }


class Sessions:
    """All sessions of the account. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: dict[str, Session] = {}

    def issue(
        self,
        kind: Kind,
        account: str,
        owner: str,
        owner_id: str,
        *,
        seconds: int,
        name: str = "",
        policies: tuple[str, ...] = (),
        limited: bool = False,
        mfa: bool = False,
        source_identity: str = "",
        instance: str = "",
        delivery: str = "",
        tags: Mapping[str, str] | None = None,
        transitive: frozenset[str] = frozenset(),
    ) -> Session:
        """Make a session that lives for `seconds`; the other arguments are the attributes of `Session`."""
        now = datetime.now(UTC)
        session = Session(
            access_key=generate_access_key_id_from_account_id(account, prefix="ASIA", total_length=20),
            secret=base64.b64encode(secrets.token_bytes(30)).decode(),
            token="IQoJb3JpZ2luX2Vj" + base64.b64encode(secrets.token_bytes(150)).decode(),
            kind=kind,
            account=account,
            owner=owner,
            owner_id=owner_id,
            name=name,
            issued=now.replace(microsecond=0),
            expires=now + timedelta(seconds=seconds),
            policies=policies,
            limited=limited or bool(policies),
            mfa=mfa,
            source_identity=source_identity,
            instance=instance,
            delivery=delivery,
            tags=dict(tags or {}),
            transitive=transitive,
        )
        with self._lock:
            self._by_key[session.access_key] = session
        return session

    def find(self, access_key: str) -> Session | None:
        """The session of an access key id."""
        return self._by_key.get(access_key)

    def clear(self) -> None:
        """Forget all sessions."""
        with self._lock:
            self._by_key.clear()
