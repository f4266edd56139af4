"""Fans subscribe to performers, 30 days at a time (M2)."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from common.errors import Busy, ServiceError
from orchestrator.clients import Clients
from orchestrator.clients.orders.purchased_items import ItemType
from orchestrator.clients.orders.subscriptions import SubscriptionFacts
from orchestrator.features.purchased_items.errors import ItemInactive
from orchestrator.features.purchased_items.models import ITEM_PURCHASE, ItemSaga
from orchestrator.features.purchased_items.service import ItemPurchaseService, ItemRequest
from orchestrator.features.subscriptions.models import PERIOD_TAKEN, new_period, period_key
from orchestrator.features.subscriptions.schemas import Subscribed

__all__ = ["SubscriptionService"]

OPERATION: Final = "subscribe"


class AlreadySubscribed(Exception):
    """Nothing is to be paid: the fan has an active subscription that renews."""


@dataclass(frozen=True, slots=True)
class SubscriptionService:
    clients: Clients
    purchases: ItemPurchaseService

    async def subscribe(
        self, performer_id: uuid.UUID, *, fan_id: uuid.UUID, key: str | None, address: str
    ) -> Subscribed:
        """Pay a period at the performer's price, unless the subscription is active; one that was cancelled renews again.

        Raises:
            NotFound: PERFORMER_NOT_FOUND.
            Conflict: ITEM_INACTIVE, the performer has no subscription; REQUEST_IN_PROGRESS, the period is being paid.
            ServiceError: as `ItemPurchaseService.performer` and `ItemPurchaseService.start`.
        """
        known = await self.clients.subscriptions.find(fan_id, performer_id=performer_id)
        number = 0 if known is None else known.periods
        request = ItemRequest(
            operation=OPERATION,
            buyer_user_id=fan_id,
            item_type=ItemType.SUBSCRIPTION,
            offer_id=performer_id,
            content={"performer_id": performer_id},
            key=key,
            item_key=period_key(performer_id, number=number),
            address=address,
        )

        async def prepare(saga_id: uuid.UUID) -> ItemSaga:
            if await self._is_kept(known):
                raise AlreadySubscribed
            return await self._period(saga_id, request, number=number)

        charged = Decimal(0)
        try:
            charged = (await self.purchases.start(ITEM_PURCHASE, prepare, request)).item.price
        except AlreadySubscribed:
            pass
        except ServiceError as refusal:
            if refusal.code != PERIOD_TAKEN:
                raise
        return await self._subscription(fan_id, performer_id, charged=charged)

    async def _is_kept(self, known: SubscriptionFacts | None) -> bool:
        """Return whether a subscription is active, and let it renew."""
        if known is None or not known.is_active:
            return False
        if not known.renews:
            await self.clients.subscriptions.resume(known.subscription_id)
        return True

    async def _period(self, saga_id: uuid.UUID, request: ItemRequest, *, number: int) -> ItemSaga:
        performer = await self.purchases.performer(request.offer_id, buyer_user_id=request.buyer_user_id)
        if performer.subscription_price is None:
            raise ItemInactive
        item = new_period(
            saga_id,
            performer,
            buyer_user_id=request.buyer_user_id,
            price=performer.subscription_price,
            number=number,
        )
        return ItemSaga(saga_id=saga_id, item=item, proof_reference=request.proof_reference)

    async def _subscription(self, fan_id: uuid.UUID, performer_id: uuid.UUID, *, charged: Decimal) -> Subscribed:
        subscription = await self.clients.subscriptions.find(fan_id, performer_id=performer_id)
        if subscription is None or not subscription.is_active:
            raise Busy(retry_after_seconds=1)  # another request, or a renewal, is paying the period
        return Subscribed.of(subscription, charged=charged)
