"""Lists what a user has in the orders service, without the ids of other users."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pydantic import BaseModel

from common.pages import Cursor, Total
from orders.commissions.repository import CommissionRepository
from orders.commissions.schemas import Commission, PublicVersion, Version
from orders.digital_orders.repository import DigitalOrderRepository
from orders.digital_orders.schemas import DigitalOrder
from orders.earnings.repository import EarningsRepository
from orders.listings.repository import ListingRepository
from orders.listings.schemas import Listing
from orders.listings.status import ListingStatus
from orders.personal_data.repository import PersonalDataRepository
from orders.personal_data.schemas import OpenDeals, Section, SectionName
from orders.purchased_items.repository import PurchasedItemRepository
from orders.purchased_items.schemas import PurchasedItem
from orders.subscriptions.repository import SubscriptionRepository
from orders.ticket_orders.repository import OrderRepository
from orders.ticket_orders.status import OrderStatus
from orders.transfers.repository import TransferRepository
from orders.transfers.schemas import Transfer
from orders.transfers.status import TransferStatus

__all__ = ["PersonalDataService"]

PAGE: Final = 500
PAGE_OF_TEXTS: Final = 20
"""The same of commissions, with the texts of all their versions."""
ENDED_AT_ONCE: Final = 1_000
"""The subscriptions to a performer that one statement ends."""
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
    repository: PersonalDataRepository
    orders: OrderRepository
    transfers: TransferRepository
    listings: ListingRepository
    purchased_items: PurchasedItemRepository
    subscriptions: SubscriptionRepository
    earnings: EarningsRepository
    commissions: CommissionRepository  # with the versions
    digital_orders: DigitalOrderRepository
    wake_relay: Callable[[], None]

    async def section(self, user_id: uuid.UUID, name: SectionName, *, after: Cursor | None) -> Section:
        """Return a part of a section of the export."""
        shown, limit = SHOWN[name], PAGE_OF_TEXTS if name is SectionName.COMMISSIONS else PAGE
        items, total = await self._reads(user_id)[name](limit=limit, offset=0, after=after)
        following = None if total.next is None else str(total.next)
        return Section(items=[shown(item, user_id) for item in items], next=following)

    async def open_deals(self, user_id: uuid.UUID) -> OpenDeals:
        """Count what is not over."""
        reads = self._reads(user_id)
        items = await self.repository.count_open(user_id)
        return OpenDeals(
            orders=await _count(reads[SectionName.ORDERS], OrderStatus.PENDING),
            transfers=await _count(reads[SectionName.TRANSFERS], *OPEN_TRANSFERS),
            listings=await _count(reads[SectionName.LISTINGS], *OPEN_LISTINGS),
            purchased_items=items.unfinished,
            earnings=items.unpaid,
            commissions=items.commissions,
            digital_orders=items.digital_orders,
        )

    async def erase(self, user_id: uuid.UUID) -> None:
        """End the subscriptions of a deleted account, and remove what was written about what its owner bought."""
        await self.subscriptions.end_of_fan(user_id)
        while await self.subscriptions.end_of_performer(user_id, batch=ENDED_AT_ONCE):
            self.wake_relay()
        await self.repository.erase_texts(user_id)

    def _reads(self, user_id: uuid.UUID) -> dict[SectionName, Read]:
        return {
            SectionName.ORDERS: partial(self.orders.page, user_id=user_id, status=None),
            SectionName.TRANSFERS: partial(self.transfers.page, party_user_id=user_id, status=None),
            SectionName.LISTINGS: partial(self.listings.page_of, user_id, status=None),
            SectionName.PURCHASED_ITEMS: partial(self.purchased_items.page_of_buyer, user_id, item_type=None),
            SectionName.SUBSCRIPTIONS: partial(self.subscriptions.page_of, user_id),
            SectionName.SALES: partial(self.purchased_items.page_of_performer, user_id),
            SectionName.EARNINGS: partial(self.earnings.page, user_id),
            SectionName.COMMISSIONS: partial(self.commissions.page, customer_user_id=user_id),
            SectionName.DIGITAL_ORDERS: partial(self.digital_orders.page, buyer_user_id=user_id),
        }


async def _count(read: Read, *statuses: str) -> int:
    totals = [(await read(status=status, limit=1, offset=0))[1].number for status in statuses]
    return sum(totals)


def _whole(item: BaseModel, _: uuid.UUID) -> dict[str, Any]:
    return item.model_dump(mode="json")


def _bought(item: PurchasedItem, _: uuid.UUID) -> dict[str, Any]:
    return item.for_buyer().model_dump(mode="json", exclude={"source_id"})


def _sold(item: PurchasedItem, _: uuid.UUID) -> dict[str, Any]:
    """Return an item that the user sold as a performer; what its buyer wrote is theirs."""
    return item.for_performer().model_dump(mode="json", exclude={"source_id", "idempotency_key", "message"})


def _ordered(commission: Commission, _: uuid.UUID) -> dict[str, Any]:
    versions = {"versions": {"__all__": set(Version.model_fields) - set(PublicVersion.model_fields)}}
    return commission.model_dump(mode="json", exclude={"customer_user_id": True, **versions})


def _goods(order: DigitalOrder, _: uuid.UUID) -> dict[str, Any]:
    return order.public().model_dump(mode="json", exclude={"buyer_user_id"})


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
    SectionName.ORDERS: _whole,
    SectionName.TRANSFERS: _transfer_view,
    SectionName.LISTINGS: _listing_view,
    SectionName.PURCHASED_ITEMS: _bought,
    SectionName.SUBSCRIPTIONS: _whole,
    SectionName.SALES: _sold,
    SectionName.EARNINGS: _whole,
    SectionName.COMMISSIONS: _ordered,
    SectionName.DIGITAL_ORDERS: _goods,
}
