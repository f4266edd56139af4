"""Restarts the services whose files were saved, for `make dev`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from devstack.errors import DevstackError
from devstack.home import ROOT
from devstack.logs import MergedLog
from devstack.services import DATABASES, PLATFORM
from devstack.stack import Stack

__all__ = ["Changes", "affected_services", "reload", "saved_files"]

SELF: Final = "devstack"
SHARED: Final = ("common", "proto", "rabbitmq")  # every process imports them
# A process runs the code in its module's folder; the worker shares the orchestrator's folder.
FOLDERS: Final = {
    spec.name: spec.module.replace(".", "/") if spec.module.startswith("devstack.") else spec.module.partition(".")[0]
    for spec in PLATFORM
}

Changes = Iterator[frozenset[Path]]
"""The files saved since the last iteration, relative to the checkout; empty if there are none."""


def saved_files(*, every_seconds: float) -> Changes:
    """Watch the platform's code; caches and editors' swap files are ignored."""
    from watchfiles import DefaultFilter, watch  # noqa: PLC0415 - other commands start faster without it

    folders = [ROOT / folder for folder in sorted({*SHARED, *FOLDERS.values()})]
    ticks = watch(
        *folders,
        watch_filter=DefaultFilter(),
        rust_timeout=round(every_seconds * 1000),
        yield_on_timeout=True,
        raise_interrupt=True,
    )
    next(ticks)  # start to watch now, even while the platform is starting
    return (frozenset(Path(path).relative_to(ROOT) for _, path in changes) for changes in ticks)


def affected_services(files: Iterable[Path]) -> list[str]:
    """Return the processes that run code from these files, in their starting order."""
    saved = list(files)
    if any(file.parts[0] in SHARED for file in saved):
        return [spec.name for spec in PLATFORM]
    return [name for name, folder in FOLDERS.items() if any(file.is_relative_to(folder) for file in saved)]


def reload(stack: Stack, log: MergedLog, files: frozenset[Path]) -> None:
    """Restart the affected processes, after a migration if a migration's file was saved.

    A process that does not start is logged, and stays stopped until a file is saved again.
    """
    names = [name for name in affected_services(files) if name in stack.services_in_use]
    if not names:
        return
    log.write(SELF, f"{_shown(files)} saved; restarting {', '.join(names)}")
    try:
        if any(file.is_relative_to(Path(package, "migrations")) for file in files for package in DATABASES):
            stack.prepare_databases()
        stack.restart_all(names)
    except DevstackError as error:
        log.write(SELF, f"{error}\nSave the corrected file to restart.")
    else:
        log.write(SELF, f"ready: {', '.join(names)}")


def _shown(files: frozenset[Path], *, most: int = 3) -> str:
    names = sorted(str(file) for file in files)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
