"""Corrections of moto where it differs from AWS in what a responder looks at."""

from __future__ import annotations

import copy
from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import InstanceBackend
from moto.iam.access_control import PermissionResult
from moto.iam.models import Group, IAMBackend, InstanceProfile, User
from moto.iam.utils import generate_access_key_id_from_account_id
from moto.s3.models import FakeBucket

from s3ir_tui.gameday.s3_versions import apply_version_patches
from s3ir_tui.gameday.store import BOUNDARY


def apply_patches() -> None:
    """Correct moto in this process."""
    apply_version_patches()
    for kind, prefix in ((User, "AIDA"), (Group, "AGPA"), (InstanceProfile, "AIPA")):
        _name_ids(kind, prefix)
    _replace(User, "permissions_boundary", property(_permissions_boundary))
    _replace(NetworkInterface, "group_set", property(_group_set))
    _replace(InstanceBackend, "run_instances", _run_instances(InstanceBackend.run_instances))
    groups, options = "modify_instance_security_groups", "modify_instance_metadata_options"
    _replace(InstanceBackend, groups, _modify_security_groups(getattr(InstanceBackend, groups)))
    _replace(InstanceBackend, options, _modify_metadata_options(getattr(InstanceBackend, options)))
    _replace(IAMBackend, "_init_aws_policies", _kept(IAMBackend._init_aws_policies))
    # moto ignores principals and conditions of bucket policies; the check happens before moto is called.
    _replace(FakeBucket, "get_permission", lambda _self, _action, _resource: PermissionResult.NEUTRAL)


def _replace(kind: Any, name: str, value: Any) -> None:
    setattr(kind, name, value)


def _name_ids(kind: Any, prefix: str) -> None:
    """Unique ids that look like AWS's, by which policies and records name them."""
    made = kind.__init__

    def init(self: Any, *args: Any, **named: Any) -> None:
        made(self, *args, **named)
        self.id = generate_access_key_id_from_account_id(self.account_id, prefix=prefix, total_length=21)

    kind.__init__ = init


def _kept(init: Any) -> Any:
    """AWS's 1,500 managed policies are read once an account, not anew at each reset."""
    known: dict[tuple[str, str], list[Any]] = {}

    def kept(self: Any) -> list[Any]:
        name = (self.account_id, self.region_name)
        if name not in known:
            known[name] = init(self)
        return [copy.copy(policy) for policy in known[name]]

    return kept


def _permissions_boundary(self: Any) -> dict[str, str] | None:
    arn = getattr(self, BOUNDARY, None)
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn} if arn else None


def _group_set(self: Any) -> Any:
    """The interface's own groups; moto adds those of its instance, so that a replaced group never goes away."""
    if self._group_set or not self.instance:
        return self._group_set
    return self.instance.security_groups


def _run_instances(run: Any) -> Any:
    def ran(self: Any, *args: Any, **named: Any) -> Any:
        """An instance that is given no group gets the default group of its VPC (EC2 API, RunInstances)."""
        reservation = run(self, *args, **named)
        for instance in reservation.instances:
            if not instance.security_groups and instance.vpc_id:
                group = self.get_default_security_group(instance.vpc_id)
                instance.security_groups = [group] if group is not None else []
        return reservation

    return ran


def _modify_security_groups(modify: Any) -> Any:
    def modified(self: Any, instance_id: str, new_group_id_list: list[str]) -> Any:
        instance = modify(self, instance_id, new_group_id_list)
        # AWS changes the groups of the primary interface only (EC2 API, ModifyInstanceAttribute).
        primary = instance.nics.get(0) if isinstance(instance.nics, dict) else None
        if primary is not None:
            primary._group_set = list(instance.security_groups)
        return instance

    return modified


def _modify_metadata_options(modify: Any) -> Any:
    fields = {
        "http_tokens": "http_tokens",
        "hop_limit": "http_put_response_hop_limit",
        "http_endpoint": "http_endpoint",
        "http_protocol": "http_protocol_ipv6",
        "metadata_tags": "instance_metadata_tags",
    }

    def modified(self: Any, instance_id: str, **asked: Any) -> Any:
        """Options that are not given keep their value (EC2 API, ModifyInstanceMetadataOptions)."""
        before = self.get_instance(instance_id).metadata_options
        for name, attribute in fields.items():
            if asked.get(name) is None:
                asked[name] = getattr(before, attribute, None)
        return modify(self, instance_id, **asked)

    return modified
