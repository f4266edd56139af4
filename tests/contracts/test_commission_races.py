"""A customer, admins, the payment provider and deadlines at once: one of them decides on an order; see `test_actions`.

Each acts through a process of its own.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import product
from typing import Final

import pytest
from pydantic import SecretStr

from common.auth.service_tokens import ServiceTokens
from common.errors import Conflict, Unavailable
from common.http.client import ServiceClient
from common.messaging.message import Message
from orchestrator.clients.orders.commissions import (
    CommissionsClient,
    CommissionStatus,
    CommissionType,
    PayWith,
)
from orchestrator.container import Container
from orchestrator.features.commissions.models import COMMISSION, COMMISSION_BY_CARD
from orchestrator.features.commissions.schemas.ordering import CommissionRequest
from orchestrator.features.payments.messages import PaymentHandler
from orchestrator.saga_engine.observer import StepMoment
from orchestrator.saga_engine.record import SagaState
from tests.contracts.commission_fixtures import CREDITS, PRICE, CommissionFixtures
from tests.contracts.contested_order import ADMIN_ID, ContestedOrder, succeeds
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent
from tests.contracts.faults import FOREVER, Faults, undecided
from tests.contracts.saga_run import PauseAt
from tests.contracts.test_item_races import at_once

ROUNDS: Final = 5
TOKENS: Final = ServiceTokens(service="tests", secret=SecretStr("of no service" * 4))
RESTART_SECONDS: Final = 20

NewContestedOrder = Callable[[PayWith], Awaitable[ContestedOrder]]


@pytest.fixture
async def new_contested_order(container: Container, databases: Databases, event: PublishedEvent) -> NewContestedOrder:
    async def make(pay_with: PayWith) -> ContestedOrder:
        commissions = CommissionFixtures(container, databases)
        return ContestedOrder(await commissions.sale(event.event_id, pay_with=pay_with), commissions)

    return make


@pytest.fixture
async def contested(new_contested_order: NewContestedOrder) -> ContestedOrder:
    """An order whose credits are in escrow."""
    contested = await new_contested_order(PayWith.CREDITS)
    await contested.open()
    return contested


@pytest.fixture
async def unpaid(new_contested_order: NewContestedOrder) -> ContestedOrder:
    """An order whose checkout is open, and whose customer has the credits by now."""
    contested = await new_contested_order(PayWith.STRIPE)
    await contested.open(COMMISSION_BY_CARD)
    return contested


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_approve_against_refund_against_deadline(contested: ContestedOrder, seed: int) -> None:
    await contested.submit()
    won = await at_once({"approve": contested.approve, "refund": contested.refund, "expire": contested.expire}, seed)
    order = await contested.settled()
    if order.status is CommissionStatus.COMPLETED:
        assert "refund" not in won
        assert not await contested.refund()
        assert await contested.expire()
        assert (await contested.settled()).status is CommissionStatus.COMPLETED
        assert (await contested.money())[0] == CREDITS - PRICE
        assert await contested.commissions.articles(contested.order_id) == [{"slug": order.slug}]
    else:
        assert order.status is CommissionStatus.REFUNDED
        assert "approve" not in won
        assert not await contested.approve()
        assert await contested.money() == (CREDITS, ["VOIDED"])
        assert await contested.commissions.articles(contested.order_id) == []


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_approve_against_send_back(contested: ContestedOrder, seed: int) -> None:
    await contested.submit()
    won = await at_once({"approve": contested.approve, "send back": contested.send_back}, seed)
    assert won in (["approve"], ["send back"])
    expected = CommissionStatus.COMPLETED if won == ["approve"] else CommissionStatus.QUALITY_CHECK
    assert (await contested.settled()).status is expected
    if won == ["send back"]:
        assert not await contested.approve()
        assert await contested.refund()  # also after approvals that were refused
        assert await contested.money() == (CREDITS, ["VOIDED"])


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_refunds_and_retry_of_a_failed_order(contested: ContestedOrder, seed: int) -> None:
    await contested.fail()
    won = await at_once({"refund": contested.refund, "late": contested.refund_late, "retry": contested.retry}, seed)
    assert (await contested.settled()).status is CommissionStatus.REFUNDED
    assert await contested.money() == (CREDITS, ["VOIDED"])
    assert not await contested.retry()
    assert len(await contested.commissions.jobs(contested.order_id)) == 1 + ("retry" in won)


@pytest.mark.parametrize("retried", ["order", "job"])
async def test_order_that_an_admin_has_just_retried_is_not_refunded(contested: ContestedOrder, retried: str) -> None:
    await contested.fail()
    listed = await contested.settled()
    if retried == "order":
        assert await contested.retry()
    else:
        await contested.commissions.container.resources.jobs.retry(contested.job_id)
    await contested.late_refunds().refund(listed)
    assert (await contested.settled()).status is not CommissionStatus.REFUNDED
    assert await contested.money() == (CREDITS - PRICE, ["HELD"])


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_payment_against_expired_checkout_against_cancellation_against_deadline(
    unpaid: ContestedOrder, seed: int
) -> None:
    acts = {"pay": unpaid.pay, "end": unpaid.end_unpaid, "cancel": unpaid.cancel, "expire": unpaid.expire}
    won = await at_once(acts, seed)
    order = await unpaid.settled()
    if order.status is CommissionStatus.PROCESSING:
        assert "cancel" not in won
        assert not await unpaid.cancel()
        assert await unpaid.money() == (CREDITS - PRICE, ["HELD"])
    elif order.status is CommissionStatus.REFUNDED:  # the payment came first, and the time of the paid order ran out
        assert "pay" in won
        assert await unpaid.pay()
        assert await unpaid.money() == (CREDITS, ["VOIDED"])
    else:
        assert order.status is CommissionStatus.CANCELLED
        assert await unpaid.pay()  # the message comes again: the credits stay in the wallet
        assert await unpaid.money() == (CREDITS, [])
        assert not await unpaid.commissions.has_open_checkout(unpaid.sale)
    assert await unpaid.end_unpaid()
    assert (await unpaid.settled()).status is order.status


async def test_payment_that_is_reported_while_the_order_is_opened(new_contested_order: NewContestedOrder) -> None:
    """The session exists, but the order does not wait for it yet: the message waits instead."""
    contested, pause = await new_contested_order(PayWith.STRIPE), PauseAt(StepMoment.AFTER_ACTION, "open checkout")
    customer_id = contested.sale.order.customer_user_id
    opening = asyncio.create_task(
        contested.engine(pause).start(COMMISSION_BY_CARD, contested.sale, requested_by=customer_id)
    )
    await pause.paused.wait()
    data = {"purpose": "commission", "reference": str(contested.order_id), "status": "SUCCEEDED"}
    message = Message(type="payment.confirmed", source="users", subject=str(contested.sale.payment_id), data=data)
    handler = PaymentHandler("commission", contested.ordering())
    try:
        with pytest.raises(Unavailable):
            await handler.handle(message)
    finally:
        pause.resume.set()
    assert (await opening).state is SagaState.WAITING
    await handler.handle(message)
    await handler.handle(message)
    assert (await contested.settled()).status is CommissionStatus.PROCESSING
    assert await contested.money() == (CREDITS - PRICE, ["HELD"])


async def test_unpaid_order_is_not_refunded(unpaid: ContestedOrder) -> None:
    assert not await unpaid.refund()
    assert not await unpaid.approve()
    assert (await unpaid.settled()).status is CommissionStatus.AWAITING_PAYMENT


async def test_credits_that_were_spent_meanwhile_end_the_order(unpaid: ContestedOrder) -> None:
    """Perhaps they paid a debt. No other payment would come: the customer learns that they have to order again."""
    await unpaid.commissions.databases.spend(unpaid.sale.order.customer_user_id, f"{CREDITS - 1}")
    assert await unpaid.pay()
    order = await unpaid.settled()
    assert (order.status, order.failure_code) == (CommissionStatus.CANCELLED, "INSUFFICIENT_CREDITS")
    assert "order again" in order.failure_message
    assert await unpaid.money() == (1, [])


@pytest.mark.parametrize(
    ("pay_with", "fails_at"), [(PayWith.CREDITS, "begin publication"), (PayWith.STRIPE, "hold credits")]
)
async def test_repeated_request_starts_no_second_order_after_the_first_has_ended(
    contested: ContestedOrder, pay_with: PayWith, fails_at: str
) -> None:
    customer_id = contested.sale.order.customer_user_id
    faults = Faults().inject(fails_at, "action", undecided(FOREVER), retries_forever=False)
    wanted = contested.sale.order.model_copy(update={"pay_with": pay_with})
    request = CommissionRequest(**wanted.model_dump(include={*CommissionRequest.model_fields}))

    async def order() -> uuid.UUID:
        ordering = contested.ordering(contested.engine(faults=faults))
        return (await ordering.order(request, customer_id=customer_id, key="once", address="")).order_id

    first = ContestedOrder(contested.sale.model_copy(update={"saga_id": await order()}), contested.commissions)
    assert await order() == first.order_id
    if pay_with is PayWith.CREDITS:
        await first.submit()
        await succeeds(first.review(first.engine(faults=faults)).approve(first.order_id, admin_id=ADMIN_ID, key=None))
    else:
        await first.ordering(first.engine(faults=faults)).pay(first.order_id)
    assert (await first.settled()).ended_at is not None
    with pytest.raises(Conflict):
        await order()
    assert await contested.money() == (CREDITS - PRICE, ["HELD"])  # those of the fixture's order alone


async def test_of_two_backlinks_that_are_paid_one_is_written(new_contested_order: NewContestedOrder) -> None:
    """An unpaid order blocks no other order into its article. The other one's payment stays in the wallet."""
    link = {"target_url": "https://tea.example/", "anchor_text": "a cup of tea"}
    backlink = {"type": CommissionType.BACKLINK, "event_id": None, "article_id": uuid.uuid4()} | link
    orders = []
    for _ in range(2):
        each = await new_contested_order(PayWith.STRIPE)
        order = each.sale.order.model_copy(update=backlink)
        orders.append(ContestedOrder(each.sale.model_copy(update={"order": order}), each.commissions))
        await orders[-1].open(COMMISSION_BY_CARD)
    for each in orders:
        await each.pay()
    assert (await orders[0].settled()).status is CommissionStatus.PROCESSING
    second = await orders[1].settled()
    assert (second.status, second.failure_code) == (CommissionStatus.CANCELLED, "ORDER_INVALID_STATE")
    assert "Another backlink" in second.failure_message
    assert await orders[1].money() == (CREDITS, ["VOIDED"])


async def test_escrow_is_voided_after_an_approval_that_was_refused(unpaid: ContestedOrder) -> None:
    """The refusal numbers later calls anew, but the credits were held before it."""
    assert await unpaid.pay()
    assert not await unpaid.approve()
    assert await unpaid.refund()
    assert (await unpaid.settled()).status is CommissionStatus.REFUNDED
    assert await unpaid.money() == (CREDITS, ["VOIDED"])


async def test_order_outlives_orders_services_that_do_not_respond(contested: ContestedOrder) -> None:
    """An approval meanwhile is refused, and nothing ends; one that has begun waits longer than a restart takes."""
    await contested.submit()
    clients = contested.commissions.container.resources.clients
    nowhere = ServiceClient(callee="orders", base_url="http://127.0.0.1:1", tokens=TOKENS)
    cut_off = replace(contested.review(), clients=replace(clients, commissions=CommissionsClient(nowhere)))
    with pytest.raises(Unavailable):
        await cut_off.approve(contested.order_id, admin_id=ADMIN_ID, key=None)
    await nowhere.close()
    assert (await contested.settled()).status is CommissionStatus.ADMIN_REVIEW
    assert await contested.approve()
    for kind, step in product((COMMISSION, COMMISSION_BY_CARD), ("accept order", "begin publication")):
        plan = contested.commissions.plan(kind)
        assert plan.timeout_of(plan.step(step)) >= RESTART_SECONDS


async def test_revision_that_is_asked_for_twice_at_once_is_written_once(contested: ContestedOrder) -> None:
    await contested.commissions.write(contested.order_id)
    customer_id = contested.sale.order.customer_user_id

    async def revise(key: str | None) -> bool:
        review = contested.review()
        return await succeeds(review.revise(contested.order_id, "Livelier", customer_id=customer_id, key=key))

    assert sum(await asyncio.gather(*(revise(None) for _ in range(6)))) == 1
    assert len(await contested.commissions.jobs(contested.order_id)) == 2
    await contested.commissions.write(contested.order_id, round_number=2)
    assert await revise("a key")
    assert await revise("a key")
    assert len(await contested.commissions.jobs(contested.order_id)) == 3
