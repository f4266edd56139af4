"""An order of a commission that several act on at once, each through a process of its own."""

import asyncio
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import text

from common.errors import Conflict, ServiceError
from orchestrator.clients.orders.commissions import CommissionFacts
from orchestrator.features.commissions.adapters.quality import QualityChecker
from orchestrator.features.commissions.models import COMMISSION, COMMISSION_BY_CARD, WRITING, CommissionSaga, job_id_of
from orchestrator.features.commissions.repository import WritingJobStore
from orchestrator.features.commissions.service.failed_orders import FailedOrderTask
from orchestrator.features.commissions.service.ordering import OrderingService
from orchestrator.features.commissions.service.review import ReviewService
from orchestrator.features.commissions.service.status import CommissionStatusService
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.observer import LoggingObserver, Observer
from orchestrator.saga_engine.plan import Call
from orchestrator.saga_engine.record import SagaState
from orchestrator.saga_engine.repository import SagaLog
from tests.contracts.commission_fixtures import CommissionFixtures
from tests.contracts.faults import Faults, faulty
from tests.support.waiting import eventually

__all__ = ["ADMIN_ID", "ContestedOrder", "succeeds"]

BUDGET_SECONDS: Final = 30.0
ADMIN_ID: Final = uuid.uuid4()
_IS_DEAD: Final = text(
    "UPDATE jobs SET status = 'failed', failure = 'dead', finished_at = now() WHERE job_id = :job_id"
)
_TIME_IS_OVER: Final = text(
    "UPDATE sagas SET due_at = now() - interval '1 second' WHERE saga_id = :saga_id AND state = 'WAITING'"
)


@dataclass(frozen=True)
class ContestedOrder:
    """One order, and those who act on it; each act returns whether it succeeded."""

    sale: CommissionSaga
    commissions: CommissionFixtures

    @property
    def order_id(self) -> uuid.UUID:
        return self.sale.saga_id

    @property
    def job_id(self) -> uuid.UUID:
        return job_id_of(self.order_id, round_number=1)

    async def open(self, kind: str = COMMISSION) -> None:
        saga = await self.engine().start(kind, self.sale, requested_by=self.sale.order.customer_user_id)
        assert saga.state is SagaState.WAITING, saga.error

    async def submit(self) -> None:
        await self.commissions.write(self.order_id)
        await self.commissions.submit(self.order_id)

    async def fail(self) -> None:
        call = Call(uuid.uuid4())
        clients = self.commissions.container.resources.clients
        await clients.commissions.fail(call, self.order_id, round_number=1, code="TEXT_REFUSED", message="No text.")
        await self.commissions.container.resources.database.execute(_IS_DEAD, {"job_id": self.job_id})

    async def approve(self) -> bool:
        return await succeeds(self.review().approve(self.order_id, admin_id=ADMIN_ID, key=None))

    async def send_back(self) -> bool:
        return await succeeds(self.review().send_back(self.order_id, "Longer", admin_id=ADMIN_ID, key=None))

    async def refund(self) -> bool:
        return await succeeds(self.review().refund(self.order_id, admin_id=ADMIN_ID, key=None))

    async def retry(self) -> bool:
        return await succeeds(self.review().retry(self.order_id, admin_id=ADMIN_ID, key=None))

    async def refund_late(self) -> bool:
        """Refund failed orders, as a worker does."""
        await self.late_refunds().refund_all()
        return True

    async def pay(self) -> bool:
        return await succeeds(self.ordering().pay(self.order_id))

    async def end_unpaid(self) -> bool:
        return await succeeds(self.ordering().end_unpaid(self.order_id))

    async def cancel(self) -> bool:
        customer_id = self.sale.order.customer_user_id
        return await succeeds(self.ordering().cancel(self.order_id, customer_id=customer_id))

    async def expire(self) -> bool:
        """Let the time run out, and a worker notice it."""
        await self.commissions.container.resources.database.execute(_TIME_IS_OVER, {"saga_id": self.order_id})
        await asyncio.gather(*await self.engine().take_over())
        return True

    async def settled(self) -> CommissionFacts:
        """Return the order once no saga acts on it any more."""
        engine = self.engine()

        async def look() -> SagaState:
            saga = await engine.log.find(self.order_id)
            assert saga is not None
            assert saga.state not in {SagaState.RUNNING, SagaState.UNWINDING}
            return saga.state

        await eventually(look)
        order = await self.commissions.find(self.order_id)
        assert order is not None
        return order

    async def money(self) -> tuple[object, list[str]]:
        """Return the customer's balance and the statuses of the order's escrows."""
        databases = self.commissions.databases
        balance = await databases.balance_of(self.sale.order.customer_user_id)
        return balance, sorted(await databases.escrows_of(self.order_id))

    def engine(self, observer: Observer | None = None, *, faults: Faults | None = None) -> SagaEngine:
        resources = self.commissions.container.resources
        kinds = (COMMISSION, COMMISSION_BY_CARD, WRITING)
        plans = [faulty(self.commissions.plan(kind), faults or Faults()) for kind in kinds]
        log = SagaLog(resources.database, plans, wake_relay=resources.relay.wake)
        return SagaEngine(log, plans, observer or LoggingObserver(), request_budget_seconds=BUDGET_SECONDS)

    def late_refunds(self) -> FailedOrderTask:
        resources = self.commissions.container.resources
        store = WritingJobStore(resources.database)
        return FailedOrderTask(self.engine(), resources.clients.commissions, store, timedelta(0))

    def review(self, engine: SagaEngine | None = None) -> ReviewService:
        resources = self.commissions.container.resources
        return ReviewService(engine or self.engine(), resources.clients, resources.service(CommissionStatusService))

    def ordering(self, engine: SagaEngine | None = None) -> OrderingService:
        container = self.commissions.container
        return OrderingService(
            engine or self.engine(), container.resources.clients, container.settings, QualityChecker()
        )


async def succeeds(act: Awaitable[object]) -> bool:
    try:
        await act
    except (Conflict, StillRunning):
        return False
    except ServiceError as error:
        raise AssertionError(error.code) from error
    return True
