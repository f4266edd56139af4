"""Seeing it run: correlation ids, structured logs, Prometheus metrics."""
