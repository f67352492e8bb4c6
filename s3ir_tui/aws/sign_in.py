"""Assuming a role: its one-time codes, its session's name, and how long the session lasts."""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from s3ir_tui.aws.errors import AwsError

_RENEW_SECONDS = 60
_NOT_IN_A_NAME = re.compile(r"[^\w+=,.@-]", re.ASCII)


class MfaCodes:
    """Hands out each one-time code once: AWS takes none twice (IAM User Guide, "Troubleshoot IAM": wait for the next).

    Args:
        ask: Asks the responder while signing in; `None` where there is nobody.
    """

    def __init__(self, ask: Callable[[str], str] | None) -> None:
        self._ask = ask
        self._code = ""
        self.closed = False
        self.asked = False

    def give(self, code: str) -> None:
        """Take a code for the next time that one is needed."""
        self._code = code.strip()

    def __call__(self, text: str) -> str:
        self.asked = True
        if self._code:
            code, self._code = self._code, ""
            return code
        if self._ask is not None and not self.closed:
            if code := self._ask(text).strip():
                return code
            why = "its last one was used already: AWS takes each once. Give the next one"
        elif self.closed:
            why = "the session with MFA is over. Give a new code in this console, or leave and sign in again"
        else:
            why = "there is no one to ask. Give --mfa-serial at a terminal"
        raise AwsError("MfaRequired", f"an MFA code is needed: {why}", operation="sts:AssumeRole")


class OneCode:
    """A code that was typed at the terminal before the console began: given once, then others must be given.

    Args:
        code: The code, or "".
    """

    def __init__(self, code: str = "") -> None:
        self._code = code

    def give(self, code: str) -> None:
        """Take the next code, for a try that follows."""
        self._code = code.strip()

    def __call__(self, _text: str) -> str:
        code, self._code = self._code, ""
        return code


def session_name(given: str = "") -> str:
    """The name of an assumed session: as given, else `s3ir-USER`, so that CloudTrail tells responders apart."""
    if given:
        return given
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = ""
    return f"s3ir-{_NOT_IN_A_NAME.sub('-', user)}"[:64] if user else "s3ir-tui"


def role_extras(
    *, name: str, mfa_serial: str | None, external_id: str | None, source_identity: str | None, seconds: int
) -> dict[str, Any]:
    """Parameters of AssumeRole beside the role."""
    extra = {
        "RoleSessionName": name,
        "SerialNumber": mfa_serial,
        "ExternalId": external_id,
        "SourceIdentity": source_identity,
        "DurationSeconds": seconds,
    }
    return {key: value for key, value in extra.items() if value}


def longest(role: Callable[[str], Mapping[str, Any]], arn: str) -> int:
    """The MaxSessionDuration of a role in seconds, or 0 where it may not be asked for.

    Args:
        role: Asks for a role by its name; raises `AwsError`.
        arn: Its ARN.
    """
    try:
        return int(role(arn.rsplit("/", 1)[-1]).get("MaxSessionDuration") or 0)
    except AwsError:
        return 0


def first_credentials(fetch: Callable[[Mapping[str, Any]], Any], extra: dict[str, Any], *, coded: bool) -> Any:
    """Assume the role; where it allows less than was asked for, for an hour.

    Args:
        fetch: Gets frozen credentials with such parameters.
        extra: The parameters; `DurationSeconds` goes where AWS refuses it.
        coded: Whether a one-time code is spent by each try.

    Raises:
        AwsError: AWS refuses.
    """
    try:
        return fetch(extra)
    except AwsError as error:
        if error.code != "ValidationError" or "DurationSeconds" not in extra:
            raise
        if coded:
            asked = extra["DurationSeconds"] // 60
            way = (
                f"The role does not allow sessions of {asked} minutes: give a shorter --duration and the next MFA code."
            )
            raise AwsError(
                error.code, error.message, operation=error.operation, status=error.status, hint=way
            ) from None
        del extra["DurationSeconds"]
        return fetch(extra)


def to_the_end(credentials: Any) -> None:
    """Use credentials that need a code to be renewed until they end: botocore gives them up ten minutes before."""
    credentials._mandatory_refresh_timeout = _RENEW_SECONDS
    credentials._advisory_refresh_timeout = _RENEW_SECONDS


def end_of(credentials: Any) -> datetime | None:
    """When credentials end, or `None` for those that do not."""
    end = getattr(credentials, "_expiry_time", None)
    return end.astimezone(UTC) if isinstance(end, datetime) else None


def region_of_instance(credentials: Any) -> str:
    """The Region of the instance whose role signs, or "": a bastion has no other setting."""
    if getattr(credentials, "method", "") != "iam-role":
        return ""
    from botocore.utils import InstanceMetadataRegionFetcher

    return str(InstanceMetadataRegionFetcher(timeout=1, num_attempts=1).retrieve_region() or "")
