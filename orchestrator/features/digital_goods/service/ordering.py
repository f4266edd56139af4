"""Digital orders: their products, their payment, and their end while they are unpaid (F1)."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from common.errors import PaymentRequired, Unavailable
from orchestrator.clients import Clients
from orchestrator.clients.orders.digital_orders import (
    DigitalOrderStatus,
    NewDigitalItem,
    NewDigitalOrder,
    PayGoodsWith,
)
from orchestrator.clients.spending import check_may_order
from orchestrator.errors import OrderCancelled, OrderInvalidState, OtpRequired
from orchestrator.features.digital_goods.errors import PaymentExpired, ProductInactive, ProductNotFound
from orchestrator.features.digital_goods.models import DIGITAL_ORDER, DIGITAL_ORDER_BY_CRYPTO, PAY, DigitalOrderSaga
from orchestrator.features.digital_goods.saga import OPENING
from orchestrator.features.digital_goods.schemas.ordering import (
    DigitalOrderMoved,
    DigitalOrderPlaced,
    DigitalOrderRequest,
)
from orchestrator.features.digital_goods.service.sales import SaleService
from orchestrator.features.digital_goods.settings import DigitalOrderSettings
from orchestrator.saga_engine.idempotency import start_once
from orchestrator.saga_engine.outcomes import data_of, opened
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = ["DigitalOrderingService"]

OPERATION: Final = "digital order"
CODE_CONTEXT: Final = "digital_order"
"""The context of `POST /api/verify-otp`."""
# After these refusals the buyer verifies a code, or tops up, and repeats the request.
REPEATABLE: Final = (OtpRequired.code, PaymentRequired.code)
# How long a payment may be made for which the provider names no end.
ENDLESS_PAYMENT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DigitalOrderingService:
    sales: SaleService
    clients: Clients
    settings: DigitalOrderSettings

    async def order(
        self, request: DigitalOrderRequest, *, buyer_id: uuid.UUID, key: str | None, address: str
    ) -> DigitalOrderPlaced:
        """Order products: the credits are in escrow and the job is queued when this returns, or a crypto payment is open.

        Args:
            key: the header `Idempotency-Key`: a repeated request gets the first order.
            address: the buyer's network address.

        Raises:
            InvalidRequest: the provider refuses the amount in that currency.
            NotFound: PRODUCT_NOT_FOUND.
            Forbidden: ACCOUNT_SUSPENDED.
            Conflict: ITEM_INACTIVE; OUT_OF_STOCK; PURCHASE_LIMIT_REACHED, three crypto orders of the buyer are unpaid;
                ORDER_INVALID_STATE, a repeated request's order has ended; REQUEST_IN_PROGRESS.
            PaymentRequired: INSUFFICIENT_CREDITS.
            PreconditionRequired: OTP_REQUIRED; a flagged buyer was sent a code.
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
            Unavailable: the payment provider does not respond.
            StillRunning: it exceeds the request's budget.
        """
        proof_key = key or str(uuid.uuid4())
        # What a flagged buyer verifies a code for: one order, the same for each attempt of it (T6).
        reference = uuid.uuid5(buyer_id, f"digital order under {proof_key}")

        async def prepare(order_id: uuid.UUID) -> DigitalOrderSaga:
            items = await self._items(order_id, request)
            await check_may_order(
                self.clients,
                buyer_id,
                context=CODE_CONTEXT,
                reference=reference,
                new_key=None if key else proof_key,
                address=address,
            )
            return self._sale(order_id, request, items, buyer_id=buyer_id, proof_reference=reference)

        saga = await start_once(
            self.sales.engine,
            DIGITAL_ORDER if request.pay_with is PayGoodsWith.CREDITS else DIGITAL_ORDER_BY_CRYPTO,
            prepare,
            operation=OPERATION,
            requested_by=buyer_id,
            key=key,
            request=request.model_dump(mode="json"),
            repeatable=REPEATABLE,
            was_accepted=_was_accepted,
        )
        if saga.state is not SagaState.COMPLETED:
            saga = opened(saga, opening=() if _was_accepted(saga) else OPENING, ended=OrderInvalidState)
        return _placed(saga)

    async def cancel(self, order_id: uuid.UUID, *, buyer_id: uuid.UUID) -> DigitalOrderMoved:
        """Cancel the buyer's unpaid order. Cancelling twice is the same as cancelling once.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: another user's order.
            Conflict: ORDER_INVALID_STATE, it is paid; REQUEST_IN_PROGRESS.
            StillRunning: it exceeds the request's budget.
        """
        saga = await self.sales.find_own(order_id, buyer_id=buyer_id)
        await self.sales.end(saga, OrderCancelled(), signal=PAY)
        return DigitalOrderMoved(
            order_id=order_id,
            status=DigitalOrderStatus.CANCELLED,
            message="Your order was cancelled. A payment that still arrives goes to your wallet, as credits.",
        )

    async def pay(self, order_id: uuid.UUID) -> None:
        """Go on with an order whose payment is in its buyer's wallet. One that does not wait for it stays as it is.

        Raises:
            Unavailable: the order is being opened: its wait begins in a moment.
            StillRunning: it goes on in the background.
        """
        saga = await self._sale_by_crypto(order_id)
        if saga is not None:
            await self.sales.engine.signal(order_id, PAY, kind=saga.kind, signalled_by=saga.requested_by)

    async def end_unpaid(self, order_id: uuid.UUID) -> None:
        """End an order whose payment has expired. One that is paid, or has ended, stays as it is.

        Raises:
            Unavailable, StillRunning: as `pay`.
        """
        saga = await self._sale_by_crypto(order_id)
        if saga is not None:
            await self.sales.engine.end_waiting(order_id, PaymentExpired(), kind=saga.kind, signal=PAY)

    async def _sale_by_crypto(self, order_id: uuid.UUID) -> SagaRecord | None:
        saga = await self.sales.engine.log.find(order_id)
        if saga is None or saga.kind != DIGITAL_ORDER_BY_CRYPTO:
            return None
        if saga.state is SagaState.RUNNING and isinstance(saga.data, DigitalOrderSaga) and saga.data.payment is None:
            raise Unavailable(order_id=order_id)
        return saga

    async def _items(self, order_id: uuid.UUID, request: DigitalOrderRequest) -> tuple[NewDigitalItem, ...]:
        """Return the units of an order, at the present prices.

        Raises:
            NotFound: PRODUCT_NOT_FOUND.
            Conflict: ITEM_INACTIVE.
        """
        products = await self.clients.products.lookup([item.product_id for item in request.items])
        items: list[NewDigitalItem] = []
        for wanted in request.items:
            product = products.get(wanted.product_id)
            if product is None:
                raise ProductNotFound(details={"product_id": str(wanted.product_id)})
            if not product.is_active:
                raise ProductInactive(details={"product_id": str(wanted.product_id)})
            items += (
                NewDigitalItem(
                    item_id=uuid.uuid5(order_id, f"{product.product_id} {number}"),
                    product_id=product.product_id,
                    name=product.name,
                    supplier_product_id=product.supplier_product_id,
                    price=product.price,
                )
                for number in range(wanted.quantity)
            )
        return tuple(items)

    def _sale(
        self,
        order_id: uuid.UUID,
        request: DigitalOrderRequest,
        items: tuple[NewDigitalItem, ...],
        *,
        buyer_id: uuid.UUID,
        proof_reference: uuid.UUID,
    ) -> DigitalOrderSaga:
        now = datetime.now(UTC)
        return DigitalOrderSaga(
            saga_id=order_id,
            order=NewDigitalOrder(
                order_id=order_id,
                buyer_user_id=buyer_id,
                items=items,
                total=sum((item.price for item in items), Decimal(0)),
                pay_with=request.pay_with,
            ),
            proof_reference=proof_reference,
            expires_at=now + timedelta(days=self.settings.digital_order_ttl_days),
            pay_currency=request.coin,
            payment_expires_at=now + ENDLESS_PAYMENT if request.coin else None,
        )


def _was_accepted(saga: SagaRecord) -> bool:
    """Return whether the buyer was told that the order is placed, whatever ended it since."""
    has_payment = isinstance(saga.data, DigitalOrderSaga) and saga.data.payment is not None
    return has_payment or (saga.error is not None and saga.error.step not in OPENING)


def _placed(saga: SagaRecord) -> DigitalOrderPlaced:
    sale = data_of(saga, DigitalOrderSaga, otherwise=OrderInvalidState)
    is_unpaid = saga.state is SagaState.WAITING and saga.step == PAY
    return DigitalOrderPlaced(
        order_id=sale.saga_id,
        status=DigitalOrderStatus.CREATED if is_unpaid else DigitalOrderStatus.PAID,
        total=sale.order.total,
        pay_with=sale.order.pay_with,
        payment=sale.payment if is_unpaid else None,
        message="Please pay for your order."
        if is_unpaid
        else "Your order is paid. An email follows when your codes are here.",
    )
