"""What of S3 this account answers itself, and what it corrects after moto has answered."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from moto.s3.models import OWNER, PublicAccessBlock, s3_backends

from s3ir_tui.gameday import s3_encryption, s3_lock, s3_settings
from s3ir_tui.gameday.acls import Acl, private, set_acl
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.conflicts import Conflicts
from s3ir_tui.gameday.s3_acls import (
    CREATES_OBJECT,
    get_bucket_acl,
    get_object_acl,
    owner_of_upload,
    put_bucket_acl,
    put_object_acl,
    requested_acl,
)
from s3ir_tui.gameday.s3_delete import delete_objects
from s3ir_tui.gameday.s3_encryption import AES256
from s3ir_tui.gameday.s3_lists import list_buckets, list_directory_buckets
from s3ir_tui.gameday.s3_objects import existing_object, find_object, object_version
from s3ir_tui.gameday.s3_policies import check_bucket_policy
from s3ir_tui.gameday.s3_rules import S3Rules
from s3ir_tui.gameday.s3_settings import answer_empty
from s3ir_tui.gameday.s3_versions import SUSPENDED, list_object_versions
from s3ir_tui.gameday.store import BucketFact, canonical_id, moto_bucket
from s3ir_tui.gameday.wire import Answer, Call, Refused, copy_source

Forward = Callable[[Call, str], Answer]
"""Hands a call to moto, to act in an account."""

_UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)")
_UPLOADED = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload"})
_OF_OBJECT = frozenset(
    {
        "GetObject",
        "HeadObject",
        "GetObjectAttributes",
        "GetObjectTagging",
        "DeleteObjectTagging",
        "RestoreObject",
        "SelectObjectContent",
    }
)
"""Operations that moto answers and that are about a version that exists."""


class S3Answers:
    """S3 on top of moto's store.

    Args:
        rules: The checks, for DeleteObjects, which checks key by key.
        forward: Hands a call to moto.
        writes: Held while moto's store is written.
    """

    def __init__(self, rules: S3Rules, forward: Forward, writes: threading.Lock) -> None:
        self._rules = rules
        self._forward = forward
        self._writes = writes
        self.conflicts = Conflicts()
        self._uploads: dict[str, tuple[Acl, str]] = {}
        self._own: dict[str, Callable[[Call, Who, BucketFact], Answer]] = {
            "GetBucketAcl": get_bucket_acl,
            "PutBucketAcl": put_bucket_acl,
            "GetObjectAcl": get_object_acl,
            "PutObjectAcl": put_object_acl,
            "GetBucketPolicyStatus": s3_settings.policy_status,
            "GetBucketRequestPayment": s3_settings.get_request_payment,
            "PutBucketRequestPayment": s3_settings.put_request_payment,
            "GetBucketAbac": s3_settings.get_abac,
            "PutBucketAbac": s3_settings.put_abac,
            "GetBucketEncryption": s3_encryption.get_configuration,
            "PutBucketEncryption": s3_encryption.put_configuration,
            "PutObjectTagging": s3_settings.put_object_tagging,
            "DeleteObjects": partial(delete_objects, rules),
            "ListObjectVersions": list_object_versions,
            "GetObjectLockConfiguration": s3_lock.get_configuration,
            "PutObjectLockConfiguration": s3_lock.put_configuration,
            "GetObjectRetention": s3_lock.get_retention,
            "PutObjectRetention": s3_lock.put_retention,
            "GetObjectLegalHold": s3_lock.get_legal_hold,
            "PutObjectLegalHold": s3_lock.put_legal_hold,
        }

    def clear(self) -> None:
        """Forget the uploads under way."""
        self._uploads.clear()
        self.conflicts.clear()

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
            return list_buckets(call, who)
        if call.operation == "ListDirectoryBuckets":
            return list_directory_buckets(call, who)
        empty = answer_empty(call)
        if empty is not None:
            return empty
        if bucket is None:
            return self._create_bucket(call, who)
        if not who.admin:
            self.conflicts.meet(call, bucket.name)
        own = self._own.get(call.operation)
        if own is not None:
            if call.operation.startswith(("Get", "List")):
                return own(call, who, bucket)
            with self._writes:
                return own(call, who, bucket)
        if call.operation == "PutBucketPolicy":
            check_bucket_policy(call)
        read = find_object(call, bucket) if call.operation in _OF_OBJECT else None
        self._check_encryption(call, who, bucket, read)
        acl = requested_acl(call, who, bucket) if call.operation in CREATES_OBJECT else None
        answer = self._named(self._forward(call, bucket.account), bucket.account)
        if answer.ok:
            self._after(call, who, answer, bucket, acl)
            _show_version(call, answer, bucket)
            if call.operation in ("GetObject", "HeadObject"):
                s3_encryption.show_customer_key(answer, read)
        return answer

    def _check_encryption(self, call: Call, who: Who, bucket: BucketFact, read: Any) -> None:
        if read is not None:
            s3_encryption.check_read(call, who, bucket, read)
        if call.operation in ("CopyObject", "UploadPartCopy"):
            name, key, version = copy_source(call)
            source = self._rules.bucket(name)
            if source is None:
                raise Refused("NoSuchBucket", "The specified bucket does not exist", 404)
            found = existing_object(call, name, key, version or None)
            s3_encryption.check_read(call, who, source, found, copied=True)
        if call.operation in CREATES_OBJECT:
            s3_encryption.check_write(call, who, bucket)

    def _create_bucket(self, call: Call, who: Who) -> Answer:
        name = str(call.params.get("Bucket"))
        existed = moto_bucket(name) is not None
        answer = self._named(self._forward(call, who.account), who.account)
        if answer.ok and not existed:
            _new_bucket(call, who, moto_bucket(name))
        return answer

    @staticmethod
    def _named(answer: Answer, owner: str) -> Answer:
        """An answer of moto with the canonical id of the account where moto has one for all."""
        if answer.header("content-type").startswith(("application/xml", "text/xml")):
            answer.body = answer.body.replace(OWNER.encode(), canonical_id(owner).encode())
        return answer

    def _after(self, call: Call, who: Who, answer: Answer, bucket: BucketFact, acl: Acl | None) -> None:
        held = moto_bucket(bucket.name)
        if call.operation == "DeleteBucketEncryption":
            held.encryption = AES256
        elif call.operation == "HeadBucket":
            answer.headers += [("x-amz-bucket-arn", bucket.arn), ("x-amz-access-point-alias", "false")]
        elif call.operation in _UPLOADED:
            upload, md5 = self._uploads.pop(str(call.params.get("UploadId")), (None, ""))
            version = object_version(bucket.name, call.params["Key"], None)
            if version is not None:
                set_acl(version, acl or upload or private(owner_of_upload(call, who, bucket)))
                s3_lock.apply_default_retention(held, version)
                s3_encryption.after_upload(call, bucket, version, answer, md5)
        elif call.operation == "CreateMultipartUpload":
            started = _UPLOAD_ID.search(answer.body)
            if started:
                wanted = acl or private(owner_of_upload(call, who, bucket))
                self._uploads[started[1].decode()] = wanted, s3_encryption.customer_key(call)


def _show_version(call: Call, answer: Answer, bucket: BucketFact) -> None:
    """Name the version as AWS does.

    A bucket that keeps versions names the version null when it is read or copied to, and not when it is uploaded.
    """
    kept = moto_bucket(bucket.name)
    if kept is None:  # the call deleted it
        return
    named, status = answer.header("x-amz-version-id"), kept.versioning_status
    if call.operation in ("GetObject", "HeadObject") and status and not named:
        answer.headers.append(("x-amz-version-id", "null"))
    elif call.operation in _UPLOADED and (status is None or (status == SUSPENDED and call.operation != "CopyObject")):
        answer.headers = [(name, value) for name, value in answer.headers if name.lower() != "x-amz-version-id"]


def _new_bucket(call: Call, who: Who, bucket: Any) -> None:
    """What AWS gives to every new bucket since April 2023."""
    bucket.public_access_block = PublicAccessBlock(True, True, True, True)
    bucket.ownership_rule = call.header("x-amz-object-ownership") or "BucketOwnerEnforced"
    bucket.encryption = AES256
    # Since April 2026 new buckets refuse uploads with customer keys until that is changed (S3 User Guide, SSE-C).
    s3_encryption.block_types(bucket, ["SSE-C"])
    set_acl(bucket, requested_acl(call, who, None) or private(canonical_id(who.account)))


def bucket_owner(name: object) -> str:
    """The account that owns a bucket, or ""."""
    found = s3_backends.bucket_accounts.get(str(name))
    return str(found[1]) if found else ""
