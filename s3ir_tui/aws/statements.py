"""Which SQL texts only read: what the write guard looks at before a query of Athena is started."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_FIRST = re.compile(r"\s*(?:WITH|SELECT)\s", re.IGNORECASE)
# Everything by which Athena's grammar writes, calls or reaches out of the tables; none of it stands in a question.
_NOT_READING = re.compile(
    r"\b(?:ALTER|ANALYZE|CALL|COMMENT|COMMIT|CREATE|DEALLOCATE|DELETE|DROP|EXECUTE|EXTERNAL|FUNCTION|GRANT|INSERT|INTO|"
    r"LAMBDA|LOAD|MERGE|MSCK|OPTIMIZE|PREPARE|REFRESH|RENAME|REPLACE|REVOKE|SET|START|TABLE|TRUNCATE|UNLOAD|UPDATE|USE|"
    r"USING|VACUUM)\b|;|--|/\*|`",
    re.IGNORECASE,
)


_STRING = re.compile(r"'(?:[^']|'')*'")
_NAME = r'(?:"(?:[^"]|"")*"|\w+)'
# A catalog other than the account's own may be a connector: reading from it runs a Lambda function.
_OTHER_CATALOG = re.compile(rf'"[^"]*:[^"]*"|\b(?:FROM|JOIN)\s+{_NAME}\s*\.\s*{_NAME}\s*\.', re.IGNORECASE)
_OWN_CATALOG = re.compile(r'"?\bawsdatacatalog\b"?\s*\.', re.IGNORECASE)


def only_reads(text: str) -> bool:
    """Whether a text is one `SELECT` (or `WITH ... SELECT`) of the account's own catalog, and nothing else.

    Args:
        text: The statement, as it would be sent.
    """
    bare = _QUOTED.sub("''", text)
    if _OTHER_CATALOG.search(_OWN_CATALOG.sub("", _STRING.sub("''", text))):
        return False
    return "'" not in bare.replace("''", "") and bool(_FIRST.match(bare)) and not _NOT_READING.search(bare)
