"""The requests to S3 that a Batch Operations job makes: for each object of its manifest, and for its report."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from s3ir_tui.gameday.wire import Call, read_call

_XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@dataclass(frozen=True, slots=True)
class Task:
    """One object of a manifest. `version` is "" for the current one."""

    bucket: str
    key: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    bucket: str
    key: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def read(bucket: str, key: str, version: str, region: str) -> Call:
    """The read of an object, the manifest for one."""
    return _call(_Request("GET", bucket, key, _version(version)), region)


def write(bucket: str, key: str, body: bytes, region: str) -> Call:
    """The upload of an object, the report for one; AWS encrypts reports with keys of S3."""
    headers = {"x-amz-server-side-encryption": "AES256", "content-type": "text/csv"}
    return _call(_Request("PUT", bucket, key, headers=headers, body=body), region)


def request_of(operation: str, asked: Mapping[str, Any], task: Task, region: str) -> Call:
    """The request that carries out one task.

    Args:
        operation: Name of the job's operation.
        asked: Its parameters.
        task: The object.
        region: Region of the job.

    Raises:
        KeyError: The operation has no request here.
    """
    return _call(_MAKERS[operation](asked, task), region)


def _copy(asked: Mapping[str, Any], task: Task) -> _Request:
    prefix = str(asked.get("TargetKeyPrefix") or "")
    key = f"{prefix.rstrip('/')}/{task.key}" if prefix else task.key
    source = quote(f"{task.bucket}/{task.key}") + (f"?versionId={task.version}" if task.version else "")
    headers = {"x-amz-copy-source": source}
    named = {
        "x-amz-acl": "CannedAccessControlList",
        "x-amz-metadata-directive": "MetadataDirective",
        "x-amz-storage-class": "StorageClass",
        "x-amz-server-side-encryption-aws-kms-key-id": "SSEAwsKmsKeyId",
        "x-amz-object-lock-legal-hold": "ObjectLockLegalHoldStatus",
        "x-amz-object-lock-mode": "ObjectLockMode",
    }
    headers |= {header: str(asked[name]) for header, name in named.items() if asked.get(name)}
    if asked.get("SSEAwsKmsKeyId"):
        headers["x-amz-server-side-encryption"] = "aws:kms"
    if until := asked.get("ObjectLockRetainUntilDate"):
        headers["x-amz-object-lock-retain-until-date"] = _date(until)
    if asked.get("NewObjectTagging") is not None:
        tags = "&".join(f"{quote(tag['Key'])}={quote(tag['Value'])}" for tag in asked["NewObjectTagging"])
        headers |= {"x-amz-tagging-directive": "REPLACE", "x-amz-tagging": tags}
    metadata = asked.get("NewObjectMetadata") or {}
    headers |= {f"x-amz-meta-{name}": str(value) for name, value in (metadata.get("UserMetadata") or {}).items()}
    if metadata.get("ContentType"):
        headers["content-type"] = str(metadata["ContentType"])
    return _Request("PUT", bucket_of(str(asked.get("TargetResource") or task.bucket)), key, headers=headers)


def _acl(asked: Mapping[str, Any], task: Task) -> _Request:
    given = asked.get("AccessControlPolicy") or {}
    query = "acl" + _version(task.version, "&")
    if canned := given.get("CannedAccessControlList"):
        return _Request("PUT", task.bucket, task.key, query, {"x-amz-acl": str(canned)})
    acl = given.get("AccessControlList") or {}
    grants = "".join(_grant(item) for item in acl.get("Grants") or ())
    owner = escape(str((acl.get("Owner") or {}).get("ID") or ""))
    body = (
        f"<AccessControlPolicy {_XMLNS}><Owner><ID>{owner}</ID></Owner>"
        f"<AccessControlList>{grants}</AccessControlList></AccessControlPolicy>"
    )
    return _Request("PUT", task.bucket, task.key, query, body=body.encode())


def _grant(item: Mapping[str, Any]) -> str:
    grantee = item.get("Grantee") or {}
    kind, tag = ("Group", "URI") if grantee.get("TypeIdentifier") == "uri" else ("CanonicalUser", "ID")
    return (
        f'<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="{kind}">'
        f"<{tag}>{escape(str(grantee.get('Identifier')))}</{tag}></Grantee>"
        f"<Permission>{escape(str(item.get('Permission')))}</Permission></Grant>"
    )


def _tag(asked: Mapping[str, Any], task: Task) -> _Request:
    tags = "".join(
        f"<Tag><Key>{escape(tag['Key'])}</Key><Value>{escape(tag['Value'])}</Value></Tag>"
        for tag in asked.get("TagSet") or ()
    )
    body = f"<Tagging {_XMLNS}><TagSet>{tags}</TagSet></Tagging>"
    return _Request("PUT", task.bucket, task.key, "tagging" + _version(task.version, "&"), body=body.encode())


def _untag(_asked: Mapping[str, Any], task: Task) -> _Request:
    return _Request("DELETE", task.bucket, task.key, "tagging" + _version(task.version, "&"))


def _restore(asked: Mapping[str, Any], task: Task) -> _Request:
    days, tier = int(asked.get("ExpirationInDays") or 1), str(asked.get("GlacierJobTier") or "STANDARD").capitalize()
    body = (
        f"<RestoreRequest {_XMLNS}><Days>{days}</Days>"
        f"<GlacierJobParameters><Tier>{tier}</Tier></GlacierJobParameters></RestoreRequest>"
    )
    return _Request("POST", task.bucket, task.key, "restore" + _version(task.version, "&"), body=body.encode())


def _hold(asked: Mapping[str, Any], task: Task) -> _Request:
    status = escape(str((asked.get("LegalHold") or {}).get("Status")))
    body = f"<LegalHold {_XMLNS}><Status>{status}</Status></LegalHold>"
    return _Request("PUT", task.bucket, task.key, "legal-hold" + _version(task.version, "&"), body=body.encode())


def _retain(asked: Mapping[str, Any], task: Task) -> _Request:
    wanted = asked.get("Retention") or {}
    inner = f"<Mode>{escape(str(wanted['Mode']))}</Mode>" if wanted.get("Mode") else ""
    if until := wanted.get("RetainUntilDate"):
        inner += f"<RetainUntilDate>{_date(until)}</RetainUntilDate>"
    headers = {"x-amz-bypass-governance-retention": "true"} if asked.get("BypassGovernanceRetention") else {}
    body = f"<Retention {_XMLNS}>{inner}</Retention>".encode()
    return _Request("PUT", task.bucket, task.key, "retention" + _version(task.version, "&"), headers, body)


_MAKERS = {
    "S3PutObjectCopy": _copy,
    "S3PutObjectAcl": _acl,
    "S3PutObjectTagging": _tag,
    "S3DeleteObjectTagging": _untag,
    "S3InitiateRestoreObject": _restore,
    "S3PutObjectLegalHold": _hold,
    "S3PutObjectRetention": _retain,
}


def _call(request: _Request, region: str) -> Call:
    path = f"/{request.bucket}/{quote(request.key, safe='/-_.~')}"
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": f"/{request.bucket}/{request.key}".encode().decode("latin-1"),
        "RAW_URI": path + ("?" + request.query if request.query else ""),
        "REQUEST_URI": path + ("?" + request.query if request.query else ""),
        "QUERY_STRING": request.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_X_FORWARDED_FOR": "batchoperations.s3.amazonaws.com",
        "HTTP_USER_AGENT": "batchoperations.s3.amazonaws.com",
        # moto asks for a checksum where a bucket locks what is uploaded.
        "HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM": "CRC32",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
    }
    for name, value in request.headers.items():
        environ["CONTENT_TYPE" if name == "content-type" else "HTTP_" + name.upper().replace("-", "_")] = value
    call = read_call(environ)
    call.region = region
    return call


def _version(version: str, before: str = "") -> str:
    return f"{before}versionId={quote(version)}" if version else ""


def _date(value: Any) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)


def bucket_of(arn: str) -> str:
    """The bucket's name in its ARN."""
    return arn.rpartition(":::")[2] or arn


def object_of(arn: str) -> tuple[str, str]:
    """Bucket and key in the ARN of an object."""
    bucket, _, key = arn.rpartition(":::")[2].partition("/")
    return bucket, key
