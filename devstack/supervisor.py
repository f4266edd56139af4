"""The long-running process of ``make run`` and ``make up``: runs the stack, merges its logs, accepts commands."""

import os
import signal
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from devstack.control import ControlServer
from devstack.home import Home
from devstack.logs import MergedLog
from devstack.postgres import EmbeddedPostgres
from devstack.rabbitmq import PrivateRabbitMQ
from devstack.reload import Changes, reload
from devstack.restarts import Restarts
from devstack.servers import Existing
from devstack.services import Urls
from devstack.stack import Stack

__all__ = ["FREE_PORTS_VARIABLE", "WATCH_SECONDS", "addresses_of", "supervise"]

WATCH_SECONDS: Final = 0.5
SELF: Final = "devstack"
FREE_PORTS_VARIABLE: Final = "DEVSTACK_FREE_PORTS"
"""If set, the usual ports are not used, even if they are free."""


def supervise(
    home: Home, *, services: Sequence[str] | None, changes: Changes | None = None, restarts_services: bool = False
) -> None:
    """Run the stack until Ctrl-C or SIGTERM, then stop it; restart the services that ``changes`` affect.

    A server that ends by itself ends the stack. So does a service, unless it is restarted: at once with a growing pause, or
    with ``changes`` once a file of it is saved.

    Raises:
        DevstackError: the stack did not start, or a process ended. No process keeps running.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    log = MergedLog()
    log.write(SELF, f"starting from {home.path}")
    stack = Stack(
        home=home.path,
        services=services,
        existing=Existing.from_environment(),
        usual_ports=FREE_PORTS_VARIABLE not in os.environ,
        log=log,
    )
    began = time.monotonic()
    try:
        with stack:
            # A process that a command ends, and has not reaped yet, has not ended by itself.
            commands = threading.Lock()

            def run_command(action: str, service: str) -> None:
                with commands:
                    _run_command(stack, log, action, service)

            control = ControlServer(run_command)
            stack.announce_control(control.address)
            log.write(SELF, f"ready after {time.monotonic() - began:.1f} s")
            print(addresses_of(stack.urls), flush=True)
            restarts = Restarts(stack, log) if restarts_services else None
            for files in changes or _pauses():
                with commands:
                    _check(stack, log, restarts, is_development=changes is not None)
                    reload(stack, log, files)
    except KeyboardInterrupt:
        log.write(SELF, "stopped; the data is kept")


def _check(stack: Stack, log: MergedLog, restarts: Restarts | None, *, is_development: bool) -> None:
    """Find the processes that ended by themselves, and restart those that may be.

    Raises:
        DevstackError: a process ended and is not restarted.
    """
    if not (restarts or is_development):
        stack.require_running()
        return
    stack.require_servers()
    ended = stack.take_ended()
    if restarts:
        restarts.schedule(ended)
        restarts.start_due()
    else:
        for name, how in ended.items():
            log.write(SELF, f"{how}\nSave a file of {name} to start it again, or: python -m devstack restart {name}")


def _pauses() -> Changes:
    while True:
        time.sleep(WATCH_SECONDS)
        yield frozenset()


def addresses_of(urls: Urls) -> str:
    """Return the addresses of the platform as a table for the user."""
    lines = [
        ("Platform", urls.gateway),
        ("API docs", f"{urls.gateway}/docs"),
        ("Users", urls.users),
        ("Orders", urls.orders),
        ("Events", urls.events),
        ("Orchestrator", f"{urls.orchestrator}, worker {urls.worker}"),
        ("Inventory", f"{urls.inventory_health}, gRPC {urls.inventory_address}"),
        ("RabbitMQ", _without_password(urls.rabbitmq_management)),
        ("Metrics", f"/metrics of each service; RabbitMQ {urls.rabbitmq_metrics}"),
        ("Sandbox", f"{urls.sandbox}, mailbox {urls.sandbox}/mailbox"),
    ]
    return "\n" + "\n".join(f"  {name:<13} {url}" for name, url in lines) + "\n"


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.hostname}:{parts.port}")) + f" (log in as {parts.username})"


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run_command(stack: Stack, log: MergedLog, action: str, service: str) -> None:
    log.write(SELF, f"{action} {service}")
    match service:
        case "postgres":
            _run_command_on(stack.postgres, action)
        case "rabbitmq":
            _run_command_on(stack.rabbitmq, action)
        case _ if action == "restart":
            stack.restart(service)
        case _:
            stack.kill(service)


def _run_command_on(server: EmbeddedPostgres | PrivateRabbitMQ, action: str) -> None:
    if action == "restart":
        server.restart()
    else:
        server.kill()
