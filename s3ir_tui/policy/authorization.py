"""AWS's whole decision: all policies that have a say, in AWS's order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from s3ir_tui.policy.document import Document
from s3ir_tui.policy.evaluation import NOTHING, Effect, Match, evaluate_asked
from s3ir_tui.policy.request import Asked, Request

_UNCONTROLLED = frozenset({"sts:getcalleridentity", "sts:getsessiontoken"})
"""Need no permission and cannot be denied (STS API reference)."""

_ROOT_RESCUE = frozenset({"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"})
"""What the owning account's root user can do although the bucket policy denies it (S3 API, PutBucketPolicy)."""

_TRUST = frozenset(
    {
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:tagsession",
        "sts:setsourceidentity",
    }
)
"""Decided by the role's trust policy: an identity policy of the same account does not suffice."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies that apply to a request.

    Attributes:
        identity: Inline and managed policies of the user (with its groups) or role.
        resource: Bucket policy, key policy or trust policy.
        resource_owner: Account that owns the resource; the caller's own if not given.
        boundary: Permissions boundary of the user or role.
        session: Policies passed when the session was made. A GetFederationToken session made without any may do
            nothing by itself: pass an empty policy.
        scps: Service control policies of the caller's account, taken as of one level: one of them must allow.
    """

    identity: tuple[Document, ...] = ()
    resource: Document | None = None
    resource_owner: str | None = None
    boundary: Document | None = None
    session: tuple[Document, ...] = ()
    scps: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome.

    Attributes:
        allowed: Whether the request is allowed.
        reason: Why, in the words that end AWS's message: "with an explicit deny in a resource-based policy",
            "because no identity-based policy allows the s3:GetObject action".
        sid: Sid of the statement that decided, or "".
        explicit: Whether an explicit deny decided.
    """

    allowed: bool
    reason: str
    sid: str = ""
    explicit: bool = False


def authorize(request: Request, policies: Policies, *, acl_allows: bool = False) -> Decision:
    """Decide a request as AWS does (IAM User Guide, policy evaluation logic).

    Explicit denies first, wherever they stand. Then, within one account, the union of identity and resource policy,
    limited by boundary and session policy (a grant of the resource to a user, a session or everyone is not limited
    by them); across accounts both sides; service control policies over all but services and anonymous callers.
    Anonymous callers and services have only the resource's side. Resource control policies and VPC endpoint policies
    are not considered.

    Args:
        request: The request.
        policies: What applies to it.
        acl_allows: Whether an ACL grants it to the caller or its account. For a signed request that counts as a grant
            to the account: the caller's own policies must allow it too.

    Raises:
        PolicyError: One of the documents is not a policy.
    """
    return _Hearing(request, policies, acl_allows).decide()


class _Hearing:
    """One request with what each policy says to it."""

    def __init__(self, request: Request, policies: Policies, acl_allows: bool) -> None:
        self.action = request.action
        self.asked = asked = Asked(request)
        self.caller = caller = request.caller
        self.policies = policies
        self.acl_allows = acl_allows
        by_provider = caller.federated is not None and not caller.arn and not caller.session_arn
        self.signed = not caller.anonymous and not caller.service and not by_provider
        self.own = policies.resource_owner is None or policies.resource_owner == caller.account_id
        self.trust = asked.action in _TRUST
        self.resource = self._resource_says()
        self.scps = _together(policies.scps if self.signed else (), asked)
        self.identity = _together(policies.identity if self.signed else (), asked)
        self.boundary = _together([policies.boundary] if self.signed and policies.boundary is not None else (), asked)
        self.session = _together(policies.session if self.signed else (), asked)

    def decide(self) -> Decision:
        if self.signed and self.asked.action in _UNCONTROLLED:
            return Decision(True, "because no permission is needed for it")
        return self._denied() or self._limited_by_scp() or self._granted()

    def _resource_says(self) -> Match:
        document = self.policies.resource
        if document is None:
            return NOTHING
        bounded = self.policies.boundary is not None
        says = evaluate_asked(document, self.asked, resource_policy=True, bounded=bounded)
        rescue = self.caller.is_root and self.own and self.asked.action in _ROOT_RESCUE
        return NOTHING if rescue and says.effect is Effect.DENY else says

    def _denied(self) -> Decision | None:
        spoken = (
            ("a service control policy", self.scps),
            (f"a {self._resource_kind}", self.resource),
            ("an identity-based policy", self.identity),
            ("a permissions boundary", self.boundary),
            ("a session policy", self.session),
        )
        for kind, says in spoken:
            if says.effect is Effect.DENY:
                return Decision(False, f"with an explicit deny in {kind}", says.sid, explicit=True)
        return None

    def _limited_by_scp(self) -> Decision | None:
        if self.signed and self.policies.scps and self.scps.effect is not Effect.ALLOW:
            return self._missing("service control policy")
        return None

    def _granted(self) -> Decision:
        says = self.resource
        if not self.signed:
            if says.effect is Effect.ALLOW or self.acl_allows:
                return self._allowed_by_resource()
            return self._missing(self._resource_kind)
        delegated = says.effect in (Effect.ALLOW, Effect.ALLOW_ACCOUNT) or self.acl_allows
        if (self.trust or not self.own) and not delegated:
            return self._missing(self._resource_kind)
        if self.own and says.effect is Effect.ALLOW:
            return self._limits() if says.limited and not self.caller.is_root else self._allowed_by_resource()
        if self.caller.is_root:
            return Decision(True, "because the root user has full access", says.sid)
        if self.identity.effect is not Effect.ALLOW:
            return self._missing("identity-based policy")
        return self._limits()

    def _limits(self) -> Decision:
        if self.policies.boundary is not None and self.boundary.effect is not Effect.ALLOW:
            return self._missing("permissions boundary")
        if self.policies.session and self.session.effect is not Effect.ALLOW:
            return self._missing("session policy")
        if self.identity.effect is Effect.ALLOW:
            return Decision(True, "by an identity-based policy", self.identity.sid)
        return self._allowed_by_resource()

    def _allowed_by_resource(self) -> Decision:
        if self.resource.effect in (Effect.ALLOW, Effect.ALLOW_ACCOUNT):
            return Decision(True, f"by a {self._resource_kind}", self.resource.sid)
        return Decision(True, "by an access control list")

    def _missing(self, kind: str) -> Decision:
        return Decision(False, f"because no {kind} allows the {self.action} action")

    @property
    def _resource_kind(self) -> str:
        return "role trust policy" if self.trust else "resource-based policy"


def _together(documents: Iterable[Document], asked: Asked) -> Match:
    """What several policies of one kind say together: any Deny, else any Allow."""
    best = NOTHING
    for document in documents:
        says = evaluate_asked(document, asked, resource_policy=False)
        if says.effect is Effect.DENY:
            return says
        if says.effect is Effect.ALLOW and best.effect is Effect.NONE:
            best = says
    return best
