"""Principals of stored policies: they must exist when a policy is stored, and AWS keeps them by their unique id.

AWS turns the ARN of a user or role in `Principal` into its unique id when it stores a policy, and shows the ARN as
long as that id exists (IAM User Guide, AWS JSON policy elements: Principal). A user that was deleted and made anew
under the same name so inherits nothing. Here the ARN stays in the document and is replaced by the id at the moment
when its owner is deleted, which comes to the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.base_backend import BackendDict
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3control.models import s3control_backends

from s3ir_tui.gameday.store import iam, moto_buckets, moto_role, moto_user
from s3ir_tui.gameday.wire import Call
from s3ir_tui.policy import Document, PolicyError, named_principals, statements
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


@dataclass(frozen=True, slots=True)
class Principal:
    """A user or role as it was before a call that may delete or rename it."""

    account: str
    kind: str
    arn: str
    unique_id: str


def endangered(call: Call, account: str) -> Principal | None:
    """The user or role that a call to IAM deletes or renames; `None` for other calls."""
    if call.operation in ("DeleteUser", "UpdateUser"):
        found, kind = moto_user(account, str(call.params.get("UserName"))), "user"
    elif call.operation == "DeleteRole":
        found, kind = moto_role(account, str(call.params.get("RoleName"))), "role"
    else:
        return None
    return Principal(account, kind, str(found.arn), str(found.id)) if found is not None else None


def current_name(before: Principal) -> str:
    """How policies name a principal now: by its ARN, or by its unique id when it is gone."""
    backend = iam(before.account)
    held = backend.users if before.kind == "user" else backend.roles
    return next((str(item.arn) for item in list(held.values()) if item.id == before.unique_id), before.unique_id)


def rename_in_stored_policies(old: str, new: str) -> None:
    """Name a principal anew in every stored policy of every account."""
    for owner, attribute in _stored():
        text = getattr(owner, attribute, None)
        if text:
            renamed = renamed_principal(text.decode() if isinstance(text, bytes) else str(text), old, new)
            setattr(owner, attribute, renamed.encode() if isinstance(text, bytes) else renamed)
    for backend in _backends(kms_backends):
        for key in list(backend.keys.values()):
            for grant in list(key.grants.values()):
                if grant.grantee_principal == old:
                    grant.grantee_principal = new


def renamed_principal(text: str, old: str, new: str) -> str:
    """A policy that names `new` where its Principal elements named `old`; conditions are left as they are.

    Args:
        text: The policy; one that cannot be read comes back unchanged.
        old: ARN in `Principal` or `NotPrincipal`.
        new: What is to stand there.
    """
    if old not in text:
        return text
    try:
        named = old in named_principals(text)
    except PolicyError:
        return text
    if not named:
        return text
    document = json.loads(text)
    document["Statement"] = [_renamed(item, old, new) for item in statements(text)]
    return json.dumps(document)


def _renamed(statement: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    changed = dict(statement)
    for element in ("Principal", "NotPrincipal"):
        held = changed.get(element)
        if isinstance(held, Mapping) and (named := held.get("AWS")):
            values = [new if value == old else value for value in ([named] if isinstance(named, str) else named)]
            changed[element] = dict(held) | {"AWS": values if isinstance(named, list) else values[0]}
    return changed


def _stored() -> Iterator[tuple[Any, str]]:
    """Everything that holds a policy with principals, with the attribute that holds it."""
    for bucket in moto_buckets():
        yield bucket, "policy"
    for account in list(iam_backends):
        for role in list(iam(account).roles.values()):
            yield role, "assume_role_policy_document"
    for backend in _backends(kms_backends):
        for key in list(backend.keys.values()):
            yield key, "policy"
    for backend in _backends(s3control_backends):
        for points in list(backend.access_points.values()):
            for point in list(points.values()):
                yield point, "policy"


def _backends(every: BackendDict[Any]) -> Iterator[Any]:
    for account in list(every):
        yield from list(every[account].values())
