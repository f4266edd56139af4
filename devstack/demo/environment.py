"""The demo's environment: a separate platform on free ports, independent of other stacks on this machine."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx

from devstack.database import drop_database
from devstack.demo.narrator import DemoFailedError, Narrator, expect
from devstack.demo.scenario import run_scenario
from devstack.demo.steps.hold_expiry import HOLD_TTL_SECONDS
from devstack.errors import DevstackError
from devstack.home import Home
from devstack.management import RabbitMQManagement
from devstack.postgres_files import clear_postgres_files
from devstack.servers import Existing, usual_management_url
from devstack.services import DATABASES, Urls
from devstack.stack import Stack
from invariants import check, settle

__all__ = ["run_demo"]

# Long enough that RabbitMQ's dead-letter queue releases the seat before the sweeper does.
SWEEP_SECONDS: Final = 60
DATABASE_PREFIX: Final = "demo_"
VHOST: Final = "ticketremaster-demo"


def run_demo(folder: Path) -> None:
    """Start a new platform, run the scenario, check the invariants, stop.

    Raises:
        DevstackError: the platform did not start or a step failed; the message names the logs.
    """
    narrator = Narrator()
    began = time.monotonic()
    try:
        with _platform(narrator, folder) as urls:
            run_scenario(narrator, urls)
            _check_invariants(narrator, urls)
    except (DemoFailedError, httpx.HTTPError) as error:
        raise DevstackError(f"The demo failed: {error}. Logs are in {folder / 'log'}.") from error
    narrator.section(f"Every step succeeded, in {time.monotonic() - began:.0f} s. To start the platform: make run")


@contextmanager
def _platform(narrator: Narrator, folder: Path) -> Iterator[Urls]:
    narrator.section("Starting the platform")
    _clear(Home(folder))
    env = {"HOLD_TTL_SECONDS": str(HOLD_TTL_SECONDS), "SWEEP_SECONDS": str(SWEEP_SECONDS)}
    stack = Stack(home=folder, existing=_isolated(Existing.from_environment()), env=env, throwaway=True)
    with narrator.step("PostgreSQL, RabbitMQ and all services are healthy") as details:
        stack.start()
        details.append(stack.urls.gateway)
    try:
        yield stack.urls
    finally:
        stack.stop()


def _clear(home: Home) -> None:
    """Remove the data of the last demo.

    Raises:
        DevstackError: it is still running.
    """
    if home.is_locked():
        raise DevstackError(f"A demo is already running in {home.path}.")
    clear_postgres_files(home)
    home.clear()


def _isolated(existing: Existing) -> Existing:
    """Return existing servers with separate, empty databases and a separate virtual host."""
    if existing.postgres_url:
        for name in DATABASES.values():
            drop_database(existing.postgres_url, DATABASE_PREFIX + name)
        existing = replace(existing, database_prefix=DATABASE_PREFIX)
    if existing.rabbitmq_url:
        management_url = existing.rabbitmq_management_url or usual_management_url(existing.rabbitmq_url)
        management = RabbitMQManagement(management_url)
        management.delete_vhost(VHOST)
        management.create_vhost(VHOST)
        url = urlunsplit(urlsplit(existing.rabbitmq_url)._replace(path=f"/{VHOST}"))
        existing = replace(existing, rabbitmq_url=url, rabbitmq_management_url=management_url)
    return existing


def _check_invariants(narrator: Narrator, urls: Urls) -> None:
    narrator.section("Invariants")
    with narrator.step("Seats, orders, charges, ledger and sagas agree"):
        asyncio.run(settle(urls))
        expect("the list of violations", wanted=[], seen=asyncio.run(check(urls)))
