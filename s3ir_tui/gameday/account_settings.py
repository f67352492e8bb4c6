"""How late and how narrow the embedded account is: what can be set when it starts and while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any


class SettingError(ValueError):
    """A setting that does not exist, or a value that it cannot have."""


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """Delays and quotas of the account.

    Attributes:
        lag: Seconds until CloudTrail shows a call, in files and in LookupEvents.
        late_share: Share of the records (0 to 1) that come later than that.
        late_seconds: At most how many seconds later those come.
        delay: Seconds until a change to IAM or a bucket's settings takes effect.
        read_lag: Seconds until Get and List calls of IAM show a change.
        clash: Two writes to one IAM identity, or to the settings of one bucket, within so many seconds clash: the
            second gets ConcurrentModification, or OperationAborted of S3.
        lookup_rate: Requests a second of LookupEvents, for each account and Region, all callers together.
    """

    lag: float = 0.0
    late_share: float = 0.0
    late_seconds: float = 0.0
    delay: float = 0.0
    read_lag: float = 0.0
    clash: float = 0.0
    attached_policies: float = 10
    lookup_rate: float = 2.0

    def changed(self, wanted: Mapping[str, Any]) -> AccountSettings:
        """These settings with some of them changed.

        Raises:
            SettingError: A name or value is not valid.
        """
        names = [field.name for field in fields(self)]
        if unknown := sorted(set(wanted) - set(names)):
            raise SettingError(f"unknown settings: {', '.join(unknown)}; there are {', '.join(names)}")
        values = {name: _number(name, value) for name, value in wanted.items()}
        if values.get("late_share", 0.0) > 1:
            raise SettingError("late_share is a share: from 0 to 1")
        return replace(self, **values)


def read_settings(texts: Iterable[str]) -> dict[str, float]:
    """Settings as a command line gives them, `NAME=NUMBER` each; `-` may stand for `_` in a name.

    Raises:
        SettingError: One of them cannot be read.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingError(f"{text} is not NAME=NUMBER")
        found[name.strip().replace("-", "_")] = value
    made = AccountSettings().changed(found)
    return {name: float(getattr(made, name)) for name in found}


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise SettingError(f"{name}: {value} is not a number") from None
    if not 0 <= number < 1e9:
        raise SettingError(f"{name}: {value} must be 0 or more")
    return number
