"""Containment actions: PLAYBOOK Part 2."""
