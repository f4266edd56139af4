"""The sagas of digital orders, from the payment to the delivery.

digital order: open order → take stock → hold credits → accept order → wait for `deliver` → **collect payment** →
fulfil order.

digital order by crypto: open order → take stock → open payment → wait for `pay` → hold credits → … The provider's
notification credits the wallet, and then sends the signal.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from common.errors import PaymentRequired
from orchestrator.clients import Clients
from orchestrator.clients.orders.digital_orders import DigitalItemStatus
from orchestrator.errors import AccountSuspended, OrderCancelled, OtpRequired
from orchestrator.features.digital_goods.errors import GoodsFailed, GoodsRefunded, PaymentExpired
from orchestrator.features.digital_goods.models import (
    DELIVER,
    DIGITAL_ORDER,
    DIGITAL_ORDER_BY_CRYPTO,
    KIND,
    PAY,
    DigitalOrderSaga,
    Fulfil,
    PaymentInstructions,
    payment_id_of,
)
from orchestrator.features.payments.service.crypto import CryptoPayments
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.plan import AnyPlan, Call, Plan, Step, must_finish, pivot, undoable, wait

__all__ = ["OPENING", "PURPOSE", "digital_order_plans"]

OPEN_ORDER: Final = "open order"
TAKE_STOCK: Final = "take stock"
OPEN_PAYMENT: Final = "open payment"
HOLD_CREDITS: Final = "hold credits"
ACCEPT_ORDER: Final = "accept order"
OPENING: Final = (OPEN_ORDER, TAKE_STOCK, OPEN_PAYMENT, HOLD_CREDITS, ACCEPT_ORDER)
"""A refusal of one of these steps refuses the order."""
PURPOSE: Final = "digital_order"
REVENUE_ACCOUNT: Final = "digital_goods"
# A service that restarts ends no order that is paid.
PAID_TIMEOUT_SECONDS: Final = 20.0
# The notification of a payment in the last second needs a while: a chain confirms slowly.
PAYMENT_GRACE: Final = timedelta(hours=1)
# What the buyer of an ended order reads, by the code of its end.
EXPLANATIONS: Final[Mapping[str, str]] = {
    end.code: end.public_message for end in (PaymentExpired, GoodsFailed, GoodsRefunded, OrderCancelled)
} | {
    PaymentRequired.code: "Your payment has reached your wallet, but other charges or a debt used the credits. Please order again.",
    AccountSuspended.code: "Your payment has reached your wallet, but your account is suspended. Please contact support.",
    OtpRequired.code: "Your payment has reached your wallet, but the order needs a new code from your phone. Please order again.",
}
UNEXPLAINED: Final = "The order could not be carried out."

Order = Step[DigitalOrderSaga]


def digital_order_plans(clients: Clients, jobs: JobQueue, payments: CryptoPayments) -> Sequence[AnyPlan]:
    steps = DigitalOrderSteps(clients, jobs, payments)
    opening: Sequence[Order] = (
        undoable(OPEN_ORDER, steps.open_order, steps.end_order),
        undoable(TAKE_STOCK, steps.take_stock, steps.return_stock),
    )
    from_acceptance: Sequence[Order] = (
        undoable(ACCEPT_ORDER, steps.accept_order, steps.leave_to_the_end, step_timeout_seconds=PAID_TIMEOUT_SECONDS),
        wait(DELIVER, deadline=lambda order: order.expires_at, expired=GoodsFailed),
        pivot("collect payment", steps.collect_payment),
        must_finish("fulfil order", steps.fulfil_order),
    )
    return (
        Plan(
            DIGITAL_ORDER,
            DigitalOrderSaga,
            *opening,
            undoable(HOLD_CREDITS, steps.hold_credits, steps.return_credits),
            *from_acceptance,
        ),
        Plan(
            DIGITAL_ORDER_BY_CRYPTO,
            DigitalOrderSaga,
            *opening,
            undoable(OPEN_PAYMENT, steps.open_payment, steps.close_payment),
            wait(PAY, deadline=_payment_deadline, expired=PaymentExpired),
            undoable(HOLD_CREDITS, steps.hold_credits, steps.return_credits, step_timeout_seconds=PAID_TIMEOUT_SECONDS),
            *from_acceptance,
        ),
    )


def _payment_deadline(sale: DigitalOrderSaga) -> datetime:
    if sale.payment_expires_at is None:
        raise RuntimeError(f"digital order {sale.saga_id} is not paid by crypto")
    return sale.payment_expires_at + PAYMENT_GRACE


@dataclass(frozen=True, slots=True)
class DigitalOrderSteps:
    """The actions and undos, in the order of the plans."""

    clients: Clients
    jobs: JobQueue
    payments: CryptoPayments

    async def open_order(self, sale: DigitalOrderSaga, call: Call) -> DigitalOrderSaga:
        await self.clients.digital_orders.open(call, sale.order)
        return sale

    async def end_order(self, sale: DigitalOrderSaga, call: Call) -> None:
        explanation = EXPLANATIONS.get(call.reason, UNEXPLAINED)
        await self.clients.digital_orders.end(call, sale.saga_id, explanation=explanation)

    async def take_stock(self, sale: DigitalOrderSaga, call: Call) -> DigitalOrderSaga:
        await self.clients.products.take_stock(call, Counter(item.product_id for item in sale.order.items))
        return sale

    async def return_stock(self, _: DigitalOrderSaga, call: Call) -> None:
        await self.clients.products.return_stock(call)

    async def open_payment(self, sale: DigitalOrderSaga, call: Call) -> DigitalOrderSaga:
        """Record the payment, get its address, and let the order wait for it. Each may be repeated."""
        payment = await self.payments.open(
            payment_id=payment_id_of(sale.saga_id),
            user_id=sale.order.buyer_user_id,
            purpose=PURPOSE,
            reference=sale.saga_id,
            amount=sale.order.total,
            pay_currency=sale.pay_currency or "",
        )
        instructions = PaymentInstructions.of(payment)
        await self.clients.digital_orders.await_payment(call, sale.saga_id)
        expires_at = instructions.expires_at or sale.payment_expires_at
        return sale.model_copy(update={"payment": instructions, "payment_expires_at": expires_at})

    async def close_payment(self, sale: DigitalOrderSaga, call: Call) -> None:
        """Let all that arrives become credits: a crypto payment cannot be withdrawn."""
        await self.payments.payments.close(call, payment_id_of(sale.saga_id))

    async def leave_to_the_end(self, sale: DigitalOrderSaga, call: Call) -> None:
        """Undo nothing: the undo of `open_order` ends the order, whatever its status, and refuses a late action."""

    async def hold_credits(self, sale: DigitalOrderSaga, call: Call) -> DigitalOrderSaga:
        escrow_id = await self.clients.ledger.hold_escrow(
            call,
            user_id=sale.order.buyer_user_id,
            amount=sale.order.total,
            reference=sale.saga_id,
            proof_reference=sale.proof_reference,
            purpose=PURPOSE,
        )
        return sale.model_copy(update={"escrow_id": escrow_id})

    async def return_credits(self, _: DigitalOrderSaga, call: Call) -> None:
        await self.clients.ledger.void_escrow(call)

    async def accept_order(self, sale: DigitalOrderSaga, call: Call) -> DigitalOrderSaga:
        """Make the order PAID, and enqueue the job that reserves its items, in the lane of the order."""
        await self.clients.digital_orders.accept(call, sale.saga_id)
        await self.jobs.enqueue(
            KIND,
            Fulfil(order_id=sale.saga_id, type="reserve"),
            idempotency_key=f"reserve {sale.saga_id}",
            lane=f"{sale.saga_id}",
        )
        return sale

    async def collect_payment(self, sale: DigitalOrderSaga, call: Call) -> DigitalOrderSaga:
        """Collect the price of what came; the rest of the escrow returns to the buyer in the same movement.

        The items of a READY order stay as they are, so that a repetition collects the same price.
        """
        order = await self.clients.digital_orders.find(sale.saga_id)
        came = [item.price for item in order.items if item.status is DigitalItemStatus.READY]
        if not came:
            raise GoodsFailed
        if sale.escrow_id is None:
            raise RuntimeError(f"digital order {sale.saga_id} has no escrow")
        is_whole = len(came) == len(order.items)
        await self.clients.ledger.collect_escrow(
            call,
            escrow_id=sale.escrow_id,
            account=REVENUE_ACCOUNT,
            amount=None if is_whole else sum(came, Decimal(0)),
        )
        return sale

    async def fulfil_order(self, sale: DigitalOrderSaga, call: Call) -> DigitalOrderSaga:
        await self.clients.digital_orders.fulfil(call, sale.saga_id)
        return sale
