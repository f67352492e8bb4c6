"""The questions that the playbook asks of history: one SQL text each, for local files and for Athena."""
