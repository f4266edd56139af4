"""Field types every service's bodies share: what PostgreSQL cannot store is refused at the edge, with a 400."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, StringConstraints

__all__ = ["Instant", "PlainText", "without_nul"]

NUL: Final = "\x00"


def without_nul(text: str) -> str:
    """Return the text.

    Raises:
        ValueError: it holds a NUL character, which PostgreSQL's text cannot.
    """
    if NUL in text:
        raise ValueError("a text must not hold a NUL character")
    return text


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # the first or last hours of the calendar, moved over its edge by their offset
        raise ValueError("that moment is outside the calendar") from error


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment with its offset (RFC 3339), in UTC from here on."""

PlainText = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(without_nul)]
"""Text without surrounding blanks; add a length with `Field`."""
