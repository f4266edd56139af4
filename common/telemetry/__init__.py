"""Correlation ids, structured logs, Prometheus metrics and traces."""
