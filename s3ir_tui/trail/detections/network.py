"""Detections: calls through a VPC endpoint, as network activity events tell them, whatever the call."""

from __future__ import annotations

from s3ir_tui.trail.arns import is_address, is_private
from s3ir_tui.trail.details import Details
from s3ir_tui.trail.detections.exposure import from_home
from s3ir_tui.trail.detections.rule import MEDIUM, Detection, Tactic

CATEGORY = "NetworkActivity"
"""`eventCategory` of such events; the account that they are of owns the endpoint."""

_DENIED = "VpceAccessDenied"


def _outsider(details: Details) -> str:
    return "" if from_home(details) or details.event.error == _DENIED else details.event.caller_account


def _outside_address(details: Details) -> str:
    address = details.event.address
    return address if is_address(address) and not is_private(address) else ""


def _denied(details: Details) -> bool:
    return details.event.error == _DENIED


RULES = (
    Detection(
        "endpoint-outsider",
        MEDIUM,
        (),
        "account {what} called through the house's VPC endpoint ({name})",
        Tactic.EXFILTRATION,
        _outsider,
    ),
    Detection(
        "endpoint-address",
        MEDIUM,
        (),
        "VPC endpoint used from {what}, which is not of a VPC ({name})",
        Tactic.CREDENTIALS,
        _outside_address,
    ),
    Detection(
        "endpoint-denied",
        MEDIUM,
        (),
        "turned away by the policy of a VPC endpoint ({name})",
        Tactic.EXFILTRATION,
        _denied,
    ),
)
"""They look at every event of the category."""
