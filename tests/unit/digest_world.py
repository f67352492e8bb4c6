"""A trail for tests: log files and digests as CloudTrail chains and signs them, with a key made here."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from trail_world import record

ACCOUNT, REGION, TRAIL, BUCKET = "111122223333", "eu-central-1", "org_trail", "trail-logs"
START = datetime(2026, 11, 24, 9, 1, 31, tzinfo=UTC)
HOUR = timedelta(hours=1)


def key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A private key; another number is another key."""
    return _made(number, bits)


@functools.cache
def _made(_number: int, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def der(private: rsa.RSAPrivateKey, form: PublicFormat = PublicFormat.PKCS1) -> bytes:
    """Its public half, as ListPublicKeys gives it."""
    return private.public_key().public_bytes(Encoding.DER, form)


def fingerprint(private: rsa.RSAPrivateKey) -> str:
    """As CloudTrail names keys."""
    return hashlib.md5(der(private)).hexdigest()


def entry(private: rsa.RSAPrivateKey, start: datetime = START - 24 * HOUR, end: datetime = START + 24 * HOUR) -> Any:
    """An item of `PublicKeyList`, as the AWS CLI prints it."""
    return {
        "Value": base64.b64encode(der(private)).decode(),
        "ValidityStartTime": start.isoformat(),
        "ValidityEndTime": end.isoformat(),
        "Fingerprint": fingerprint(private),
    }


def iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class Trail:
    """A trail that delivers into a folder.

    Attributes:
        folder: The folder, as a copy of the bucket.
        digests: The files of its digests, oldest first.
        logs: Its log files, hour by hour.
        signatures: Signatures of the digests.
    """

    folder: Path
    bucket: str = BUCKET
    trail: str = TRAIL
    region: str = REGION
    signer: rsa.RSAPrivateKey = field(default_factory=key)
    suffix: str = ""
    at: datetime = START
    digests: list[Path] = field(default_factory=list)
    logs: list[list[Path]] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    _previous: dict[str, Any] = field(default_factory=dict)
    _number: int = 0

    def hour(self, files: int = 2, **replaced: Any) -> Path:
        """Deliver log files, and after an hour their digest; `replaced` are fields that it has instead."""
        named, paths = [], []
        for _ in range(files):
            self._number += 1
            content = json.dumps({"Records": [record("GetObject", bucket="payroll", key=str(self._number))]}).encode()
            where = (
                f"AWSLogs/{ACCOUNT}/CloudTrail/{self.region}/{self.at:%Y/%m/%d}/{ACCOUNT}_CloudTrail_{self.region}_"
                f"{self.at:%Y%m%dT%H%MZ}_{self.trail[:3]}{self._number:013}.json.gz"
            )
            paths.append(self._write(where, content))
            named.append(
                {
                    "s3Bucket": self.bucket,
                    "s3Object": where,
                    "hashValue": hashlib.sha256(content).hexdigest(),
                    "hashAlgorithm": "SHA-256",
                    "newestEventTime": iso(self.at),
                    "oldestEventTime": iso(self.at),
                }
            )
        end = self.at + HOUR
        where = (
            f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{self.region}/{end:%Y/%m/%d}/{ACCOUNT}_CloudTrail-Digest_{self.region}_"
            f"{self.trail}_{self.region}_{end:%Y%m%dT%H%M%SZ}{self.suffix}.json.gz"
        )
        digest = {
            "awsAccountId": ACCOUNT,
            "digestStartTime": iso(self.at),
            "digestEndTime": iso(end),
            "digestS3Bucket": self.bucket,
            "digestS3Object": where,
            "digestPublicKeyFingerprint": fingerprint(self.signer),
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": iso(self.at) if files else None,
            "oldestEventTime": iso(self.at) if files else None,
            "previousDigestS3Bucket": self._previous.get("bucket"),
            "previousDigestS3Object": self._previous.get("key"),
            "previousDigestHashValue": self._previous.get("hash"),
            "previousDigestHashAlgorithm": "SHA-256" if self._previous else None,
            "previousDigestSignature": self._previous.get("signature"),
            "logFiles": named,
        } | replaced
        content = json.dumps(digest).encode()
        signature = sign(self.signer, digest, content)
        self._previous = {
            "bucket": digest["digestS3Bucket"],
            "key": where,
            "hash": hashlib.sha256(content).hexdigest(),
            "signature": signature,
        }
        self.at = end
        self.digests.append(self._write(where, content))
        self.logs.append(paths)
        self.signatures.append(signature)
        return self.digests[-1]

    def hours(self, count: int) -> Trail:
        """Deliver for some hours."""
        for _ in range(count):
            self.hour()
        return self

    def restart(self, after: timedelta = timedelta(0)) -> Trail:
        """Stop logging for some time; what follows begins a chain of its own."""
        self.at += after
        self._previous = {}
        return self

    def sidecar(self, number: int = -1) -> Trail:
        """Save the signature of a digest beside it."""
        file = self.digests[number]
        file.with_name(f"{file.name}.signature").write_text(self.signatures[number] + "\n")
        return self

    def _write(self, where: str, content: bytes) -> Path:
        path = self.folder / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content))
        return path


def sign(private: rsa.RSAPrivateKey, digest: dict[str, Any], content: bytes) -> str:
    """The signature of a digest, made as AWS's pages say, not with the code under test."""
    lines = [
        digest["digestEndTime"],
        f"{digest['digestS3Bucket']}/{digest['digestS3Object']}",
        hashlib.sha256(content).hexdigest(),
        "null" if digest["previousDigestSignature"] is None else digest["previousDigestSignature"],
    ]
    return private.sign("\n".join(lines).encode(), padding.PKCS1v15(), hashes.SHA256()).hex()
