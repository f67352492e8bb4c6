"""What must not stand in the log is taken out before it is recorded, by four sieves, the surest first.

0. Known values: the console's own secrets, told by `learn`, wherever they turn up.
1. The service model: what botocore marks as sensitive in the input and output of our own calls (`call`).
2. Names: fields that carry credentials, such as `sessionToken` or `Authorization`.
3. Shapes: values that look like a secret wherever they stand, in notes, error texts, object keys and URLs too.

What is taken out leaves `[redacted:KIND:8 hex]`, an HMAC under a key of this process: equal values are recognised,
guesses cannot be tried. Access key ids, KMS key ARNs and the MD5 of customer keys are evidence and stay.

Only our own secrets are learned. What sieve 2 meets comes from outside: an attacker who could have a value learned
could have a bucket's name taken out of the whole log.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
import threading
from collections.abc import Mapping
from datetime import date
from functools import lru_cache, partial
from typing import Any, Protocol
from urllib.parse import quote

from s3ir_tui.journal.secret_shapes import SHAPES, is_suspect, secret_keys

_KEY = secrets.token_bytes(32)
_SHORTEST_KNOWN = 12
_DEEPEST = 80

# Marked as sensitive by the service model, but evidence (the key of a ransom, an access key id) and no secrets.
_EVIDENCE = frozenset({"SSEKMSKeyId", "NonEmptyKmsKeyArnString", "AccessKeyId", "accessKeyIdType"})

# CloudTrail's own redaction.
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"

_known: tuple[tuple[str, str], ...] = ()  # secret value and its mark, longest first; replaced, never changed
_learning = threading.Lock()

# Fields that carry credentials, in any spelling: `sessionToken`, `session_token`, `X-Amz-Session-Token`.
_CREDENTIAL_FIELDS = """
    access token, api key, api token, assertion, auth token, authorization, bearer token,
    client secret, cookie, copy source sse customer key, id token, mfa,
    mfa code, mfa token, new password, old password, otp, passphrase, passwd, password, pin, plaintext, private key,
    proxy authorization, refresh token, saml assertion, secret, secret access key, secret key, security token,
    server side encryption context, server side encryption customer key, session token, set cookie, signature,
    sse customer key, sse kms encryption context, token code, web identity token
"""
_NAMES = re.compile(
    f"(?i)(?:.*[-_.])?(?:{'|'.join('[-_]?'.join(name.split()) for name in _CREDENTIAL_FIELDS.split(','))})"
)

_SHORTEST_SUSPECT = 10


class Shape(Protocol):
    """A shape of botocore's service model, as far as it is used here."""

    name: str
    type_name: str
    metadata: Mapping[str, Any]
    serialization: Mapping[str, Any]


class Operation(Protocol):
    """botocore's model of an operation: `client.meta.service_model.operation_model(name)`."""

    @property
    def input_shape(self) -> Any: ...
    @property
    def output_shape(self) -> Any: ...


def mark(kind: str, secret: str) -> str:
    """What stands in a secret's place."""
    digest = hmac.new(_KEY, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    return f"[redacted:{kind}:{digest[:8]}]"


def marked(value: object) -> bool:
    """Whether something was taken out of a value: it is then not fit to be sent back to AWS."""
    if isinstance(value, str):
        return "[redacted:" in value
    if isinstance(value, Mapping):
        return any(marked(key) or marked(item) for key, item in value.items())
    return isinstance(value, list | tuple) and any(marked(item) for item in value)


def learn(kind: str, value: str | None) -> None:
    """From now on this value is taken out wherever it turns up. For our own secrets only.

    Args:
        kind: What it is, for its mark: `secret-key`, `session-token`.
        value: The secret; values too short to be told from words are passed over.
    """
    global _known
    if not value or len(value) < _SHORTEST_KNOWN:
        return
    with _learning:
        told = {secret for secret, _ in _known}
        new = [(form, mark(kind, value)) for form in {value, quote(value, safe="")} if form not in told]
        _known = tuple(sorted((*_known, *new), key=lambda pair: -len(pair[0])))


def text(found: str) -> str:
    """A text without the secrets in it."""
    for secret, instead in _known:
        if secret in found:
            found = found.replace(secret, instead)
    if len(found) < _SHORTEST_SUSPECT or not is_suspect(found):
        return found
    for kind, shape in SHAPES:
        found = shape.sub(partial(_taken_out, kind), found)
    for key in secret_keys(found):
        found = found.replace(key, mark("secret-key", key))
    return found


def _taken_out(kind: str, match: re.Match[str]) -> str:
    """A match with its secret replaced; what an earlier shape has taken out already stays as it is."""
    name = next(name for name, value in match.groupdict().items() if value is not None)
    secret = match[name]
    begin, end = match.start(name) - match.start(), match.end(name) - match.start()
    before = match.string[max(0, match.start() - 40) : match.start(name)]
    if "[redacted:" in secret or before.rfind("[redacted:") > before.rfind("]"):
        return match[0]
    return match[0][:begin] + mark(kind, secret) + match[0][end:]


def value(found: Any, name: str = "") -> Any:
    """A value as JSON values without secrets. Bytes become their length and hash, times ISO 8601.

    Args:
        found: Anything.
        name: Name of the field that it stands in.
    """
    return _value(found, _is_secret_name(name) if name else False, 0)


def document(found: Mapping[str, Any]) -> dict[str, Any]:
    """As `value`, for the document of a record."""
    return {text(str(key)): value(item, str(key)) for key, item in found.items()}


def call(operation: Operation, params: Mapping[str, Any], answer: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Parameters and answer of one of our own calls; what the model calls sensitive is learned and taken out.

    Returns:
        `{"params": ...}`, with `"answer"` where there is one.
    """
    clean = {"params": value(_by_model(params, operation.input_shape))}
    if answer is not None:
        clean["answer"] = value(_by_model(answer, operation.output_shape))
    return clean


@lru_cache(4096)
def _is_secret_name(name: str) -> bool:
    return len(name) <= 100 and _NAMES.fullmatch(name) is not None


def _value(found: Any, secret: bool, depth: int) -> Any:
    if isinstance(found, str):
        return _secret(found) if secret else text(found)
    if found is None or isinstance(found, bool):
        return found
    if isinstance(found, int) and not secret:
        return found if abs(found) < 1 << 64 else str(found)
    if depth > _DEEPEST:
        return "[nested too deeply to be recorded]"
    if isinstance(found, Mapping):
        return {
            text(str(key)): _value(item, secret or _is_secret_name(str(key)), depth + 1) for key, item in found.items()
        }
    if isinstance(found, list | tuple | set | frozenset):
        return [_value(item, secret, depth + 1) for item in found]
    return _secret(str(found)) if secret else _other(found)


def _other(found: Any) -> Any:
    if isinstance(found, float):
        return found if math.isfinite(found) else str(found)
    if isinstance(found, bytes | bytearray | memoryview):
        return {"bytes": len(found), "sha256": hashlib.sha256(found).hexdigest()}
    if isinstance(found, date):
        return found.isoformat()
    if hasattr(found, "read"):
        return {"stream": type(found).__name__}
    return text(str(found))[:2000]


def _secret(found: str) -> str:
    return found if not found or found == _HIDDEN else _mark_once("field", found)


def _mark_once(kind: str, secret: str) -> str:
    return secret if secret.startswith("[redacted:") and secret.endswith("]") else mark(kind, secret)


def _by_model(found: Any, shape: Any) -> Any:
    if shape is None or found is None:
        return found
    if shape.metadata.get("sensitive") and shape.name not in _EVIDENCE:
        if isinstance(found, str):
            learn(shape.name, found)
        return mark(shape.name, str(found))
    if shape.serialization.get("streaming"):
        return {"stream": shape.name}
    if shape.type_name == "structure" and isinstance(found, Mapping):
        return {key: _by_model(item, shape.members.get(key)) for key, item in found.items()}
    if shape.type_name == "list" and isinstance(found, list | tuple):
        return [_by_model(item, shape.member) for item in found]
    if shape.type_name == "map" and isinstance(found, Mapping):
        return {key: _by_model(item, shape.value) for key, item in found.items()}
    return found
