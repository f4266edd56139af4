"""PostgreSQL and RabbitMQ for a test run: real servers, started once, in a temporary folder."""

import hashlib
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from devstack.database import (
    clone_database,
    create_databases,
    database_names,
    drop_database,
    rename_database,
    service_url,
)
from devstack.errors import DevstackError
from devstack.home import ROOT
from devstack.management import RabbitMQManagement
from devstack.servers import Existing
from devstack.stack import Stack
from tests.support.fork_server import ForkServer


@dataclass(frozen=True, kw_only=True)
class Vhost:
    """A virtual host that no other test module uses."""

    name: str
    url: str
    """For clients, ``amqp://``."""
    management: RabbitMQManagement

    def queue_counts(self) -> dict[str, int]:
        return self.management.queue_counts(self.name)


@dataclass(kw_only=True)
class TestServers:
    """Provides every test module with databases and virtual hosts."""

    __test__ = False  # not a test class despite its name

    stack: Stack
    fork_server: ForkServer
    keep_templates: bool = False
    """Whether a later run on these servers can reuse the migrated templates; their names change with the migrations."""
    _names: Iterator[int] = field(default_factory=itertools.count)
    _templates: dict[str, str] = field(default_factory=dict)

    def clone(self, package: str) -> str:
        """Create a database with the package's newest schema and return its name.

        The first call for a package migrates a template (``python -m <package> migrate``); later calls clone it,
        which takes about 40 ms.
        """
        if package not in self._templates:
            make = self._kept_template if self.keep_templates else self._migrated_template
            self._templates[package] = make(package)
        name = self._fresh(package)
        clone_database(self.stack.postgres_url, template=self._templates[package], name=name)
        return name

    def empty(self) -> str:
        """Create an empty database and return its name."""
        name = self._fresh("empty")
        create_databases(self.stack.postgres_url, [name])
        return name

    def url_of(self, database: str) -> str:
        return service_url(self.stack.postgres_url, database)

    def drop(self, database: str) -> None:
        drop_database(self.stack.postgres_url, database)

    @contextmanager
    def vhost(self) -> Iterator[Vhost]:
        """Create a virtual host and delete it at the end."""
        name = self._fresh("vhost")
        management = RabbitMQManagement(self.stack.urls.rabbitmq_management)
        management.create_vhost(name)
        broker = urlsplit(self.stack.urls.rabbitmq)
        try:
            yield Vhost(name=name, url=urlunsplit(broker._replace(path=f"/{name}")), management=management)
        finally:
            management.delete_vhost(name)

    def drop_templates(self) -> None:
        if self.keep_templates:
            return
        for template in self._templates.values():
            self.drop(template)
        self._templates.clear()

    def _fresh(self, kind: str) -> str:
        # The pid keeps two runs on one existing server (DATABASE_URL) apart.
        return f"test_{os.getpid()}_{kind}_{next(self._names)}"

    def _kept_template(self, package: str) -> str:
        kept = f"template_{package}_{_hash_of_migrations(package)}"
        if kept not in database_names(self.stack.postgres_url):
            name = self._migrated_template(package)
            try:
                rename_database(self.stack.postgres_url, name=name, new_name=kept)
            except asyncpg.DuplicateDatabaseError:
                self.drop(name)  # another run has created it meanwhile
        return kept

    def _migrated_template(self, package: str) -> str:
        name = self._fresh(f"{package}_template")
        create_databases(self.stack.postgres_url, [name])
        env = os.environ | {"ENV": "test", "DATABASE_URL": self.url_of(name)}
        command = [sys.executable, "-m", package, "migrate"]
        with tempfile.TemporaryFile() as output:
            if self.fork_server.spawn(command, env=env, output=output, cwd=ROOT).wait() != 0:
                output.seek(0)
                raise DevstackError(f"{' '.join(command)} failed:\n{output.read().decode()}")
        return name


class DatabaseFactory:
    """Creates databases for one test module; see the fixture ``database_url``."""

    def __init__(self, servers: TestServers) -> None:
        self._servers = servers
        self._made: list[str] = []

    @property
    def fork_server(self) -> ForkServer:
        """Return the run's fork server."""
        return self._servers.fork_server

    def __call__(self, package: str) -> str:
        """Return the URL (``postgresql+asyncpg://``) of a fresh database with the package's schema."""
        return self._note(self._servers.clone(package))

    def empty(self) -> str:
        """Return the URL of a fresh database without any table."""
        return self._note(self._servers.empty())

    def drop_all(self) -> None:
        for name in self._made:
            self._servers.drop(name)
        self._made.clear()

    def _note(self, name: str) -> str:
        self._made.append(name)
        return self._servers.url_of(name)


@contextmanager
def started_servers() -> Iterator[TestServers]:
    """Start both servers, or use those that ``DATABASE_URL`` and ``RABBITMQ_URL`` name, for one run."""
    with tempfile.TemporaryDirectory(prefix="ticketremaster-tests-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # root runs PostgreSQL as another user, who needs access
        with (
            ForkServer() as fork_server,
            Stack(home=home, services=[], existing=Existing.from_environment(), throwaway=True) as stack,
        ):
            servers = TestServers(stack=stack, fork_server=fork_server, keep_templates="KEEP_TEMPLATES" in os.environ)
            yield servers
            servers.drop_templates()  # an existing server would keep them


def _hash_of_migrations(package: str) -> str:
    """Return a short hash of a package's migrations and of the code that runs them."""
    hashed = hashlib.sha256()
    for file in sorted([*(ROOT / package / "migrations").rglob("*.py"), *(ROOT / "common" / "db").glob("*.py")]):
        hashed.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return hashed.hexdigest()[:12]
