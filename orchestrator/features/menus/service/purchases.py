"""Fans buy items of menus, at once or in the performer's queue (M3)."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from common.auth.principal import Principal
from common.pages import MAX_COUNTED, Total
from orchestrator.clients import Clients
from orchestrator.clients.orders.purchased_items import ExecutionMode, ItemType, PurchasedItemFacts
from orchestrator.clients.performers import MenuItemFacts, MenuKind
from orchestrator.features.menus.errors import MenuAccessDenied
from orchestrator.features.menus.saga import QueuedMenuItem
from orchestrator.features.menus.schemas import MenuPurchase, MenuPurchased, MenuPurchaseRequest
from orchestrator.features.menus.service.menus import MenuService
from orchestrator.features.purchased_items.errors import ItemNotFound
from orchestrator.features.purchased_items.models import ITEM_PURCHASE, QUEUED_MENU_ITEM, ItemSaga
from orchestrator.features.purchased_items.service import ItemPurchaseService, ItemRequest, device_of, new_item

__all__ = ["MenuPurchaseService"]

OPERATION: Final = "menu purchase"


@dataclass(frozen=True, slots=True)
class MenuPurchaseService:
    """Args: item_ttl: how long a performer has to complete an item (M3: 7 days)."""

    clients: Clients
    purchases: ItemPurchaseService
    menus: MenuService
    item_ttl: timedelta

    async def buy(
        self, request: MenuPurchaseRequest, *, buyer: Principal, key: str | None, address: str
    ) -> MenuPurchased:
        """Buy an item: with the queue off the credits move now, with the queue on they wait in escrow.

        Raises:
            NotFound: MENU_NOT_FOUND, ITEM_NOT_FOUND, PERFORMER_NOT_FOUND.
            Forbidden: MENU_ACCESS_DENIED.
            ServiceError: as `ItemPurchaseService.offer` and `ItemPurchaseService.start`.
        """
        wanted = ItemRequest(
            operation=OPERATION,
            buyer_user_id=buyer.user_id,
            item_type=ItemType.MENU,
            offer_id=request.menu_item_id,
            content=request.model_dump(mode="json"),
            key=key,
            item_key=request.idempotency_key,
            address=address,
        )

        async def prepare(saga_id: uuid.UUID) -> ItemSaga:
            return self._sale(saga_id, await self._offer(request, buyer=buyer), wanted, message=request.message)

        return _purchased(await self.purchases.start(_kind_of, prepare, wanted))

    async def history(self, buyer_user_id: uuid.UUID, *, limit: int, offset: int) -> tuple[list[MenuPurchase], Total]:
        """Return a page of a buyer's purchases from menus, newest first, and the number of all."""
        items, total = await self.clients.purchased_items.bought(
            buyer_user_id, item_type=ItemType.MENU, limit=limit, offset=min(offset, MAX_COUNTED)
        )
        return [MenuPurchase.of(item) for item in items], Total(total, is_exact=total < MAX_COUNTED)

    async def show(self, purchase_id: uuid.UUID, *, caller: Principal) -> MenuPurchase:
        """Return a purchase of the caller, or of any buyer for an admin.

        Raises:
            NotFound: ITEM_NOT_FOUND, also for another buyer's.
        """
        return MenuPurchase.of(await self._find(purchase_id, caller=caller))

    async def cancel(self, purchase_id: uuid.UUID, *, caller: Principal) -> MenuPurchase:
        """Cancel a pending purchase of the caller, and return the credits; cancelling twice is the same as once.

        Raises:
            NotFound: ITEM_NOT_FOUND, also for another buyer's.
            Conflict: ITEM_INVALID_STATE, its performance has begun or it has ended; REQUEST_IN_PROGRESS.
            StillRunning: it exceeds the request's budget.
        """
        item = await self._find(purchase_id, caller=caller)
        await self.purchases.cancel(item.purchased_item_id, buyer_user_id=caller.user_id)
        return MenuPurchase.of(await self.clients.purchased_items.find(purchase_id))

    async def _find(self, purchase_id: uuid.UUID, *, caller: Principal) -> PurchasedItemFacts:
        item = await self.clients.purchased_items.find(purchase_id)
        if item.type is not ItemType.MENU or not caller.may_act_for(item.buyer_user_id):
            raise ItemNotFound
        return item

    async def _offer(self, request: MenuPurchaseRequest, *, buyer: Principal) -> MenuItemFacts:
        offer = await self.purchases.offer(request.menu_item_id, kind=MenuKind.PERFORMANCE, buyer_user_id=buyer.user_id)
        if offer.menu_id != request.menu_id:
            await self.menus.show(request.menu_id, reader=buyer)  # raises if there is no such menu for this buyer
            raise ItemNotFound
        is_open = await self.menus.is_open(
            offer.visibility,
            performer_id=offer.performer.performer_id,
            is_whitelisted=offer.is_whitelisted,
            reader=buyer,
        )
        if not is_open:
            raise MenuAccessDenied
        return offer

    def _sale(self, saga_id: uuid.UUID, offer: MenuItemFacts, wanted: ItemRequest, *, message: str) -> ItemSaga:
        mode = ExecutionMode.QUEUED if offer.is_queued else ExecutionMode.IMMEDIATE
        sale = ItemSaga(
            saga_id=saga_id,
            item=new_item(saga_id, offer, wanted, execution_mode=mode, message=message),
            proof_reference=wanted.proof_reference,
            device=device_of(saga_id, offer),
        )
        if not offer.is_queued:
            return sale
        return QueuedMenuItem(**dict(sale), expires_at=datetime.now(UTC) + self.item_ttl)


def _kind_of(sale: ItemSaga) -> str:
    return QUEUED_MENU_ITEM if isinstance(sale, QueuedMenuItem) else ITEM_PURCHASE


def _purchased(sale: ItemSaga) -> MenuPurchased:
    item, place = sale.item, sale.place
    is_queued = isinstance(sale, QueuedMenuItem)
    return MenuPurchased(
        purchase_id=item.purchased_item_id,
        transaction_type="queued" if is_queued else "immediate",
        status="pending" if is_queued else "completed",
        token_value=item.price,
        loyalty_points_awarded=item.bonus_points,
        loyalty_points_status="pending" if is_queued else "awarded",
        queue_position=place.queue_position if place else None,
        estimated_wait_minutes=place.estimated_wait_minutes if place else None,
    )
