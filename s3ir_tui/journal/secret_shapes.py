"""What secrets look like in free text: notes, error messages, user agents, object keys, URLs.

Each shape has a kind for its mark and an expression whose group `secret` is taken out. The shapes of tokens are those
that their issuers document, so that scanners find them; those of assignments go by the name before the sign.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

# Names before `=`, `:` or `=>`, in any spelling and with any prefix: `PGPASSWORD`, `db_password`, `X-Api-Key`.
_ASSIGNED = r"""
    pass(?:word|wd|phrase) | pwd | client[_-]?secret | secret[_-]?(?:access[_-]?)?key | api[_-]?(?:key|token)
    | (?:auth|access|refresh|session|security|bearer)[_-]?token | customer-key | webhook[_-]?secret | private[_-]?key
""".replace("\n", " ").replace(" ", "")

SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(shape))
    for kind, shape in (
        (
            "private-key",
            r"(?is)(?P<secret>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY( BLOCK)?-----.*?"
            r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY( BLOCK)?-----|\Z))",
        ),
        ("private-key", r"(?s)PuTTY-User-Key-File-\d:.*?Private-Lines:\s*\d+\s(?P<secret>.*?)(?:Private-MAC:|\Z)"),
        ("private-key", r"(?i)(?P<secret>\bAGE-SECRET-KEY-1[0-9A-Z]{30,})"),
        ("otp", r"(?i)otpauth://[^\s\"'<>]*?[?&]secret=(?P<secret>[^&\s\"'<>]+)"),
        (
            "query",
            r"(?i)(?<=[?&])(?:X-Amz-Signature|X-Amz-Security-Token|Signature|sig|token|access_token|password|passwd|pwd"
            r"|api_?key|client_secret|secret)=(?P<secret>[^&\s\"'<>]+)",
        ),
        (
            "authorization",
            r"(?i)(?:SignedHeaders=[^\s,]{1,2000},\s*Signature=|\bAWS \w{1,128}:"
            r"|\b(?:Bearer|Basic)\s+(?=(?-i:\S+[A-Z0-9=])))(?P<secret>[A-Za-z0-9+/=._~-]{8,})",
        ),
        ("cookie", r"(?i)\b(?:set-)?cookie[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<secret>[^\s\"';=]{1,200}=[^\r\n\"']+)"),
        (
            "session-token",
            r"(?:(?<![A-Za-z0-9+/])|(?<=%3D)|(?<=%3d))"
            r"(?P<secret>(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz|AQoDYXdz|AgoJb3JpZ2lu)[A-Za-z0-9+/=%_-]{40,})",
        ),
        ("storage-key", r"(?i)\bAccountKey=(?P<secret>[A-Za-z0-9+/]{40,}={0,2})"),
        (
            "field",
            rf"(?i)(?<![A-Za-z0-9])(?:[\w.-]{{0,60}}[_.-]|[a-z]{{0,12}})?(?:{_ASSIGNED})[\"']?\s{{0,3}}(?:=>|=|:)\s{{0,3}}"
            r"(?:\"(?P<double>[^\"\r\n]{1,4000})\"|'(?P<single>[^'\r\n]{1,4000})'|(?P<secret>[^\s\"',;&}\]]{1,4000}))",
        ),
        ("token", r"(?P<secret>\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})"),
        (
            "token",
            r"(?P<secret>\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{40,}|glpat-[A-Za-z0-9_-]{20,}"
            r"|xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"
            r"|whsec_[A-Za-z0-9+/=]{16,}|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}"
            r"|sk-(?:proj-|ant-|svcacct-|or-)?[A-Za-z0-9_-]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
            r"|SK[0-9a-f]{32}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}|do[opr]_v1_[0-9a-f]{64}"
            r"|hv[sbr]\.[A-Za-z0-9_-]{20,}|dckr_[po]at_[A-Za-z0-9_-]{20,}|key-[0-9a-f]{32}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"
            r"|ATATT[A-Za-z0-9_=-]{30,}|dapi[0-9a-f]{32}|hf_[A-Za-z0-9]{30,}|ABSK[A-Za-z0-9+/=]{40,}"
            r"|\d{8,10}:AA[A-Za-z0-9_-]{33}|[MNO][A-Za-z\d_-]{23,27}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,}))",
        ),
        ("token", r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[A-Za-z0-9/_-]{20,})"),
        ("password", r"(?i)\b[a-z][a-z0-9+.-]{0,20}://[^/\s:@]{0,256}:(?P<secret>[^@\s/]{1,256})(?=@)"),
    )
)
"""Kind and expression, in the order in which they are applied: the longest and surest first."""

_SIGNS = (
    *(
        "-----begin",
        "putty-user",
        "age-secret",
        "otpauth:",
        "signature=",
        "bearer ",
        "basic ",
        "cookie",
        "passw",
        "passphrase",
    ),
    *(
        "pwd",
        "secret",
        "token",
        "apikey",
        "api_key",
        "api-key",
        "customer-key",
        "private_key",
        "privatekey",
        "private-key",
    ),
    *(
        "accountkey",
        "://",
        "hooks.slack",
        "eyj",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "xox",
    ),
    *(
        "xapp-",
        "sk_",
        "rk_",
        "whsec_",
        "aiza",
        "ya29.",
        "gocspx-",
        "sk-",
        "sg.",
        "npm_",
        "pypi-",
        "_v1_",
        "hvs.",
        "hvb.",
    ),
    *("hvr.", "dckr_", "key-", "shpat_", "shpca_", "shppa_", "shpss_", "atatt", "dapi", "hf_", "absk", ":aa", "sig="),
)
_SHORTEST_TOKEN = 24
_LONG = re.compile(r"[A-Za-z0-9/+%]{40}")
_SHORT_SIGNS = re.compile(r"(?i:\baws \w+:)|SK[0-9a-f]{32}|[MNO][\w-]{23,27}\.")


def is_suspect(text: str) -> bool:
    """Whether any shape may match: most strings of a trail are passed by this one look."""
    lower = text.lower()
    if any(sign in lower for sign in _SIGNS):
        return True
    return len(text) >= _SHORTEST_TOKEN and bool(_LONG.search(text) or _SHORT_SIGNS.search(text))


# Not in the middle of base64url, such as the encoded message of an authorization failure.
_BARE_KEY = re.compile(r"(?<![A-Za-z0-9+_-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_-])")
_SEGMENT = re.compile(r"(?<![A-Za-z0-9+_%-])(?:[A-Za-z0-9+_-]|%2[BbFf]){40,64}(?![A-Za-z0-9+=_%-])")
_HEX = re.compile(r"[0-9a-fA-F]+")
_KEY_LENGTH = 40
_CHANGES = 12


def secret_keys(text: str) -> list[str]:
    """The parts of a text that look like AWS secret access keys: forty characters drawn at random.

    They stand alone, as a segment of a path, between dashes or underscores, or percent-encoded. The middle of a long
    base64url text, such as the encoded message of an authorization failure, is passed over.
    """
    pieces = _BARE_KEY.findall(text)
    pieces += [piece for segment in _SEGMENT.findall(text) for piece in re.split("[-_]", segment)]
    return [piece for piece in pieces if _is_secret_key(piece)]


def _is_secret_key(piece: str) -> bool:
    plain = unquote(piece)
    return len(plain) == _KEY_LENGTH and _is_random(plain)


def _is_random(text: str) -> bool:
    """Whether forty characters look drawn at random, as a secret access key is, and not like a path or a hash.

    A random key changes between capitals, small letters and digits some 24 times, a path of words a few times between
    its slashes; fewer than twelve times happens to one random key in a hundred thousand.
    """
    if text.upper() == text or text.lower() == text or _HEX.fullmatch(text):
        return False
    classes = [0 if c.isupper() else 1 if c.islower() else 2 if c.isdigit() else 3 for c in text]
    pairs = zip(text, text[1:], classes, classes[1:], strict=False)
    return sum(a != b for left, right, a, b in pairs if left != "/" and right != "/") >= _CHANGES
