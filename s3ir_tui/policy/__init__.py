"""IAM policies: evaluate them as AWS does, tell whom they grant access, edit them by Sid."""

from s3ir_tui.policy.authorization import Decision, Policies, authorize, authorize_through_access_point
from s3ir_tui.policy.document import (
    BUCKET_POLICY_LIMIT,
    INLINE_LIMITS,
    Document,
    PolicyError,
    measure,
    merge,
    minify,
    statements,
    without_sids,
)
from s3ir_tui.policy.evaluation import Effect, Match, evaluate
from s3ir_tui.policy.exposure import Grant, foreign_accounts, grants, is_public, public_statements
from s3ir_tui.policy.request import Caller, Request
from s3ir_tui.policy.validation import (
    MANAGED_POLICY_LIMIT,
    TRUST_POLICY_LIMIT,
    PolicyTooLarge,
    Problem,
    characters,
    check_inline_size,
    named_principals,
    parse,
    problems,
    validate,
)

__all__ = [
    "BUCKET_POLICY_LIMIT",
    "INLINE_LIMITS",
    "MANAGED_POLICY_LIMIT",
    "TRUST_POLICY_LIMIT",
    "Caller",
    "Decision",
    "Document",
    "Effect",
    "Grant",
    "Match",
    "Policies",
    "PolicyError",
    "PolicyTooLarge",
    "Problem",
    "Request",
    "authorize",
    "authorize_through_access_point",
    "characters",
    "check_inline_size",
    "evaluate",
    "foreign_accounts",
    "grants",
    "is_public",
    "measure",
    "merge",
    "minify",
    "named_principals",
    "parse",
    "problems",
    "public_statements",
    "statements",
    "validate",
    "without_sids",
]
