"""Reservations as admins see them (F6)."""

from typing import Literal

from pydantic import Field

from orchestrator.clients.orders.digital_orders import ReservationFacts

LiveStatus = Literal["waiting", "ready", "delivered", "failed", "unknown"]


class ReservationView(ReservationFacts):
    status: LiveStatus = Field(description="What the supplier says now; unknown if it does not respond.")
