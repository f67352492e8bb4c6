"""The S3 Control API: what of it this account answers itself, and what it hands to moto."""

from __future__ import annotations

from collections.abc import Callable

from moto.core.utils import camelcase_to_underscores
from moto.s3control.responses import S3ControlResponse

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import check_call
from s3ir_tui.gameday.batch_jobs import Batch
from s3ir_tui.gameday.batch_run import Perform, Runner
from s3ir_tui.gameday.delays import Delays
from s3ir_tui.gameday.s3_points import PointsApi
from s3ir_tui.gameday.sessions import Sessions
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer

Forward = Callable[[Call, str], Answer]

_NO_GRANTS = frozenset({"GetAccessGrantsInstance", "ListAccessGrants", "ListAccessGrantsLocations"})


class S3Control:
    """S3 Control.

    Args:
        sessions: Where the sessions of job roles are kept.
        delays: What enforcement believes.
        perform: Makes a request to S3 for a job.
        forward: Hands a call to moto.
    """

    def __init__(self, sessions: Sessions, delays: Delays, perform: Perform, forward: Forward) -> None:
        self._forward = forward
        self._batch = Batch(Runner(sessions, delays, perform).run)
        self._own = {**self._batch.operations, **PointsApi().operations}

    def clear(self) -> None:
        """Forget the jobs."""
        self._batch.clear()

    def answer(self, call: Call, who: Who) -> Answer:
        """Check and carry out a call.

        Raises:
            Refused: S3 Control refuses it.
        """
        account = str(call.params.get("AccountId") or who.account)
        if account != who.account:
            raise Refused("AccessDenied", "Access Denied")
        if own := self._own.get(call.operation):
            return own(call, who)
        check_call(call, who)
        if call.operation == "ListAccessGrantsInstances":
            return result_answer(call, {"AccessGrantsInstancesList": []})
        if call.operation in _NO_GRANTS:
            message = "Access Grants Instance does not exist"
            raise Refused("AccessGrantsInstanceNotExistsError", message, 404)
        if not hasattr(S3ControlResponse, camelcase_to_underscores(call.operation)):
            raise Refused("NotImplemented", f"{call.operation} is not part of this account", 501)
        return self._forward(call, who.account)
