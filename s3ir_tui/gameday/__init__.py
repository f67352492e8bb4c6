"""The embedded AWS account, its attacker and its scenarios, for practice and tests."""
