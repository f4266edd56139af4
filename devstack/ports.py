"""Chooses loopback ports and claims them, so that stacks that start at one moment choose different ones."""

import random
import socket
from collections.abc import Iterator
from typing import Final, Self

from devstack.errors import DevstackError

__all__ = ["LOOPBACK", "PortClaims", "free_port", "is_free", "is_listenable"]

LOOPBACK: Final = "127.0.0.1"

# Below the ephemeral ports of Linux (from 32768) and macOS (from 49152),
# so that no outgoing connection takes the port before a server listens on it.
FIRST_PORT: Final = 20_000
LAST_PORT: Final = 32_000
ATTEMPTS: Final = 200


class PortClaims:
    """Ports that no other stack on this machine chooses, until the end of the block or of this process.

    A claim is a UDP socket of the port's number. The kernel gives it to one process, whatever its user and folder, and takes
    it back when the process ends. So a port stays claimed while its server restarts, and no claim outlives its stack.
    """

    def __init__(self) -> None:
        self._claims: dict[int, socket.socket] = {}

    def claim(self, *preferred: int) -> int:
        """Claim the first preferred port that is free, or another one if none is, and return it.

        Raises:
            DevstackError: no free port was found.
        """
        for port in (*preferred, *_any_ports()):
            if port not in self._claims and (claim := _claimed(port)):
                self._claims[port] = claim
                return port
        raise DevstackError(f"No free port between {FIRST_PORT} and {LAST_PORT} on {LOOPBACK}.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for claim in self._claims.values():
            claim.close()
        self._claims.clear()


def is_listenable(port: int) -> bool:
    """Whether a server can listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As for servers, a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _binds(probe, port)


def is_free(port: int) -> bool:
    """Whether a server can listen on this loopback port, and no stack has claimed it."""
    claim = _claimed(port)
    if claim is not None:
        claim.close()
    return claim is not None


def free_port(*, taken: frozenset[int] = frozenset()) -> int:
    """Return a free port that is not in ``taken``.

    Raises:
        DevstackError: no free port was found.
    """
    for port in _any_ports():
        if port not in taken and is_free(port):
            return port
    raise DevstackError(f"No free port between {FIRST_PORT} and {LAST_PORT} on {LOOPBACK}.")


def _any_ports() -> Iterator[int]:
    return iter(random.sample(range(FIRST_PORT, LAST_PORT + 1), ATTEMPTS))


def _claimed(port: int) -> socket.socket | None:
    """Return the claim of a port; None if another stack has it or a server listens."""
    claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if _binds(claim, port) and is_listenable(port):
        return claim
    claim.close()
    return None


def _binds(bound: socket.socket, port: int) -> bool:
    try:
        bound.bind((LOOPBACK, port))
    except OSError:
        return False
    return True
