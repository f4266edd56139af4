"""Adapters of this feature."""
