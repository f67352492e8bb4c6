"""CloudTrail's public keys, and whether a signature was made with one of them.

RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2.2) takes one modular exponentiation and one comparison of the whole
encoded message, and a key two integers of DER: less code than the care of one more dependency. Nothing here is secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""The DER before the hash in the encoded message (RFC 8017, 9.2, note 1)."""

_RSA_ENCRYPTION = bytes.fromhex("300d06092a864886f70d0101010500")
_SEQUENCE, _INTEGER, _BIT_STRING = 0x30, 0x02, 0x03
_BITS = range(2048, 8193)
_PEM = re.compile(rb"-----BEGIN (?:RSA )?PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END (?:RSA )?PUBLIC KEY-----")


class KeysError(ValueError):
    """Public keys cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that CloudTrail signs the digests of one Region with.

    Attributes:
        fingerprint: As digests name it: MD5 of the DER, in hex.
        modulus: RSA modulus.
        exponent: RSA exponent.
        start: Since when CloudTrail signs with it, or `None` where the file does not tell.
        end: Until when, or `None`.
    """

    fingerprint: str
    modulus: int
    exponent: int
    start: datetime | None = None
    end: datetime | None = None

    def signed(self, message: bytes, signature: str) -> bool:
        """Whether a signature of a message was made with this key.

        Args:
            message: What was signed.
            signature: In hex.
        """
        length = (self.modulus.bit_length() + 7) // 8
        try:
            given = bytes.fromhex(signature)
        except ValueError:
            return False
        number = int.from_bytes(given, "big")
        if len(given) != length or number >= self.modulus:
            return False
        encoded = pow(number, self.exponent, self.modulus).to_bytes(length, "big")
        tail = b"\x00" + _SHA256_INFO + hashlib.sha256(message).digest()
        # The whole of it is compared: whoever parses the padding instead can be given forged signatures.
        return hmac.compare_digest(encoded, b"\x00\x01" + b"\xff" * (length - 2 - len(tail)) + tail)


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
        modulus, exponent = _numbers(der)
        fingerprint = str(entry.get("Fingerprint") or "").lower() or _fingerprint(der)
        if fingerprint != _fingerprint(der):
            raise KeysError(f"the key with fingerprint {fingerprint} has another one: {_fingerprint(der)}")
        keys[fingerprint] = PublicKey(
            fingerprint,
            modulus,
            exponent,
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
    der = _der(b"".join(block.split()).decode())
    modulus, exponent = _numbers(der)
    bare = _sequence(_integer(modulus) + _integer(exponent))
    wrapped = _sequence(_RSA_ENCRYPTION + _element(_BIT_STRING, b"\x00" + bare))
    return {
        fingerprint: PublicKey(fingerprint, modulus, exponent)
        for fingerprint in (_fingerprint(bare), _fingerprint(wrapped))
    }


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


# -- DER -----------------------------------------------------------------------------------------------------------


def _numbers(der: bytes) -> tuple[int, int]:
    """Modulus and exponent of a key, in PKCS #1 or wrapped as SubjectPublicKeyInfo.

    Raises:
        KeysError: It is no RSA key, or one that cannot be trusted.
    """
    inner, rest = _open(_SEQUENCE, der)
    if inner.startswith(_RSA_ENCRYPTION):
        bits, inner_rest = _open(_BIT_STRING, inner[len(_RSA_ENCRYPTION) :])
        if bits[:1] != b"\x00" or inner_rest:
            raise KeysError("a key is no RSA key in DER")
        inner, rest = _open(_SEQUENCE, bits[1:])
    first, others = _open(_INTEGER, inner)
    second, more = _open(_INTEGER, others)
    modulus, exponent = int.from_bytes(first, "big", signed=True), int.from_bytes(second, "big", signed=True)
    if rest or more:
        raise KeysError("a key is no RSA key in DER")
    if modulus.bit_length() not in _BITS or modulus <= 0 or not modulus & 1 or not 3 <= exponent < 1 << 33:
        raise KeysError("a key is too weak, or no RSA key")
    return modulus, exponent


def _open(tag: int, data: bytes) -> tuple[bytes, bytes]:
    """The content of the element that data begins with, and what comes after it."""
    if len(data) < 2 or data[0] != tag:
        raise KeysError("a key is no RSA key in DER")
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    if not 2 <= start <= 6 or start + length > len(data):
        raise KeysError("a key is cut off")
    return data[start : start + length], data[start + length :]


def _element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def _sequence(content: bytes) -> bytes:
    return _element(_SEQUENCE, content)


def _integer(number: int) -> bytes:
    return _element(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))
