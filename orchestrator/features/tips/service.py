"""Tips: now, or in the performer's queue."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import InvalidRequest
from orchestrator.clients.orders.purchased_items import ExecutionMode, ItemType
from orchestrator.clients.performers import MenuKind
from orchestrator.features.purchased_items.models import FUNDED_TIP, ITEM_PURCHASE, QUEUED_TIP, ItemSaga
from orchestrator.features.purchased_items.service import ItemPurchaseService, ItemRequest, device_of, new_item
from orchestrator.features.tips.models import QueuedTip
from orchestrator.features.tips.saga import queue_request_id_of
from orchestrator.features.tips.schemas import TipBought, TipQueued, TipRequest

LONGEST_SCHEDULE: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class TipService:
    """Args: time_to_perform: how long after its time a queued tip may still be performed."""

    purchases: ItemPurchaseService
    time_to_perform: timedelta

    async def buy(
        self, tip: TipRequest, *, buyer_id: uuid.UUID, key: str | None, address: str
    ) -> TipBought | TipQueued:
        """Tip a performer: the credits have moved when this returns, or the tip is in the queue.

        Args:
            key: the header `Idempotency-Key`.

        Raises:
            InvalidRequest: SELF_PURCHASE; DUPLICATE_REQUEST; VALIDATION_ERROR, it is scheduled for the past or for later
                than in 30 days.
            NotFound: PERFORMER_NOT_FOUND, ITEM_NOT_FOUND.
            Conflict: ITEM_INACTIVE, DAILY_LIMIT_REACHED, REQUEST_IN_PROGRESS.
            PaymentRequired: INSUFFICIENT_CREDITS.
            PreconditionRequired: OTP_REQUIRED; a flagged buyer was sent a code.
            Forbidden: ACCOUNT_SUSPENDED.
            StillRunning: it exceeds the request's budget.
        """
        request = ItemRequest(
            operation="tip",
            buyer_user_id=buyer_id,
            item_type=ItemType.TIP,
            offer_id=tip.tip_menu_item_id,
            content=tip.model_dump(mode="json"),
            key=key,
            item_key=tip.idempotency_key,
            address=address,
        )
        sale = await self.purchases.start(_kind_of, lambda saga_id: self._sale(saga_id, tip, request), request)
        if sale.item.queue_request_id is None or sale.place is None:
            return TipBought(transaction_id=sale.saga_id, purchased_item_id=sale.saga_id)
        return TipQueued(
            queue_request_id=sale.item.queue_request_id,
            purchased_item_id=sale.saga_id,
            queue_position=sale.place.queue_position,
        )

    async def _sale(self, saga_id: uuid.UUID, tip: TipRequest, request: ItemRequest) -> ItemSaga:
        now = datetime.now(UTC)
        run_at = tip.scheduled_for or now
        if not now <= run_at <= now + LONGEST_SCHEDULE:
            raise InvalidRequest("A tip is scheduled for a time within the next 30 days.")
        offer = await self.purchases.offer(
            tip.tip_menu_item_id,
            kind=MenuKind.TIP,
            performer_id=tip.performer_id,
            buyer_user_id=request.buyer_user_id,
        )
        # A tip that is not paid for takes none of the places which a daily limit leaves to others.
        is_funded = tip.hold_funds or offer.daily_limit is not None
        if tip.mode is ExecutionMode.QUEUED and not is_funded:
            await self.purchases.check_can_pay(request, price=offer.price)
        item = new_item(
            saga_id,
            offer,
            request,
            execution_mode=tip.mode,
            conversation_id=tip.conversation_id,
            message=tip.message,
            scheduled_for=tip.scheduled_for,
            queue_request_id=None if tip.mode is ExecutionMode.IMMEDIATE else queue_request_id_of(saga_id),
        )
        facts = {
            "saga_id": saga_id,
            "item": item,
            "proof_reference": request.proof_reference,
            "device": device_of(saga_id, offer),
        }
        if tip.mode is ExecutionMode.IMMEDIATE:
            return ItemSaga(**facts)
        key = request.item_key or request.key or ""
        # A request that was refused may be repeated with its key: it is another item, and another job.
        job_key = f"{request.buyer_user_id} {key} {saga_id}"
        expires_at = run_at + self.time_to_perform
        return QueuedTip(**facts, expires_at=expires_at, job_key=job_key, is_funded=is_funded)


def _kind_of(sale: ItemSaga) -> str:
    if not isinstance(sale, QueuedTip):
        return ITEM_PURCHASE
    return FUNDED_TIP if sale.is_funded else QUEUED_TIP
