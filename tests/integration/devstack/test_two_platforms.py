"""``up`` of two clones at one moment on one machine: both are healthy, each with its own servers and processes.

``TWO_PLATFORMS_ROUNDS=20`` (`make two-platforms`) starts the whole platforms so often; one round of two services is enough
to see that they do not meet.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import psutil
import pytest

from devstack.home import ROOT, Home, State
from devstack.management import RabbitMQManagement
from devstack.ports import free_port
from devstack.services import PLATFORM, SERVER_PORTS, Urls
from devstack.supervisor import FREE_PORTS_VARIABLE
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.waiting import eventually

ROUNDS: Final = int(os.environ.get("TWO_PLATFORMS_ROUNDS", "1"))
SERVICES: Final = () if ROUNDS > 1 else ("users", "inventory")
ON_THE_BROKER: Final = frozenset({"users", "inventory", "orchestrator", "worker", "gateway"})
NOT_COPIED: Final = shutil.ignore_patterns(
    ".git", ".venv", ".devstack", "__pycache__", ".*_cache", ".hypothesis", "docs", "tests"
)
# A clone starts its own servers on the ports that it takes for the usual ones.
NOT_INHERITED: Final = frozenset(
    {"DATABASE_URL", "RABBITMQ_URL", "RABBITMQ_MANAGEMENT_URL", "DEVSTACK_HOME", FREE_PORTS_VARIABLE}
)


class Clone:
    """A copy of the source, whose usual ports are those of every other copy."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._env = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        self.home = Home(folder / ".devstack")

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "devstack", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(  # noqa: S603 - ourselves
            command, cwd=self._folder, env=self._env, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )

    @property
    def state(self) -> State:
        state = self.home.read_state()
        assert state is not None
        return state

    @property
    def ports(self) -> set[int]:
        return {port for ports in self.home.read_ports().values() for port in ports.values()}


@pytest.fixture(scope="module")
def clones(tmp_path_factory: pytest.TempPathFactory) -> list[Clone]:
    usual = {
        *(port for spec in PLATFORM for port in spec.ports.values()),
        *(port for ports in SERVER_PORTS.values() for port in ports.values() if port),
    }
    others: dict[str, str] = {}
    for port in sorted(usual):
        others[str(port)] = str(free_port(taken=frozenset(int(other) for other in others.values())))
    folders = [tmp_path_factory.mktemp("clones") / "source" for _ in range(2)]
    for folder in folders:
        shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
        services = folder / "devstack" / "services.py"
        pattern = rf"\b({'|'.join(others)})\b"
        services.write_text(re.sub(pattern, lambda found: others[found[0]], services.read_text()))
    return [Clone(folder) for folder in folders]


@pytest.fixture
def started(clones: list[Clone]) -> Iterator[list[Clone]]:
    """Both clones, started in the first place and at one moment."""
    starts = [clone.start("up", *SERVICES) for clone in clones]
    outputs = [start.communicate()[0] for start in starts]
    try:
        assert [start.returncode for start in starts] == [0, 0], "\n".join(outputs)
        yield clones
    finally:
        for reset in [clone.start("reset") for clone in clones]:
            reset.communicate()


def peers_of(state: State) -> dict[str, set[int]]:
    """Return the ports on this machine to which each process has connections."""
    peers: dict[str, set[int]] = {}
    for process in state.processes:
        connections = psutil.Process(process.pid).net_connections("tcp")
        open_ = [connection for connection in connections if connection.status == psutil.CONN_ESTABLISHED]
        peers[process.name] = {connection.raddr.port for connection in open_}
    return peers


def assert_healthy(state: State) -> None:
    urls = Urls(**state.urls)
    for name in state.services:
        health = httpx.get(f"{urls.health_of(name)}/health", timeout=ANSWER_SECONDS)
        assert health.status_code == 200
        assert health.json()["instance"] == state.instance, name
    assert all(process.is_alive() for process in state.processes)
    assert {process.name for process in state.processes} == {*state.services, "postgres", "rabbitmq", "epmd"}


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_two_clones_at_one_moment(started: list[Clone], number: int) -> None:
    one, other = started
    assert one.state.instance != other.state.instance
    assert not one.ports & other.ports
    for clone, stranger in ((one, other), (other, one)):
        assert_healthy(clone.state)
        broker = int(clone.state.urls["rabbitmq"].rpartition(":")[2].strip("/"))

        def connected(clone: Clone = clone, stranger: Clone = stranger, broker: int = broker) -> bool:
            peers = peers_of(clone.state)
            assert {name for name, ports in peers.items() if ports & stranger.ports} == set()
            return all(broker in peers[name] for name in ON_THE_BROKER & set(clone.state.services))

        await eventually(connected)
    RabbitMQManagement(one.state.urls["rabbitmq_management"]).create_vhost(f"mark-{number}")
    vhosts = [vhost["name"] for vhost in RabbitMQManagement(other.state.urls["rabbitmq_management"]).get("/api/vhosts")]
    assert vhosts == ["/"]
