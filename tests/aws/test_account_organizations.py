"""Policies of AWS Organizations are enforced, at each level, on member accounts."""

from __future__ import annotations

from typing import Any

import pytest
from account_world import World, allow, arns, deny, document, refusal

from s3ir_tui.gameday.process import OUTSIDE, VICTIM

SCP = "SERVICE_CONTROL_POLICY"


class Organization:
    """An organization of the outside account, which the victim's account has joined.

    Attributes:
        manager: Organizations as the management account calls it.
        root: Id of the root.
        unit: Id of the organizational unit that holds the member.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.manager = world.client("organizations", world.user("manager", allow("*"), account=OUTSIDE))
        self.id = self.manager.create_organization(FeatureSet="ALL")["Organization"]["Id"]
        self.root = self.manager.list_roots()["Roots"][0]["Id"]
        self.unit = self.manager.create_organizational_unit(ParentId=self.root, Name="apps")["OrganizationalUnit"]["Id"]
        invited = self.manager.invite_account_to_organization(Target={"Id": VICTIM, "Type": "ACCOUNT"})["Handshake"]
        member = world.client("organizations", world.user("joiner", allow("*")))
        member.accept_handshake(HandshakeId=invited["Id"])
        self.manager.move_account(AccountId=VICTIM, SourceParentId=self.root, DestinationParentId=self.unit)

    def enable(self, kind: str = SCP) -> None:
        """Enable a type of policy."""
        self.manager.enable_policy_type(RootId=self.root, PolicyType=kind)

    def policy(self, text: str, kind: str = SCP) -> str:
        """Make a policy; its id."""
        made = self.manager.create_policy(Name="p", Description="x", Type=kind, Content=text)
        return str(made["Policy"]["PolicySummary"]["Id"])


@pytest.fixture
def organization(world: World) -> Organization:
    """An organization with one member."""
    return Organization(world)


def _lists(world: World, key: dict[str, str]) -> str:
    return refusal(world.client("s3", key).list_buckets)


@pytest.mark.parametrize("level", ["root", "unit", "account"])
def test_a_deny_at_any_level_holds_on_the_member(world: World, organization: Organization, level: str) -> None:
    key = world.user("bob", allow("*"))
    organization.enable()
    target = {"root": organization.root, "unit": organization.unit, "account": VICTIM}[level]
    made = organization.policy(document(deny("s3:*")))
    assert _lists(world, key) == ""
    organization.manager.attach_policy(PolicyId=made, TargetId=target)
    assert _lists(world, key) == "AccessDenied"
    assert refusal(world.client("ec2", key).describe_regions) == ""
    organization.manager.detach_policy(PolicyId=made, TargetId=target)
    assert _lists(world, key) == ""


def test_each_level_must_allow(world: World, organization: Organization) -> None:
    key = world.user("bob", allow("*"))
    organization.enable()
    made = organization.policy(document(allow("ec2:*")))
    organization.manager.attach_policy(PolicyId=made, TargetId=organization.unit)
    organization.manager.detach_policy(PolicyId="p-FullAWSAccess", TargetId=organization.unit)
    assert _lists(world, key) == "AccessDenied"
    assert refusal(world.client("ec2", key).describe_regions) == ""


def test_the_management_account_is_not_limited(world: World, organization: Organization) -> None:
    organization.enable()
    made = organization.policy(document(deny("s3:*")))
    organization.manager.attach_policy(PolicyId=made, TargetId=organization.root)
    assert _lists(world, world.user("eve", allow("s3:*"), account=OUTSIDE)) == ""
    assert _lists(world, world.user("bob", allow("s3:*"))) == "AccessDenied"


def test_an_scp_grants_nothing(world: World, organization: Organization) -> None:
    organization.enable()
    assert _lists(world, world.user("bob")) == "AccessDenied"


def test_a_policy_can_only_be_attached_once_its_type_is_enabled(organization: Organization) -> None:
    made = organization.policy(document(deny("s3:*")))
    attach = organization.manager.attach_policy
    assert refusal(attach, PolicyId=made, TargetId=VICTIM) == "PolicyTypeNotEnabledException"
    organization.enable()
    assert refusal(attach, PolicyId=made, TargetId=VICTIM) == ""
    assert refusal(attach, PolicyId=made, TargetId=VICTIM) == "DuplicatePolicyAttachmentException"


def test_the_last_policy_of_a_target_stays(organization: Organization) -> None:
    organization.enable()
    detach = organization.manager.detach_policy
    assert refusal(detach, PolicyId="p-FullAWSAccess", TargetId=VICTIM) == "ConstraintViolationException"


def test_a_malformed_policy_is_refused(organization: Organization) -> None:
    asked = {"Name": "p", "Description": "x", "Type": SCP, "Content": "{"}
    assert refusal(organization.manager.create_policy, **asked) == "MalformedPolicyDocumentException"


def test_a_new_account_can_be_entered_and_is_limited(world: World, organization: Organization) -> None:
    made = organization.manager.create_account(Email="a@example.com", AccountName="apps")["CreateAccountStatus"]
    account = made["AccountId"]
    sts = world.client("sts", world.user("boss", allow("sts:*"), account=OUTSIDE))
    arn = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    inside = sts.assume_role(RoleArn=arn, RoleSessionName="one")["Credentials"]
    assert _lists(world, inside) == ""
    organization.enable()
    organization.manager.attach_policy(PolicyId=organization.policy(document(deny("s3:*"))), TargetId=account)
    assert _lists(world, inside) == "AccessDenied"


def test_a_resource_control_policy_protects_the_buckets_of_a_member(world: World, organization: Organization) -> None:
    kind = "RESOURCE_CONTROL_POLICY"
    organization.enable(kind)
    world.bucket("books", a=b"1")
    stranger = world.user("eve", allow("s3:*"), account=OUTSIDE)
    world.policy("books", allow("s3:GetObject", arns("books"), Principal={"AWS": f"arn:aws:iam::{OUTSIDE}:root"}))
    s3 = world.client("s3", stranger)
    assert refusal(s3.get_object, Bucket="books", Key="a") == ""
    only_own = {"StringNotEquals": {"aws:PrincipalAccount": VICTIM}}
    made = organization.policy(document(deny("s3:*", Principal="*", Condition=only_own)), kind)
    organization.manager.attach_policy(PolicyId=made, TargetId=VICTIM)
    assert refusal(s3.get_object, Bucket="books", Key="a") == "AccessDenied"
    assert refusal(world.client("s3", world.user("bob", allow("s3:*"))).get_object, Bucket="books", Key="a") == ""


def test_the_organization_of_a_caller_is_known(world: World, organization: Organization) -> None:
    world.bucket("books", a=b"1")
    org = {"StringEquals": {"aws:PrincipalOrgID": organization.id}}
    world.policy("books", allow("s3:GetObject", arns("books"), Principal={"AWS": "*"}, Condition=org))
    member: Any = world.client("s3", world.user("bob"))
    assert refusal(member.get_object, Bucket="books", Key="a") == ""
    assert refusal(world.client("s3").get_object, Bucket="books", Key="a") == "AccessDenied"


def test_the_management_account_unlocks_a_bucket_as_root_of_a_member(world: World, organization: Organization) -> None:
    world.bucket("books", a=b"1")
    world.policy("books", deny("s3:*", arns("books"), Principal="*"))
    boss = world.user("boss", allow("*"), account=OUTSIDE)
    sts, iam = world.client("sts", boss), world.client("iam", boss)
    asked = {
        "TargetPrincipal": VICTIM,
        "TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"},
    }
    assert refusal(sts.assume_root, **asked) == "AccessDenied"
    assert iam.enable_organizations_root_sessions()["EnabledFeatures"] == ["RootSessions"]
    root = sts.assume_root(**asked)["Credentials"]
    s3 = world.client("s3", root)
    assert refusal(s3.get_object, Bucket="books", Key="a") == "AccessDenied"
    assert refusal(world.client("iam", root).list_users) == "AccessDenied"
    s3.delete_bucket_policy(Bucket="books")
    identity = world.events("DeleteBucketPolicy")[-1]["userIdentity"]
    assert (identity["type"], identity["accountId"], identity["sessionContext"]["assumedRoot"]) == (
        "Root",
        VICTIM,
        "true",
    )
    assert refusal(world.client("s3", world.user("bob", allow("s3:*"))).get_object, Bucket="books", Key="a") == ""


def test_only_the_management_account_assumes_root_for_a_known_task(world: World, organization: Organization) -> None:
    world.client("iam", world.user("boss", allow("*"), account=OUTSIDE)).enable_organizations_root_sessions()
    task = {"TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"}}
    other = {"TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}}
    member = world.client("sts", world.user("bob", allow("*")))
    plain = world.client("sts", world.user("eve", account=OUTSIDE))
    chief = world.client("sts", world.user("chief", allow("sts:*"), account=OUTSIDE))
    assert refusal(member.assume_root, TargetPrincipal=OUTSIDE, **task) == "AccessDenied"
    assert refusal(plain.assume_root, TargetPrincipal=VICTIM, **task) == "AccessDenied"
    assert refusal(chief.assume_root, TargetPrincipal=VICTIM, **other) == "ValidationError"
    assert refusal(chief.assume_root, TargetPrincipal=VICTIM, **task) == ""
