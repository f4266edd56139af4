"""Finds RabbitMQ's programs, and has the system's package manager install them when there are none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devstack.errors import DevstackError
from devstack.ports import is_free

__all__ = ["RabbitMQPrograms", "rabbitmq_programs"]

# Debian's /usr/sbin/rabbitmq-server is a wrapper that insists on the account and the folders of the system's
# own broker, so the scripts behind it come first.
SCRIPT_FOLDERS: Final = (
    Path("/usr/lib/rabbitmq/bin"),
    Path("/opt/homebrew/opt/rabbitmq/sbin"),
    Path("/usr/local/opt/rabbitmq/sbin"),
)
DEBIAN_WRAPPER: Final = Path("/usr/sbin/rabbitmq-server")
EPMD_PORT: Final = 4369  # Erlang's port mapper, which the system's broker would use
INSTALL_BY_HAND: Final = (
    "install RabbitMQ (https://www.rabbitmq.com/docs/download) or set RABBITMQ_URL to a running one"
)


@dataclass(frozen=True, kw_only=True)
class RabbitMQPrograms:
    """``path`` is the PATH under which the server's script finds Erlang."""

    server: Path
    epmd: Path
    path: str


def rabbitmq_programs() -> RabbitMQPrograms:
    """Return RabbitMQ's programs, installing them when missing.

    Raises:
        DevstackError: there are none and no package manager we know; the message says what to do.
    """
    server = _find_server()
    if server is None:
        _install()
        server = _find_server()
    if server is None:
        raise DevstackError(f"RabbitMQ was not found: {INSTALL_BY_HAND}.")
    # Homebrew links Erlang's programs beside its other ones, which need not be on the PATH of an editor's terminal.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/opt/homebrew/bin", "/usr/local/bin"])
    return RabbitMQPrograms(server=server, epmd=_find_epmd(path), path=path)


def _find_server() -> Path | None:
    for folder in SCRIPT_FOLDERS:
        if (script := folder / "rabbitmq-server").exists():
            return script
    found = shutil.which("rabbitmq-server")
    return Path(found) if found and Path(found) != DEBIAN_WRAPPER else None


def _find_epmd(path: str) -> Path:
    if found := shutil.which("epmd", path=path):
        return Path(found)
    erl = shutil.which("erl", path=path)
    beside = sorted(Path(erl).resolve().parent.parent.glob("erts-*/bin/epmd")) if erl else []
    if not beside:
        raise DevstackError(f"Erlang's epmd was not found: {INSTALL_BY_HAND}.")
    return beside[-1]


def _install() -> None:
    if shutil.which("apt-get"):
        _install_by_apt()
    elif sys.platform == "darwin" and shutil.which("brew"):
        _run("brew install rabbitmq", ["brew", "install", "--quiet", "rabbitmq"])
    else:
        raise DevstackError(f"RabbitMQ is missing: {INSTALL_BY_HAND}.")


def _install_by_apt() -> None:
    as_root = _as_root()
    told = " ".join([*as_root, "apt-get install rabbitmq-server"])
    had_epmd = not is_free(EPMD_PORT)
    quiet = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    print(f"Installing RabbitMQ (once): {told}", flush=True)
    _run(told, [*quiet, "update"])
    _run(told, [*quiet, "install", "--yes", "--no-install-recommends", "rabbitmq-server"])
    _stop_system_service(as_root, had_epmd=had_epmd)


def _as_root() -> list[str]:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        return ["sudo"]
    raise DevstackError("RabbitMQ is missing and sudo too; as root run: apt-get install rabbitmq-server")


def _stop_system_service(as_root: Sequence[str], *, had_epmd: bool) -> None:
    """Stop the broker that Debian starts on installation: we run our own and leave no other behind."""
    if Path("/run/systemd/system").exists():
        commands = [["systemctl", "disable", "--now", "--quiet", "rabbitmq-server"]]
        commands += [] if had_epmd else [["systemctl", "stop", "--quiet", "epmd.socket", "epmd.service"]]
    else:
        commands = [["service", "rabbitmq-server", "stop"]]
        commands += [] if had_epmd else [["epmd", "-kill"]]
    for command in commands:
        # What is not running cannot be stopped, and that is fine.
        subprocess.run([*as_root, *command], check=False, capture_output=True)


def _run(told: str, command: Sequence[str]) -> None:
    finished = subprocess.run(command, check=False, stdin=None)
    if finished.returncode != 0:
        raise DevstackError(f"RabbitMQ could not be installed; try: {told}. Or {INSTALL_BY_HAND}.")
