"""What the parameters of a call name: for each service and type of resource its names, or whole ARNs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.ec2.models import ec2_backends
from moto.kms.models import kms_backends
from moto.organizations.models import organizations_backends

from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.iam_resources import iam_names
from s3ir_tui.gameday.store import backend_of
from s3ir_tui.gameday.wire import Call, as_list

Names = Callable[[Call, Who, str], Iterator[str]]

_EC2_ID = re.compile(r"([a-z]+)-[0-9a-f]{8,17}\Z")
_EC2_KINDS = {
    "i": "instance",
    "vol": "volume",
    "snap": "snapshot",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "eni": "network-interface",
    "key": "key-pair",
    "vpc": "vpc",
    "subnet": "subnet",
    "ami": "image",
    "lt": "launch-template",
    "vpce": "vpc-endpoint",
    "rtb": "route-table",
    "acl": "network-acl",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "eipalloc": "elastic-ip",
    "fl": "vpc-flow-log",
    "pl": "prefix-list",
    "dopt": "dhcp-options",
}


def walk(value: Any) -> Iterator[tuple[str, str]]:
    """Every text in the parameters of a call, with the name of the field that holds it."""
    for name, inner in value.items() if isinstance(value, Mapping) else ():
        if isinstance(inner, str):
            yield str(name), inner
        elif isinstance(inner, list | tuple):
            for item in inner:
                if isinstance(item, str):
                    yield str(name), item
                else:
                    yield from walk(item)
        else:
            yield from walk(inner)


def given(*fields: str) -> Names:
    """The texts of some fields, wherever they stand in the parameters."""
    wanted = frozenset(fields)

    def names(call: Call, _who: Who, _kind: str) -> Iterator[str]:
        for name, value in walk(call.params):
            if name in wanted and value:
                yield value

    return names


def _ec2(call: Call, who: Who, kind: str) -> Iterator[str]:
    backend = ec2_backends[who.account][call.region]
    for name, value in walk(call.params):
        match = _EC2_ID.match(value)
        if (match and _EC2_KINDS.get(match[1]) == kind) or (name == "KeyName" and kind == "key-pair"):
            yield value
        elif name in ("GroupName", "SecurityGroups", "SecurityGroup") and kind == "security-group":
            yield from (group.id for group in backend.describe_security_groups(groupnames=None) if group.name == value)
        elif name == "AssociationId" and kind == "instance" and value.startswith("iip-assoc-"):
            held = backend.iam_instance_profile_associations.values()
            yield from (item.instance.id for item in list(held) if item.association_id == value)


def key_arn(identifier: str, account: str, region: str) -> str:
    """The ARN of a KMS key by its id, ARN, alias or alias ARN; "" if there is no such key."""
    if identifier.startswith("arn:"):
        parts = identifier.split(":", 5)
        if len(parts) != 6:
            return ""
        region, account, rest = parts[3], parts[4], parts[5]
        identifier = rest.removeprefix("key/")
    if account not in kms_backends:
        return ""
    backend = kms_backends[account][region]
    if identifier.startswith("alias/"):
        identifier = backend.get_key_id_from_alias(identifier) or ""
    key = backend.keys.get(identifier)
    return str(key.arn) if key is not None else ""


def _kms_key(call: Call, who: Who, _kind: str) -> Iterator[str]:
    for field in ("KeyId", "TargetKeyId", "SourceKeyId", "DestinationKeyId"):
        if identifier := call.params.get(field):
            yield key_arn(str(identifier), who.account, call.region) or str(identifier)
    blob = call.params.get("CiphertextBlob")
    if blob and not (call.params.get("KeyId") or call.params.get("SourceKeyId")):
        yield from filter(None, [key_arn(bytes(blob)[:36].decode(errors="replace"), who.account, call.region)])
    if call.operation in ("DeleteAlias", "UpdateAlias"):
        yield from filter(None, [key_arn(str(call.params.get("AliasName")), who.account, call.region)])


def _alias(call: Call, _who: Who, _kind: str) -> Iterator[str]:
    if name := call.params.get("AliasName"):
        yield str(name).removeprefix("alias/")


def _queue(call: Call, _who: Who, _kind: str) -> Iterator[str]:
    for name, value in walk(call.params):
        if name == "QueueUrl":
            parts = value.rstrip("/").rsplit("/", 2)
            account = parts[1] if len(parts) == 3 and parts[1].isdigit() else _who.account
            yield f"arn:aws:sqs:{call.region}:{account}:{parts[-1]}"
        elif name == "QueueName":
            yield value


def _topic(call: Call, _who: Who, _kind: str) -> Iterator[str]:
    for name, value in walk(call.params):
        if name in ("TopicArn", "TargetArn", "ResourceArn"):
            yield value
        elif name == "SubscriptionArn":
            yield value.rpartition(":")[0]
        elif name == "Name" and call.operation == "CreateTopic":
            yield value


def _secret(call: Call, who: Who, _kind: str) -> Iterator[str]:
    backend = backend_of("secretsmanager", who.account, call.region)
    for name, value in walk(call.params):
        if name in ("SecretId", "SecretIdList"):
            bare = value.split(":secret:", 1)[-1] if value.startswith("arn:") else value
            held = next(
                (item for item in list(backend.secrets.values()) if bare in (item.name, item.arn[-len(bare) :])), None
            )
            yield str(held.arn) if held is not None else value
    if call.operation == "CreateSecret":
        # AWS adds six random characters to the name, which nobody knows yet.
        yield f"{call.params.get('Name')}-??????"


def _parameter(call: Call, _who: Who, _kind: str) -> Iterator[str]:
    fields = ("Name", "Names", "Path", "ResourceId")
    for name, value in walk(call.params):
        if name in fields:
            yield value if value.startswith("arn:") else value.split(":")[0].removeprefix("/")


def _document(call: Call, who: Who, _kind: str) -> Iterator[str]:
    for name, value in walk(call.params):
        if name in ("DocumentName", "Name", "Documents"):
            owner = "" if value.startswith(("AWS-", "AWSSupport-", "Amazon")) else who.account
            yield value if value.startswith("arn:") else f"arn:aws:ssm:{call.region}:{owner}:document/{value}"


def _managed(prefix: str) -> Names:
    def names(call: Call, _who: Who, _kind: str) -> Iterator[str]:
        for name, value in walk(call.params):
            if name in ("InstanceIds", "InstanceId", "Target", "Values") and value.startswith(prefix):
                yield value

    return names


def _log_group(call: Call, _who: Who, _kind: str) -> Iterator[str]:
    """Permissions on a log group are asked with `:*` behind its name, but for those on its tags (CloudWatch Logs User
    Guide, resources and operations)."""
    fields = ("logGroupName", "logGroupNames", "logGroupIdentifier", "logGroupIdentifiers", "resourceArn")
    tail = "" if "Tag" in call.operation else ":log-stream:"
    for name, value in walk(call.params):
        if name in fields:
            yield value.removesuffix(":*") + tail


def _log_stream(call: Call, _who: Who, _kind: str) -> Iterator[str]:
    if group := call.params.get("logGroupName"):
        yield f"{group}:log-stream:{call.params.get('logStreamName') or ''}"


def _table(call: Call, _who: Who, _kind: str) -> Iterator[str]:
    if call.params.get("IndexName") and call.operation in ("Query", "Scan"):
        return
    for name, value in walk(call.params):
        if name in ("TableName", "ResourceArn"):
            yield value
    yield from call.params.get("RequestItems") or ()


def _index(call: Call, _who: Who, _kind: str) -> Iterator[str]:
    if call.params.get("IndexName") and call.operation in ("Query", "Scan"):
        yield f"{str(call.params.get('TableName')).rpartition('/')[2]}/index/{call.params['IndexName']}"


def _function(call: Call, _who: Who, _kind: str) -> Iterator[str]:
    if name := call.params.get("FunctionName"):
        qualifier = call.params.get("Qualifier")
        bare = re.sub(r"\A(arn:[^:]*:lambda:[^:]*:)?(\d{12}:)?(function:)?", "", str(name))
        yield bare + (f":{qualifier}" if qualifier and ":" not in bare else "")
    elif resource := call.params.get("Resource"):
        yield str(resource)


def _trail(call: Call, _who: Who, _kind: str) -> Iterator[str]:
    for name, value in walk(call.params):
        if name in ("Name", "TrailName", "ResourceId", "ResourceIdList"):
            yield value


def _workgroup(call: Call, who: Who, _kind: str) -> Iterator[str]:
    backend = backend_of("athena", who.account, call.region)
    params = call.params
    if name := params.get("WorkGroup"):
        yield str(name)
    elif call.operation.endswith("WorkGroup") and params.get("Name"):
        yield str(params["Name"])
    elif identifier := params.get("QueryExecutionId"):
        held = backend.executions.get(str(identifier))
        yield held.workgroup.name if held is not None and held.workgroup is not None else "primary"
    elif not params.get("ResourceARN"):
        yield "primary"
    else:
        yield str(params["ResourceARN"])


def _rule(call: Call, _who: Who, kind: str) -> Iterator[str]:
    bus = str(call.params.get("EventBusName") or "default").rpartition("/")[2]
    on_default = kind == "rule-on-default-event-bus"
    name = call.params.get("Rule") or (call.params.get("Name") if "Rule" in call.operation else None)
    if name and (bus == "default") is on_default:
        yield str(name) if on_default else f"{bus}/{name}"


def _bus(call: Call, _who: Who, _kind: str) -> Iterator[str]:
    if call.operation == "PutEvents":
        entries = as_list(call.params.get("Entries"))
        yield from dict.fromkeys(str(entry.get("EventBusName") or "default").rpartition("/")[2] for entry in entries)
    elif name := call.params.get("EventBusName") or call.params.get("Name"):
        yield str(name).rpartition("/")[2]


def _scaling_group(call: Call, who: Who, _kind: str) -> Iterator[str]:
    groups = backend_of("autoscaling", who.account, call.region).autoscaling_groups
    for name, value in walk(call.params):
        if name in ("AutoScalingGroupName", "AutoScalingGroupNames", "ResourceId"):
            held = groups.get(value)
            yield str(held.arn) if held is not None else f"*:autoScalingGroupName/{value}"


def _organization(call: Call, who: Who, kind: str) -> Iterator[str]:
    patterns = {"account": r"\d{12}", "organizationalunit": r"ou-[\w-]+", "root": r"r-\w+", "policy": r"p-\w+"}
    if kind not in patterns:
        return
    backend = organizations_backends[who.account]["aws"]
    held: list[Any] = [*backend.accounts, *backend.ou, *backend.policies]
    for _, value in walk(call.params):
        if re.fullmatch(patterns[kind], value):
            yield next((str(item.arn) for item in held if item.id == value), f"*/{value}")


NAMES: Mapping[tuple[str, str], Names] = {
    ("ec2", "*"): _ec2,
    ("iam", "*"): iam_names,
    ("kms", "key"): _kms_key,
    ("kms", "alias"): _alias,
    ("sqs", "queue"): _queue,
    ("sns", "topic"): _topic,
    ("secretsmanager", "Secret"): _secret,
    ("ssm", "parameter"): _parameter,
    ("ssm", "document"): _document,
    ("ssm", "instance"): _managed("i-"),
    ("ssm", "managed-instance"): _managed("mi-"),
    ("ssm", "session"): given("SessionId"),
    ("logs", "log-group"): _log_group,
    ("logs", "log-stream"): _log_stream,
    ("dynamodb", "table"): _table,
    ("dynamodb", "index"): _index,
    ("lambda", "function"): _function,
    ("cloudtrail", "trail"): _trail,
    ("cloudtrail", "eventdatastore"): given("EventDataStore"),
    ("athena", "workgroup"): _workgroup,
    ("athena", "datacatalog"): given("CatalogName", "Catalog"),
    ("events", "rule-on-default-event-bus"): _rule,
    ("events", "rule-on-custom-event-bus"): _rule,
    ("events", "event-bus"): _bus,
    ("autoscaling", "autoScalingGroup"): _scaling_group,
    ("autoscaling", "launchConfiguration"): given("LaunchConfigurationName"),
    ("organizations", "*"): _organization,
}
