"""SimulatePrincipalPolicy and SimulateCustomPolicy: what policies would say to calls that nobody makes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from s3ir_tui import policy
from s3ir_tui.gameday.iam_resources import entity
from s3ir_tui.gameday.organizations import control_levels
from s3ir_tui.gameday.store import BOUNDARY, iam, managed_document
from s3ir_tui.gameday.wire import Refused, as_list
from s3ir_tui.policy.request import arn_parts


@dataclass(frozen=True, slots=True)
class Source:
    """A policy that takes part, with the names by which an answer points to it."""

    name: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Simulated:
    """Whose policies are simulated."""

    caller: policy.Caller
    sources: tuple[Source, ...]
    boundary: str | None = None


def simulate(params: Mapping[str, Any], account: str, *, principal: bool) -> dict[str, Any]:
    """The answer to SimulatePrincipalPolicy or SimulateCustomPolicy (IAM API).

    Args:
        params: Parameters of the call.
        account: The account that is asked.
        principal: Whether the policies are those of `PolicySourceArn`.

    Raises:
        Refused: There is no such identity, or a policy cannot be read.
    """
    given = tuple(
        Source(f"PolicyInputList.{number}", "IAM Policy", str(text))
        for number, text in enumerate(as_list(params.get("PolicyInputList")), 1)
    )
    boundaries = as_list(params.get("PermissionsBoundaryPolicyInputList"))
    caller = policy.Caller(
        account=account, arn=str(params.get("CallerArn") or f"arn:aws:iam::{account}:user/simulated")
    )
    simulated = Simulated(caller, ())
    if principal:
        simulated = _identity(str(params.get("PolicySourceArn")), account)
    simulated = Simulated(
        simulated.caller,
        (*simulated.sources, *given),
        str(boundaries[0]) if boundaries else simulated.boundary,
    )
    context = {
        str(item["ContextKeyName"]): tuple(str(value) for value in as_list(item.get("ContextKeyValues")))
        for item in as_list(params.get("ContextEntries"))
    }
    resource_policy = str(params["ResourcePolicy"]) if params.get("ResourcePolicy") else None
    try:
        results = [
            _result(simulated, policy.Request(str(action), str(resource), simulated.caller, context), resource_policy)
            for action in as_list(params.get("ActionNames"))
            for resource in as_list(params.get("ResourceArns")) or ["*"]
        ]
    except policy.PolicyError as error:
        raise Refused("InvalidInput", f"Invalid Input Policy: {error}", 400) from None
    return {"EvaluationResults": results, "IsTruncated": False}


def sources_of(arn: str, account: str) -> tuple[Source, ...]:
    """The identity policies of a user (with those of its groups), a role or a group.

    Raises:
        Refused: There is no such identity.
    """
    return _identity(arn, account).sources


def _identity(arn: str, account: str) -> Simulated:
    parts = arn_parts(arn)
    kind, _, name = (parts[5] if parts is not None else "").partition("/")
    found = entity(account, kind, name.rpartition("/")[2]) if parts is not None and parts[4] == account else None
    if found is None or kind not in ("user", "role", "group"):
        raise Refused("NoSuchEntity", f"The entity {arn} cannot be found.", 404)
    holders = [(kind, found)]
    if kind == "user":
        every = list(iam(account).groups.values())
        holders += [("group", group) for group in every if any(member.name == found.name for member in group.users)]
    boundary = getattr(found, BOUNDARY, None) or getattr(found, "permissions_boundary_arn", None)
    caller = policy.Caller(account=account, arn=arn, unique_id=str(found.id))
    return Simulated(
        caller,
        tuple(source for what, holder in holders for source in _sources(what, holder)),
        managed_document(account, boundary) if boundary else None,
    )


def _sources(kind: str, holder: Any) -> Iterator[Source]:
    for name, text in holder.policies.items():
        yield Source(f"{kind}_{holder.name}_{name}", kind, str(text))
    for arn, attached in holder.managed_policies.items():
        text = next(version.document for version in attached.versions if version.is_default)
        yield Source(str(attached.name), "aws-managed" if ":aws:policy/" in arn else "user-managed", str(text))


def _result(simulated: Simulated, request: policy.Request, resource_policy: str | None) -> dict[str, Any]:
    texts = tuple(source.text for source in simulated.sources)
    account = simulated.caller.account_id or ""
    levels = control_levels(account)
    decided = policy.authorize(
        request,
        policy.Policies(identity=texts, resource=resource_policy, boundary=simulated.boundary, scps=levels),
    )
    decision = "allowed" if decided.allowed else "explicitDeny" if decided.explicit else "implicitDeny"
    result: dict[str, Any] = {
        "EvalActionName": request.action,
        "EvalResourceName": request.resource,
        "EvalDecision": decision,
        "MatchedStatements": list(_matched(simulated.sources, request)),
        "MissingContextValues": sorted(_missing(texts, request)),
    }
    if levels:
        says = [_together(level, request) for level in levels]
        result["OrganizationsDecisionDetail"] = {
            "AllowedByOrganizations": all(effect is policy.Effect.ALLOW for effect in says)
        }
    if simulated.boundary is not None:
        allowed = _together((simulated.boundary,), request) is policy.Effect.ALLOW
        result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowed}
    return result


def _together(texts: Iterable[str], request: policy.Request) -> policy.Effect:
    effects = [policy.evaluate(text, request, resource_policy=False).effect for text in texts]
    for effect in (policy.Effect.DENY, policy.Effect.ALLOW):
        if effect in effects:
            return effect
    return policy.Effect.NONE


def _matched(sources: Iterable[Source], request: policy.Request) -> Iterator[dict[str, Any]]:
    """The statements that apply: those that deny if there are any, else those that allow."""
    found: dict[policy.Effect, list[dict[str, Any]]] = {policy.Effect.DENY: [], policy.Effect.ALLOW: []}
    for source in sources:
        for statement, (start, end) in zip(policy.statements(source.text), _spans(source.text), strict=False):
            alone = json.dumps({"Version": _version(source.text), "Statement": [statement]})
            effect = policy.evaluate(alone, request, resource_policy=False).effect
            if effect in found:
                place = {"StartPosition": _position(source.text, start), "EndPosition": _position(source.text, end)}
                found[effect].append({"SourcePolicyId": source.name, "SourcePolicyType": source.kind, **place})
    yield from found[policy.Effect.DENY] or found[policy.Effect.ALLOW]


def _version(text: str) -> str:
    return str(json.loads(text).get("Version", "2008-10-17"))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where in a policy each of its statements stands."""
    decoder = json.JSONDecoder()
    place = text.index('"Statement"') + len('"Statement"')
    while text[place] not in "[{":
        place += 1
    if text[place] == "{":
        yield place, decoder.raw_decode(text, place)[1]
        return
    place += 1
    while (start := text.find("{", place)) >= 0 and "]" not in text[place:start]:
        _, place = decoder.raw_decode(text, start)
        yield start, place


def _position(text: str, place: int) -> dict[str, int]:
    before = text[:place]
    return {"Line": before.count("\n") + 1, "Column": place - (before.rfind("\n") + 1) + 1}


def _missing(texts: Iterable[str], request: policy.Request) -> set[str]:
    """Condition keys in the policies that the request has no value for."""
    known = {key.lower() for key in request.context} | set(request.caller.context())
    return {
        key
        for text in texts
        for statement in policy.statements(text)
        for operator in (statement.get("Condition") or {}).values()
        for key in operator
        if key.lower() not in known
    }
