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
        resource: Bucket policy, key policy, access point policy or trust policy.
        resource_owner: Account that owns the resource; the caller's own if not given.
        boundary: Permissions boundary of the user or role.
        session: Policies passed when the session was made. A GetFederationToken session made without any may do
            nothing by itself: pass an empty policy.
        scps: Service control policies of the caller's account, level by level (root, each organizational unit, the
            account): on every level one of them must allow (Organizations User Guide, SCP evaluation). Leave them
            out for the management account and for service-linked roles, to which they do not apply.
        rcps: Resource control policies of the resource's account, of all levels together: they can only deny, as the
            Allow of RCPFullAWSAccess cannot be detached from any level (IAM User Guide, policy evaluation logic).
        endpoint: Policy of the VPC endpoint that the request comes through; `None` without one.
    """

    identity: tuple[Document, ...] = ()
    resource: Document | None = None
    resource_owner: str | None = None
    boundary: Document | None = None
    session: tuple[Document, ...] = ()
    scps: tuple[tuple[Document, ...], ...] = ()
    rcps: tuple[Document, ...] = ()
    endpoint: Document | None = None


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


def authorize(
    request: Request, policies: Policies, *, acl_allows: bool = False, grant_allows: bool = False
) -> Decision:
    """Decide a request as AWS does (IAM User Guide, policy evaluation logic).

    Explicit denies first, wherever they stand. Then, within one account, the union of identity and resource policy,
    limited by boundary and session policy (a grant of the resource to a user, a session or everyone is not limited
    by them); across accounts both sides; service control policies over all but services and anonymous callers.
    Anonymous callers and services have only the resource's side. A role's trust policy and a key policy must grant or
    delegate in any case, the key policy to the root user too (KMS Developer Guide, key policies). A VPC endpoint
    policy must allow what comes through its endpoint. Block Public Access is the caller's to consider.

    Args:
        request: The request.
        policies: What applies to it.
        acl_allows: Whether an ACL grants it to the caller or its account. For a signed request that counts as a grant
            to the account: the caller's own policies must allow it too.
        grant_allows: Whether a KMS grant gives it to the caller: nothing but an explicit deny or a service control
            policy stands against it then.

    Raises:
        PolicyError: One of the documents is not a policy.
    """
    return _Hearing(request, policies, acl_allows, grant_allows).decide()


def authorize_through_access_point(
    point: Request, point_policies: Policies, bucket: Request, bucket_policies: Policies
) -> Decision:
    """Decide an S3 request that comes through an access point: access point and bucket must both allow it.

    A bucket delegates to its access points with an Allow to everyone under `s3:DataAccessPointAccount` or
    `s3:DataAccessPointArn` (S3 User Guide, configuring IAM policies for using access points): give both requests
    these keys.

    Args:
        point: The request with the access point's ARN, or that of an object behind it.
        point_policies: What applies to it; `resource` is the access point policy.
        bucket: The same request with the ARN of the bucket or object.
        bucket_policies: What applies to it; `resource` is the bucket policy.

    Returns:
        The first denial, else what allows it at the bucket.

    Raises:
        PolicyError: One of the documents is not a policy.
    """
    at_point = authorize(point, point_policies)
    return authorize(bucket, bucket_policies) if at_point.allowed else at_point


class _Hearing:
    """One request with what each policy says to it."""

    def __init__(self, request: Request, policies: Policies, acl_allows: bool, grant_allows: bool) -> None:
        self.action = request.action
        self.asked = asked = Asked(request)
        self.caller = caller = request.caller
        self.policies = policies
        self.acl_allows = acl_allows
        self.grant_allows = grant_allows
        by_provider = caller.federated is not None and not caller.arn and not caller.session_arn
        self.signed = not caller.anonymous and not caller.service and not by_provider
        self.own = policies.resource_owner is None or policies.resource_owner == caller.account_id
        self.trust = asked.action in _TRUST
        # A key has exactly one key policy; calls that are about no key (ListKeys, CreateKey) have none.
        self.must_grant = self.trust or (asked.action.startswith("kms:") and policies.resource is not None)
        self.resource = self._resource_says()
        signed = self.signed
        self.scps = [_together(level, asked) for level in policies.scps] if signed else []
        self.rcps = _together(policies.rcps, asked, resource_policy=True) if policies.rcps else NOTHING
        self.endpoint = _one(policies.endpoint, asked, resource_policy=True)
        self.identity = _together(policies.identity, asked) if signed else NOTHING
        self.boundary = _one(policies.boundary, asked) if signed else NOTHING
        self.session = _together(policies.session, asked) if signed and policies.session else NOTHING

    def decide(self) -> Decision:
        if self.signed and self.asked.action in _UNCONTROLLED:
            return Decision(True, "because no permission is needed for it")
        return self._denied() or self._limited() or self._granted()

    def _resource_says(self) -> Match:
        document = self.policies.resource
        if document is None:
            return NOTHING
        bounded = self.policies.boundary is not None
        says = evaluate_asked(document, self.asked, resource_policy=True, bounded=bounded)
        rescue = self.caller.is_root and self.own and self.asked.action in _ROOT_RESCUE
        return NOTHING if rescue and says.effect is Effect.DENY else says

    def _denied(self) -> Decision | None:
        for kind, says in (
            *(("a service control policy", says) for says in self.scps),
            ("a resource control policy", self.rcps),
            ("a VPC endpoint policy", self.endpoint),
            (f"a {self._resource_kind}", self.resource),
            ("an identity-based policy", self.identity),
            ("a permissions boundary", self.boundary),
            ("a session policy", self.session),
        ):
            if says.effect is Effect.DENY:
                return Decision(False, f"with an explicit deny in {kind}", says.sid, explicit=True)
        return None

    def _limited(self) -> Decision | None:
        if self.caller.is_root and self.asked.action == "sts:assumerole":
            # STS API reference, AssumeRole: root user credentials cannot call it.
            return Decision(False, "because roles may not be assumed by root accounts")
        if any(says.effect is not Effect.ALLOW for says in self.scps):
            return self._missing("service control policy")
        # In an endpoint policy an account id stands for the account's root user alone (VPC guide, endpoint policies).
        if self.policies.endpoint is not None and self.endpoint.effect is not Effect.ALLOW:
            return self._missing("VPC endpoint policy")
        return None

    def _granted(self) -> Decision:
        says = self.resource
        if self.grant_allows:
            return Decision(True, "by a grant")
        if not self.signed:
            if says.effect is Effect.ALLOW or self.acl_allows:
                return self._allowed_by_resource()
            return self._missing(self._resource_kind)
        delegated = says.effect in (Effect.ALLOW, Effect.ALLOW_ACCOUNT) or self.acl_allows
        if (self.must_grant or not self.own) and not delegated:
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


def _one(document: Document | None, asked: Asked, *, resource_policy: bool = False) -> Match:
    return NOTHING if document is None else evaluate_asked(document, asked, resource_policy=resource_policy)


def _together(documents: Iterable[Document], asked: Asked, *, resource_policy: bool = False) -> Match:
    """What several policies of one kind say together: any Deny, else any Allow."""
    best = NOTHING
    for document in documents:
        says = evaluate_asked(document, asked, resource_policy=resource_policy)
        if says.effect is Effect.DENY:
            return says
        if says.effect is Effect.ALLOW and best.effect is Effect.NONE:
            best = says
    return best
