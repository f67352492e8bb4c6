"""What can be wrong with the files of a trail: what it means, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of problems; their values are stable."""

    UNREADABLE = "unreadable"
    MISPLACED = "misplaced"
    CONFLICT = "conflict"
    FOREIGN = "foreign bucket"
    BAD_SIGNATURE = "bad signature"
    CHANGED_DIGEST = "changed digest"
    EXPIRED_KEY = "expired key"
    NO_KEY = "no key"
    UNSIGNED = "unsigned"
    MISSING_DIGEST = "missing digest"
    GAP = "gap"
    OUT_OF_CHAIN = "out of chain"
    CHANGED = "changed"
    APPENDED = "appended"
    MISSING = "missing"
    RENAMED = "renamed"
    UNVOUCHED = "unvouched"
    UNPROVEN = "unproven"
    NO_HASH = "no hash"


EXPLAINED: Mapping[Kind, tuple[str, str]] = {
    Kind.UNREADABLE: (
        "This digest cannot be read: it vouches for nothing.",
        "Copy it again from the bucket, an older version if there is one; else treat its hour as unproven.",
    ),
    Kind.MISPLACED: (
        "A genuine digest of another hour, trail or place can stand here to hide the one that belongs here.",
        "Restore the digest of this name from the bucket's versions or a backup.",
    ),
    Kind.CONFLICT: (
        "Two files claim to be the same digest and differ: at most one of them is CloudTrail's.",
        "Keep the one that is signed; find out who wrote the other (PutObject on the bucket of the trail).",
    ),
    Kind.FOREIGN: (
        "The digest was made for another bucket: its signature is CloudTrail's, but proves nothing of your trail.",
        "Keep it out of the folder; find out who put it there. If the trail has two buckets, verify each by itself.",
    ),
    Kind.BAD_SIGNATURE: (
        "No known signature fits: the digest was changed after CloudTrail signed it, or never was CloudTrail's.",
        "Restore it from the bucket's versions; treat its log files as unproven until then.",
    ),
    Kind.CHANGED_DIGEST: (
        "The digest after it, which is CloudTrail's, knows it with another content.",
        "Restore it from the bucket's versions; treat its log files as unproven until then.",
    ),
    Kind.EXPIRED_KEY: (
        "It is signed with a key that CloudTrail did not use at that time: a stolen or reused key, or a wrong clock.",
        "Fetch the keys of that time again (`aws cloudtrail list-public-keys`); else its log files are unproven.",
    ),
    Kind.NO_KEY: (
        "The public key that it names is not among those given: its signature cannot be checked.",
        "Fetch the keys of its Region and time (`aws cloudtrail list-public-keys --start-time --end-time --region`), "
        "and give them with --keys.",
    ),
    Kind.UNSIGNED: (
        "It is not vouched by signature: no digest follows it, and a copy does not carry the signature of its object. "
        "Anybody could have written it.",
        "Save its signature beside it as FILE.signature (`aws s3api head-object --bucket B --key K --query "
        "Metadata.signature --output text`), or copy the digest after it too.",
    ),
    Kind.MISSING_DIGEST: (
        "The digest after it names it, and it is not here: not copied, or deleted to hide what it vouches for.",
        "Copy it from the bucket; if it is gone there, look for DeleteObject on the bucket of the trail.",
    ),
    Kind.GAP: (
        "No digest covers this time: logging or log file validation was off, or digests were deleted together.",
        "Look for StopLogging, DeleteTrail and UpdateTrail around it; what happened then is not proven by these files.",
    ),
    Kind.OUT_OF_CHAIN: (
        "It does not follow the digest before it: one of the two does not belong to this chain.",
        "Look at which of them is signed; restore the other from the bucket's versions.",
    ),
    Kind.CHANGED: (
        "The log file is not what CloudTrail delivered: it was changed, cut off or swapped afterwards.",
        "Restore it from the bucket's versions; do not rest on its events, nor on what is absent from it.",
    ),
    Kind.APPENDED: (
        "Data stands behind the end of what CloudTrail delivered; some tools would read it as events.",
        "Restore it from the bucket's versions; find out who wrote it (PutObject on the bucket of the trail).",
    ),
    Kind.MISSING: (
        "A digest names this log file and it is not here: it was not copied, or was deleted.",
        "Copy it from the bucket; if it is gone there, look for DeleteObject on the bucket of the trail.",
    ),
    Kind.RENAMED: (
        "Its content is that of a log file with another name: a copy, or something that hides a file of this name.",
        "Take it out, or give it its name back.",
    ),
    Kind.UNVOUCHED: (
        "No digest that is here names this log file: it may be whatever somebody put there.",
        "Copy the digests of its time too; if none names it, do not rest on its events.",
    ),
    Kind.UNPROVEN: (
        "Only a digest that nothing vouches for names this log file: both can have been made by anybody.",
        "Mend the digest first (see the problem of that file).",
    ),
    Kind.NO_HASH: (
        "The digest gives no SHA-256 for this log file: it cannot be compared.",
        "Do not rest on it; look whether the digest itself is genuine.",
    ),
}
"""What each kind of problem means, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as CloudTrail left it, or not proven to be.

    Attributes:
        file: The file, or the place of a file that is not here.
        kind: What it is.
        detail: What was seen.
    """

    file: str
    kind: Kind
    detail: str = ""
