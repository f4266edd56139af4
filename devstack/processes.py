"""Child processes that are known by pid and start time, so that no stranger is ever signalled."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

import psutil

__all__ = ["Account", "Child", "ProcessId", "Spawn", "identify", "kill_family", "spawn", "stop_all"]

STOP_GRACE_SECONDS: Final = 20.0  # RabbitMQ takes about 6 s to stop, PostgreSQL a checkpoint
KILL_GRACE_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.02
# psutil derives the start time from clock ticks; the same process may differ in the last digits.
START_TIME_TOLERANCE_SECONDS: Final = 0.05


class Child(Protocol):
    """What a supervisor needs of a process it started; `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...
    @property
    def stdout(self) -> IO[bytes] | None: ...
    def poll(self) -> int | None: ...
    def wait(self) -> int: ...


class Spawn(Protocol):
    """How programs are started: `spawn`, or what stands in for it."""

    def __call__(
        self, command: Sequence[str | Path], *, env: Mapping[str, str], output: IO[bytes] | int, cwd: Path
    ) -> Child: ...


@dataclass(frozen=True, kw_only=True)
class ProcessId:
    """A process that was started here. ``started`` (epoch seconds) tells it from a later one with the same pid."""

    name: str
    pid: int
    started: float
    stop_signal: int = signal.SIGTERM
    stage: int = 0
    """Processes stop stage by stage: services are 0, what they use comes later."""

    def process(self) -> psutil.Process | None:
        """Return the living process, None when it ended or the pid is somebody else's by now."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started) > START_TIME_TOLERANCE_SECONDS:
                return None
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        except psutil.NoSuchProcess:
            return None

    def is_alive(self) -> bool:
        return self.process() is not None


@dataclass(frozen=True, kw_only=True)
class Account:
    """The user a program runs as when we are root."""

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
    """Start a program in a session of its own: Ctrl-C reaches the supervisor alone, which stops the rest in order."""
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


def identify(child: Child, *, name: str, stop_signal: int = signal.SIGTERM, stage: int = 0) -> ProcessId:
    """Return the identity of a child that was just started.

    Raises:
        psutil.NoSuchProcess: it has ended and was reaped.
    """
    started = psutil.Process(child.pid).create_time()
    return ProcessId(name=name, pid=child.pid, started=started, stop_signal=stop_signal, stage=stage)


def stop_all(processes: Iterable[ProcessId], *, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
    """Stop them, lowest stage first, those of one stage at once; whoever outlives the grace is killed with its children."""
    known = list(processes)
    for stage in sorted({process.stage for process in known}):
        _stop_stage([process for process in known if process.stage == stage], grace_seconds=grace_seconds)


def kill_family(identity: ProcessId) -> None:
    """End a process and all its descendants at once, as a power cut would."""
    if leader := identity.process():
        _kill(_family(leader))


def _stop_stage(processes: Sequence[ProcessId], *, grace_seconds: float) -> None:
    leaders = [(identity, leader) for identity in processes if (leader := identity.process())]
    families = [member for _, leader in leaders for member in _family(leader)]
    for identity, leader in leaders:
        with contextlib.suppress(psutil.NoSuchProcess):
            leader.send_signal(identity.stop_signal)
    _wait_gone([leader for _, leader in leaders], timeout_seconds=grace_seconds)
    _kill(families)


def _family(leader: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [leader, *leader.children(recursive=True)]
    return [leader]


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _wait_gone(processes, timeout_seconds=KILL_GRACE_SECONDS)


def _wait_gone(processes: Sequence[psutil.Process], *, timeout_seconds: float) -> None:
    """Wait until all have ended. A zombie has: who reaps it, and when, is its parent's business."""
    deadline = time.monotonic() + timeout_seconds
    while any(_runs(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
