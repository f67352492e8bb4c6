"""War-room console for incidents of unintended access to Amazon S3."""

__version__ = "0.1.0"
