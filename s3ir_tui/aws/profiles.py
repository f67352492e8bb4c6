"""What a profile of the AWS configuration builds on: the roles that it assumes, and with whose credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from s3ir_tui.aws.guard import WriteGuard, WriteRefused

_SECONDS = 5


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


def identity_of(profile: str, region: str, endpoint_url: str | None) -> str:
    """The ARN of the identity of a profile.

    Args:
        profile: Its name.
        region: Region that is asked.
        endpoint_url: Custom endpoint, or `None` for AWS.

    Returns:
        "" where it cannot be known: one that signs in by itself (Identity Center, a process) has no user behind it.
    """
    import botocore.exceptions
    import botocore.session
    from botocore.config import Config

    try:
        session = botocore.session.Session(profile=profile)
        WriteGuard().install(session)
        config = Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": 2})
        client = session.create_client("sts", region_name=region, endpoint_url=endpoint_url, config=config)
        return str(client.get_caller_identity()["Arn"])
    except (WriteRefused, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
        return ""


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
