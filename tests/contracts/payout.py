"""The payout of a performer who has sold three items, for the contract."""

import uuid
from decimal import Decimal
from typing import Any, Final

from orchestrator.clients.orders.purchased_items import ItemType
from orchestrator.container import Container
from orchestrator.features.payouts.saga import PayoutSaga, payout_plan
from orchestrator.features.purchased_items.models import ITEM_PURCHASE, ItemSaga
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord, SagaState
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent
from tests.contracts.item_fixtures import EARLIER, PRICE, ItemFixtures
from tests.contracts.scenario import NothingLapses

__all__ = ["OUTLINE", "PayoutScenario", "sell_batched_tips"]

NO_CLIENT: Final[Any] = None
OUTLINE: Final = payout_plan(NO_CLIENT)
"""The plan without clients: its steps and their order."""
ITEMS: Final = 3
ITEMS_PER_PAGE: Final = 2
_PAYOUTS: Final = "SELECT payout_id, amount, items FROM payouts WHERE performer_user_id = $1"
_ITEMS: Final = "SELECT settlement_status, payout_id FROM purchased_items WHERE performer_id = $1"


async def sell_batched_tips(container: Container, databases: Databases, number: int) -> uuid.UUID:
    """Sell tips of a performer who is paid out in batches, and return the performer's id."""
    tips = [await ItemFixtures(databases).sale(ItemType.TIP, is_batched=True) for _ in range(number)]
    performer_id = tips[0].item.performer_id
    for tip in tips:
        item = tip.item.model_copy(update={"performer_id": performer_id})
        saga = await container.resources.engine.start(
            ITEM_PURCHASE, ItemSaga(**(dict(tip) | {"item": item})), requested_by=item.buyer_user_id
        )
        assert saga.state is SagaState.COMPLETED, saga.error
    return performer_id


class PayoutScenario(NothingLapses):
    """A performer with pending earnings of three tips, on two pages."""

    def __init__(self, container: Container, databases: Databases, performer_id: uuid.UUID) -> None:
        self.requested_by = performer_id
        self.data = PayoutSaga(saga_id=uuid.uuid4(), performer_user_id=performer_id)
        self.plan: AnyPlan = payout_plan(container.resources.clients, items_per_page=ITEMS_PER_PAGE)
        self._databases = databases

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, _: PublishedEvent) -> "PayoutScenario":
        return cls(container, databases, await sell_batched_tips(container, databases, ITEMS))

    async def assert_done(self, saga: SagaRecord) -> None:
        assert isinstance(saga.data, PayoutSaga)
        payout_id = saga.data.paid
        assert await self._payouts() == [{"payout_id": payout_id, "amount": ITEMS * PRICE, "items": ITEMS}]
        assert await self._items() == [{"settlement_status": "settled", "payout_id": payout_id}] * ITEMS
        assert await self._databases.balance_of(self.requested_by) == EARLIER + ITEMS * PRICE
        assert await self._databases.movements_of(payout_id) == ["payout"]
        assert await self._databases.messages_about(payout_id) == ["payout.completed"]

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        assert await self._payouts() == []
        assert await self._items() == [{"settlement_status": "pending", "payout_id": None}] * ITEMS
        assert await self._databases.balance_of(self.requested_by) == Decimal(EARLIER)

    async def _payouts(self) -> list[dict[str, Any]]:
        return await self._databases.read("users", _PAYOUTS, self.requested_by)

    async def _items(self) -> list[dict[str, Any]]:
        return await self._databases.read("orders", _ITEMS, self.requested_by)
