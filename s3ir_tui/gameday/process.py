"""Starts and ends the embedded account in a process of its own, and makes clients for it."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import secrets
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from s3ir_tui.model import Json

VICTIM = "111122223333"
"""The account of the game day."""
OUTSIDE = "999988887777"
"""The account of a stranger."""

_READY = 60.0
_GRACE = 5.0
_ANSWER = 60.0
_HOST = "127.0.0.1"
_LOCK = threading.Lock()
"""Making a client is not thread-safe in botocore; using one is."""
_SPELLINGS = {
    "aws_access_key_id": ("aws_access_key_id", "AccessKeyId", "access_key"),
    "aws_secret_access_key": ("aws_secret_access_key", "SecretAccessKey", "secret"),
    "aws_session_token": ("aws_session_token", "SessionToken", "Token", "token"),
}


class AccountServerError(OSError):
    """The embedded account does not start, or does not answer."""


class AccountServer:
    """The embedded account. Use it as a context manager: at its end the process is gone.

    Attributes:
        endpoint_url: Endpoint for every service.
        pid: Id of its process.
    """

    def __init__(self, process: subprocess.Popen[str], port: int, secret: str, token: str) -> None:
        self._process = process
        self._secret = secret
        self._token = token
        self._admins: dict[tuple[str, str, str], Any] = {}
        self.endpoint_url = f"http://{_HOST}:{port}"
        self.pid = process.pid

    @classmethod
    def start(cls, *, port: int = 0, **settings: float) -> AccountServer:
        """Start the account and wait until it answers.

        Args:
            port: Port on 127.0.0.1; 0 takes a free one.
            settings: Delays and quotas, such as `lag`, `delay`, `read_lag`: see `AccountSettings`.

        Raises:
            AccountServerError: It did not start; the message says what it said.
        """
        secret, token = secrets.token_urlsafe(30), secrets.token_urlsafe(30)
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "s3ir_tui.gameday.server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
            config = {"port": port, "settings": settings, "secret": secret, "token": token}
            try:
                with contextlib.suppress(BrokenPipeError):
                    _input(process).write(json.dumps(config) + "\n")
                    _input(process).flush()
                line = _first_line(process)
                if not line:
                    errors.seek(0)
                    said = errors.read().strip().splitlines()
                    raise AccountServerError(f"the embedded account did not start: {said[-1] if said else 'no answer'}")
                return cls(process, int(json.loads(line)["port"]), secret, token)
            except BaseException:
                _end(process)
                raise

    def session(self, access_key: str, secret: str, token: str | None = None, region: str = "us-east-1") -> Any:
        """A boto3 session with these credentials; give its clients `endpoint_url`."""
        import boto3

        return boto3.session.Session(
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            region_name=region,
        )

    def client(
        self,
        service: str,
        credentials: Mapping[str, Any],
        address: str | None = None,
        *,
        region: str = "us-east-1",
        agent: str | None = None,
        **options: Any,
    ) -> Any:
        """A plain boto3 client of the account, without retries.

        Args:
            service: boto3's service name.
            credentials: In the spelling of boto3 (`aws_access_key_id`), of STS (`AccessKeyId`, `SessionToken`) or of
                the metadata service (`Token`); none for an anonymous client.
            address: Address that the calls seem to come from.
            region: Region.
            agent: User agent.
            options: More of `botocore.config.Config`.
        """
        import botocore
        from botocore.config import Config

        keys = {
            name: next((str(credentials[s]) for s in spellings if credentials.get(s)), None)
            for name, spellings in _SPELLINGS.items()
        }
        key = keys["aws_access_key_id"]
        options = {"retries": {"total_max_attempts": 1}, "max_pool_connections": 32} | options
        if key is None:
            options["signature_version"] = botocore.UNSIGNED
        if agent is not None:
            options["user_agent"] = agent
        with _LOCK:
            client = _shared_session().create_client(
                service,
                region_name=region,
                endpoint_url=self.endpoint_url,
                config=Config(**options),
                **(keys if key is not None else {}),
            )
        client.meta.events.register("before-sign.s3-control.*", _without_host_prefix)
        client.meta.events.register("before-sign.s3.*", _to_access_point)
        if address is not None:
            client.meta.events.register("before-sign", _from_address(address))
        return client

    def admin(self, service: str, *, account: str = VICTIM, region: str = "us-east-1") -> Any:
        """A client with seeding credentials: nothing that it does is checked, delayed or recorded.

        Args:
            service: boto3's service name.
            account: The account to act in.
            region: Region.
        """
        name = (service, account, region)
        if name not in self._admins:
            key = {"aws_access_key_id": "AKIAADMN" + account, "aws_secret_access_key": self._secret}
            self._admins[name] = self.client(service, key, region=region)
        return self._admins[name]

    def control(self, name: str, payload: Json = None) -> Any:
        """Ask the account as its master.

        Args:
            name: `events` (all records; payload `{"after": N}` leaves out the first N), `settings` (those of
                `AccountSettings` to change; returns them all), `faults` (one or a list: `service`, `operation`,
                `count`, `code`, `status`), `flush` (deliver to trail buckets now; returns how many records), `inject`
                (back-dated records), `reset` (an empty account), `instance-credentials` (`instance`, and at will
                `role`, `ec2RoleDelivery`, `seconds`).
            payload: What the command takes.

        Raises:
            AccountServerError: No answer, or the command was refused.
        """
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.endpoint_url}/_account/{name}",
            data=json.dumps(payload).encode(),
            headers={"X-Account-Token": self._token, "Content-Type": "application/json"},
            method="POST",
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_ANSWER) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise AccountServerError(f"{name}: {error.read().decode(errors='replace')}") from None
        except (OSError, http.client.HTTPException) as error:
            raise AccountServerError(f"{name}: the embedded account does not answer: {error}") from None

    def stop(self) -> None:
        """End the process; a second call does nothing."""
        _end(self._process)

    def __enter__(self) -> AccountServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@functools.cache
def _shared_session() -> Any:
    """One session for all clients, whoever they are: each session loads the models of the services anew."""
    import botocore.session

    return botocore.session.Session()


def _input(process: subprocess.Popen[str]) -> Any:
    return process.stdin


def _first_line(process: subprocess.Popen[str]) -> str:
    """The server's only line of output; "" when it ends or takes too long."""
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(process.stdout.readline() if process.stdout else ""))
    reader.daemon = True
    reader.start()
    reader.join(_READY)
    return found[0] if found else ""


def _end(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_GRACE)
    if process.stdout is not None:
        process.stdout.close()


def _without_host_prefix(request: Any, **_: Any) -> None:
    """S3 Control puts the account id before the host, which resolves nowhere on loopback."""
    scheme, _, rest = request.url.partition("://")
    label, _, host = rest.partition(".")
    if label.isdigit() and len(label) == 12:
        request.url = f"{scheme}://{host}"


def _to_access_point(request: Any, **_: Any) -> None:
    """For the ARN of an access point SDKs put its name before the host: that stays in the header alone."""
    scheme, _, rest = request.url.partition("://")
    host, slash, path = rest.partition("/")
    label, _, plain = host.partition(".")
    if label[-12:].isdigit() and "-" in label:
        del request.headers["Host"]
        request.headers["Host"] = host
        request.url = f"{scheme}://{plain}{slash}{path}"


def _from_address(address: str) -> Any:
    def handler(request: Any, **_: Any) -> None:
        del request.headers["X-Forwarded-For"]
        request.headers["X-Forwarded-For"] = address

    return handler
