"""The sagas of commissions: an order from its payment to its publication, and a text that is written again.

commission: open order → hold credits → accept order → wait for `approve` → begin publication → **collect payment** →
publish article → complete order.

commission by card: open order → open checkout → wait for `pay` → hold credits → … The provider's webhook credits the wallet,
and then sends the signal.

commission writing: **request writing** → enqueue writing.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from common.errors import PaymentRequired, Unprocessable
from orchestrator.clients import Clients
from orchestrator.clients.articles import Publication
from orchestrator.clients.users.payments import Provider
from orchestrator.errors import OrderCancelled, OrderInvalidState
from orchestrator.features.commissions.errors import (
    CheckoutExpired,
    CommissionExpired,
    CommissionFailed,
    CommissionRefunded,
)
from orchestrator.features.commissions.models import (
    APPROVE,
    COMMISSION,
    COMMISSION_BY_CARD,
    KIND,
    PAY,
    REVISION_PRIORITY,
    WRITING,
    Checkout,
    CommissionSaga,
    WriteText,
    WritingSaga,
    job_id_of,
)
from orchestrator.features.payments.adapters.stripe_checkout import CheckoutRequest, StripeCheckout
from orchestrator.features.payments.errors import ProviderRefused
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.plan import AnyPlan, Call, Plan, Step, must_finish, pivot, undoable, wait

__all__ = ["OPENING", "PURPOSE", "commission_plans"]

OPEN_ORDER: Final = "open order"
OPEN_CHECKOUT: Final = "open checkout"
HOLD_CREDITS: Final = "hold credits"
ACCEPT_ORDER: Final = "accept order"
OPENING: Final = (OPEN_ORDER, OPEN_CHECKOUT, HOLD_CREDITS, ACCEPT_ORDER)
"""A refusal of one of these steps refuses the order."""
PURPOSE: Final = "commission"
REVENUE_ACCOUNT: Final = "commissions"
# A service that restarts ends no order that is paid, or even finished.
PAID_TIMEOUT_SECONDS: Final = 20.0
# The webhook of a payment in the last second of its checkout needs a while.
PAYMENT_GRACE: Final = timedelta(minutes=15)
# What the customer of an ended order reads, by the code of its end.
EXPLANATIONS: Final[Mapping[str, str]] = {
    end.code: end.public_message
    for end in (CheckoutExpired, CommissionExpired, CommissionFailed, CommissionRefunded, OrderCancelled)
} | {
    PaymentRequired.code: "Your payment has reached your wallet, but other charges or a debt used the credits. Please order again.",
    OrderInvalidState.code: "Another backlink into that article was paid first. Your payment is in your wallet.",
}
UNEXPLAINED: Final = "The order could not be carried out."

Order = Step[CommissionSaga]


def commission_plans(clients: Clients, jobs: JobQueue, checkouts: StripeCheckout) -> Sequence[AnyPlan]:
    steps = CommissionSteps(clients, jobs, checkouts)
    open_order: Order = undoable(OPEN_ORDER, steps.open_order, steps.end_order)
    from_acceptance: Sequence[Order] = (
        undoable(ACCEPT_ORDER, steps.accept_order, steps.leave_to_the_end, step_timeout_seconds=PAID_TIMEOUT_SECONDS),
        wait(APPROVE, deadline=lambda order: order.expires_at, expired=CommissionExpired),
        undoable(
            "begin publication",
            steps.begin_publication,
            steps.abandon_publication,
            back_to_wait_on=[OrderInvalidState.code],
            step_timeout_seconds=PAID_TIMEOUT_SECONDS,
        ),
        pivot("collect payment", steps.collect_payment),
        must_finish("publish article", steps.publish_article),
        must_finish("complete order", steps.complete_order),
    )
    return (
        Plan(
            COMMISSION,
            CommissionSaga,
            open_order,
            undoable(HOLD_CREDITS, steps.hold_credits, steps.return_credits),
            *from_acceptance,
        ),
        Plan(
            COMMISSION_BY_CARD,
            CommissionSaga,
            open_order,
            undoable(OPEN_CHECKOUT, steps.open_checkout, steps.expire_checkout),
            wait(PAY, deadline=_payment_deadline, expired=CheckoutExpired),
            undoable(
                HOLD_CREDITS,
                steps.hold_credits,
                steps.return_credits,
                step_timeout_seconds=PAID_TIMEOUT_SECONDS,
            ),
            *from_acceptance,
        ),
        Plan(
            WRITING,
            WritingSaga,
            pivot("request writing", steps.request_writing),
            must_finish("enqueue writing", steps.enqueue_writing),
        ),
    )


def _payment_deadline(order: CommissionSaga) -> datetime:
    return _checkout_expiry(order) + PAYMENT_GRACE


def _checkout_expiry(order: CommissionSaga) -> datetime:
    if order.checkout_expires_at is None:
        raise RuntimeError(f"commission {order.saga_id} is not paid by card")
    return order.checkout_expires_at


@dataclass(frozen=True, slots=True)
class CommissionSteps:
    """The actions and undos, in the order of the plans."""

    clients: Clients
    jobs: JobQueue
    checkouts: StripeCheckout

    async def open_order(self, sale: CommissionSaga, call: Call) -> CommissionSaga:
        await self.clients.commissions.open(call, sale.order)
        return sale

    async def end_order(self, sale: CommissionSaga, call: Call) -> None:
        explanation = EXPLANATIONS.get(call.reason, UNEXPLAINED)
        await self.clients.commissions.end(call, sale.saga_id, explanation=explanation)

    async def leave_to_the_end(self, sale: CommissionSaga, call: Call) -> None:
        """Undo nothing: the undo of `open_order` ends the order, whatever its status, and refuses a late action."""

    async def open_checkout(self, sale: CommissionSaga, call: Call) -> CommissionSaga:
        """Record the payment, create its checkout session, and let the order wait for it. Each may be repeated."""
        request = _checkout_request(sale)
        await self.clients.payments.open(
            payment_id=request.payment_id,
            user_id=request.user_id,
            provider=Provider.STRIPE,
            purpose=PURPOSE,
            reference=sale.saga_id,
            amount=request.amount,
        )
        session = await self.checkouts.create(request)
        checkout = Checkout(session_id=session.id, url=session.url or "")
        await self.clients.commissions.await_payment(
            call, sale.saga_id, session_id=checkout.session_id, url=checkout.url, expires_at=request.expires_at
        )
        return sale.model_copy(update={"checkout": checkout})

    async def expire_checkout(self, sale: CommissionSaga, _: Call) -> None:
        """Expire the session, so that the customer cannot pay for an order that has ended. Credits of a paid one stay theirs.

        The id of a session whose creation was not answered is found by its idempotency key.
        """
        if sale.checkout is not None:
            await self.checkouts.expire(sale.checkout.session_id)
            return
        # Without a session of these facts there is nothing to expire; one of other facts expires by itself.
        with suppress(ProviderRefused, Unprocessable):
            session = await self.checkouts.create(_checkout_request(sale))
            await self.checkouts.expire(session.id)

    async def hold_credits(self, sale: CommissionSaga, call: Call) -> CommissionSaga:
        escrow_id = await self.clients.ledger.hold_escrow(
            call,
            user_id=sale.order.customer_user_id,
            amount=sale.order.price,
            reference=sale.saga_id,
            proof_reference=sale.proof_reference,
            purpose=PURPOSE,
        )
        return sale.model_copy(update={"escrow_id": escrow_id, "hold_request_id": call.request_id})

    async def return_credits(self, sale: CommissionSaga, call: Call) -> None:
        """Void the escrow, by the call that made it: a refused publication has numbered later calls anew."""
        undoes = sale.hold_request_id or call.undoes_request_id
        await self.clients.ledger.void_escrow(replace(call, undoes_request_id=undoes))

    async def accept_order(self, sale: CommissionSaga, call: Call) -> CommissionSaga:
        """Make the order PROCESSING, and enqueue the job that writes its first text."""
        await self.clients.commissions.accept(call, sale.saga_id)
        await _enqueue(self.jobs, WriteText(order_id=sale.saga_id, round=1, type="commission"), priority=0)
        return sale

    async def begin_publication(self, sale: CommissionSaga, call: Call) -> CommissionSaga:
        await self.clients.commissions.begin_publication(call, sale.saga_id, version_number=sale.version_number)
        return sale

    async def abandon_publication(self, sale: CommissionSaga, call: Call) -> None:
        await self.clients.commissions.abandon_publication(call, sale.saga_id)

    async def collect_payment(self, sale: CommissionSaga, call: Call) -> CommissionSaga:
        await self.clients.ledger.collect_escrow(call, escrow_id=sale.escrow, account=REVENUE_ACCOUNT)
        return sale

    async def publish_article(self, sale: CommissionSaga, call: Call) -> CommissionSaga:
        """Publish the current version: it stays the same while the order is PUBLISHING."""
        version = (await self.clients.commissions.find(sale.saga_id)).version
        if version is None:
            raise RuntimeError(f"commission {sale.saga_id} has no text")
        order = sale.order
        publication = Publication(
            order_id=sale.saga_id,
            owner_user_id=order.customer_user_id,
            article_id=order.article_id,
            event_id=order.event_id,
            title=version.title,
            content=version.content,
            links_allowed=order.links_allowed,
        )
        return sale.model_copy(update={"slug": await self.clients.articles.publish(call, publication)})

    async def complete_order(self, sale: CommissionSaga, call: Call) -> CommissionSaga:
        await self.clients.commissions.complete(call, sale.saga_id, slug=sale.slug or "")
        return sale

    async def request_writing(self, writing: WritingSaga, call: Call) -> WritingSaga:
        """Make the order PROCESSING again, if it waits for its customer, or has failed."""
        orders = self.clients.commissions
        if writing.is_revision:
            number = await orders.revise(call, writing.order_id, notes=writing.notes)
        else:
            number = await orders.retry(call, writing.order_id)
        return writing.model_copy(update={"round": number})

    async def enqueue_writing(self, writing: WritingSaga, _: Call) -> WritingSaga:
        """Enqueue the job; revisions come before first texts, whose customers have waited less."""
        payload = WriteText(
            order_id=writing.order_id,
            round=writing.round,
            type="revision" if writing.is_revision else "commission",
        )
        await _enqueue(self.jobs, payload, priority=REVISION_PRIORITY if writing.is_revision else 0)
        return writing


async def _enqueue(jobs: JobQueue, payload: WriteText, *, priority: int) -> None:
    """Enqueue a job, in the lane of its order: two workers never write one order at once."""
    await jobs.enqueue(
        KIND,
        payload,
        idempotency_key=f"{payload.order_id} {payload.round}",
        job_id=job_id_of(payload.order_id, round_number=payload.round),
        lane=f"{payload.order_id}",
        priority=priority,
    )


def _checkout_request(sale: CommissionSaga) -> CheckoutRequest:
    if sale.payment_id is None:
        raise RuntimeError(f"commission {sale.saga_id} is not paid by card")
    return CheckoutRequest(
        payment_id=sale.payment_id,
        user_id=sale.order.customer_user_id,
        order_id=sale.saga_id,
        name=sale.order.type.capitalize(),
        amount=sale.order.price,
        expires_at=_checkout_expiry(sale),
    )
