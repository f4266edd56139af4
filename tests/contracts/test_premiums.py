"""The holder of a refunded ticket gets back what they paid, while its event is being cancelled."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from common.auth.principal import Principal
from orchestrator.clients.events import EventsClient
from orchestrator.container import Container
from orchestrator.features.refunds.schemas import RefundRequest
from orchestrator.features.refunds.service import RefundService
from orchestrator.saga_engine.plan import Call
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PRICE, publish_event
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
