"""Reads the items of a list one by one, so that one that cannot be read does not hide the others."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from common.telemetry.logs import get_logger
from common.telemetry.metrics import UNREADABLE_ROWS

__all__ = ["readable"]

Source = TypeVar("Source")
Item = TypeVar("Item")

# What a stored value raises that its reader does not expect; pydantic's error is a ValueError.
_UNREADABLE: Final = (ValueError, TypeError, LookupError, ArithmeticError)

logger = get_logger(__name__)


def readable(
    sources: Iterable[Source],
    read: Callable[[Source], Item],
    *,
    of: str,
    key: str | None = None,
    otherwise: Callable[[Source], Item] | None = None,
) -> list[Item]:
    """Return what `read` makes of each. One that it cannot read is logged and counted, and left out.

    Args:
        of: what they are, such as the table's name.
        key: the field of their ids, for JSON documents of PostgreSQL, which sorts their fields by length.
        otherwise: makes the item that is shown in place of one that cannot be read.
    """
    items: list[Item] = []
    for source in sources:
        try:
            items.append(read(source))
        except _UNREADABLE as error:
            _report(of, key, source, error)
            if otherwise is not None:
                items.append(otherwise(source))
    return items


def _report(of: str, key: str | None, source: object, error: Exception) -> None:
    UNREADABLE_ROWS.labels(of).inc()
    logger.error("row.unreadable", of=of, key=_key_of(source, key), fields=_fields_of(error))


def _key_of(source: object, key: str | None) -> str | None:
    """Return the id of a row, its first one if `key` does not name it: a row of columns begins with that."""
    row: Any = source
    if isinstance(row, Mapping) and isinstance(row.get("found"), Mapping):
        row = row["found"]
    if not isinstance(row, Mapping):
        return None
    return next((str(value) for name, value in row.items() if name == key or (not key and name.endswith("_id"))), None)


def _fields_of(error: Exception) -> list[str]:
    """Return which fields are the reason, without their values, which must not be logged."""
    if not isinstance(error, ValidationError):
        return [type(error).__name__]
    return [".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False, include_url=False)]
