"""S3's own rules hold: Block Public Access, ACLs, Object Ownership, defaults, validity, batches."""

from __future__ import annotations

import json
from typing import Any

import pytest
from account_world import World, allow, arns, deny, document, refusal
from botocore.exceptions import ClientError

from s3ir_tui.gameday.process import OUTSIDE, VICTIM

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
EVERYTHING = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
NOTHING = dict.fromkeys(EVERYTHING, False)


def public(bucket: str) -> dict[str, Any]:
    """A statement that lets everyone read."""
    return allow(["s3:GetObject", "s3:ListBucket"], arns(bucket), Principal="*")


def grants(answer: dict[str, Any]) -> set[tuple[str, str]]:
    """Grants of an ACL as pairs of grantee and permission."""
    return {(g["Grantee"].get("URI") or g["Grantee"]["ID"], g["Permission"]) for g in answer["Grants"]}


def canonical(world: World, account: str) -> str:
    """The canonical id of an account."""
    owner: str = world.server.admin("s3", account=account).list_buckets()["Owner"]["ID"]
    return owner


@pytest.fixture
def open_bucket(world: World) -> str:
    """A bucket with ACLs and without Block Public Access."""
    return world.bucket("press", open_to_acls=True, key=b"x")


def test_new_buckets_have_the_defaults_of_today(world: World) -> None:
    s3 = world.client("s3", world.user("bob", allow("s3:*")))
    s3.create_bucket(Bucket="fresh")
    assert s3.get_public_access_block(Bucket="fresh")["PublicAccessBlockConfiguration"] == EVERYTHING
    rules = s3.get_bucket_ownership_controls(Bucket="fresh")["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    encryption = s3.get_bucket_encryption(Bucket="fresh")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    s3.delete_bucket_encryption(Bucket="fresh")
    assert refusal(s3.get_bucket_encryption, Bucket="fresh") == ""
    assert refusal(s3.create_bucket, Bucket="wide", ACL="public-read") == "InvalidBucketAclWithBlockPublicAccessError"
    assert refusal(s3.head_bucket, Bucket="wide") == "404"


def test_creating_a_bucket_again_keeps_its_settings(world: World, open_bucket: str) -> None:
    s3 = world.client("s3", world.user("bob", allow("s3:*")))
    s3.create_bucket(Bucket="press")
    assert refusal(s3.get_public_access_block, Bucket="press") == "NoSuchPublicAccessBlockConfiguration"


def test_an_anonymous_caller_reads_by_policy_until_the_bucket_or_the_account_blocks_it(
    world: World, open_bucket: str
) -> None:
    anonymous, control = world.client("s3"), world.server.admin("s3control")
    assert refusal(anonymous.get_object, Bucket="press", Key="key") == "AccessDenied"
    world.policy("press", public("press"))
    assert refusal(anonymous.get_object, Bucket="press", Key="key") == ""
    assert refusal(anonymous.list_objects_v2, Bucket="press") == ""
    assert refusal(anonymous.put_object, Bucket="press", Key="new", Body=b"") == "AccessDenied"

    restrict = NOTHING | {"RestrictPublicBuckets": True}
    world.s3.put_public_access_block(Bucket="press", PublicAccessBlockConfiguration=restrict)
    assert refusal(anonymous.get_object, Bucket="press", Key="key") == "AccessDenied"
    world.s3.delete_public_access_block(Bucket="press")
    assert refusal(anonymous.get_object, Bucket="press", Key="key") == ""

    control.put_public_access_block(AccountId=VICTIM, PublicAccessBlockConfiguration=restrict)
    assert refusal(anonymous.get_object, Bucket="press", Key="key") == "AccessDenied"
    control.delete_public_access_block(AccountId=VICTIM)
    assert refusal(anonymous.get_object, Bucket="press", Key="key") == ""


def test_a_partly_public_policy_that_is_restricted_cuts_named_accounts_too_and_not_its_own(
    world: World, open_bucket: str
) -> None:
    eve = world.client("s3", world.user("eve", allow("s3:*"), account=OUTSIDE))
    named = allow("s3:GetObject", arns("press"), Principal={"AWS": OUTSIDE})
    own = world.user("bob")
    mine = allow("s3:GetObject", arns("press"), Principal={"AWS": f"arn:aws:iam::{VICTIM}:user/bob"})
    restrict = NOTHING | {"RestrictPublicBuckets": True}
    world.s3.put_public_access_block(Bucket="press", PublicAccessBlockConfiguration=restrict)
    world.policy("press", named, mine)
    assert refusal(eve.get_object, Bucket="press", Key="key") == ""
    world.policy("press", named, mine, public("press"))
    assert refusal(eve.get_object, Bucket="press", Key="key") == "AccessDenied"
    assert refusal(world.client("s3", own).get_object, Bucket="press", Key="key") == ""


def test_block_public_policy_refuses_public_policies_only(world: World) -> None:
    world.bucket("payroll")
    bob = world.client("s3", world.user("bob", allow("s3:*")))
    put = bob.put_bucket_policy
    assert refusal(put, Bucket="payroll", Policy=document(public("payroll"))) == "AccessDenied"
    named = allow("s3:GetObject", arns("payroll"), Principal={"AWS": OUTSIDE})
    assert refusal(put, Bucket="payroll", Policy=document(named)) == ""
    bob.put_public_access_block(Bucket="payroll", PublicAccessBlockConfiguration=NOTHING)
    assert refusal(put, Bucket="payroll", Policy=document(public("payroll"))) == ""
    assert bob.get_bucket_policy_status(Bucket="payroll")["PolicyStatus"]["IsPublic"] is True


def test_public_acls_work_are_ignored_and_are_refused_as_block_public_access_says(
    world: World, open_bucket: str
) -> None:
    bob, anonymous = world.client("s3", world.user("bob", allow("s3:*"))), world.client("s3")
    bob.put_object_acl(Bucket="press", Key="key", ACL="public-read")
    bob.put_bucket_acl(Bucket="press", ACL="public-read")
    assert refusal(anonymous.get_object, Bucket="press", Key="key") == ""
    assert refusal(anonymous.list_objects_v2, Bucket="press") == ""
    assert (ALL_USERS, "READ") in grants(bob.get_object_acl(Bucket="press", Key="key"))

    ignore = NOTHING | {"IgnorePublicAcls": True}
    bob.put_public_access_block(Bucket="press", PublicAccessBlockConfiguration=ignore)
    assert refusal(anonymous.get_object, Bucket="press", Key="key") == "AccessDenied"
    assert refusal(anonymous.list_objects_v2, Bucket="press") == "AccessDenied"
    assert grants(bob.get_object_acl(Bucket="press", Key="key")) == {(canonical(world, VICTIM), "FULL_CONTROL")}
    assert grants(bob.get_bucket_acl(Bucket="press")) == {(canonical(world, VICTIM), "FULL_CONTROL")}

    block = NOTHING | {"BlockPublicAcls": True}
    bob.put_public_access_block(Bucket="press", PublicAccessBlockConfiguration=block)
    assert refusal(anonymous.get_object, Bucket="press", Key="key") == ""
    assert refusal(bob.put_object_acl, Bucket="press", Key="key", ACL="public-read") == "AccessDenied"
    assert refusal(bob.put_bucket_acl, Bucket="press", ACL="authenticated-read") == "AccessDenied"
    assert refusal(bob.put_object, Bucket="press", Key="n", Body=b"", ACL="public-read") == "AccessDenied"
    grant = f'uri="{ALL_USERS}"'
    assert refusal(bob.put_object_acl, Bucket="press", Key="key", GrantRead=grant) == "AccessDenied"
    assert refusal(bob.put_object_acl, Bucket="press", Key="key", ACL="private") == ""
    assert refusal(anonymous.get_object, Bucket="press", Key="key") == "AccessDenied"


def test_authenticated_users_are_everyone_who_signs(world: World, open_bucket: str) -> None:
    world.s3.put_object_acl(Bucket="press", Key="key", ACL="authenticated-read")
    eve = world.client("s3", world.user("eve", allow("s3:*"), account=OUTSIDE))
    assert refusal(eve.get_object, Bucket="press", Key="key") == ""
    assert refusal(world.client("s3").get_object, Bucket="press", Key="key") == "AccessDenied"


def test_objects_do_not_take_over_the_acl_of_their_bucket(world: World, open_bucket: str) -> None:
    world.s3.put_bucket_acl(Bucket="press", ACL="public-read")
    bob = world.client("s3", world.user("bob", allow("s3:*")))
    bob.put_object(Bucket="press", Key="new", Body=b"x")
    assert refusal(world.client("s3").get_object, Bucket="press", Key="new") == "AccessDenied"


def test_acls_belong_to_versions(world: World, open_bucket: str) -> None:
    bob, anonymous = world.client("s3", world.user("bob", allow("s3:*"))), world.client("s3")
    bob.put_bucket_versioning(Bucket="press", VersioningConfiguration={"Status": "Enabled"})
    old = bob.put_object(Bucket="press", Key="doc", Body=b"old", ACL="public-read")["VersionId"]
    new = bob.put_object(Bucket="press", Key="doc", Body=b"new")["VersionId"]

    def reads(version: str) -> bool:
        return not refusal(anonymous.get_object, Bucket="press", Key="doc", VersionId=version)

    assert (reads(old), reads(new)) == (True, False)
    bob.put_object_acl(Bucket="press", Key="doc", ACL="public-read")
    bob.put_object_acl(Bucket="press", Key="doc", VersionId=old, ACL="private")
    assert (reads(old), reads(new)) == (False, True)
    assert (ALL_USERS, "READ") in grants(bob.get_object_acl(Bucket="press", Key="doc", VersionId=new))
    assert refusal(bob.get_object_acl, Bucket="press", Key="doc", VersionId="none") == "NoSuchVersion"
    marker = bob.delete_object(Bucket="press", Key="doc")["VersionId"]
    assert refusal(bob.get_object_acl, Bucket="press", Key="doc") == "NoSuchKey"
    assert refusal(bob.put_object_acl, Bucket="press", Key="doc", VersionId=marker, ACL="private") == "MethodNotAllowed"


def test_copies_and_multipart_uploads_get_the_acl_that_was_asked_for(world: World, open_bucket: str) -> None:
    bob, anonymous = world.client("s3", world.user("bob", allow("s3:*"))), world.client("s3")
    bob.put_object_acl(Bucket="press", Key="key", ACL="public-read")
    bob.copy_object(Bucket="press", Key="copy", CopySource="press/key")
    bob.copy_object(Bucket="press", Key="open-copy", CopySource="press/key", ACL="public-read")
    for key, acl in (("parts", {}), ("open-parts", {"ACL": "public-read"})):
        upload = bob.create_multipart_upload(Bucket="press", Key=key, **acl)["UploadId"]
        tag = bob.upload_part(Bucket="press", Key=key, UploadId=upload, PartNumber=1, Body=b"p")["ETag"]
        bob.complete_multipart_upload(
            Bucket="press", Key=key, UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]}
        )
    seen = {k: refusal(anonymous.get_object, Bucket="press", Key=k) == "" for k in ("copy", "open-copy", "parts")}
    assert seen == {"copy": False, "open-copy": True, "parts": False}
    assert anonymous.get_object(Bucket="press", Key="open-parts")["Body"].read() == b"p"


def test_each_account_has_a_canonical_id_of_its_own_and_grants_to_it_admit_only_it(
    world: World, open_bucket: str
) -> None:
    outside, own = canonical(world, OUTSIDE), canonical(world, VICTIM)
    assert outside != own
    eve = world.client("s3", world.user("eve", allow("s3:*"), account=OUTSIDE))
    bob = world.client("s3", world.user("bob", allow("s3:*")))
    bob.put_object_acl(Bucket="press", Key="key", GrantRead=f'id="{outside}"', GrantFullControl=f'id="{own}"')
    assert refusal(eve.get_object, Bucket="press", Key="key") == ""
    assert refusal(eve.put_object_acl, Bucket="press", Key="key", ACL="public-read") == "AccessDenied"
    assert refusal(world.client("s3").get_object, Bucket="press", Key="key") == "AccessDenied"
    body = bob.get_object_acl(Bucket="press", Key="key")
    assert grants(body) == {(outside, "READ"), (own, "FULL_CONTROL")}
    policy = {"Owner": body["Owner"], "Grants": [g for g in body["Grants"] if g["Permission"] == "FULL_CONTROL"]}
    bob.put_object_acl(Bucket="press", Key="key", AccessControlPolicy=policy)
    assert refusal(eve.get_object, Bucket="press", Key="key") == "AccessDenied"
    owner = bob.list_object_versions(Bucket="press")["Versions"][0]["Owner"]["ID"]
    assert owner == own


def test_what_a_stranger_uploads_is_the_strangers_until_ownership_is_enforced(world: World, open_bucket: str) -> None:
    eve = world.client("s3", world.user("eve", allow("s3:*"), account=OUTSIDE))
    bob = world.client("s3", world.user("bob", allow("s3:*")))
    world.policy("press", allow(["s3:PutObject", "s3:PutObjectAcl"], arns("press"), Principal={"AWS": OUTSIDE}))
    eve.put_object(Bucket="press", Key="theirs", Body=b"x")
    assert refusal(bob.get_object, Bucket="press", Key="theirs") == "AccessDenied"
    assert refusal(eve.get_object, Bucket="press", Key="theirs") == ""
    eve.put_object(Bucket="press", Key="shared", Body=b"x", ACL="bucket-owner-full-control")
    assert refusal(bob.get_object, Bucket="press", Key="shared") == ""
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    bob.put_bucket_ownership_controls(Bucket="press", OwnershipControls=controls)
    assert refusal(bob.get_object, Bucket="press", Key="theirs") == ""
    assert refusal(eve.get_object, Bucket="press", Key="theirs") == "AccessDenied"
    bob.put_bucket_ownership_controls(
        Bucket="press", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    assert refusal(bob.get_object, Bucket="press", Key="theirs") == "AccessDenied"


def test_enforced_ownership_rejects_acls_hides_them_and_brings_them_back(world: World, open_bucket: str) -> None:
    bob, anonymous = world.client("s3", world.user("bob", allow("s3:*"))), world.client("s3")
    bob.put_object_acl(Bucket="press", Key="key", ACL="public-read")
    bob.put_bucket_acl(Bucket="press", ACL="public-read")
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    put = bob.put_bucket_ownership_controls
    assert refusal(put, Bucket="press", OwnershipControls=controls) == "InvalidBucketAclWithObjectOwnership"
    bob.put_bucket_acl(Bucket="press", ACL="private")
    assert refusal(put, Bucket="press", OwnershipControls=controls) == ""
    assert refusal(anonymous.get_object, Bucket="press", Key="key") == "AccessDenied"
    assert grants(bob.get_object_acl(Bucket="press", Key="key")) == {(canonical(world, VICTIM), "FULL_CONTROL")}
    for acl in ("private", "public-read", "bucket-owner-full-control"):
        assert refusal(bob.put_object_acl, Bucket="press", Key="key", ACL=acl) == "AccessControlListNotSupported"
        assert refusal(bob.put_bucket_acl, Bucket="press", ACL=acl) == "AccessControlListNotSupported"
    upload = {"Bucket": "press", "Key": "new", "Body": b""}
    assert refusal(bob.put_object, **upload, ACL="public-read") == "AccessControlListNotSupported"
    assert refusal(bob.put_object, **upload, ACL="bucket-owner-full-control") == ""
    bob.delete_bucket_ownership_controls(Bucket="press")
    assert refusal(anonymous.get_object, Bucket="press", Key="key") == ""


def test_bad_acls_are_refused(world: World, open_bucket: str) -> None:
    bob = world.client("s3", world.user("bob", allow("s3:*")))
    assert refusal(bob.put_bucket_acl, Bucket="press", ACL="everyone") == "InvalidArgument"
    both = {"ACL": "private", "GrantRead": f'uri="{ALL_USERS}"'}
    assert refusal(bob.put_bucket_acl, Bucket="press", **both) == "InvalidRequest"
    assert refusal(bob.put_bucket_acl, Bucket="press", GrantRead="name=x") == "MalformedACLError"
    assert refusal(bob.put_object, Bucket="press", Key="n", ACL="everyone") == "InvalidArgument"


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ("{", "MalformedPolicy"),
        (json.dumps({"Statement": []}), "MalformedPolicy"),
        (document(allow("s3:GetObject", arns("payroll"))), "MalformedPolicy"),
        (document(allow("s3:GetObject", arns("other"), Principal={"AWS": VICTIM})), "MalformedPolicy"),
        (document(allow("iam:GetUser", arns("payroll"), Principal={"AWS": VICTIM})), "MalformedPolicy"),
        (
            document(allow("s3:*", arns("payroll"), Principal={"AWS": f"arn:aws:iam::{VICTIM}:user/nobody"})),
            "MalformedPolicy",
        ),
        (
            document(
                *(allow("s3:GetObject", f"arn:aws:s3:::payroll/{n:0900}", Principal={"AWS": VICTIM}) for n in range(24))
            ),
            "PolicyTooLarge",
        ),
        (document(allow("s3:GetObject", arns("payroll"), Principal={"AWS": f"arn:aws:iam::{VICTIM}:root"})), ""),
        (document(deny("s3:*", arns("payroll"), Principal={"AWS": f"arn:aws:iam::{VICTIM}:user/bob"})), ""),
    ],
)
def test_bucket_policies_are_checked_before_they_are_stored(world: World, policy: str, code: str) -> None:
    world.bucket("payroll")
    bob = world.client("s3", world.user("bob", allow("s3:*")))
    assert refusal(bob.put_bucket_policy, Bucket="payroll", Policy=policy) == code
    stored = refusal(world.s3.get_bucket_policy, Bucket="payroll")
    assert stored == ("NoSuchBucketPolicy" if code else "")


def test_buckets_are_listed_by_the_page_and_by_account(world: World) -> None:
    for number in range(7):
        world.bucket(f"b{number}xx")
    world.server.admin("s3", account=OUTSIDE).create_bucket(Bucket="outside-bucket")
    bob = world.client("s3", world.user("bob", allow("s3:*")))
    pages = list(bob.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 3}))
    assert [[bucket["Name"] for bucket in page["Buckets"]] for page in pages] == [
        ["b0xx", "b1xx", "b2xx"],
        ["b3xx", "b4xx", "b5xx"],
        ["b6xx"],
    ]
    assert [bucket["Name"] for bucket in bob.list_buckets(Prefix="b3")["Buckets"]] == ["b3xx"]
    assert refusal(bob.list_buckets, ContinuationToken="???") == "InvalidArgument"
    assert refusal(world.client("s3").list_buckets) == "AccessDenied"


def test_the_expected_owner_must_be_the_owner(world: World) -> None:
    world.bucket("payroll", key=b"x")
    bob = world.client("s3", world.user("bob", allow("s3:*")))
    for owner, code in ((VICTIM, ""), (OUTSIDE, "AccessDenied")):
        assert refusal(bob.get_object, Bucket="payroll", Key="key", ExpectedBucketOwner=owner) == code
        assert refusal(bob.get_bucket_acl, Bucket="payroll", ExpectedBucketOwner=owner) == code
    assert refusal(bob.head_bucket, Bucket="payroll", ExpectedBucketOwner=OUTSIDE) == "403"


@pytest.mark.parametrize("quiet", [False, True])
def test_deleting_many_objects_answers_key_by_key(world: World, quiet: bool) -> None:
    world.bucket("payroll", a=b"x", b=b"x", keep=b"x")
    rest = deny("s3:DeleteObject", "arn:aws:s3:::payroll/keep")
    bob = world.client("s3", world.user("bob", allow("s3:*"), rest))
    objects = [{"Key": key} for key in ("a", "keep", "b", "never <there> & gone")]
    answer = bob.delete_objects(Bucket="payroll", Delete={"Objects": objects, "Quiet": quiet})
    assert [(error["Key"], error["Code"]) for error in answer["Errors"]] == [("keep", "AccessDenied")]
    if not quiet:
        assert {item["Key"] for item in answer["Deleted"]} == {"a", "b", "never <there> & gone"}
    assert [item["Key"] for item in world.s3.list_objects_v2(Bucket="payroll")["Contents"]] == ["keep"]
    only = bob.delete_objects(Bucket="payroll", Delete={"Objects": [{"Key": "keep"}]})
    assert len(only["Errors"]) == 1
    assert "Deleted" not in only


def test_missing_buckets_are_said_to_be_missing(world: World) -> None:
    bob = world.client("s3", world.user("bob", allow("s3:*")))
    for client in (bob, world.client("s3")):
        assert refusal(client.get_object, Bucket="nothing-here", Key="k") == "NoSuchBucket"
        assert refusal(client.get_bucket_policy, Bucket="nothing-here") == "NoSuchBucket"


def test_what_this_account_does_not_have_is_said_and_not_made_up(world: World) -> None:
    world.bucket("payroll")
    bob = world.user("bob", allow("*"))
    s3 = world.client("s3", bob)
    assert s3.get_bucket_request_payment(Bucket="payroll")["Payer"] == "BucketOwner"
    assert "MetricsConfigurationList" not in s3.list_bucket_metrics_configurations(Bucket="payroll")
    assert refusal(world.client("detective", bob).list_graphs) == "NotImplemented"
    with pytest.raises(ClientError, match="not part of this account"):
        world.client("ssm", bob).list_ops_item_events()
