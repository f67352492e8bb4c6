"""Who makes a call: keys, sessions and signatures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from s3ir_tui.gameday.delays import Delays
from s3ir_tui.gameday.sessions import Session, Sessions
from s3ir_tui.gameday.sigv4 import check_signature
from s3ir_tui.gameday.store import ACCOUNTS, KeyFact, RoleFact, UserFact
from s3ir_tui.gameday.wire import Call, Refused
from s3ir_tui.model import iso
from s3ir_tui.policy import Caller

_ADMIN = "AKIAADMN"
_UNKNOWN = ("InvalidClientTokenId", "The security token included in the request is invalid.")
_NO_POLICY = '{"Version":"2012-10-17","Statement":[]}'


def admin_key(account: str) -> str:
    """Access key id of the seeding credentials of an account."""
    return _ADMIN + account


@dataclass(frozen=True, slots=True)
class Who:
    """A caller whose signature was found good.

    Attributes:
        caller: For the evaluation of policies.
        account: Account, or "" for anonymous callers.
        identity: `userIdentity` as CloudTrail records it in the caller's own account.
        documents: Identity policies.
        boundary: Permissions boundary.
        session_policies: Policies that limit the session.
        context: Condition keys about the caller.
        session: The session, for temporary credentials.
        user: Name of the IAM user behind the credentials, or "".
        admin: Whether these are the seeding credentials: nothing is checked, nothing recorded.
        refusal: Why the call fails although the caller is known: its key is inactive, its session has expired.
    """

    caller: Caller
    account: str
    identity: dict[str, Any]
    documents: tuple[str, ...] = ()
    boundary: str | None = None
    session_policies: tuple[str, ...] = ()
    context: dict[str, str] = field(default_factory=dict)
    session: Session | None = None
    user: str = ""
    admin: bool = False
    refusal: Refused | None = None

    @property
    def arn(self) -> str:
        """The ARN that error messages name."""
        return self.caller.session_arn or self.caller.arn or "anonymous"


_ANONYMOUS = Who(
    caller=Caller(anonymous=True),
    account="",
    identity={"type": "AWSAccount", "principalId": "", "accountId": "anonymous"},
)


class Authenticator:
    """Finds out who signed a call.

    Args:
        admin_secret: Secret of the seeding credentials, the same for each account.
        sessions: The temporary credentials.
        delays: What enforcement believes.
    """

    def __init__(self, admin_secret: str, sessions: Sessions, delays: Delays) -> None:
        self._admin_secret = admin_secret
        self._sessions = sessions
        self._delays = delays

    def identify(self, call: Call) -> Who:
        """Who makes the call.

        A known key that is inactive, or a session that has expired, gives a `Who` with a `refusal`, so that the
        attempt can be recorded. CloudTrail itself is not consistent there: S3 logs no request with invalid
        credentials. Here they are recorded, so that a game day shows how a denied attacker goes on trying.

        Raises:
            Refused: Unknown key or wrong signature: nobody knows who it was.
        """
        if not call.access_key:
            return _ANONYMOUS
        if call.access_key.startswith(_ADMIN) and call.access_key[len(_ADMIN) :] in ACCOUNTS:
            check_signature(call, self._admin_secret)
            return _admin(call.access_key[len(_ADMIN) :])
        session = self._sessions.find(call.access_key)
        if session is not None:
            return self._by_session(call, session)
        key = self._delays.fact(("key", call.access_key))
        if not isinstance(key, KeyFact):
            raise Refused(*_UNKNOWN)
        check_signature(call, key.secret)
        if call.token:
            # A long-term key has no session token: one that comes with it is no valid token.
            raise _bad_token(call)
        user = self._delays.fact(("user", key.account, key.user))
        if not isinstance(user, UserFact):
            raise Refused(*_UNKNOWN)
        refusal = None if key.status == "Active" else Refused(*_UNKNOWN)
        return _user(user, call.access_key, None, refusal)

    def _by_session(self, call: Call, session: Session) -> Who:
        check_signature(call, session.secret)
        if call.token != session.token:
            raise _bad_token(call)
        refusal = None
        if session.expires <= datetime.now(UTC):
            message = "The provided token has expired." if call.is_s3 else "The security token included is expired"
            refusal = Refused("ExpiredToken", message, 400 if call.is_s3 else 403)
        if session.kind == "root":
            return _root_session(session, refusal)
        kind = "role" if session.kind == "role" else "user"
        owner = self._delays.fact((kind, session.account, session.owner))
        if not isinstance(owner, UserFact | RoleFact) or owner.unique_id != session.owner_id:
            raise Refused(*_UNKNOWN)
        if isinstance(owner, RoleFact):
            return role_session(owner, session, refusal)
        if session.kind == "federated":
            return _federated(owner, session, refusal)
        return _user(owner, call.access_key, session, refusal)


def _bad_token(call: Call) -> Refused:
    if call.is_s3:
        return Refused("InvalidToken", "The provided token is malformed or otherwise invalid.", 400)
    return Refused(*_UNKNOWN)


def _admin(account: str) -> Who:
    root = f"arn:aws:iam::{account}:root"
    return Who(Caller(account=account, arn=root, root=True), account, {"type": "Root", "arn": root}, admin=True)


def _user(user: UserFact, access_key: str, session: Session | None, refusal: Refused | None) -> Who:
    identity: dict[str, Any] = {
        "type": "IAMUser",
        "principalId": user.unique_id,
        "arn": user.arn,
        "accountId": user.account,
        "accessKeyId": access_key,
        "userName": user.name,
    }
    if session is not None:
        identity["sessionContext"] = {"attributes": _attributes(session)}
    return Who(
        caller=Caller(account=user.account, arn=user.arn, unique_id=user.unique_id),
        account=user.account,
        identity=identity,
        documents=user.documents,
        boundary=user.boundary,
        context=_principal_tags(user.tags, session) | (_session_context(session) if session else {}),
        session=session,
        user=user.name,
        refusal=refusal,
    )


def _federated(user: UserFact, session: Session, refusal: Refused | None) -> Who:
    arn = f"arn:aws:sts::{user.account}:federated-user/{session.name}"
    unique_id = f"{user.account}:{session.name}"
    return Who(
        caller=Caller(account=user.account, arn=user.arn, session_arn=arn, unique_id=unique_id),
        account=user.account,
        identity={
            "type": "FederatedUser",
            "principalId": unique_id,
            "arn": arn,
            "accountId": user.account,
            "accessKeyId": session.access_key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "IAMUser",
                    "principalId": user.unique_id,
                    "arn": user.arn,
                    "accountId": user.account,
                    "userName": user.name,
                },
                "attributes": _attributes(session),
            },
        },
        documents=user.documents,
        boundary=user.boundary,
        session_policies=session.policies or (_NO_POLICY,),
        context=_principal_tags(user.tags, session) | _session_context(session),
        session=session,
        user=user.name,
        refusal=refusal,
    )


def role_session(role: RoleFact, session: Session, refusal: Refused | None) -> Who:
    """Who calls with a session of a role.

    Args:
        role: The role.
        session: The session.
        refusal: Why its calls fail, if they do.
    """
    arn = f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session.name}"
    context: dict[str, Any] = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": role.unique_id,
            "arn": role.arn,
            "accountId": role.account,
            "userName": role.name,
        },
        "attributes": _attributes(session),
    }
    if session.source_identity:
        context["sourceIdentity"] = session.source_identity
    if session.delivery:
        context["ec2RoleDelivery"] = session.delivery
    return Who(
        caller=Caller(
            account=role.account, arn=role.arn, session_arn=arn, unique_id=f"{role.unique_id}:{session.name}"
        ),
        account=role.account,
        identity={
            "type": "AssumedRole",
            "principalId": f"{role.unique_id}:{session.name}",
            "arn": arn,
            "accountId": role.account,
            "accessKeyId": session.access_key,
            "sessionContext": context,
        },
        documents=role.documents,
        boundary=role.boundary,
        session_policies=session.policies,
        context=_principal_tags(role.tags, session) | _session_context(session),
        session=session,
        refusal=refusal,
    )


def _root_session(session: Session, refusal: Refused | None) -> Who:
    arn = f"arn:aws:iam::{session.account}:root"
    return Who(
        caller=Caller(account=session.account, arn=arn, root=True),
        account=session.account,
        identity={
            "type": "Root",
            "principalId": session.account,
            "arn": arn,
            "accountId": session.account,
            "accessKeyId": session.access_key,
            "sessionContext": {"attributes": _attributes(session), "assumedRoot": "true"},
        },
        session_policies=session.policies,
        context=_session_context(session),
        session=session,
        refusal=refusal,
    )


def _attributes(session: Session) -> dict[str, str]:
    return {"creationDate": iso(session.issued), "mfaAuthenticated": str(session.mfa).lower()}


def _principal_tags(own: Iterable[tuple[str, str]], session: Session | None) -> dict[str, str]:
    """`aws:PrincipalTag/*`: session tags override the identity's own of the same key, in any case (STS API)."""
    passed = dict(session.tags) if session is not None else {}
    return {f"aws:principaltag/{key.lower()}": value for key, value in [*own, *passed.items()]}


def _session_context(session: Session) -> dict[str, str]:
    keys = {
        "aws:tokenissuetime": iso(session.issued),
        "aws:multifactorauthpresent": str(session.mfa).lower(),
        "aws:multifactorauthage": str(int((datetime.now(UTC) - session.issued).total_seconds())) if session.mfa else "",
        "aws:sourceidentity": session.source_identity,
        "ec2:sourceinstancearn": session.instance,
        "ec2:roledelivery": session.delivery,
    }
    return {key: value for key, value in keys.items() if value}
