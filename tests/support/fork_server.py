"""Starts a platform's processes in tests as forks of one process that has imported everything.

The start of a service is mostly imports, some two seconds of CPU, and a test run starts about two hundred processes. Each
fork is still a separate process with its own environment, pid and session. It runs the `__main__` that ``python -m`` runs,
and can be killed, stopped and continued. Every process that is still alive when the run ends, even by a crash, is killed.
The tests of devstack's command line cover what only a fresh start shows, such as a missing import.
"""

import gc
import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, NoReturn, Self

import coverage
import psutil

from devstack.home import ROOT
from devstack.processes import Child, spawn

__all__ = ["ForkServer"]

MODULE: Final = "tests.support.fork_server"
# What the services' `__main__`s import, and what uvicorn and SQLAlchemy import when they are first used.
IMPORTED: Final = (
    "users.app",
    "orders.app",
    "events.app",
    "inventory.app",
    "orchestrator.app",
    "orchestrator.jobs.worker",
    "gateway.app",
    "devstack.sandbox.app",
    "devstack.seed",
    "common.db.migrations",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
)
POLL_SECONDS: Final = 0.01
LENGTH_BYTES: Final = 4  # the prefix of each message: its length


class ForkServer:
    """Forks Python modules and starts other programs as usual. All of them end with the process that created this object."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._mother: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._line and self._mother:
            self._line.close()
            self._mother.wait()

    def spawn(
        self, command: Sequence[str | Path], *, env: Mapping[str, str], output: IO[bytes] | int, cwd: Path
    ) -> Child:
        """Start a program as `devstack.processes.spawn` does."""
        match [os.fspath(part) for part in command]:
            case [sys.executable, "-m", module, *arguments] if not isinstance(output, int):
                born = {"module": module, "arguments": arguments, "env": dict(env), "cwd": os.fspath(cwd)}
                return _Born(self, self._ask(born, output.fileno()))
            case _:
                return spawn(command, env=env, output=output, cwd=cwd)

    def exit_code(self, pid: int) -> int | None:
        """Return how a process ended, as `subprocess.Popen.poll` does."""
        code: int | None = self._ask({"ended": pid})
        return code

    def _ask(self, what: Mapping[str, Any], *files: int) -> Any:
        with self._lock:
            line = self._line or self._open()
            _say(line, what, *files)
            return _hear(line)[0]

    def _open(self) -> socket.socket:
        self._line, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", MODULE, str(theirs.fileno())]
            self._mother = subprocess.Popen(  # noqa: S603 - ourselves
                command, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True
            )
        return self._line


class _Born:
    """A forked process with the interface of `subprocess.Popen`."""

    stdout = None

    def __init__(self, fork_server: ForkServer, pid: int) -> None:
        self.pid = pid
        self._fork_server = fork_server
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._fork_server.exit_code(self.pid)
        return self._code

    def wait(self) -> int:
        while (code := self.poll()) is None:
            time.sleep(POLL_SECONDS)
        return code


def _say(line: socket.socket, what: Any, *files: int) -> None:
    message = json.dumps(what).encode()
    socket.send_fds(line, [len(message).to_bytes(LENGTH_BYTES, "big")], files)
    line.sendall(message)


def _hear(line: socket.socket) -> tuple[Any, list[int]]:
    """Return a message and the file descriptors that came with it.

    Raises:
        EOFError: the other end is closed.
    """
    length, files, _, _ = socket.recv_fds(line, LENGTH_BYTES, maxfds=1)
    if not length:
        raise EOFError("The fork server's line is closed.")
    return json.loads(line.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)), files


def _mother(line: socket.socket) -> None:
    """Fork each requested process until the other end closes; returns in each child."""
    while True:
        try:
            asked, files = _hear(line)
        except EOFError:
            _end_all()
            sys.exit()
        if "ended" in asked:
            pid, status = os.waitpid(asked["ended"], os.WNOHANG)
            _say(line, os.waitstatus_to_exitcode(status) if pid else None)
            continue
        child = os.fork()
        if child == 0:
            _settle(asked, *files)
            line.close()
            return
        for file in files:
            os.close(file)
        _say(line, child)


def _end_all() -> None:
    """Kill all forked processes and their children: no other process would."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _settle(asked: Mapping[str, Any], output: int) -> None:
    """Set up session, output, environment and arguments as a new program has them."""
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr] # nobody has put another one in its place
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv[:] = [asked["module"], *asked["arguments"]]


def main(descriptor: str) -> NoReturn:
    if "COVERAGE_PROCESS_START" in os.environ:
        coverage.process_startup()  # each fork measures into its own file
    for module in IMPORTED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # surviving objects are never collected, so their memory stays shared
    with socket.socket(fileno=int(descriptor)) as line:
        _mother(line)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    main(sys.argv[1])
