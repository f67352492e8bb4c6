"""Every write that actions make: what it changes, how that is read, and the call that takes it back.

An undo and a look at an unknown outcome are made from this, never from the calls that a record names: whoever may write
into the case folder could put any call there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from actions import bucket_state
from actions.plan import Call, Read, Refusal, Step
from s3ir_tui import policy
from s3ir_tui.questions.table import Table, TableError

OUR_SID = "S3ir"
"""How the Sids of our statements begin."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write operation.

    Attributes:
        resource: Parameters that name what it changes; the first is its name for the responder.
        values: Its other parameters.
        read: How the state that it changes is read, from the call alone.
        undo: The call that puts the state before a step back; `None` where it is a policy, out of which our statements
            are taken instead.
        ours: Whether an action can have made a call of this operation with these parameters.
    """

    resource: tuple[str, ...]
    values: tuple[str, ...]
    read: Callable[[Call], Read]
    undo: Callable[[Step], Call] | None = None
    ours: Callable[[Mapping[str, Any]], bool] = lambda _params: True


def _named(call: Call, operation: str, *names: str, **values: Any) -> Call:
    params = {name: call.params[name] for name in names if name in call.params}
    return Call(call.service, operation, {**params, **values}, call.region)


# -- IAM ------------------------------------------------------------------------------------------


def key_status_read(call: Call) -> Read:
    """How the status of an access key is read."""
    pick = f"AccessKeyMetadata[?AccessKeyId=='{_plain(call.params['AccessKeyId'])}'].Status | [0]"
    return Read(_named(call, "ListAccessKeys", "UserName"), pick=pick, absent=("NoSuchEntity",))


def attached_read(call: Call) -> Read:
    """How it is read whether a managed policy is attached to a user or role."""
    pick = f"AttachedPolicies[?PolicyArn=='{_plain(call.params['PolicyArn'])}'].PolicyArn | [0]"
    kind = "Role" if "RoleName" in call.params else "User"
    return Read(_named(call, f"ListAttached{kind}Policies", f"{kind}Name"), pick=pick, absent=("NoSuchEntity",))


def _inline_read(operation: str) -> Callable[[Call], Read]:
    def read(call: Call) -> Read:
        owner = "UserName" if operation == "GetUserPolicy" else "RoleName"
        asked = _named(call, operation, owner, "PolicyName")
        return Read(asked, pick="PolicyDocument", absent=("NoSuchEntity",), document=True)

    return read


def _plain(value: Any) -> str:
    # It goes into a JMESPath: a quote or a backslash could end the literal there.
    text = str(value)
    if not text or not all(char.isalnum() or char in ":/_+=,.@-" for char in text):
        raise Refusal(f"{text!r} is no name that AWS gives")
    return text


def _key_back(step: Step) -> Call:
    if (step.call.params.get("Status"), step.before) != ("Inactive", "Active"):
        raise Refusal(f"{step.target}: only a key that was Active and was made Inactive is put back")
    return _named(step.call, "UpdateAccessKey", "UserName", "AccessKeyId", Status="Active")


def _detach(step: Step) -> Call:
    kind = "Role" if "RoleName" in step.call.params else "User"
    return _named(step.call, f"Detach{kind}Policy", f"{kind}Name", "PolicyArn")


def _is_deny_all(params: Mapping[str, Any]) -> bool:
    arn = str(params.get("PolicyArn"))
    return arn.startswith("arn:aws") and arn.endswith(":iam::aws:policy/AWSDenyAll")


def _is_our_policy(params: Mapping[str, Any]) -> bool:
    name = str(params.get("PolicyName"))
    return name.startswith(OUR_SID) or name == "AWSRevokeOlderSessions"


# -- S3 -------------------------------------------------------------------------------------------


def _bucket_read(make: Callable[[Call], Read]) -> Callable[[Call], Read]:
    def read(call: Call) -> Read:
        return make(_named(call, "", "Bucket", "ExpectedBucketOwner"))

    return read


def _block_back(step: Step) -> Call:
    if step.before is None:
        return _named(step.call, "DeletePublicAccessBlock", "Bucket", "ExpectedBucketOwner")
    flags = step.before
    if not isinstance(flags, Mapping) or not all(isinstance(value, bool) for value in flags.values()):
        raise Refusal(f"{step.target}: the state before is not one of Block Public Access")
    return _named(
        step.call,
        "PutPublicAccessBlock",
        "Bucket",
        "ExpectedBucketOwner",
        PublicAccessBlockConfiguration={str(name): value for name, value in flags.items()},
    )


def _acl_back(step: Step) -> Call:
    before, after = step.before, step.after
    if not isinstance(before, Mapping) or not isinstance(after, Mapping) or before.get("Owner") != after.get("Owner"):
        raise Refusal(f"{step.target}: the state before is not an ACL of the same owner")
    sendable = bucket_state.sendable_acl(dict(before))
    return _named(step.call, "PutBucketAcl", "Bucket", "ExpectedBucketOwner", AccessControlPolicy=sendable)


# -- Athena ---------------------------------------------------------------------------------------

_CREATED = re.compile(r"CREATE EXTERNAL TABLE `(?P<database>\w+)`\.`(?P<name>\w+)` ")
_QUERY = ("QueryExecutionContext", "WorkGroup", "ResultConfiguration")


def _table_read(call: Call) -> Read:
    table = _table(call)
    named = {"CatalogName": table.catalog, "DatabaseName": table.database, "TableName": table.name}
    asked = Call("athena", "GetTableMetadata", named, call.region)
    return Read(asked, "TableMetadata.Name", absent=("MetadataException",))


def _drop_table(step: Step) -> Call:
    return _named(step.call, "StartQueryExecution", *_QUERY, QueryString=_table(step.call).removal())


def _table(call: Call) -> Table:
    context = call.params.get("QueryExecutionContext")
    named = _CREATED.match(str(call.params.get("QueryString")))
    if named is None or not isinstance(context, Mapping):
        raise Refusal("the record is not of a table that this program makes")
    try:
        table = Table(named["database"], named["name"])
        return replace(table, catalog=str(context["Catalog"])) if context.get("Catalog") else table
    except TableError as error:
        raise Refusal(f"the record is not of a table that this program makes: {error}") from None


# -- the list -------------------------------------------------------------------------------------

_OWNED = ("Bucket", "ExpectedBucketOwner")

WRITES: Mapping[str, Write] = MappingProxyType(
    {
        "iam:UpdateAccessKey": Write(("AccessKeyId", "UserName"), ("Status",), key_status_read, _key_back),
        "iam:AttachUserPolicy": Write(("UserName", "PolicyArn"), (), attached_read, _detach, _is_deny_all),
        "iam:DetachUserPolicy": Write(("UserName", "PolicyArn"), (), attached_read, None, _is_deny_all),
        "iam:AttachRolePolicy": Write(("RoleName", "PolicyArn"), (), attached_read, _detach, _is_deny_all),
        "iam:DetachRolePolicy": Write(("RoleName", "PolicyArn"), (), attached_read, None, _is_deny_all),
        "iam:PutUserPolicy": Write(
            ("UserName", "PolicyName"), ("PolicyDocument",), _inline_read("GetUserPolicy"), None, _is_our_policy
        ),
        "iam:DeleteUserPolicy": Write(
            ("UserName", "PolicyName"), (), _inline_read("GetUserPolicy"), None, _is_our_policy
        ),
        "iam:PutRolePolicy": Write(
            ("RoleName", "PolicyName"), ("PolicyDocument",), _inline_read("GetRolePolicy"), None, _is_our_policy
        ),
        "iam:DeleteRolePolicy": Write(
            ("RoleName", "PolicyName"), (), _inline_read("GetRolePolicy"), None, _is_our_policy
        ),
        "s3:PutBucketPolicy": Write(_OWNED, ("Policy",), _bucket_read(bucket_state.policy_of)),
        "s3:DeleteBucketPolicy": Write(_OWNED, (), _bucket_read(bucket_state.policy_of)),
        "s3:PutPublicAccessBlock": Write(
            _OWNED, ("PublicAccessBlockConfiguration",), _bucket_read(bucket_state.block_of), _block_back
        ),
        "s3:DeletePublicAccessBlock": Write(_OWNED, (), _bucket_read(bucket_state.block_of)),
        "s3:PutBucketAcl": Write(_OWNED, ("AccessControlPolicy",), _bucket_read(bucket_state.acl_of), _acl_back),
        "athena:StartQueryExecution": Write((), ("QueryString", *_QUERY), _table_read, _drop_table),
    }
)
"""By service and operation."""

_PUT_POLICY = {
    "s3:GetBucketPolicy": ("PutBucketPolicy", "DeleteBucketPolicy", "Policy"),
    "iam:GetUserPolicy": ("PutUserPolicy", "DeleteUserPolicy", "PolicyDocument"),
    "iam:GetRolePolicy": ("PutRolePolicy", "DeleteRolePolicy", "PolicyDocument"),
}


def known(step: Step, account_id: str) -> Write:
    """The write of a step that a record names, provided that it is one that actions make.

    Args:
        step: The step as its record has it.
        account_id: The account that the console works on.

    Raises:
        Refusal: No action makes such a call.
    """
    write = WRITES.get(step.call.name)
    params = step.call.params
    if write is None:
        raise Refusal(f"{step.call.name} is no call that an action of this program makes")
    if stray := set(params) - {*write.resource, *write.values}:
        raise Refusal(f"{step.call.name} with {', '.join(sorted(stray))} is no call that an action makes")
    if missing := [name for name in write.resource if not isinstance(params.get(name), str) or not params[name]]:
        raise Refusal(f"{step.call.name} without {', '.join(missing)} is no call that an action makes")
    if not write.ours(params):
        raise Refusal(f"{step.call.name} on {_on(write, params)} is not what an action of this program changes")
    if params.get("ExpectedBucketOwner", account_id) != account_id:
        raise Refusal(f"{step.call.name}: a bucket of another account than {account_id}")
    return write


def target_of(call: Call) -> str:
    """What a call changes, by its parameters."""
    write = WRITES[call.name]
    return str(call.params[write.resource[0]]) if write.resource else str(_table(call))


def own_read(step: Step, account_id: str) -> Read:
    """The read of what a recorded step changes, made from its write alone.

    Raises:
        Refusal: No action makes such a call.
    """
    return known(step, account_id).read(step.call)


def put_policy(read: Call, document: Mapping[str, Any] | None, text: str = "") -> Call | None:
    """The call that writes the policy behind a read, or deletes it.

    Args:
        read: How the policy is read.
        document: The policy; `None` to have none.
        text: The same policy to the letter, where that is known.

    Returns:
        The call; `None` where the read is none of a policy.
    """
    names = _PUT_POLICY.get(read.name)
    if names is None:
        return None
    put, delete, field = names
    if document is None:
        return Call(read.service, delete, dict(read.params), read.region)
    return Call(read.service, put, {**read.params, field: text or policy.minify(document)}, read.region)


def _on(write: Write, params: Mapping[str, Any]) -> str:
    return ", ".join(str(params.get(name)) for name in write.resource)
