"""Commands to a running supervisor, from another terminal: over loopback, with a key from its private state file."""

import secrets
import threading
from collections.abc import Callable, Mapping
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, Final

from devstack.errors import DevstackError
from devstack.ports import LOOPBACK

__all__ = ["ControlServer", "send_command"]

# Messages are pickled, which is safe only because both ends prove to hold the key first.
KEY_BYTES: Final = 32

Command = tuple[str, str]
"""What to do, and to which service."""


class ControlServer:
    """Carries out one command at a time, in a thread of its own, until the process ends."""

    def __init__(self, carry_out: Callable[[str, str], None]) -> None:
        self._carry_out = carry_out
        self._key = secrets.token_bytes(KEY_BYTES)
        self._listener = Listener((LOOPBACK, 0), authkey=self._key)
        threading.Thread(target=self._serve, name="control", daemon=True).start()

    @property
    def address(self) -> dict[str, Any]:
        """Return what ``send_command`` needs, for the state file."""
        return {"port": self._listener.address[1], "key": self._key.hex()}

    def _serve(self) -> None:
        while True:
            try:
                with self._listener.accept() as connection:
                    self._answer(connection)
            except (AuthenticationError, OSError, EOFError):
                continue  # a caller without the key, or one that hung up

    def _answer(self, connection: "Connection[str, Command]") -> None:
        action, service = connection.recv()
        try:
            self._carry_out(action, service)
        except DevstackError as error:
            connection.send(str(error))
        else:
            connection.send("")


def send_command(address: Mapping[str, Any], action: str, service: str) -> None:
    """Have the supervisor do it, and wait until it is done.

    Raises:
        DevstackError: it refused, or it is gone.
    """
    try:
        with Client((LOOPBACK, address["port"]), authkey=bytes.fromhex(address["key"])) as connection:
            connection.send((action, service))
            answer = connection.recv()
    except (OSError, EOFError, AuthenticationError) as error:
        raise DevstackError(f"The running stack does not answer: {error}") from error
    if answer:
        raise DevstackError(answer)
