"""Test servers that stay up between runs: started once, shared by concurrent runs, cleaned and stopped."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from devstack.database import create_databases, database_names
from devstack.home import ROOT, Home, State
from devstack.management import RabbitMQManagement
from devstack.testing.servers import addresses
from tests.support.servers import TestServers

USES_BOTH = "tests/integration/devstack/test_servers.py::test_a_vhost_has_its_own_queues"
USES_A_SCHEMA = "tests/integration/events/test_database.py"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("warm")
    named = {"DATABASE_URL", "RABBITMQ_URL", "RABBITMQ_MANAGEMENT_URL", "T"}
    inherited = {name: value for name, value in os.environ.items() if name not in named}
    yield inherited | {"DEVSTACK_HOME": str(folder)}
    reset = inherited | {"DEVSTACK_HOME": str(folder / "test-servers")}
    subprocess.run([sys.executable, "-m", "devstack", "reset"], cwd=ROOT, env=reset, check=True)


def started(*tests: str, env: dict[str, str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "devstack.testing.warm", *tests]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)  # noqa: S603


def state_of(env: dict[str, str]) -> State:
    state = Home(Path(env["DEVSTACK_HOME"]) / "test-servers").read_state()
    assert state is not None
    return state


def test_two_runs_at_once_share_servers_and_leave_only_templates(environment: dict[str, str]) -> None:
    runs = [started(USES_BOTH, USES_A_SCHEMA, env=environment) for _ in range(2)]
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert sum("Starting the test servers" in output for output in said) == 1
    assert {process.name for process in state_of(environment).processes} == {"postgres", "rabbitmq", "epmd"}
    left = database_names(addresses(state_of(environment))["DATABASE_URL"])
    assert [name for name in left if name.startswith("test_")] == []
    assert [name.rpartition("_")[0] for name in left if name.startswith("template_")] == ["template_events"]


def test_next_run_removes_leftovers_of_a_killed_run(environment: dict[str, str]) -> None:
    before, urls = state_of(environment), addresses(state_of(environment))
    killed = max(psutil.pids()) + 10_000
    create_databases(urls["DATABASE_URL"], [f"test_{killed}_users_0"])
    management = RabbitMQManagement(urls["RABBITMQ_MANAGEMENT_URL"])
    management.create_vhost(f"test_{killed}_vhost_1")
    run = started(USES_BOTH, env=environment)
    assert "Starting" not in run.communicate()[0]
    assert run.returncode == 0
    assert state_of(environment) == before
    assert f"test_{killed}_users_0" not in database_names(urls["DATABASE_URL"])
    assert f"test_{killed}_vhost_1" not in [vhost["name"] for vhost in management.get("/api/vhosts")]


def test_crashed_servers_are_restarted(environment: dict[str, str]) -> None:
    before = state_of(environment)
    for process in before.processes:
        if process.name == "postgres" and (running := process.process()):
            running.kill()
    run = started(USES_BOTH, env=environment)
    assert "Starting" in run.communicate()[0]
    assert run.returncode == 0
    assert state_of(environment).supervisor != before.supervisor


def test_kept_template_outlives_its_run_and_is_created_once(servers: TestServers) -> None:
    first = replace(servers, keep_templates=True, _templates={})
    second = replace(servers, keep_templates=True, _templates={})
    before = database_names(servers.stack.postgres_url)
    clones = [run.clone("events") for run in (first, second)]
    for run in (first, second):
        run.drop_templates()
    left = database_names(servers.stack.postgres_url)
    assert [name for name in left - before - set(clones) if not name.startswith("template_events_")] == []
    assert any(name.startswith("template_events_") for name in left)
    for name in left - before:
        servers.drop(name)
