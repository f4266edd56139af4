"""Puts one service of the running platform under pdb, in this terminal: ``python -m devstack debug users``."""

import os
import sys
from typing import NoReturn

from devstack.control import send_command
from devstack.errors import DevstackError
from devstack.home import ROOT, State
from devstack.services import PLATFORM

__all__ = ["debug"]


def debug(state: State, service: str) -> NoReturn:
    """End the service and become it, with its environment: its ports, its database, its keys.

    ``breakpoint()`` in its code opens pdb, and so does an exception that ends it. `devstack restart` gives it back to the
    platform.

    Raises:
        DevstackError: the service does not run.
    """
    running = next((found.process() for found in state.processes if found.name == service), None)
    if running is None:
        raise DevstackError(f"{service} does not run; start it with: python -m devstack restart {service}")
    environment = running.environ()
    send_command(state.control, "kill", service)
    module = next(spec.module for spec in PLATFORM if spec.name == service)
    print(f"{service} runs in this terminal; afterwards: python -m devstack restart {service}", flush=True)
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "-m", "pdb", "-c", "continue", "-m", module], environment)  # noqa: S606 - ourselves
