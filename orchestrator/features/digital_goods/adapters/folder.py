"""Objects as files of a local folder: for development, and for one host."""

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from orchestrator.features.digital_goods.errors import StorageUnavailable

__all__ = ["FolderStorage"]

TEMPORARY: Final = "."
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class FolderStorage:
    """Files appear whole or not at all, and survive a crash of the machine. They carry no metadata.

    What a killed process has half written goes with the next deletion of its object.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    async def put(self, name: str, sealed: bytes, *, metadata: Mapping[str, str]) -> None:  # noqa: ARG002 - a file has none
        await _in_thread(_write, self._path(name), sealed)

    async def get(self, name: str) -> bytes | None:
        return await _in_thread(_read, self._path(name))

    async def delete(self, name: str) -> None:
        await _in_thread(_delete, self._path(name))

    async def presigned_url(self, name: str, *, seconds: int) -> str | None:  # noqa: ARG002 - a folder has no links
        return None

    async def names(self, prefix: str, *, modified_before: datetime | None = None) -> list[str]:
        return await _in_thread(lambda: sorted(self._names(prefix, modified_before)))

    def _names(self, prefix: str, modified_before: datetime | None) -> Iterator[str]:
        for path in self._root.rglob("*"):
            name = path.relative_to(self._root).as_posix()
            if not name.startswith(prefix) or path.name.startswith(TEMPORARY) or not path.is_file():
                continue
            modified_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if modified_before is None or modified_at < modified_before:
                yield name

    def _path(self, name: str) -> Path:
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root):
            raise ValueError("An object's name leads out of the folder.")
        return path


def _write(path: Path, content: bytes) -> None:
    _make_folder(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _make_folder(folder: Path) -> None:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        _sync(each.parent)


def _sync(folder: Path) -> None:
    """Write a folder's names to the disk: a file or folder in it is lost without its name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)
    for temporary in path.parent.glob(f"{TEMPORARY}*"):
        temporary.unlink(missing_ok=True)
    with suppress(OSError):  # another object is there, or the folder is gone
        path.parent.rmdir()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


async def _in_thread(work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as error:
        raise StorageUnavailable(errno=error.errno) from error
