"""CloudTrail's public keys, and whether a signature was made with one of them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_BITS = range(2048, 8193)
_PEM = re.compile(rb"-----BEGIN (?:RSA )?PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END (?:RSA )?PUBLIC KEY-----")


class KeysError(ValueError):
    """Public keys cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that CloudTrail signs the digests of one Region with.

    Attributes:
        fingerprint: As digests name it: MD5 of the DER, in hex.
        key: The RSA key.
        start: Since when CloudTrail signs with it, or `None` where the file does not tell.
        end: Until when, or `None`.
    """

    fingerprint: str
    key: RSAPublicKey
    start: datetime | None = None
    end: datetime | None = None

    def signed(self, message: bytes, signature: str) -> bool:
        """Whether a signature of a message was made with this key.

        Args:
            message: What was signed.
            signature: In hex.
        """
        # Loading it takes longer than the rest of a command that checks no signature.
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            self.key.verify(bytes.fromhex(signature), message, PKCS1v15(), SHA256())
        except (ValueError, InvalidSignature):
            return False
        return True


def load_keys(data: bytes) -> dict[str, PublicKey]:
    """Read saved keys.

    Args:
        data: An answer of ListPublicKeys as JSON (of the AWS CLI or an SDK), a list of such answers, or keys in PEM.

    Returns:
        The keys by their fingerprints.

    Raises:
        KeysError: It is neither, or a key in it is no RSA key or not the one that its fingerprint says.
    """
    blocks = _PEM.findall(data)
    if blocks:
        return dict(item for block in blocks for item in _pem_key(block).items())
    try:
        found = msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise KeysError("neither a saved answer of ListPublicKeys (JSON) nor keys in PEM") from None
    keys = keys_of(_entries(found))
    if not keys:
        raise KeysError("no keys in it: PublicKeyList is missing or empty")
    return keys


def keys_of(entries: Iterable[Mapping[str, Any]]) -> dict[str, PublicKey]:
    """Take over the `PublicKeyList` of ListPublicKeys.

    Args:
        entries: Its items; `Value` is DER in bytes, or in base64 as the AWS CLI prints it.

    Raises:
        KeysError: One is no RSA key, or not the one that its fingerprint says.
    """
    keys: dict[str, PublicKey] = {}
    for entry in entries:
        der = _der(entry.get("Value"))
        key = _rsa_key(der)
        fingerprint = str(entry.get("Fingerprint") or "").lower() or _fingerprint(der)
        if fingerprint != _fingerprint(der):
            raise KeysError(f"the key with fingerprint {fingerprint} has another one: {_fingerprint(der)}")
        keys[fingerprint] = PublicKey(
            fingerprint,
            key,
            _moment(entry.get("ValidityStartTime")),
            _moment(entry.get("ValidityEndTime")),
        )
    return keys


def _entries(found: Any) -> list[Mapping[str, Any]]:
    if isinstance(found, list):
        return [entry for item in found for entry in _entries(item)]
    if not isinstance(found, dict):
        return []
    inner = found.get("PublicKeyList", found.get("publicKeyList"))
    if isinstance(inner, list):
        return [entry for entry in inner if isinstance(entry, dict)]
    return [found] if "Value" in found else []


def _pem_key(block: bytes) -> dict[str, PublicKey]:
    """The key of one PEM block under the fingerprints that it has in either of its two encodings."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = _rsa_key(_der(b"".join(block.split()).decode()))
    forms = (PublicFormat.PKCS1, PublicFormat.SubjectPublicKeyInfo)
    fingerprints = [_fingerprint(key.public_bytes(Encoding.DER, form)) for form in forms]
    return {fingerprint: PublicKey(fingerprint, key) for fingerprint in fingerprints}


def _fingerprint(der: bytes) -> str:
    # Not documented; it holds for every key of the sample answer in AWS's page on custom validation.
    return hashlib.md5(der, usedforsecurity=False).hexdigest()


def _der(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        raise KeysError("a key is not in base64") from None


def _moment(value: Any) -> datetime | None:
    """A time as boto3 gives it, as ISO 8601, or as seconds since 1970 in a number or a string.

    Raises:
        KeysError: It is none: a key must not become valid for ever because its times cannot be read.
    """
    if value is None:
        return None
    try:
        if isinstance(value, datetime):
            moment = value
        elif isinstance(value, int | float) or re.fullmatch(r"\d+(\.\d+)?", str(value)):
            moment = datetime.fromtimestamp(float(value), UTC)
        else:
            moment = datetime.fromisoformat(str(value))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise KeysError("the validity of a key is no time") from None


def _rsa_key(der: bytes) -> RSAPublicKey:
    """A key in PKCS #1 or wrapped as SubjectPublicKeyInfo.

    Raises:
        KeysError: It is no RSA key, or one that cannot be trusted.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise KeysError("a key is no RSA key in DER") from None
    if not isinstance(key, RSAPublicKey) or key.key_size not in _BITS or key.public_numbers().e >= 1 << 33:
        raise KeysError("a key is too weak, or no RSA key")
    return key
