"""Stops the processes that a supervisor leaves running when it ends, even by ``kill -9``.

The watchdog reads standard input, a pipe from the supervisor: end of file means that the supervisor has ended. It shares
the supervisor's lock on the stack's folder, so no other stack starts there before all processes have stopped.
"""

import sys
from pathlib import Path

from devstack.home import Home
from devstack.postgres_files import clear_postgres_files
from devstack.processes import stop_all


def watch(home: Home) -> None:
    """Wait for the supervisor's end; stop what the state file lists, which does not exist after a clean stop."""
    sys.stdin.buffer.read()
    if state := home.read_state():
        try:
            stop_all(state.processes)
        finally:  # the next start stops what could not be stopped
            if state.throwaway:
                clear_postgres_files(home)
        home.clear_state()


if __name__ == "__main__":
    watch(Home(Path(sys.argv[1])))
