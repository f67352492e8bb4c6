"""Encryption of objects: KMS is asked for each use of a key, customer keys (SSE-C) are demanded and compared."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import request_context
from s3ir_tui.gameday.kms_keys import check_usable, check_use, find_key, managed_key
from s3ir_tui.gameday.s3_objects import MALFORMED_XML
from s3ir_tui.gameday.store import BucketFact, moto_bucket
from s3ir_tui.gameday.wire import Answer, Call, Refused, result_answer

AES256: Mapping[str, Any] = {
    "Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
}
_SSE = "x-amz-server-side-encryption"
_CUSTOMER = _SSE + "-customer-"
_COPY_CUSTOMER = "x-amz-copy-source-server-side-encryption-customer-"
_MD5 = "customer_key_md5"
_BLOCKED = "blocked_encryption_types"
_KMS = ("aws:kms", "aws:kms:dsse")
_ALGORITHMS = ("AES256", *_KMS)
_PARTS = ("algorithm", "key", "key-md5")


def check_read(call: Call, who: Who, bucket: BucketFact, version: Any, *, copied: bool = False) -> None:
    """Check that a caller can decrypt a version of an object.

    Args:
        call: The request.
        who: Its caller.
        bucket: Bucket of the object.
        version: moto's version.
        copied: Whether it is the source of a copy.

    Raises:
        Refused: KMS refuses, or the customer key is missing or wrong.
    """
    _check_customer_key(call, version, copied=copied)
    if version.encryption in _KMS and (copied or _decrypts(call)):
        key = _named_key(str(version.kms_key_id or ""), bucket)
        check_usable(key)
        if not who.admin:
            check_use(who, "Decrypt", key, _kms_context(call, who, bucket, version.name))


def _decrypts(call: Call) -> bool:
    """Whether a read needs the content: HeadObject and GetObjectAttributes do for checksums only (S3 API)."""
    if call.operation == "HeadObject":
        return call.header("x-amz-checksum-mode") == "ENABLED"
    if call.operation == "GetObjectAttributes":
        return "Checksum" in call.header("x-amz-object-attributes")
    return call.operation in ("GetObject", "SelectObjectContent")


def check_write(call: Call, who: Who, bucket: BucketFact) -> None:
    """Check that a caller can encrypt what is uploaded, by the request's own headers or the bucket's default.

    Raises:
        Refused: KMS refuses, the bucket blocks SSE-C, or the headers do not fit together.
    """
    if md5 := customer_key(call, _CUSTOMER):
        if call.header(_SSE):
            message = "Server Side Encryption with Customer provided key is incompatible with the encryption method"
            raise _argument(f"{message} specified", call.header(_SSE))
        if "SSE-C" in getattr(moto_bucket(bucket.name), _BLOCKED, ()) and md5:
            raise Refused("AccessDenied", "Access Denied")
        return
    key = upload_key(call, bucket)
    if key is None:
        return
    check_usable(key)
    if not who.admin:
        context = _kms_context(call, who, bucket, str(call.params["Key"]))
        check_use(who, "GenerateDataKey", key, context)
        if call.operation == "CreateMultipartUpload":
            check_use(who, "Decrypt", key, context)


def upload_key(call: Call, bucket: BucketFact) -> Any:
    """moto's key that an upload is encrypted with; `None` without SSE-KMS.

    Raises:
        Refused: There is no such key.
    """
    default = ((moto_bucket(bucket.name).encryption or AES256).get("Rule") or {}).get(
        "ApplyServerSideEncryptionByDefault"
    ) or {}
    algorithm = call.header(_SSE) or str(default.get("SSEAlgorithm") or "")
    if algorithm and algorithm not in _ALGORITHMS:
        raise _argument("The encryption method specified is not supported", algorithm)
    if algorithm not in _KMS:
        return None
    given = call.header(_SSE + "-aws-kms-key-id")
    if not given and not call.header(_SSE):
        given = str(default.get("KMSMasterKeyID") or "")
    return _named_key(given, bucket)


def after_upload(call: Call, bucket: BucketFact, version: Any, answer: Answer, multipart: str) -> None:
    """Keep what an upload was encrypted with, and answer it.

    Args:
        call: The upload.
        bucket: Its bucket.
        version: moto's version that it made.
        answer: The answer, whose headers are completed.
        multipart: MD5 of the customer key that a multipart upload was started with, or "".
    """
    md5 = customer_key(call, _CUSTOMER) or multipart
    named = [(name, value) for name, value in answer.headers if not name.lower().startswith(_SSE)]
    if md5:
        setattr(version, _MD5, md5)
        version.encryption = version.kms_key_id = None
        answer.headers = [*named, (_CUSTOMER + "algorithm", "AES256"), (_CUSTOMER + "key-md5", md5)]
    elif version.encryption in _KMS:
        version.kms_key_id = str(_named_key(str(version.kms_key_id or ""), bucket).arn)
        shown = [(name, value) for name, value in answer.headers if name.lower() != _SSE + "-aws-kms-key-id"]
        answer.headers = [*shown, (_SSE + "-aws-kms-key-id", version.kms_key_id)]


def show_customer_key(answer: Answer, version: Any) -> None:
    """Answer which customer key a version was stored with."""
    if md5 := getattr(version, _MD5, ""):
        answer.headers += [(_CUSTOMER + "algorithm", "AES256"), (_CUSTOMER + "key-md5", md5)]


def customer_key(call: Call, prefix: str = _CUSTOMER) -> str:
    """MD5 of the customer key that a request carries, base64; "" when it carries none.

    Raises:
        Refused: The headers are not complete, or do not fit together.
    """
    algorithm, key, md5 = (call.header(prefix + part) for part in _PARTS)
    if not (algorithm or key or md5):
        return ""
    if not algorithm:
        what = "a valid encryption algorithm."
        raise _argument(f"Requests specifying Server Side Encryption with Customer provided keys must provide {what}")
    if algorithm != "AES256":
        message = "The Encryption request you specified is not valid. Supported value: AES256."
        raise _argument(message, algorithm, "InvalidEncryptionAlgorithmError")
    if not key:
        what = "an appropriate secret key."
        raise _argument(f"Requests specifying Server Side Encryption with Customer provided keys must provide {what}")
    try:
        secret = base64.b64decode(key, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != 32 or not md5:
        raise _argument("The secret key was invalid for the specified algorithm.")
    if base64.b64encode(hashlib.md5(secret, usedforsecurity=False).digest()).decode() != md5:
        raise _argument("The calculated MD5 hash of the key did not match the hash that was provided.")
    return md5


def _check_customer_key(call: Call, version: Any, *, copied: bool) -> None:
    stored = getattr(version, _MD5, "")
    given = customer_key(call, _COPY_CUSTOMER if copied else _CUSTOMER)
    if stored and not given:
        message = "The object was stored using a form of Server Side Encryption."
        raise Refused(
            "InvalidRequest", message + " The correct parameters must be provided to retrieve the object.", 400
        )
    if stored and stored != given:
        message = "Requests specifying Server Side Encryption with Customer provided keys must provide the correct"
        raise Refused("AccessDenied", message + " secret key.")
    if given and not stored:
        message = "The encryption parameters are not applicable to this object."
        raise Refused("InvalidRequest", message, 400)


def _named_key(name: str, bucket: BucketFact) -> Any:
    if not name or name == "alias/aws/s3":
        return managed_key(bucket.account, bucket.region)
    found = find_key(name, bucket.account, bucket.region)
    if found is None:
        arn = name if name.startswith("arn:") else f"arn:aws:kms:{bucket.region}:{bucket.account}:key/{name}"
        raise Refused("KMS.NotFoundException", f"Key '{arn}' does not exist", 400)
    return found


def _kms_context(call: Call, who: Who, bucket: BucketFact, key: str) -> dict[str, str | tuple[str, ...]]:
    # With a bucket key the encryption context would be the bucket's ARN; the object's is what policies mostly name.
    arn = f"{bucket.arn}/{key}"
    return {
        **request_context(call, who),
        "kms:viaservice": f"s3.{bucket.region}.amazonaws.com",
        "kms:encryptioncontext:aws:s3:arn": arn,
        "kms:encryptioncontextkeys": "aws:s3:arn",
        "aws:viaawsservice": "true",
    }


def _argument(message: str, value: str = "", code: str = "InvalidArgument") -> Refused:
    fields = {"ArgumentName": _SSE} | ({"ArgumentValue": value} if value else {})
    return Refused(code, message, 400, fields=fields)


def get_configuration(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Answer GetBucketEncryption."""
    held = moto_bucket(bucket.name)
    rule = (held.encryption or AES256)["Rule"]
    shown: dict[str, Any] = {
        "ApplyServerSideEncryptionByDefault": dict(rule["ApplyServerSideEncryptionByDefault"]),
        "BucketKeyEnabled": str(rule.get("BucketKeyEnabled")).lower() == "true",
    }
    if blocked := getattr(held, _BLOCKED, ()):
        shown["BlockedEncryptionTypes"] = {"EncryptionType": list(blocked)}
    return result_answer(call, {"ServerSideEncryptionConfiguration": {"Rules": [shown]}})


def put_configuration(call: Call, _who: Who, bucket: BucketFact) -> Answer:
    """Carry out PutBucketEncryption; encryption types that it does not name keep their block."""
    rules = list((call.params.get("ServerSideEncryptionConfiguration") or {}).get("Rules") or ())
    default: Mapping[str, Any] = (rules[0] if rules else {}).get("ApplyServerSideEncryptionByDefault") or {}
    if len(rules) != 1 or default.get("SSEAlgorithm") not in _ALGORITHMS:
        raise Refused("MalformedXML", MALFORMED_XML, 400)
    if default.get("KMSMasterKeyID") and default["SSEAlgorithm"] == "AES256":
        message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
        raise Refused("InvalidArgument", message, 400)
    held = moto_bucket(bucket.name)
    held.encryption = {
        "Rule": {
            "ApplyServerSideEncryptionByDefault": dict(default),
            "BucketKeyEnabled": bool(rules[0].get("BucketKeyEnabled")),
        }
    }
    if (blocked := rules[0].get("BlockedEncryptionTypes")) is not None:
        block_types(held, blocked.get("EncryptionType") or ())
    return result_answer(call, {})


def block_types(bucket: Any, types: Any) -> None:
    """Block kinds of encryption on moto's bucket: `SSE-C`, or `NONE` to block none."""
    setattr(bucket, _BLOCKED, tuple(str(item) for item in types))
