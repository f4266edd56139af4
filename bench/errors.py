"""The error that ends a run."""

__all__ = ["BenchFailedError"]


class BenchFailedError(Exception):
    """A response of the platform invalidates the results; the message contains it."""
