"""The Identity and Access Management service: what is checked, what is answered here, what a write brings about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.delays import Delays
from s3ir_tui.gameday.iam_rules import after_iam, answer_iam, check_iam
from s3ir_tui.gameday.principals import current_name, endangered, rename_in_stored_policies, renamed_principal
from s3ir_tui.gameday.store import BucketFact, Fact, RoleFact
from s3ir_tui.gameday.wire import Answer, Call

Forward = Callable[[Call, str], Answer]


class IamService:
    """IAM.

    Args:
        delays: What enforcement believes.
        forward: Hands a call to moto, to act in an account.
    """

    def __init__(self, delays: Delays, forward: Forward) -> None:
        self._delays = delays
        self._forward = forward

    def answer(self, call: Call, who: Who) -> Answer:
        """Check and carry out a call that the caller is allowed to make.

        Raises:
            Refused: IAM refuses it.
        """
        check_iam(call, who.account)
        own = answer_iam(call, who)
        if own is not None:
            return own
        principal = endangered(call, who.account)
        answer = self._forward(call, who.account)
        if answer.ok:
            after_iam(call, who.account)
            if principal is not None and (name := current_name(principal)) != principal.arn:
                self._rename(principal.arn, name)
        return answer

    def _rename(self, old: str, new: str) -> None:
        rename_in_stored_policies(old, new)

        def renamed(fact: Fact) -> Fact:
            if isinstance(fact, BucketFact) and fact.policy:
                return replace(fact, policy=renamed_principal(fact.policy, old, new))
            if isinstance(fact, RoleFact):
                return replace(fact, trust=renamed_principal(fact.trust, old, new))
            return fact

        self._delays.amend(renamed)
