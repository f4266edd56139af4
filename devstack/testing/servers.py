"""A PostgreSQL and a RabbitMQ for `make test T=…` that stay up between runs, in `.devstack/test-servers`.

``python -m devstack.testing.servers HOME`` is their supervisor; `running_servers` starts it on demand. `devstack reset`
with that folder as ``DEVSTACK_HOME`` ends them and removes their data.
"""

import fcntl
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from devstack.database import database_names, database_url, drop_database
from devstack.errors import DevstackError
from devstack.home import ROOT, Home, State, default_home
from devstack.management import RabbitMQManagement
from devstack.processes import stop_all
from devstack.rabbitmq_install import rabbitmq_programs
from devstack.stack import Stack

__all__ = ["addresses", "running_servers", "servers_home"]

START_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.05
OF_A_RUN: Final = re.compile(r"test_(?P<pid>\d+)_")  # how tests/support/servers.py names what a run makes


def servers_home() -> Home:
    return Home(default_home() / "test-servers")


def running_servers(home: Home) -> State:
    """Return the state of the servers, started if they do not run, without the leftovers of killed test runs.

    Raises:
        DevstackError: they did not start; the message ends with their log.
    """
    home.prepare()
    with _alone(home):
        state = home.read_state()
        if state is None or not _is_whole(state):
            state = _started(home, state)
        _drop_leftovers(addresses(state))
    return state


def addresses(state: State) -> dict[str, str]:
    """Return what tells a test run to use these servers, as variables of its environment."""
    return {
        "DATABASE_URL": database_url(state.urls["databases"]["users"], "postgres"),
        "RABBITMQ_URL": state.urls["rabbitmq"],
        "RABBITMQ_MANAGEMENT_URL": state.urls["rabbitmq_management"],
    }


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Let one run at a time look for the servers: the first starts them, the others find them."""
    with (home.path / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_whole(state: State) -> bool:
    return state.phase == "ready" and all(process.is_alive() for process in (state.supervisor, *state.processes))


def _started(home: Home, broken: State | None) -> State:
    if broken:
        stop_all([broken.supervisor])
    rabbitmq_programs()  # here, where sudo can ask for a password
    print("Starting the test servers; `make test-servers-down` ends them.", flush=True)
    log = home.logs / "devstack.log"
    with log.open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "devstack.testing.servers", home.path],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not ((state := home.read_state()) and state.supervisor.pid == supervisor.pid and state.phase == "ready"):
        if supervisor.poll() is not None or time.monotonic() > deadline:
            raise DevstackError(f"The test servers did not start.\n{log.read_text(errors='replace')}")
        time.sleep(POLL_SECONDS)
    return state


def _drop_leftovers(urls: dict[str, str]) -> None:
    """Drop the databases and virtual hosts of test runs that were killed: a later run may have the same pid."""
    for database in _of_ended_runs(database_names(urls["DATABASE_URL"])):
        drop_database(urls["DATABASE_URL"], database)
    management = RabbitMQManagement(urls["RABBITMQ_MANAGEMENT_URL"])
    for vhost in _of_ended_runs(vhost["name"] for vhost in management.get("/api/vhosts")):
        management.delete_vhost(vhost)


def _of_ended_runs(names: Iterable[str]) -> list[str]:
    return [name for name in names if (made := OF_A_RUN.match(name)) and not psutil.pid_exists(int(made["pid"]))]


def supervise_servers(home: Home) -> None:
    """Run the servers until SIGTERM."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with Stack(home=home.path, services=[], throwaway=True):
        ended.wait()


if __name__ == "__main__":
    supervise_servers(Home(Path(sys.argv[1])))
