"""The error of this package."""

__all__ = ["DevstackError"]


class DevstackError(Exception):
    """A command failed; the message tells the user what to do."""
