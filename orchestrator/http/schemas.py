"""Models that several features' requests and answers share."""

import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from common.fields import PlainText

OtpCode = Annotated[PlainText, Field(min_length=4, max_length=12, examples=["123456"])]


class InProgress(BaseModel):
    """The saga continues in the background; poll for its result."""

    saga_id: uuid.UUID
    status: Literal["PROCESSING"] = "PROCESSING"
