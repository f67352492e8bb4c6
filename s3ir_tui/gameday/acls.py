"""Access control lists: one owner, its grants, and what they let someone do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
PUBLIC_GROUPS = (ALL_USERS, AUTHENTICATED_USERS)
PERMISSIONS = ("READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL")
_CANNED: dict[str, tuple[tuple[str, str], ...]] = {
    "private": (),
    "public-read": ((ALL_USERS, "READ"),),
    "public-read-write": ((ALL_USERS, "READ"), (ALL_USERS, "WRITE")),
    "authenticated-read": ((AUTHENTICATED_USERS, "READ"),),
    "aws-exec-read": (),
    "log-delivery-write": ((LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")),
}
CANNED_ACLS = (*_CANNED, "bucket-owner-read", "bucket-owner-full-control")
_ATTRIBUTE = "access_control_list"
# Stored beside moto's own ACL, which knows one owner for all accounts and gives new objects the ACL of their bucket.


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant: to a canonical user id or to a group URI."""

    grantee: str
    permission: str

    @property
    def is_group(self) -> bool:
        """Whether the grantee is a predefined group."""
        return self.grantee.startswith("http")

    @property
    def is_public(self) -> bool:
        """Whether AWS calls this grant public."""
        return self.grantee in PUBLIC_GROUPS


@dataclass(frozen=True, slots=True)
class Acl:
    """An access control list. `owner` is a canonical id."""

    owner: str
    grants: tuple[Grant, ...]

    @property
    def is_public(self) -> bool:
        """Whether any grant is public."""
        return any(grant.is_public for grant in self.grants)

    @property
    def is_private(self) -> bool:
        """Whether nobody but the owner is granted anything."""
        return all(grant.grantee == self.owner for grant in self.grants)

    def allows(self, permission: str, caller: str, *, ignore_public: bool) -> bool:
        """Whether the list lets someone do something.

        Args:
            permission: `READ`, `WRITE`, `READ_ACP` or `WRITE_ACP`.
            caller: Canonical id of the caller's account; "" for an anonymous caller.
            ignore_public: Whether Block Public Access ignores public grants.
        """
        for grant in self.grants:
            if grant.permission not in (permission, "FULL_CONTROL"):
                continue
            if grant.is_public and ignore_public:
                continue
            if grant.grantee == ALL_USERS or (caller and grant.grantee in (caller, AUTHENTICATED_USERS)):
                return True
        return False

    def effective(self, *, ignore_public: bool) -> Acl:
        """What ACL reads return: while IgnorePublicAcls is on, AWS leaves the public grants out (S3 User Guide)."""
        if not ignore_public:
            return self
        return Acl(self.owner, tuple(grant for grant in self.grants if not grant.is_public))

    def to_result(self) -> dict[str, Any]:
        """The list as GetBucketAcl and GetObjectAcl answer it."""
        return {
            "Owner": {"ID": self.owner},
            "Grants": [
                {
                    "Grantee": {"Type": "Group", "URI": grant.grantee}
                    if grant.is_group
                    else {"Type": "CanonicalUser", "ID": grant.grantee},
                    "Permission": grant.permission,
                }
                for grant in self.grants
            ],
        }


def private(owner: str) -> Acl:
    """The list that grants everything to the owner and nothing to anyone else."""
    return Acl(owner, (Grant(owner, "FULL_CONTROL"),))


def canned(name: str, owner: str, bucket_owner: str) -> Acl:
    """A canned ACL spelt out.

    Raises:
        KeyError: There is no canned ACL of that name.
    """
    grants = [Grant(owner, "FULL_CONTROL")]
    if name in ("bucket-owner-read", "bucket-owner-full-control"):
        if owner != bucket_owner:
            grants.append(Grant(bucket_owner, "READ" if name == "bucket-owner-read" else "FULL_CONTROL"))
    else:
        grants += [Grant(grantee, permission) for grantee, permission in _CANNED[name]]
    return Acl(owner, tuple(grants))


def from_headers(headers: Mapping[str, str], owner: str) -> Acl | None:
    """The list that `x-amz-grant-*` headers spell, or `None` without such headers.

    Raises:
        ValueError: A grantee is of no known kind.
    """
    names = {"read": "READ", "write": "WRITE", "read-acp": "READ_ACP", "write-acp": "WRITE_ACP"}
    names["full-control"] = "FULL_CONTROL"
    grants: list[Grant] = []
    for suffix, permission in names.items():
        for part in filter(None, headers.get("x-amz-grant-" + suffix, "").split(",")):
            kind, _, value = part.strip().partition("=")
            if kind.lower() not in ("id", "uri"):
                raise ValueError(part)
            grants.append(Grant(value.strip().strip('"'), permission))
    return Acl(owner, tuple(grants)) if grants else None


def from_policy(policy: Mapping[str, Any]) -> Acl:
    """The list of an `AccessControlPolicy` element.

    Raises:
        ValueError: It has no owner, or a grant without grantee or with an unknown permission.
    """
    owner = (policy.get("Owner") or {}).get("ID")
    if not owner:
        raise ValueError("no owner")
    return Acl(str(owner), tuple(_grants(policy.get("Grants") or ())))


def _grants(entries: Iterable[Mapping[str, Any]]) -> Iterable[Grant]:
    for entry in entries:
        grantee = entry.get("Grantee") or {}
        who = grantee.get("URI") or grantee.get("ID")
        permission = entry.get("Permission")
        if not who or permission not in PERMISSIONS:
            raise ValueError(str(entry))
        yield Grant(str(who), str(permission))


def acl_of(thing: Any, owner: str) -> Acl:
    """The list of a bucket, or of one version of an object, in moto's store; private when none was set.

    Args:
        thing: moto's bucket or object version.
        owner: Canonical id of the owner, for when none was set.
    """
    found = getattr(thing, _ATTRIBUTE, None)
    return found if isinstance(found, Acl) else private(owner)


def set_acl(thing: Any, acl: Acl) -> None:
    """Give a bucket, or one version of an object, its list."""
    setattr(thing, _ATTRIBUTE, acl)
