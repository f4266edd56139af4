"""The error of this package."""


class DevstackError(Exception):
    """A command failed; the message tells the user what to do."""
