"""Lists what a user has in the orders service, without the ids of other users."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from common.pages import Cursor, Total
from orders.listings.repository import ListingRepository
from orders.listings.schemas import Listing
from orders.listings.status import ListingStatus
from orders.personal_data.schemas import OpenDeals, Section, SectionName
from orders.ticket_orders.repository import OrderRepository
from orders.ticket_orders.status import OrderStatus
from orders.transfers.repository import TransferRepository
from orders.transfers.schemas import Transfer
from orders.transfers.status import TransferStatus

__all__ = ["PersonalDataService"]

PAGE: Final = 500
OPEN_TRANSFERS: Final = (TransferStatus.PENDING_OTP, TransferStatus.DISPUTED, TransferStatus.REVERSING)
OPEN_LISTINGS: Final = (
    ListingStatus.OPENING,
    ListingStatus.ACTIVE,
    ListingStatus.PENDING_TRANSFER,
    ListingStatus.WITHDRAWING,
)

Read = Callable[..., Awaitable[tuple[list[Any], Total]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalDataService:
    orders: OrderRepository
    transfers: TransferRepository
    listings: ListingRepository

    async def section(self, user_id: uuid.UUID, name: SectionName, *, after: Cursor | None) -> Section:
        """Return a part of a section of the export."""
        shown = SHOWN[name]
        items, total = await self._reads(user_id)[name](status=None, limit=PAGE, offset=0, after=after)
        following = None if total.next is None else str(total.next)
        return Section(items=[shown(item, user_id) for item in items], next=following)

    async def open_deals(self, user_id: uuid.UUID) -> OpenDeals:
        """Count what is not over."""
        reads = self._reads(user_id)
        return OpenDeals(
            orders=await _count(reads[SectionName.ORDERS], OrderStatus.PENDING),
            transfers=await _count(reads[SectionName.TRANSFERS], *OPEN_TRANSFERS),
            listings=await _count(reads[SectionName.LISTINGS], *OPEN_LISTINGS),
        )

    def _reads(self, user_id: uuid.UUID) -> dict[SectionName, Read]:
        def orders(**page: Any) -> Awaitable[tuple[list[Any], Total]]:
            return self.orders.page(user_id=user_id, **page)

        def transfers(**page: Any) -> Awaitable[tuple[list[Any], Total]]:
            return self.transfers.page(party_user_id=user_id, **page)

        def listings(**page: Any) -> Awaitable[tuple[list[Any], Total]]:
            return self.listings.page_of(user_id, **page)

        return {SectionName.ORDERS: orders, SectionName.TRANSFERS: transfers, SectionName.LISTINGS: listings}


async def _count(read: Read, *statuses: str) -> int:
    totals = [(await read(status=status, limit=1, offset=0))[1].number for status in statuses]
    return sum(totals)


def _order_view(order: BaseModel, _: uuid.UUID) -> dict[str, Any]:
    return order.model_dump(mode="json")


def _transfer_view(transfer: Transfer, user_id: uuid.UUID) -> dict[str, Any]:
    """Return the transfer with the user's part in it; what the other party wrote of a dispute is theirs."""
    own_dispute = transfer.disputed_by_user_id == user_id
    hidden = {"seller_user_id", "buyer_user_id", "initiated_by_user_id", "disputed_by_user_id"}
    return {
        **transfer.model_dump(mode="json", exclude=hidden | (set() if own_dispute else {"dispute_reason"})),
        "role": "seller" if transfer.seller_user_id == user_id else "buyer",
        "is_own_initiative": transfer.initiated_by_user_id == user_id,
    }


def _listing_view(listing: Listing, user_id: uuid.UUID) -> dict[str, Any]:
    return {
        **listing.model_dump(mode="json", exclude={"seller_user_id", "buyer_user_id"}),
        "role": "seller" if listing.seller_user_id == user_id else "buyer",
    }


SHOWN: Final[dict[SectionName, Callable[[Any, uuid.UUID], dict[str, Any]]]] = {
    SectionName.ORDERS: _order_view,
    SectionName.TRANSFERS: _transfer_view,
    SectionName.LISTINGS: _listing_view,
}
