"""A record of a trail file as the fast path decodes it: what tells calls apart is typed, everything else stays JSON."""

from __future__ import annotations

import msgspec

Raw = msgspec.Raw
_NONE = Raw(b"")


class Issuer(msgspec.Struct, gc=False, omit_defaults=True):
    """`sessionContext.sessionIssuer`."""

    arn: str | None = None


class SessionContext(msgspec.Struct, gc=False, omit_defaults=True):
    """`userIdentity.sessionContext`."""

    sessionIssuer: Issuer | None = None
    attributes: Raw = _NONE
    ec2RoleDelivery: Raw = _NONE


class Identity(msgspec.Struct, gc=False, omit_defaults=True):
    """`userIdentity`."""

    type: str | None = None
    arn: str | None = None
    accountId: str | None = None
    accessKeyId: str | None = None
    invokedBy: str | None = None
    sessionContext: SessionContext | None = None
    principalId: Raw = _NONE
    userName: Raw = _NONE
    onBehalfOf: Raw = _NONE
    inScopeOf: Raw = _NONE


class Extra(msgspec.Struct, gc=False, omit_defaults=True):
    """`additionalEventData`, as far as anything looks at it."""

    bytesTransferredOut: float = 0.0
    bytesTransferredIn: float = 0.0
    AuthenticationMethod: str = ""
    SSEApplied: str = ""
    MFAUsed: str = ""


class Call(msgspec.Struct, gc=False, omit_defaults=True):
    """A record of a call, with every field that the analysis and the detections look at, and no other: each costs."""

    eventName: str
    eventSource: str
    eventTime: str
    eventID: str
    userIdentity: Identity
    eventVersion: str | None = None
    recipientAccountId: str | None = None
    sourceIPAddress: str | None = None
    userAgent: str | None = None
    errorCode: str | None = None
    eventCategory: str | None = None
    eventType: str | None = None
    readOnly: bool | None = None
    managementEvent: bool | None = None
    additionalEventData: Extra | None = None
    requestParameters: Raw = _NONE
    responseElements: Raw = _NONE
    resources: Raw = _NONE
    vpcEndpointId: Raw = _NONE
    vpcEndpointAccountId: Raw = _NONE

    def raw(self) -> bytes:
        """Those parts of the record that are known here, as JSON."""
        return msgspec.json.encode(self)


class _File(msgspec.Struct, gc=False):
    Records: list[Call]


decode_calls = msgspec.json.Decoder(_File).decode
"""A whole trail file; raises `msgspec.MsgspecError` for any other shape, or where one record has a wrong type."""

decode_lines = msgspec.json.Decoder(Call).decode_lines
"""Lines of records, each on a line of its own; raises as `decode_calls`."""


class PlainParameters(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """`requestParameters` of a call about an object that asks for nothing but the object, or for a listing."""

    bucketName: str
    host: Raw = msgspec.field(default=_NONE, name="Host")
    key: str = ""
    list_type: Raw = msgspec.field(default=_NONE, name="list-type")
    encoding_type: Raw = msgspec.field(default=_NONE, name="encoding-type")
    prefix: Raw = _NONE
    delimiter: Raw = _NONE
    max_keys: Raw = msgspec.field(default=_NONE, name="max-keys")
    marker: Raw = _NONE
    start_after: Raw = msgspec.field(default=_NONE, name="start-after")
    continuation_token: Raw = msgspec.field(default=_NONE, name="continuation-token")
    fetch_owner: Raw = msgspec.field(default=_NONE, name="fetch-owner")
    version: str = msgspec.field(default="", name="versionId")
    part: Raw = msgspec.field(default=_NONE, name="partNumber")
    upload: Raw = msgspec.field(default=_NONE, name="uploadId")
    operation: Raw = msgspec.field(default=_NONE, name="x-id")


decode_parameters = msgspec.json.Decoder(PlainParameters).decode
