"""The case log: append-only, hash-chained records behind TinyDB."""
