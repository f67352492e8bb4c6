"""Actions that only look: they write nothing to AWS."""
