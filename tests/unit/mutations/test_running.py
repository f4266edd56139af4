"""A mutation may make its tests hang: the run is killed with all its processes and counts as a failure."""

import os
import sys
from pathlib import Path
from typing import Final

import psutil
import pytest

from tests.mutations.running import Run, run_until

BEGETS: Final = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
pathlib.Path("child").write_text(str(child.pid))
"""
HANGS: Final = "time.sleep(600)"
TEST: Final = f"def test_it():{BEGETS}".replace("\n", "\n    ")
LONG_SECONDS: Final = 100.0


def pytest_until(limit_seconds: float, folder: Path, body: str, *options: str) -> Run:
    (folder / "test_it.py").write_text(TEST + body)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, *options, "test_it.py"]
    return run_until(limit_seconds, command, root=folder, env=os.environ)


def child_lives(folder: Path) -> bool:
    try:
        return psutil.Process(int((folder / "child").read_text())).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_timed_out_run_is_killed_with_its_children(tmp_path: Path) -> None:
    ended = run_until(5, [sys.executable, "-c", f"{BEGETS}{HANGS}"], root=tmp_path, env=os.environ)
    assert ended.is_hung
    assert not child_lives(tmp_path)


def test_run_that_pytest_times_out_has_hung_and_its_children_are_killed(tmp_path: Path) -> None:
    ended = pytest_until(LONG_SECONDS, tmp_path, HANGS, "--timeout=2", "--timeout-method=thread")
    assert (ended.is_hung, ended.exit_code) == (True, 1)
    assert not child_lives(tmp_path)


@pytest.mark.parametrize(("body", "exit_code"), [("assert True", 0), ("assert False, '+++ Timeout'", 1)])
def test_run_that_ends_has_not_hung(tmp_path: Path, body: str, exit_code: int) -> None:
    ended = pytest_until(LONG_SECONDS, tmp_path, body)
    assert (ended.is_hung, ended.exit_code) == (False, exit_code)
    assert not child_lives(tmp_path)
