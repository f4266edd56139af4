"""What ``make run`` and ``make up`` keep running: the stack, its log, and an ear for commands."""

import os
import signal
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
from devstack.servers import Existing
from devstack.services import Urls
from devstack.stack import Stack

__all__ = ["FREE_PORTS_VARIABLE", "WATCH_SECONDS", "supervise", "where_to_click"]

WATCH_SECONDS: Final = 0.5
SELF: Final = "devstack"
FREE_PORTS_VARIABLE: Final = "DEVSTACK_FREE_PORTS"
"""Set, it leaves the usual ports to another platform, even if they are free."""


def supervise(home: Home, *, services: Sequence[str] | None, changes: Changes | None = None) -> None:
    """Run the stack until Ctrl-C or SIGTERM, then stop it; restart the services that ``changes`` concern.

    Raises:
        DevstackError: it did not start; nothing keeps running.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    log = MergedLog()
    log.say(SELF, f"starting from {home.path}")
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
            control = ControlServer(lambda action, service: _carry_out(stack, log, action, service))
            stack.announce_control(control.address)
            log.say(SELF, f"ready after {time.monotonic() - began:.1f} s")
            print(where_to_click(stack.urls), flush=True)
            for files in changes or _pauses():
                for name, code in stack.take_ended().items():
                    log.say(
                        SELF, f"{name} ended with exit code {code}; start it with: python -m devstack restart {name}"
                    )
                reload(stack, log, files)
    except KeyboardInterrupt:
        log.say(SELF, "stopped; the data stays")


def _pauses() -> Changes:
    while True:
        time.sleep(WATCH_SECONDS)
        yield frozenset()


def where_to_click(urls: Urls) -> str:
    """Return the addresses a person wants after a start."""
    lines = [
        ("Platform", urls.gateway),
        ("API docs", f"{urls.gateway}/docs"),
        ("Users", urls.users),
        ("Orders", urls.orders),
        ("Events", urls.events),
        ("Orchestrator", f"{urls.orchestrator}, its worker {urls.worker}"),
        ("Inventory", f"{urls.inventory_health}, gRPC {urls.inventory_address}"),
        ("RabbitMQ", _without_password(urls.rabbitmq_management)),
        ("Metrics", f"/metrics of each of these; RabbitMQ's {urls.rabbitmq_metrics}"),
        ("Sandbox", f"{urls.sandbox}, its mailbox {urls.sandbox}/mailbox"),
    ]
    return "\n" + "\n".join(f"  {name:<13} {url}" for name, url in lines) + "\n"


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.hostname}:{parts.port}")) + f" (log in as {parts.username})"


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _carry_out(stack: Stack, log: MergedLog, action: str, service: str) -> None:
    log.say(SELF, f"{action} {service}")
    match service:
        case "postgres":
            _carry_out_on(stack.postgres, action)
        case "rabbitmq":
            _carry_out_on(stack.rabbitmq, action)
        case _ if action == "restart":
            stack.restart(service)
        case _:
            stack.kill(service)


def _carry_out_on(server: EmbeddedPostgres | PrivateRabbitMQ, action: str) -> None:
    if action == "restart":
        server.restart()
    else:
        server.kill()
