"""What the names of principals tell: account, role, session, instance; and the network of an address."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s3ir_tui.trail.event import Event

_INSTANCE = re.compile(r"i-[0-9a-fA-F]{8,17}")
_ACCOUNT = re.compile(r"\d{12}")


def is_account(ident: str) -> bool:
    """Whether this is an account id."""
    return _ACCOUNT.fullmatch(ident) is not None


def is_instance(ident: str) -> bool:
    """Whether this is an instance id, which is also how EC2 names the sessions of instance roles."""
    return _INSTANCE.fullmatch(ident) is not None


def account_of(ident: str) -> str:
    """The account in an ARN, in `AWSAccount:ID`, or an account id itself; else ""."""
    if ident.startswith("arn:"):
        parts = ident.split(":", 5)
        return parts[4] if len(parts) == 6 else ""
    tail = ident.rpartition(":")[2]
    return tail if is_account(tail) else ""


_PARTITIONS = {"cn": "aws-cn", "us-gov": "aws-us-gov", "eusc": "aws-eusc"}


def partition_of(event: Event) -> str:
    """The partition that an event is of: that of its principal's ARN, else that of its Region."""
    if event.principal.startswith("arn:"):
        return event.principal.split(":", 2)[1]
    begins = (name for prefix, name in _PARTITIONS.items() if event.region.startswith(f"{prefix}-"))
    return next(begins, "aws")


def session_name(principal: str) -> str:
    """The session name of an assumed-role ARN, or ""."""
    if ":assumed-role/" not in principal:
        return ""
    return principal.partition(":assumed-role/")[2].partition("/")[2]


@lru_cache(maxsize=4096)
def instance_of(principal: str) -> str:
    """The instance whose role session this is, or ""."""
    name = session_name(principal)
    return name if name and is_instance(name) else ""


def session_arn(role_arn: str, session: str) -> str:
    """The ARN that a session of a role has: without the role's path."""
    parts = role_arn.split(":", 5)
    if len(parts) < 6 or not session:
        return ""
    return f"{parts[0]}:{parts[1]}:sts::{parts[4]}:assumed-role/{parts[5].rsplit('/', 1)[-1]}/{session}"


def role_of_session(principal: str) -> str:
    """The ARN of the role behind an assumed-role ARN, its path unknown, or ""."""
    if not session_name(principal):
        return ""
    parts = principal.split(":", 5)
    return f"arn:{parts[1]}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"


@lru_cache(maxsize=65536)
def network_of(address: str) -> str:
    """The network that an address counts to: /24 of public and /16 of private IPv4, /48 of IPv6; else itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    bits = 48 if found.version == 6 else 16 if is_private(address) else 24
    return str(ipaddress.ip_network((found, bits), strict=False))


_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16")
)


@lru_cache(maxsize=65536)
def is_private(address: str) -> bool:
    """Whether an address lies inside a VPC or a house; documentation networks count as public, as attackers there."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if found.version == 6:
        return found.is_private and not str(found).startswith("2001:db8")
    return any(found in network for network in _PRIVATE)


def is_address(text: str) -> bool:
    """Whether this is an address and not the name of a service."""
    return bool(text) and (text[0].isdigit() or ":" in text)
