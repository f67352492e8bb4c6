"""What actions plan with: the account, what the trail showed, who must not be locked out, the clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from actions.plan import Call, Read, Refusal
from actions.reads import value_of
from s3ir_tui.aws.errors import AwsError
from s3ir_tui.model import iso, utc_now

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account
    from s3ir_tui.trail.analysis import Analysis


@dataclass(frozen=True, slots=True)
class Context:
    """One look at the world, made anew for each plan: what was read once in it is not read again.

    Attributes:
        account: The connection.
        history: What the trail has shown so far.
        break_glass: ARNs of the principals that must never be cut.
        clock: The time, UTC.
    """

    account: Account
    history: Callable[[], Analysis]
    break_glass: tuple[str, ...] = ()
    clock: Callable[[], datetime] = utc_now
    _memo: dict[str, Any] = field(default_factory=dict)

    @property
    def account_id(self) -> str:
        """The account that the console is connected to."""
        return self.account.identity.account

    @property
    def now(self) -> str:
        """The time as plans carry it."""
        return iso(self.clock())

    def state(self, read: Read) -> Any:
        """The state behind a read.

        Raises:
            AwsError: The read failed.
        """
        return self._once(f"state {_key(read.call)} {read.pick}", lambda: value_of(self.account, read))

    def ask(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        """The whole answer of a read.

        Raises:
            AwsError: The read failed.
        """
        call = Call(service, operation, params, region)
        answer: dict[str, Any] = self._once(_key(call), lambda: self.account.call(service, operation, params, region))
        return answer

    def listed(self, service: str, operation: str, params: Mapping[str, Any], key: str) -> list[Any]:
        """All items of a paged read.

        Raises:
            AwsError: A page failed.
        """
        call = Call(service, operation, params)
        found: list[Any] = self._once(
            f"list {_key(call)}", lambda: list(self.account.pages(service, operation, params, key))
        )
        return found

    def role(self, name: str) -> dict[str, Any]:
        """A role as GetRole gives it.

        Raises:
            Refusal: There is no such role in this account.
            AwsError: It could not be read.
        """
        try:
            found: dict[str, Any] = self.ask("iam", "GetRole", {"RoleName": name})["Role"]
        except AwsError as error:
            if error.code == "NoSuchEntity":
                raise Refusal(f"there is no role {name} in {self.account_id} any more") from None
            raise
        return found

    def user(self, name: str) -> dict[str, Any]:
        """A user as GetUser gives it.

        Raises:
            Refusal: There is no such user in this account.
            AwsError: It could not be read.
        """
        try:
            found: dict[str, Any] = self.ask("iam", "GetUser", {"UserName": name})["User"]
        except AwsError as error:
            if error.code == "NoSuchEntity":
                raise Refusal(f"there is no user {name} in {self.account_id} any more") from None
            raise
        return found

    def arn_of(self, kind: str, name: str) -> str:
        """The ARN of a user or role of this account, as IAM has it: with its path.

        Raises:
            Refusal: There is none of that name, or IAM may not be read.
        """
        try:
            found = self.user(name) if kind == "user" else self.role(name)
        except AwsError as error:
            raise Refusal(
                f"{kind} {name} cannot be looked up in IAM ({error.short}), and its ARN cannot be put together without "
                f"its path. Way out: use an identity that may call iam:Get{kind.capitalize()}."
            ) from None
        return str(found["Arn"])

    def _once(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self._memo:
            self._memo[key] = make()
        return self._memo[key]


def _key(call: Call) -> str:
    return f"{call.name} {call.region} {json.dumps(call.params, sort_keys=True, default=str)}"
