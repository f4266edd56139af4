"""Finds RabbitMQ's programs, and installs them with the system's package manager if they are missing."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devstack.errors import DevstackError
from devstack.home import exclusive

__all__ = ["RabbitMQPrograms", "rabbitmq_programs"]

# Debian's /usr/sbin/rabbitmq-server is a wrapper that requires the account and the folders of the system's broker, so the
# scripts behind it come first.
SCRIPT_FOLDERS: Final = (
    Path("/usr/lib/rabbitmq/bin"),
    Path("/opt/homebrew/opt/rabbitmq/sbin"),
    Path("/usr/local/opt/rabbitmq/sbin"),
)
DEBIAN_WRAPPER: Final = Path("/usr/sbin/rabbitmq-server")
POLICY: Final = Path("/usr/sbin/policy-rc.d")
POLICY_SCRIPT: Final = """#!/bin/sh
# From TicketRemaster's devstack, while it installs RabbitMQ: do not start the system's broker.
case "$1" in
  rabbitmq-server*|epmd*) kill -0 {pid} 2>/dev/null && exit 101 ;;
esac
exit 0
"""
INSTALL_LOCK: Final = Path(tempfile.gettempdir()) / f"ticketremaster-rabbitmq-install-{os.getuid()}.lock"
PACKAGE_LOCK_SECONDS: Final = 600  # apt's wait for another package manager: an unattended upgrade takes minutes
INSTALL_BY_HAND: Final = (
    "install RabbitMQ (https://www.rabbitmq.com/docs/download) or set RABBITMQ_URL to a running one"
)


@dataclass(frozen=True, kw_only=True)
class RabbitMQPrograms:
    """The programs; ``path`` is the PATH with which the server's script finds Erlang."""

    server: Path
    epmd: Path
    path: str


def rabbitmq_programs() -> RabbitMQPrograms:
    """Return RabbitMQ's programs; install them if they are missing.

    Raises:
        DevstackError: they are missing and there is no known package manager; the message says what to do.
    """
    server = _find_server()
    if server is None:
        # The parts of a test run start concurrently, and each may find no RabbitMQ.
        with exclusive(INSTALL_LOCK):
            server = _find_server()
            if server is None:
                _install()
                server = _find_server()
    if server is None:
        raise DevstackError(f"RabbitMQ was not found: {INSTALL_BY_HAND}.")
    # Homebrew's folders may be missing on the PATH of an editor's terminal.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/opt/homebrew/bin", "/usr/local/bin"])
    return RabbitMQPrograms(server=server, epmd=_find_epmd(path), path=path)


def _find_server() -> Path | None:
    for folder in SCRIPT_FOLDERS:
        if (script := folder / "rabbitmq-server").exists():
            return script
    program = shutil.which("rabbitmq-server")
    return Path(program) if program and Path(program) != DEBIAN_WRAPPER else None


def _find_epmd(path: str) -> Path:
    if epmd := shutil.which("epmd", path=path):
        return Path(epmd)
    erl = shutil.which("erl", path=path)
    candidates = sorted(Path(erl).resolve().parent.parent.glob("erts-*/bin/epmd")) if erl else []
    if not candidates:
        raise DevstackError(f"Erlang's epmd was not found: {INSTALL_BY_HAND}.")
    return candidates[-1]


def _install() -> None:
    if shutil.which("apt-get"):
        _install_by_apt()
    elif sys.platform == "darwin" and shutil.which("brew"):
        _run("brew install rabbitmq", ["brew", "install", "--quiet", "rabbitmq"])
    else:
        raise DevstackError(f"RabbitMQ is missing: {INSTALL_BY_HAND}.")


def _install_by_apt() -> None:
    as_root, had_erlang = _as_root(), shutil.which("epmd") is not None
    manual = " ".join([*as_root, "apt-get install rabbitmq-server"])
    quiet = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    quiet += ["-o", f"DPkg::Lock::Timeout={PACKAGE_LOCK_SECONDS}"]
    print(f"Installing RabbitMQ (once): {manual}", flush=True)
    with _services_not_started(as_root):
        _run(manual, [*quiet, "update"])
        _run(manual, [*quiet, "install", "--yes", "--no-install-recommends", "rabbitmq-server"])
    # Not at the next boot either: the system's broker is not needed.
    _disable(["rabbitmq-server"] if had_erlang else ["rabbitmq-server", "epmd.service", "epmd.socket"], as_root)


def _disable(services: Sequence[str], as_root: Sequence[str]) -> None:
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    for command in (["systemctl", "disable", *services], ["update-rc.d", services[0], "disable"]):
        if shutil.which(command[0], path=path):
            subprocess.run([*as_root, *command], check=False, capture_output=True)


@contextmanager
def _services_not_started(as_root: Sequence[str]) -> Iterator[None]:
    """Prevent Debian from starting the system's broker at the installation.

    The means is a policy file (invoke-rc.d(8)). An existing one is kept. Ours concerns only RabbitMQ and only while this
    process runs, so it has no effect after ``kill -9``.
    """
    if POLICY.exists():
        yield
        return
    with tempfile.NamedTemporaryFile("w", suffix="-policy-rc.d") as policy:
        policy.write(POLICY_SCRIPT.format(pid=os.getpid()))
        policy.flush()
        subprocess.run([*as_root, "install", "-m", "755", policy.name, POLICY], check=True)
    try:
        yield
    finally:
        subprocess.run([*as_root, "rm", "-f", POLICY], check=True)


def _as_root() -> list[str]:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        return ["sudo"]
    raise DevstackError("RabbitMQ and sudo are missing; as root run: apt-get install rabbitmq-server")


def _run(manual: str, command: Sequence[str]) -> None:
    """Run quietly; sudo asks for a password on the terminal."""
    finished = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if finished.returncode != 0:
        raise DevstackError(f"{finished.stdout}\nRabbitMQ could not be installed; try: {manual}. Or {INSTALL_BY_HAND}.")
