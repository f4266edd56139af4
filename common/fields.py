"""Field types for request bodies. A value that PostgreSQL cannot store is refused with 400."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AnyUrl,
    AwareDatetime,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    UrlConstraints,
)

from common.text import normalized, one_line

__all__ = [
    "DATE_PREFIX",
    "EARLIEST",
    "LATEST",
    "ArticleHtml",
    "HttpUrl",
    "HttpsAddress",
    "HttpsUrl",
    "Instant",
    "Integer",
    "LineText",
    "PlainText",
    "SentText",
    "StoredInstant",
    "is_none",
    "shifted",
    "without_nul",
]

NUL: Final = "\x00"
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)
DATE_PREFIX: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]")
_FIVE_DIGIT_YEAR: Final = re.compile(r"[0-9]{5,}-")
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")


def is_none(value: object) -> bool:
    """Return whether an optional field is left out of the answer: `Field(default=None, exclude_if=is_none)`."""
    return value is None


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


def _in_calendar(moment: datetime) -> datetime:
    # Compared first: the offset of a time near the ends of the calendar may move it out of what a datetime can represent.
    if not EARLIEST <= moment <= LATEST:
        raise ValueError("a time lies between the years 1970 and 9000")
    return moment.astimezone(UTC)


Instant = Annotated[AwareDatetime, BeforeValidator(_require_rfc3339), AfterValidator(_in_calendar)]
"""A time with an offset (RFC 3339) between the years 1970 and 9000, converted to UTC."""


def _nearest(moment: Any) -> Any:
    """Return the nearest time that can be shown for one that PostgreSQL can store and a datetime perhaps not."""
    if isinstance(moment, str):
        moment = _read_stored(moment)
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return min(max(moment, EARLIEST), LATEST)
    return moment


def _read_stored(text: str) -> Any:
    """Read a time of a JSON document of PostgreSQL, whose years are of any length and may be before Christ."""
    if text == "-infinity" or text.endswith("BC"):
        return EARLIEST
    if text == "infinity" or _FIVE_DIGIT_YEAR.match(text):
        return LATEST
    return text


StoredInstant = Annotated[
    AwareDatetime, BeforeValidator(_nearest), AfterValidator(lambda moment: _nearest(moment).astimezone(UTC))
]
"""A stored time, in UTC. One beyond 1970 to 9000, which earlier releases accepted, is shown as the nearer of them."""


def shifted(moment: datetime, by: timedelta) -> datetime:
    """Return the sum of an aware time and `by`, or the first or last moment that a datetime can have."""
    try:
        return moment + by
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if by > timedelta() else datetime.min.replace(tzinfo=UTC)


SentText = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(without_nul)]
"""Text that another service sends, as it sends it: a repeated request must keep its fingerprint."""

ArticleHtml = Annotated[SentText, Field(min_length=1, max_length=200_000)]
"""The text of an article or of a version of it. Each backlink makes it longer."""

PlainText = Annotated[SentText, AfterValidator(normalized)]
"""Text in NFC without surrounding whitespace; add a length with `Field`."""

LineText = Annotated[PlainText, AfterValidator(one_line)]
"""Text that is shown on one line, such as a name, without control characters and marks of direction."""


def _require_digits(number: Any) -> Any:
    """Refuse what Python takes for an integer beside ASCII digits, such as `1_000`, `+5`, blanks, and true."""
    if isinstance(number, bool) or (isinstance(number, str) and not _INTEGER.fullmatch(number)):
        raise ValueError("an integer has digits only")
    return number


Integer = Annotated[int, BeforeValidator(_require_digits)]
"""An integer of a client."""


_HTTPS: Final[TypeAdapter[AnyUrl]] = TypeAdapter(
    Annotated[AnyUrl, UrlConstraints(allowed_schemes=["https"], host_required=True)]
)
_HTTP: Final[TypeAdapter[AnyUrl]] = TypeAdapter(
    Annotated[AnyUrl, UrlConstraints(allowed_schemes=["http", "https"], host_required=True)]
)


def _require_https(text: str) -> str:
    return _without_user(_HTTPS.validate_python(text))


def _require_http(text: str) -> str:
    return _without_user(_HTTP.validate_python(text))


def _without_user(url: AnyUrl) -> str:
    if url.username or url.password:
        raise ValueError("an address names no user")
    return str(url)


HttpsAddress = Annotated[LineText, AfterValidator(_require_https)]
"""An https address in its normal form, which may be longer than what was sent; add a length with `Field`."""

HttpsUrl = Annotated[HttpsAddress, Field(max_length=500, examples=["https://images.example.com/1.jpg"])]
"""The address of something that browsers load."""

HttpUrl = Annotated[
    LineText, AfterValidator(_require_http), Field(max_length=2_000, examples=["https://sponsor.example.com/tour"])
]
"""The address of a page that a text links to, in its normal form."""
