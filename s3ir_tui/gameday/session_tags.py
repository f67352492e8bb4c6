"""Session tags and source identity: what a caller of STS passes on, and whether it may."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from s3ir_tui import policy
from s3ir_tui.gameday.authn import Who
from s3ir_tui.gameday.authz import Context, access_denied, authorize
from s3ir_tui.gameday.wire import Call, Refused

_MOST_TAGS = 50
_TAG_SESSION = "sts:TagSession"
_SET_IDENTITY = "sts:SetSourceIdentity"
_IDENTITY = re.compile(r"[\w+=,.@-]{2,64}\Z")


@dataclass(frozen=True, slots=True)
class Passed:
    """What a new session is given beside its credentials.

    Attributes:
        tags: Session tags, the inherited ones included.
        transitive: Keys of the tags that sessions made from this one inherit.
        inherited: The tags that came from the caller's own session.
        source_identity: Source identity, passed or inherited, or "".
        named: The source identity that the request itself names, or "".
        new_tags: The tags that the request itself passes.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: frozenset[str] = frozenset()
    inherited: Mapping[str, str] = field(default_factory=dict)
    source_identity: str = ""
    named: str = ""
    new_tags: Mapping[str, str] = field(default_factory=dict)

    def context(self) -> dict[str, str | tuple[str, ...]]:
        """The condition keys of the request that makes the session (IAM User Guide, session tags)."""
        keys: dict[str, str | tuple[str, ...]] = {f"aws:requesttag/{key}": value for key, value in self.tags.items()}
        if self.tags:
            keys["aws:tagkeys"] = tuple(self.tags)
        if self.transitive:
            keys["sts:transitivetagkeys"] = tuple(sorted(self.transitive))
        if self.source_identity:
            keys["sts:sourceidentity"] = self.source_identity
        return keys


def read_passed(call: Call, who: Who) -> Passed:
    """What a request passes to the session that it makes, and what that inherits from the caller's role session.

    Raises:
        Refused: The tags are not valid, or they change what was inherited.
    """
    params = call.params
    tags = {_text(item, "Key"): _text(item, "Value") for item in params.get("Tags") or ()}
    if len(tags) > _MOST_TAGS or len({key.lower() for key in tags}) != len(params.get("Tags") or ()):
        raise Refused(
            "ValidationError", "1 validation error detected: Value at 'tags' failed to satisfy constraint", 400
        )
    transitive = frozenset(str(key) for key in params.get("TransitiveTagKeys") or ())
    if not transitive <= set(tags):
        raise Refused(
            "ValidationError", "The specified transitive tag key must be included in the requested tags.", 400
        )
    session = who.session
    inherited = dict(session.transitive_tags) if session is not None and session.kind == "role" else {}
    if {key.lower() for key in inherited} & {key.lower() for key in tags}:
        message = (
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
            "from the calling session."
        )
        raise Refused("InvalidParameterValue", message, 400)
    named, before = str(params.get("SourceIdentity") or ""), session.source_identity if session is not None else ""
    if named and not _IDENTITY.match(named):
        message = f"1 validation error detected: Value '{named}' at 'sourceIdentity' failed to satisfy constraint"
        raise Refused("ValidationError", message, 400)
    if named and before and named != before:
        # Once set it stays for the whole chain (IAM User Guide, monitor and control actions with assumed roles).
        raise access_denied(who, _SET_IDENTITY, str(params.get("RoleArn") or "*"), "")
    return Passed(tags | inherited, transitive | frozenset(inherited), inherited, named or before, named, tags)


def check_passed(
    who: Who, passed: Passed, resource: str, context: Context, *, trust: str | None = None, owner: str | None = None
) -> None:
    """Check whether a caller may pass tags and a source identity.

    The role's trust policy must allow it beside sts:AssumeRole. What a session of a role chain passes on needs the
    caller's own policies as well (IAM User Guide, permissions required to set a source identity).

    Args:
        who: The caller.
        passed: What it passes.
        resource: ARN of the role, or of the federated user.
        context: Condition keys of the request.
        trust: Trust policy of the role; `None` for a federated user.
        owner: Account of the role.

    Raises:
        Refused: It may not.
    """
    chained = who.session is not None and who.session.kind == "role"
    for action, wanted in ((_TAG_SESSION, passed.tags), (_SET_IDENTITY, passed.source_identity)):
        if not wanted:
            continue
        if trust is None:
            _check_identity(who, action, resource, context)
            continue
        authorize(who, action, resource, context, resource_policy=trust, owner=owner)
        if chained:
            _check_identity(who, action, resource, context)


def _check_identity(who: Who, action: str, resource: str, context: Context) -> None:
    request = policy.Request(action, resource, who.caller, context)
    said = [policy.evaluate(text, request, resource_policy=False).effect for text in who.documents]
    if not who.admin and (policy.Effect.ALLOW not in said or policy.Effect.DENY in said):
        why = f"because no identity-based policy allows the {action} action"
        raise access_denied(who, action, resource, why)


def _text(item: Mapping[str, Any], name: str) -> str:
    return str(item.get(name, item.get(name.lower(), "")))
