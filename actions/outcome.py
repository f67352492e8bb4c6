"""What became of one write: what AWS said, what was read afterwards, and the record of both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from actions.plan import StepState
from actions.records import UNKNOWN
from s3ir_tui.aws.errors import AwsError

CLASHES = frozenset(
    {
        "ConcurrentModification",
        "ConcurrentModificationException",
        "ConflictException",
        "EntityTemporarilyUnmodifiable",
        "EntityTemporarilyUnmodifiableException",
        "OperationAborted",
    }
)
"""Codes of a write that met another one: AWS asks to try again.

Source: Amazon S3 API reference, error responses (OperationAborted, 409); IAM API reference, errors of PutRolePolicy and
DeleteUserPolicy (ConcurrentModification, EntityTemporarilyUnmodifiable, 409).
"""

_THROTTLES = frozenset(
    {
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
    }
)
_INVALID = frozenset(
    {
        "InvalidArgument",
        "InvalidInput",
        "InvalidParameterValue",
        "LimitExceeded",
        "MalformedACLError",
        "MalformedPolicy",
        "MalformedPolicyDocument",
        "MalformedXML",
        "ParamValidationError",
        "ValidationError",
        "WriteRefused",
    }
)
"""Codes that say what is wrong with the request itself: no try of it can have had an effect."""

_WORDS = {StepState.DONE: "done", StepState.MOVED: "moved", StepState.UNKNOWN: UNKNOWN}


@dataclass(frozen=True, slots=True)
class Sent:
    """What AWS said to a write.

    Attributes:
        accepted: Whether the write took effect; `None` where only a read can tell.
        begun: Whether a request may have left this machine.
        http: HTTP status.
        request_id: AWS's request id.
        aws_date: AWS's clock.
        error: What went wrong, or `None`.
    """

    accepted: bool | None
    begun: bool = False
    http: int = 0
    request_id: str = ""
    aws_date: str = ""
    error: AwsError | None = None

    @property
    def again(self) -> bool:
        """Whether AWS asks to try again: another write was under way, or there were too many."""
        return self.error is not None and self.error.code in CLASHES | _THROTTLES

    @property
    def settled(self) -> bool:
        """Whether the error says all: no read could tell more."""
        return self.error is not None and (not self.begun or self.error.code in _INVALID)


NOT_SENT = Sent(accepted=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt at a step ended.

    Attributes:
        state: The state of the step.
        detail: In words.
        sent: What AWS said.
        after: The state that was read last.
        already: Whether nothing was sent because it is in effect.
        again: Whether the step is to be tried again.
    """

    state: StepState
    detail: str
    sent: Sent = NOT_SENT
    after: Any = None
    already: bool = False
    again: bool = False

    def record(self) -> dict[str, Any]:
        """What the log keeps of it."""
        error = self.sent.error and {"code": self.sent.error.code, "message": self.sent.error.message}
        return {
            "kind": "outcome",
            "ok": self.state is StepState.DONE,
            "state": _WORDS.get(self.state, "failed"),
            "accepted": bool(self.sent.accepted),
            "sent": self.sent.begun,
            "already": self.already,
            "http": self.sent.http,
            "request_id": self.sent.request_id,
            "aws_date": self.sent.aws_date,
            "error": error,
            "detail": self.detail,
            "after": self.after,
        }


def taken(sent: Sent) -> Sent:
    """The same, once a read has shown that it took effect."""
    return replace(sent, accepted=True)


def answered(response: dict[str, Any]) -> Sent:
    """What an answer of AWS without an error says."""
    meta = response.get("ResponseMetadata") or {}
    headers = meta.get("HTTPHeaders") or {}
    return Sent(
        accepted=True,
        begun=True,
        http=int(meta.get("HTTPStatusCode") or 0),
        request_id=str(meta.get("RequestId") or headers.get("x-amz-request-id") or ""),
        aws_date=str(headers.get("date") or ""),
    )


def failed(error: AwsError) -> Sent:
    """What an error says. A 4xx refused this try; a 5xx or a lost answer may have taken effect."""
    accepted = False if error.answered or not error.sent else None
    return Sent(accepted, error.sent, error.status, error.request_id, error.aws_date, error)
