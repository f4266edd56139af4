"""Reservations as admins see them (F6)."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from orchestrator.clients.orders.digital_orders import DigitalOrderStatus

LiveStatus = Literal["waiting", "ready", "delivered", "failed", "unknown"]


class ReservationView(BaseModel):
    order_id: uuid.UUID
    item_id: uuid.UUID
    reservation_id: str
    status: LiveStatus = Field(description="What the supplier says now; unknown if it does not respond.")
    order_status: DigitalOrderStatus
    created_at: datetime
