"""What S3 checks before it does anything: permissions, ACLs, Block Public Access, Object Ownership, validity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3ir_tui import policy
from s3ir_tui.gameday.acls import Acl, acl_of
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import access_denied, authorize, is_public, only_denies, request_context
from s3ir_tui.gameday.delays import Delays
from s3ir_tui.gameday.s3_acls import (
    ANONYMOUS_ID,
    CREATES_OBJECT,
    check_private,
    owner_keeps_all,
    requested_acl,
    sets_acl,
    stricter,
)
from s3ir_tui.gameday.s3_context import object_tags, s3_context
from s3ir_tui.gameday.s3_lock import check_lock
from s3ir_tui.gameday.s3_names import acl_permission, action_of
from s3ir_tui.gameday.s3_objects import is_delete_marker, object_version
from s3ir_tui.gameday.s3_points import Point, check_network
from s3ir_tui.gameday.s3_policies import blocked_by_public_access, check_bucket_policy
from s3ir_tui.gameday.store import BucketFact, account_of_canonical_id, canonical_id, moto_bucket
from s3ir_tui.gameday.wire import Call, Refused, copy_source
from s3ir_tui.model import PublicAccessBlock

_READS_OBJECT = frozenset({"GetObject", "HeadObject", "GetObjectAttributes"})
_ENFORCED = "BucketOwnerEnforced"
_EXTRA = (
    ("x-amz-tagging", "s3:PutObjectTagging"),
    ("x-amz-bypass-governance-retention", "s3:BypassGovernanceRetention"),
    ("x-amz-object-lock-legal-hold", "s3:PutObjectLegalHold"),
    ("x-amz-object-lock-mode", "s3:PutObjectRetention"),
)


_AT_POINTS = frozenset(
    {
        "DeleteObjects",
        "GetBucketAcl",
        "GetBucketCors",
        "GetBucketLocation",
        "GetBucketNotificationConfiguration",
        "GetBucketPolicy",
        "HeadBucket",
        "ListMultipartUploads",
        "ListObjectVersions",
        "ListObjects",
        "ListObjectsV2",
    }
)


class S3Rules:
    """The checks of one request after the other.

    Args:
        delays: What enforcement believes about buckets.
    """

    def __init__(self, delays: Delays) -> None:
        self._delays = delays

    def bucket(self, name: object) -> BucketFact | None:
        """A bucket as enforcement sees it; `None` when there is none."""
        found = self._delays.fact(("bucket", str(name))) if name and moto_bucket(str(name)) is not None else None
        return found if isinstance(found, BucketFact) else None

    def block(self, bucket: BucketFact) -> PublicAccessBlock:
        """Block Public Access in force on a bucket: its own and its account's, the stricter of each flag."""
        whole = self._delays.fact(("account-block", bucket.account))
        return stricter(bucket.block, whole if isinstance(whole, PublicAccessBlock) else PublicAccessBlock())

    def check(self, call: Call, who: Who) -> BucketFact | None:
        """Check a request.

        Returns:
            The bucket that it is about; `None` for ListBuckets and CreateBucket.

        Raises:
            Refused: S3 refuses it.
        """
        if call.operation == "ListBuckets":
            authorize(who, "s3:ListAllMyBuckets", "*", request_context(call, who))
            return None
        if call.operation == "ListDirectoryBuckets":
            authorize(who, "s3express:ListAllMyDirectoryBuckets", "*", request_context(call, who))
            return None
        if call.operation == "CreateBucket" and not who.admin:
            self._check_create(call, who)
        if call.operation == "CreateBucket":
            return None
        bucket = self.bucket(call.params.get("Bucket"))
        if bucket is None:
            raise Refused("NoSuchBucket", "The specified bucket does not exist", 404)
        if who.admin:
            check_lock(call, bucket)
            return bucket
        if call.point is not None:
            _check_point(call)
        _check_region(call, bucket)
        self._check_owner(call, bucket)
        if call.operation != "DeleteObjects":
            self._check_permissions(call, who, bucket)
        self._check_settings(call, who, bucket)
        check_lock(call, bucket)
        return bucket

    def check_key(self, call: Call, who: Who, bucket: BucketFact, key: str, version: str | None) -> None:
        """Check whether one object of a DeleteObjects request may be deleted.

        Raises:
            Refused: It may not.
        """
        self.allow(call, who, bucket, action_of("DeleteObject", version=bool(version)), key, version)
        if call.header("x-amz-bypass-governance-retention"):
            self.allow(call, who, bucket, "BypassGovernanceRetention", key, version)

    def allow(
        self, call: Call, who: Who, bucket: BucketFact, action: str, key: str | None, version: str | None = None
    ) -> None:
        """Check one permission on a bucket or object.

        Raises:
            Refused: The caller does not have it.
        """
        resource = f"arn:aws:s3:::{bucket.name}" + (f"/{key}" if key else "")
        block = self.block(bucket)
        if call.point is not None and bucket.name == call.point.bucket:
            block = stricter(block, call.point.block)
            self._allow_at_point(call, who, bucket, action, key, version)
        document, owner = bucket.policy, bucket.account
        kind, permission = acl_permission(action)
        acl: Acl | None = bucket.acl if kind == "bucket" else None
        if kind == "object" and key:
            acl = self._object_acl(bucket, key, version)
            if acl is not None and not bucket.acls_disabled:
                owner = account_of_canonical_id(acl.owner) or ("" if acl.owner == ANONYMOUS_ID else owner)
        foreign_object = owner != bucket.account
        if document and who.account != bucket.account and block.restrict_public_buckets and is_public(document):
            document = only_denies(document)
        elif document and foreign_object:
            # A bucket policy grants nothing on objects that another account owns (S3 User Guide, access policies).
            document = only_denies(document)
        granted = (
            acl is not None
            and not bucket.acls_disabled
            and acl.allows(
                permission,
                canonical_id(who.account) if who.account else "",
                ignore_public=block.ignore_public_acls,
            )
        )
        authorize(
            who,
            f"s3:{action}",
            resource,
            s3_context(call, who, action, bucket, key, version),
            resource_policy=document,
            owner=owner,
            acl_allows=granted,
        )

    def _allow_at_point(
        self, call: Call, who: Who, bucket: BucketFact, action: str, key: str | None, version: str | None
    ) -> None:
        """An access point must allow what comes through it, and so must its bucket (S3 User Guide, access points)."""
        point: Point = call.point
        block = stricter(self.block(bucket), point.block)
        document = point.policy
        if document and who.account != point.account and block.restrict_public_buckets and is_public(document):
            document = only_denies(document)
        authorize(
            who,
            f"s3:{action}",
            point.arn + (f"/object/{key}" if key else ""),
            s3_context(call, who, action, bucket, key, version),
            resource_policy=document,
            owner=point.account,
        )

    def _check_owner(self, call: Call, bucket: BucketFact) -> None:
        expected = call.header("x-amz-expected-bucket-owner")
        if expected and not (len(expected) == 12 and expected.isdecimal()):
            message = f"The value of the expected bucket owner parameter must be an AWS Account ID... [{expected}]"
            raise Refused("InvalidBucketOwnerAWSAccountID", message, 400)
        if expected and expected != bucket.account:
            raise Refused("AccessDenied", "Access Denied")
        source = call.header("x-amz-source-expected-bucket-owner")
        if source and (read := self.bucket(copy_source(call)[0])) and source != read.account:
            raise Refused("AccessDenied", "Access Denied")

    def _check_permissions(self, call: Call, who: Who, bucket: BucketFact) -> None:
        key, version = call.params.get("Key"), call.params.get("VersionId")
        if call.operation in CREATES_OBJECT or call.operation == "UploadPartCopy":
            version = None
        self.allow(call, who, bucket, action_of(call.operation, version=bool(version)), key, version)
        if call.operation in CREATES_OBJECT and sets_acl(call):
            self.allow(call, who, bucket, "PutObjectAcl", key)
        for header, action in _EXTRA:
            if call.header(header) and key:
                authorize(
                    who,
                    action,
                    f"arn:aws:s3:::{bucket.name}/{key}",
                    s3_context(call, who, action.removeprefix("s3:"), bucket, key, version),
                    resource_policy=bucket.policy,
                    owner=bucket.account,
                )
        if call.header("x-amz-copy-source"):
            name, source_key, source_version = copy_source(call)
            if source := self.bucket(name):
                action = action_of("GetObject", version=bool(source_version))
                self.allow(call, who, source, action, source_key, source_version or None)
                self._check_copied_tags(call, who, source, bucket)
        if call.operation == "GetObjectAttributes":
            self.allow(call, who, bucket, action_of("GetObject", version=bool(version)), key, version)
        if call.operation in _READS_OBJECT and key and self._object_acl(bucket, key, version) is None:
            self._hide_absence(call, who, bucket)

    def _check_copied_tags(self, call: Call, who: Who, source: BucketFact, bucket: BucketFact) -> None:
        """A copy takes the tags of its source along, which needs permissions of its own (S3 API, CopyObject)."""
        if call.operation != "CopyObject" or call.header("x-amz-tagging-directive") == "REPLACE":
            return
        _, key, version = copy_source(call)
        found = object_version(source.name, key, version or None)
        if found is not None and not is_delete_marker(found) and object_tags(source, found):
            action = action_of("GetObjectTagging", version=bool(version))
            self.allow(call, who, source, action, key, version or None)
            self.allow(call, who, bucket, "PutObjectTagging", str(call.params["Key"]))

    def _hide_absence(self, call: Call, who: Who, bucket: BucketFact) -> None:
        """Who may not list a bucket is not told which objects it does not hold (S3 API, GetObject)."""
        try:
            self.allow(call, who, bucket, "ListBucket", None)
        except Refused:
            arn = f"arn:aws:s3:::{bucket.name}"
            why = "because no identity-based policy allows the s3:ListBucket action"
            raise access_denied(who, "s3:ListBucket", arn, why) from None

    def _check_settings(self, call: Call, who: Who, bucket: BucketFact) -> None:
        block = self.block(bucket)
        if call.point is not None:
            block = stricter(block, call.point.block)
        if call.operation in ("PutBucketAcl", "PutObjectAcl") or (call.operation in CREATES_OBJECT and sets_acl(call)):
            acl = requested_acl(call, who, bucket)
            self._check_acl(call, who, bucket, block, acl)
        elif call.operation == "PutBucketPolicy":
            document = check_bucket_policy(call)
            if block.block_public_policy and policy.is_public(document):
                raise blocked_by_public_access(
                    who, bucket.arn, "s3:PutBucketPolicy", "public policies", "BlockPublicPolicy"
                )
        elif call.operation == "PutBucketOwnershipControls" and _wanted_ownership(call.params) == _ENFORCED:
            check_private(bucket.acl)

    def _check_acl(self, call: Call, who: Who, bucket: BucketFact, block: PublicAccessBlock, acl: Acl | None) -> None:
        if bucket.acls_disabled and not owner_keeps_all(call, bucket, acl):
            raise Refused("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)
        if acl is not None and acl.is_public and block.block_public_acls:
            action = "s3:" + action_of(call.operation)
            what = "public access control lists (ACLs)"
            raise blocked_by_public_access(who, bucket.arn, action, what, "BlockPublicAcls")

    def _check_create(self, call: Call, who: Who) -> None:
        name = call.params.get("Bucket")
        context = s3_context(call, who, "CreateBucket", None)
        authorize(who, "s3:CreateBucket", f"arn:aws:s3:::{name}", context)
        if ownership := call.header("x-amz-object-ownership"):
            authorize(who, "s3:PutBucketOwnershipControls", f"arn:aws:s3:::{name}", context)
        if not sets_acl(call):
            return
        authorize(who, "s3:PutBucketAcl", f"arn:aws:s3:::{name}", context)
        acl = requested_acl(call, who, None)
        if acl is not None and acl.is_public:
            message = "Bucket cannot have public ACLs set with BlockPublicAccess enabled"
            raise Refused("InvalidBucketAclWithBlockPublicAccessError", message, 400)
        if ownership in ("", _ENFORCED) and acl is not None:
            check_private(acl)

    def _object_acl(self, bucket: BucketFact, key: str, version: str | None) -> Acl | None:
        found = object_version(bucket.name, key, version)
        return None if found is None or is_delete_marker(found) else acl_of(found, canonical_id(bucket.account))


def _check_point(call: Call) -> None:
    """Access points take requests about objects, and few others (S3 User Guide, access point compatibility)."""
    check_network(call.point)
    if not call.params.get("Key") and call.operation not in _AT_POINTS:
        raise Refused("MethodNotAllowed", "The specified method is not allowed against this resource.", 405)


def _wanted_ownership(params: Mapping[str, Any]) -> str:
    rules = (params.get("OwnershipControls") or {}).get("Rules") or [{}]
    return str(rules[0].get("ObjectOwnership", ""))


def _check_region(call: Call, bucket: BucketFact) -> None:
    """S3 answers a request that was signed for another Region with the Region of the bucket.

    SDKs sign it anew for that Region (S3 User Guide, request redirection). GetBucketLocation works from everywhere.
    """
    if not call.access_key or call.region in (bucket.region, "aws-global") or call.operation == "GetBucketLocation":
        return
    message = "The bucket you are attempting to access must be addressed using the specified endpoint."
    raise Refused(
        "PermanentRedirect",
        message + " Please send all future requests to this endpoint.",
        301,
        headers={"x-amz-bucket-region": bucket.region},
        fields={"Endpoint": f"{bucket.name}.s3.{bucket.region}.amazonaws.com", "Bucket": bucket.name},
    )
