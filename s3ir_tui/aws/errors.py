"""What went wrong with a call to AWS, in words that a responder can act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3ir_tui.aws import denials
from s3ir_tui.text import clean

DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "UnauthorizedAccess",
        "AllAccessDisabled",
    }
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_BAD_KEY = frozenset(
    {
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "AuthFailure",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "InvalidToken",
    }
)
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown", "TooManyRequests"})
_SKEWED = frozenset({"RequestTimeTooSkewed", "RequestExpired"})

_NOT_SENT = frozenset(
    {"NoCredentialsError", "ParamValidationError", "EndpointConnectionError", "ConnectTimeoutError", "MfaRequired"}
)

_LONGEST = 600


class AwsError(Exception):
    """A call that AWS refused or that did not reach it.

    Attributes:
        code: AWS's error code, or botocore's exception name where AWS did not answer.
        message: AWS's message, cleaned for display.
        operation: What failed: `iam:UpdateAccessKey`.
        status: HTTP status; 0 where there was no answer.
        request_id: AWS's request id, or "".
        aws_date: AWS's clock, from the answer, or "".
        hint: What it means and what to do next.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        operation: str = "",
        status: int = 0,
        request_id: str = "",
        aws_date: str = "",
        hint: str = "",
    ) -> None:
        self.code = code
        self.message = clean(message)[:_LONGEST]
        self.operation = operation
        self.status = status
        self.request_id = request_id
        self.aws_date = aws_date
        self.hint = hint
        super().__init__(": ".join(part for part in (operation, code, self.message) if part))

    def __str__(self) -> str:
        text = f"{self.operation} failed: {self.code}" if self.operation else self.code
        if self.message and self.message != self.code:
            text += f" ({self.message})"
        return f"{text}. {self.hint}" if self.hint else text

    @property
    def denied(self) -> bool:
        """Whether AWS denied it: a permission is missing, or a policy denies it."""
        return self.code in DENIED

    @property
    def denied_by(self) -> str:
        """The kind of policy that denies it explicitly (`resource-based policy`), or "" where none is named."""
        return denials.reason(self.message) if self.denied else ""

    @property
    def short(self) -> str:
        """A cell's worth: `no permission`, `explicit deny`, or the error code."""
        if self.denied_by:
            return "explicit deny"
        return "no permission" if self.denied else self.code

    @property
    def sent(self) -> bool:
        """Whether the request may have reached AWS: an error made on this machine alone changed nothing."""
        return self.code not in _NOT_SENT

    @property
    def answered(self) -> bool:
        """Whether AWS answered with a refusal, so that the call had no effect (a 5xx may have had one)."""
        return 400 <= self.status < 500


def from_response(operation: str, response: Mapping[str, Any], *, on: str = "", profile: str = "") -> AwsError:
    """The error in a response that botocore raised as `ClientError`.

    Args:
        operation: Service and operation: `s3:GetBucketPolicy`.
        response: `ClientError.response`.
        on: What the call was about, for the message.
        profile: Name of the profile in use, for the sign-in hint.
    """
    error = response.get("Error") or {}
    meta = response.get("ResponseMetadata") or {}
    code, message = str(error.get("Code") or "Unknown"), str(error.get("Message") or "")
    headers = meta.get("HTTPHeaders") or {}
    return AwsError(
        code,
        message,
        operation=f"{operation} on {clean(on)}" if on else operation,
        status=int(meta.get("HTTPStatusCode") or 0),
        request_id=str(meta.get("RequestId") or headers.get("x-amz-request-id") or ""),
        aws_date=str(headers.get("date") or ""),
        hint=_hint(code, message, operation, profile),
    )


def from_exception(operation: str, error: Exception, *, on: str = "", profile: str = "") -> AwsError:
    """The error behind an exception of botocore that is not an answer of AWS: no credentials, no route, no profile."""
    code = type(error).__name__
    hint = next((text for names, text in _LOCAL if code in names), "")
    return AwsError(
        code,
        str(error),
        operation=f"{operation} on {clean(on)}" if on else operation,
        hint=hint.format(profile=f" --profile {profile}" if profile else ""),
    )


_SIGN_IN = (
    "The sign-in has expired or was never made: run `aws sso login{profile}` in another terminal; "
    "the next try finds it, this console goes on."
)
_LOCAL: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}),
        "No usable AWS credentials were found: give --profile, set AWS_PROFILE, or run `aws sso login{profile}`.",
    ),
    (
        frozenset(
            {
                "UnauthorizedSSOTokenError",
                "SSOTokenLoadError",
                "TokenRetrievalError",
                "SSOError",
                "LoginRefreshRequired",
                "LoginTokenLoadError",
            }
        ),
        _SIGN_IN,
    ),
    (
        frozenset({"MissingDependencyException"}),
        "This needs botocore's CRT: install it beside s3ir-tui with `pip install 'botocore[crt]'` and start again.",
    ),
    (frozenset({"ProfileNotFound"}), "`aws configure list-profiles` shows the profiles that there are."),
    (
        frozenset(
            {
                "EndpointConnectionError",
                "ConnectTimeoutError",
                "ConnectionClosedError",
                "ConnectionError",
                "SSLError",
                "ProxyConnectionError",
            }
        ),
        "AWS could not be reached: check the network, the proxy, the Region and AWS_ENDPOINT_URL.",
    ),
    (
        frozenset({"ReadTimeoutError", "HTTPClientError"}),
        "No answer came in time: whether the call had an effect is not known until the state is read again.",
    ),
    (frozenset({"NoRegionError"}), "Give --region or set AWS_REGION."),
)


def _hint(code: str, message: str, operation: str, profile: str) -> str:
    if code in DENIED:
        return denials.hint(message, operation)
    if code in _EXPIRED:
        return _SIGN_IN.format(profile=f" --profile {profile}" if profile else "")
    if code in _BAD_KEY:
        other = " Credentials of GovCloud, China or the European Sovereign Cloud need a --region of theirs."
        known = code in ("InvalidClientTokenId", "UnrecognizedClientException")
        return (
            "These credentials are not (or no longer) accepted: the key may be inactive or deleted, or the Region not "
            f"enabled.{other if known else ''}"
        )
    if code in _THROTTLED:
        return "AWS asks for fewer calls: wait a little and try again."
    if code in _SKEWED:
        return "The clock of this machine is wrong: set it (AWS allows five minutes)."
    if code == "OptInRequired":
        return "The Region or service is not enabled for this account."
    return ""
