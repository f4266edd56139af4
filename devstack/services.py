"""The platform's processes, and their environments."""

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from devstack.keys import Keys
from devstack.ports import LOOPBACK, PortClaims

__all__ = ["DATABASES", "PLATFORM", "SERVER_PORTS", "ServiceSpec", "Urls", "choose_ports", "environment_of", "urls_of"]

Ports = Mapping[str, Mapping[str, int]]
"""By process: environment variables and their ports."""


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """A process. ``ports`` maps the environment variables of its settings to the usual ports of the contract."""

    name: str
    module: str
    ports: Mapping[str, int]
    health_port: str = "PORT"

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", self.module]


PLATFORM: Final = (
    ServiceSpec(name="sandbox", module="devstack.sandbox", ports={"PORT": 5900, "SMTP_PORT": 5925}),
    ServiceSpec(name="users", module="users", ports={"PORT": 5000}),
    ServiceSpec(name="orders", module="orders", ports={"PORT": 5001}),
    ServiceSpec(name="events", module="events", ports={"PORT": 5002}),
    ServiceSpec(
        name="inventory",
        module="inventory",
        ports={"PORT": 50051, "HEALTH_PORT": 8080},
        health_port="HEALTH_PORT",
    ),
    ServiceSpec(name="orchestrator", module="orchestrator", ports={"PORT": 5003}),
    ServiceSpec(name="worker", module="orchestrator.worker", ports={"PORT": 5004}),
    ServiceSpec(name="gateway", module="gateway", ports={"PORT": 8000}),
)
DATABASES: Final = {
    "users": "users_db",
    "orders": "orders_db",
    "events": "events_db",
    "inventory": "seats_db",
    "orchestrator": "orchestrator_db",
}
"""The database of each package that has a ``migrate`` command."""

# Not PostgreSQL's 5432, which the system's server may use.
SERVER_PORTS: Final[Ports] = {
    "postgres": {"PORT": 55432},
    "rabbitmq": {"PORT": 5672, "MANAGEMENT_PORT": 15672, "METRICS_PORT": 15692, "DISTRIBUTION_PORT": 0, "EPMD_PORT": 0},
}
"""0 stands for any port: nobody types Erlang's."""


@dataclass(frozen=True, kw_only=True)
class Urls:
    """The URLs of all processes. ``databases`` maps a package to its ``postgresql+asyncpg://`` URL."""

    gateway: str
    users: str
    orders: str
    events: str
    orchestrator: str
    worker: str
    inventory_address: str
    inventory_health: str
    sandbox: str
    smtp: str
    rabbitmq: str
    rabbitmq_management: str
    rabbitmq_metrics: str
    databases: Mapping[str, str]

    def health_of(self, service: str) -> str:
        return self.inventory_health if service == "inventory" else str(asdict(self)[service])


def choose_ports(claims: PortClaims, *, usual: bool, kept: Ports) -> Ports:
    """Choose and claim all ports: those of the folder's last start where free, then the contract's if ``usual``, then any.

    Args:
        kept: the ports of the last start. A contract's port among them counts only if ``usual``.
    """
    contract: Ports = {spec.name: spec.ports for spec in PLATFORM} | dict(SERVER_PORTS)
    refused = frozenset[int]() if usual else frozenset(port for ports in contract.values() for port in ports.values())

    def preferred(name: str, variable: str) -> list[int]:
        wanted = (kept.get(name, {}).get(variable, 0), contract[name][variable])
        return [port for port in wanted if port and port not in refused]

    # All kept ports first: otherwise one process's new port could be another's kept one.
    order = sorted(
        ((name, variable) for name, ports in contract.items() for variable in ports),
        key=lambda each: each[1] not in kept.get(each[0], {}),
    )
    chosen = {each: claims.claim(*preferred(*each)) for each in order}
    return {name: {variable: chosen[name, variable] for variable in ports} for name, ports in contract.items()}


def urls_of(
    ports: Ports, *, databases: Mapping[str, str], rabbitmq: str, rabbitmq_management: str, rabbitmq_metrics: str
) -> Urls:
    def http(service: str, variable: str = "PORT") -> str:
        return f"http://{LOOPBACK}:{ports[service][variable]}"

    return Urls(
        gateway=http("gateway"),
        users=http("users"),
        orders=http("orders"),
        events=http("events"),
        orchestrator=http("orchestrator"),
        worker=http("worker"),
        inventory_address=f"{LOOPBACK}:{ports['inventory']['PORT']}",
        inventory_health=http("inventory", "HEALTH_PORT"),
        sandbox=http("sandbox"),
        smtp=f"smtp://{LOOPBACK}:{ports['sandbox']['SMTP_PORT']}",
        rabbitmq=rabbitmq,
        rabbitmq_management=rabbitmq_management,
        rabbitmq_metrics=rabbitmq_metrics,
        databases=databases,
    )


def environment_of(spec: ServiceSpec, *, urls: Urls, ports: Ports, keys: Keys, instance: str) -> dict[str, str]:
    """Return a process's whole environment: the caller's, with overridden addresses and keys."""
    inherited = {
        "LOG_FORMAT": "json",
        "OTP_API_URL": urls.sandbox,
        "OTP_API_KEY": keys.otp_api_key,
        "STRIPE_API_URL": urls.sandbox,
        "NOWPAYMENTS_API_URL": urls.sandbox,
        "DEVICE_API_URL": urls.sandbox,
        "SUPPLIER_API_URL": urls.sandbox,
        "TEXT_API_URL": urls.sandbox,
        "SMTP_URL": urls.smtp,
        "PUBLIC_URL": urls.gateway,
    } | os.environ
    overridden = {
        "ENV": "dev",
        "HOST": LOOPBACK,
        "INSTANCE_ID": instance,
        "PYTHONUNBUFFERED": "1",
        "RABBITMQ_URL": urls.rabbitmq,
        "USERS_URL": urls.users,
        "ORDERS_URL": urls.orders,
        "EVENTS_URL": urls.events,
        "ORCHESTRATOR_URL": urls.orchestrator,
        "INVENTORY_ADDRESS": urls.inventory_address,
        "GATEWAY_URL": urls.gateway,
        "JWKS_URL": f"{urls.users}/.well-known/jwks.json",
        "SERVICE_TOKEN_SECRET": keys.service_token_secret,
    }
    overridden |= {variable: str(port) for variable, port in ports[spec.name].items()}
    package = spec.module.partition(".")[0]
    if package in urls.databases:
        overridden["DATABASE_URL"] = urls.databases[package]
    else:
        inherited.pop("DATABASE_URL", None)
    if package == "users":
        overridden["JWT_PRIVATE_KEY"] = keys.jwt_private_key
    if package == "orchestrator":
        overridden["QR_KEYS"] = keys.qr_keys
    return inherited | overridden
