"""The commands that need no screen: what they find goes to standard output, as JSON or as tables."""
