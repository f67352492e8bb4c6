"""Settings of a bucket, and tags of an object, that this account keeps beside moto or answers in its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.s3.exceptions import S3ClientError

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import is_public
from s3ir_tui.gameday.s3_acls import current, versioned
from s3ir_tui.gameday.s3_objects import MALFORMED_XML, find_object
from s3ir_tui.gameday.store import ABAC, BucketFact, moto_bucket, s3
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer

# moto lets these fall through to CreateBucket, ListObjects and the like, and answers as if they had worked.
_NOT_KEPT = (
    "Metrics",
    "Analytics",
    "IntelligentTiering",
    "Metadata",
    "Annotation",
    "RenameObject",
    "UpdateObjectEncryption",
    "CreateSession",
    "Torrent",
    "WriteGetObjectResponse",
)
_EMPTY: Mapping[str, Mapping[str, Any]] = {
    "ListBucketMetricsConfigurations": {"IsTruncated": False},
    "ListBucketAnalyticsConfigurations": {"IsTruncated": False},
    "ListBucketIntelligentTieringConfigurations": {"IsTruncated": False},
}


def answer_empty(call: Call) -> Answer | None:
    """Answer the lists that are always empty here; `None` for other operations.

    Raises:
        Refused: NotImplemented, for what this account does not keep.
    """
    if call.operation in _EMPTY:
        return result_answer(call, _EMPTY[call.operation])
    if any(name in call.operation for name in _NOT_KEPT):
        raise Refused("NotImplemented", f"{call.operation} is not part of this account", 501)
    return None


def policy_status(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Answer GetBucketPolicyStatus."""
    bucket = current(bucket)
    if bucket.policy is None:
        raise Refused("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    return result_answer(call, {"PolicyStatus": {"IsPublic": is_public(bucket.policy)}})


def get_request_payment(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Answer GetBucketRequestPayment."""
    return result_answer(call, {"Payer": moto_bucket(bucket.name).payer})


def put_request_payment(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Carry out PutBucketRequestPayment."""
    payer = (call.params.get("RequestPaymentConfiguration") or {}).get("Payer")
    if payer not in ("BucketOwner", "Requester"):
        raise Refused("MalformedXML", MALFORMED_XML, 400)
    moto_bucket(bucket.name).payer = payer
    return result_answer(call, {})


def get_abac(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Answer GetBucketAbac: whether the tags of the bucket count in policies."""
    status = "Enabled" if getattr(moto_bucket(bucket.name), ABAC, False) else "Disabled"
    return result_answer(call, {"AbacStatus": {"Status": status}})


def put_abac(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Carry out PutBucketAbac."""
    status = (call.params.get("AbacStatus") or {}).get("Status")
    if status not in ("Enabled", "Disabled"):
        raise Refused("MalformedXML", MALFORMED_XML, 400)
    setattr(moto_bucket(bucket.name), ABAC, status == "Enabled")
    return result_answer(call, {})


def put_object_tagging(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Carry out PutObjectTagging; an empty set takes all tags away."""
    found = find_object(call, bucket)
    given = (call.params.get("Tagging") or {}).get("TagSet") or ()
    tags = {str(tag["Key"]): str(tag.get("Value") or "") for tag in given}
    if len(tags) < len(given):
        raise Refused("InvalidTag", "Cannot provide multiple Tags with the same key", 400)
    try:
        s3(bucket.account).put_object_tagging(found, tags)
    except S3ClientError as error:
        raise Refused(str(error.code), str(error.message), 400) from None
    return versioned(call, found, {})
