"""CloudTrail records, shaped as version 1.11 has them, of the calls that this account answers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.s3_answers import bucket_owner
from s3ir_tui.gameday.s3_names import event_of, is_data_event
from s3ir_tui.gameday.store import moto_bucket
from s3ir_tui.gameday.wire import Answer, Call, Verbatim, copy_source, host_id
from s3ir_tui.model import iso

Record = dict[str, Any]

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_SECRETS = frozenset({"secretaccesskey", "password", "newpassword", "oldpassword", "plaintext", "tokencode"})
_READS = (
    "Get",
    "List",
    "Head",
    "Describe",
    "Lookup",
    "Simulate",
    "Filter",
    "Select",
    "Check",
    "BatchGet",
    "AssumeRole",
)
_NOT_READS = frozenset({"GetFederationToken"})
_GLOBAL = frozenset({"iam", "organizations", "cloudfront", "route53"})
_HOME = "us-east-1"
_S3_HEADERS = (
    "x-amz-acl",
    "x-amz-bypass-governance-retention",
    "x-amz-copy-source",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-metadata-directive",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
)
_S3_BODIES = (
    "AccessControlPolicy",
    "PublicAccessBlockConfiguration",
    "OwnershipControls",
    "VersioningConfiguration",
    "ReplicationConfiguration",
    "LifecycleConfiguration",
    "ServerSideEncryptionConfiguration",
    "NotificationConfiguration",
    "CreateBucketConfiguration",
    "ObjectLockConfiguration",
    "BucketLoggingStatus",
    "WebsiteConfiguration",
    "CORSConfiguration",
)
_S3_RESPONSE = (
    "x-amz-version-id",
    "x-amz-server-side-encryption",
    "x-amz-delete-marker",
    "x-amz-copy-source-version-id",
)
_LONGEST_MESSAGE = 1024
_LONGEST_PARAMETERS = 100_000


def records_of(call: Call, who: Who, answer: Answer, request_bytes: int) -> Iterator[Record]:
    """The records of one call: one for the caller's account, one for the bucket's owner where that is another.

    Args:
        call: The call.
        who: Its caller.
        answer: What was answered.
        request_bytes: Size of the body that came.
    """
    own = _record(call, who, answer, request_bytes)
    owner = bucket_owner(call.params.get("Bucket")) if call.is_s3 else ""
    if call.operation == "AssumeRole":
        owner = str(call.params.get("RoleArn", "")).split(":")[4:5][0] if ":" in str(call.params.get("RoleArn")) else ""
    if not owner or owner == who.account:
        yield own
    elif not who.account:
        yield own | {"recipientAccountId": owner}
    else:
        shared = {"sharedEventID": str(uuid.uuid4())}
        yield own | shared
        yield (
            own
            | shared
            | {
                "eventID": str(uuid.uuid4()),
                "userIdentity": _seen_by_other_account(own["userIdentity"]),
                "recipientAccountId": owner,
            }
        )
    if call.operation == "DeleteObjects" and answer.ok:
        yield from _deleted_keys(own, answer, owner or who.account)


def role_delivery_record(
    role_arn: str, instance: str, region: str, account: str, access_key: str, expires: datetime
) -> Record:
    """The record of EC2 fetching the credentials of an instance's role."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"},
        "eventTime": iso(datetime.now(UTC)),
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "awsRegion": region,
        "sourceIPAddress": "ec2.amazonaws.com",
        "userAgent": "ec2.amazonaws.com",
        "requestParameters": {"roleArn": role_arn, "roleSessionName": instance},
        "responseElements": {
            "credentials": {
                "accessKeyId": access_key,
                "sessionToken": HIDDEN,
                "expiration": _date(expires),
            }
        },
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": True,
        "resources": [{"accountId": account, "type": "AWS::IAM::Role", "ARN": role_arn}],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "sharedEventID": str(uuid.uuid4()),
        "eventCategory": "Management",
    }


def _record(call: Call, who: Who, answer: Answer, request_bytes: int) -> Record:
    s3 = call.service in ("s3", "s3control")
    name = event_of(call.service, call.operation)
    data = is_data_event(call.service, call.operation, call.params.get("Key"))
    reads = call.operation.startswith(_READS) and call.operation not in _NOT_READS
    source = "s3.amazonaws.com" if s3 else f"{call.service}.amazonaws.com"
    host = (
        _s3_host(call) if s3 else source if call.service in _GLOBAL else f"{call.service}.{call.region}.amazonaws.com"
    )
    record: Record = {
        "eventVersion": "1.11",
        "userIdentity": dict(who.identity),
        "eventTime": iso(datetime.now(UTC)),
        "eventSource": source,
        "eventName": name,
        "awsRegion": _region(call),
        "sourceIPAddress": call.address,
        "userAgent": (f"[{call.agent}]" if s3 else call.agent)[:_LONGEST_MESSAGE],
    }
    if not answer.ok:
        record["errorCode"] = answer.error_code
        record["errorMessage"] = answer.error_message[:_LONGEST_MESSAGE]
    record["requestParameters"] = _fitting(_s3_parameters(call, host) if s3 else hide(camel(call.params)) or None)
    record["responseElements"] = _response(call, answer, reads) if answer.ok else None
    if s3:
        record["additionalEventData"] = _additional(call, answer, request_bytes, data)
    record |= {
        "requestID": call.request_id if s3 else str(uuid.uuid5(uuid.NAMESPACE_OID, call.request_id)),
        "eventID": str(uuid.uuid4()),
        "readOnly": reads,
    }
    if resources := _resources(call):
        record["resources"] = resources
    record |= {
        "eventType": "AwsApiCall",
        "managementEvent": not data,
        "recipientAccountId": who.account,
        "eventCategory": "Data" if data else "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": host,
        },
    }
    return record


def _region(call: Call) -> str:
    if call.service in _GLOBAL:
        return _HOME
    bucket = moto_bucket(str(call.params.get("Bucket"))) if call.is_s3 else None
    return str(bucket.region_name) if bucket is not None else call.region


def _s3_host(call: Call) -> str:
    bucket = call.params.get("Bucket")
    if call.service == "s3control":
        return f"{call.params.get('AccountId')}.s3-control.{call.region}.amazonaws.com"
    return f"{bucket}.s3.{_region(call)}.amazonaws.com" if bucket else f"s3.{call.region}.amazonaws.com"


def _s3_parameters(call: Call, host: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if bucket := call.params.get("Bucket"):
        found["bucketName"] = bucket
    found["Host"] = host
    if account := call.params.get("AccountId"):
        found["accountId"] = account
    if key := call.params.get("Key"):
        found["key"] = key
    found |= {name: value for name, value in call.query if not name.startswith("X-Amz-")}
    found |= {name: value for name in _S3_HEADERS if (value := call.header(name))}
    if call.operation == "PutBucketPolicy":
        try:
            found["bucketPolicy"] = json.loads(call.body)
        except ValueError:
            found["bucketPolicy"] = call.body.decode(errors="replace")
    found |= {name: plain(call.params[name]) for name in _S3_BODIES if call.params.get(name)}
    return found


def _additional(call: Call, answer: Answer, request_bytes: int, data: bool) -> dict[str, Any]:
    out = len(answer.body)
    if call.environ["REQUEST_METHOD"] == "HEAD":
        out = 0
    found: dict[str, Any] = {}
    if call.access_key:
        found["SignatureVersion"] = "SigV4"
    found["CipherSuite"] = "TLS_AES_128_GCM_SHA256"
    found["bytesTransferredIn"] = float(request_bytes) if data else request_bytes
    found["bytesTransferredOut"] = float(out) if data else out
    if call.access_key:
        found["AuthenticationMethod"] = "QueryString" if call.presigned else "AuthHeader"
    found["x-amz-id-2"] = host_id(call)
    if call.header("x-amz-server-side-encryption-customer-algorithm"):
        found["SSEApplied"] = "SSE_C"
    elif answer.ok and (applied := answer.header("x-amz-server-side-encryption")):
        kind = "KMS" if applied.startswith("aws:kms") else "S3"
        found["SSEApplied"] = ("" if call.header("x-amz-server-side-encryption") else "Default_") + "SSE_" + kind
    return found


def _response(call: Call, answer: Answer, reads: bool) -> dict[str, Any] | None:
    if call.service in ("s3", "s3control"):
        found = {name: value for name in _S3_RESPONSE if (value := answer.header(name))}
        return found if found and not reads else None
    if (reads and call.service != "sts") or call.operation in ("GetCallerIdentity", "GetAccessKeyInfo"):
        return None
    result = answer.result if answer.result is not None else parsed_result(call, answer)
    return hide(camel(result)) or None


def parsed_result(call: Call, answer: Answer) -> Mapping[str, Any]:
    """The result that moto wrote, read back by botocore."""
    from botocore.parsers import ResponseParserError, create_parser

    model = botocore_model(call)
    if model is None or model.output_shape is None:
        return {}
    response = {"status_code": answer.status, "headers": dict(answer.headers), "body": answer.body}
    try:
        parsed = create_parser(model.service_model.protocol).parse(response, model.output_shape)
    except ResponseParserError:
        return {}
    return {name: value for name, value in parsed.items() if name != "ResponseMetadata"}


def botocore_model(call: Call) -> Any:
    """botocore's model of the operation, or `None`."""
    if call.model is None:
        return None
    model = _service_model(call.model.service_model.service_name)
    return model.operation_model(call.operation) if call.operation in model.operation_names else None


_MODELS: dict[str, Any] = {}


def _service_model(service: str) -> Any:
    if service not in _MODELS:
        import botocore.session

        _MODELS[service] = botocore.session.get_session().get_service_model(service)
    return _MODELS[service]


def _resources(call: Call) -> list[dict[str, str]]:
    if call.operation == "AssumeRole" and call.service == "sts":
        arn = str(call.params.get("RoleArn"))
        return [{"accountId": arn.split(":")[4] if arn.count(":") > 4 else "", "type": "AWS::IAM::Role", "ARN": arn}]
    if not call.is_s3 or not (bucket := call.params.get("Bucket")):
        return []
    found = []
    if key := call.params.get("Key"):
        found.append({"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"})
    elif is_data_event("s3", call.operation, None) and call.operation != "HeadBucket":
        prefix = call.params.get("Prefix") or ""
        found.append({"type": "AWS::S3::Object", "ARNPrefix": f"arn:aws:s3:::{bucket}/{prefix}"})
    names = [str(bucket)]
    if call.header("x-amz-copy-source"):
        source, source_key, _ = copy_source(call)
        found.append({"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{source}/{source_key}"})
        names += [source] if source != bucket else []
    return found + [
        {"accountId": bucket_owner(name), "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{name}"} for name in names
    ]


def _seen_by_other_account(identity: Mapping[str, Any]) -> dict[str, Any]:
    """A caller as the owner of the bucket sees it: whose account, not who (CloudTrail User Guide, S3 data events)."""
    return {"type": "AWSAccount", "principalId": identity.get("principalId", ""), "accountId": identity["accountId"]}


def _deleted_keys(record: Record, answer: Answer, account: str) -> Iterator[Record]:
    """Since June 2025 CloudTrail adds one service event for each key of a DeleteObjects call."""
    bucket = record["requestParameters"]["bucketName"]
    for key, version, denied in (answer.result or {}).get("Keys", ()):
        parameters = {"bucketName": bucket, "key": key} | ({"versionId": version} if version else {})
        error = {"errorCode": "AccessDenied", "errorMessage": "Access Denied"} if denied else {}
        event = {k: v for k, v in record.items() if k not in ("additionalEventData", "tlsDetails")}
        yield (
            event
            | error
            | {
                "eventName": "DeleteObject",
                "requestParameters": parameters,
                "responseElements": None,
                "eventID": str(uuid.uuid4()),
                "eventType": "AwsServiceEvent",
                "recipientAccountId": account,
                "resources": [
                    {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
                    {"accountId": account, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
                ],
            }
        )


def camel(value: Any) -> Any:
    """A value with the names of its fields as CloudTrail spells them: the first letter small."""
    if isinstance(value, Verbatim):
        return dict(value)
    if isinstance(value, Mapping):
        return {_small(str(name)): camel(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [camel(inner) for inner in value]
    return plain(value)


def plain(value: Any) -> Any:
    """A value that JSON can hold."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    if isinstance(value, datetime):
        return _date(value)
    return value


def hide(value: Any) -> Any:
    """A value without its secrets, as CloudTrail hides them."""
    if isinstance(value, Mapping):
        return {name: HIDDEN if name.lower() in _SECRETS else hide(inner) for name, inner in value.items()}
    return [hide(inner) for inner in value] if isinstance(value, list) else value


def _small(name: str) -> str:
    # "VpcId" becomes "vpcId"; "MFAOptions" and the like keep their capitals.
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def _date(moment: datetime) -> str:
    text = moment.strftime("%b %d, %Y, %I:%M:%S %p")
    return text.replace(" 0", " ", 1) if text[4] == "0" else text


def _fitting(parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """CloudTrail drops request parameters over 100 kB whole."""
    if parameters is not None and len(json.dumps(parameters, default=str)) > _LONGEST_PARAMETERS:
        return None
    return parameters
