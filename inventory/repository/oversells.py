"""The last wall: what the database refuses because a seat would have had two holders or owners."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from common.db.engine import CHECK_VIOLATION, sqlstate_of
from common.errors import Internal
from common.telemetry.logs import get_logger
from inventory.metrics import OVERSELLS

__all__ = ["counting_oversells"]

logger = get_logger(__name__)


@contextmanager
def counting_oversells() -> Iterator[None]:
    """Count a change that the constraints of `seats` refused.

    Raises:
        Internal: they refused one. A seat was not in the state that the statement had checked.
    """
    try:
        yield
    except IntegrityError as error:
        if sqlstate_of(error) != CHECK_VIOLATION:
            raise
        OVERSELLS.inc()
        logger.error("seats.oversell_refused", reason=repr(error.orig))  # noqa: TRY400 - a trace would quote the row
        raise Internal(reason=repr(error.orig)) from error
