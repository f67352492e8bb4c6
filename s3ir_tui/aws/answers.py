"""What becomes of answers and errors of botocore: answers that broke off are errors, errors are `AwsError`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3ir_tui.aws.errors import AwsError, from_exception, from_response
from s3ir_tui.aws.guard import WriteRefused


def see_that_it_is_whole(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    """Refuse an answer that broke off."""
    # botocore takes an answer that broke off for whole, and JSON that it cannot read for an empty result: a page of
    # events would be lost without a word.
    from botocore.exceptions import IncompleteReadError

    body, headers = response_dict.get("body"), response_dict["headers"]
    length = str(headers.get("content-length") or "")
    if not isinstance(body, bytes) or operation_model.http.get("method") == "HEAD":
        return
    if length.isdigit() and len(body) < int(length):
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=int(length))
    # One that broke off among its headers has no length: HTTP takes the end of the line for the end of the answer.
    framed = length or headers.get("transfer-encoding") or headers.get("connection")
    if not body and not framed and response_dict["status_code"] == 200:
        raise IncompleteReadError(actual_bytes=0, expected_bytes=1)


class Errors:
    """Turns botocore's exceptions into `AwsError`."""

    def __init__(self, operation: str, on: str, profile: str) -> None:
        self._operation, self._on, self._profile = operation, on, profile

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if error is None or isinstance(error, AwsError | WriteRefused):
            return
        import botocore.exceptions
        import botocore.parsers

        if isinstance(error, botocore.exceptions.ClientError):
            raise from_response(self._operation, error.response, on=self._on, profile=self._profile) from None
        if isinstance(error, botocore.exceptions.BotoCoreError | botocore.parsers.ResponseParserError):
            raise from_exception(self._operation, error, on=self._on, profile=self._profile) from None


_ABOUT = ("Bucket", "UserName", "RoleName", "InstanceProfileName", "AccessKeyId", "PolicyArn", "AccountId")


def about(params: Mapping[str, Any]) -> str:
    """What a call is about, for its error."""
    return next((str(params[name]) for name in _ABOUT if params.get(name)), "")
