"""Whether the principals that a policy names exist, as AWS checks before it stores one."""

from __future__ import annotations

from moto.iam.models import iam_backends

from s3ir_tui.gameday.store import iam
from s3ir_tui.policy import Document, named_principals
from s3ir_tui.policy.request import arn_parts


def unknown_principal(document: Document) -> str | None:
    """The first principal of a policy that does not exist; those of accounts that are not simulated pass.

    Raises:
        PolicyError: The document is not a policy.
    """
    return next((principal for principal in named_principals(document) if not _exists(principal)), None)


def _exists(principal: str) -> bool:
    parts = arn_parts(principal)
    if parts is None or parts[4] not in iam_backends:
        return True
    backend = iam(parts[4])
    kind, _, name = parts[5].partition("/")
    if kind == "user":
        return any(user.arn == principal for user in list(backend.users.values()))
    if kind == "role":
        return any(role.arn == principal for role in list(backend.roles.values()))
    if kind == "assumed-role":
        return any(role.name == name.split("/")[0] for role in list(backend.roles.values()))
    return True
