"""Child processes, identified by pid and start time, so that no unrelated process is signalled."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

import psutil

__all__ = [
    "Account",
    "Child",
    "ProcessId",
    "Spawn",
    "identify",
    "kill_family",
    "seconds_after_boot",
    "spawn",
    "start_detached",
    "stop_all",
]

STOP_GRACE_SECONDS: Final = 20.0  # RabbitMQ takes about 6 s to stop, PostgreSQL a checkpoint
KILL_GRACE_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.02
# psutil derives the start time from clock ticks, so its last digits may vary.
START_TIME_TOLERANCE_SECONDS: Final = 0.05


class Child(Protocol):
    """The part of `subprocess.Popen` that the supervisor uses."""

    @property
    def pid(self) -> int: ...
    @property
    def stdout(self) -> IO[bytes] | None: ...
    def poll(self) -> int | None: ...
    def wait(self) -> int: ...


class Spawn(Protocol):
    """Starts a program: `spawn`, or a replacement in tests."""

    def __call__(
        self, command: Sequence[str | Path], *, env: Mapping[str, str], output: IO[bytes] | int, cwd: Path
    ) -> Child: ...


@dataclass(frozen=True, kw_only=True)
class ProcessId:
    """A started process. ``started`` (seconds after boot) distinguishes it from a later process with the same pid."""

    name: str
    pid: int
    started: float
    stop_signal: int = signal.SIGTERM
    stage: int = 0
    """Processes stop stage by stage: services at 0, their servers later."""

    def process(self) -> psutil.Process | None:
        """Return the running process; None if it ended, even if another process has its pid now."""
        try:
            process = psutil.Process(self.pid)
            if abs(seconds_after_boot(process) - self.started) > START_TIME_TOLERANCE_SECONDS:
                return None
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        except psutil.NoSuchProcess:
            return None

    def is_alive(self) -> bool:
        return self.process() is not None


@dataclass(frozen=True, kw_only=True)
class Account:
    """The user that a program runs as if this process is root's."""

    name: str
    uid: int
    gid: int


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    output: IO[bytes] | int,
    cwd: Path,
    account: Account | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a new session: Ctrl-C reaches only the supervisor, which stops the other processes in order."""
    return subprocess.Popen(
        [os.fspath(part) for part in command],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def start_detached(
    module: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start ``python -m`` with this module and its arguments, without a terminal; its output replaces the log."""
    with log.open("wb") as output:
        return spawn(
            [sys.executable, "-m", *module],
            env=os.environ if env is None else env,
            output=output,
            cwd=Path(__file__).resolve().parent.parent,
        )


def identify(child: Child, *, name: str, stop_signal: int = signal.SIGTERM, stage: int = 0) -> ProcessId:
    """Return the identity of a newly started child.

    Raises:
        psutil.NoSuchProcess: the child has ended and was reaped.
    """
    started = seconds_after_boot(psutil.Process(child.pid))
    return ProcessId(name=name, pid=child.pid, started=started, stop_signal=stop_signal, stage=stage)


def seconds_after_boot(process: psutil.Process) -> float:
    """Return when a process started. The time of day would change with the machine's clock."""
    return process.create_time() - psutil.boot_time()


def stop_all(processes: Iterable[ProcessId], *, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
    """Stop the processes stage by stage, and after the grace period kill those that still run, with their children."""
    all_ = list(processes)
    for stage in sorted({process.stage for process in all_}):
        _stop_stage([process for process in all_ if process.stage == stage], grace_seconds=grace_seconds)


def kill_family(identity: ProcessId) -> None:
    """Kill a process and all its descendants immediately."""
    if leader := identity.process():
        _kill(_family(leader))


def _stop_stage(processes: Sequence[ProcessId], *, grace_seconds: float) -> None:
    leaders = [(identity, leader) for identity in processes if (leader := identity.process())]
    families = [member for _, leader in leaders for member in _family(leader)]
    for identity, leader in leaders:
        with contextlib.suppress(psutil.NoSuchProcess):
            leader.send_signal(identity.stop_signal)
    _wait_ended([leader for _, leader in leaders], timeout_seconds=grace_seconds)
    _kill(families)


def _family(leader: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [leader, *leader.children(recursive=True)]
    return [leader]


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _wait_ended(processes, timeout_seconds=KILL_GRACE_SECONDS)


def _wait_ended(processes: Sequence[psutil.Process], *, timeout_seconds: float) -> None:
    """Wait until all processes have ended. A zombie counts as ended: its parent reaps it."""
    deadline = time.monotonic() + timeout_seconds
    while any(_is_running(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
