"""What AWS checks before it stores a policy, in the words of the API that refuses it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from s3ir_tui.policy import fit, pattern
from s3ir_tui.policy.condition import check_values
from s3ir_tui.policy.document import (
    BUCKET_POLICY_LIMIT,
    INLINE_LIMITS,
    NEW_VERSION,
    OLD_VERSION,
    Document,
    PolicyError,
    as_tuple,
    load,
    measure,
    minify,
)
from s3ir_tui.policy.exposure import public_statements
from s3ir_tui.policy.fit import Code, Finding
from s3ir_tui.policy.request import account_of, arn_parts
from s3ir_tui.policy.statement import compile_statement

Kind: TypeAlias = Literal["bucket", "access point", "trust", "identity"]
Exists: TypeAlias = Callable[[str], bool]

MANAGED_POLICY_LIMIT = 6144
TRUST_POLICY_LIMIT = 2048
"""Characters without white space (IAM quotas); that of trust policies can be raised to 4,096 on request."""

_DOCUMENT = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_PRINCIPALS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_IAM_SID = re.compile(r"[0-9A-Za-z]*\Z")
_BLOCKED = "public policies are blocked by the BlockPublicPolicy block public access setting"


class PolicyTooLarge(PolicyError):
    """A policy over a size limit: IAM answers LimitExceeded instead of MalformedPolicyDocument."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why AWS would refuse to store a policy.

    Attributes:
        place: Place of the statement in the policy, from 0; `None` if it is about the whole policy.
        sid: The statement's Sid, or "".
        code: What kind of problem; `public` is refused with AccessDenied, the others as a malformed policy.
        reason: In AWS's words.
        detail: The value that it is about, as it stands in the policy, or "".
    """

    place: int | None
    sid: str
    code: Code
    reason: str
    detail: str = ""

    @property
    def where(self) -> str:
        """The statement in words: by its Sid, else by its place counted from 1."""
        if self.place is None:
            return "the policy"
        return f"statement {self.sid!r}" if self.sid else f"statement {self.place + 1} (no Sid)"

    @property
    def words(self) -> str:
        """Where, why and about what, in one line; values of the policy stand in it as written."""
        return f"{self.where}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


def parse(document: Document) -> dict[str, Any]:
    """Read a document strictly: elements, forms, operators and their values.

    Args:
        document: JSON text, or the decoded object.

    Returns:
        A copy, with `Statement` always a list.

    Raises:
        PolicyError: AWS would not accept it.
    """
    found = load(document)
    _check_outline(found)
    variables = found.get("Version") == NEW_VERSION
    for item in found["Statement"]:
        _check_statement(item, variables)
    return found


def validate(
    document: Document, kind: Kind, *, bucket: str = "", exists: Exists | None = None, limit: int | None = None
) -> dict[str, Any]:
    """Check a document as the API that stores it does, with the words of that API.

    The size of inline policies counts over all policies of an identity: see `check_inline_size`.

    Args:
        document: The policy.
        kind: `bucket` (PutBucketPolicy), `access point` (PutAccessPointPolicy), `trust` (UpdateAssumeRolePolicy) or
            `identity` (PutUserPolicy and the like).
        bucket: Name of the bucket, whose resources alone a bucket policy may name.
        exists: Whether a principal exists that stands under `AWS`; not asked for `*`. Without it all do.
        limit: Characters that an identity or trust policy may have; not checked without it.

    Returns:
        What `parse` returns.

    Raises:
        PolicyTooLarge: An identity or trust policy has more than `limit` characters.
        PolicyError: The API would answer MalformedPolicy or MalformedPolicyDocument.
    """
    found = parse(document)
    for problem in _problems(found, document, kind, bucket, exists):
        raise PolicyError(problem.reason)
    if limit is not None and characters(document) > limit:
        raise PolicyTooLarge(_over_quota(kind, limit))
    return found


def problems(
    document: Document,
    *,
    kind: Kind,
    bucket: str = "",
    exists: Exists | None = None,
    block_public_policy: bool = False,
    limit: int | None = None,
) -> tuple[Problem, ...]:
    """Everything for which AWS would refuse to store a policy, with the statement that it is about.

    Made for policies that were merged from what is there and what we add: S3 judges the whole text again, so that an
    old statement can make it refuse ours. Two usual ones are a principal that was deleted since (its unique id stands
    there now, AWS re:Post "Invalid principal in policy") and a public statement under BlockPublicPolicy.

    Args:
        document: The policy as it would be put.
        kind: As for `validate`.
        bucket: Name of the bucket.
        exists: Whether a principal exists, as for `validate`.
        block_public_policy: Whether BlockPublicPolicy is in force, by the bucket or its account.
        limit: As for `validate`.

    Returns:
        Empty if nothing is known against it. In the order of the statements.
    """
    try:
        found = load(document)
        _check_outline(found)
    except PolicyError as error:
        return (Problem(None, "", "syntax", str(error)),)
    result: list[Problem] = []
    variables = found.get("Version") == NEW_VERSION
    sound = []
    for place, item in enumerate(found["Statement"]):
        try:
            _check_statement(item, variables)
            sound.append(place)
        except PolicyError as error:
            result.append(Problem(place, item.get("Sid", ""), "syntax", str(error)))
    result.extend(_problems(found, document, kind, bucket, exists, frozenset(sound)))
    if block_public_policy and kind in ("bucket", "access point") and len(sound) == len(found["Statement"]):
        for place in public_statements(found):
            result.append(Problem(place, found["Statement"][place].get("Sid", ""), "public", _BLOCKED))
    if limit is not None and characters(document) > limit:
        result.append(Problem(None, "", "size", _over_quota(kind, limit)))
    return tuple(sorted(result, key=lambda problem: -1 if problem.place is None else problem.place))


def characters(document: Document) -> int:
    """Characters of a policy as IAM counts them: without white space (IAM quotas)."""
    return sum(not character.isspace() for character in minify(document))


def check_inline_size(documents: Iterable[Document], entity: Literal["user", "role", "group"], name: str) -> None:
    """Check all inline policies of one identity together.

    Args:
        documents: Its inline policies as they would be.
        entity: What it is.
        name: Its name, for the message.

    Raises:
        PolicyTooLarge: They have more characters than IAM's quota.
    """
    limit = INLINE_LIMITS[entity]
    if sum(map(characters, documents)) > limit:
        raise PolicyTooLarge(f"Maximum policy size of {limit} bytes exceeded for {entity} {name}")


def named_principals(document: Document) -> tuple[str, ...]:
    """What stands under `AWS` in Principal and NotPrincipal, `*` excepted: the store asks whether each exists.

    Raises:
        PolicyError: The document is not a policy.
    """
    found: dict[str, None] = {}
    for item in load(document)["Statement"]:
        for element in (item.get("Principal"), item.get("NotPrincipal")):
            if isinstance(element, Mapping):
                found.update(dict.fromkeys(str(value) for value in as_tuple(element.get("AWS")) if value != "*"))
    return tuple(found)


def _over_quota(kind: Kind, limit: int) -> str:
    return f"Cannot exceed quota for {'ACLSizePerRole' if kind == 'trust' else 'PolicySize'}: {limit}"


def _check_outline(found: Mapping[str, Any]) -> None:
    if unknown := sorted(set(found) - _DOCUMENT):
        raise PolicyError(f"unknown element {unknown[0]}")
    if found.get("Version", OLD_VERSION) not in (NEW_VERSION, OLD_VERSION):
        raise PolicyError(f"Version must be {NEW_VERSION} or {OLD_VERSION}")


def _check_statement(item: Mapping[str, Any], variables: bool) -> None:
    if unknown := sorted(set(item) - _STATEMENT):
        raise PolicyError(f"unknown element {unknown[0]} in a statement")
    compiled = compile_statement(item, variables=variables)
    for condition in compiled.conditions:
        check_values(condition)
    principal = _principal(item)
    if isinstance(principal, Mapping) and (unknown := sorted(set(principal) - _PRINCIPALS)):
        raise PolicyError(f"unknown kind of principal {unknown[0]}")


def _problems(
    found: Mapping[str, Any],
    document: Document,
    kind: Kind,
    bucket: str,
    exists: Exists | None,
    places: frozenset[int] | None = None,
) -> Iterator[Problem]:
    """The problems of a document whose outline is sound; of the statements at some places, or of all."""
    items: list[Mapping[str, Any]] = found["Statement"]
    if not items:
        yield Problem(None, "", "syntax", "Could not parse the policy: Statement is empty!")
    # PutAccessPointPolicy has the limit of bucket policies (S3 User Guide, access points restrictions).
    if kind in ("bucket", "access point") and measure(document) > BUCKET_POLICY_LIMIT:
        words = f"Policy exceeds the maximum allowed document size of {BUCKET_POLICY_LIMIT} bytes."
        yield Problem(None, "", "size", words)
    seen: set[str] = set()
    for place, item in enumerate(items):
        sid = str(item.get("Sid", ""))
        if places is None or place in places:
            for code, reason, detail in _statement_findings(item, kind, bucket, exists):
                yield Problem(place, sid, code, reason, detail)
        if sid and sid in seen:
            yield Problem(place, sid, "sid", "Statement IDs (SID) in a single policy must be unique.", sid)
        seen.add(sid)


def _statement_findings(item: Mapping[str, Any], kind: Kind, bucket: str, exists: Exists | None) -> Iterator[Finding]:
    if kind == "identity":
        yield from _identity(item)
        return
    yield from _principals(item, exists)
    if kind == "trust":
        yield from _trust(item)
    else:
        yield from _resource_policy(item, kind, bucket)


def _resource_policy(item: Mapping[str, Any], kind: Kind, bucket: str) -> Iterator[Finding]:
    resources = as_tuple(item.get("Resource", item.get("NotResource")))
    if not resources:
        yield "resource", "Missing required field Resource", ""
        return
    wrong = [str(resource) for resource in resources if not _own_resource(resource, kind, bucket)]
    yield from (("resource", "Policy has invalid resource", resource) for resource in wrong)
    foreign = [action for action in _actions(item) if action != "*" and not action.lower().startswith("s3:")]
    yield from (("action", fit.INVALID_ACTION, action) for action in foreign)
    if not wrong and not foreign:
        yield from fit.findings(item)


def _own_resource(resource: str, kind: Kind, bucket: str) -> bool:
    parts = arn_parts(resource)
    if parts is None or parts[2] != "s3":
        return False
    if kind == "access point":
        return parts[5].startswith("accesspoint/")
    return not bucket or _within(parts[5], bucket)


def _trust(item: Mapping[str, Any]) -> Iterator[Finding]:
    if "NotPrincipal" in item:
        # IAM User Guide, NotPrincipal: not in trust policies, and with Allow nowhere.
        allow = item.get("Effect") == "Allow"
        words = "AssumeRole policy must not contain NotPrincipal field."
        yield "principal", "Allow with NotPrincipal is not allowed." if allow else words, ""
    if "Resource" in item:
        yield "resource", "Has prohibited field Resource", ""
    if "NotResource" in item:
        yield "resource", "AssumeRole policy must not contain resources.", ""
    for action in _actions(item):
        if not action.lower().startswith("sts:"):
            yield "action", "AssumeRole policy may only specify STS AssumeRole actions.", action
    yield from _iam_sid(item)


def _identity(item: Mapping[str, Any]) -> Iterator[Finding]:
    if _principal(item) is not None:
        yield "principal", "Policy document should not specify a principal.", ""
    if not as_tuple(item.get("Resource", item.get("NotResource"))):
        yield "resource", "Policy statement must contain resources.", ""
    if not _actions(item):
        yield "action", "Policy statement must contain actions.", ""
    for action in _actions(item):
        # IAM stores names of actions and services that do not exist, so that nothing else is asked of them here.
        if action != "*" and ":" not in action:
            words = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
            yield "action", words, action
        elif action.count(":") > 1:
            yield "action", "Actions/Condition can contain only one colon.", action
    for resource in as_tuple(item.get("Resource", item.get("NotResource"))):
        if not str(resource).startswith(("arn:", "*")) and not pattern.has_variable(str(resource)):
            yield "resource", f'Resource {resource} must be in ARN format or "*".', str(resource)
    yield from _iam_sid(item)


def _iam_sid(item: Mapping[str, Any]) -> Iterator[Finding]:
    if not _IAM_SID.match(item.get("Sid", "")):
        words = "Check that your input satisfies the regular expression [0-9A-Za-z]*"
        yield "sid", f"Statement IDs (SID) must be alpha-numeric. {words}", str(item.get("Sid"))


def _principals(item: Mapping[str, Any], exists: Exists | None) -> Iterator[Finding]:
    principal = _principal(item)
    if not principal:
        yield "principal", "Missing required field Principal", ""
    if not isinstance(principal, Mapping):
        return
    for kind, values in principal.items():
        if not as_tuple(values):
            yield "principal", "Invalid principal in policy", kind
        for value in as_tuple(values):
            if kind == "AWS" and value != "*" and not (_is_principal(value) and (exists is None or exists(value))):
                yield "principal", "Invalid principal in policy", str(value)


def _is_principal(value: str) -> bool:
    """Whether it can name a principal: no wildcards, and no unique id, which only AWS itself puts there."""
    parts = arn_parts(value)
    if parts is None:
        return account_of(value) is not None
    return parts[2] in ("iam", "sts") and bool(parts[4]) and bool(parts[5]) and not re.search(r"[*?]", value)


def _within(resource: str, bucket: str) -> bool:
    """Whether a pattern names the bucket or its objects, a wildcard in the bucket's name included."""
    name = pattern.tokens(resource.split("/", 1)[0], None)
    return name is not None and pattern.glob(name).match(bucket) is not None


def _principal(item: Mapping[str, Any]) -> Any:
    return item.get("Principal", item.get("NotPrincipal"))


def _actions(item: Mapping[str, Any]) -> tuple[str, ...]:
    return as_tuple(item.get("Action", item.get("NotAction")))
