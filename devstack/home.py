"""The folder of a stack: its lock, state, secrets, data and logs."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from devstack.errors import DevstackError
from devstack.processes import ProcessId

__all__ = ["ROOT", "Home", "Phase", "State", "default_home", "exclusive", "write_privately"]

ROOT: Final = Path(__file__).resolve().parent.parent
POLL_SECONDS: Final = 0.05

Phase = Literal["starting", "ready", "stopping"]


def default_home() -> Path:
    """Return ``DEVSTACK_HOME``, or ``.devstack`` beside the code."""
    return Path(os.environ.get("DEVSTACK_HOME") or ROOT / ".devstack").resolve()


@dataclass(frozen=True, kw_only=True)
class State:
    """The state of a running stack for other processes: ``make down``, tests, the demo, the watchdog."""

    phase: Phase
    supervisor: ProcessId
    processes: tuple[ProcessId, ...] = ()
    services: tuple[str, ...] = ()
    """The names of the stack's services, running or not."""
    instance: str = ""
    """The id that each of them shows in `/health`; new at each start of the stack."""
    throwaway: bool = False
    """The process that stops the stack also removes its data."""
    urls: Mapping[str, Any] = field(default_factory=dict)
    control: Mapping[str, Any] = field(default_factory=dict)
    """Port and key of the supervisor, which accepts ``restart`` and ``kill``."""


class Home:
    """The folder of a stack. The holder of its lock owns the processes that run from it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "log"
        self.secrets_file = path / "secrets.json"
        self._state_file = path / "state.json"
        self._ports_file = path / "ports.json"
        self._lock_file = path / "lock"

    def prepare(self) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)

    @property
    def identity(self) -> str:
        """Return a short, stable name of this folder."""
        return hashlib.sha256(os.fsencode(self.path)).hexdigest()[:10]

    @contextmanager
    def locked(self, *, wait_seconds: float) -> Iterator[int]:
        """Hold the lock and yield its descriptor; the kernel releases the lock with the last process that holds it.

        Raises:
            DevstackError: another stack is still running from this folder.
        """
        self.prepare()
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = time.monotonic() + wait_seconds
            while not _try_lock(descriptor):
                if time.monotonic() > deadline:
                    raise DevstackError(f"Another stack runs from {self.path}; stop it with: python -m devstack down")
                time.sleep(POLL_SECONDS)
            yield descriptor
        finally:
            os.close(descriptor)

    def is_locked(self) -> bool:
        """Whether a supervisor, or the watchdog of an ended one, uses this folder."""
        if not self._lock_file.exists():
            return False
        descriptor = os.open(self._lock_file, os.O_RDWR)
        try:
            return not _try_lock(descriptor)
        finally:
            os.close(descriptor)

    def read_state(self) -> State | None:
        """Return the state that the supervisor last wrote; None if no stack is running."""
        try:
            data = json.loads(self._state_file.read_text())
        except FileNotFoundError:
            return None
        return State(
            phase=data["phase"],
            supervisor=ProcessId(**data["supervisor"]),
            processes=tuple(ProcessId(**process) for process in data["processes"]),
            services=tuple(data.get("services", ())),  # a stack of an earlier release writes none
            instance=data.get("instance", ""),
            throwaway=data["throwaway"],
            urls=data["urls"],
            control=data["control"],
        )

    def write_state(self, state: State) -> None:
        write_privately(self._state_file, json.dumps(asdict(state), indent=2))

    def clear_state(self) -> None:
        self._state_file.unlink(missing_ok=True)

    def read_ports(self) -> dict[str, dict[str, int]]:
        """Return the ports of the last start, by process and variable; empty before the first one."""
        return json.loads(self._ports_file.read_text()) if self._ports_file.exists() else {}

    def write_ports(self, ports: Mapping[str, Mapping[str, int]]) -> None:
        write_privately(self._ports_file, json.dumps(ports, indent=2))

    def clear(self) -> None:
        """Remove the files of stacks, and the folder if it is then empty: a user-chosen folder may contain other files."""
        for folder in (self.logs, self.path / "rabbitmq"):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.secrets_file, self._state_file, self._ports_file, self._lock_file):
            file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.rmdir()


@contextmanager
def exclusive(lock_file: Path) -> Iterator[None]:
    """Hold a lock, after waiting for other processes that hold it."""
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_privately(path: Path, text: str) -> None:
    """Replace a file atomically; only its owner can read it."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    new.replace(path)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
