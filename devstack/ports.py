"""Chooses loopback ports: the usual one if it is free, another one otherwise."""

import random
import socket
from typing import Final

from devstack.errors import DevstackError

__all__ = ["LOOPBACK", "free_port", "is_free", "port_near"]

LOOPBACK: Final = "127.0.0.1"

# Below the ephemeral ports of Linux (from 32768) and macOS (from 49152),
# so that no outgoing connection takes the port before a server listens on it.
FIRST_PORT: Final = 20_000
LAST_PORT: Final = 32_000
ATTEMPTS: Final = 200


def is_free(port: int) -> bool:
    """Whether a server can listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As for servers, a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port(*, taken: frozenset[int] = frozenset()) -> int:
    """Return a port without a listener that is not in ``taken``.

    Raises:
        DevstackError: no free port was found.
    """
    for _ in range(ATTEMPTS):
        port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311 - a port is no secret
        if port not in taken and is_free(port):
            return port
    raise DevstackError(f"No free port between {FIRST_PORT} and {LAST_PORT} on {LOOPBACK}.")


def port_near(usual: int, *, taken: frozenset[int] = frozenset()) -> int:
    """Return the usual port if it is free and not in ``taken``, any free port otherwise."""
    if usual not in taken and is_free(usual):
        return usual
    return free_port(taken=taken)
