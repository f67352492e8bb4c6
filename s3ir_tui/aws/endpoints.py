"""Requests as custom endpoints can answer them: without the prefixes that AWS puts before its own hosts."""

from __future__ import annotations

import re
import urllib.parse
from typing import Any

_TAIL_PREFIX = re.compile(r"^stream(?:ing)?-")
_AWS_DOMAINS = (".amazonaws.", ".api.aws", ".api.amazonwebservices.")


def use_custom_hosts(session: Any) -> None:
    """Take AWS's prefixes off the hosts of custom endpoints.

    Args:
        session: A botocore session.
    """
    session.register("before-sign.s3-control", _without_account, unique_id="s3ir-unprefix")
    session.register("before-sign.cloudwatch-logs.StartLiveTail", _without_stream, unique_id="s3ir-tail")


def _without_account(request: Any, **_: Any) -> None:
    # S3 Control puts the account id before the host, also before a custom endpoint's, which then resolves nowhere.
    parts = urllib.parse.urlsplit(request.url)
    label, _, rest = parts.netloc.partition(".")
    if label.isdigit() and "amazonaws." not in rest:
        request.url = urllib.parse.urlunsplit(parts._replace(netloc=rest))


def _without_stream(request: Any, **_: Any) -> None:
    # StartLiveTail goes to `stream-logs.REGION...` (`streaming-logs.` before April 2026): the prefix is put before
    # the name of a custom endpoint's host, too.
    parts = urllib.parse.urlsplit(request.url)
    host = _TAIL_PREFIX.sub("", parts.netloc)
    if not any(domain in host for domain in _AWS_DOMAINS):
        request.url = urllib.parse.urlunsplit(parts._replace(netloc=host))
