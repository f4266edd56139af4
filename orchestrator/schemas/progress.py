"""What is answered while a saga needs longer than its request may."""

import uuid
from typing import Literal

from pydantic import BaseModel

__all__ = ["InProgress"]


class InProgress(BaseModel):
    """The work goes on by itself; look again in a moment."""

    saga_id: uuid.UUID
    status: Literal["PROCESSING"] = "PROCESSING"
