"""CloudWatch Logs on the wire, for tests: JSON 1.1, and Live Tail's event stream in its binary frames."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zlib import crc32

from s3ir_tui.aws.account import Account
from s3ir_tui.model import iso, utc_now

GROUP = "aws-cloudtrail-logs"
ARN = f"arn:aws:logs:us-east-1:111122223333:log-group:{GROUP}"
AN_UPDATE = 500
"""Most log events in an update of Live Tail; of more, a sample."""

Record = dict[str, Any]


def reads(count: int, name: str = "GetObject") -> list[Record]:
    """Records of calls for objects of one bucket."""
    return [
        {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "AIDABOB",
                "arn": "arn:aws:iam::111122223333:user/bob",
                "accountId": "111122223333",
                "accessKeyId": "AKIABOB0000000000001",
                "userName": "bob",
            },
            "eventTime": iso(utc_now()),
            "eventSource": "s3.amazonaws.com",
            "eventName": name,
            "awsRegion": "us-east-1",
            "sourceIPAddress": "10.0.4.17",
            "userAgent": "[aws-cli/2.24.5]",
            "requestParameters": {"bucketName": "payroll", "key": f"q3/{number}.csv"},
            "eventID": str(uuid.uuid4()),
            "eventType": "AwsApiCall",
            "recipientAccountId": "111122223333",
        }
        for number in range(count)
    ]


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """A message of `application/vnd.amazon.eventstream`: lengths, their CRC, headers, payload, CRC of all."""
    packed = b"".join(
        struct.pack("!B", len(name)) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    prelude += struct.pack("!I", crc32(prelude))
    message = prelude + packed + payload
    return message + struct.pack("!I", crc32(message))


def event_frame(name: str, payload: Mapping[str, Any]) -> bytes:
    """An event of the stream."""
    headers = {":message-type": "event", ":event-type": name, ":content-type": "application/json"}
    return frame(headers, json.dumps(payload).encode())


def exception_frame(name: str, message: str) -> bytes:
    """An exception that the model of the service knows, after which the stream ends."""
    headers = {":message-type": "exception", ":exception-type": name, ":content-type": "application/json"}
    return frame(headers, json.dumps({"message": message}).encode())


def error_frame(code: str, message: str) -> bytes:
    """An error that the model does not know."""
    return frame({":message-type": "error", ":error-code": code, ":error-message": message}, b"")


@dataclass
class Fault:
    """What goes wrong with the next calls of an operation."""

    code: str = ""
    status: int = 400
    seconds: float = 0.0
    cut: bool = False
    times: int = 1


@dataclass
class Tail:
    """A Live Tail session as the service sees it."""

    cursor: int
    begun: float
    to_send: list[bytes] = field(default_factory=list)
    ends: bool = False
    cut: bool = False
    torn: bytes = b""


@dataclass
class Asked:
    """A request that came."""

    operation: str
    params: dict[str, Any]
    host: str
    at: float


class LogsWire:
    """A service on 127.0.0.1 with one log group.

    Args:
        page: Log events in a page of FilterLogEvents.
        empty_pages: Empty pages with a token before each page.
        tick: Seconds between two updates of Live Tail (one second at AWS).
        session_seconds: Seconds after which a Live Tail session times out (three hours at AWS).
    """

    def __init__(
        self, *, page: int = 50, empty_pages: int = 0, tick: float = 0.02, session_seconds: float = 10_800.0
    ) -> None:
        self.page, self.empty_pages, self.tick, self.session_seconds = page, empty_pages, tick, session_seconds
        self.asked: list[Asked] = []
        self.tails: list[Tail] = []
        self.silent = False
        self.entries: list[dict[str, Any]] = []
        self._tokens: dict[str, tuple[dict[str, Any], int, int]] = {}
        self._faults: dict[str, list[Fault]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> LogsWire:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def connect(self, region: str = "us-east-1") -> Account:
        """A guarded account whose every service is this one."""
        credentials = {"aws_access_key_id": "AKIAEXAMPLEEXAMPLE00", "aws_secret_access_key": "secret"}
        return Account.connect(region=region, endpoint_url=self.endpoint_url, credentials=credentials)

    # -- what a test does -------------------------------------------------------------------------

    def log(self, *records: Record | str, at: float | None = None, ingested: float | None = None) -> None:
        """Have log events ingested.

        Args:
            records: CloudTrail records, or any text.
            at: Their timestamp, seconds since 1970; else now.
            ingested: When they were ingested; else now.
        """
        now = time.time()
        with self._lock:
            for item in records:
                self.entries.append(
                    {
                        "logStreamName": "111122223333_CloudTrail_us-east-1",
                        "timestamp": int((now if at is None else at) * 1000),
                        "ingestionTime": int((now if ingested is None else ingested) * 1000),
                        "message": item if isinstance(item, str) else json.dumps(item),
                        "eventId": f"{len(self.entries):056d}",
                    }
                )

    def fail(self, operation: str, **fault: Any) -> None:
        """Have the next calls of an operation go wrong."""
        with self._lock:
            self._faults.setdefault(operation, []).append(Fault(**fault))

    def mend(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._faults.clear()

    def calls(self, operation: str) -> list[Asked]:
        return [item for item in self.asked if item.operation == operation]

    def live(self) -> list[Tail]:
        return [tail for tail in self.tails if not tail.ends]

    def send(self, *frames: bytes, end: bool = False) -> None:
        """Put frames into every open session, and end it."""
        for tail in self.live():
            tail.to_send += frames
            tail.ends = end

    def cut(self, torn: bytes = b"") -> None:
        """Break the connection of every open session, in the middle of a message where `torn` is given."""
        for tail in self.live():
            tail.torn, tail.cut = torn, True

    # -- what the service does --------------------------------------------------------------------

    def fault(self, operation: str) -> Fault | None:
        with self._lock:
            for fault in self._faults.get(operation, ()):
                if fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def filter_log_events(self, params: dict[str, Any]) -> dict[str, Any]:
        token = params.pop("nextToken", None)
        if ("logGroupName" in params) == ("logGroupIdentifier" in params):
            raise Refused("InvalidParameterException", "Exactly one of logGroupName and logGroupIdentifier is needed")
        if params.get("logGroupName", GROUP) != GROUP or params.get("logGroupIdentifier", ARN) not in (GROUP, ARN):
            raise Refused("ResourceNotFoundException", "The specified log group does not exist.")
        asked, start, empty = self._tokens.get(token, (None, 0, 0)) if token else (params, 0, 0)
        if asked != params:
            raise Refused("InvalidParameterException", "The specified nextToken is invalid.")
        with self._lock:
            found = [e for e in self.entries if params["startTime"] <= e["timestamp"] <= params["endTime"]]
        found.sort(key=lambda entry: (entry["timestamp"], entry["ingestionTime"]))
        answer: dict[str, Any] = {"searchedLogStreams": []}
        if empty < self.empty_pages:
            return answer | {"events": [], "nextToken": self._token(params, start, empty + 1)}
        answer["events"] = found[start : start + self.page]
        if start + self.page < len(found):
            answer["nextToken"] = self._token(params, start + self.page, 0)
        return answer

    def _token(self, params: dict[str, Any], start: int, empty: int) -> str:
        token = f"Bxkq6kVGFtq2y_Moigeqscqw/{uuid.uuid4()}"
        self._tokens[token] = (dict(params), start, empty)
        return token

    def forget_tokens(self) -> None:
        """Tokens are good for a day."""
        self._tokens.clear()

    def open_tail(self, params: Mapping[str, Any]) -> Tail:
        if params.get("logGroupIdentifiers") != [ARN]:
            raise Refused("ResourceNotFoundException", "The specified log group does not exist.")
        tail = Tail(len(self.entries), time.monotonic())
        self.tails.append(tail)
        return tail

    def frames(self, tail: Tail) -> Iterable[bytes]:
        """The frames of a session until it ends; after `cut` the connection is to be broken."""
        yield event_frame("initial-response", {})
        yield event_frame("sessionStart", {"sessionId": str(uuid.uuid4()), "logGroupIdentifiers": [ARN]})
        while not self._stopping.wait(self.tick):
            while tail.to_send:
                yield tail.to_send.pop(0)
            if tail.cut or tail.ends:
                tail.ends = True
                return
            if time.monotonic() - tail.begun >= self.session_seconds:
                tail.ends = True
                yield exception_frame("SessionTimeoutException", "The session timed out after three hours.")
                return
            if not self.silent:
                with self._lock:
                    new = self.entries[tail.cursor :]
                tail.cursor += len(new)
                yield update(new)


def update(entries: list[dict[str, Any]]) -> bytes:
    """An update, with what fits into it."""
    results = [{k: v for k, v in entry.items() if k != "eventId"} for entry in entries[:AN_UPDATE]]
    return event_frame(
        "sessionUpdate", {"sessionMetadata": {"sampled": len(entries) > AN_UPDATE}, "sessionResults": results}
    )


class Refused(Exception):
    """The service refuses a call."""


_IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::111122223333:user/responder</Arn><UserId>AIDARESPONDER</UserId><Account>111122223333</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""


def _handler(wire: LogsWire) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            target = self.headers.get("X-Amz-Target", "")
            if not target:
                self._send(200, "text/xml", _IDENTITY.encode())
                return
            operation = target.removeprefix("Logs_20140328.")
            params = json.loads(body)
            wire.asked.append(Asked(operation, dict(params), self.headers["Host"], time.monotonic()))
            fault = wire.fault(operation)
            if fault is not None:
                time.sleep(fault.seconds)
                if fault.cut:
                    self._send(200, "application/x-amz-json-1.1", b'{"events":', length=1000)
                    self._break()
                    return
                if fault.code:
                    self._refuse(fault.status, fault.code, "injected")
                    return
            try:
                if operation == "StartLiveTail":
                    self._stream(wire.open_tail(params))
                else:
                    self._send(200, "application/x-amz-json-1.1", json.dumps(wire.filter_log_events(params)).encode())
            except Refused as refused:
                self._refuse(400, *refused.args)

        def _stream(self, tail: Tail) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.amazon.eventstream")
            self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for data in wire.frames(tail):
                    self._chunk(data)
                if tail.cut:
                    if tail.torn:
                        self._chunk(tail.torn)
                    self._break()
                else:
                    self.wfile.write(b"0\r\n\r\n")
            except OSError:
                tail.ends = True  # the client is gone

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

        def _break(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.wfile.flush()
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.shutdown(socket.SHUT_RDWR)

        def _refuse(self, status: int, code: str, message: str) -> None:
            answer = {"__type": f"com.amazonaws.logs#{code}", "message": message}
            self._send(status, "application/x-amz-json-1.1", json.dumps(answer).encode())

        def _send(self, status: int, content_type: str, body: bytes, length: int = 0) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(length or len(body)))
            self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
            self.end_headers()
            with contextlib.suppress(OSError):  # the client is gone
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
