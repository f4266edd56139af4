"""Commands from another terminal to the running supervisor: over loopback, with a key from its private state file."""

import secrets
import threading
from collections.abc import Callable, Mapping
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, Final

from devstack.errors import DevstackError
from devstack.ports import LOOPBACK

__all__ = ["ControlServer", "send_command"]

# Messages are pickled, which is safe only because both ends first prove that they know the key.
KEY_BYTES: Final = 32

Command = tuple[str, str]
"""The action, and the service."""


class ControlServer:
    """Runs one command at a time in a background thread, until the process ends."""

    def __init__(self, run_command: Callable[[str, str], None]) -> None:
        self._run_command = run_command
        self._key = secrets.token_bytes(KEY_BYTES)
        self._listener = Listener((LOOPBACK, 0), authkey=self._key)
        threading.Thread(target=self._serve, name="control", daemon=True).start()

    @property
    def address(self) -> dict[str, Any]:
        """Return the address for the state file, as ``send_command`` needs it."""
        return {"port": self._listener.address[1], "key": self._key.hex()}

    def _serve(self) -> None:
        while True:
            try:
                with self._listener.accept() as connection:
                    self._respond(connection)
            except Exception:  # noqa: BLE001, S112 - the caller has no key, closed the connection, or sent no command
                continue

    def _respond(self, connection: "Connection[str, Command]") -> None:
        action, service = connection.recv()
        try:
            self._run_command(action, service)
        except DevstackError as error:
            connection.send(str(error))
        except Exception as error:  # noqa: BLE001 - a command that fails in any way must not end this thread
            connection.send(f"{action} {service} failed: {error!r}")
        else:
            connection.send("")


def send_command(address: Mapping[str, Any], action: str, service: str) -> None:
    """Send a command to the supervisor and wait until it is done.

    Raises:
        DevstackError: the supervisor refused or does not respond.
    """
    try:
        with Client((LOOPBACK, address["port"]), authkey=bytes.fromhex(address["key"])) as connection:
            connection.send((action, service))
            problem = connection.recv()
    except (OSError, EOFError, AuthenticationError) as error:
        raise DevstackError(f"The running stack does not respond: {error}") from error
    if problem:
        raise DevstackError(problem)
