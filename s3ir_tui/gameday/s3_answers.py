"""What of S3 this account answers itself, and what it corrects after moto has answered."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from moto.s3.models import OWNER, PublicAccessBlock, s3_backends

from s3ir_tui.gameday.acls import Acl, acl_of, private, set_acl
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import is_public
from s3ir_tui.gameday.s3_rules import (
    CREATES_OBJECT,
    S3Rules,
    check_bucket_policy,
    is_delete_marker,
    object_version,
    owner_of_upload,
    requested_acl,
    stricter,
)
from s3ir_tui.gameday.store import BucketFact, canonical_id, moto_bucket, read_fact, s3
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer
from s3ir_tui.model import PublicAccessBlock as Block

Forward = Callable[[Call, str], Answer]
"""Hands a call to moto, to act in an account."""

_MOST_BUCKETS = 10_000
_UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)")
_XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"
_AES256 = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}}
# moto lets these fall through to CreateBucket and ListObjects, and answers as if they had worked.
_NOT_KEPT = ("RequestPayment", "Metrics", "Analytics", "IntelligentTiering", "MetadataTable", "MetadataConfiguration")
_EMPTY: Mapping[str, Mapping[str, Any]] = {
    "GetBucketRequestPayment": {"Payer": "BucketOwner"},
    "ListBucketMetricsConfigurations": {"IsTruncated": False},
    "ListBucketAnalyticsConfigurations": {"IsTruncated": False},
    "ListBucketIntelligentTieringConfigurations": {"IsTruncated": False},
}


class S3Answers:
    """S3 on top of moto's store.

    Args:
        rules: The checks, for DeleteObjects, which checks key by key.
        forward: Hands a call to moto.
    """

    def __init__(self, rules: S3Rules, forward: Forward) -> None:
        self._rules = rules
        self._forward = forward
        self._uploads: dict[str, Acl] = {}
        self._own: dict[str, Callable[[Call, Who, BucketFact], Answer]] = {
            "GetBucketAcl": _get_bucket_acl,
            "PutBucketAcl": _put_bucket_acl,
            "GetObjectAcl": _get_object_acl,
            "PutObjectAcl": _put_object_acl,
            "GetBucketPolicyStatus": _policy_status,
            "DeleteObjects": self._delete_objects,
        }

    def clear(self) -> None:
        """Forget the uploads under way."""
        self._uploads.clear()

    def answer(self, call: Call, who: Who, bucket: BucketFact | None) -> Answer:
        """Carry out a call that was found allowed.

        Args:
            call: The call.
            who: The caller.
            bucket: The bucket that it is about, if it exists.

        Raises:
            Refused: It cannot be done.
        """
        if call.operation == "ListBuckets":
            return _list_buckets(call, who)
        if call.operation in _EMPTY and bucket is not None:
            return result_answer(call, _EMPTY[call.operation])
        if any(name in call.operation for name in _NOT_KEPT):
            raise Refused("NotImplemented", f"{call.operation} is not part of this account", 501)
        own = self._own.get(call.operation)
        if own is not None and bucket is not None:
            return own(call, who, bucket)
        if call.operation == "PutBucketPolicy" and bucket is not None:
            check_bucket_policy(call)
        acl = requested_acl(call, who, bucket) if bucket is not None and call.operation in CREATES_OBJECT else None
        existed = moto_bucket(str(call.params.get("Bucket"))) is not None
        owner = bucket.account if bucket is not None else who.account
        answer = self._forward(call, owner)
        if answer.ok:
            self._after(call, who, answer, bucket, acl, existed)
        if answer.header("content-type").startswith(("application/xml", "text/xml")):
            answer.body = answer.body.replace(OWNER.encode(), canonical_id(owner).encode())
        return answer

    def _after(
        self, call: Call, who: Who, answer: Answer, bucket: BucketFact | None, acl: Acl | None, existed: bool
    ) -> None:
        name = str(call.params.get("Bucket"))
        if call.operation == "CreateBucket" and not existed:
            _new_bucket(call, who, moto_bucket(name))
        elif call.operation == "DeleteBucketEncryption":
            moto_bucket(name).encryption = _AES256
        elif bucket is not None and call.operation in ("PutObject", "CopyObject", "CompleteMultipartUpload"):
            upload = self._uploads.pop(str(call.params.get("UploadId")), None)
            version = object_version(name, call.params["Key"], answer.header("x-amz-version-id") or None)
            if version is not None:
                set_acl(version, acl or upload or private(owner_of_upload(call, who, bucket)))
        elif bucket is not None and call.operation == "CreateMultipartUpload":
            started = _UPLOAD_ID.search(answer.body)
            if started:
                self._uploads[started[1].decode()] = acl or private(owner_of_upload(call, who, bucket))

    def _delete_objects(self, call: Call, who: Who, bucket: BucketFact) -> Answer:
        """Delete what may be deleted, and name what may not, key by key."""
        wanted = list(call.params.get("Delete", {}).get("Objects") or ())
        refused: list[tuple[Mapping[str, Any], Refused]] = []
        kept = []
        for item in wanted:
            try:
                if not who.admin:
                    self._rules.check_key(call, who, bucket, str(item["Key"]), item.get("VersionId"))
                kept.append(item)
            except Refused as error:
                refused.append((item, error))
        if wanted and not kept:
            empty = f'<DeleteResult xmlns="{_XMLNS}"></DeleteResult>'.encode()
            answer = Answer(200, [("Content-Type", "application/xml")], empty)
        else:
            if refused:
                _only(call, kept)
            answer = self._forward(call, bucket.account)
        errors = "".join(_delete_error(item, error) for item, error in refused)
        if errors and answer.ok:
            answer.body = answer.body.replace(b"</DeleteResult>", errors.encode() + b"</DeleteResult>")
        denied = {(str(item["Key"]), item.get("VersionId")) for item, _ in refused}
        answer.result = {
            "Keys": [
                (item["Key"], item.get("VersionId"), (str(item["Key"]), item.get("VersionId")) in denied)
                for item in wanted
            ]
        }
        return answer


def _new_bucket(call: Call, who: Who, bucket: Any) -> None:
    """What AWS gives to every new bucket since April 2023."""
    bucket.public_access_block = PublicAccessBlock(True, True, True, True)
    bucket.ownership_rule = call.header("x-amz-object-ownership") or "BucketOwnerEnforced"
    bucket.encryption = _AES256
    set_acl(bucket, requested_acl(call, who, None) or private(canonical_id(who.account)))


def _only(call: Call, items: list[Any]) -> None:
    """Leave only these objects in a DeleteObjects request."""
    quiet = "<Quiet>true</Quiet>" if call.params["Delete"].get("Quiet") else ""
    objects = "".join(
        f"<Object><Key>{escape(str(item['Key']))}</Key>"
        + (f"<VersionId>{escape(str(item['VersionId']))}</VersionId>" if item.get("VersionId") else "")
        + "</Object>"
        for item in items
    )
    body = f'<Delete xmlns="{_XMLNS}">{objects}{quiet}</Delete>'.encode()
    call.environ["wsgi.input"] = io.BytesIO(body)
    call.environ["CONTENT_LENGTH"] = str(len(body))
    call.environ.pop("HTTP_CONTENT_MD5", None)


def _delete_error(item: Mapping[str, Any], refused: Refused) -> str:
    version = f"<VersionId>{escape(str(item['VersionId']))}</VersionId>" if item.get("VersionId") else ""
    return (
        f"<Error><Key>{escape(str(item['Key']))}</Key>{version}"
        f"<Code>{escape(refused.code)}</Code><Message>{escape(refused.message)}</Message></Error>"
    )


def _list_buckets(call: Call, who: Who) -> Answer:
    prefix, region = str(call.params.get("Prefix") or ""), call.params.get("BucketRegion")
    most = min(int(call.params.get("MaxBuckets") or _MOST_BUCKETS), _MOST_BUCKETS)
    after = _read_token(call.params.get("ContinuationToken"))
    found = [
        bucket
        for name, bucket in sorted(s3(who.account).buckets.items())
        if name.startswith(prefix) and name > after and (not region or bucket.region_name == region)
    ]
    page = found[:most]
    paged = call.params.get("MaxBuckets") is not None
    result: dict[str, Any] = {
        "Owner": {"ID": canonical_id(who.account)},
        "Buckets": [
            {"Name": bucket.name, "CreationDate": bucket.creation_date, "BucketArn": bucket.arn}
            | ({"BucketRegion": bucket.region_name} if paged or prefix or region else {})
            for bucket in page
        ],
    }
    if prefix:
        result["Prefix"] = prefix
    if len(page) < len(found):
        result["ContinuationToken"] = base64.urlsafe_b64encode(page[-1].name.encode()).decode()
    return result_answer(call, result)


def _read_token(token: object) -> str:
    if not token:
        return ""
    try:
        return base64.b64decode(str(token), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise Refused("InvalidArgument", "The continuation token provided is incorrect", 400) from None


def _effective(acl: Acl, bucket: BucketFact) -> dict[str, Any]:
    if bucket.acls_disabled:
        # Reads go on working while ACLs are disabled, and show the owner only (S3 User Guide, Object Ownership).
        return private(canonical_id(bucket.account)).to_result()
    whole = read_fact(("account-block", bucket.account))
    block = stricter(bucket.block, whole if isinstance(whole, Block) else Block())
    return acl.effective(ignore_public=block.ignore_public_acls).to_result()


def _current(bucket: BucketFact) -> BucketFact:
    """The bucket as reads show it: enforcement may lag behind."""
    found = read_fact(("bucket", bucket.name))
    return found if isinstance(found, BucketFact) else bucket


def _get_bucket_acl(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    bucket = _current(bucket)
    return result_answer(call, _effective(bucket.acl, bucket))


def _put_bucket_acl(call: Call, who: Who, bucket: BucketFact) -> Answer:
    acl = requested_acl(call, who, bucket)
    if acl is None:
        raise Refused("MissingSecurityHeader", "Your request was missing a required header", 400)
    set_acl(moto_bucket(bucket.name), acl)
    return result_answer(call, {})


def _object(call: Call, bucket: BucketFact) -> Any:
    key, version = call.params["Key"], call.params.get("VersionId")
    found = object_version(bucket.name, key, version)
    if found is None:
        if version:
            raise Refused("NoSuchVersion", "The specified version does not exist.", 404)
        raise Refused("NoSuchKey", "The specified key does not exist.", 404)
    if is_delete_marker(found):
        if version:
            raise Refused("MethodNotAllowed", "The specified method is not allowed against this resource.", 405)
        raise Refused("NoSuchKey", "The specified key does not exist.", 404)
    return found


def _get_object_acl(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    found = _object(call, bucket)
    bucket = _current(bucket)
    return _versioned(call, found, _effective(acl_of(found, canonical_id(bucket.account)), bucket))


def _put_object_acl(call: Call, who: Who, bucket: BucketFact) -> Answer:
    found = _object(call, bucket)
    acl = requested_acl(call, who, bucket)
    if acl is None:
        raise Refused("MissingSecurityHeader", "Your request was missing a required header", 400)
    set_acl(found, acl)
    return _versioned(call, found, {})


def _versioned(call: Call, found: Any, result: Mapping[str, Any]) -> Answer:
    answer = result_answer(call, result)
    if str(found.version_id) != "null":
        answer.headers.append(("x-amz-version-id", str(found.version_id)))
    return answer


def _policy_status(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    bucket = _current(bucket)
    if bucket.policy is None:
        raise Refused("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    return result_answer(call, {"PolicyStatus": {"IsPublic": is_public(bucket.policy)}})


def bucket_owner(name: object) -> str:
    """The account that owns a bucket, or ""."""
    found = s3_backends.bucket_accounts.get(str(name))
    return str(found[1]) if found else ""
