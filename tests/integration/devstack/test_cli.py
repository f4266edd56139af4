"""The command line with the sandbox alone, on the run's PostgreSQL and RabbitMQ."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devstack.home import ROOT, Home, State
from devstack.supervisor import FREE_PORTS_VARIABLE
from tests.support.servers import TestServers
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.waiting import eventually

Devstack = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def devstack(home: Home, servers: TestServers) -> Iterator[Devstack]:
    env = os.environ | {
        "DEVSTACK_HOME": str(home.path),
        FREE_PORTS_VARIABLE: "1",
        "DATABASE_URL": servers.stack.postgres_url,
        "RABBITMQ_URL": servers.stack.urls.rabbitmq,
    }

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "devstack", *arguments]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)  # noqa: S603

    yield run
    run("down")


def state_of(home: Home) -> State:
    state = home.read_state()
    assert state is not None
    return state


def under_debugger(home: Home, service: str) -> "subprocess.Popen[bytes]":
    env = os.environ | {"DEVSTACK_HOME": str(home.path)}
    return subprocess.Popen([sys.executable, "-m", "devstack", "debug", service], cwd=ROOT, env=env)  # noqa: S603


def answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_up_and_down_twice(home: Home, devstack: Devstack) -> None:
    first = devstack("up", "sandbox")
    assert first.returncode == 0, first.stderr
    state = state_of(home)
    assert state.urls["sandbox"] in first.stdout
    assert answers(state.urls["sandbox"])

    again = devstack("up", "sandbox")
    assert again.returncode == 0
    assert state_of(home).supervisor == state.supervisor

    assert devstack("down").returncode == 0
    assert not answers(state.urls["sandbox"])
    assert not any(process.is_alive() for process in (state.supervisor, *state.processes))
    assert not home.is_locked()
    assert home.read_state() is None
    assert "Nothing is running" in devstack("down").stdout


def test_kill_and_restart_one_service(home: Home, devstack: Devstack) -> None:
    devstack("up", "sandbox")
    url = state_of(home).urls["sandbox"]
    assert devstack("kill", "sandbox").returncode == 0
    assert not answers(url)
    assert devstack("restart", "sandbox").returncode == 0
    assert answers(url)
    assert "sandbox" in devstack("status").stdout


async def test_debugged_service_runs_in_the_terminal_until_it_is_restarted(home: Home, devstack: Devstack) -> None:
    devstack("up", "sandbox")
    url = state_of(home).urls["sandbox"]
    (supervised,) = state_of(home).processes
    debugger = under_debugger(home, "sandbox")
    try:
        await eventually(lambda: not supervised.is_alive() and answers(url), within_seconds=30)
    finally:
        debugger.kill()
        debugger.wait()
    assert not answers(url)
    assert devstack("restart", "sandbox").returncode == 0
    assert answers(url)


def test_error_is_one_sentence(devstack: Devstack) -> None:
    idle = devstack("kill", "sandbox")
    assert (idle.returncode, idle.stderr.strip()) == (1, "The platform is not running. Start it with: make up")
    devstack("up", "sandbox")
    elsewhere = devstack("restart", "rabbitmq")
    assert (elsewhere.returncode, elsewhere.stderr.strip()) == (
        1,
        "RabbitMQ is an existing broker, which this stack does not control.",
    )


async def test_up_after_kill_9_of_supervisor_and_watchdog(home: Home, devstack: Devstack) -> None:
    devstack("up", "sandbox")
    state = state_of(home)
    supervisor = state.supervisor.process()
    assert supervisor is not None
    (watchdog,) = [child for child in supervisor.children() if "devstack.watchdog" in child.cmdline()]
    for process in (watchdog, supervisor):
        os.kill(process.pid, signal.SIGKILL)
    await eventually(lambda: not home.is_locked())
    # No process was left to stop it, so it still runs; the next start ends it.
    assert all(process.is_alive() for process in state.processes)
    assert devstack("up", "sandbox").returncode == 0
    assert not any(process.is_alive() for process in state.processes)


def test_reset_removes_what_was_made_and_nothing_else(home: Home, devstack: Devstack) -> None:
    home.path.mkdir()
    (home.path / "of-another-user").touch()
    devstack("up", "sandbox")
    assert devstack("reset").returncode == 0
    assert [file.name for file in home.path.iterdir()] == ["of-another-user"]


def test_failed_start_prints_its_cause(devstack: Devstack) -> None:
    failed = devstack("up", "no-such-service")
    assert failed.returncode == 1
    assert "No such service: no-such-service." in failed.stderr
