"""The holder of a refunded ticket gets back what they paid, while its event is being cancelled or its last sale completes."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from common.auth.principal import Principal
from orchestrator.clients.events import EventsClient
from orchestrator.container import Container
from orchestrator.features.refunds.saga import Refund, refund_seats_plan
from orchestrator.features.refunds.schemas import RefundRequest
from orchestrator.features.refunds.service import RefundService, refund_of
from orchestrator.features.transfers.saga.transfer import transfer_plan
from orchestrator.saga_engine.observer import StepMoment
from orchestrator.saga_engine.plan import AnyPlan, Call, SagaData
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PRICE, PublishedEvent, publish_event
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.saga_run import PauseAt, SagaRun
from tests.contracts.scenario import NothingLapses
from tests.contracts.ticket_fixtures import CREDITS, OwnedTicket, TicketFixtures

PAID: Final = Decimal("140.00")


def principal_of(user_id: uuid.UUID) -> Principal:
    return Principal(user_id, frozenset(), session_id=uuid.uuid4(), expires_at=datetime.now(UTC) + timedelta(hours=1))


async def test_buyer_who_is_faster_than_the_cancellation(container: Container, databases: Databases) -> None:
    clients = container.resources.clients
    event = await publish_event(clients, rows=1)
    tickets = TicketFixtures(container, databases, event)
    [own] = await tickets.buy()
    friend_id = (await tickets.complete_transfer(own, amount=PRICE)).buyer_user_id
    await tickets.complete_transfer(OwnedTicket(own.ticket, friend_id), amount=PAID, to=own.owner_id)
    await clients.events.facts(event.event_id)  # cached by the process that refunds; another one cancels
    await EventsClient(clients.events_http).cancel(Call(uuid.uuid4()), event_id=event.event_id)

    refunds = RefundService(container.resources.engine, clients)
    refunded = await refunds.refund(own.ticket.order_id, RefundRequest(), caller=principal_of(own.owner_id), key=None)

    assert refunded.credits_returned == PAID
    assert await databases.balance_of(own.owner_id) == CREDITS
    assert await databases.balance_of(friend_id) == CREDITS
    types = await databases.messages_about(own.ticket.order_id)
    assert types == ["order.confirmed", "order.refunded", "seat.hold"]


class Unasserted(NothingLapses):
    def __init__(self, plan: AnyPlan, data: SagaData, requested_by: uuid.UUID) -> None:
        self.plan, self.data, self.requested_by = plan, data, requested_by


async def test_refund_waits_for_the_last_sale_and_is_shown_while_it_does(
    *, harness: SagaHarness, container: Container, databases: Databases, event: PublishedEvent
) -> None:
    clients, engine = container.resources.clients, container.resources.engine
    tickets = TicketFixtures(container, databases, event)
    [own] = await tickets.buy()
    buyer_id = await tickets.new_fan()
    transfer = Unasserted(transfer_plan(clients), tickets.transfer_of(own, to=buyer_id, amount=PAID), own.owner_id)
    pause = PauseAt(StepMoment.BEFORE_ACTION, "complete transfer")
    completing = SagaRun(engines=harness.engines, scenario=transfer, observer=pause)  # type: ignore[arg-type] # is not asserted
    completion = asyncio.create_task(completing.to_end())
    await pause.paused.wait()
    purchase = await engine.log.find(own.ticket.order_id)
    assert purchase is not None
    refund = refund_of(engine, purchase, saga_id=uuid.uuid4(), reason="a contract", is_forced=True)
    named = refund.model_copy(update={"seat_ids": (own.ticket.seat_id,)})
    scenario = Unasserted(refund_seats_plan(clients), named, uuid.uuid4())
    run = SagaRun(engines=harness.engines, scenario=scenario)  # type: ignore[arg-type] # is not asserted

    stuck = await run.to_stuck()

    assert stuck.error is not None
    assert (stuck.step, stuck.error.stuck_code) == ("return premiums", "TRANSFER_IN_PROGRESS")
    pause.resume.set()
    await completion
    refunded = await run.to_end()
    assert refunded is not None
    assert isinstance(refunded.data, Refund)
    assert refunded.data.credits_returned == {buyer_id: PAID}
    assert await databases.balance_of(buyer_id) == CREDITS
