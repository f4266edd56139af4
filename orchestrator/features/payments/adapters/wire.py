"""Reading what providers send: they may add fields at any time, and their accounts may serve others than us."""

import uuid
from contextlib import suppress
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

__all__ = ["Label", "OwnId", "Wire"]


Label = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,255}$")]
"""An id or the name of a type: short, and without what PostgreSQL's text cannot hold."""


class Wire(BaseModel):
    # Their ids are numbers in some places and text in others.
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


def _uuid_or_none(value: Any) -> uuid.UUID | None:
    with suppress(ValueError):
        return uuid.UUID(str(value))
    return None


OwnId = Annotated[uuid.UUID | None, BeforeValidator(_uuid_or_none)]
"""An id that we gave away; None when somebody else put something else there."""
