"""Policies of the access points of a bucket, through which whom its own policy does not name can reach it.

A bucket policy may leave decisions to its account's access points (`s3:DataAccessPointAccount`); an access point's
policy then grants others access (S3 User Guide, "Delegating access control to access points"). A deny in the bucket's
policy holds for requests through an access point, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions import bucket as buckets
from actions.context import Context
from actions.plan import Refusal
from actions.reads import document
from s3ir_tui.aws.errors import AwsError


def policies(ctx: Context, bucket: str) -> Mapping[str, Any]:
    """The policies of the access points of a bucket by name, as far as they can be read.

    The access points of a Region are listed once in a plan.
    """
    try:
        region = buckets.region(ctx, bucket)
        names = [str(item["Name"]) for item in _listed(ctx, region) if item.get("Bucket") == bucket]
    except (AwsError, Refusal):
        return {}
    found: dict[str, Any] = {}
    for name in names:
        params = {"AccountId": ctx.account_id, "Name": name}
        try:
            found[name] = document(ctx.ask("s3control", "GetAccessPointPolicy", params, region).get("Policy"))
        except AwsError:  # it has none, or it may not be read
            continue
    return found


def _listed(ctx: Context, region: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    token: dict[str, Any] = {}
    while True:
        params = {"AccountId": ctx.account_id, "MaxResults": 1000, **token}
        answer = ctx.ask("s3control", "ListAccessPoints", params, region)
        found += answer.get("AccessPointList") or []
        if not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}
