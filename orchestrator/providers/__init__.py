"""Parties outside the platform, each behind an adapter of its own."""
