"""What tips, menus and subscriptions share: the rules of a purchase, which is started once, and its cancellation."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NoReturn, TypeVar

from common.errors import Busy, NotFound, PaymentRequired, PreconditionRequired, ServiceError
from orchestrator.clients import Clients
from orchestrator.clients.models import CodeContext
from orchestrator.clients.orders.purchased_items import ItemType, NewItem
from orchestrator.clients.performers import MenuItemFacts, MenuKind, PerformerFacts, Settlement
from orchestrator.errors import OtpRequired
from orchestrator.features.purchased_items.errors import (
    ItemCancelled,
    ItemInactive,
    ItemInvalidState,
    ItemNotFound,
    PerformerNotFound,
    SelfPurchase,
)
from orchestrator.features.purchased_items.models import SIGNAL_OF_PENDING, DeviceActivation, ItemSaga
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.idempotency import start_once
from orchestrator.saga_engine.outcomes import check_cancelled, data_of, succeeded
from orchestrator.saga_engine.record import SagaRecord

__all__ = ["CODE_CONTEXT", "ItemPurchaseService", "ItemRequest", "check_performer", "device_of", "new_item"]

CODE_CONTEXT: Final = "purchased_item"
"""The context of `POST /api/verify-otp` for what fans buy from performers."""
# After these refusals the buyer verifies a code, or tops up, and repeats the request.
REPEATABLE: Final = (OtpRequired.code, PaymentRequired.code)

Data = TypeVar("Data", bound=ItemSaga)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRequest:
    """A buyer's request.

    Args:
        operation: what `key`, the header, belongs to, such as `tip`.
        item_type: what is bought.
        offer_id: the tip grid item, the menu item, or the performer of a subscription.
        content: of the body, for the request's fingerprint.
        key: the header `Idempotency-Key`: a repeated request gets the first answer.
        item_key: the body's `idempotency_key`, unique among the buyer's items: a repeated one is refused.
        address: the buyer's network address.
        fresh_key: what a flagged buyer who sent neither key repeats the request with, as its `item_key`.
    """

    operation: str
    buyer_user_id: uuid.UUID
    item_type: ItemType
    offer_id: uuid.UUID
    content: Mapping[str, object]
    key: str | None
    item_key: str | None = None
    address: str
    fresh_key: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def has_key(self) -> bool:
        return self.key is not None or self.item_key is not None

    @property
    def proof_reference(self) -> uuid.UUID:
        """What a flagged buyer verifies a code for: one purchase, the same for each attempt of it (T6).

        Under either key, or both, a buyer buys once.
        """
        keys = [self.key, self.item_key if self.has_key else self.fresh_key]
        return uuid.uuid5(self.offer_id, f"bought by {self.buyer_user_id} under {keys}")


@dataclass(frozen=True, slots=True)
class ItemPurchaseService:
    engine: SagaEngine
    clients: Clients

    async def performer(self, performer_id: uuid.UUID, *, buyer_user_id: uuid.UUID) -> PerformerFacts:
        """Return an active performer.

        Raises:
            NotFound: PERFORMER_NOT_FOUND.
            InvalidRequest: SELF_PURCHASE.
        """
        performer = await self.clients.performers.find(performer_id)
        check_performer(performer, buyer_user_id=buyer_user_id)
        return performer

    async def offer(
        self, item_id: uuid.UUID, *, kind: MenuKind, performer_id: uuid.UUID | None = None, buyer_user_id: uuid.UUID
    ) -> MenuItemFacts:
        """Return an item that this buyer may buy, as far as its menu lets them.

        Args:
            performer_id: whose item it has to be, if the buyer names a performer.

        Raises:
            NotFound: PERFORMER_NOT_FOUND, ITEM_NOT_FOUND.
            InvalidRequest: SELF_PURCHASE.
            Conflict: ITEM_INACTIVE: the item or its menu is.
        """
        try:
            offer = await self.clients.performers.menu_item(item_id, kind=kind, buyer_user_id=buyer_user_id)
        except NotFound:
            offer = None
        if offer is None or performer_id not in {None, offer.performer.performer_id}:
            if performer_id is not None:
                await self.performer(performer_id, buyer_user_id=buyer_user_id)
            raise ItemNotFound
        check_performer(offer.performer, buyer_user_id=buyer_user_id)
        if not offer.is_active:
            raise ItemInactive
        return offer

    async def start(
        self, kind: str | Callable[[Data], str], prepare: Callable[[uuid.UUID], Awaitable[Data]], request: ItemRequest
    ) -> ItemSaga:
        """Sell an item once and return its saga's data: it is complete, or in the queue.

        A repeated request gets the first one's, whatever became of the item since.

        Args:
            kind, prepare: as in `start_once`; the saga's id is the item's.

        Raises:
            PreconditionRequired: OTP_REQUIRED; a flagged buyer was sent a code.
            PaymentRequired: INSUFFICIENT_CREDITS.
            InvalidRequest: DUPLICATE_REQUEST, with the ids of the first item in `details`.
            Conflict: DAILY_LIMIT_REACHED.
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            StillRunning: it exceeds the request's budget.
        """

        async def prepare_new(saga_id: uuid.UUID) -> Data:
            try:
                return await prepare(saga_id)
            except ServiceError:  # perhaps the offer has changed since the key was used
                await self._check_key(request)
                raise

        saga = await start_once(
            self.engine,
            kind,
            prepare_new,
            operation=request.operation,
            requested_by=request.buyer_user_id,
            key=request.key,
            request=request.content,
            repeatable=REPEATABLE,
            was_accepted=_is_in_queue,
        )
        if _is_in_queue(saga):
            return _item_of(saga)
        if saga.error is not None and saga.error.code == OtpRequired.code:
            await self._send_code(request, reference=_item_of(saga).proof_reference)
        return _item_of(succeeded(saga))

    async def check_can_pay(self, request: ItemRequest, *, price: Decimal) -> None:
        """Check a purchase that is paid later as if it were paid now (T6). The credits stay the buyer's.

        Raises:
            PreconditionRequired: OTP_REQUIRED; a flagged buyer was sent a code.
            PaymentRequired: INSUFFICIENT_CREDITS.
            InvalidRequest: DUPLICATE_REQUEST, of a flagged buyer.
            Forbidden: ACCOUNT_SUSPENDED.
        """
        try:
            await self.clients.ledger.check_may_spend(request.buyer_user_id, reference=request.proof_reference)
        except PreconditionRequired:
            await self._check_key(request)
            await self._send_code(request, reference=request.proof_reference)
        if await self.clients.users.balance_of(request.buyer_user_id) < price:
            raise PaymentRequired

    async def cancel(self, item_id: uuid.UUID, *, buyer_user_id: uuid.UUID) -> uuid.UUID:
        """Cancel a PENDING item of the buyer and return its id. Cancelling twice is the same as cancelling once.

        Args:
            item_id: the item's, or that of its queue request.

        Raises:
            NotFound: ITEM_NOT_FOUND, also for another buyer's.
            Conflict: ITEM_INVALID_STATE, REQUEST_IN_PROGRESS.
            StillRunning: it exceeds the request's budget.
        """
        saga = await self._saga(item_id)
        if saga is None:
            item = await self.clients.purchased_items.find_by_queue_request(item_id)
            saga = await self._saga(item.purchased_item_id)
        if saga is None or saga.requested_by != buyer_user_id:
            raise ItemNotFound
        await self.end(saga, ItemCancelled(), signal=SIGNAL_OF_PENDING.get(saga.kind, ""))
        return saga.saga_id

    async def end(
        self, saga: SagaRecord, reason: ServiceError, *, signal: str | None, more: Mapping[str, Any] | None = None
    ) -> None:
        """End an item that waits, and return the buyer's credits; an item that has ended so stays as it is.

        Args:
            signal: only if its saga waits for this one; None for any.
            more: fields of the saga's data to be set.

        Raises:
            Conflict: ITEM_INVALID_STATE, REQUEST_IN_PROGRESS.
            StillRunning: it exceeds the request's budget.
        """
        ended = await self.engine.end_waiting(saga.saga_id, reason, kind=saga.kind, signal=signal, more=more)
        ended = ended or await self.engine.log.find(saga.saga_id) or saga
        check_cancelled(ended, type(reason), otherwise=ItemInvalidState())

    async def _saga(self, item_id: uuid.UUID) -> SagaRecord | None:
        saga = await self.engine.log.find(item_id)
        return saga if saga is not None and isinstance(saga.data, ItemSaga) else None

    async def _check_key(self, request: ItemRequest) -> None:
        """Check that the body's key is new.

        Raises:
            InvalidRequest: DUPLICATE_REQUEST.
        """
        if request.item_key is not None:
            await self.clients.purchased_items.check_key(
                request.item_key, buyer_user_id=request.buyer_user_id, item_type=request.item_type
            )

    async def _send_code(self, request: ItemRequest, *, reference: uuid.UUID) -> NoReturn:
        with suppress(Busy):  # another request is sending a code
            await self.clients.otp.send_again(
                user_id=request.buyer_user_id,
                context=CodeContext.PURCHASE,
                reference=reference,
                address=request.address,
            )
        repeat = {} if request.has_key else {"idempotency_key": request.fresh_key}
        raise OtpRequired(
            "Please confirm with the code we sent to your phone, then buy again.",
            details={"context": CODE_CONTEXT, "reference_id": str(reference)} | repeat,
        )


def check_performer(performer: PerformerFacts, *, buyer_user_id: uuid.UUID) -> None:
    """Check that a performer sells to this buyer.

    Raises:
        InvalidRequest: SELF_PURCHASE.
        NotFound: PERFORMER_NOT_FOUND, they are not active.
    """
    if performer.performer_id == buyer_user_id:
        raise SelfPurchase
    if not performer.is_active:
        raise PerformerNotFound


def new_item(saga_id: uuid.UUID, offer: MenuItemFacts, request: ItemRequest, **more: Any) -> NewItem:
    """Return the item that a request buys, at the server's price; `more` are further fields of it."""
    return NewItem(
        purchased_item_id=saga_id,
        type=request.item_type,
        buyer_user_id=request.buyer_user_id,
        performer_id=offer.performer.performer_id,
        offer_id=offer.item_id,
        menu_id=offer.menu_id,
        name=offer.name,
        description=offer.description,
        price=offer.price,
        idempotency_key=request.item_key,
        estimated_minutes=offer.estimated_minutes,
        bonus_points=offer.bonus_points,
        is_batched=offer.performer.settlement is Settlement.BATCHED,
        time_zone=offer.performer.time_zone,
        daily_limit=offer.daily_limit,
        daily_limit_per_user=offer.daily_limit_per_user,
        **more,
    )


def device_of(saga_id: uuid.UUID, offer: MenuItemFacts) -> DeviceActivation | None:
    """Return what the item does to the performer's device, if both exist."""
    if offer.device is None or offer.performer.device_uid is None:
        return None
    return DeviceActivation(purchased_item_id=saga_id, device_uid=offer.performer.device_uid, settings=offer.device)


def _is_in_queue(saga: SagaRecord) -> bool:
    return isinstance(saga.data, ItemSaga) and saga.data.place is not None


def _item_of(saga: SagaRecord) -> ItemSaga:
    return data_of(saga, ItemSaga, otherwise=ItemNotFound)
