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
        self._connection: socket.socket | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection and self._server:
            self._connection.close()
            self._server.wait()

    def spawn(
        self, command: Sequence[str | Path], *, env: Mapping[str, str], output: IO[bytes] | int, cwd: Path
    ) -> Child:
        """Start a program as `devstack.processes.spawn` does."""
        match [os.fspath(part) for part in command]:
            case [sys.executable, "-m", module, *arguments] if not isinstance(output, int):
                spawned = {"module": module, "arguments": arguments, "env": dict(env), "cwd": os.fspath(cwd)}
                return _ForkedProcess(self, self._request(spawned, output.fileno()))
            case _:
                return spawn(command, env=env, output=output, cwd=cwd)

    def exit_code(self, pid: int) -> int | None:
        """Return how a process ended, as `subprocess.Popen.poll` does."""
        code: int | None = self._request({"ended": pid})
        return code

    def _request(self, message: Mapping[str, Any], *files: int) -> Any:
        with self._lock:
            connection = self._connection or self._open()
            _send(connection, message, *files)
            return _receive(connection)[0]

    def _open(self) -> socket.socket:
        self._connection, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", MODULE, str(theirs.fileno())]
            self._server = subprocess.Popen(  # noqa: S603 - ourselves
                command, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True
            )
        return self._connection


class _ForkedProcess:
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


def _send(connection: socket.socket, message: Any, *files: int) -> None:
    message = json.dumps(message).encode()
    socket.send_fds(connection, [len(message).to_bytes(LENGTH_BYTES, "big")], files)
    connection.sendall(message)


def _receive(connection: socket.socket) -> tuple[Any, list[int]]:
    """Return a message and the file descriptors that came with it.

    Raises:
        EOFError: the other end is closed.
    """
    length, files, _, _ = socket.recv_fds(connection, LENGTH_BYTES, maxfds=1)
    if not length:
        raise EOFError("The fork server's line is closed.")
    return json.loads(connection.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)), files


def _serve(connection: socket.socket) -> None:
    """Fork each requested process until the other end closes; returns in each child."""
    while True:
        try:
            request, files = _receive(connection)
        except EOFError:
            _end_all()
            sys.exit()
        if "ended" in request:
            pid, status = os.waitpid(request["ended"], os.WNOHANG)
            _send(connection, os.waitstatus_to_exitcode(status) if pid else None)
            continue
        child = os.fork()
        if child == 0:
            _become(request, *files)
            connection.close()
            return
        for file in files:
            os.close(file)
        _send(connection, child)


def _end_all() -> None:
    """Kill all forked processes and their children: no other process would."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _become(request: Mapping[str, Any], output: int) -> None:
    """Set up session, output, environment and arguments as a new program has them."""
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr] # no test has replaced it
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv[:] = [request["module"], *request["arguments"]]


def main(descriptor: str) -> NoReturn:
    if "COVERAGE_PROCESS_START" in os.environ:
        coverage.process_startup()  # each fork measures into its own file
    for module in IMPORTED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # surviving objects are never collected, so their memory stays shared
    with socket.socket(fileno=int(descriptor)) as connection:
        _serve(connection)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    main(sys.argv[1])
