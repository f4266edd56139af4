"""What the users, the orders and the events service store of a user, for exports and deletions."""

import uuid
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from common.http.client import ServiceClient
from common.money import Money

__all__ = ["OF_EVENTS", "OF_ORDERS", "PersonalDataClient"]

PATH: Final = "/internal/personal-data"
OF_ORDERS: Final = (
    "orders", "transfers", "listings", "purchased_items", "subscriptions", "sales", "earnings", "commissions",
    "digital_orders",
)  # fmt: skip
OF_EVENTS: Final = ("performers", "menus", "whitelists", "articles")


class Holdings(BaseModel):
    """What an account has: credits, credits in escrow or to be paid out, a debt, open payments, roles beyond a customer's.

    A users service of an earlier release sends no `payments` or no `pending_earnings`.
    """

    model_config = ConfigDict(extra="ignore")

    credits: Money
    held: Money
    pending_earnings: Money = Decimal(0)
    owed: Money
    payments: int = 0
    roles: list[str]


class OpenDeals(BaseModel):
    """How many orders wait for payment, transfers are not decided, and listings are not over.

    Also items bought from performers, or sold by one, that are not over, and items that are not paid out to the performer;
    and articles, backlinks and digital goods that are ordered and not over. An orders service of the previous release has none.
    """

    model_config = ConfigDict(extra="ignore")

    orders: int
    transfers: int
    listings: int
    purchased_items: int = 0
    earnings: int = 0
    commissions: int = 0
    digital_orders: int = 0


class PersonalDataClient:
    def __init__(self, *, users: ServiceClient, orders: ServiceClient, events: ServiceClient) -> None:
        self._users = users
        self._orders = orders
        self._events = events

    async def begin_export(self, user_id: uuid.UUID) -> dict[str, Any]:
        """Count an export and return the profile.

        Raises:
            TooManyRequests: RATE_LIMITED.
            NotFound: USER_NOT_FOUND.
        """
        return dict(await self._users.post(f"{PATH}/{user_id}/export", {}))

    async def section(
        self, user_id: uuid.UUID, name: str, *, after: str | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Return a part of a section, newest first, and where the next part begins; None after the last one."""
        service = self._orders if name in OF_ORDERS else self._events if name in OF_EVENTS else self._users
        answer = await service.get(f"{PATH}/{user_id}/{name}", None if after is None else {"after": after})
        return answer["items"], answer["next"]

    async def holdings(self, user_id: uuid.UUID) -> Holdings:
        """Return what the account has; of an unknown or deleted one: USER_NOT_FOUND."""
        return Holdings.model_validate(await self._users.get(f"{PATH}/{user_id}/holdings"))

    async def open_deals(self, user_id: uuid.UUID) -> OpenDeals:
        return OpenDeals.model_validate(await self._orders.get(f"{PATH}/{user_id}/open-deals"))

    async def erase(self, user_id: uuid.UUID) -> None:
        """Remove what orders and events store of a deleted account beside its id. It may be repeated."""
        for service in (self._events, self._orders):
            await service.post(f"{PATH}/{user_id}/erase", {})

    async def delete_account(
        self, user_id: uuid.UUID, *, current_password: str, forfeits: bool, tickets: int
    ) -> Decimal:
        """Delete the account, and return the credits that are forfeited. An account that is gone forfeits none.

        Raises:
            Forbidden: PASSWORD_INVALID.
            Conflict: ACCOUNT_IN_USE.
            TooManyRequests: RATE_LIMITED.
        """
        body = {
            "user_id": user_id,
            "current_password": current_password,
            "forfeits": forfeits,
            "tickets": tickets,
        }
        return Decimal((await self._users.post(f"{PATH}/delete", body))["credits_forfeited"])
