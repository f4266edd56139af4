"""The number of remote calls and saga log statements per purchase of a seat or on the stage, which must not grow.

The one statement that each call costs its participant is counted beside the participant
(`tests/integration/users/test_cost.py`, `tests/integration/inventory/test_round_trips.py`,
`tests/integration/orders/test_database.py`). The outbox relay is not counted.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.clients.models import SeatChoice
from orchestrator.features.purchases.service import PurchaseService
from tests.e2e.in_process import InProcessServices
from tests.e2e.user_client import Concert, UserClient
from tests.support.statements import counted_statements, remote_calls


@contextmanager
def at_most(*, calls: int, statements: int) -> Iterator[None]:
    before = remote_calls()
    with counted_statements() as sent:
        yield
        assert (remote_calls() - before, int(sent)) == (calls, statements)


async def reserve(purchases: PurchaseService, fan: UserClient, concert: Concert, number: int) -> uuid.UUID:
    choice = SeatChoice(seat_ids=(uuid.UUID(concert.seats["CAT2"][number]),))
    event_id, user_id = uuid.UUID(concert.event_id), uuid.UUID(fan.user_id)
    held = await purchases.reserve(user_id=user_id, event_id=event_id, choice=choice, key=None)
    return held.order_id


async def test_remote_calls_and_statements_of_a_purchase(
    in_process: InProcessServices, fan: UserClient, concert: Concert
) -> None:
    purchases = in_process.purchase_service()
    with at_most(calls=3, statements=2):  # the event, hold, order; held, waiting
        await reserve(purchases, fan, concert, 0)
    with at_most(calls=2, statements=2):  # the event is cached for some seconds
        order_id = await reserve(purchases, fan, concert, 1)
    with at_most(calls=3, statements=4):  # charge, sell, confirm; claimed, charged, sold, completed
        await purchases.pay(user_id=uuid.UUID(fan.user_id), order_id=order_id, key="pay", address="127.0.0.1")
