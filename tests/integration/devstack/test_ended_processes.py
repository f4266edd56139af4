"""Processes that end by themselves: named, with the end of their log; services of `make up` are started again."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from devstack.home import ROOT, Home, State
from devstack.supervisor import FREE_PORTS_VARIABLE
from tests.support.servers import TestServers
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.waiting import eventually

KILLED = f"sandbox ended with exit code {-signal.SIGKILL}."
OWN_POSTGRES = {"DATABASE_URL": ""}


class CommandLine:
    """``python -m devstack`` for a folder, on the run's servers."""

    def __init__(self, home: Home, env: Mapping[str, str]) -> None:
        self.home = home
        self._env = {**env, "DEVSTACK_HOME": str(home.path)}

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "devstack", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self._env, capture_output=True, text=True, check=False)  # noqa: S603

    def start(self, *arguments: str, env: Mapping[str, str]) -> "subprocess.Popen[str]":
        pipe, command = subprocess.PIPE, [sys.executable, "-m", "devstack", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env={**self._env, **env}, stdout=pipe, stderr=pipe, text=True)  # noqa: S603

    async def ready(self) -> State:
        def look() -> State | None:
            state = self.home.read_state()
            return state if state and state.phase == "ready" else None

        state = await eventually(look)
        assert state is not None
        return state

    def pid_of(self, name: str) -> int:
        state = self.home.read_state()
        assert state is not None
        [pid] = [process.pid for process in state.processes if process.name == name]
        return pid


@pytest.fixture
def devstack(tmp_path: Path, servers: TestServers) -> Iterator[CommandLine]:
    env = {
        **os.environ,
        FREE_PORTS_VARIABLE: "1",
        "DATABASE_URL": servers.stack.postgres_url,
        "RABBITMQ_URL": servers.stack.urls.rabbitmq,
    }
    command_line = CommandLine(Home(tmp_path / "home"), env)
    yield command_line
    command_line.run("reset")


async def test_service_of_make_up_is_started_again(devstack: CommandLine) -> None:
    devstack.run("up", "sandbox")
    before = devstack.pid_of("sandbox")
    os.kill(before, signal.SIGKILL)
    await eventually(lambda: devstack.pid_of("sandbox") != before)
    assert devstack.run("up").returncode == 0, "it returns once the service is healthy again"
    log = (devstack.home.logs / "devstack.log").read_text()
    assert KILLED in log
    assert "sandbox is started again in 1 s" in log


def test_make_up_names_services_that_do_not_respond(devstack: CommandLine) -> None:
    devstack.run("up", "sandbox")
    devstack.run("kill", "sandbox")
    again = devstack.run("up")
    assert again.returncode == 1
    assert "The platform is not healthy. sandbox: " in again.stderr


async def test_service_of_make_run_ends_the_platform(devstack: CommandLine) -> None:
    with devstack.start("run", "sandbox", env={}) as running:
        await devstack.ready()
        os.kill(devstack.pid_of("sandbox"), signal.SIGKILL)
        _, error = running.communicate(timeout=ANSWER_SECONDS)
    assert running.returncode == 1
    assert error.startswith(KILLED)
    assert "Uvicorn running" in error, "the end of its log"
    assert not devstack.home.is_locked()


@pytest.mark.parametrize("command", [["run"], ["run", "--restart"]])
async def test_lost_server_ends_the_platform(devstack: CommandLine, command: list[str]) -> None:
    with devstack.start(*command, "sandbox", env=OWN_POSTGRES) as running:
        state = await devstack.ready()
        os.kill(devstack.pid_of("postgres"), signal.SIGKILL)
        _, error = running.communicate(timeout=ANSWER_SECONDS)
    assert running.returncode == 1
    assert error.startswith("postgres ended.\n")
    assert "database system is ready to accept connections" in error, "the end of its log"
    assert not any(process.is_alive() for process in state.processes)
