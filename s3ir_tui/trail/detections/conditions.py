"""Conditions that detections share: what parameters say about publicity, other accounts, power and containment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from s3ir_tui.trail.details import Details, items
from s3ir_tui.trail.doors import foreign_in_trust, named_in

_PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")
_PUBLIC_GROUPS = ("global/AllUsers", "global/AuthenticatedUsers")
_BLOCK_FLAGS = frozenset({"blockpublicacls", "ignorepublicacls", "blockpublicpolicy", "restrictpublicbuckets"})
_OUR_DENIES = ("AWSDenyAll", "AWSCompromisedKeyQuarantine", "AWSRevokeOlderSessions")
_ADMIN_POLICIES = ("/AdministratorAccess", "/IAMFullAccess")
_DATA_POLICIES = ("/PowerUserAccess", "/AmazonS3FullAccess")
_SSO = ":assumed-role/AWSReservedSSO_"
_ACCOUNT = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:(\d{12}):")


def owner(details: Details) -> str:
    """The account that was acted on."""
    return details.event.account or details.event.caller_account


def signed_in(details: Details) -> bool:
    """The caller proved itself when its session began: by MFA, or to IAM Identity Center, or it is CloudFormation.

    All three are what AWS says of the call, not what the caller says of itself. A session can be stolen all the same.
    """
    event = details.event
    if _SSO in event.principal or event.invoked_by == "cloudformation.amazonaws.com":
        return True
    found: Any = details.record.get("userIdentity")
    for name in ("sessionContext", "attributes", "mfaAuthenticated"):
        found = found.get(name) if isinstance(found, dict) else None
    return bool(found == "true")


def resource_policy(details: Details) -> str:
    """The resource policy in the parameters as JSON text, or ""."""
    return details.policy("bucketPolicy", "policy", "Policy") or leaf(details, "Policy")


def public_policy(details: Details) -> bool:
    """A resource policy in the parameters is public."""
    from s3ir_tui.policy import PolicyError, is_public  # see `named_in`

    document = resource_policy(details)
    try:
        return bool(document) and is_public(document)
    except PolicyError:
        return False


def foreign_policy(details: Details) -> str:
    """A resource policy in the parameters lets other accounts do more than put objects in."""
    return ", ".join(sorted(_let_in(details) - _only_put(details)))


def foreign_put(details: Details) -> str:
    """A resource policy in the parameters lets other accounts put objects in, as load balancers of old Regions do."""
    return ", ".join(sorted(_let_in(details) & _only_put(details)))


def _let_in(details: Details) -> set[str]:
    return set(named_in(resource_policy(details) or "{}", owner(details)))


def _only_put(details: Details) -> set[str]:
    """Accounts that statements let in, each of which allows nothing but to put objects."""
    putting: set[str] = set()
    more: set[str] = set()
    for statement in _statements_of(resource_policy(details)):
        actions = {str(item).lower() for item in items(statement.get("Action"))}
        named = set(named_in({"Version": "2012-10-17", "Statement": [statement]}, owner(details)))
        if actions and actions <= {"s3:putobject", "s3:putobjectacl"}:
            putting |= named
        else:
            more |= named
    return putting - more


def foreign_trust(details: Details) -> str:
    """A trust policy in the parameters lets other accounts, or everyone, assume the role."""
    return ", ".join("everyone" if item == "*" else item for item in foreign_in_trust(details))


def public_acl(details: Details) -> str:
    """An ACL in the parameters is public."""
    canned = details.text("x-amz-acl") or details.text("acl")
    if canned in _PUBLIC_ACLS:
        return canned
    text = json.dumps(details.params)
    return next((group.rsplit("/", 1)[-1] for group in _PUBLIC_GROUPS if group in text), "")


def block_lowered(details: Details) -> str:
    """A Block Public Access setting has a flag off."""
    off = [name for name, value in leaves(details.params) if name.lower() in _BLOCK_FLAGS and _is_off(value)]
    return ", ".join(dict.fromkeys(off))


def acls_return(details: Details) -> bool:
    """Object Ownership leaves BucketOwnerEnforced, so ACLs count again."""
    modes = [value for name, value in leaves(details.params) if name == "ObjectOwnership"]
    return bool(modes) and "BucketOwnerEnforced" not in modes


def leaves(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every scalar in nested parameters with the name that it stands under."""
    if depth > 20:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, str(key), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, name, depth + 1)
    else:
        yield name, value


def _is_off(value: Any) -> bool:
    return value is False or str(value).lower() == "false"


def leaf(details: Details, *names: str) -> str:
    """The first scalar under one of these names anywhere in the parameters, as text."""
    wanted = {name.lower() for name in names}
    return next((str(value) for name, value in leaves(details.params) if name.lower() in wanted), "")


def foreign_accounts_in(text: str, home: str) -> tuple[str, ...]:
    """Accounts in the ARNs of a text that are not `home`."""
    return tuple(sorted({account for account in _ACCOUNT.findall(text) if account != home})) if home else ()


def foreign_arn(details: Details) -> str:
    """The parameters name an ARN of another account."""
    return ", ".join(foreign_accounts_in(json.dumps(details.params), owner(details)))


def admin_policy(details: Details) -> str:
    """A managed policy in the parameters gives everything, or all of IAM."""
    arn = details.text("policyArn")
    return arn.rsplit("/", 1)[-1] if arn.endswith(_ADMIN_POLICIES) else ""


def data_policy(details: Details) -> str:
    """A managed policy in the parameters gives a user all of S3, or all but IAM; roles of software have such ones."""
    arn = details.text("policyArn")
    return arn.rsplit("/", 1)[-1] if arn.endswith(_DATA_POLICIES) and details.text("userName") else ""


def containing(details: Details) -> bool:
    """The policy put or attached only takes rights away, as responders do."""
    if details.text("policyArn").rsplit("/", 1)[-1].startswith(_OUR_DENIES):
        return True
    effects = [item.get("Effect") for item in _statements(details)]
    return bool(effects) and all(effect == "Deny" for effect in effects)


def uncontaining(details: Details) -> str:
    """What is removed is a deny that a responder, or AWS, had put."""
    name = details.text("policyArn").rsplit("/", 1)[-1] or details.text("policyName")
    return name if name.startswith((*_OUR_DENIES, "s3ir")) else ""


def all_powerful(details: Details) -> bool:
    """A policy document in the parameters allows every action, or every action of IAM, on everything."""
    for statement in _statements(details):
        if statement.get("Effect") != "Allow":
            continue
        actions = [str(item).lower() for item in items(statement.get("Action"))]
        resources = [str(item) for item in items(statement.get("Resource"))]
        if "*" in resources and ("NotAction" in statement or {"*", "*:*", "iam:*"} & set(actions)):
            return True
    return False


def widening(details: Details) -> bool:
    """The policy put or attached gives something, and not everything."""
    return not (containing(details) or all_powerful(details) or admin_policy(details) or data_policy(details))


def _statements(details: Details) -> list[Mapping[str, Any]]:
    return _statements_of(details.policy("policyDocument"))


def _statements_of(document: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(document) if document else {}
    except (ValueError, RecursionError):  # a denied call is recorded with whatever was sent
        return []
    if not isinstance(found, dict):
        return []
    return [item for item in items(found.get("Statement")) if isinstance(item, dict)]


def for_another(details: Details) -> bool:
    """An IAM call about a user that is not the caller."""
    user = details.text("userName")
    return bool(user) and details.event.principal.rsplit("/", 1)[-1] != user


def for_itself(details: Details) -> bool:
    """An IAM call about the caller itself."""
    return not for_another(details)


def is_value(name: str, *values: str) -> Any:
    """A condition: somewhere in the parameters `name` has one of these values (any case)."""
    wanted = {value.lower() for value in values}

    def holds(details: Details) -> bool:
        return leaf(details, name).lower() in wanted

    return holds


def short_expiry(details: Details) -> str:
    """A lifecycle rule deletes everything within a week."""
    return _expiry(details, whole=True)


def short_expiry_in_part(details: Details) -> str:
    """A lifecycle rule deletes a part of the bucket within a week, as is done with temporary files."""
    return "" if short_expiry(details) else _expiry(details, whole=False)


def _expiry(details: Details, *, whole: bool) -> str:
    for rule in _lifecycle_rules(details):
        filtered = any(value for name, value in leaves(rule) if name in ("Prefix", "Key", "ObjectSizeGreaterThan"))
        status = str(rule.get("Status", "Enabled")).lower()
        if filtered is whole or status == "disabled":
            continue
        for part in ("Expiration", "NoncurrentVersionExpiration"):
            for name, value in leaves(rule.get(part), part):
                days = _days(value) if name in ("Days", "NoncurrentDays", "ExpirationInDays") else None
                if days is not None and days <= 7:
                    return f"{days:g} days"
    return ""


def _lifecycle_rules(details: Details) -> Iterator[Mapping[str, Any]]:
    """The rules: one is an object, several are a list, under a name that changed over the years."""
    for name in ("LifecycleConfiguration", "lifecycleConfiguration"):
        found = details.params.get(name)
        for part in ("Rule", "Rules", "rules"):
            listed = items(found.get(part)) if isinstance(found, dict) else ()
            yield from (item for item in listed if isinstance(item, dict))


def _days(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def logging_off(details: Details) -> bool:
    """PutBucketLogging without a target."""
    return not leaf(details, "TargetBucket")


def logging_target(details: Details) -> str:
    """The bucket that PutBucketLogging names."""
    return leaf(details, "TargetBucket")
