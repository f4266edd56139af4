"""Routes with which users and tests control and query the sandbox."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from devstack.sandbox.faults import Fault, Faults
from devstack.sandbox.otp import OtpProvider

__all__ = ["control_routes"]

LONGEST_DELAY_SECONDS = 120


class UseCode(BaseModel):
    mobile: str
    code: str = Field(min_length=1, max_length=10)


class Phone(BaseModel):
    mobile: str


class AddFault(BaseModel):
    """With ``status`` null calls are only delayed; with ``times`` null the fault lasts until it is cleared.

    The path ``SMTP`` is for email; its status is the code of the SMTP reply, such as 451 or 550.
    """

    path: str = Field(examples=["/SendOTP"])
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    delay_seconds: float = Field(default=0, ge=0, le=LONGEST_DELAY_SECONDS)
    times: Annotated[int, Field(gt=0)] | None = None


def control_routes(provider: OtpProvider, faults: Faults) -> APIRouter:
    router = APIRouter(prefix="/control", tags=["Control"])

    @router.post("/otp", status_code=204)
    async def use_code(body: UseCode) -> None:
        """Send the given code to this phone from now on."""
        provider.use_code(mobile=body.mobile, code=body.code)

    @router.post("/otp/expire", status_code=204)
    async def expire(body: Phone) -> None:
        """Expire every code sent to this phone."""
        provider.expire(body.mobile)

    @router.get("/sent")
    async def list_sent(mobile: str | None = None) -> list[dict[str, Any]]:
        """List sent codes and text messages, oldest first, to one phone or to all."""
        return [asdict(message) for message in provider.sent_to(mobile)]

    @router.post("/faults", status_code=204)
    async def add_fault(body: AddFault) -> None:
        """Make calls of one path fail or delay them."""
        faults.add(body.path, Fault(status=body.status, delay_seconds=body.delay_seconds, calls_left=body.times))

    @router.delete("/faults", status_code=204)
    async def clear_faults() -> None:
        faults.clear()

    return router
