"""What a profile of the AWS configuration builds on: the roles that it assumes, and with whose credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def roles_of_profile(session: Any) -> list[str]:
    """The roles that the profile assumes: its own, and those of the profiles that it builds on.

    Args:
        session: A botocore session.
    """
    return [str(profile["role_arn"]) for _, profile in _chain(session) if profile.get("role_arn")]


def source_profile(session: Any) -> str:
    """The profile whose credentials the first role of the profile is assumed with; "" where none is assumed."""
    chain = list(_chain(session))
    return chain[-1][0] if len(chain) > 1 else ""


def _chain(session: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import botocore.exceptions

    try:
        profiles = session.full_config.get("profiles", {})
    except botocore.exceptions.BotoCoreError:
        return  # said by the sign-in itself
    name, seen = session.profile or "default", set()
    while name and name not in seen:
        seen.add(name)
        profile = profiles.get(name, {})
        yield name, profile
        name = profile.get("source_profile", "")
