"""Performers' devices: the API that they are reached by, and what each one did."""

from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from html import escape
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Depends, Header
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field, model_validator

from devstack.sandbox.faults import Faults
from devstack.sandbox.page import page

__all__ = ["Devices", "device_routes"]

KEPT: Final = 1_000


class Command(BaseModel):
    """A pattern, or a strength; not both."""

    uid: str = Field(min_length=1, max_length=100)
    pattern: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    strength: Annotated[int, Field(ge=1, le=20)] | None = None
    seconds: int = Field(ge=1, le=600)

    @model_validator(mode="after")
    def _require_one(self) -> Self:
        if (self.pattern is None) == (self.strength is None):
            raise ValueError("give a pattern or a strength")
        return self


@dataclass(frozen=True, slots=True)
class Activation:
    """What a device did."""

    uid: str
    pattern: str | None
    strength: int | None
    seconds: int
    command_id: str
    at: datetime


class Devices:
    """Every device that a command names; the latest thousand activations are kept."""

    def __init__(self) -> None:
        self._activations: deque[Activation] = deque(maxlen=KEPT)

    def run(self, command: Command, *, command_id: str) -> None:
        """Run a command; a repeated id, unless it is empty, does nothing."""
        if command_id and any(known.command_id == command_id for known in self._activations):
            return
        self._activations.append(Activation(**command.model_dump(), command_id=command_id, at=datetime.now(UTC)))

    def activations(self, uid: str | None) -> list[Activation]:
        """Return what one device did, or all of them, oldest first."""
        return [activation for activation in self._activations if uid in {None, activation.uid}]


def device_routes(devices: Devices, faults: Faults) -> APIRouter:
    router = APIRouter(tags=["Devices"])

    @router.post("/command", status_code=204, dependencies=[Depends(faults.inject)])
    async def run_command(body: Command, idempotency_key: Annotated[str, Header()] = "") -> None:
        devices.run(body, command_id=idempotency_key)

    @router.get("/control/devices")
    async def list_activations(uid: str | None = None) -> list[dict[str, Any]]:
        """List what the devices did, oldest first; with `uid`, one device."""
        return [asdict(activation) for activation in devices.activations(uid)]

    @router.get("/devices", include_in_schema=False)
    async def show_activations() -> HTMLResponse:
        return HTMLResponse(page("Devices", _listing(devices.activations(None)[::-1])))

    return router


def _listing(activations: list[Activation]) -> str:
    if not activations:
        return "<p>No device has done anything yet.</p>"
    rows = "".join(
        f"<tr><td>{done.at:%H:%M:%S}</td><td>{escape(done.uid)}</td>"
        f"<td>{escape(done.pattern or f'strength {done.strength}')}</td><td>{done.seconds} s</td></tr>"
        for done in activations
    )
    return f"<table><tr><th>Time (UTC)</th><th>Device</th><th>What</th><th>For</th></tr>{rows}</table>"
