"""Sagas of this feature."""
