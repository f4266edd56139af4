"""A PostgreSQL and a RabbitMQ for `make test T=…` that keep running between runs, in `.devstack/test-servers`.

``python -m devstack.testing.servers HOME`` is their supervisor; `running_servers` starts it on demand. `devstack reset`
with that folder as ``DEVSTACK_HOME`` stops them and deletes their data.
"""

import re
import signal
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psutil

from devstack.database import database_names, database_url, drop_database
from devstack.errors import DevstackError
from devstack.home import Home, State, default_home, exclusive
from devstack.management import RabbitMQManagement
from devstack.processes import start_detached, stop_all
from devstack.rabbitmq_install import rabbitmq_programs
from devstack.stack import Stack

__all__ = ["addresses", "running_servers", "servers_home"]

START_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.05
TEST_RUN_NAME: Final = re.compile(
    r"test_(?P<pid>\d+)_"
)  # names of databases and virtual hosts, by tests/support/servers.py


def servers_home() -> Home:
    return Home(default_home() / "test-servers")


def running_servers(home: Home) -> State:
    """Return the state of the servers; start them if necessary, and remove leftovers of killed test runs.

    Raises:
        DevstackError: the servers did not start; the message ends with their log.
    """
    home.prepare()
    # Concurrent runs are serialised: the first starts the servers, the others use them.
    with exclusive(home.path / "start.lock"):
        state = home.read_state()
        if state is None or not _is_healthy(state):
            state = _start(home, state)
        _drop_leftovers(addresses(state))
    return state


def addresses(state: State) -> dict[str, str]:
    """Return the environment variables that make a test run use these servers."""
    return {
        "DATABASE_URL": database_url(state.urls["databases"]["users"], "postgres"),
        "RABBITMQ_URL": state.urls["rabbitmq"],
        "RABBITMQ_MANAGEMENT_URL": state.urls["rabbitmq_management"],
    }


def _is_healthy(state: State) -> bool:
    return state.phase == "ready" and all(process.is_alive() for process in (state.supervisor, *state.processes))


def _start(home: Home, broken: State | None) -> State:
    if broken:
        stop_all([broken.supervisor])
    rabbitmq_programs()  # here, where sudo can ask for a password
    print("Starting the test servers; `make test-servers-down` stops them.", flush=True)
    log = home.logs / "devstack.log"
    supervisor = start_detached(["devstack.testing.servers", str(home.path)], log=log)
    deadline = time.monotonic() + START_SECONDS
    while not ((state := home.read_state()) and state.supervisor.pid == supervisor.pid and state.phase == "ready"):
        if supervisor.poll() is not None or time.monotonic() > deadline:
            raise DevstackError(f"The test servers did not start.\n{log.read_text(errors='replace')}")
        time.sleep(POLL_SECONDS)
    return state


def _drop_leftovers(urls: dict[str, str]) -> None:
    """Drop the databases and virtual hosts of killed test runs, because a later run may have the same pid."""
    for database in _names_of_ended_runs(database_names(urls["DATABASE_URL"])):
        drop_database(urls["DATABASE_URL"], database)
    management = RabbitMQManagement(urls["RABBITMQ_MANAGEMENT_URL"])
    for vhost in _names_of_ended_runs(vhost["name"] for vhost in management.get("/api/vhosts")):
        management.delete_vhost(vhost)


def _names_of_ended_runs(names: Iterable[str]) -> list[str]:
    return [name for name in names if (run := TEST_RUN_NAME.match(name)) and not psutil.pid_exists(int(run["pid"]))]


def supervise_servers(home: Home) -> None:
    """Run the servers until SIGTERM."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with Stack(home=home.path, services=[], throwaway=True):
        ended.wait()


if __name__ == "__main__":
    supervise_servers(Home(Path(sys.argv[1])))
