"""Reads an HTTP request as an AWS call, and writes answers and errors in the protocol that the call came in."""

from __future__ import annotations

import functools
import io
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape

from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException

Environ = dict[str, Any]

_SIGNING_NAMES = {"monitoring": "cloudwatch", "sso": "sso-admin", "access-analyzer": "accessanalyzer"}
_S3_CONTROL_PATH = "/v20180820/"
_OPAQUE = frozenset({"PutObject", "UploadPart"})
"""Operations whose body is somebody's data, not parameters."""


_FEDERATION = re.compile(rb"Action=AssumeRoleWith(SAML|WebIdentity)&")
SIGNED_HOST, SIGNED_PATH = "account.signed_host", "account.signed_path"
"""Keys of the environment: host and path as they were signed, where the request was turned to something else."""


class Refused(Exception):
    """The account refuses a call, the way AWS would.

    Attributes:
        code: Error code in the spelling of IAM and S3; `error_answer` turns it into that of the service.
        message: Error message.
        status: HTTP status.
        headers: Response headers that go with it (S3 only).
        fields: Further elements of the error document (S3 only).
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 403,
        *,
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status
        self.headers, self.fields = dict(headers or {}), dict(fields or {})


class Verbatim(dict[str, Any]):
    """Data whose names are somebody's own (tag keys): CloudTrail records them as they are."""


@dataclass(slots=True)
class Answer:
    """What goes back: status, headers, body; for an error also its code and message as CloudTrail records them."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    error_code: str = ""
    error_message: str = ""
    result: Mapping[str, Any] | None = None

    @property
    def ok(self) -> bool:
        """Whether the call succeeded."""
        return self.status < 400

    def header(self, name: str) -> str:
        """The value of a header, or ""."""
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass(slots=True)
class Call:
    """One request, read.

    Attributes:
        environ: The WSGI environment; `wsgi.input` holds the body again.
        body: The body as it came.
        path: The path as it came, percent-encoded.
        query: Query parameters in order.
        service: Signing name, with `s3control` told apart from `s3`.
        region: Region of the credential scope.
        operation: API operation, or "" when the request is none.
        model: Its model.
        params: Its parameters in AWS's spelling.
        access_key: Access key id, or "" for an unsigned request.
        token: Session token, or "".
        presigned: Whether the signature is in the query.
        request_id: Id that this answer carries.
        point: The access point that it came through (`s3_points.Point`), or `None`.
    """

    environ: Environ
    body: bytes
    path: str
    query: list[tuple[str, str]]
    service: str
    region: str
    access_key: str
    token: str
    presigned: bool
    operation: str = ""
    model: OperationModel | None = None
    params: dict[str, Any] = field(default_factory=dict)
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex[:16].upper())
    point: Any = None

    @property
    def protocol(self) -> str:
        """Protocol of the service's answers: `rest-xml`, `query`, `ec2`, `json`, `rest-json`."""
        if self.model is None:
            return "rest-xml"
        content_type = self.environ.get("CONTENT_TYPE", "")
        return str(determine_request_protocol(self.model.service_model, content_type))

    @property
    def address(self) -> str:
        """Source address: the first of `X-Forwarded-For`, so that game-day clients can come from anywhere."""
        forwarded = self.environ.get("HTTP_X_FORWARDED_FOR", "")
        return (forwarded.split(",")[0].strip() or self.environ.get("REMOTE_ADDR") or "127.0.0.1").strip()

    @property
    def agent(self) -> str:
        """User agent."""
        return str(self.environ.get("HTTP_USER_AGENT", ""))

    def header(self, name: str) -> str:
        """A request header by its lower-case name, or ""."""
        return str(self.environ.get("HTTP_" + name.upper().replace("-", "_"), ""))

    @property
    def is_s3(self) -> bool:
        """Whether the call is to S3's object and bucket API."""
        return self.service == "s3"


def read_call(environ: Environ) -> Call:
    """Read a request: whose key, which operation, which parameters. Never raises for a strange request."""
    body = _body(environ)
    path = str(
        environ.get(SIGNED_PATH)
        or environ.get("RAW_URI")
        or environ.get("REQUEST_URI")
        or quote(environ.get("PATH_INFO", ""), safe="/~")
    )
    path = path.split("?", 1)[0]
    query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    asked = dict(query)
    match = re.search(r"Credential=([^,\s]+)", authorization)
    presigned = not authorization and "X-Amz-Credential" in asked
    scope = (match[1] if match else asked.get("X-Amz-Credential", "") if presigned else "").split("/")
    key, _, region, service, *_ = [*scope, "", "", "", ""] if len(scope) < 4 else scope
    if not key:
        # Only S3 and the calls of STS that bring a proof of somebody else's come without a signature.
        region, service = "us-east-1", "sts" if _FEDERATION.match(body) else "s3"
    if service == "s3" and path.startswith(_S3_CONTROL_PATH):
        service = "s3control"
    directories, service = service == "s3express", "s3" if service == "s3express" else service
    call = Call(
        environ=environ,
        body=body,
        path=path,
        query=query,
        service=service,
        region=region,
        access_key=key,
        token=environ.get("HTTP_X_AMZ_SECURITY_TOKEN") or asked.get("X-Amz-Security-Token", ""),
        presigned=presigned,
    )
    _name_operation(call)
    if directories and call.operation == "ListBuckets":
        # The same request line; the signing name alone tells them apart.
        call.operation = "ListDirectoryBuckets"
    return call


def _body(environ: Environ) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body = stream.read()
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["CONTENT_LENGTH"] = str(len(body))
    else:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = stream.read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return bytes(body)


def _name_operation(call: Call) -> None:
    try:
        model = get_service_model(_SIGNING_NAMES.get(call.service, call.service))
        request = Request(dict(call.environ))
        operation, labels = get_service_router(model.service_name).match(request)
        if call.is_s3 and operation.name in _OPAQUE:
            params = {}
        else:
            call.environ["wsgi.input"].seek(0)
            request = Request(dict(call.environ))
            parser = PROTOCOL_PARSERS[determine_request_protocol(model, request.content_type)](operation)
            params = parser.parse(
                {
                    "method": request.method,
                    "values": request.values,
                    "headers": request.headers,
                    "body": request.data,
                    "url_path": request.path,
                    "url_params": labels,
                }
            )
    except (HTTPException, KeyError, ValueError, TypeError, AttributeError, NotImplementedError, LookupError):
        return
    except Exception as error:
        # moto raises classes of its own for unknown services and for bodies that do not fit the operation.
        if type(error).__module__.split(".")[0] not in ("moto", "botocore"):
            raise
        return
    finally:
        call.environ["wsgi.input"].seek(0)
    call.operation, call.model, call.params = operation.name, operation, dict(params)
    if call.is_s3:
        call.params.update({name: labels[name] for name in ("Bucket", "Key") if name in labels})
        if version := request.args.get("versionId"):
            call.params["VersionId"] = version


_EC2_CODES = {
    "AccessDenied": "UnauthorizedOperation",
    "InvalidClientTokenId": "AuthFailure",
    "SignatureDoesNotMatch": "AuthFailure",
    "ExpiredToken": "RequestExpired",
    "SlowDown": "RequestLimitExceeded",
    "ThrottlingException": "RequestLimitExceeded",
}
_JSON_CODES = {
    "AccessDenied": "AccessDeniedException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "ExpiredToken": "ExpiredTokenException",
    "SlowDown": "ThrottlingException",
}
_S3_CODES = {"InvalidClientTokenId": "InvalidAccessKeyId"}
_S3_MESSAGES = {"InvalidAccessKeyId": "The AWS Access Key Id you provided does not exist in our records."}


def error_answer(call: Call, refused: Refused) -> Answer:
    """An error in the service's own protocol and spelling."""
    code, message, status = refused.code, refused.message, refused.status
    if call.service in ("s3", "s3control"):
        code = _S3_CODES.get(code, code)
        message = _S3_MESSAGES.get(code, message)
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{escape(code)}</Code>'
            f"<Message>{escape(message)}</Message>{_bucket_name(call, code)}"
            + "".join(f"<{name}>{escape(value)}</{name}>" for name, value in refused.fields.items())
            + f"<RequestId>{call.request_id}</RequestId><HostId>{host_id(call)}</HostId></Error>"
        )
        if call.environ["REQUEST_METHOD"] == "HEAD":
            body = ""
        answer = _error(status, "application/xml", body, code, message)
        answer.headers += refused.headers.items()
        return answer
    protocol = call.protocol
    if protocol == "ec2":
        code = _EC2_CODES.get(code, code)
        status = 401 if code == "AuthFailure" else status
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>{escape(code)}</Code>'
            f"<Message>{escape(message)}</Message></Error></Errors><RequestID>{call.request_id}</RequestID></Response>"
        )
        return _error(status, "text/xml", body, "Client." + code, message)
    if protocol in ("json", "rest-json"):
        code = _JSON_CODES.get(code, code)
        body = json.dumps({"__type": code, "message": message})
        answer = _error(400 if status == 403 else status, "application/x-amz-json-1.1", body, refused.code, message)
        answer.headers.append(("x-amzn-errortype", code))
        return answer
    body = (
        f"<ErrorResponse><Error><Type>{'Receiver' if status >= 500 else 'Sender'}</Type><Code>{escape(code)}</Code>"
        f"<Message>{escape(message)}</Message></Error><RequestId>{call.request_id}</RequestId></ErrorResponse>"
    )
    return _error(status, "text/xml", body, code, message)


def _error(status: int, content_type: str, body: str, code: str, message: str) -> Answer:
    return Answer(status, [("Content-Type", content_type)], body.encode(), code, message)


def _bucket_name(call: Call, code: str) -> str:
    bucket = call.params.get("Bucket")
    return f"<BucketName>{escape(str(bucket))}</BucketName>" if code == "NoSuchBucket" and bucket else ""


def result_answer(call: Call, result: Mapping[str, Any]) -> Answer:
    """A success, serialized by the service's model.

    Args:
        call: The call.
        result: The result in AWS's spelling.
    """
    if call.model is None:
        raise ValueError("no operation to answer")
    serializer = _serializer(call.model.service_model.service_name, call.protocol)(
        operation_model=call.model, pretty_print=False, value_picker=XFormedAttributePicker(response_transformers=None)
    )
    made = serializer.serialize(dict(result))
    body = made["body"]
    headers = [(str(key), str(value)) for key, value in made["headers"].items()]
    return Answer(made["status_code"], headers, body if isinstance(body, bytes) else body.encode(), result=result)


@functools.lru_cache(maxsize=64)
def _serializer(service: str, protocol: str) -> Any:
    return get_serializer_class(service, protocol)


_ERROR_XML = re.compile(rb"<Code>([^<]+)</Code>\s*<Message>([^<]*)", re.S)


def read_error(call: Call, answer: Answer) -> None:
    """Fill in `error_code` and `error_message` of an error that moto wrote."""
    if answer.ok or answer.error_code:
        return
    if match := _ERROR_XML.search(answer.body):
        code, message = match[1].decode(), match[2].decode(errors="replace")
    else:
        try:
            said = json.loads(answer.body or b"{}")
            code, message = str(said.get("__type", "")).split("#")[-1], str(said.get("message") or said.get("Message"))
        except (ValueError, AttributeError):
            code, message = "", ""
    if not code:
        code = {403: "AccessDenied", 404: "NoSuchKey" if call.params.get("Key") else "NotFound"}.get(
            answer.status, HTTPStatus(answer.status).phrase.replace(" ", "")
        )
    answer.error_code = "Client." + code if call.protocol == "ec2" else code
    answer.error_message = message


def host_id(call: Call) -> str:
    """S3's second request id (`x-amz-id-2`)."""
    return uuid.uuid5(uuid.NAMESPACE_OID, call.request_id).hex + call.request_id


def copy_source(call: Call) -> tuple[str, str, str]:
    """Bucket, key and version id ("" for the current one) that a copy reads."""
    source, _, version = call.header("x-amz-copy-source").partition("?versionId=")
    bucket, _, key = unquote(source).lstrip("/").partition("/")
    return bucket, key, version


def as_list(value: Any) -> list[Any]:
    """A JSON value that may be one thing or a list, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping) else [value]
