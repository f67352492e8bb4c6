"""What can go wrong with the case log."""

from __future__ import annotations


class JournalError(Exception):
    """The case log cannot do what was asked. The message says what that means for the responder."""


class WriteFailed(JournalError):
    """Nothing of this record is in the log: the disk is full or broken, or the folder cannot be written."""


class AppendOnlyError(JournalError):
    """A change or a removal was asked of a log to which records are only ever added."""
