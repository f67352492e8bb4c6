"""The case log: append-only, hash-chained records behind TinyDB."""

from s3ir_tui.journal import redact
from s3ir_tui.journal.errors import AppendOnlyError, JournalError, WriteFailed
from s3ir_tui.journal.journal import Journal
from s3ir_tui.journal.record import Record
from s3ir_tui.journal.verify_case import Verification, verify

__all__ = [
    "AppendOnlyError",
    "Journal",
    "JournalError",
    "Record",
    "Verification",
    "WriteFailed",
    "redact",
    "verify",
]
