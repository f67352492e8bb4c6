"""What the name of an object tells."""

from __future__ import annotations

import re

_SECRETS = (
    ".env",
    ".kdbx",
    ".p12",
    ".pem",
    ".pfx",
    ".pgpass",
    ".ppk",
    ".tfstate",
    ".aws/credentials",
    "credentials",
    "credentials.csv",
    "id_ed25519",
    "id_rsa",
)
SECRET_ENDS = frozenset(item[-1] for item in (*_SECRETS, *map(str.upper, _SECRETS)))
"""The last characters of such names."""
_NOTE = re.compile(
    r"ransom|decrypt|(?:how|need).{0,12}(?:recover|restore|files)|restore.{0,8}(?:files|data)|read.?me.{0,8}(?:now|!|for.?decrypt)"
    r"|files?.{0,8}(?:deleted|encrypted|locked)|pay.{0,8}(?:bitcoin|btc)",
    re.IGNORECASE,
)
LOGS = "AWSLogs/"
"""Stands in the key of every log that AWS delivers."""


def is_log(key: str) -> bool:
    """Whether AWS delivered it as a log."""
    return LOGS in key


def looks_secret(key: str) -> bool:
    """Whether it is named as files with credentials are."""
    return key[-1:] in SECRET_ENDS and key.lower().endswith(_SECRETS)


def looks_like_note(key: str) -> bool:
    """Whether it is named as ransom notes are."""
    low = key.lower()
    # A million keys are looked at: plain substrings, one of which every note has, come before the pattern.
    may_be = (
        "ransom" in low
        or "decrypt" in low
        or "recover" in low
        or "restore" in low
        or "read" in low
        or "file" in low
        or "pay" in low
    )
    return may_be and _NOTE.search(low) is not None
