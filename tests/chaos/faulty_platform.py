"""The whole platform with its own servers, whose processes reach each other through TCP proxies that inject faults."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from devstack.database import service_url
from devstack.home import Home
from devstack.keys import keys_of
from devstack.ports import LOOPBACK
from devstack.postgres import DATABASE_USER
from devstack.rabbitmq import USER
from devstack.services import DATABASES
from devstack.stack import Stack
from tests.chaos.auto_restart import restarting_command
from tests.chaos.network import Address, TcpProxy, open_proxies
from tests.chaos.plan import PROCESSES, PROXIED
from tests.support.fork_server import ForkServer

__all__ = ["FaultyPlatform", "faulty_platform"]

# Short limits: a fault of a few seconds outlasts every hold, lease and timeout.
TIMES: Final = {
    "HOLD_TTL_SECONDS": "5",
    "TRANSFER_TTL_SECONDS": "8",
    "SALE_APPROVAL_TTL_SECONDS": "8",
    "ITEM_TTL_SECONDS": "10",
    "QUEUED_TIP_TTL_SECONDS": "15",
    "FAILED_TIPS_INTERVAL_SECONDS": "1",
    "PAYOUT_INTERVAL_SECONDS": "3",
    "COMMISSION_TTL_DAYS": f"{30 / 86_400}",
    "COMMISSION_BACKLINK_TTL_DAYS": f"{30 / 86_400}",
    "COMMISSION_REFUND_HOURS": f"{10 / 3_600}",
    "FAILED_COMMISSIONS_INTERVAL_SECONDS": "1",
    "DIGITAL_ORDER_TTL_DAYS": f"{30 / 86_400}",
    "DIGITAL_ORDER_REFUND_HOURS": f"{10 / 3_600}",
    "FAILED_DIGITAL_ORDERS_INTERVAL_SECONDS": "1",
    "SUPPLIER_POLL_AFTER_SECONDS": "3",
    "SUPPLIER_POLL_SECONDS": "1",
    "SWEEP_SECONDS": "1",
    "HOLD_COOLDOWN_SECONDS": "0",  # holds of every fan lapse again and again
    "SAGA_STEP_TIMEOUT_SECONDS": "1",
    "SAGA_LEASE_MARGIN_SECONDS": "0.5",
    "RECOVER_INTERVAL_SECONDS": "0.2",
    "JOB_LEASE_SECONDS": "2",
    "JOB_RETRY_SECONDS": "1,2,4",
}


@dataclass(frozen=True, kw_only=True)
class FaultyPlatform:
    stack: Stack
    proxies: dict[str, TcpProxy]


@asynccontextmanager
async def faulty_platform(fork_server: ForkServer) -> AsyncIterator[FaultyPlatform]:
    """Start everything. The proxies run in this event loop, so the stack starts and stops in a thread."""
    with _folder() as home:
        stack = Stack(home=home, throwaway=True, spawn=fork_server.spawn)
        async with open_proxies(TcpProxy(name, _target_of(stack, name)) for name in PROXIED) as proxies:
            stack.env = _environment(home, proxies)
            stack.service_env = _databases(home, proxies["postgres"])
            stack.commands = _commands()
            await asyncio.to_thread(stack.start)
            try:
                yield FaultyPlatform(stack=stack, proxies=proxies)
            finally:
                await asyncio.to_thread(stack.stop)
                _keep_logs(home)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ticketremaster-chaos-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # root runs PostgreSQL as another user, who needs access to it
        yield home


def _keep_logs(home: Path) -> None:
    """Copy the processes' logs to the folder that ``CHAOS_LOGS`` names."""
    if folder := os.environ.get("CHAOS_LOGS"):
        shutil.copytree(Home(home).logs, folder, dirs_exist_ok=True)


def _target_of(stack: Stack, name: str) -> Callable[[], Address]:
    """Return a function that returns a proxy's target; the stack chooses its ports later."""

    def target() -> Address:
        match name:
            case "postgres":
                url = stack.postgres_url
            case "rabbitmq":
                url = stack.rabbitmq.url  # its port may change on a restart
            case "inventory":
                url = f"grpc://{stack.urls.inventory_address}"
            case _:
                url = getattr(stack.urls, name)
        port = urlsplit(url).port
        assert port is not None
        return LOOPBACK, port

    return target


def _environment(home: Path, proxies: dict[str, TcpProxy]) -> dict[str, str]:
    callees = ("users", "orders", "events", "orchestrator")
    through_proxies = {f"{name.upper()}_URL": f"http://{LOOPBACK}:{proxies[name].port}" for name in callees}
    through_proxies["INVENTORY_ADDRESS"] = f"{LOOPBACK}:{proxies['inventory'].port}"
    password = keys_of(Home(home)).rabbitmq_password
    through_proxies["RABBITMQ_URL"] = f"amqp://{USER}:{password}@{LOOPBACK}:{proxies['rabbitmq'].port}/"
    return {"LOG_LEVEL": "WARNING", "RATE_LIMIT_PER_MINUTE": "0", **TIMES, **through_proxies}


def _databases(home: Path, proxy: TcpProxy) -> dict[str, dict[str, str]]:
    server = f"postgresql://{DATABASE_USER}:{keys_of(Home(home)).postgres_password}@{LOOPBACK}:{proxy.port}/postgres"
    packages = {name: "orchestrator" if name == "worker" else name for name in PROCESSES if name != "gateway"}
    return {name: {"DATABASE_URL": service_url(server, DATABASES[package])} for name, package in packages.items()}


def _commands() -> dict[str, list[str]]:
    return {name: restarting_command("orchestrator.worker" if name == "worker" else name) for name in PROCESSES}
