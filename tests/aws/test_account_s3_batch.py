"""Batch Operations jobs wait for their confirmation, act as their role and no more, and report on each object."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import time
from typing import Any

import pytest
from account_world import World, allow, arns, deny, document, refusal

from s3ir_tui.gameday.process import VICTIM

ROLE = f"arn:aws:iam::{VICTIM}:role/batch"
TRUST = document(
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "batchoperations.s3.amazonaws.com"}}
)
JOBS = ("s3:CreateJob", "s3:DescribeJob", "s3:ListJobs", "s3:UpdateJobStatus", "s3:UpdateJobPriority")
STATEMENTS = (
    allow(["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"]),
    allow(["s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectVersionTagging", "s3:RestoreObject"]),
)


class Setup:
    """Buckets, a role for jobs, and who creates them."""

    def __init__(self, world: World, *role: dict[str, Any], trust: str = TRUST) -> None:
        self.world = world
        world.bucket("payroll", **{"a b": b"1", "é": b"2"})
        world.bucket("clean")
        world.bucket("ops")
        self.role = world.role("batch", trust, *(role or STATEMENTS))
        self.access = world.user("bob", allow([*JOBS]), allow("iam:PassRole", ROLE))
        self.control = world.client("s3control", self.access)

    def manifest(self, rows: list[list[str]]) -> dict[str, Any]:
        """Upload a manifest; its description for CreateJob."""
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        self.world.s3.put_object(Bucket="ops", Key="manifest.csv", Body=text.getvalue().encode())
        fields = ["Bucket", "Key", "VersionId"][: len(rows[0])]
        return {
            "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": fields},
            "Location": {
                "ObjectArn": "arn:aws:s3:::ops/manifest.csv",
                "ETag": hashlib.md5(text.getvalue().encode(), usedforsecurity=False).hexdigest(),
            },
        }

    def job(self, rows: list[list[str]], **more: Any) -> dict[str, Any]:
        """Parameters of CreateJob: a copy to the clean bucket."""
        return {
            "AccountId": VICTIM,
            "ConfirmationRequired": False,
            "Operation": {"S3PutObjectCopy": {"TargetResource": "arn:aws:s3:::clean"}},
            "Report": {
                "Bucket": "arn:aws:s3:::ops",
                "Format": "Report_CSV_20180820",
                "Enabled": True,
                "Prefix": "reports",
                "ReportScope": "AllTasks",
            },
            "ClientRequestToken": str(time.monotonic_ns()),
            "Manifest": self.manifest(rows),
            "Priority": 10,
            "RoleArn": ROLE,
        } | more

    def run(self, rows: list[list[str]], **more: Any) -> dict[str, Any]:
        """Run a job to its end; its description."""
        return self.wait(self.control.create_job(**self.job(rows, **more))["JobId"])

    def wait(self, job: str) -> dict[str, Any]:
        """Wait until a job is over."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            shown: dict[str, Any] = self.control.describe_job(AccountId=VICTIM, JobId=job)["Job"]
            if shown["Status"] in ("Complete", "Failed", "Cancelled"):
                return shown
        raise TimeoutError(shown["Status"])

    def report(self, job: str) -> list[list[str]]:
        """The rows of a job's report."""
        get = self.world.s3.get_object
        manifest = json.loads(get(Bucket="ops", Key=f"reports/job-{job}/manifest.json")["Body"].read())
        assert manifest["Format"] == "Report_CSV_20180820"
        rows: list[list[str]] = []
        for item in manifest["Results"]:
            body = get(Bucket=item["Bucket"], Key=item["Key"])["Body"].read()
            assert hashlib.md5(body, usedforsecurity=False).hexdigest() == item["MD5Checksum"]
            rows += csv.reader(io.StringIO(body.decode()))
        return rows


@pytest.fixture
def setup(world: World) -> Setup:
    """A world with a role that may copy."""
    return Setup(world)


def test_a_job_that_needs_a_confirmation_does_nothing_before_it(setup: Setup) -> None:
    asked = setup.job([["payroll", "a%20b"], ["payroll", "%C3%A9"]], ConfirmationRequired=True)
    job = setup.control.create_job(**asked)["JobId"]
    shown = setup.control.describe_job(AccountId=VICTIM, JobId=job)["Job"]
    assert (shown["Status"], shown["SuspendedCause"]) == ("Suspended", "AWAITING_CONFIRMATION")
    assert setup.world.s3.list_objects_v2(Bucket="clean")["KeyCount"] == 0
    listed = setup.control.list_jobs(AccountId=VICTIM, JobStatuses=["Suspended"])["Jobs"]
    assert [(item["JobId"], item["Operation"], item["Priority"]) for item in listed] == [(job, "S3PutObjectCopy", 10)]
    assert setup.control.create_job(**asked)["JobId"] == job
    setup.control.update_job_priority(AccountId=VICTIM, JobId=job, Priority=42)
    setup.control.update_job_status(AccountId=VICTIM, JobId=job, RequestedJobStatus="Ready", StatusUpdateReason="go")
    shown = setup.wait(job)
    assert (shown["Status"], shown["Priority"], shown["StatusUpdateReason"]) == ("Complete", 42, "go")
    progress = shown["ProgressSummary"]
    assert (progress["TotalNumberOfTasks"], progress["NumberOfTasksSucceeded"]) == (2, 2)
    assert setup.world.s3.get_object(Bucket="clean", Key="é")["Body"].read() == b"2"
    assert sorted(row[:5] for row in setup.report(job)) == [
        ["payroll", "%C3%A9", "", "succeeded", "200"],
        ["payroll", "a%20b", "", "succeeded", "200"],
    ]
    again = {"AccountId": VICTIM, "JobId": job, "RequestedJobStatus": "Cancelled"}
    assert refusal(setup.control.update_job_status, **again) == "JobStatusException"


def test_a_job_that_is_cancelled_before_its_confirmation_never_runs(setup: Setup) -> None:
    job = setup.control.create_job(**setup.job([["payroll", "a%20b"]], ConfirmationRequired=True))["JobId"]
    setup.control.update_job_status(AccountId=VICTIM, JobId=job, RequestedJobStatus="Cancelled")
    assert setup.wait(job)["Status"] == "Cancelled"
    ready = {"AccountId": VICTIM, "JobId": job, "RequestedJobStatus": "Ready"}
    assert refusal(setup.control.update_job_status, **ready) == "JobStatusException"
    assert setup.world.s3.list_objects_v2(Bucket="clean")["KeyCount"] == 0


def test_earlier_versions_are_copied_back_over_what_ransomed_them(setup: Setup) -> None:
    s3 = setup.world.s3
    s3.put_bucket_versioning(Bucket="payroll", VersioningConfiguration={"Status": "Enabled"})
    good = s3.put_object(Bucket="payroll", Key="k", Body=b"good")["VersionId"]
    s3.put_object(Bucket="payroll", Key="k", Body=b"ransom")
    target = {"S3PutObjectCopy": {"TargetResource": "arn:aws:s3:::payroll"}}
    assert setup.run([["payroll", "k", good]], Operation=target)["Status"] == "Complete"
    assert s3.get_object(Bucket="payroll", Key="k")["Body"].read() == b"good"


def test_each_task_needs_the_permissions_of_the_role(world: World) -> None:
    setup = Setup(world, *STATEMENTS, deny("s3:GetObject", "arn:aws:s3:::payroll/a b"))
    shown = setup.run([["payroll", "a%20b"], ["payroll", "%C3%A9"], ["payroll", "missing"]])
    assert shown["Status"] == "Complete"
    assert shown["ProgressSummary"]["NumberOfTasksFailed"] == 2
    rows = {row[1]: row[3:6] for row in setup.report(shown["JobId"])}
    assert rows["a%20b"] == ["failed", "403", "AccessDenied"]
    assert rows["missing"][:2] == ["failed", "404"]
    assert rows["%C3%A9"] == ["succeeded", "200", ""]
    events = [item for item in world.events("CopyObject") if item["userIdentity"].get("invokedBy")]
    assert {item["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] for item in events} == {ROLE}


@pytest.mark.parametrize("kind", ["trust", "etag", "manifest", "report"])
def test_a_job_fails_when_its_role_its_manifest_or_its_report_is_out_of_reach(world: World, kind: str) -> None:
    denied = {
        "manifest": [deny("s3:GetObject", "arn:aws:s3:::ops/manifest.csv")],
        "report": [deny("s3:PutObject", "arn:aws:s3:::ops/*")],
    }.get(kind, [])
    trust = TRUST.replace("batchoperations.s3", "lambda") if kind == "trust" else TRUST
    setup = Setup(world, *STATEMENTS, *denied, trust=trust)
    asked = setup.job([["payroll", "a%20b"]])
    if kind == "etag":
        asked["Manifest"]["Location"]["ETag"] = "0" * 32
    shown = setup.wait(setup.control.create_job(**asked)["JobId"])
    code = shown["FailureReasons"][0]["FailureCode"]
    assert (shown["Status"], code) == ("Failed", "ManifestETagMismatch" if kind == "etag" else "AccessDenied")
    copied = setup.world.s3.list_objects_v2(Bucket="clean")["KeyCount"]
    assert copied == (1 if kind == "report" else 0)


def test_who_creates_a_job_must_be_allowed_to_pass_its_role(setup: Setup) -> None:
    eve = setup.world.client("s3control", setup.world.user("eve", allow("s3:*")))
    asked = setup.job([["payroll", "a%20b"]])
    assert refusal(eve.create_job, **asked) == "AccessDenied"
    service = {"Condition": {"StringEquals": {"iam:PassedToService": "batchoperations.s3.amazonaws.com"}}}
    ann = setup.world.client(
        "s3control", setup.world.user("ann", allow("s3:CreateJob"), allow("iam:PassRole", ROLE, **service))
    )
    assert refusal(ann.create_job, **asked) == ""
    assert refusal(ann.list_jobs, AccountId=VICTIM) == "AccessDenied"
    assert refusal(setup.control.describe_job, AccountId=VICTIM, JobId="no-such-job") == "NoSuchJob"


def test_acls_tags_and_restores_are_jobs_too(world: World) -> None:
    setup = Setup(world, allow("s3:*"))
    world.s3.put_bucket_ownership_controls(
        Bucket="payroll", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    world.s3.delete_public_access_block(Bucket="payroll")
    world.s3.put_object_acl(Bucket="payroll", Key="é", ACL="public-read")
    world.s3.put_object(Bucket="payroll", Key="cold", Body=b"x", StorageClass="GLACIER")
    owner = world.s3.list_buckets()["Owner"]["ID"]
    tags = [{"Key": "state", "Value": "clean: done"}]
    private = {"CannedAccessControlList": "private"}
    grants = {
        "AccessControlList": {
            "Owner": {"ID": owner},
            "Grants": [{"Grantee": {"TypeIdentifier": "id", "Identifier": owner}, "Permission": "FULL_CONTROL"}],
        }
    }
    rows = [["payroll", "%C3%A9"]]
    for operation in (
        {"S3PutObjectTagging": {"TagSet": tags}},
        {"S3PutObjectAcl": {"AccessControlPolicy": private}},
        {"S3PutObjectAcl": {"AccessControlPolicy": grants}},
    ):
        shown = setup.run(rows, Operation=operation)
        assert shown["ProgressSummary"]["NumberOfTasksSucceeded"] == 1, setup.report(shown["JobId"])
    assert world.s3.get_object_tagging(Bucket="payroll", Key="é")["TagSet"] == tags
    assert refusal(world.client("s3").get_object, Bucket="payroll", Key="é") == "AccessDenied"
    restore = {"S3InitiateRestoreObject": {"ExpirationInDays": 3, "GlacierJobTier": "BULK"}}
    assert setup.run([["payroll", "cold"]], Operation=restore)["ProgressSummary"]["NumberOfTasksSucceeded"] == 1
    assert "Restore" in world.s3.head_object(Bucket="payroll", Key="cold")
    replicate = setup.run(rows, Operation={"S3ReplicateObject": {}})
    assert replicate["ProgressSummary"]["NumberOfTasksFailed"] == 1
    assert setup.report(replicate["JobId"])[0][5] == "NotImplemented"


def test_a_deny_in_the_bucket_policy_stops_the_job_and_other_accounts_jobs_are_not_seen(setup: Setup) -> None:
    setup.world.policy("clean", deny("s3:PutObject", arns("clean")[1], Principal="*"))
    shown = setup.run([["payroll", "a%20b"]])
    assert shown["ProgressSummary"]["NumberOfTasksFailed"] == 1
    outside = setup.world.client("s3control", setup.world.user("eve", allow("s3:*"), account="999988887777"))
    assert outside.list_jobs(AccountId="999988887777").get("Jobs", []) == []
    assert refusal(outside.describe_job, AccountId=VICTIM, JobId=shown["JobId"]) == "AccessDenied"


def test_access_grants_are_answered_as_an_account_without_an_instance(setup: Setup) -> None:
    bob = setup.world.client("s3control", setup.world.user("ann", allow("s3:*")))
    assert bob.list_access_grants_instances(AccountId=VICTIM).get("AccessGrantsInstancesList", []) == []
    assert refusal(bob.list_access_grants, AccountId=VICTIM) == "AccessGrantsInstanceNotExistsError"
    assert refusal(bob.list_storage_lens_groups, AccountId=VICTIM) == "NotImplemented"
