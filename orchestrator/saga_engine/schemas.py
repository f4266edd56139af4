"""Sagas as an admin sees them."""

import uuid
from datetime import datetime

from pydantic import BaseModel

__all__ = ["SagaRetried", "SagaView"]


class SagaView(BaseModel):
    """`step` names where it stands; `error_code` and `error_step` say why it unwinds or is stuck."""

    saga_id: uuid.UUID
    kind: str
    state: str
    step: str
    requested_by: uuid.UUID
    attempts: int
    error_code: str | None
    error_step: str | None
    correlation_id: str
    created_at: datetime
    updated_at: datetime


class SagaRetried(BaseModel):
    saga_id: uuid.UUID
    state: str
