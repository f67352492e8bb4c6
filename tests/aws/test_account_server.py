"""The account's process: private, settable, and gone when its parent is."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from account_world import World, allow, arns, deny, document, refusal, trust

from s3ir_tui.gameday.process import OUTSIDE, VICTIM, AccountServer, AccountServerError

POLICY_ARN = "arn:aws:iam::aws:policy/AWSDenyAll"
BLOCK = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def until(done: Any, seconds: float = 5.0) -> float:
    """Wait until something is true; how long it took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)
    return time.monotonic() - began


def post(server: AccountServer, path: str, token: str = "wrong") -> int:
    """Status of a POST."""
    request = urllib.request.Request(
        server.endpoint_url + path, data=b"null", headers={"X-Account-Token": token}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_changes_of_iam_show_at_once_and_take_effect_late(world: World) -> None:
    world.bucket("payroll", key=b"x")
    key = world.user("bob", allow("*"))
    admin = world.client("iam", world.user("admin", allow("*")))
    s3 = world.client("s3", key)
    world.server.control("settings", {"delay": 1.0})
    admin.attach_user_policy(UserName="bob", PolicyArn=POLICY_ARN)
    admin.update_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert len(admin.list_attached_user_policies(UserName="bob")["AttachedPolicies"]) == 1
    assert admin.list_access_keys(UserName="bob")["AccessKeyMetadata"][0]["Status"] == "Inactive"
    assert refusal(s3.get_object, Bucket="payroll", Key="key") == ""
    took = until(lambda: refusal(s3.get_object, Bucket="payroll", Key="key") == "InvalidAccessKeyId")
    assert 0.3 < took < 2
    admin.update_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"], Status="Active")
    until(lambda: refusal(s3.get_object, Bucket="payroll", Key="key") == "AccessDenied")


def test_a_deleted_key_and_a_changed_trust_take_effect_late(world: World) -> None:
    key = world.user("bob", allow("*"))
    admin = world.client("iam", world.user("admin", allow("*")))
    arn = world.role("worker", trust({"AWS": f"arn:aws:iam::{VICTIM}:root"}))
    sts = world.client("sts", key)
    world.server.control("settings", {"delay": 0.8})
    closed = trust({"Service": "ec2.amazonaws.com"})
    admin.update_assume_role_policy(RoleName="worker", PolicyDocument=closed)
    assert refusal(sts.assume_role, RoleArn=arn, RoleSessionName="a1") == ""
    until(lambda: refusal(sts.assume_role, RoleArn=arn, RoleSessionName="a1") == "AccessDenied")
    admin.delete_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"])
    assert refusal(sts.get_caller_identity) == ""
    until(lambda: refusal(sts.get_caller_identity) == "InvalidClientTokenId")


def test_changes_of_a_bucket_show_at_once_and_take_effect_late(world: World) -> None:
    world.bucket("press", open_to_acls=True, key=b"x")
    world.policy("press", allow("s3:GetObject", arns("press"), Principal="*"))
    s3, anonymous = world.client("s3", world.user("bob", allow("s3:*"))), world.client("s3")
    world.server.control("settings", {"delay": 0.8})
    s3.put_public_access_block(Bucket="press", PublicAccessBlockConfiguration=BLOCK)
    assert s3.get_public_access_block(Bucket="press")["PublicAccessBlockConfiguration"] == BLOCK
    assert refusal(anonymous.get_object, Bucket="press", Key="key") == ""
    until(lambda: refusal(anonymous.get_object, Bucket="press", Key="key") == "AccessDenied")
    s3.put_bucket_policy(Bucket="press", Policy=document(deny("s3:GetObject", arns("press"), Principal="*")))
    assert refusal(s3.get_object, Bucket="press", Key="key") == ""
    until(lambda: refusal(s3.get_object, Bucket="press", Key="key") == "AccessDenied")


def test_several_changes_take_effect_in_their_order(world: World) -> None:
    world.bucket("payroll", key=b"x")
    s3 = world.client("s3", world.user("bob", allow("s3:*")))
    admin = world.client("iam", world.user("admin", allow("*")))
    world.server.control("settings", {"delay": 1.0})
    admin.attach_user_policy(UserName="bob", PolicyArn=POLICY_ARN)
    time.sleep(0.6)
    admin.detach_user_policy(UserName="bob", PolicyArn=POLICY_ARN)
    until(lambda: refusal(s3.get_object, Bucket="payroll", Key="key") == "AccessDenied")
    until(lambda: refusal(s3.get_object, Bucket="payroll", Key="key") == "")


def test_seeding_is_not_delayed(world: World) -> None:
    world.server.control("settings", {"delay": 30})
    world.bucket("payroll", key=b"x")
    key = world.user("bob", allow("s3:*"))
    assert refusal(world.client("s3", key).get_object, Bucket="payroll", Key="key") == ""
    world.iam.attach_user_policy(UserName="bob", PolicyArn=POLICY_ARN)
    assert refusal(world.client("s3", key).get_object, Bucket="payroll", Key="key") == "AccessDenied"


def test_failures_come_on_request_in_the_words_of_the_service(world: World) -> None:
    world.bucket("payroll", key=b"x")
    key = world.user("bob", allow("*"))
    s3, iam = world.client("s3", key), world.client("iam", key)
    world.server.control(
        "faults",
        [
            {"service": "s3", "operation": "GetObject", "count": 2, "code": "SlowDown", "status": 503},
            {"service": "iam", "code": "Throttling", "status": 400},
            {"operation": "DescribeTrails", "code": "ThrottlingException", "status": 400},
            {"service": "ec2", "code": "InternalError", "status": 500},
        ],
    )
    assert refusal(s3.list_buckets) == ""
    codes = [refusal(s3.get_object, Bucket="payroll", Key="key") for _ in range(3)]
    assert codes == ["SlowDown", "SlowDown", ""]
    assert [refusal(iam.list_users) for _ in range(2)] == ["Throttling", ""]
    assert refusal(world.client("cloudtrail", key).describe_trails) == "ThrottlingException"
    assert refusal(world.client("ec2", key).describe_instances) == "InternalError"
    world.server.control("faults", [{"count": 99, "code": "InternalError", "status": 500}])
    assert refusal(world.s3.list_buckets) == ""
    patient = world.client("s3", key, retries={"total_max_attempts": 2})
    world.server.control("faults", {"service": "s3", "count": 1, "code": "SlowDown", "status": 503})
    assert refusal(patient.get_object, Bucket="payroll", Key="key") == ""


def test_accounts_do_not_see_each_other(world: World) -> None:
    world.user("bob")
    eve = world.user("eve", allow("*"), account=OUTSIDE)
    users = world.client("iam", eve).list_users()["Users"]
    assert [user["UserName"] for user in users] == ["eve"]
    assert world.client("s3", eve).list_buckets()["Buckets"] == []
    assert world.server.admin("sts", account=OUTSIDE).get_caller_identity()["Account"] == OUTSIDE


def test_a_client_cannot_choose_its_account(world: World) -> None:
    world.user("bob")
    iam = world.client("iam", world.user("eve", allow("*"), account=OUTSIDE))

    def pretend(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = VICTIM

    iam.meta.events.register("before-sign", pretend)
    refusal(iam.list_users)
    assert [event["recipientAccountId"] for event in world.events("ListUsers")] in ([], [OUTSIDE])
    iam.meta.events.unregister("before-sign", pretend)
    iam.meta.events.register("before-send", pretend)
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["eve"]


def test_the_control_path_needs_its_token_and_motos_own_is_closed(server: AccountServer, world: World) -> None:
    world.bucket("payroll")
    for name in ("events", "reset", "settings", "instance-credentials"):
        assert post(server, f"/_account/{name}") == 404
        assert post(server, f"/_account/{name}", "") == 404
    for path in ("/moto-api/reset", "/moto-api/reset-auth", "/latest/meta-data/iam/security-credentials/"):
        assert post(server, path) == 404
    assert [bucket["Name"] for bucket in world.s3.list_buckets()["Buckets"]] == ["payroll"]
    assert "secret" not in repr(server).lower()


def test_seeding_credentials_need_their_secret(world: World) -> None:
    forged = {"AccessKeyId": "AKIAADMN" + VICTIM, "SecretAccessKey": "guess"}
    assert refusal(world.client("s3", forged).list_buckets) == "SignatureDoesNotMatch"
    other = {"AccessKeyId": "AKIAADMN444455556666", "SecretAccessKey": "guess"}
    assert refusal(world.client("s3", other).list_buckets) == "InvalidAccessKeyId"


def test_control_says_what_is_wrong(server: AccountServer, world: World) -> None:
    with pytest.raises(AccountServerError, match="unknown settings: speed"):
        server.control("settings", {"speed": 1})
    with pytest.raises(AccountServerError, match="has no role"):
        server.control("instance-credentials", {"instance": "i-none"})
    with pytest.raises(AccountServerError, match="no such command"):
        server.control("nonsense")
    assert {server.control("settings")[name] for name in ("lag", "delay", "read_lag", "clash", "late_share")} == {0.0}


def test_only_loopback_is_served(server: AccountServer) -> None:
    port = int(server.endpoint_url.rsplit(":", 1)[1])
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    mine = [fields[1] for fields in listening if fields[1].endswith(f":{port:04X}") and fields[3] == "0A"]
    assert mine == [f"0100007F:{port:04X}"]


def test_a_port_in_use_is_an_error_that_says_so(server: AccountServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(AccountServerError, match="did not start"):
            AccountServer.start(port=taken.getsockname()[1])


def test_the_process_ends_with_its_parent_and_hides_its_secrets() -> None:
    code = (
        "import time\nfrom s3ir_tui.gameday.process import AccountServer\n"
        "server = AccountServer.start()\nprint(server.pid, server._secret, server._token, flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    number, *secrets = parent.stdout.readline().split()
    pid = int(number)
    try:
        assert alive(pid)
        seen = Path(f"/proc/{pid}/environ").read_text() + Path(f"/proc/{pid}/cmdline").read_text()
        assert len(secrets) == 2
        assert not any(secret in seen for secret in secrets)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(10)
        until(lambda: not alive(pid))
    finally:
        parent.kill()
        parent.wait(10)
        parent.stdout.close()


def test_a_thread_that_ends_does_not_take_the_account_with_it() -> None:
    with ThreadPoolExecutor(1) as pool:
        server = pool.submit(AccountServer.start).result()
    with server:
        time.sleep(0.3)
        assert server.admin("sts").get_caller_identity()["Account"] == VICTIM
    assert not alive(server.pid)
    server.stop()


def test_many_clients_at_once_lose_nothing(world: World) -> None:
    world.bucket("payroll")
    s3 = world.client("s3", world.user("bob", allow("s3:*")))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: s3.put_object(Bucket="payroll", Key=f"k{n:03}", Body=b"x"), range(120)))
    assert len(world.s3.list_objects_v2(Bucket="payroll")["Contents"]) == 120
    assert len(world.events("PutObject")) == 120


def test_instances_can_be_read_and_contained(world: World) -> None:
    world.role("worker", trust({"Service": "ec2.amazonaws.com"}), allow("s3:*"))
    world.iam.create_instance_profile(InstanceProfileName="worker-profile")
    world.iam.add_role_to_instance_profile(InstanceProfileName="worker-profile", RoleName="worker")
    ec2 = world.client("ec2", world.user("bob", allow(["ec2:*", "iam:PassRole"])))
    started = ec2.run_instances(
        ImageId="ami-12345678",
        MinCount=1,
        MaxCount=1,
        IamInstanceProfile={"Name": "worker-profile"},
        MetadataOptions={"HttpTokens": "optional", "HttpPutResponseHopLimit": 2},
    )["Instances"][0]
    instance = started["InstanceId"]

    def shown() -> Any:
        return ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]

    made = world.server.control("instance-credentials", {"instance": instance})
    world.client("s3", made).list_buckets()
    assert world.events("ListBuckets")[0]["userIdentity"]["sessionContext"]["ec2RoleDelivery"] == "1.0"
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required")
    options = shown()["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpEndpoint"], options["HttpPutResponseHopLimit"]) == (
        "required",
        "enabled",
        2,
    )
    made = world.server.control("instance-credentials", {"instance": instance})
    world.client("s3", made).list_buckets()
    assert world.events("ListBuckets")[1]["userIdentity"]["sessionContext"]["ec2RoleDelivery"] == "2.0"

    vpc = shown()["VpcId"]
    assert [item["GroupName"] for item in shown()["SecurityGroups"]] == ["default"]
    group = ec2.create_security_group(GroupName="isolated", Description="none", VpcId=vpc)["GroupId"]
    ec2.modify_instance_attribute(InstanceId=instance, Groups=[group])
    interface = shown()["NetworkInterfaces"][0]["NetworkInterfaceId"]
    assert [item["GroupId"] for item in shown()["SecurityGroups"]] == [group]
    assert [item["GroupId"] for item in shown()["NetworkInterfaces"][0]["Groups"]] == [group]
    described = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]
    assert [item["GroupId"] for item in described["Groups"]] == [group]
    associations = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    assert associations[0]["IamInstanceProfile"]["Arn"].endswith("worker-profile")
    assert json.dumps(world.events("ModifyInstanceAttribute")[0]["requestParameters"])
