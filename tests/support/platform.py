"""The platform, or a part of it, as real processes on the run's servers, with its own databases and queues."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from devstack.servers import Existing
from devstack.services import DATABASES, PLATFORM
from devstack.stack import Stack
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.timeouts import TOKEN_SECONDS


@contextmanager
def running_platform(
    *,
    database_url: DatabaseFactory,
    vhost: Vhost,
    services: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    service_env: Mapping[str, Mapping[str, str]] | None = None,
    commands: Mapping[str, Sequence[str]] | None = None,
    seed: bool = True,
) -> Iterator[Stack]:
    """Start services on free ports, with fresh databases cloned from the migrated templates.

    PostgreSQL and RabbitMQ already run; tests that stop them start their own ``Stack``. ``commands`` replaces a service's
    command line, ``env`` and ``service_env`` add to its environment. Logs are in ``stack.home / "log"`` until the end.
    """
    wanted = [spec for spec in PLATFORM if services is None or spec.name in services]
    packages = {spec.module.partition(".")[0] for spec in wanted} & set(DATABASES)
    existing = Existing(
        databases={package: database_url(package) for package in sorted(packages)},
        rabbitmq_url=vhost.url,
        rabbitmq_management_url=vhost.management.url,
    )
    with (
        tempfile.TemporaryDirectory(prefix="ticketremaster-platform-") as folder,
        Stack(
            home=Path(folder),
            services=[spec.name for spec in wanted],
            existing=existing,
            env={"ACCESS_TOKEN_TTL_SECONDS": str(TOKEN_SECONDS), **(env or {})},
            service_env=dict(service_env or {}),
            commands=dict(commands or {}),
            migrate=False,
            seed=seed,
            spawn=database_url.fork_server.spawn,
        ) as stack,
    ):
        yield stack
