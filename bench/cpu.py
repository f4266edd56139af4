"""CPU seconds by process, as the kernel counts them.

The load generator is this process, or its child pgbench.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psutil

from devstack.processes import ProcessId

__all__ = ["LOAD", "OTHERS", "CpuMeter", "CpuUse"]

LOAD: Final = "load generator"
OTHERS: Final = "others"
POSTGRES: Final = "postgres"
# The title of a PostgreSQL process that serves a client: postgres: USER DATABASE HOST(PORT) …
BACKEND: Final = re.compile(r"^postgres: \S+ (?P<database>\S+) \S+\(\d+\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuUse:
    """CPU seconds by process; `others` is the use of processes outside the benchmark."""

    by_process: Mapping[str, float]
    others: float
    capacity: float
    """Seconds times processors."""

    @property
    def total(self) -> float:
        return sum(self.by_process.values())

    @property
    def others_share(self) -> float:
        return self.others / self.capacity if self.capacity else 0.0


@dataclass(frozen=True, slots=True)
class _Reading:
    by_pid: Mapping[tuple[str, int], float]
    busy: float
    all: float


class CpuMeter:
    """Reads the CPU time of the stack's processes, of this one, and of the machine.

    Args:
        processes: returns the running processes.
    """

    def __init__(self, processes: Callable[[], Sequence[ProcessId]]) -> None:
        self._processes = processes
        self._began = self._read()

    def start(self) -> None:
        self._began = self._read()

    def stop(self) -> CpuUse:
        """Return the use since `start`."""
        began, ended = self._began, self._read()
        used: defaultdict[str, float] = defaultdict(float)
        for (name, pid), seconds in ended.by_pid.items():
            used[name] += seconds - began.by_pid.get((name, pid), 0.0)
        for (name, pid), seconds in began.by_pid.items():
            if (
                name,
                pid,
            ) not in ended.by_pid:  # its parent inherited all of its time, including the time before `start`
                used[POSTGRES if name.startswith(POSTGRES) else name] -= seconds
        busy = ended.busy - began.busy
        return CpuUse(by_process=dict(used), others=max(0.0, busy - sum(used.values())), capacity=ended.all - began.all)

    def _read(self) -> _Reading:
        by_pid: dict[tuple[str, int], float] = dict([_with_ended_children(LOAD, psutil.Process())])
        for identity in self._processes():
            if leader := identity.process():
                by_pid.update(_family(identity.name, leader))
        machine = psutil.cpu_times()
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        # user and nice already include guests.
        everything = sum(machine) - getattr(machine, "guest", 0.0) - getattr(machine, "guest_nice", 0.0)
        return _Reading(by_pid, busy=everything - idle, all=everything)


def _family(name: str, leader: psutil.Process) -> Iterator[tuple[tuple[str, int], float]]:
    """Yield the CPU time of the process and of its children; a PostgreSQL child is named by the database it serves."""
    with suppress(psutil.NoSuchProcess):
        yield _with_ended_children(name, leader)
    for child in leader.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            yield (_backend_name(child) if name == POSTGRES else name, child.pid), _own_seconds(child)


def _backend_name(child: psutil.Process) -> str:
    backend = BACKEND.match(" ".join(child.cmdline()))
    return f"{POSTGRES} {backend['database']}" if backend else POSTGRES


def _with_ended_children(name: str, process: psutil.Process) -> tuple[tuple[str, int], float]:
    """Return the CPU time of a process and its ended children, such as backends or a run of pgbench."""
    times = process.cpu_times()
    ended_children = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return (name, process.pid), times.user + times.system + ended_children


def _own_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
