"""Digest files of CloudTrail, and whether they vouch for each other and for the log files that they name.

Rules, by AWS's pages "CloudTrail digest file structure" and "Custom implementations of CloudTrail log file integrity
validation", and by what the AWS CLI does (`validate-logs`): hashes are SHA-256 of the **uncompressed** content, of log
files and of the digest itself (the page on custom validation leaves the latter open; the structure page says it of
`previousDigestHashValue`, and the CLI hashes what it has unpacked). What is signed is the digest's end, its place, its
hash and the previous signature, a line each. A digest's signature stands in its object's metadata, and again in the
digest that follows it. Keys are a Region's, not an account's: a digest that is signed well may still be somebody
else's, so the bucket that it names counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from s3ir_tui.trail.public_keys import PublicKey

KEY_SLACK = timedelta(hours=2)
"""How far beyond a key's validity a digest may end: keys change between the end of an hour and its signing."""

APPENDED = "data is appended to it"
"""The trouble of a file behind whose content something stands: the content itself may well be CloudTrail's."""

_PLACE = re.compile(
    r"(?P<account>\d+)_CloudTrail-Digest_(?P<region>[a-z0-9-]+)_(?P<trail>.+)_(?P<home>[a-z0-9-]+)_\d{8}T\d{6}Z"
    r"(?P<backfill>_backfill)?\.json(?:\.gz)?"
)
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_HEX = re.compile(r"[0-9a-fA-F]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class NamedLog(msgspec.Struct, frozen=True):
    """A log file as a digest names it."""

    s3Bucket: str
    s3Object: str
    hashValue: str
    hashAlgorithm: str


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """A digest, in AWS's names."""

    awsAccountId: str
    digestStartTime: str
    digestEndTime: str
    digestS3Bucket: str
    digestS3Object: str
    digestPublicKeyFingerprint: str
    digestSignatureAlgorithm: str
    previousDigestS3Bucket: str | None
    previousDigestS3Object: str | None
    previousDigestHashValue: str | None
    previousDigestSignature: str | None
    logFiles: list[NamedLog]

    @property
    def place(self) -> tuple[str, str]:
        """Bucket and key to which it was delivered."""
        return self.digestS3Bucket, self.digestS3Object

    @property
    def previous(self) -> tuple[str, str] | None:
        """Bucket and key of the digest before it; `None` in a starting digest."""
        bucket, key = self.previousDigestS3Bucket, self.previousDigestS3Object
        return (bucket, key) if bucket and key else None

    @property
    def start(self) -> datetime:
        """Begin of the hour whose deliveries it lists."""
        return _moment(self.digestStartTime)

    @property
    def end(self) -> datetime:
        """End of that hour."""
        return _moment(self.digestEndTime)


class NotADigest(ValueError):
    """What was given is no digest; the message says why."""


_decode = msgspec.json.Decoder(Digest).decode


def parse(data: bytes) -> Digest:
    """Read a digest.

    Args:
        data: Its uncompressed content.

    Raises:
        NotADigest: It is none, or has fields that no digest of CloudTrail has.
    """
    try:
        digest = _decode(data)
        times = digest.start <= digest.end
    except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
        raise NotADigest(f"no digest: {fault}") from None
    # The lines that are signed must come apart in one way only.
    lined = (*digest.place, *(digest.previous or ()), *(name.s3Object for name in digest.logFiles))
    if any(_CONTROL.search(text) for text in lined) or not _HEX.fullmatch(digest.previousDigestSignature or ""):
        raise NotADigest("no digest: control characters, or a previous signature that is not in hex")
    if not times:
        raise NotADigest("no digest: it ends before it begins")
    return digest


def signed_string(digest: Digest, sha256: str) -> bytes:
    """What CloudTrail signs.

    Args:
        digest: The digest.
        sha256: SHA-256 of its uncompressed content, in hex.
    """
    place = "/".join(digest.place)
    previous = digest.previousDigestSignature
    # "null" is what CloudTrail itself writes there (AWS CLI, validation.py); the page does not say so.
    return "\n".join((digest.digestEndTime, place, sha256, "null" if previous is None else previous)).encode()


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it was found.

    Attributes:
        file: Path or URI.
        sha256: Of the uncompressed content, in hex.
        trouble: What is wrong with it as a file: it is cut off, or something was appended; "" for nothing.
    """

    file: str
    sha256: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class FoundDigest:
    """A digest as it was found.

    Attributes:
        found: The file.
        digest: What it says.
        signature: Its signature in hex, from the object's metadata or from a file beside it, or "" where that is lost.
        signed_at: When a backfill digest was made (`x-amz-meta-backfill-generation-timestamp`), where that is known.
    """

    found: Found
    digest: Digest
    signature: str = ""
    signed_at: datetime | None = None

    @property
    def file(self) -> str:
        """Path or URI."""
        return self.found.file

    @property
    def is_backfill(self) -> bool:
        """Whether it lists files that earlier digests left out, because they came late."""
        return place_of(self.digest)["backfill"] != ""


class Trust(StrEnum):
    """What stands behind a digest."""

    SIGNED = "signed"
    CHAINED = "chained"
    UNSIGNED = "unsigned"
    NO_KEY = "no key"
    EXPIRED = "expired key"
    BAD = "bad signature"
    CHANGED = "changed"

    @property
    def vouches(self) -> bool:
        """Whether what the digest says is CloudTrail's word."""
        return self in (Trust.SIGNED, Trust.CHAINED)


def place_of(digest: Digest) -> dict[str, str]:
    """Account, Region, trail, its home Region and whether it is a backfill, as the digest's name tells them."""
    matched = _PLACE.fullmatch(digest.digestS3Object.rpartition("/")[2])
    if matched:
        return {name: value or "" for name, value in matched.groupdict().items()}
    # Digests of 2015 were named without the trail.
    region = digest.digestS3Object.partition("/CloudTrail-Digest/")[2].partition("/")[0]
    return {"account": digest.awsAccountId, "region": region, "trail": "", "home": "", "backfill": ""}


def weigh(digests: Sequence[FoundDigest], keys: Mapping[str, PublicKey]) -> dict[str, Trust]:
    """What stands behind each digest: its own signature, or a digest after it that is trusted and knows its hash.

    A signature is as good from the digest that follows as from the object's metadata: it covers this digest's hash,
    place and predecessor, whoever hands it over.

    Args:
        digests: All digests that were found.
        keys: Public keys by fingerprint.

    Returns:
        By file.
    """
    after: dict[tuple[str, str], list[FoundDigest]] = {}
    for item in digests:
        if item.digest.previous:
            after.setdefault(item.digest.previous, []).append(item)
    trust: dict[str, Trust] = {}
    for item in sorted(digests, key=lambda each: each.digest.end, reverse=True):
        trust[item.file] = _weigh(item, after.get(item.digest.place, ()), keys, trust)
    return trust


def _weigh(
    item: FoundDigest, later: Sequence[FoundDigest], keys: Mapping[str, PublicKey], trust: Mapping[str, Trust]
) -> Trust:
    digest, sha256 = item.digest, item.found.sha256
    given = [item.signature, *(each.digest.previousDigestSignature for each in later)]
    signatures = [text for text in given if text]
    key = keys.get(digest.digestPublicKeyFingerprint.lower())
    signed = False
    if key is not None and digest.digestSignatureAlgorithm == "SHA256withRSA":
        message = signed_string(digest, sha256)
        signed = any(key.signed(message, text) for text in signatures)
        if signed and _in_time(item, key):
            return Trust.SIGNED
    known = {
        (each.digest.previousDigestHashValue or "").lower()
        for each in later
        if each.file in trust and trust[each.file].vouches
    }
    if known:
        return Trust.CHAINED if known == {sha256} else Trust.CHANGED
    if signed:
        return Trust.EXPIRED
    if key is None:
        return Trust.NO_KEY
    return Trust.BAD if signatures else Trust.UNSIGNED


def _in_time(item: FoundDigest, key: PublicKey) -> bool:
    """Whether CloudTrail signed with that key then; a backfill is signed later than its hour."""
    when = item.signed_at if item.is_backfill else item.digest.end
    if when is None:
        return True
    return (key.start is None or when >= key.start - KEY_SLACK) and (key.end is None or when <= key.end + KEY_SLACK)


def sound_hash(named: NamedLog) -> bool:
    """Whether the hash that a digest gives for a log file is one that can be compared."""
    return named.hashAlgorithm == "SHA-256" and _HASH.fullmatch(named.hashValue) is not None


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
