"""What stops a run."""

__all__ = ["BenchFailedError"]


class BenchFailedError(Exception):
    """The platform gave an answer that makes the figures worthless; the message has it."""
