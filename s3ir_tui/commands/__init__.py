"""The commands, a module for each family of them; `cli` finds each by its name."""
