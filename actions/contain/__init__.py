"""Containment actions: they cut an actor off from credentials and data."""
