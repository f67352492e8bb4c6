"""Detections: settings that let others reach data (DETECTIONS 1)."""

from __future__ import annotations

from s3ir_tui.trail.details import Details
from s3ir_tui.trail.detections import conditions as if_
from s3ir_tui.trail.detections.rule import CRITICAL, HIGH, LOW, MEDIUM, Detection, Tactic

_IT = Tactic.EXPOSURE


def _only_changes(details: Details) -> bool:
    return not if_.public_policy(details) and not if_.foreign_policy(details)


def _open_origin(details: Details) -> bool:
    return if_.leaf(details, "AllowedOrigin") == "*"


RULES = (
    Detection(
        "bucket-policy-public", CRITICAL, ("PutBucketPolicy",), "policy makes {bucket} public", _IT, if_.public_policy
    ),
    Detection(
        "bucket-policy-foreign",
        CRITICAL,
        ("PutBucketPolicy",),
        "policy of {bucket} lets in {what}",
        _IT,
        if_.foreign_policy,
    ),
    Detection("bucket-policy-changed", LOW, ("PutBucketPolicy",), "policy of {bucket} changed", _IT, _only_changes),
    Detection(
        "bucket-policy-deleted", HIGH, ("DeleteBucketPolicy",), "policy of {bucket} removed, its denies too", _IT
    ),
    Detection(
        "bucket-acl-public", CRITICAL, ("PutBucketAcl",), "ACL makes {bucket} public ({what})", _IT, if_.public_acl
    ),
    Detection(
        "object-acl-public", HIGH, ("PutObjectAcl",), "ACL makes {bucket}/{key} public ({what})", _IT, if_.public_acl
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
    Detection(
        "acls-return", HIGH, ("PutBucketOwnershipControls",), "ACLs of {bucket} count again", _IT, if_.acls_return
    ),
    Detection("ownership-deleted", HIGH, ("DeleteBucketOwnershipControls",), "ACLs of {bucket} count again", _IT),
    Detection("website", MEDIUM, ("PutBucketWebsite",), "{bucket} made a web site", _IT),
    Detection("cors-open", LOW, ("PutBucketCors",), "{bucket} open to scripts of any site", _IT, _open_origin),
    Detection(
        "access-point-policy-public",
        HIGH,
        ("PutAccessPointPolicy",),
        "access point made public",
        _IT,
        if_.public_policy,
    ),
    Detection(
        "access-point-policy-foreign",
        HIGH,
        ("PutAccessPointPolicy",),
        "access point lets in {what}",
        _IT,
        if_.foreign_policy,
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
    Detection("access-grant-used", MEDIUM, ("GetDataAccess",), "data credentials vended by S3 Access Grants", _IT),
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
