"""Where CloudTrail events come from, one module a source."""
