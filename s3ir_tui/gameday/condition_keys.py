"""Condition keys of a call beside those of its caller: tags of the request and the resource, keys of the service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.ec2.models import ec2_backends
from moto.kms.models import kms_backends

from s3ir_tui.gameday.iam_resources import entity
from s3ir_tui.gameday.organizations import organization_id
from s3ir_tui.gameday.resources import Target
from s3ir_tui.gameday.store import BOUNDARY, backend_of, iam
from s3ir_tui.gameday.wire import Call

Keys = dict[str, "str | tuple[str, ...]"]

_TAGGED = {"ec2": "ec2:resourcetag/", "iam": "iam:resourcetag/", "secretsmanager": "secretsmanager:resourcetag/"}
"""Services that know the tags of a resource under a key of their own as well."""


def keys_of_call(call: Call) -> Keys:
    """Keys that are the same for every resource of a call."""
    keys: Keys = {}
    tags = dict(_request_tags(call.params))
    for key, value in tags.items():
        keys[f"aws:requesttag/{key.lower()}"] = value
    tag_keys = [*tags, *_texts(call.params.get("TagKeys") or call.params.get("tagKeys"))]
    if tag_keys:
        keys["aws:tagkeys"] = tuple(tag_keys)
    keys |= _SERVICES.get(call.service, _none)(call)
    return keys


def keys_of_target(target: Target, account: str) -> Keys:
    """Keys about one resource.

    Args:
        target: The resource.
        account: The account that owns it where its ARN names none.
    """
    owner = target.account if target.account.isdigit() else account
    keys: Keys = {"aws:resourceaccount": owner}
    if organization := organization_id(owner):
        keys["aws:resourceorgid"] = organization
    parts = target.arn.split(":", 5)
    if len(parts) < 6:
        return keys
    service, region = parts[2], parts[3]
    for key, value in _tags_of(service, region, owner, target):
        keys[f"aws:resourcetag/{key.lower()}"] = value
        if own := _TAGGED.get(service):
            keys[f"{own}{key.lower()}"] = value
    if service == "iam" and target.kind in ("user", "role"):
        found = entity(owner, target.kind, target.name.rpartition("/")[2])
        boundary = getattr(found, BOUNDARY, None) or getattr(found, "permissions_boundary_arn", None)
        if boundary:
            keys["iam:permissionsboundary"] = str(boundary)
    if service == "ec2":
        keys |= _ec2_target(region, owner, target)
    return keys


def _request_tags(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Tags that a call puts on something: a list of keys and values or a map, of EC2 by type of resource."""
    for name in ("Tags", "tags", "Tag"):
        given = params.get(name)
        if isinstance(given, Mapping):
            yield from ((str(key), str(value)) for key, value in given.items())
        for item in given if isinstance(given, list | tuple) else ():
            if isinstance(item, Mapping):
                lower = {str(key).lower(): value for key, value in item.items()}
                yield str(lower.get("key", lower.get("tagkey", ""))), str(lower.get("value", lower.get("tagvalue", "")))
    for specification in params.get("TagSpecifications") or ():
        yield from _request_tags(specification)


def _iam(call: Call) -> Keys:
    keys: Keys = {}
    for parameter, key in (
        ("PermissionsBoundary", "iam:permissionsboundary"),
        ("PolicyArn", "iam:policyarn"),
        ("AWSServiceName", "iam:awsservicename"),
    ):
        if value := call.params.get(parameter):
            keys[key] = str(value)
    return keys


def _ec2(call: Call) -> Keys:
    params = call.params
    keys: Keys = {"ec2:region": call.region}
    if kind := params.get("InstanceType"):
        keys["ec2:instancetype"] = str(kind)
    profile = params.get("IamInstanceProfile") or {}
    if arn := profile.get("Arn"):
        keys["ec2:instanceprofile"] = str(arn)
    options = params.get("MetadataOptions") or {}
    if params.get("HttpTokens") or options.get("HttpTokens"):
        keys["ec2:metadatahttptokens"] = str(params.get("HttpTokens") or options.get("HttpTokens"))
    if call.operation == "ModifySnapshotAttribute":
        change = params.get("CreateVolumePermission") or {}
        for word in ("Add", "Remove"):
            for item in change.get(word) or ():
                for field, key in (("UserId", "userid"), ("Group", "group")):
                    if item.get(field):
                        keys[f"ec2:{word.lower()}/{key}"] = str(item[field])
    if tagging := _creates_with_tags(call):
        keys["ec2:createaction"] = tagging
    return keys


def _creates_with_tags(call: Call) -> str:
    return call.operation if call.params.get("TagSpecifications") else ""


def _kms(call: Call) -> Keys:
    params = call.params
    context = params.get("EncryptionContext") or params.get("SourceEncryptionContext") or {}
    keys: Keys = {f"kms:encryptioncontext:{key.lower()}": str(value) for key, value in context.items()}
    if context:
        keys["kms:encryptioncontextkeys"] = tuple(context)
    if str(params.get("KeyId", "")).startswith("alias/") or ":alias/" in str(params.get("KeyId", "")):
        keys["kms:requestalias"] = "alias/" + str(params["KeyId"]).split("alias/", 1)[1]
    if call.operation == "CreateGrant":
        keys["kms:granteeprincipal"] = str(params.get("GranteePrincipal", ""))
        keys["kms:grantoperations"] = tuple(_texts(params.get("Operations")))
        keys["kms:grantisforawsresource"] = "false"
    if call.operation == "ScheduleKeyDeletion":
        keys["kms:scheduledeletionpendingwindowindays"] = str(params.get("PendingWindowInDays") or 30)
    return keys


def _none(_call: Call) -> Keys:
    return {}


_SERVICES = {"iam": _iam, "ec2": _ec2, "kms": _kms}


def _tags_of(service: str, region: str, account: str, target: Target) -> Iterator[tuple[str, str]]:
    if service == "ec2":
        tags = ec2_backends[account][region].tags
        yield from dict(tags.get(target.name, {})).items()
    elif service == "iam":
        yield from _iam_tags(account, target)
    elif service == "kms":
        backend = kms_backends[account][region]
        if target.name in backend.keys:
            yield from _pairs(backend.list_resource_tags(target.name)["Tags"])
    elif service == "secretsmanager":
        for secret in list(backend_of("secretsmanager", account, region).secrets.values()):
            if secret.arn == target.arn:
                yield from _pairs(secret.tags or ())
    elif service == "sqs":
        queue = backend_of("sqs", account, region).queues.get(target.arn.rpartition(":")[2])
        yield from (queue.tags if queue is not None else {}).items()
    elif service == "lambda":
        for function in backend_of("lambda", account, region).list_functions():
            if function.function_arn == target.arn:
                yield from function.tags.items()


def _iam_tags(account: str, target: Target) -> Iterator[tuple[str, str]]:
    found = entity(account, target.kind, target.name.rpartition("/")[2])
    if found is None:
        return
    if target.kind == "user":
        yield from _pairs(iam(account).tagger.list_tags_for_resource(found.arn)["Tags"])
    elif tags := getattr(found, "tags", None):
        yield from _pairs(tags.values() if isinstance(tags, Mapping) else tags)


def _ec2_target(region: str, account: str, target: Target) -> Keys:
    keys: Keys = {}
    if target.kind == "instance" and target.name != "*":
        for reservation in list(ec2_backends[account][region].reservations.values()):
            for instance in reservation.instances:
                if instance.id == target.name:
                    keys = {"ec2:instancetype": str(instance.instance_type), "ec2:instanceid": str(instance.id)}
    return keys


def _pairs(items: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for item in items:
        lower = {str(key).lower(): value for key, value in item.items()}
        yield str(lower.get("key", lower.get("tagkey"))), str(lower.get("value", lower.get("tagvalue")))


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []
