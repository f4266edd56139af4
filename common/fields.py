"""Field types every service's bodies share: what PostgreSQL cannot store is refused at the edge, with a 400."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, StringConstraints

__all__ = ["Instant", "PlainText", "without_nul"]

NUL: Final = "\x00"
STARTS_WITH_A_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]")


def without_nul(text: str) -> str:
    """Return the text.

    Raises:
        ValueError: it holds a NUL character, which PostgreSQL's text cannot.
    """
    if NUL in text:
        raise ValueError("a text must not hold a NUL character")
    return text


def _written_out(moment: Any) -> Any:
    """Refuse seconds since 1970, which pydantic would take, and a fan cannot have meant."""
    if isinstance(moment, datetime) or (isinstance(moment, str) and STARTS_WITH_A_DATE.match(moment)):
        return moment
    raise ValueError("a moment is written as 2027-03-20T12:00:00Z")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # the first or last hours of the calendar, moved over its edge by their offset
        raise ValueError("that moment is outside the calendar") from error


Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""A moment with its offset (RFC 3339), in UTC from here on."""

PlainText = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(without_nul)]
"""Text without surrounding blanks; add a length with `Field`."""
