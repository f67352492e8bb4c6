"""Whom a policy in the parameters grants access, beyond everyone and the accounts that it names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from s3ir_tui.trail.details import Details
from s3ir_tui.trail.detections.conditions import leaf, owner, resource_policy
from s3ir_tui.trail.doors import foreign_grants

if TYPE_CHECKING:
    from s3ir_tui.policy import Grant

_UNTOLD = frozenset({"organization", "endpoint", "origin access identity"})
"""Grantees of which an event does not tell whose they are: an administrator grants access to the house's own."""

_ONLY_BRINGS = frozenset({"write", "configuration", "list"})
"""What services need that deliver logs. Older examples of AWS have no source condition for it."""


def open_to(details: Details) -> str:
    """A resource policy grants access to an address, a service, a canonical user, a source or a provider."""
    return _words(item for item in resource_grants(details) if item.kind not in _UNTOLD and not _delivers(item))


def open_to_untold(details: Details) -> str:
    """A resource policy grants access to an organization, an endpoint or an origin access identity."""
    return _words(item for item in resource_grants(details) if item.kind in _UNTOLD)


def open_to_delivery(details: Details) -> str:
    """A resource policy lets a service put objects in for whoever asks the service to."""
    if open_to(details):
        return ""
    return _words(item for item in resource_grants(details) if _delivers(item))


def trust_open(details: Details) -> str:
    """A trust policy grants sessions to a service for a stranger's resource, or to a federated provider unbound."""
    return _words(item for item in trust_grants(details) if item.kind not in _UNTOLD and not _is_identity_pool(item))


def trust_open_untold(details: Details) -> str:
    """A trust policy grants sessions to an organization, or to one application of a provider that everybody shares."""
    return _words(item for item in trust_grants(details) if item.kind in _UNTOLD or _is_identity_pool(item))


def resource_grants(details: Details) -> tuple[Grant, ...]:
    """Grants of a bucket or access point policy to others than everyone, accounts and their principals."""
    return foreign_grants(resource_policy(details), owner(details))


def trust_grants(details: Details) -> tuple[Grant, ...]:
    """Grants of a trust policy to others than everyone, accounts and their principals."""
    document = details.policy("policyDocument", "assumeRolePolicyDocument") or leaf(details, "PolicyDocument")
    return foreign_grants(document, owner(details))


def _delivers(grant: Grant) -> bool:
    return grant.kind == "service" and set(grant.actions) <= _ONLY_BRINGS


def _is_identity_pool(grant: Grant) -> bool:
    """Whether it is a provider that is no resource of an account, such as Cognito or Google, bound to an audience."""
    return grant.kind == "federated" and not grant.who.startswith("arn:") and not grant.words.endswith("condition)")


def _words(found: Iterator[Grant]) -> str:
    return ", ".join(dict.fromkeys(item.words for item in found))
