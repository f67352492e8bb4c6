"""Detections: settings that let others reach data."""

from __future__ import annotations

from s3ir_tui.trail.details import Details
from s3ir_tui.trail.detections import conditions as if_
from s3ir_tui.trail.detections import granted
from s3ir_tui.trail.detections.rule import CRITICAL, HIGH, LOW, MEDIUM, Detection, Tactic
from s3ir_tui.trail.event import Event

_IT = Tactic.EXPOSURE


def _only_changes(details: Details) -> bool:
    told = (if_.public_policy, if_.foreign_policy, if_.foreign_put)
    return not any(condition(details) for condition in told) and not granted.resource_grants(details)


def _maybe_public_write(event: Event) -> bool:
    return b"public-read" in event.raw or b"authenticated-read" in event.raw


def _public_write(details: Details) -> str:
    # The owner's other objects stay as they are: what counts is the ACL asked for with this one.
    canned = details.text("x-amz-acl")
    return canned if canned in ("public-read", "public-read-write", "authenticated-read") else ""


def _owner_preferred(details: Details) -> bool:
    return if_.leaf(details, "ObjectOwnership") == "BucketOwnerPreferred"


def _writer_owns(details: Details) -> bool:
    return if_.acls_return(details) and not _owner_preferred(details)


def _to_outside(details: Details) -> bool:
    return not from_home(details)


def from_home(details: Details) -> bool:
    """The caller is of the account whose resource it is."""
    event = details.event
    return not event.caller_account or not event.account or event.caller_account == event.account


def _open_port(details: Details) -> str:
    """A port by which machines are administered, opened to more than a provider's network."""
    if not any(_wide(str(value)) for name, value in if_.leaves(details.params) if name.lower() in _RANGES):
        return ""
    numbers = [value for name, value in if_.leaves(details.params) if name in ("fromPort", "toPort")]
    ports = [int(value) for value in numbers if str(value).lstrip("-").isdigit()]
    if not ports or -1 in ports:
        return "every port"
    low, high = min(ports), max(ports)
    return next((f"port {port}" for port in _ADMIN_PORTS if low <= port <= high), "")


def _wide(network: str) -> bool:
    bits = network.rpartition("/")[2]
    return "/" in network and bits.isdigit() and int(bits) < _NARROW


_RANGES = ("cidrip", "cidripv6")
_NARROW = 8
_ADMIN_PORTS = (22, 3389, 5985, 5986)


def _open_origin(details: Details) -> bool:
    return if_.leaf(details, "AllowedOrigin") == "*"


_POINT_POLICIES = (
    "PutAccessPointPolicy",
    "PutMultiRegionAccessPointPolicy",
    "PutAccessPointPolicyForObjectLambda",
)

RULES = (
    Detection(
        "bucket-policy-public", CRITICAL, ("PutBucketPolicy",), "policy makes {bucket} public", _IT, if_.public_policy
    ),
    Detection(
        "bucket-policy-foreign",
        CRITICAL,
        ("PutBucketPolicy",),
        "policy of {bucket} grants access to {what}",
        _IT,
        if_.foreign_policy,
    ),
    Detection(
        "bucket-policy-write",
        MEDIUM,
        ("PutBucketPolicy",),
        "policy of {bucket} grants {what} to put objects",
        _IT,
        if_.foreign_put,
    ),
    # Block Public Access stops none of these: in its sense they are not public (S3 User Guide, "The meaning of public")
    Detection(
        "bucket-policy-open", HIGH, ("PutBucketPolicy",), "policy of {bucket} open to {what}", _IT, granted.open_to
    ),
    Detection(
        "bucket-policy-open-untold",
        HIGH,
        ("PutBucketPolicy",),
        "policy of {bucket} open to {what}, not known as ours",
        _IT,
        granted.open_to_untold,
        routine=True,
    ),
    Detection(
        "bucket-policy-delivery",
        MEDIUM,
        ("PutBucketPolicy",),
        "policy of {bucket} open for objects from {what}",
        _IT,
        granted.open_to_delivery,
    ),
    Detection("bucket-policy-changed", LOW, ("PutBucketPolicy",), "policy of {bucket} changed", _IT, _only_changes),
    Detection(
        "bucket-policy-deleted",
        MEDIUM,
        ("DeleteBucketPolicy",),
        "policy of {bucket} removed, its denies too",
        _IT,
    ),
    Detection(
        "bucket-acl-public", CRITICAL, ("PutBucketAcl",), "ACL makes {bucket} public ({what})", _IT, if_.public_acl
    ),
    Detection(
        "object-acl-public", HIGH, ("PutObjectAcl",), "ACL makes {bucket}/{key} public ({what})", _IT, if_.public_acl
    ),
    Detection(
        "object-written-public",
        MEDIUM,
        ("PutObject", "CopyObject", "CreateMultipartUpload"),
        "object written to {bucket} for everyone to read ({what})",
        _IT,
        _public_write,
        glance=_maybe_public_write,
    ),
    Detection(
        "created-public",
        HIGH,
        ("CreateBucket",),
        "bucket {bucket} made with a public ACL ({what})",
        _IT,
        if_.public_acl,
    ),
    Detection(
        "bucket-block-lowered",
        CRITICAL,
        ("PutBucketPublicAccessBlock", "PutPublicAccessBlock"),
        "Block Public Access of {bucket} lowered ({what} off)",
        _IT,
        if_.block_lowered,
    ),
    Detection(
        "bucket-block-deleted",
        CRITICAL,
        ("DeleteBucketPublicAccessBlock", "DeletePublicAccessBlock"),
        "Block Public Access of {bucket} removed",
        _IT,
    ),
    Detection(
        "account-block-lowered",
        CRITICAL,
        ("PutAccountPublicAccessBlock",),
        "Block Public Access of the account lowered ({what} off)",
        _IT,
        if_.block_lowered,
    ),
    Detection(
        "account-block-deleted",
        CRITICAL,
        ("DeleteAccountPublicAccessBlock",),
        "Block Public Access of the account removed",
        _IT,
    ),
    Detection("acls-return", HIGH, ("PutBucketOwnershipControls",), "ACLs of {bucket} count again", _IT, _writer_owns),
    # What CloudFront's and other standard logs need.
    Detection(
        "acls-return-owner",
        MEDIUM,
        ("PutBucketOwnershipControls",),
        "ACLs of {bucket} count again, its owner owns what others put in",
        _IT,
        _owner_preferred,
    ),
    Detection("ownership-deleted", HIGH, ("DeleteBucketOwnershipControls",), "ACLs of {bucket} count again", _IT),
    Detection("website", MEDIUM, ("PutBucketWebsite",), "{bucket} made a web site", _IT),
    Detection("cors-open", LOW, ("PutBucketCors",), "{bucket} open to scripts of any site", _IT, _open_origin),
    Detection("access-point-policy-public", HIGH, _POINT_POLICIES, "access point made public", _IT, if_.public_policy),
    Detection(
        "access-point-policy-foreign",
        HIGH,
        _POINT_POLICIES,
        "access point grants access to {what}",
        _IT,
        if_.foreign_policy,
    ),
    Detection("access-point-policy-open", HIGH, _POINT_POLICIES, "access point open to {what}", _IT, granted.open_to),
    Detection(
        "access-point-policy-open-untold",
        HIGH,
        _POINT_POLICIES,
        "access point open to {what}, not known as ours",
        _IT,
        granted.open_to_untold,
        routine=True,
    ),
    Detection(
        "access-point-unblocked",
        HIGH,
        ("CreateAccessPoint", "CreateMultiRegionAccessPoint"),
        "access point without Block Public Access ({what} off)",
        _IT,
        if_.block_lowered,
    ),
    Detection(
        "access-point",
        MEDIUM,
        (
            "CreateAccessPoint",
            "DeleteAccessPointPolicy",
            "CreateMultiRegionAccessPoint",
            "PutMultiRegionAccessPointPolicy",
            "SubmitMultiRegionAccessPointRoutes",
            "CreateAccessPointForObjectLambda",
            "PutAccessPointPolicyForObjectLambda",
            "PutAccessPointConfigurationForObjectLambda",
        ),
        "another way to data: {name}",
        _IT,
        service="s3",
    ),
    Detection(
        "access-grant",
        HIGH,
        (
            "CreateAccessGrant",
            "CreateAccessGrantsInstance",
            "CreateAccessGrantsLocation",
            "PutAccessGrantsInstanceResourcePolicy",
        ),
        "data access handed out by S3 Access Grants: {name}",
        _IT,
        service="s3",
    ),
    Detection(
        "access-grant-used",
        MEDIUM,
        ("GetDataAccess",),
        "data credentials vended by S3 Access Grants",
        _IT,
        from_home,
        "s3",
    ),
    Detection(
        "access-grant-used-outside",
        HIGH,
        ("GetDataAccess",),
        "data credentials vended by S3 Access Grants to another account",
        _IT,
        _to_outside,
        "s3",
    ),
    Detection(
        "port-opened",
        MEDIUM,
        ("AuthorizeSecurityGroupIngress",),
        "{what} of instances opened to the internet",
        _IT,
        _open_port,
        "ec2",
    ),
    Detection(
        "shared-image",
        HIGH,
        (
            "ModifyImageAttribute",
            "ModifySnapshotAttribute",
            "ModifyDBSnapshotAttribute",
            "ModifyDBClusterSnapshotAttribute",
        ),
        "image or snapshot shared outside ({name})",
        _IT,
        lambda details: "add" in str(details.params).lower(),
    ),
)
