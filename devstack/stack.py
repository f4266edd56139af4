"""The platform as one object, used by the command line, the tests, the demo and the benchmarks.

::

    with Stack(home=folder, services=["users", "orders"], env={"HOLD_TTL_SECONDS": "2"}) as stack:
        httpx.get(stack.urls.users + "/health")
        stack.kill("users")
        stack.restart("users")
        stack.rabbitmq.stop()
"""

import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psutil

from devstack.errors import DevstackError
from devstack.home import ROOT, Home, Phase, State
from devstack.keys import Keys, keys_of
from devstack.logs import MergedLog, tail_of
from devstack.ports import PortClaims
from devstack.postgres import EmbeddedPostgres
from devstack.postgres_files import clear_postgres_files
from devstack.processes import ProcessId, Spawn, seconds_after_boot, spawn, stop_all
from devstack.rabbitmq import PrivateRabbitMQ
from devstack.servers import Existing, Servers
from devstack.service_processes import ServiceProcesses
from devstack.services import DATABASES, PLATFORM, Ports, ServiceSpec, Urls, choose_ports, environment_of, urls_of

__all__ = ["Stack"]

PREPARE: Final = "prepare"
INSTANCE_BYTES: Final = 8
WATCHDOG_SECONDS: Final = 60.0  # the time that the watchdog of an ended supervisor may need to stop its processes


@dataclass(kw_only=True, eq=False)
class Stack:
    """All processes that run from one folder. Use it as a context manager, or ``start`` and ``stop``.

    A watchdog ends these processes when this process ends, even by ``kill -9``.
    """

    home: Path
    services: Sequence[str] | None = None
    """Names from ``PLATFORM``; None means all, an empty list only PostgreSQL and RabbitMQ."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Additional environment of every process."""
    service_env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Additional environment of one process, by name."""
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Commands that replace ``python -m <module>``, by name."""
    existing: Existing = field(default_factory=Existing)
    usual_ports: bool = False
    """Use the contract's ports where they are free; otherwise any free ports. Those of the folder's last start come first."""
    migrate: bool = True
    """Migrate the databases first."""
    seed: bool = True
    """Then add the contract's seed data, which requires all five databases."""
    throwaway: bool = False
    """The data is not needed after the run: no fsync, and at the end servers are killed and databases removed."""
    spawn: Spawn = spawn
    """Starts a service's program."""
    log: MergedLog | None = None
    """Receives the output of all processes; None means one file per process in the folder's ``log``."""

    def __post_init__(self) -> None:
        unknown = {*(self.services or ()), *self.service_env, *self.commands} - {spec.name for spec in PLATFORM}
        if unknown:
            raise DevstackError(f"No such service: {', '.join(sorted(unknown))}.")
        self._home = Home(self.home.resolve())
        self._specs = {spec.name: spec for spec in PLATFORM if self.services is None or spec.name in self.services}
        self._held = ExitStack()
        self._owns_home = False
        self._state_lock = threading.Lock()
        self._phase: Phase = "starting"
        self._control: Mapping[str, Any] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- the whole stack ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start all processes and return once they are healthy.

        Raises:
            DevstackError: a process did not start, or another stack runs from this folder. No process keeps running.
        """
        try:
            self._own_home()
            self._choose()
            self._servers.start_databases()
            self.prepare_databases()
            self._servers.wait_for_broker()
            self._keep_ports()
            self._find_urls()
            self._start_services(list(self._specs))
            self.require_running()
            self._set_phase("ready")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the services, then the servers. The data is kept."""
        if not self._owns_home:
            return
        self._owns_home = False
        if hasattr(self, "_servers"):
            self._set_phase("stopping")
            self._children.stop([process.name for process in self._children.processes])
            if self.throwaway:
                self._servers.kill()
                clear_postgres_files(self._home)
            else:
                self._servers.stop()
        self._home.clear_state()
        self._held.close()

    def announce_control(self, control: Mapping[str, Any]) -> None:
        """Write the supervisor's control address to the state file."""
        self._control = control
        self._write_state()

    # --- single processes --------------------------------------------------------------------------------------------

    @property
    def postgres(self) -> EmbeddedPostgres:
        """Return the started PostgreSQL.

        Raises:
            DevstackError: an existing server is used.
        """
        if self._servers.postgres is None:
            raise DevstackError("PostgreSQL is an existing server, which this stack does not control.")
        return self._servers.postgres

    @property
    def rabbitmq(self) -> PrivateRabbitMQ:
        """Return the started RabbitMQ.

        Raises:
            DevstackError: an existing broker is used.
        """
        if self._servers.rabbitmq is None:
            raise DevstackError("RabbitMQ is an existing broker, which this stack does not control.")
        return self._servers.rabbitmq

    @property
    def postgres_url(self) -> str:
        """Return the URL of the started or existing server (``postgresql://``)."""
        return self._servers.postgres_url

    @property
    def services_in_use(self) -> tuple[str, ...]:
        """Return the names of this stack's services, even if they are stopped."""
        return tuple(self._specs)

    @property
    def running(self) -> tuple[str, ...]:
        return tuple(process.name for process in self._children.processes)

    @property
    def instance(self) -> str:
        """Return the id that every service shows in `/health`."""
        return self._instance

    def spawn_service(self, name: str) -> None:
        """Start one service, and return before it is healthy."""
        self._spawn(self._spec(name))

    def start_service(
        self, name: str, *, env: Mapping[str, str] | None = None, command: Sequence[str] | None = None
    ) -> None:
        """Start one service and wait until it is healthy; ``env`` and ``command`` apply to this start only."""
        self._spawn(self._spec(name), env=env, command=command)
        self._children.wait_healthy(name, self.urls.health_of(name))

    def stop_service(self, name: str) -> None:
        self._children.stop([self._spec(name).name])

    def restart(self, name: str, *, env: Mapping[str, str] | None = None, command: Sequence[str] | None = None) -> None:
        """Stop one service if it is running, then start it."""
        self.stop_service(name)
        self.start_service(name, env=env, command=command)

    def restart_all(self, names: Sequence[str]) -> None:
        """Stop these services and start them, concurrently."""
        self._children.stop(names)
        self._start_services(names)

    def kill(self, name: str) -> None:
        """``kill -9`` one service."""
        self._children.kill(self._spec(name).name)

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal; after SIGSTOP a service accepts connections but never responds, until SIGCONT."""
        self._children.send_signal(self._spec(name).name, number)

    def runs(self, name: str) -> bool:
        return self._children.runs(name)

    def take_ended(self) -> dict[str, str]:
        """Return the services that ended by themselves since the last call, with their exit code and end of log."""
        return self._children.take_ended()

    def require_servers(self) -> None:
        """Check the servers.

        Raises:
            DevstackError: PostgreSQL or RabbitMQ ended by itself.
        """
        if ended := self._servers.ended:
            tails = [f"{name} ended.\n{tail_of(self._home.logs / f'{name}.log')}" for name in ended]
            raise DevstackError("\n".join(tails))

    def require_running(self) -> None:
        """Check the servers and the services.

        Raises:
            DevstackError: at least one ended by itself.
        """
        self.require_servers()
        if ended := self.take_ended():
            raise DevstackError("\n".join(ended.values()))

    def prepare_databases(self) -> None:
        """Migrate the databases and add missing seed data."""
        packages = [package for package in DATABASES if self.migrate and package in self._specs]
        flags = ["--seed"] if self.seed and set(DATABASES) <= set(self._specs) else []
        if packages or flags:
            command = [sys.executable, "-m", "devstack.prepare", str(self._home.path), *packages, *flags]
            self._children.spawn(PREPARE, command, os.environ | dict(self.env))
            self._children.wait_finished(PREPARE)

    # --- steps of a start --------------------------------------------------------------------------------------------

    def _own_home(self) -> None:
        """Lock the folder, and stop the processes that a killed supervisor and its watchdog left running."""
        state = self._home.read_state()
        wait_seconds = 0.0 if state and state.supervisor.is_alive() else WATCHDOG_SECONDS
        lock = self._held.enter_context(self._home.locked(wait_seconds=wait_seconds))
        self._owns_home = True
        if leftover := self._home.read_state():
            stop_all(leftover.processes)
            self._home.clear_state()
        for log in self._home.logs.glob("*.log"):
            if log.name != "devstack.log":
                log.unlink()
        self._start_watchdog(lock)

    def _start_watchdog(self, lock: int) -> None:
        watchdog = subprocess.Popen(
            [sys.executable, "-m", "devstack.watchdog", self._home.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            start_new_session=True,
            pass_fds=[lock],
        )
        # The watchdog waits for the end of its input.
        self._held.callback(watchdog.communicate)

    def _choose(self) -> None:
        claims = self._held.enter_context(PortClaims())
        self._ports: Ports = choose_ports(claims, usual=self.usual_ports, kept=self._home.read_ports())
        self._instance = secrets.token_hex(INSTANCE_BYTES)
        self._keys: Keys = keys_of(self._home)
        process = psutil.Process()
        self._supervisor = ProcessId(name="supervisor", pid=process.pid, started=seconds_after_boot(process))
        self._children = ServiceProcesses(
            self._home,
            instance=self._instance,
            merged_log=self.log,
            spawn=self.spawn,
            on_spawn=self._write_state,
        )
        self._servers = Servers(
            self._home,
            existing=self.existing,
            ports=self._ports,
            claims=claims,
            keys=self._keys,
            throwaway=self.throwaway,
            on_spawn=self._write_state,
        )
        self._find_urls()

    def _keep_ports(self) -> None:
        """Store the ports for the folder's next start; the broker's may have changed."""
        broker = {"rabbitmq": self._servers.rabbitmq.ports.by_name()} if self._servers.rabbitmq else {}
        self._home.write_ports({**self._ports, **broker})

    def _find_urls(self) -> None:
        self.urls: Urls = urls_of(
            self._ports,
            databases=self._servers.databases,
            rabbitmq=self._servers.rabbitmq_url,
            rabbitmq_management=self._servers.rabbitmq_management_url,
            rabbitmq_metrics=self._servers.rabbitmq_metrics_url,
        )
        self._write_state()

    def _start_services(self, names: Sequence[str]) -> None:
        for name in names:
            self._spawn(self._specs[name])
        for name in names:
            self._children.wait_healthy(name, self.urls.health_of(name), among=names)

    def _spawn(
        self, spec: ServiceSpec, *, env: Mapping[str, str] | None = None, command: Sequence[str] | None = None
    ) -> None:
        environment = environment_of(spec, urls=self.urls, ports=self._ports, keys=self._keys, instance=self._instance)
        environment.setdefault("OBJECT_FOLDER", str(self._home.path / "objects"))
        environment |= dict(self.env) | dict(self.service_env.get(spec.name, {})) | dict(env or {})
        self._children.spawn(spec.name, command or self.commands.get(spec.name) or spec.command, environment)

    def _spec(self, name: str) -> ServiceSpec:
        if name not in self._specs:
            raise DevstackError(f"No such service in this stack: {name}. There are: {', '.join(self._specs)}.")
        return self._specs[name]

    # --- the state file ----------------------------------------------------------------------------------------------

    def _set_phase(self, phase: Phase) -> None:
        self._phase = phase
        self._write_state()

    def _write_state(self) -> None:
        with self._state_lock:
            self._home.write_state(
                State(
                    phase=self._phase,
                    supervisor=self._supervisor,
                    processes=(*self._children.processes, *self._servers.processes),
                    services=self.services_in_use,
                    instance=self._instance,
                    throwaway=self.throwaway,
                    urls=asdict(self.urls) if hasattr(self, "urls") else {},
                    control=self._control,
                )
            )
