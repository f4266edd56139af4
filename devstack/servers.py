"""PostgreSQL and RabbitMQ: started here, or existing ones from the environment."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from devstack.database import create_databases, service_url
from devstack.errors import DevstackError
from devstack.home import Home
from devstack.keys import Keys
from devstack.ports import LOOPBACK, PortClaims
from devstack.postgres import EmbeddedPostgres
from devstack.processes import ProcessId, stop_all
from devstack.rabbitmq import PortTaken, PrivateRabbitMQ, RabbitMQPorts
from devstack.services import DATABASES, Ports

__all__ = ["Existing", "Servers", "usual_management_url"]

USUAL_METRICS_PORT: Final = 15692
MAX_STARTS: Final = 3  # of a broker whose ports are taken


@dataclass(frozen=True, kw_only=True)
class Existing:
    """Existing servers to use.

    On ``postgres_url`` missing databases are created, with names that start with ``database_prefix``. ``databases``
    (package to ``postgresql+asyncpg://`` URL) must exist.
    """

    postgres_url: str | None = None
    database_prefix: str = ""
    databases: Mapping[str, str] | None = None
    rabbitmq_url: str | None = None
    rabbitmq_management_url: str | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Read ``DATABASE_URL``, ``RABBITMQ_URL`` and ``RABBITMQ_MANAGEMENT_URL``."""
        return cls(
            postgres_url=os.environ.get("DATABASE_URL") or None,
            rabbitmq_url=os.environ.get("RABBITMQ_URL") or None,
            rabbitmq_management_url=os.environ.get("RABBITMQ_MANAGEMENT_URL") or None,
        )


class Servers:
    """Starts both servers concurrently; ``postgres`` or ``rabbitmq`` is None if an existing one is used."""

    def __init__(
        self,
        home: Home,
        *,
        existing: Existing,
        ports: Ports,
        claims: PortClaims,
        keys: Keys,
        throwaway: bool,
        on_spawn: Callable[[], None],
    ) -> None:
        self._existing = existing
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rabbitmq")
        self._broker_start: Future[None] | None = None
        self._claims = claims
        self.postgres: EmbeddedPostgres | None = None
        self.rabbitmq: PrivateRabbitMQ | None = None
        if not (existing.postgres_url or existing.databases):
            port = ports["postgres"]["PORT"]
            self.postgres = EmbeddedPostgres(
                home, port=port, password=keys.postgres_password, throwaway=throwaway, on_spawn=on_spawn
            )
        if not existing.rabbitmq_url:
            broker_ports = RabbitMQPorts.of(ports["rabbitmq"])
            self.rabbitmq = PrivateRabbitMQ(home, ports=broker_ports, keys=keys, on_spawn=on_spawn)

    @property
    def postgres_url(self) -> str:
        url = self.postgres.url if self.postgres else self._existing.postgres_url
        if url is None:
            raise DevstackError("This stack uses existing databases and has no PostgreSQL server.")
        return url

    @property
    def databases(self) -> Mapping[str, str]:
        """Return each package's ``DATABASE_URL``."""
        if self._existing.databases is not None:
            return self._existing.databases
        return {package: service_url(self.postgres_url, name) for package, name in self._names.items()}

    @property
    def _names(self) -> dict[str, str]:
        return {package: self._existing.database_prefix + name for package, name in DATABASES.items()}

    @property
    def rabbitmq_url(self) -> str:
        return self.rabbitmq.url if self.rabbitmq else str(self._existing.rabbitmq_url)

    @property
    def rabbitmq_management_url(self) -> str:
        if self.rabbitmq:
            return self.rabbitmq.management.url
        if self._existing.rabbitmq_management_url:
            return self._existing.rabbitmq_management_url
        return usual_management_url(self.rabbitmq_url)

    @property
    def rabbitmq_metrics_url(self) -> str:
        """Return the URL of the broker's metrics; for an existing broker, the usual port on the same host."""
        if self.rabbitmq:
            return f"http://{LOOPBACK}:{self.rabbitmq.ports.prometheus}/metrics"
        return f"http://{urlsplit(self.rabbitmq_management_url).hostname}:{USUAL_METRICS_PORT}/metrics"

    @property
    def processes(self) -> tuple[ProcessId, ...]:
        database = (self.postgres.process,) if self.postgres and self.postgres.process else ()
        return (*database, *(self.rabbitmq.processes if self.rabbitmq else ()))

    @property
    def ended(self) -> tuple[str, ...]:
        """Return the names of started servers that ended by themselves."""
        servers = {"postgres": self.postgres, "rabbitmq": self.rabbitmq}
        return tuple(name for name, server in servers.items() if server and server.ended)

    def start_databases(self) -> None:
        """Start both servers and return once PostgreSQL and its databases are ready."""
        if self.rabbitmq:
            self._broker_start = self._pool.submit(self._start_broker, self.rabbitmq)
        if self.postgres:
            self.postgres.start()
        if self._existing.databases is None:
            create_databases(self.postgres_url, list(self._names.values()))

    def wait_for_broker(self) -> None:
        """Wait until RabbitMQ is ready; its ports may have changed."""
        if self._broker_start:
            self._broker_start.result()

    def _start_broker(self, rabbitmq: PrivateRabbitMQ) -> None:
        for _ in range(MAX_STARTS - 1):
            try:
                rabbitmq.start()
            except PortTaken:
                rabbitmq.kill()
                rabbitmq.ports = rabbitmq.ports.rechosen(self._claims)
            else:
                return
        rabbitmq.start()

    def stop(self) -> None:
        """Stop the started servers concurrently, after cancelling a start in progress."""
        if self.rabbitmq:
            self.rabbitmq.cancel_start()
        self._pool.shutdown()
        stop_all(self.processes)
        for server in (self.postgres, self.rabbitmq):
            if server:
                server.stop()

    def kill(self) -> None:
        """Kill the started servers: for a stack whose data is deleted."""
        if self.rabbitmq:
            self.rabbitmq.cancel_start()
        self._pool.shutdown()
        for server in (self.postgres, self.rabbitmq):
            if server:
                server.kill()


def usual_management_url(rabbitmq_url: str) -> str:
    """Return the usual URL of a broker's management API: the same host and user, port 15672."""
    broker = urlsplit(rabbitmq_url)
    return f"http://{broker.username or 'guest'}:{broker.password or 'guest'}@{broker.hostname}:15672"
