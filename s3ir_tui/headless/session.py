"""Signing in as the settings say, from the terminal."""

from __future__ import annotations

import configparser
import getpass
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from s3ir_tui.aws.sign_in import OneCode
from s3ir_tui.settings import Settings

if TYPE_CHECKING:
    from s3ir_tui.aws.account import Account

Credentials = Mapping[str, str]
"""Credentials in botocore's spelling: `aws_access_key_id`, `aws_secret_access_key`, `aws_session_token`."""


def connector(settings: Settings, credentials: Credentials | None = None) -> Callable[[], Account]:
    """What signs in; it may be called on another thread, and again after a failure.

    An MFA code is asked for now where the settings or the profile say that one is needed, while the terminal is free.
    """
    coded = needs_code(settings)
    code = OneCode(ask_code(settings.mfa_serial or "the profile's MFA device") if coded else "")

    def connect() -> Account:
        from s3ir_tui.aws.account import Account
        from s3ir_tui.journal import redact

        return Account.connect(
            profile=settings.profile or None,
            region=settings.region or None,
            endpoint_url=settings.endpoint_url or None,
            role_arn=settings.role_arn or None,
            mfa_serial=settings.mfa_serial or None,
            mfa_prompt=code if coded else None,
            external_id=settings.external_id or None,
            session_name=settings.session_name,
            source_identity=settings.source_identity or None,
            duration=settings.duration,
            credentials=credentials,
            on_secret=redact.learn,
        )

    connect.give_code = code.give  # type: ignore[attr-defined]  # for a screen that asks for the next code
    return connect


def connect(settings: Settings, credentials: Credentials | None = None) -> Account:
    """Sign in now.

    Raises:
        AwsError: No credentials, an expired sign-in, an unreachable endpoint.
    """
    return connector(settings, credentials)()


def ask_code(device: str) -> str:
    """Ask for an MFA code; it is not echoed."""
    return getpass.getpass(f"MFA code of {device}: ").strip()


def needs_code(settings: Settings, env: Mapping[str, str] | None = None) -> bool:
    """Whether signing in will ask for an MFA code: by the settings, or by the profile and those it builds on.

    The AWS configuration is read as plain INI here, since importing botocore would delay the first paint.
    """
    if settings.mfa_serial:
        return True
    around = os.environ if env is None else env
    path = Path(around.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()
    config = configparser.RawConfigParser(strict=False)
    try:
        config.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return False  # botocore will say what is wrong with it
    name = settings.profile or around.get("AWS_PROFILE") or around.get("AWS_DEFAULT_PROFILE") or "default"
    seen: set[str] = set()
    while name and name not in seen:
        seen.add(name)
        section = next((config[key] for key in (f"profile {name}", name) if config.has_section(key)), None)
        if section is None:
            return False
        if section.get("mfa_serial") and section.get("role_arn"):
            return True
        name = section.get("source_profile", "")
    return False
