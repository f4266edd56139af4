"""Counts and reports changes that the database refuses because a seat would get two holders or owners."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from common.db.engine import CHECK_VIOLATION, sqlstate_of
from common.errors import Internal
from common.telemetry.logs import get_logger
from inventory.metrics import OVERSELLS

__all__ = ["oversell_guard"]

logger = get_logger(__name__)


@contextmanager
def oversell_guard() -> Iterator[None]:
    """Count a change that the constraints of `seats` refuse.

    Raises:
        Internal: they refused one, because a seat's state was not the one that the statement had checked.
    """
    try:
        yield
    except IntegrityError as error:
        if sqlstate_of(error) != CHECK_VIOLATION:
            raise
        OVERSELLS.inc()
        logger.error("seats.oversell_prevented", reason=repr(error.orig))  # noqa: TRY400 - a trace would quote the row
        raise Internal(reason=repr(error.orig)) from error
