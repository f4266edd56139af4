"""The error that ends a run."""


class BenchFailedError(Exception):
    """A response of the platform invalidates the results; the message contains it."""
