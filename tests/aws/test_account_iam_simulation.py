"""Simulations, service last accessed, Access Analyzer, Systems Manager: what is asked before a containment."""

from __future__ import annotations

import json
from typing import Any

import pytest
from account_world import World, allow, arns, deny, document, refusal, trust
from botocore.exceptions import ClientError

from s3ir_tui.gameday.process import OUTSIDE, VICTIM

WEB_IDENTITY = {"RoleArn": f"arn:aws:iam::{VICTIM}:role/x", "RoleSessionName": "xy", "WebIdentityToken": "x" * 9}


@pytest.fixture
def boss(world: World) -> dict[str, str]:
    """A user with every permission."""
    return world.user("boss", allow("*"))


def _arn(name: str) -> str:
    return f"arn:aws:iam::{VICTIM}:{name}"


def _decisions(results: list[dict[str, Any]]) -> dict[str, str]:
    return {item["EvalActionName"]: item["EvalDecision"] for item in results}


def test_a_simulation_of_a_principal_says_what_its_policies_say(world: World, boss: dict[str, str]) -> None:
    world.user("bob", allow("s3:*"), deny("s3:DeleteObject"))
    world.iam.create_group(GroupName="staff")
    world.iam.put_group_policy(GroupName="staff", PolicyName="more", PolicyDocument=document(allow("ec2:Describe*")))
    world.iam.add_user_to_group(GroupName="staff", UserName="bob")
    actions = ["s3:GetObject", "s3:DeleteObject", "ec2:DescribeRegions", "iam:ListUsers"]
    iam = world.client("iam", boss)
    results = iam.simulate_principal_policy(PolicySourceArn=_arn("user/bob"), ActionNames=actions)["EvaluationResults"]
    assert _decisions(results) == {
        "s3:GetObject": "allowed",
        "s3:DeleteObject": "explicitDeny",
        "ec2:DescribeRegions": "allowed",
        "iam:ListUsers": "implicitDeny",
    }
    matched = {item["EvalActionName"]: item["MatchedStatements"] for item in results}
    assert [item["SourcePolicyId"] for item in matched["s3:DeleteObject"]] == ["user_bob_own"]
    assert [item["SourcePolicyId"] for item in matched["ec2:DescribeRegions"]] == ["group_staff_more"]
    assert matched["iam:ListUsers"] == []
    start = matched["s3:DeleteObject"][0]["StartPosition"]
    text = world.iam.get_user_policy(UserName="bob", PolicyName="own")["PolicyDocument"]
    assert json.dumps(text)[start["Column"] - 1 :].startswith('{"Effect": "Deny"')


def test_a_simulation_knows_boundary_resource_context_and_more_policies(world: World, boss: dict[str, str]) -> None:
    world.user("bob", allow("s3:GetObject", arns("books"), Condition={"Bool": {"aws:SecureTransport": "true"}}))
    iam = world.client("iam", boss)
    asked = {"PolicySourceArn": _arn("user/bob"), "ActionNames": ["s3:GetObject"]}
    books = {"ResourceArns": ["arn:aws:s3:::books/a"]}
    secure = [{"ContextKeyName": "aws:SecureTransport", "ContextKeyValues": ["true"], "ContextKeyType": "boolean"}]

    def simulated(**more: Any) -> dict[str, Any]:
        found: dict[str, Any] = iam.simulate_principal_policy(**asked, **more)["EvaluationResults"][0]
        return found

    assert simulated(**books)["EvalDecision"] == "implicitDeny"
    assert simulated(**books)["MissingContextValues"] == ["aws:SecureTransport"]
    assert simulated(**books, ContextEntries=secure)["EvalDecision"] == "allowed"
    assert simulated(ContextEntries=secure)["EvalDecision"] == "implicitDeny"
    extra = document(deny("s3:*"))
    assert simulated(**books, ContextEntries=secure, PolicyInputList=[extra])["EvalDecision"] == "explicitDeny"
    boundary = {"PermissionsBoundaryPolicyInputList": [document(allow("ec2:*"))]}
    bounded = simulated(**books, ContextEntries=secure, **boundary)
    assert bounded["EvalDecision"] == "implicitDeny"
    assert bounded["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


def test_a_simulation_agrees_with_what_happens(world: World, boss: dict[str, str]) -> None:
    key = world.user("bob", allow("s3:ListAllMyBuckets"), deny("ec2:*"))
    world.user("carol")
    iam = world.client("iam", boss)
    actions = ["s3:ListAllMyBuckets", "ec2:DescribeRegions", "sqs:ListQueues"]
    results = iam.simulate_principal_policy(PolicySourceArn=_arn("user/bob"), ActionNames=actions)["EvaluationResults"]
    really = {
        "s3:ListAllMyBuckets": refusal(world.client("s3", key).list_buckets),
        "ec2:DescribeRegions": refusal(world.client("ec2", key).describe_regions),
        "sqs:ListQueues": refusal(world.client("sqs", key).list_queues),
    }
    assert {name: said == "allowed" for name, said in _decisions(results).items()} == {
        name: code == "" for name, code in really.items()
    }


def test_custom_policies_are_simulated(world: World, boss: dict[str, str]) -> None:
    iam = world.client("iam", boss)
    texts = [document(allow("s3:*")), document(deny("s3:PutObject"))]
    results = iam.simulate_custom_policy(PolicyInputList=texts, ActionNames=["s3:GetObject", "s3:PutObject"])
    assert _decisions(results["EvaluationResults"]) == {"s3:GetObject": "allowed", "s3:PutObject": "explicitDeny"}
    assert refusal(iam.simulate_custom_policy, PolicyInputList=["{"], ActionNames=["s3:GetObject"]) == "InvalidInput"
    asked = {"PolicySourceArn": _arn("user/nobody"), "ActionNames": ["s3:GetObject"]}
    assert refusal(iam.simulate_principal_policy, **asked) == "NoSuchEntity"


def test_the_last_use_of_each_service_is_reported(world: World, boss: dict[str, str]) -> None:
    key = world.user("bob", allow(["s3:*", "ec2:Describe*"]))
    world.client("ec2", key).describe_regions()
    iam = world.client("iam", boss)
    job = iam.generate_service_last_accessed_details(Arn=_arn("user/bob"), Granularity="ACTION_LEVEL")["JobId"]
    report = iam.get_service_last_accessed_details(JobId=job)
    assert report["JobStatus"] == "COMPLETED"
    services = {item["ServiceNamespace"]: item for item in report["ServicesLastAccessed"]}
    assert set(services) >= {"s3", "ec2"}
    assert "iam" not in services
    assert services["ec2"]["LastAuthenticatedEntity"] == _arn("user/bob")
    assert [item["ActionName"] for item in services["ec2"]["TrackedActionsLastAccessed"]] == ["DescribeRegions"]
    assert "LastAuthenticated" not in services["s3"]


def test_an_analyzer_finds_what_others_can_reach(world: World, boss: dict[str, str]) -> None:
    analyzer = world.client("accessanalyzer", boss)
    assert analyzer.list_analyzers()["analyzers"] == []
    arn = analyzer.create_analyzer(analyzerName="main", type="ACCOUNT")["arn"]
    assert refusal(analyzer.create_analyzer, analyzerName="main", type="ACCOUNT") == "ConflictException"
    world.bucket("books")
    world.bucket("shared")
    world.policy("shared", allow("s3:GetObject", arns("shared"), Principal={"AWS": OUTSIDE}))
    world.role("open", trust({"AWS": f"arn:aws:iam::{OUTSIDE}:root"}))
    found = {item["resource"] for item in analyzer.list_findings_v2(analyzerArn=arn)["findings"]}
    assert found == {"arn:aws:s3:::shared", _arn("role/open")}
    world.s3.delete_bucket_policy(Bucket="shared")
    assert {item["resource"] for item in analyzer.list_findings_v2(analyzerArn=arn)["findings"]} == {_arn("role/open")}


def test_policies_are_checked_by_the_analyzer(world: World, boss: dict[str, str]) -> None:
    analyzer = world.client("accessanalyzer", boss)
    good, bad = document(allow("s3:GetObject", "arn:aws:s3:::b/*")), document(allow("nonsense"))
    kind = {"policyType": "IDENTITY_POLICY"}
    assert analyzer.validate_policy(policyDocument=good, **kind)["findings"] == []
    assert [f["findingType"] for f in analyzer.validate_policy(policyDocument=bad, **kind)["findings"]] == ["ERROR"]

    def granted(action: str) -> str:
        access = [{"actions": [action]}]
        return str(analyzer.check_access_not_granted(policyDocument=good, access=access, **kind)["result"])

    assert (granted("s3:GetObject"), granted("s3:PutObject")) == ("FAIL", "PASS")

    def new(text: str) -> str:
        asked = {"existingPolicyDocument": good, "newPolicyDocument": text, **kind}
        return str(analyzer.check_no_new_access(**asked)["result"])

    assert new(document(allow("s3:GetObject", "arn:aws:s3:::b/public/*"))) == "PASS"
    assert new(document(allow("s3:*", "arn:aws:s3:::b/*"))) == "FAIL"
    assert new(document(allow("s3:GetObject", "arn:aws:s3:::other/*"))) == "FAIL"

    def public(principal: Any) -> str:
        text = document(allow("s3:GetObject", "arn:aws:s3:::b/*", Principal=principal))
        return str(analyzer.check_no_public_access(policyDocument=text, resourceType="AWS::S3::Bucket")["result"])

    assert (public("*"), public({"AWS": OUTSIDE})) == ("FAIL", "PASS")


def test_instances_whose_role_lets_the_agent_report_are_managed(world: World, boss: dict[str, str]) -> None:
    world.role("web", trust({"Service": "ec2.amazonaws.com"}))
    world.iam.create_instance_profile(InstanceProfileName="web")
    world.iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    ec2 = world.server.admin("ec2")
    run = {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1}
    ec2.run_instances(**run)
    instance = ec2.run_instances(**run, IamInstanceProfile={"Name": "web"})["Instances"][0]["InstanceId"]
    ssm = world.client("ssm", boss)
    assert ssm.describe_instance_information()["InstanceInformationList"] == []
    managed = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    world.iam.attach_role_policy(RoleName="web", PolicyArn=managed)
    assert [i["InstanceId"] for i in ssm.describe_instance_information()["InstanceInformationList"]] == [instance]
    none = [{"Key": "InstanceIds", "Values": ["i-00000000000000000"]}]
    assert ssm.describe_instance_information(Filters=none)["InstanceInformationList"] == []
    ec2.stop_instances(InstanceIds=[instance])
    assert ssm.describe_instance_information()["InstanceInformationList"] == []


def test_a_session_on_an_instance_is_listed_until_it_is_ended(world: World, boss: dict[str, str]) -> None:
    world.role("web", trust({"Service": "ec2.amazonaws.com"}), allow("ssm:*"))
    world.iam.create_instance_profile(InstanceProfileName="web")
    world.iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    run = {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "IamInstanceProfile": {"Name": "web"}}
    instance = world.server.admin("ec2").run_instances(**run)["Instances"][0]["InstanceId"]
    bob = world.client("ssm", world.user("bob", allow("ssm:StartSession")))
    ssm = world.client("ssm", boss)
    assert refusal(bob.start_session, Target="i-00000000000000000") == "TargetNotConnected"
    session = bob.start_session(Target=instance)["SessionId"]
    [shown] = ssm.describe_sessions(State="Active")["Sessions"]
    assert (shown["SessionId"], shown["Target"], shown["Owner"]) == (session, instance, _arn("user/bob"))
    assert refusal(bob.terminate_session, SessionId=session) == "AccessDeniedException"
    ssm.terminate_session(SessionId=session)
    assert ssm.describe_sessions(State="Active")["Sessions"] == []
    assert [item["SessionId"] for item in ssm.describe_sessions(State="History")["Sessions"]] == [session]


def test_an_encoded_refusal_can_be_decoded(world: World, boss: dict[str, str]) -> None:
    ec2 = world.client("ec2", world.user("bob", allow("s3:*")))
    with pytest.raises(ClientError, match="Encoded authorization failure message: ") as caught:
        ec2.describe_instances()
    encoded = str(caught.value).rsplit(" ", 1)[1]
    decoded = world.client("sts", boss).decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"]
    said = json.loads(decoded)
    assert (said["allowed"], said["context"]["action"]) == (False, "ec2:DescribeInstances")
    assert said["context"]["principal"]["arn"] == _arn("user/bob")
    invalid = refusal(world.client("sts", boss).decode_authorization_message, EncodedMessage="nonsense")
    assert invalid == "InvalidAuthorizationMessageException"


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("iam", "list_service_specific_credentials", {}),
        ("guardduty", "list_findings", {"DetectorId": "d" * 32}),
        ("macie2", "list_findings", {}),
        ("detective", "list_graphs", {}),
        ("rolesanywhere", "list_profiles", {}),
        ("cloudtrail", "list_event_data_stores", {}),
        ("ram", "list_principals", {"resourceOwner": "SELF"}),
        (
            "sts",
            "assume_role_with_saml",
            {
                "RoleArn": "arn:aws:iam::111122223333:role/x",
                "PrincipalArn": "arn:aws:iam::111122223333:saml-provider/x",
                "SAMLAssertion": "eHh4eHg=",
            },
        ),
        ("accessanalyzer", "list_archive_rules", {"analyzerName": "main"}),
    ],
)
def test_what_is_not_here_says_so(
    world: World, boss: dict[str, str], service: str, operation: str, params: dict[str, str]
) -> None:
    """An honest error in the protocol of the service, which boto3 reads as one; no server error, no page of HTML."""
    with pytest.raises(ClientError) as caught:
        getattr(world.client(service, boss), operation)(**params)
    error = caught.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] in (403, 404, 501)
    assert "html" not in error["Error"]["Message"].lower()
    assert error["Error"]["Code"] in ("NotImplemented", "ResourceNotFoundException", "MissingAuthenticationToken")
