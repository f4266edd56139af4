"""Models of what providers send. They may add fields at any time, and their accounts may have other uses."""

import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from common.fields import EARLIEST, LATEST

Label = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,255}$")]
"""An id or a type: short printable ASCII, which PostgreSQL's text can hold."""


class ProviderModel(BaseModel):
    # Providers send ids as numbers in some places and as text in others.
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


def _uuid_or_none(value: Any) -> uuid.UUID | None:
    with suppress(ValueError):
        return uuid.UUID(str(value))
    return None


def _none_beyond_the_calendar(moment: Any, read: ValidatorFunctionWrapHandler) -> datetime | None:
    with suppress(ValidationError, OverflowError):
        instant: datetime | None = read(moment)
        if instant is not None and instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        if instant is not None and EARLIEST <= instant <= LATEST:
            return instant
    return None


Moment = Annotated[datetime | None, WrapValidator(_none_beyond_the_calendar)]
"""A time, in UTC if it has no offset; None if it is not between 1970 and 9000: a payment counts whenever it was made."""

OwnId = Annotated[uuid.UUID | None, BeforeValidator(_uuid_or_none)]
"""An id that the platform gave to the provider; None if the field has another value."""
