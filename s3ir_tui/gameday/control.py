"""The game master's door: settings, records, faults and instance credentials, behind a token."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from moto.core.base_backend import BackendDict
from moto.ec2.models import ec2_backends
from moto.s3.models import s3_backends

from s3ir_tui.gameday.delivery import deliver
from s3ir_tui.gameday.events import role_delivery_record
from s3ir_tui.gameday.front import Front
from s3ir_tui.gameday.store import VICTIM, iam, moto_role
from s3ir_tui.gameday.wire import Environ
from s3ir_tui.model import iso

PATH = "/_account/"
TOKEN_HEADER = "X-Account-Token"  # noqa: S105 - its name
_INSTANCE_SESSION = 6 * 3600


class ControlError(ValueError):
    """A control request that makes no sense."""


class Control:
    """Answers the control path and passes everything else on to the account.

    Args:
        front: The account.
        token: What the header must hold.
    """

    def __init__(self, front: Front, token: str) -> None:
        self._front = front
        self._token = token
        self._commands: dict[str, Callable[[Any], Any]] = {
            "events": self._events,
            "settings": self._settings,
            "faults": self._faults,
            "flush": lambda _payload: deliver(front.recorder, everything=True),
            "inject": self._inject,
            "reset": self._reset,
            "instance-credentials": self._instance_credentials,
        }

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Any:
        """Answer a request (PEP 3333)."""
        path = str(environ.get("PATH_INFO", ""))
        if not path.startswith(PATH):
            return self._front(environ, start_response)
        given = str(environ.get("HTTP_X_ACCOUNT_TOKEN", ""))
        command = self._commands.get(path[len(PATH) :])
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b"null"
        if command is None or not hmac.compare_digest(given.encode(), self._token.encode()):
            status, answer = "404 Not Found", b'"no such command"'
        else:
            try:
                status, answer = "200 OK", json.dumps(command(json.loads(body))).encode()
            except (ControlError, KeyError, TypeError, ValueError) as error:
                status, answer = "400 Bad Request", json.dumps(str(error)).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
        return [answer]

    def _events(self, payload: Any) -> Any:
        return self._front.recorder.truth(int((payload or {}).get("after", 0)))

    def _settings(self, payload: Any) -> Any:
        self._front.set(self._front.settings.changed(payload or {}))
        return asdict(self._front.settings)

    def _faults(self, payload: Any) -> Any:
        self._front.faults.set([payload] if isinstance(payload, dict) else payload or [])

    def _inject(self, payload: Any) -> Any:
        self._front.recorder.add(payload, at_once=True)
        return len(payload)

    def _reset(self, _payload: Any) -> Any:
        BackendDict.reset()
        s3_backends.bucket_accounts.clear()
        self._front.clear()

    def _instance_credentials(self, payload: Any) -> Any:
        """What the metadata service of an instance answers: a session of its role, named after the instance.

        The way of delivery is `ec2RoleDelivery` of the payload, else 2.0 for an instance that demands tokens. The
        role is `role` of the payload, else that of the instance profile.
        """
        instance_id = str(payload["instance"])
        account = str(payload.get("account", VICTIM))
        found = _instance(account, instance_id)
        region = found.ec2_backend.region_name if found is not None else str(payload.get("region", "us-east-1"))
        role = (
            moto_role(account, str(payload["role"]).rpartition("/")[2]) if "role" in payload else _role(account, found)
        )
        if role is None:
            raise ControlError(f"{instance_id} has no role")
        required = found is not None and found.metadata_options.http_tokens == "required"
        session = self._front.sessions.issue(
            "role",
            account,
            role.name,
            role.id,
            seconds=int(payload.get("seconds", _INSTANCE_SESSION)),
            name=instance_id,
            instance=f"arn:aws:ec2:{region}:{account}:instance/{instance_id}",
            delivery=str(payload.get("ec2RoleDelivery") or ("2.0" if required else "1.0")),
        )
        record = role_delivery_record(role.arn, instance_id, region, account, session.access_key, session.expires)
        self._front.recorder.add([record])
        return {
            "Code": "Success",
            "LastUpdated": iso(datetime.now(UTC)),
            "Type": "AWS-HMAC",
            "AccessKeyId": session.access_key,
            "SecretAccessKey": session.secret,
            "Token": session.token,
            "SessionToken": session.token,
            "Expiration": iso(session.expires),
        }


def _instance(account: str, instance_id: str) -> Any:
    for backend in list(ec2_backends[account].values()):
        for reservation in list(backend.reservations.values()):
            for instance in reservation.instances:
                if instance.id == instance_id:
                    return instance
    return None


def _role(account: str, instance: Any) -> Any:
    if instance is None:
        return None
    held = list(instance.ec2_backend.iam_instance_profile_associations.values())
    arn = next((item.iam_instance_profile.arn for item in held if item.instance.id == instance.id), None)
    profiles = list(iam(account).instance_profiles.values())
    profile = next((profile for profile in profiles if profile.arn == arn), None)
    return profile.roles[0] if profile is not None and profile.roles else None
