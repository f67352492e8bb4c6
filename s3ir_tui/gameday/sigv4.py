"""Checks AWS Signature Version 4, in the Authorization header or in the query of a presigned URL."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from s3ir_tui.gameday.wire import SIGNED_HOST, Call, Refused

_SKEW = timedelta(minutes=15)
_LONGEST_PRESIGNED = 7 * 86400
_HEX64 = re.compile(r"[0-9a-f]{64}")


def check_signature(call: Call, secret: str, now: datetime | None = None) -> None:
    """Recompute the signature of a request and compare.

    Args:
        call: The request.
        secret: Secret access key that it should be signed with.
        now: The time (UTC); now by default.

    Raises:
        Refused: The signature, the clock or the payload hash is wrong, or a presigned URL has expired.
    """
    now = now or datetime.now(UTC)
    fields = dict(call.query) if call.presigned else _header_fields(call)
    try:
        date = fields["X-Amz-Date"]
        signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        _, day, region, service, terminator = fields["X-Amz-Credential"].split("/")
        names, given = fields["X-Amz-SignedHeaders"].split(";"), fields["X-Amz-Signature"]
    except (KeyError, ValueError):
        raise Refused("IncompleteSignature", "The request signature does not conform to AWS standards.", 400) from None
    if call.presigned:
        _check_expiry(fields, signed_at, now)
    elif abs(now - signed_at) > _SKEW:
        message = "The difference between the request time and the current time is too large."
        raise Refused("RequestTimeTooSkewed" if service == "s3" else "SignatureDoesNotMatch", message)
    request = "\n".join(
        [
            call.environ["REQUEST_METHOD"],
            (call.path if service == "s3" else quote(call.path, safe="/-_.~")) or "/",
            _canonical_query(call),
            "".join(f"{name}:{' '.join(_header(call, name).split())}\n" for name in names),
            ";".join(names),
            _payload_hash(call),
        ]
    )
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, terminator):
        key = hmac.new(key, part.encode(), "sha256").digest()
    scope = f"{day}/{region}/{service}/{terminator}"
    text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    if not hmac.compare_digest(hmac.new(key, text.encode(), "sha256").hexdigest(), given):
        message = "The request signature we calculated does not match the signature you provided."
        raise Refused("SignatureDoesNotMatch", message)


def _header_fields(call: Call) -> dict[str, str]:
    _, _, rest = call.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    fields = {"X-Amz-" + name: value for name, value in parts.items()}
    fields["X-Amz-Date"] = call.header("x-amz-date")
    return fields


def _check_expiry(fields: dict[str, str], signed_at: datetime, now: datetime) -> None:
    try:
        seconds = int(fields["X-Amz-Expires"])
    except (KeyError, ValueError):
        seconds = -1
    if not 0 < seconds <= _LONGEST_PRESIGNED:
        raise Refused("AuthorizationQueryParametersError", "X-Amz-Expires must be between 1 and 604800 seconds", 400)
    if now > signed_at + timedelta(seconds=seconds):
        raise Refused("AccessDenied", "Request has expired")
    if signed_at > now + _SKEW:
        raise Refused("AccessDenied", "Request is not valid yet")


def _canonical_query(call: Call) -> str:
    pairs = [(k, v) for k, v in call.query if not (call.presigned and k == "X-Amz-Signature")]
    return "&".join(f"{k}={v}" for k, v in sorted((_encode(k), _encode(v)) for k, v in pairs))


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")


def _header(call: Call, name: str) -> str:
    if name in ("content-type", "content-length"):
        return str(call.environ.get(name.upper().replace("-", "_"), ""))
    if name == "host" and SIGNED_HOST in call.environ:
        return str(call.environ[SIGNED_HOST])
    return call.header(name)


def _payload_hash(call: Call) -> str:
    stated = call.header("x-amz-content-sha256")
    if call.presigned:
        return stated or "UNSIGNED-PAYLOAD"
    if stated and not _HEX64.fullmatch(stated):
        return stated
    actual = hashlib.sha256(call.body).hexdigest()
    if stated and stated != actual:
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise Refused("XAmzContentSHA256Mismatch", message, 400)
    return actual
