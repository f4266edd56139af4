"""The orders service, a client for each of its aggregates."""
