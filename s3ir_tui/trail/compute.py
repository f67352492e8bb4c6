"""Credentials that AWS issues to a place where software runs, and programs that no such place runs.

A call says itself what made it: the user agent can be forged, so it can accuse, never acquit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from s3ir_tui.trail.agents import agent_of
from s3ir_tui.trail.arns import instance_of, session_name

Kind = Literal["instance", "function", "task", "build", "job", "notebook", "pod", "service role"]

_SERVICES: Mapping[str, Kind] = {
    "lambda": "function",
    "ecs-tasks": "task",
    "ecs": "task",
    "ec2": "instance",
    "codebuild": "build",
    "glue": "job",
    "sagemaker": "notebook",
    "pods.eks": "pod",
}
"""Services that assume a role for a place, and the `issuerType`s (`AWS::Lambda::Function`) of what they run."""

_SESSIONS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"[0-9a-f]{32}"), "task"),  # Amazon ECS names the session after the id of the task.
    (re.compile(r"AWSCodeBuild-[0-9a-f-]{36}"), "build"),
    (re.compile(r"GlueJobRunnerSession"), "job"),
    (re.compile(r"SageMaker"), "notebook"),
    (re.compile(r"eks-[\w.-]+-[0-9a-f-]{36}"), "pod"),
)
"""How services name the sessions of the roles that they assume for what they run."""

_SERVICE_ROLE = re.compile(r":role/service-role/")
"""The path of roles that the console of a service makes: nothing but that service is trusted by them."""

_SYSTEMS: Mapping[Kind, Collection[str]] = {
    "instance": ("linux", "windows", "macos"),
    "function": ("linux",),
    "task": ("linux", "windows"),
    "build": ("linux", "windows", "macos"),
    "job": ("linux",),
    "notebook": ("linux",),
    "pod": ("linux", "windows"),
    "service role": ("linux",),
}
"""Operating systems on which the service runs code. Whether an instance is a Mac is looked at where it is judged."""

_IN_LAMBDA, _IN_ECS = "exec-env/AWS_Lambda_", "exec-env/AWS_ECS_"
"""What AWS's SDKs add by `AWS_EXECUTION_ENV`, which Lambda and ECS set in what they run."""

_DESKTOP = re.compile(r"microsoft-standard|WSL2|linuxkit|orbstack|(?:^|[^\w])kali", re.I)
"""Kernels of Linux beside Windows or macOS on a desk: WSL, Docker Desktop."""

_NOT_AMAZON = re.compile(r"\d-generic|[+~]deb|\.fc\d|\.el\d|-arch\d|-manjaro|-pve|raspi", re.I)
"""Kernels of other distributions; functions and jobs run on Amazon's own."""

_AMAZON_KERNEL: Collection[Kind] = ("function", "job")

_CONSOLE = re.compile(r"S3Console|AWS-Console|ConsoleFrontend|(?:console|signin)\.(?:[\w-]+\.)?(?:amazonaws|aws)", re.I)

_BROWSER = re.compile(r"\[?Mozilla/")
"""A browser reads objects by presigned URLs, which are signed with the credentials of whoever made them."""

_SIGNS_AS_RUNTIME = re.compile(r"\[?(?:aws-cli|boto3|botocore|aws-sdk-(?:js|nodejs|java|ruby|php|dotnet))", re.I)
"""Programs that tell of `AWS_EXECUTION_ENV`. Extensions of a function are not given it; they are written in others."""


@dataclass(frozen=True, slots=True)
class Compute:
    """A place that AWS issued credentials to.

    Attributes:
        kind: What it is.
        name: Its id or name, such as `i-0abc` or the session's name.
    """

    kind: Kind
    name: str

    @property
    def words(self) -> str:
        """`i-0abc`, `function make-thumbnail`."""
        return self.name if self.kind == "instance" else f"{self.kind} {self.name}"


def kind_of_service(told: str) -> Kind | None:
    """What a service runs, by its principal (`lambda.amazonaws.com`) or an `issuerType` (`AWS::Lambda::Function`).

    Source: CloudTrail User Guide, "userIdentity element", `inScopeOf.issuerType`.
    """
    name = told.split("::")[1] if told.startswith("AWS::") and "::" in told[5:] else told.partition(".amazonaws.")[0]
    return _SERVICES.get(name.lower())


def compute_of(principal: str, issuer: str, agents: Iterable[str], issued_to: Collection[str]) -> Compute | None:
    """The place that a role session was issued to, or `None` where nothing says that it was.

    Args:
        principal: ARN of the session.
        issuer: ARN of its role, path included, or "".
        agents: User agents that called as it.
        issued_to: What the trail says of its credentials (see `kind_of_service`).
    """
    name = session_name(principal)
    if not name or "/AWSReservedSSO_" in principal:
        return None
    if instance_of(principal):
        return Compute("instance", name)
    for told in issued_to:
        kind = kind_of_service(told)
        if kind is not None:
            return Compute(kind, name)
    for pattern, kind in _SESSIONS:
        if pattern.fullmatch(name):
            return Compute(kind, name)
    for text in agents:
        if _DESKTOP.search(text) is None:  # SAM and images of functions set it on a desk too
            if _IN_LAMBDA in text:
                return Compute("function", name)
            if _IN_ECS in text:
                return Compute("task", name)
    return Compute("service role", name) if _SERVICE_ROLE.search(issuer) else None


def programs_elsewhere(place: Compute, agents: Collection[str]) -> dict[str, str]:
    """User agents that the place cannot have, each with what is wrong with it."""
    inside = place.kind == "function" and any(_IN_LAMBDA in text and not _DESKTOP.search(text) for text in agents)
    found = {text: _wrong(place.kind, text, inside=inside) for text in agents}
    return {text: why for text, why in found.items() if why}


@lru_cache(maxsize=8192)
def _wrong(kind: Kind, text: str, *, inside: bool) -> str:
    """What a user agent has that a kind of place has not, or ""."""
    if _BROWSER.match(text):
        return ""
    if _CONSOLE.search(text):
        return "in the AWS console"
    system = agent_of(text).os
    if _DESKTOP.search(text):
        return "on a desktop's Linux"
    if system and system not in _SYSTEMS[kind]:
        return f"on {_NAMES[system]}"
    if kind in _AMAZON_KERNEL and _NOT_AMAZON.search(text):
        return "on a kernel that is not Amazon's"
    if kind != "instance" and re.search(r"md/prompt#(?:on|partial)", text):
        return "by hand (prompt of the AWS CLI)"
    if inside and _IN_LAMBDA not in text and _SIGNS_AS_RUNTIME.match(text):
        return f"by {agent_of(text).program} outside of Lambda"
    return ""


_NAMES = {"macos": "macOS", "windows": "Windows", "linux": "Linux"}


@lru_cache(maxsize=8192)
def is_telling(text: str) -> bool:
    """Whether a user agent alone may say that credentials are at work elsewhere."""
    system = agent_of(text).os
    return system in ("macos", "windows") or any(
        pattern.search(text) is not None for pattern in (_DESKTOP, _NOT_AMAZON, _CONSOLE)
    )
