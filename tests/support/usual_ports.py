"""Refuses every use of the platform's usual ports, so that no test reaches a platform on this machine.

A test that sets no address for a service gets the default one, where a platform may respond. The code under test may treat
the refusal as an unavailable service, so the refusal is also recorded for the end of the test.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import urlsplit

import grpc

from devstack.services import PLATFORM, SERVER_PORTS

__all__ = ["UsualPortUsed", "refusing_usual_ports"]

POSTGRES_PORT: Final = 5432
USUAL_PORTS: Final = frozenset(
    [
        POSTGRES_PORT,
        *(port for spec in PLATFORM for port in spec.ports.values()),
        *(port for ports in SERVER_PORTS.values() for port in ports.values() if port),
    ]
)
# The kernel assigns ports from here on to any process: a usual port may be assigned by chance. gRPC's is checked by
# its address.
FIRST_CHOSEN_BY_KERNEL: Final = 32_768
EVENTS: Final = frozenset({"socket.connect", "socket.bind"})


class UsualPortUsed(AssertionError):
    """The test used an address where a platform on this machine may listen."""


class _Guard:
    """An audit hook cannot be removed, so a single hook is switched on and off."""

    def __init__(self) -> None:
        self.is_on = False
        self.seen: list[str] = []

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.is_on and event in EVENTS:
            address = arguments[1]
            if isinstance(address, tuple) and address[1] in USUAL_PORTS and address[1] < FIRST_CHOSEN_BY_KERNEL:
                self.refuse(f"{event.removeprefix('socket.')} {address[0]}:{address[1]}")

    def refuse(self, use: str) -> None:
        self.seen.append(use)
        raise UsualPortUsed(f"{use}: give the test's services their addresses")


_GUARD: Final = _Guard()
sys.addaudithook(_GUARD.audit)
_open_channel = grpc.aio.insecure_channel


def _guarded_channel(target: str, *arguments: Any, **options: Any) -> grpc.aio.Channel:
    """Check gRPC's addresses: its sockets are not Python's."""
    if _GUARD.is_on and urlsplit(f"//{target.rpartition('/')[2]}").port in USUAL_PORTS:
        _GUARD.refuse(f"connect {target}")
    return _open_channel(target, *arguments, **options)


@contextmanager
def refusing_usual_ports() -> Iterator[list[str]]:
    """Refuse every use of a usual port by this process, and yield the ports that were tried."""
    was_on, seen = _GUARD.is_on, _GUARD.seen
    _GUARD.is_on, _GUARD.seen = True, []
    try:
        with patch.object(grpc.aio, "insecure_channel", _guarded_channel):
            yield _GUARD.seen
    finally:
        _GUARD.is_on, _GUARD.seen = was_on, seen
