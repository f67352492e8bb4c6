"""The hands of attacker and workload: boto3 clients per credential and address, and a log of what each call came to."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore import UNSIGNED, xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from s3ir_tui.gameday.scenario import Credential
from s3ir_tui.model import Json


@dataclass(frozen=True, slots=True)
class Place:
    """Where an actor works.

    Attributes:
        endpoint_url: The embedded account.
        region: Its region.
        log: File that takes one JSON line a call.
    """

    endpoint_url: str
    region: str
    log: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to.

    Attributes:
        ok: Whether it succeeded.
        code: AWS's error code, the kind of failure where there was no answer, or "".
        answer: The answer, empty for a failure; an object's body is already read and dropped.
        size: Bytes of object data received.
    """

    ok: bool
    code: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)
    size: int = 0

    @property
    def refused(self) -> bool:
        """Whether AWS refused the credential or the permission, as against a lost connection or a missing object."""
        return self.code in REFUSALS


REFUSALS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
        "403",
    }
)


class Hands:
    """Makes calls as any credential and writes down what came of each.

    Args:
        place: Where.
        user_agent: The whole user agent string of the calls.
    """

    def __init__(self, place: Place, user_agent: str) -> None:
        self._place = place
        self._agent = user_agent
        self._session = boto3.session.Session(region_name=place.region)
        self._clients: dict[tuple[str, str, str, str], Any] = {}
        self._turn: dict[str, int] = {}
        self._log = os.fdopen(os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", buffering=1)

    def __enter__(self) -> Hands:
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()

    def call(
        self, credential: Credential, service: str, operation: str, params: Mapping[str, Any], kind: str
    ) -> Outcome:
        """Make one call from the credential's next address.

        Args:
            credential: As whom.
            service: boto3's service name.
            operation: The API operation in AWS's spelling.
            params: Its parameters.
            kind: What the call is for; goes to the log.
        """
        turn = self._turn.get(credential.name, 0)
        self._turn[credential.name] = turn + 1
        address = credential.addresses[turn % len(credential.addresses)] if credential.addresses else ""
        outcome = self._try(credential, service, operation, params, address)
        self._write(credential, operation, params, kind, address, outcome)
        return outcome

    def _try(
        self, credential: Credential, service: str, operation: str, params: Mapping[str, Any], address: str
    ) -> Outcome:
        try:
            client = self._client(credential, service, address)
            answer = getattr(client, xform_name(operation))(**params)
            size = len(answer["Body"].read()) if operation == "GetObject" else 0
        except ClientError as error:
            return Outcome(False, str(error.response.get("Error", {}).get("Code", "Unknown")))
        except (BotoCoreError, OSError) as error:
            return Outcome(False, type(error).__name__)
        return Outcome(True, "", answer, size)

    def _client(self, credential: Credential, service: str, address: str) -> Any:
        wanted = (credential.name, credential.access_key_id, service, address)
        if wanted not in self._clients:
            self._clients[wanted] = make_client(
                self._session, self._place, credential, service, user_agent=self._agent, address=address
            )
        return self._clients[wanted]

    def _write(
        self,
        credential: Credential,
        operation: str,
        params: Mapping[str, Any],
        kind: str,
        address: str,
        outcome: Outcome,
    ) -> None:
        line = {
            "at": round(time.time(), 3),
            "who": credential.name,
            "access_key": credential.access_key_id,
            "address": address,
            "kind": kind,
            "operation": operation,
            "bucket": params.get("Bucket", ""),
            "key": params.get("Key", ""),
            "ok": outcome.ok,
            "code": outcome.code,
            "refused": outcome.refused,
            "bytes": outcome.size,
        }
        self._log.write(json.dumps(line) + "\n")


def make_client(
    session: boto3.session.Session,
    place: Place,
    credential: Credential,
    service: str,
    *,
    user_agent: str = "",
    address: str = "",
) -> Any:
    """A boto3 client for a credential.

    Args:
        session: Shared, so that service models are read once.
        place: Where the account is.
        credential: As whom; anonymous gives unsigned requests.
        service: boto3's service name.
        user_agent: The whole user agent, or "" for boto3's own.
        address: The source address that CloudTrail is to record, or "".
    """
    options: dict[str, Any] = {
        "connect_timeout": 5,
        "read_timeout": 20,
        "retries": {"total_max_attempts": 1},
        "s3": {"addressing_style": "path"},
    }
    if user_agent:
        options["user_agent"] = user_agent
    keys: dict[str, str | None] = {}
    if credential.anonymous:
        options["signature_version"] = UNSIGNED
    else:
        keys = {
            "aws_access_key_id": credential.access_key_id,
            "aws_secret_access_key": credential.secret_access_key,
            "aws_session_token": credential.session_token or None,
        }
    client = session.client(service, endpoint_url=place.endpoint_url, config=Config(**options), **keys)
    if address:

        def from_address(request: Any, **_: object) -> None:
            request.headers["X-Forwarded-For"] = address

        client.meta.events.register("before-send.*", from_address)
    return client


class Parent:
    """The line to the process that started this one: messages out by stdout, answers in by stdin.

    The end of stdin means that the parent is gone: the process then ends at once, whatever it is doing.

    Args:
        on_message: Takes each message of the parent, on the reader's thread.
    """

    def __init__(self, on_message: Callable[[Mapping[str, Any]], None]) -> None:
        self._on_message = on_message
        self._lock = threading.Lock()

    def first(self) -> Mapping[str, Any]:
        """The configuration: the first line of stdin."""
        config: Mapping[str, Any] = json.loads(sys.stdin.readline())
        return config

    def listen(self) -> None:
        """Read the parent's messages from now on."""
        threading.Thread(target=self._read, name="parent", daemon=True).start()

    def send(self, message: Json) -> None:
        """Tell the parent something."""
        with self._lock:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    def _read(self) -> None:
        for line in sys.stdin:
            self._on_message(json.loads(line))
        os._exit(0)


def read_log(path: Path) -> list[dict[str, Any]]:
    """The whole lines of an actor's log, oldest first; a line that is still being written is left out."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]
