"""A private RabbitMQ node: its name, ports, cookie, data and logs are separate from other brokers on the machine."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devstack.errors import DevstackError
from devstack.home import ROOT, Home, write_privately
from devstack.keys import Keys
from devstack.logs import tail_of
from devstack.management import RabbitMQManagement
from devstack.ports import LOOPBACK, PortClaims, is_listenable
from devstack.processes import ProcessId, identify, kill_family, spawn, stop_all
from devstack.rabbitmq_install import RabbitMQPrograms, rabbitmq_programs

__all__ = ["PortTaken", "PrivateRabbitMQ", "RabbitMQPorts"]

USER: Final = "ticketremaster"
# Folders of an earlier release have their data under the name that all nodes had.
SHARED_NODE_NAME: Final = "ticketremaster@localhost"
STOP_STAGE: Final = 1  # after the services
START_SECONDS: Final = 90.0  # 6 s on the reference machine
POLL_SECONDS: Final = 0.1
PLUGINS: Final = ("rabbitmq_management", "rabbitmq_prometheus")
# The settings of the compose file apply, except for its paths and listeners.
SHARED_SETTINGS: Final = ROOT / "rabbitmq" / "rabbitmq.conf"
COMPOSE_ONLY: Final = ("load_definitions", "management.load_definitions", "listeners.", "management.tcp.", "log.")
# Statistics in the management API are one second old instead of five or ten, for users and the demo. Quorum queues have
# their own reporting interval (milliseconds); a sample policy is {retention seconds, interval seconds}.
ADVANCED_SETTINGS: Final = """[
  {rabbit, [{quorum_tick_interval, 1000}]},
  {rabbitmq_management_agent, [{sample_retention_policies, [
    {global, [{65, 1}, {605, 5}, {3660, 60}]}, {basic, [{65, 1}, {605, 5}]}, {detailed, [{65, 1}]}]}]}
].
"""
AMQP_GREETING: Final = b"AMQP\x00\x00\x09\x01"
CONNECTION_START: Final = b"\x01"  # the type of the frame that a ready broker sends after the greeting
# Messages of a node if another process uses a port: for clients, for other nodes, of epmd.
PORT_TAKEN_MESSAGES: Final = ("eaddrinuse", "could not bind to distribution port", "register/listen error")


class PortTaken(DevstackError):
    """Another process took a port between its choice and RabbitMQ's start."""


@dataclass(frozen=True, kw_only=True)
class RabbitMQPorts:
    amqp: int
    management: int
    prometheus: int
    distribution: int
    epmd: int

    @classmethod
    def of(cls, ports: Mapping[str, int]) -> "RabbitMQPorts":
        """Return the ports by the names in `devstack.services.SERVER_PORTS`."""
        return cls(
            amqp=ports["PORT"],
            management=ports["MANAGEMENT_PORT"],
            prometheus=ports["METRICS_PORT"],
            distribution=ports["DISTRIBUTION_PORT"],
            epmd=ports["EPMD_PORT"],
        )

    def by_name(self) -> dict[str, int]:
        """Return what `of` reads."""
        return {
            "PORT": self.amqp,
            "MANAGEMENT_PORT": self.management,
            "METRICS_PORT": self.prometheus,
            "DISTRIBUTION_PORT": self.distribution,
            "EPMD_PORT": self.epmd,
        }

    def rechosen(self, claims: PortClaims) -> "RabbitMQPorts":
        """Return these ports with others in place of those on which another process listens."""
        ports = {name: port if is_listenable(port) else claims.claim() for name, port in self.by_name().items()}
        return self.of(ports)


class PrivateRabbitMQ:
    """One node on loopback with a user of its own. Its messages survive ``stop`` and ``kill``."""

    def __init__(
        self, home: Home, *, ports: RabbitMQPorts, keys: Keys, on_spawn: Callable[[], None] = lambda: None
    ) -> None:
        self.ports = ports
        self._folder = home.path / "rabbitmq"
        self._log = home.logs / "rabbitmq.log"
        self._keys = keys
        self._on_spawn = on_spawn
        self._children: dict[str, tuple[subprocess.Popen[bytes], ProcessId]] = {}
        self._cancelled = threading.Event()

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{self._keys.rabbitmq_password}@{LOOPBACK}:{self.ports.amqp}/"

    @property
    def management(self) -> RabbitMQManagement:
        return RabbitMQManagement(f"http://{USER}:{self._keys.rabbitmq_password}@{LOOPBACK}:{self.ports.management}")

    @property
    def node(self) -> str:
        return SHARED_NODE_NAME if (self._folder / "data" / SHARED_NODE_NAME).exists() else self._keys.rabbitmq_node

    @property
    def processes(self) -> tuple[ProcessId, ...]:
        # Copied: another thread may call this while the node starts.
        return tuple(identity for _, identity in list(self._children.values()))

    def start(self) -> None:
        """Start, and return once this node, and no other at its ports, accepts clients and responds by its API.

        Raises:
            PortTaken: another process uses one of the ports.
            DevstackError: RabbitMQ is missing and cannot be installed, or it did not start.
        """
        programs = rabbitmq_programs()
        self._prepare()
        log_start = self._log.stat().st_size if self._log.exists() else 0
        self._start_epmd(programs)
        self._spawn("rabbitmq", [programs.server], self._environment(programs))
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._cancelled.is_set():
                return
            if not self._runs("rabbitmq"):
                raise self._failure_since(log_start)
            if time.monotonic() > deadline:
                raise DevstackError(f"RabbitMQ did not start within {START_SECONDS:.0f} s.\n{tail_of(self._log)}")
            time.sleep(POLL_SECONDS)
        self.management.delete_user("guest")  # a folder of an earlier release has it, with a password that others know

    def _is_ready(self) -> bool:
        is_own = self.management.serves(self.node, amqp_port=self.ports.amqp)
        return is_own and _accepts_clients(self.ports.amqp) and self._runs("rabbitmq")

    @property
    def ended(self) -> bool:
        """Whether the node or its epmd ended by itself."""
        return any(popen.poll() is not None for popen, _ in list(self._children.values()))

    def stop(self) -> None:
        """Stop gracefully. It takes about 6 s, five of them for the management plugin."""
        stop_all(self.processes)
        self._reap()

    def kill(self) -> None:
        """Kill the node immediately.

        A quorum queue that was declared less than about 3 s earlier permanently loses its leader (observed on RabbitMQ
        3.10, which writes its register of queues to disk with a delay). Older queues lose nothing.
        """
        for identity in self.processes:
            kill_family(identity)
        self._reap()

    def restart(self) -> None:
        self.stop()
        self.start()

    def cancel_start(self) -> None:
        """Make ``start`` in another thread return early; its processes are then stopped as usual."""
        self._cancelled.set()

    def _start_epmd(self, programs: RabbitMQPrograms) -> None:
        """Start Erlang's port mapper as a child process: RabbitMQ starts it as a daemon that keeps running."""
        command: list[str | Path] = [programs.epmd, "-port", str(self.ports.epmd), "-address", LOOPBACK]
        self._spawn("epmd", command, {"PATH": programs.path})
        deadline = time.monotonic() + START_SECONDS
        while not _listens(self.ports.epmd):
            if not self._runs("epmd"):
                raise PortTaken(f"Erlang's epmd ended while starting on port {self.ports.epmd}.\n{tail_of(self._log)}")
            if time.monotonic() > deadline:
                raise DevstackError(f"Erlang's epmd did not start on port {self.ports.epmd}.\n{tail_of(self._log)}")
            time.sleep(POLL_SECONDS)

    def _spawn(self, name: str, command: list[str | Path], env: dict[str, str]) -> None:
        with self._log.open("ab") as log:
            popen = spawn(command, env=env, output=log, cwd=self._folder)
        self._children[name] = (popen, identify(popen, name=name, stage=STOP_STAGE))
        self._on_spawn()

    def _runs(self, name: str) -> bool:
        return self._children[name][0].poll() is None

    def _reap(self) -> None:
        for popen, _ in self._children.values():
            popen.wait()
        self._children.clear()

    def _failure_since(self, log_start: int) -> DevstackError:
        """Return the error that ended the node, by its log since that byte."""
        with self._log.open("rb") as log:
            log.seek(log_start)
            output = log.read().decode(errors="replace")
        kind = PortTaken if any(message in output for message in PORT_TAKEN_MESSAGES) else DevstackError
        return kind(f"RabbitMQ ended while starting.\n{tail_of(self._log)}")

    def _prepare(self) -> None:
        self._folder.mkdir(exist_ok=True)
        cookie = self._folder / ".erlang.cookie"
        if not cookie.exists():
            write_privately(cookie, self._keys.erlang_cookie)
        (self._folder / "enabled_plugins").write_text(f"[{','.join(PLUGINS)}].\n")
        (self._folder / "rabbitmq-env.conf").touch()
        (self._folder / "rabbitmq.conf").write_text(self._settings())
        (self._folder / "advanced.config").write_text(ADVANCED_SETTINGS)
        write_privately(self._folder / "definitions.json", json.dumps(self._definitions()))

    def _definitions(self) -> dict[str, object]:
        """Return our user, for RabbitMQ to create at each start; with definitions it creates no guest."""
        user = {"name": USER, "password": self._keys.rabbitmq_password, "tags": ["administrator"]}
        permission = {"user": USER, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
        return {"users": [user], "vhosts": [{"name": "/"}], "permissions": [permission]}

    def _settings(self) -> str:
        shared = SHARED_SETTINGS.read_text().splitlines() if SHARED_SETTINGS.exists() else []
        kept = [line for line in shared if not line.strip().startswith(("#", *COMPOSE_ONLY))]
        own = [
            f"load_definitions = {self._folder / 'definitions.json'}",
            f"listeners.tcp.1 = {LOOPBACK}:{self.ports.amqp}",
            f"management.tcp.ip = {LOOPBACK}",
            f"management.tcp.port = {self.ports.management}",
            f"prometheus.tcp.ip = {LOOPBACK}",
            f"prometheus.tcp.port = {self.ports.prometheus}",
            "log.console.level = info",
            "collect_statistics_interval = 1000",
        ]
        return "\n".join([*kept, *own]) + "\n"

    def _environment(self, programs: RabbitMQPrograms) -> dict[str, str]:
        folder = self._folder
        return {
            "PATH": programs.path,
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_CRASH_DUMP": str(folder / "erl_crash.dump"),
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            # Not the settings of the system's broker in /etc/rabbitmq.
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES": str(folder / "conf.d" / "*.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_SCHEMA_DIR": str(folder / "schema"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_LOGS": "-",
            # The script then replaces itself by the node instead of waiting for it, so its pid is the node's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((LOOPBACK, port)) == 0


def _accepts_clients(port: int) -> bool:
    """Whether a broker responds to the AMQP greeting; an open port is not enough."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as client:
            client.sendall(AMQP_GREETING)
            return client.recv(1) == CONNECTION_START
    except OSError:
        return False
