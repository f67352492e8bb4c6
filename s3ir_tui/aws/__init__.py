"""The AWS account as the console sees it: sessions, identity, the write guard, posture."""
