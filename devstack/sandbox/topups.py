"""Free credits: the sandbox calls the ledger as the webhook of a payment provider does."""

from typing import Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter
from pydantic import BaseModel, Field

from common.http.client import ServiceClient
from common.http.envelope import Success, success
from common.money import PositiveMoney

__all__ = ["topup_routes"]

PROVIDER: Final = "sandbox"


class TopUp(BaseModel):
    user_id: UUID
    amount: PositiveMoney
    request_id: UUID = Field(default_factory=uuid4, description="A repeated id adds the credits only once.")


def topup_routes(users: ServiceClient) -> APIRouter:
    router = APIRouter(tags=["Credits"])

    @router.post("/topups", status_code=201)
    async def top_up(body: TopUp) -> Success[dict[str, Any]]:
        """Add credits to a fan's wallet."""
        call = body.model_dump(mode="json") | {"provider": PROVIDER, "reference": "a top-up in the sandbox"}
        return success(await users.post("/internal/ledger/top-up", call))

    return router
