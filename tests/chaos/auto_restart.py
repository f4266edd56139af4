"""`python -m tests.chaos.auto_restart users`: the real service under a supervisor that restarts it.

It does what a container's restart policy does, but within a fraction of a second: everything is imported once, and each
restart is a fork. SIGTERM to the service restarts it, too; SIGTERM to the supervisor ends both.
"""

import importlib
import os
import runpy
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

__all__ = ["restart_forever", "restarting_command"]

MODULE: Final = "tests.chaos.auto_restart"
# After SIGKILL, and after SIGTERM, which some servers end with exit code 0 and others with the signal itself.
RESTARTED_EXIT_CODES: Final = frozenset({-signal.SIGKILL, -signal.SIGTERM, 0})


def restarting_command(module: str) -> list[str]:
    """Return the command that replaces ``python -m <module>``."""
    return [sys.executable, "-m", MODULE, module]


def restart_forever(serve_once: Callable[[], None]) -> NoReturn:
    """Run the service again and again, until it fails by itself or the supervisor is terminated."""
    child = 0
    is_over = False

    def pass_on(number: int, _: object) -> None:
        nonlocal is_over
        is_over = True
        if not child:
            sys.exit()
        with suppress(ProcessLookupError):
            os.kill(child, number)

    signal.signal(signal.SIGTERM, pass_on)
    while True:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            serve_once()
            sys.exit()
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if is_over or code not in RESTARTED_EXIT_CODES:
            sys.exit(code)


def main(module: str) -> NoReturn:
    importlib.import_module(f"{module.partition('.')[0]}.app")
    sys.argv[1:] = []

    def serve_once() -> None:
        runpy.run_module(module, run_name="__main__")

    restart_forever(serve_once)


if __name__ == "__main__":
    main(sys.argv[1])
