"""Limits on attempts, counted in PostgreSQL."""
