"""Runs one service of the running platform under pdb in this terminal: ``python -m devstack debug users``."""

import os
import sys
from typing import NoReturn

from devstack.control import send_command
from devstack.errors import DevstackError
from devstack.home import ROOT, State
from devstack.services import PLATFORM


def debug(state: State, service: str) -> NoReturn:
    """Kill the service and replace this process by it, with its environment: its ports, its database, its keys.

    ``breakpoint()`` opens pdb, and so does an exception that ends the service. Afterwards `devstack restart` starts it as
    part of the platform again.

    Raises:
        DevstackError: the service is not running.
    """
    running = next((identity.process() for identity in state.processes if identity.name == service), None)
    if running is None:
        raise DevstackError(f"{service} is not running; start it with: python -m devstack restart {service}")
    environment = running.environ()
    send_command(state.control, "kill", service)
    module = next(spec.module for spec in PLATFORM if spec.name == service)
    print(f"{service} runs in this terminal; afterwards: python -m devstack restart {service}", flush=True)
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "-m", "pdb", "-c", "continue", "-m", module], environment)  # noqa: S606 - our own command
