"""Forked processes behave like separately started programs."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from devstack.processes import Child, Spawn, identify, kill_family, spawn
from tests.support.fork_server import ForkServer
from tests.support.servers import TestServers
from tests.support.waiting import eventually

COMMAND = [sys.executable, "-m", "tests.integration.devstack.child_process"]
ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["forked", "started"])
def spawner(request: pytest.FixtureRequest, servers: TestServers) -> Spawn:
    return servers.fork_server.spawn if request.param == "forked" else spawn


def spawned(spawner: Spawn, said: Path, *arguments: str) -> Child:
    with said.open("ab") as output:
        return spawner([*COMMAND, *arguments], env={"ENV": "test", "WHO": "me"}, output=output, cwd=ROOT)


def facts(said: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said.read_text() or "{}")
    return found


def test_child_has_its_own_pid_session_and_environment(spawner: Spawn, tmp_path: Path) -> None:
    child = spawned(spawner, tmp_path / "said", "3", "more")
    assert child.wait() == 3
    assert child.poll() == 3
    found = facts(tmp_path / "said")
    assert found.pop("env").items() >= {"ENV": "test", "WHO": "me"}.items()
    assert found == {
        "name": "__main__",
        "arguments": ["3", "more"],
        "cwd": str(ROOT),
        "pid": child.pid,
        "session": child.pid,
        "has_input": False,
    }


def test_parent_environment_is_not_inherited(spawner: Spawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "yes")
    spawned(spawner, tmp_path / "said", "0").wait()
    assert {"OURS", "HOME"}.isdisjoint(facts(tmp_path / "said")["env"])


async def test_child_can_be_killed_stopped_and_continued(spawner: Spawn, tmp_path: Path) -> None:
    child = spawned(spawner, tmp_path / "said", "wait")
    await eventually(lambda: facts(tmp_path / "said"))
    process = psutil.Process(child.pid)
    os.kill(child.pid, signal.SIGSTOP)
    await eventually(lambda: process.status() == psutil.STATUS_STOPPED)
    os.kill(child.pid, signal.SIGCONT)
    assert child.poll() is None
    kill_family(identify(child, name="newborn"))
    assert child.wait() == -signal.SIGKILL


async def test_child_does_not_outlive_its_parent(tmp_path: Path) -> None:
    with ForkServer() as fork_server:
        child = psutil.Process(spawned(fork_server.spawn, tmp_path / "said", "wait").pid)
        await eventually(lambda: facts(tmp_path / "said"))
        assert child.is_running()
    await eventually(lambda: not child.is_running())


def test_failure_prints_its_traceback(spawner: Spawn, tmp_path: Path) -> None:
    assert spawned(spawner, tmp_path / "said").wait() == 1
    assert "IndexError" in (tmp_path / "said").read_text()
