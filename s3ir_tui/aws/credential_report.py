"""IAM's credential report: keys, console password and MFA of every user, for two or three calls in all."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from s3ir_tui.aws.calls import Calls
from s3ir_tui.aws.errors import AwsError

_TRIES = 6
_SECONDS = 2.0
_NOT_READY = frozenset({"ReportInProgress", "CredentialReportNotReadyException"})


@dataclass(frozen=True, slots=True)
class UserCredentials:
    """What the report says of one user. It has no key ids.

    Attributes:
        active_keys: How many access keys are active. A key that is inactive looks like none at all.
        last_used: When one of the keys was used last.
        console: Whether there is a console password.
        mfa: Whether there is an MFA device.
    """

    active_keys: int
    last_used: datetime | None
    console: bool
    mfa: bool


@dataclass(frozen=True, slots=True)
class CredentialReport:
    """The report.

    Attributes:
        at: When IAM made it. IAM gives the same report for four hours (IAM User Guide, "credential reports").
        users: By user name.
    """

    at: datetime | None
    users: Mapping[str, UserCredentials]


def read_credential_report(account: Calls, wait: Callable[[float], object] = time.sleep) -> CredentialReport:
    """Have IAM make the report and read it.

    Args:
        account: The connection.
        wait: Waits some seconds, while IAM writes.

    Raises:
        AwsError: It may not be made or read, or IAM is not done in time.
    """
    for left in reversed(range(_TRIES)):
        state = account.call("iam", "GenerateCredentialReport", {}).get("State")
        if state == "COMPLETE":
            break
        try:
            return _parsed(account)
        except AwsError as error:
            if error.code not in _NOT_READY or not left:
                raise
        wait(_SECONDS)
    return _parsed(account)


def _parsed(account: Calls) -> CredentialReport:
    answer = account.call("iam", "GetCredentialReport", {})
    content = answer.get("Content") or b""
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
    users = {str(row.get("user")): _user(row) for row in csv.DictReader(io.StringIO(text))}
    users.pop("<root_account>", None)
    return CredentialReport(answer.get("GeneratedTime"), users)


def _user(row: Mapping[str, str | None]) -> UserCredentials:
    used = [_time(row.get(f"access_key_{number}_last_used_date")) for number in (1, 2)]
    return UserCredentials(
        active_keys=sum(_yes(row.get(f"access_key_{number}_active")) for number in (1, 2)),
        last_used=max((moment for moment in used if moment is not None), default=None),
        console=_yes(row.get("password_enabled")),
        mfa=_yes(row.get("mfa_active")),
    )


def _yes(value: str | None) -> bool:
    return (value or "").lower() == "true"


def _time(value: str | None) -> datetime | None:
    """`N/A`, `no_information` and `not_supported` are no time."""
    try:
        found = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
