"""Field types for request bodies. A value that PostgreSQL cannot store is refused with 400."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, StringConstraints

__all__ = ["DATE_PREFIX", "CalendarInstant", "Instant", "PlainText", "shifted", "without_nul"]

NUL: Final = "\x00"
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)
DATE_PREFIX: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]")


def without_nul(text: str) -> str:
    """Return the text.

    Raises:
        ValueError: it contains a NUL character, which PostgreSQL's text cannot store.
    """
    if NUL in text:
        raise ValueError("a text must not contain a NUL character")
    return text


def _require_rfc3339(moment: Any) -> Any:
    """Refuse seconds since 1970, which pydantic would accept."""
    if isinstance(moment, datetime) or (isinstance(moment, str) and DATE_PREFIX.match(moment)):
        return moment
    raise ValueError("a time is written as 2027-03-20T12:00:00Z")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # the offset moves it before year 1 or after year 9999
        raise ValueError("that time is out of range") from error


Instant = Annotated[AwareDatetime, BeforeValidator(_require_rfc3339), AfterValidator(_in_utc)]
"""A time with an offset (RFC 3339), converted to UTC."""


def _in_calendar(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise ValueError("a time lies between the years 1970 and 9000")
    return moment


CalendarInstant = Annotated[Instant, AfterValidator(_in_calendar)]
"""An `Instant` between the years 1970 and 9000, so that days can be added and subtracted."""


def shifted(moment: datetime, by: timedelta) -> datetime:
    """Return the sum of an aware time and `by`, or the first or last moment that a datetime can have."""
    try:
        return moment + by
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if by > timedelta() else datetime.min.replace(tzinfo=UTC)


PlainText = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(without_nul)]
"""Text without surrounding whitespace; add a length with `Field`."""
