"""CloudTrail event names and error codes, sorted by what they mean for data."""

from __future__ import annotations

S3_DATA_EVENTS = frozenset(
    {
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CopyObject",
        "CreateMultipartUpload",
        "CreateSession",
        "DeleteObject",
        "DeleteObjectAnnotation",
        "DeleteObjectTagging",
        "DeleteObjects",
        "GetObject",
        "GetObjectAcl",
        "GetObjectAnnotation",
        "GetObjectAttributes",
        "GetObjectLegalHold",
        "GetObjectRetention",
        "GetObjectTagging",
        "GetObjectTorrent",
        "HeadBucket",
        "HeadObject",
        "ListObjectAnnotations",
        "ListObjectVersions",
        "ListObjects",
        "ListObjectsV2",
        "ListParts",
        "PutObject",
        "PutObjectAcl",
        "PutObjectAnnotation",
        "PutObjectLegalHold",
        "PutObjectRetention",
        "PutObjectTagging",
        "RestoreObject",
        "SelectObjectContent",
        "UpdateObjectEncryption",
        "UploadPart",
        "UploadPartCopy",
    }
)
"""Object-level events. Source: S3 User Guide, "Amazon S3 CloudTrail events"."""

OBJECT_READS = frozenset({"GetObject", "SelectObjectContent", "GetObjectTorrent"})
"""Calls by which the content of an object leaves."""

LISTS = frozenset({"ListObjects", "ListObjectsV2", "ListObjectVersions"})
"""Calls that name the objects of a bucket. ListObjectsV2 is logged as `ListObjects`, but for S3 Express."""

OBJECT_WRITES = frozenset(
    {"PutObject", "CopyObject", "CompleteMultipartUpload", "UploadPart", "UploadPartCopy", "CreateMultipartUpload"}
)
OBJECT_DELETES = frozenset({"DeleteObject"})
"""One per key, also for the keys of a DeleteObjects call (since 2025-06-09), so calls and keys are never added."""

_DENIALS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "Forbidden",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnauthorizedAccess",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
        "VpceAccessDenied",
    }
)
_NO_INFORMATION = frozenset({"NoSuchBucket"})
_ANSWERED = ("NoSuch", "NotFound", "NotModified", "PreconditionFailed", "ObjectLockConfigurationNotFound")


def is_denied(error: str) -> bool:
    """Whether an `errorCode` says that the caller was turned away."""
    return bool(error) and (error in _DENIALS or error.removeprefix("Client.") in _DENIALS)


def got_through(error: str) -> bool:
    """Whether a call passed authorization: it succeeded, or AWS answered with the absence of the thing asked for.

    A caller who may not list a bucket is told AccessDenied, not NoSuchKey; so a 404 for a key proves access. A 404 for
    a bucket proves nothing.
    """
    if not error:
        return True
    return error.startswith(_ANSWERED) and error not in _NO_INFORMATION
