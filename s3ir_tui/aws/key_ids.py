"""What only reads of a single user tell: the ids of its access keys, and its credentials as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from s3ir_tui.aws.calls import Calls
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import AccessKey, Principal, utc_now


def with_key_ids(
    account: Calls, user: Principal, *, fresh: bool = False, now: Callable[[], datetime] = utc_now
) -> Principal:
    """A user with the ids of its keys, and what the credential report could not tell.

    Args:
        account: The connection.
        user: What is known of the user.
        fresh: Whether all of it is read again, also what the report tells.
        now: The time.
    """
    at = now()
    name = user.name
    fresh = fresh or user.credentials_at is None
    gaps = {what: why for what, why in user.gaps.items() if what not in ("keys", "console", "mfa")}
    keys: tuple[AccessKey, ...] = ()
    active, used = user.active_keys, user.keys_last_used
    try:
        keys = tuple(_key(account, name, entry, last_used=fresh) for entry in _keys(account, name))
        active = sum(key.status == "Active" for key in keys)
        used = max((key.last_used for key in keys if key.last_used), default=used)
    except AwsError as error:
        gaps["keys"] = error.short
    if fresh:
        console, mfa = _console(account, name, gaps), _mfa(account, name, gaps)
    else:
        console, mfa = user.console, user.mfa
    return replace(
        user,
        keys=keys,
        active_keys=active,
        keys_last_used=used,
        console=console,
        mfa=mfa,
        credentials_at=at if fresh else user.credentials_at,
        gaps=gaps,
    )


def _console(account: Calls, name: str, gaps: dict[str, str]) -> bool | None:
    try:
        account.call("iam", "GetLoginProfile", {"UserName": name})
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return False
        gaps["console"] = error.short
        return None
    return True


def _mfa(account: Calls, name: str, gaps: dict[str, str]) -> bool | None:
    try:
        return bool(account.call("iam", "ListMFADevices", {"UserName": name}).get("MFADevices"))
    except AwsError as error:
        gaps["mfa"] = error.short
        return None


def _keys(account: Calls, user: str) -> Iterable[Mapping[str, Any]]:
    return account.pages("iam", "ListAccessKeys", {"UserName": user}, "AccessKeyMetadata")


def _key(account: Calls, user: str, entry: Mapping[str, Any], *, last_used: bool) -> AccessKey:
    ident = str(entry["AccessKeyId"])
    used = None
    if last_used:
        try:
            answer = account.call("iam", "GetAccessKeyLastUsed", {"AccessKeyId": ident})
            used = (answer.get("AccessKeyLastUsed") or {}).get("LastUsedDate")
        except AwsError as error:
            if not error.denied:
                raise
    return AccessKey(ident, user, str(entry["Status"]), created=entry.get("CreateDate"), last_used=used)
