"""A stack of stub services on the run's servers, through every fault of a platform."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from devstack import service_processes
from devstack.errors import DevstackError
from devstack.home import ROOT, Home
from devstack.ports import PortClaims
from devstack.processes import ProcessId
from devstack.servers import Existing
from devstack.services import PLATFORM, SERVER_PORTS, choose_ports
from devstack.stack import Stack
from tests.support.servers import DatabaseFactory, TestServers
from tests.support.timeouts import ANSWER_SECONDS, CONDITION_SECONDS

STUB_SERVICE = [sys.executable, "-m", "tests.integration.devstack.stub_service"]
SERVICES = ["users", "inventory"]


@pytest.fixture(scope="module")
def existing(servers: TestServers, database_url: DatabaseFactory) -> Existing:
    return Existing(databases={"users": database_url.empty()}, rabbitmq_url=servers.stack.urls.rabbitmq)


@pytest.fixture
def stack(tmp_path: Path, existing: Existing) -> Iterator[Stack]:
    with Stack(
        home=tmp_path,
        services=SERVICES,
        existing=existing,
        migrate=False,
        commands=dict.fromkeys(SERVICES, STUB_SERVICE),
    ) as running:
        yield running


def seen_by(stack: Stack, service: str) -> dict[str, Any]:
    parts = urlsplit(stack.urls.health_of(service))
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/health")
        seen: dict[str, Any] = json.loads(connection.getresponse().read())
        return seen
    finally:
        connection.close()


def wait_gone(processes: list[ProcessId]) -> None:
    deadline = time.monotonic() + CONDITION_SECONDS
    while any(process.is_alive() for process in processes):
        assert time.monotonic() < deadline, [process for process in processes if process.is_alive()]
        time.sleep(0.02)


def test_services_find_their_own_database_and_each_other(stack: Stack) -> None:
    users, inventory = seen_by(stack, "users"), seen_by(stack, "inventory")
    assert users["DATABASE_URL"] == stack.urls.databases["users"]
    assert inventory["DATABASE_URL"] is None
    assert inventory["USERS_URL"] == stack.urls.users
    assert users["ENV"] == "dev"


def test_a_killed_service_is_gone_until_it_is_started_again(stack: Stack) -> None:
    before = seen_by(stack, "users")["pid"]
    stack.kill("users")
    assert not stack.runs("users")
    with pytest.raises(ConnectionRefusedError):
        seen_by(stack, "users")
    stack.start_service("users")
    assert seen_by(stack, "users")["pid"] != before


def test_a_restart_may_change_environment_and_command_for_once(stack: Stack) -> None:
    stack.restart("users", env={"MARK": "changed"})
    assert seen_by(stack, "users")["MARK"] == "changed"
    stack.restart("users")
    assert seen_by(stack, "users")["MARK"] is None


def test_crashed_service_is_reported_once(stack: Stack) -> None:
    os.kill(seen_by(stack, "users")["pid"], signal.SIGKILL)
    deadline = time.monotonic() + CONDITION_SECONDS
    while not (ended := stack.take_ended()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(ended) == ["users"]
    assert ended["users"].startswith(f"users ended with exit code {-signal.SIGKILL}.")
    assert "serving" in ended["users"], "the end of its log"
    assert stack.take_ended() == {}


def test_paused_service_accepts_but_does_not_respond(stack: Stack) -> None:
    stack.send_signal("users", signal.SIGSTOP)
    parts = urlsplit(stack.urls.users)
    with socket.create_connection((str(parts.hostname), parts.port), timeout=0.3) as client:
        client.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        with pytest.raises(TimeoutError):
            client.recv(1)
    stack.send_signal("users", signal.SIGCONT)
    assert seen_by(stack, "users")["pid"]


def test_broker_gets_another_port_if_its_port_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with PortClaims() as claims:
        ports = choose_ports(claims, usual=False, kept={})
    monkeypatch.setattr("devstack.stack.choose_ports", lambda *_, **__: ports)
    with (
        socket.create_server(("127.0.0.1", ports["rabbitmq"]["MANAGEMENT_PORT"])),
        Stack(home=tmp_path, services=[], existing=Existing(databases={}), throwaway=True) as stack,
    ):
        assert stack.rabbitmq.management.serves(stack.rabbitmq.node, amqp_port=ports["rabbitmq"]["PORT"])
        assert urlsplit(stack.urls.rabbitmq).port == ports["rabbitmq"]["PORT"], "the port was free"
        state = Home(tmp_path).read_state()
        assert state is not None
        assert state.urls["rabbitmq_management"] == stack.urls.rabbitmq_management


def test_failed_service_start_shows_its_log_at_once_and_leaves_nothing(
    tmp_path: Path, existing: Existing, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(
        home=tmp_path,
        services=SERVICES,
        existing=existing,
        migrate=False,
        commands=dict.fromkeys(SERVICES, STUB_SERVICE),
        service_env={"inventory": {"FAIL": "yes"}},
    )
    monkeypatch.setattr(service_processes, "problem_of", lambda *_, **__: "not yet")  # users itself is never healthy
    with pytest.raises(DevstackError, match=r"inventory ended with exit code 1(?s:.*)told to fail"):
        stack.start()
    assert stack.running == ()
    assert not Home(tmp_path).is_locked()


def test_service_whose_port_another_platform_has_is_not_healthy(
    tmp_path: Path, existing: Existing, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other platform's service responds there, and this one's ends."""
    neighbours = {**Home(stack.home).read_ports(), "users": {"PORT": urlsplit(stack.urls.users).port}}
    monkeypatch.setattr("devstack.stack.choose_ports", lambda *_, **__: neighbours)
    own = Stack(
        home=tmp_path / "own",
        services=["users"],
        existing=existing,
        migrate=False,
        commands={"users": STUB_SERVICE},
    )
    with pytest.raises(DevstackError, match=r"users ended with exit code 1(?s:.*)Address already in use"):
        own.start()
    assert seen_by(stack, "users")["instance"] == stack.instance


def test_ports_are_kept_for_the_next_start(tmp_path: Path, existing: Existing) -> None:
    urls = []
    for _ in range(2):
        with Stack(home=tmp_path, services=[], existing=existing) as stack:
            urls.append(stack.urls)
    assert urls[0] == urls[1]


def test_a_second_stack_in_the_same_folder_is_refused(stack: Stack, existing: Existing) -> None:
    other = Stack(home=stack.home, services=[], existing=existing)
    with pytest.raises(DevstackError, match="Another stack runs"):
        other.start()
    assert seen_by(stack, "users")["pid"]


def test_free_ports_are_found_if_the_usual_ones_are_in_use(
    tmp_path: Path, existing: Existing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other ports replace the usual ones here: a platform may run beside the test."""
    with PortClaims() as claims:
        usual = choose_ports(claims, usual=False, kept={})
    monkeypatch.setattr("devstack.services.PLATFORM", [replace(spec, ports=usual[spec.name]) for spec in PLATFORM])
    monkeypatch.setattr("devstack.services.SERVER_PORTS", {name: usual[name] for name in SERVER_PORTS})
    with (
        socket.create_server(("127.0.0.1", usual["users"]["PORT"])),
        Stack(
            home=tmp_path,
            services=["users"],
            existing=existing,
            migrate=False,
            usual_ports=True,
            commands={"users": STUB_SERVICE},
        ) as stack,
    ):
        assert urlsplit(stack.urls.orders).port == usual["orders"]["PORT"]
        assert urlsplit(stack.urls.users).port != usual["users"]["PORT"]
        assert seen_by(stack, "users")["pid"]


def test_secrets_are_private_and_persistent(tmp_path: Path, existing: Existing) -> None:
    kept = []
    for _ in range(2):
        with Stack(home=tmp_path, services=[], existing=existing):
            file = tmp_path / "secrets.json"
            assert file.stat().st_mode & 0o777 == 0o600
            assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600
            kept.append(file.read_text())
    assert kept[0] == kept[1]


SUPERVISOR = """
import json, sys
from pathlib import Path
from devstack.servers import Existing
from devstack.stack import Stack

home, existing, standin = Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
with Stack(home=home, services=["users"], existing=Existing(**existing), migrate=False, commands={"users": standin}):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_supervisor_leaves_no_orphan_and_no_lock(
    tmp_path: Path, existing: Existing, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", SUPERVISOR, str(tmp_path)]
    command += [json.dumps({"databases": existing.databases, "rabbitmq_url": existing.rabbitmq_url})]
    command += [json.dumps(STUB_SERVICE)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as supervisor:  # noqa: S603
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"ready\n"
        state = Home(tmp_path).read_state()
        assert state is not None
        watchdog = [
            child for child in psutil.Process(supervisor.pid).children() if "watchdog" in " ".join(child.cmdline())
        ]
        assert [process.name for process in state.processes if process.is_alive()] == ["users"]
        os.kill(supervisor.pid, number)
    wait_gone(list(state.processes))
    psutil.wait_procs(watchdog, timeout=CONDITION_SECONDS)
    # At once, in the same folder: nothing blocks the start.
    with Stack(
        home=tmp_path, services=["users"], existing=existing, migrate=False, commands={"users": STUB_SERVICE}
    ) as stack:
        assert seen_by(stack, "users")["pid"]
