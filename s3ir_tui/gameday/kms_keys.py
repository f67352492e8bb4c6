"""Keys of the Key Management Service: which one is named, whether it can be used, who may use it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.kms.models import kms_backends

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import authorize
from s3ir_tui.gameday.wire import Refused

S3_ALIAS = "alias/aws/s3"


def find_key(name: str, account: str, region: str) -> Any:
    """moto's key by its id, ARN or alias; `None` when there is none.

    Args:
        name: What names it; an ARN may be of another account.
        account: Account that a bare id or alias is looked up in.
        region: Region of the bucket; keys of other Regions are not found.
    """
    if name.startswith("arn:"):
        parts = name.split(":", 5)
        if len(parts) != 6 or parts[3] != region:
            return None
        account, name = parts[4], parts[5].removeprefix("key/")
    keys = kms_backends[account][region].keys
    if name.startswith("alias/"):
        return next((key for key in list(keys.values()) if name in key.aliases), None)
    return keys.get(name)


def managed_key(account: str, region: str) -> Any:
    """The key that AWS manages for S3 in an account; it is made when it is first used."""
    found = find_key(S3_ALIAS, account, region)
    if found is None:
        backend = kms_backends[account][region]
        found = backend.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "Default key of S3", None)
        found.key_manager = "AWS"
        backend.create_alias(found.id, S3_ALIAS)
    return found


def check_usable(key: Any) -> None:
    """Check that a key can be used at all.

    Raises:
        Refused: It is disabled or waits for its deletion; in the words of S3.
    """
    if key.key_state == "PendingDeletion":
        raise Refused("KMS.KMSInvalidStateException", f"{key.arn} is pending deletion.", 400)
    if not key.enabled or key.key_state == "Disabled":
        raise Refused("KMS.DisabledException", f"{key.arn} is disabled.", 400)


def check_use(who: Who, operation: str, key: Any, context: Mapping[str, str | tuple[str, ...]]) -> None:
    """Check whether somebody may use a key.

    The key policy decides: it grants to a principal, or to the account of the key, and only then the identity
    policies of that account count (KMS Developer Guide, key policies). Grants allow beside it. A key that AWS manages
    can be used by everybody in its account who may use S3.

    Args:
        who: The caller.
        operation: `Decrypt` or `GenerateDataKey`.
        key: moto's key.
        context: Condition keys.

    Raises:
        Refused: AccessDenied.
    """
    granted = any(
        operation in grant.operations and grant.grantee_principal in (who.caller.arn, who.caller.session_arn)
        for grant in list(key.grants.values())
    )
    document = _for_everybody_in(key.account_id) if key.key_manager == "AWS" else str(key.policy)
    authorize(
        who,
        f"kms:{operation}",
        str(key.arn),
        {**context, "kms:calleraccount": who.account},
        resource_policy=document,
        owner=key.account_id,
        grant_allows=granted,
    )


def _for_everybody_in(account: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": "kms:*",
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:CallerAccount": account}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
