"""What can go wrong while starting things, told in a sentence that says what to do."""

__all__ = ["DevstackError"]


class DevstackError(Exception):
    """Something could not be started or found; the message is for the person at the terminal."""
