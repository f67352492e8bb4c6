"""Reading in another account, such as the log archive, by a role that this identity may assume."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account


class Elsewhere:
    """The reading half of an account, through a role in it. The role is assumed at the first call.

    Its session has a guard of its own, which nobody arms: only `connect` makes it, and only reads are offered here.

    Args:
        connect: Assumes the role.
    """

    def __init__(self, connect: Callable[[], Account]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._account: Account | None = None

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        """Make one read (see `Account.call`)."""
        return self._there().call(service, operation, params, region)

    def pages(
        self, service: str, operation: str, params: Mapping[str, Any], key: str, region: str = ""
    ) -> Iterator[Any]:
        """All items of a paged read (see `Account.pages`)."""
        yield from self._there().pages(service, operation, params, key, region)

    def _there(self) -> Account:
        with self._lock:
            if self._account is None:
                self._account = self._connect()
            return self._account
