"""Access points of S3: how requests reach them, what they are, and their own API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from moto.s3control.models import s3control_backends

from s3ir_tui import policy
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import authorize, is_public, request_context
from s3ir_tui.gameday.principals import unknown_principal
from s3ir_tui.gameday.s3_acls import stricter
from s3ir_tui.gameday.s3_policies import blocked_by_public_access
from s3ir_tui.gameday.store import moto_bucket, read_fact
from s3ir_tui.gameday.wire import SIGNED_HOST, SIGNED_PATH, Answer, Call, Environ, Refused, result_answer
from s3ir_tui.model import PublicAccessBlock

_CONTROL_PATH = "/v20180820/"
_NAMED_HOST = re.compile(r"(?P<name>[a-z0-9-]+)-(?P<account>\d{12})\.")
_ACCOUNT_HOST = re.compile(r"\d{12}\.")
_NOT_THERE = ("NoSuchAccessPoint", "The specified accesspoint does not exist", 404)


@dataclass(frozen=True, slots=True)
class Point:
    """An access point.

    Attributes:
        name: Its name.
        account: Account that owns it.
        arn: Its ARN.
        bucket: The bucket behind it.
        policy: Its policy.
        block: Its own Block Public Access, which cannot be changed.
        vpc: The VPC that alone may use it, or "" for the internet.
    """

    name: str
    account: str
    arn: str
    bucket: str
    policy: str | None
    block: PublicAccessBlock
    vpc: str


def find_point(account: str, name: str) -> Point | None:
    """An access point by its name; `None` when there is none."""
    held = s3control_backends[account]["aws"].access_points[account].get(name) if account else None
    return _point(account, held) if held is not None else None


def _by_alias(alias: str) -> Point | None:
    for account in list(s3control_backends):
        for held in list(s3control_backends[account]["aws"].access_points[account].values()):
            if held.alias == alias:
                return _point(account, held)
    return None


def _point(account: str, held: Any) -> Point:
    flags = [str(held.pubc[name]).lower() == "true" for name in _FLAGS]
    return Point(held.name, account, held.arn, held.bucket, held.policy, PublicAccessBlock(*flags), held.vpc_id or "")


_FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def reroute(environ: Environ) -> Point | None:
    """Turn a request to an access point into one to its bucket, and tell which access point it was.

    SDKs put `NAME-ACCOUNT.` before the host for an ARN, and `ACCOUNT.` for S3 Control; an alias stands where the
    bucket's name would. What was signed is kept aside. A request in the form that proxies get, with a whole URL,
    is taken too: so clients reach hosts that no resolver knows.
    """
    raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or quote(environ.get("PATH_INFO", ""), safe="/~"))
    if raw.startswith(("http://", "https://")):
        raw = "/" + raw.split("://", 1)[1].partition("/")[2]
        environ["RAW_URI"] = environ["REQUEST_URI"] = raw
    host = str(environ.get("HTTP_HOST", ""))
    if raw.startswith(_CONTROL_PATH):
        if _ACCOUNT_HOST.match(host):
            _rewrite(environ, host, raw, raw, host.partition(".")[2])
        return None
    if match := _NAMED_HOST.match(host):
        point = find_point(match["account"], match["name"])
        if point is not None:
            _rewrite(environ, host, raw, f"/{point.bucket}{raw}", host.partition(".")[2])
        return point
    first, slash, rest = raw.lstrip("/").partition("/")
    alias, question, query = first.partition("?")
    point = _by_alias(alias) if alias.endswith("-s3alias") else None
    if point is not None:
        _rewrite(environ, host, raw, f"/{point.bucket}{question}{query}{slash}{rest}", host)
    return point


def _rewrite(environ: Environ, host: str, raw: str, target: str, new_host: str) -> None:
    environ[SIGNED_HOST], environ[SIGNED_PATH] = host, raw
    environ["HTTP_HOST"] = new_host
    path = environ.get("PATH_INFO", "")
    if target.partition("?")[0] != raw.partition("?")[0]:
        bucket = target.lstrip("/").split("/", 1)[0].split("?", 1)[0]
        behind = path if new_host != host else "/" + path.lstrip("/").partition("/")[2]
        environ["PATH_INFO"] = f"/{bucket}{behind}" if behind != "/" or new_host != host else f"/{bucket}"
    environ["RAW_URI"] = environ["REQUEST_URI"] = target


def point_context(point: Point) -> dict[str, str | tuple[str, ...]]:
    """The condition keys of a request through an access point."""
    return {
        "s3:dataaccesspointarn": point.arn,
        "s3:dataaccesspointaccount": point.account,
        "s3:accesspointnetworkorigin": "VPC" if point.vpc else "Internet",
    }


def check_network(point: Point) -> None:
    """Check that a request may come from where it comes: this account has no requests out of VPCs.

    Raises:
        Refused: The access point takes requests of its VPC only.
    """
    if point.vpc:
        raise Refused("AccessDenied", "Access Denied")


def account_block(account: str) -> PublicAccessBlock:
    """Block Public Access of an account as reads show it."""
    found = read_fact(("account-block", account))
    return found if isinstance(found, PublicAccessBlock) else PublicAccessBlock()


class PointsApi:
    """The operations on access points; others are none of its business."""

    def __init__(self) -> None:
        self.operations: Mapping[str, Callable[[Call, Who], Answer]] = {
            "CreateAccessPoint": self._create,
            "DeleteAccessPoint": self._delete,
            "ListAccessPoints": self._list,
            "GetAccessPoint": self._get,
            "PutAccessPointPolicy": self._put_policy,
            "GetAccessPointPolicy": self._get_policy,
            "DeleteAccessPointPolicy": self._delete_policy,
            "GetAccessPointPolicyStatus": self._status,
        }

    def _create(self, call: Call, who: Who) -> Answer:
        arn = _allowed(call, who)
        name, bucket = str(call.params["Name"]), str(call.params["Bucket"])
        held = moto_bucket(bucket)
        if held is None:
            raise Refused("InvalidRequest", "The specified bucket does not exist", 400)
        owner = str(call.params.get("BucketAccountId") or who.account)
        if held.account_id != owner:
            raise Refused("AccessDenied", "Access Denied")
        if find_point(who.account, name) is not None:
            message = "Your previous request to create the named accesspoint succeeded and you already own it."
            raise Refused("AccessPointAlreadyOwnedByYou", message, 409)
        vpc, block = call.params.get("VpcConfiguration") or {}, call.params.get("PublicAccessBlockConfiguration") or {}
        made = s3control_backends[who.account]["aws"].create_access_point(who.account, name, bucket, vpc, block)
        made.arn = arn
        return result_answer(call, {"AccessPointArn": made.arn, "Alias": made.alias})

    def _delete(self, call: Call, who: Who) -> Answer:
        point = _existing(call, who)
        s3control_backends[who.account]["aws"].delete_access_point(who.account, point.name)
        return result_answer(call, {})

    def _list(self, call: Call, who: Who) -> Answer:
        authorize(who, "s3:ListAccessPoints", "*", request_context(call, who))
        bucket, first = call.params.get("Bucket"), str(call.params.get("NextToken") or "")
        most = min(int(call.params.get("MaxResults") or 1000), 1000)
        every = sorted(s3control_backends[who.account]["aws"].access_points[who.account].values(), key=lambda p: p.name)
        found = [point for point in every if bucket in (None, point.bucket) and point.name > first]
        shown = [_summary(point) for point in found[:most]]
        more = {"NextToken": found[most - 1].name} if len(found) > most else {}
        return result_answer(call, {"AccessPointList": shown} | more)

    def _get(self, call: Call, who: Who) -> Answer:
        point = _existing(call, who)
        held = _held(who, point)
        flags = {name: str(held.pubc[name]).lower() == "true" for name in _FLAGS}
        extra = {"PublicAccessBlockConfiguration": flags, "CreationDate": held.created}
        return result_answer(call, _summary(held) | extra)

    def _put_policy(self, call: Call, who: Who) -> Answer:
        point = _existing(call, who)
        text = str(call.params.get("Policy") or "")
        try:
            policy.validate(text, "access point")
            if unknown_principal(text):
                raise Refused("MalformedPolicy", "Invalid principal in policy", 400)
        except policy.PolicyError as error:
            raise Refused("MalformedPolicy", str(error), 400) from None
        block = stricter(point.block, account_block(who.account))
        if not who.admin and block.block_public_policy and is_public(text):
            action = "s3:PutAccessPointPolicy"
            raise blocked_by_public_access(who, point.arn, action, "public policies", "BlockPublicPolicy")
        _held(who, point).set_policy(text)
        return result_answer(call, {})

    def _get_policy(self, call: Call, who: Who) -> Answer:
        return result_answer(call, {"Policy": _with_policy(_existing(call, who))})

    def _delete_policy(self, call: Call, who: Who) -> Answer:
        _held(who, _existing(call, who)).delete_policy()
        return result_answer(call, {})

    def _status(self, call: Call, who: Who) -> Answer:
        text = _with_policy(_existing(call, who))
        return result_answer(call, {"PolicyStatus": {"IsPublic": is_public(text)}})


def _allowed(call: Call, who: Who) -> str:
    """Check the permission for an operation on an access point.

    Returns:
        The ARN of the access point.
    """
    arn = f"arn:aws:s3:{call.region}:{who.account}:accesspoint/{str(call.params['Name']).rpartition('/')[2]}"
    context = request_context(call, who) | {"s3:dataaccesspointarn": arn, "s3:dataaccesspointaccount": who.account}
    authorize(who, f"s3:{call.operation}", arn, context)
    return arn


def _existing(call: Call, who: Who) -> Point:
    arn = _allowed(call, who)
    point = find_point(who.account, arn.rpartition("/")[2])
    if point is None or point.arn != arn:
        raise Refused(*_NOT_THERE)
    return point


def _held(who: Who, point: Point) -> Any:
    return s3control_backends[who.account]["aws"].get_access_point(who.account, point.name)


def _with_policy(point: Point) -> str:
    if point.policy is None:
        raise Refused("NoSuchAccessPointPolicy", "The specified accesspoint policy does not exist", 404)
    return point.policy


def _summary(held: Any) -> dict[str, Any]:
    bucket = moto_bucket(held.bucket)
    shown = {
        "Name": held.name,
        "NetworkOrigin": held.network_origin,
        "Bucket": held.bucket,
        "AccessPointArn": held.arn,
        "Alias": held.alias,
    }
    if held.vpc_id:
        shown["VpcConfiguration"] = {"VpcId": held.vpc_id}
    if bucket is not None:
        shown["BucketAccountId"] = bucket.account_id
    return shown
