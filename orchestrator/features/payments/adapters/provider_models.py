"""Models of what providers send. They may add fields at any time, and their accounts may have other uses."""

import uuid
from contextlib import suppress
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

Label = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,255}$")]
"""An id or a type: short printable ASCII, which PostgreSQL's text can hold."""


class ProviderModel(BaseModel):
    # Providers send ids as numbers in some places and as text in others.
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


def _uuid_or_none(value: Any) -> uuid.UUID | None:
    with suppress(ValueError):
        return uuid.UUID(str(value))
    return None


OwnId = Annotated[uuid.UUID | None, BeforeValidator(_uuid_or_none)]
"""An id that the platform gave to the provider; None if the field has another value."""
