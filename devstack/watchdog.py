"""Outlives its supervisor by a moment: when that one is gone, however it went, this stops what it left running.

It reads standard input, a pipe whose other end only the supervisor holds: the end of file is the supervisor's end.
It shares the supervisor's lock on the stack's folder, so that nobody starts there before everything has stopped.
"""

import sys
from pathlib import Path

from devstack.home import Home
from devstack.postgres_files import clear_postgres_files
from devstack.processes import stop_all

__all__ = ["watch"]


def watch(home: Home) -> None:
    """Wait for the supervisor's end; after a clean one there is nothing left to do."""
    sys.stdin.buffer.read()
    if state := home.read_state():
        stop_all(state.processes)
        if state.throwaway:
            clear_postgres_files(home)
        home.clear_state()


if __name__ == "__main__":
    watch(Home(Path(sys.argv[1])))
