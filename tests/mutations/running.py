"""Run pytest in a copy of the source, and end every process that it leaves behind."""

import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

__all__ = ["Run", "run_tests", "run_until"]

# The time to start pytest and a platform, and the time per named test, which may have several cases.
START_SECONDS: Final = 120.0
TEST_SECONDS: Final = 60.0
# pytest-timeout prints this and ends the process at once, with the exit code of a failed test and without a report.
TIMED_OUT: Final = re.compile(r"^\++ Timeout \++$", re.MULTILINE)
# Marks a run's processes in their environment: those of the fork server have their own sessions and outlive their parents.
MARK: Final = "TICKETREMASTER_MUTATION_RUN"


@dataclass(frozen=True, kw_only=True)
class Run:
    exit_code: int
    output: str
    is_hung: bool
    """The run was ended by its time limit or by pytest-timeout."""


def run_tests(tests: Sequence[str], *, root: Path, env: Mapping[str, str], options: Sequence[str] = ()) -> Run:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", *options, *tests]
    return run_until(START_SECONDS + TEST_SECONDS * len(tests), command, root=root, env=env)


def run_until(limit_seconds: float, command: Sequence[str], *, root: Path, env: Mapping[str, str]) -> Run:
    """Run a program with a time limit; afterwards neither it nor any of its descendants runs."""
    mark, is_late = uuid.uuid4().hex, False
    # A file, because a pipe stays open as long as any descendant holds it.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603 - our own tests
            command, cwd=root, env={**env, MARK: mark}, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            process.wait(timeout=limit_seconds)
        except subprocess.TimeoutExpired:
            is_late = True
            process.kill()
        finally:
            _end_descendants(mark)
        exit_code = process.wait()
        output.seek(0)
        said = output.read().decode(errors="replace")
    return Run(exit_code=exit_code, output=said, is_hung=is_late or bool(exit_code and TIMED_OUT.search(said)))


def _end_descendants(mark: str) -> None:
    """End every process of a run, whatever its parent, and those that start meanwhile."""
    while descendants := [process for process in psutil.process_iter() if _has(process, mark)]:
        for process in descendants:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(descendants, timeout=1)


def _has(process: psutil.Process, mark: str) -> bool:
    with suppress(psutil.Error):
        return (
            process.pid != os.getpid()
            and process.status() != psutil.STATUS_ZOMBIE
            and process.environ().get(MARK) == mark
        )
    return False
