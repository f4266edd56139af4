"""Sagas as the admin routes show them."""

import uuid
from datetime import datetime

from pydantic import BaseModel


class SagaView(BaseModel):
    """`step` is the stored step. `error_code` and `error_step` say why the saga unwinds, `stuck_code` why it is stuck."""

    saga_id: uuid.UUID
    kind: str
    state: str
    step: str
    requested_by: uuid.UUID
    attempts: int
    error_code: str | None
    error_step: str | None
    stuck_code: str | None
    correlation_id: str
    created_at: datetime
    updated_at: datetime


class SagaRetried(BaseModel):
    saga_id: uuid.UUID
    state: str


class SagasMadeDue(BaseModel):
    """`made_due` is the number of stuck sagas that are tried again now."""

    made_due: int
