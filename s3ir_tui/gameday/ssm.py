"""Systems Manager: which instances it manages, and the sessions on them; the rest is moto's."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.ec2.models import ec2_backends

from s3ir_tui import policy
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.store import RoleFact, iam, read_fact
from s3ir_tui.gameday.wire import Answer, Call, Refused, as_list, result_answer

_PER_PAGE = 50
_AGENT = "3.3.987.0"


class SystemsManager:
    """What moto does not know of the service. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}

    def clear(self) -> None:
        """Forget the sessions."""
        with self._lock:
            self._sessions.clear()

    def answer(self, call: Call, who: Who) -> Answer | None:
        """Carry out a call that the caller is allowed to make.

        Returns:
            The answer, or `None` for what moto answers.

        Raises:
            Refused: The call is not valid.
        """
        operations = {
            "DescribeInstanceInformation": self._instances,
            "DescribeSessions": self._describe,
            "StartSession": self._start,
            "TerminateSession": self._terminate,
        }
        operation = operations.get(call.operation)
        return result_answer(call, operation(call, who)) if operation is not None else None

    def _instances(self, call: Call, who: Who) -> dict[str, Any]:
        filters = [*as_list(call.params.get("Filters")), *as_list(call.params.get("InstanceInformationFilterList"))]
        wanted = [(str(f.get("Key") or f.get("key")), f.get("Values") or f.get("valueSet") or []) for f in filters]
        found = [
            shown
            for shown in managed_instances(who.account, call.region)
            if all(_field(shown, name) in [str(value) for value in values] for name, values in wanted)
        ]
        return _page(call, "InstanceInformationList", found)

    def _describe(self, call: Call, who: Who) -> dict[str, Any]:
        ended = call.params.get("State") == "History"
        with self._lock:
            held = list(self._sessions.get((who.account, call.region), {}).values())
        shown = [item for item in held if (item["Status"] == "Terminated") is ended]
        for wanted in as_list(call.params.get("Filters")):
            field = str(wanted.get("key"))
            shown = [item for item in shown if str(item.get(field, "")) == str(wanted.get("value"))]
        return _page(call, "Sessions", shown)

    def _start(self, call: Call, who: Who) -> dict[str, Any]:
        target = str(call.params.get("Target"))
        if target not in {shown["InstanceId"] for shown in managed_instances(who.account, call.region)}:
            raise Refused("TargetNotConnected", f"{target} is not connected.", 400)
        name = (who.arn.rpartition("/")[2] or who.account) + "-" + secrets.token_hex(9)[:17]
        session = {
            "SessionId": name,
            "Target": target,
            "Status": "Connected",
            "StartDate": datetime.now(UTC),
            "DocumentName": str(call.params.get("DocumentName") or "SSM-SessionManagerRunShell"),
            "Owner": who.arn,
        }
        with self._lock:
            self._sessions.setdefault((who.account, call.region), {})[name] = session
        stream = f"wss://ssmmessages.{call.region}.amazonaws.com/v1/data-channel/{name}"
        return {"SessionId": name, "TokenValue": secrets.token_urlsafe(32), "StreamUrl": stream}

    def _terminate(self, call: Call, who: Who) -> dict[str, Any]:
        name = str(call.params.get("SessionId"))
        with self._lock:
            session = self._sessions.get((who.account, call.region), {}).get(name)
            if session is not None:
                session |= {"Status": "Terminated", "EndDate": datetime.now(UTC)}
        return {"SessionId": name}


def managed_instances(account: str, region: str) -> Iterator[dict[str, Any]]:
    """The running instances whose role lets their agent report (`ssm:UpdateInstanceInformation`)."""
    backend = ec2_backends[account][region]
    profiles = {item.instance.id: item.iam_instance_profile for item in list(_associations(backend))}
    for reservation in list(backend.reservations.values()):
        for instance in reservation.instances:
            profile = profiles.get(instance.id)
            if profile is None or instance._state.name != "running":
                continue
            live = iam(account).instance_profiles.get(profile.name, profile)
            if any(_may_report(account, role.name) for role in live.roles):
                yield _shown(instance)


def _associations(backend: Any) -> list[Any]:
    return list(backend.iam_instance_profile_associations.values())


def _may_report(account: str, role: str) -> bool:
    fact = read_fact(("role", account, role))
    if not isinstance(fact, RoleFact):
        return False
    caller = policy.Caller(account=account, arn=fact.arn, unique_id=fact.unique_id)
    request = policy.Request("ssm:UpdateInstanceInformation", "*", caller)
    policies = policy.Policies(identity=fact.documents, boundary=fact.boundary)
    return policy.authorize(request, policies).allowed


def _shown(instance: Any) -> dict[str, Any]:
    now, address = datetime.now(UTC), str(instance.private_ip or "")
    return {
        "InstanceId": instance.id,
        "PingStatus": "Online",
        "LastPingDateTime": now,
        "AgentVersion": _AGENT,
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
        "IPAddress": address,
        "ComputerName": f"ip-{address.replace('.', '-')}.ec2.internal",
    }


def _field(shown: Mapping[str, Any], name: str) -> str:
    fields = {"InstanceIds": "InstanceId", "PlatformTypes": "PlatformType"}
    return str(shown.get(fields.get(name, name), ""))


def _page(call: Call, name: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    start = int(call.params.get("NextToken") or 0)
    size = int(call.params.get("MaxResults") or _PER_PAGE)
    more = {"NextToken": str(start + size)} if len(found) > start + size else {}
    return {name: found[start : start + size], **more}
