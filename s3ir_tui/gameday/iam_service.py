"""The Identity and Access Management service: what is checked, what is answered here, what a write brings about."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.delays import Delays
from s3ir_tui.gameday.events import Record
from s3ir_tui.gameday.iam_quotas import check_deletion, check_quotas
from s3ir_tui.gameday.iam_reads import LaggingReads, let_reads_lag
from s3ir_tui.gameday.iam_rules import after_iam, answer_iam, check_iam
from s3ir_tui.gameday.iam_simulation import simulate
from s3ir_tui.gameday.last_accessed import LastAccessed
from s3ir_tui.gameday.principals import current_name, endangered, rename_in_stored_policies, renamed_principal
from s3ir_tui.gameday.root_sessions import answer_features
from s3ir_tui.gameday.store import BucketFact, Fact, RoleFact
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer

Forward = Callable[[Call, str], Answer]

_READS = ("Get", "List", "Simulate", "Generate")
_ENTITIES = ("UserName", "RoleName", "GroupName", "InstanceProfileName", "PolicyArn")
_OF_SETTLED = ("DeactivateMFADevice", "DeleteLoginProfile", "EnableMFADevice", "UpdateLoginProfile", "UpdateUser")
_CLASH = (
    "The request was rejected because multiple requests to change this object were submitted simultaneously. "
    "Wait a few minutes and submit your request again."
)


class IamService:
    """IAM.

    Args:
        delays: What enforcement believes.
        forward: Hands a call to moto, to act in an account.
        records: All records of the account, oldest first.
        clock: Monotonic seconds.

    Attributes:
        reads: The states that reads show.
        clash: Seconds after a write in which another one to the same identity is refused.
        most_attached: How many managed policies an identity may have.
    """

    def __init__(
        self,
        delays: Delays,
        forward: Forward,
        records: Callable[[], list[Record]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        let_reads_lag()
        self.reads = LaggingReads(clock)
        self._last_accessed = LastAccessed(records)
        self.clash = 0.0
        self.most_attached = 10
        self._delays = delays
        self._forward = forward
        self._clock = clock
        self._turn = threading.Lock()
        self._written: dict[tuple[str, str, str], float] = {}
        self._unsettled: dict[tuple[str, str], float] = {}

    def clear(self) -> None:
        """Forget what was written, as a fresh account has no past."""
        self.reads.clear()
        self._last_accessed.clear()
        with self._turn:
            self._written.clear()
            self._unsettled.clear()

    def answer(self, call: Call, who: Who) -> Answer:
        """Check and carry out a call that the caller is allowed to make.

        Raises:
            Refused: IAM refuses it.
        """
        if call.operation.startswith(_READS):
            if who.admin:
                return self._carry_out(call, who)
            with self.reads.reading(who.account):
                return self._carry_out(call, who)
        with self._turn:
            return self._write(call, who)

    def _write(self, call: Call, who: Who) -> Answer:
        entity = None if who.admin else _entity(call.params, who.account)
        if entity is not None and self._clock() < self._written.get(entity, 0.0) + self.clash:
            raise Refused("ConcurrentModification", _CLASH, 409)
        if not who.admin:
            self._check_settled(call, who.account)
        before = None if who.admin else self.reads.before_write(who.account)
        answer = self._carry_out(call, who)
        if answer.ok:
            if who.admin:
                self.reads.clear()
            self.reads.written(who.account, before)
            if entity is not None and self.clash:
                self._written[entity] = self._clock()
            if call.operation in ("DeleteUser", "CreateLoginProfile"):
                self._unsettled[who.account, str(call.params.get("UserName"))] = self._clock()
        return answer

    def _check_settled(self, call: Call, account: str) -> None:
        """A user made anew under a name, and a new password, cannot be changed at once (IAM API, common errors)."""
        since = self._unsettled.get((account, str(call.params.get("UserName"))))
        if call.operation in _OF_SETTLED and since is not None and self._clock() < since + self.clash:
            name = call.params.get("UserName")
            message = f"Login Profile for User {name} cannot be modified while login profile is being created."
            raise Refused("EntityTemporarilyUnmodifiable", message, 409)

    def _carry_out(self, call: Call, who: Who) -> Answer:
        check_iam(call, who.account, self.most_attached)
        check_deletion(call, who.account)
        check_quotas(call, who.account)
        own = self._own_answer(call, who)
        if own is not None:
            return own
        principal = endangered(call, who.account)
        answer = self._forward(call, who.account)
        if answer.ok:
            after_iam(call, who.account)
            if principal is not None and (name := current_name(principal)) != principal.arn:
                self._rename(principal.arn, name)
        return answer

    def _own_answer(self, call: Call, who: Who) -> Answer | None:
        """What moto does not know; `None` for the rest."""
        if call.operation in ("SimulatePrincipalPolicy", "SimulateCustomPolicy"):
            by_principal = call.operation == "SimulatePrincipalPolicy"
            return result_answer(call, simulate(call.params, who.account, principal=by_principal))
        if call.operation == "GenerateServiceLastAccessedDetails":
            return result_answer(call, self._last_accessed.generate(call.params, who.account))
        if call.operation == "GetServiceLastAccessedDetails":
            return result_answer(call, self._last_accessed.get(call.params))
        return answer_iam(call, who) or answer_features(call, who.account)

    def _rename(self, old: str, new: str) -> None:
        rename_in_stored_policies(old, new)

        def renamed(fact: Fact) -> Fact:
            if isinstance(fact, BucketFact) and fact.policy:
                return replace(fact, policy=renamed_principal(fact.policy, old, new))
            if isinstance(fact, RoleFact):
                return replace(fact, trust=renamed_principal(fact.trust, old, new))
            return fact

        self._delays.amend(renamed)


def _entity(params: Mapping[str, Any], account: str) -> tuple[str, str, str] | None:
    """The identity that a write changes: its account, kind and name."""
    return next(((account, name, str(params[name])) for name in _ENTITIES if params.get(name)), None)
