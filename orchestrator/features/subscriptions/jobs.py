"""The renewal of subscriptions shortly before their period ends, and the announcement of renewals (M2)."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from common.background import report_failure
from common.errors import Busy, PaymentRequired, ServiceError, Unavailable
from common.telemetry.logs import get_logger
from orchestrator.clients import Clients
from orchestrator.clients.orders.subscriptions import SubscriptionFacts
from orchestrator.clients.performers import PerformerFacts
from orchestrator.errors import AccountSuspended, OtpRequired
from orchestrator.features.purchased_items.errors import ItemInactive, PerformerNotFound
from orchestrator.features.purchased_items.models import ITEM_PURCHASE, ItemSaga
from orchestrator.features.subscriptions.models import new_period
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.idempotency import find_previous_sagas
from orchestrator.saga_engine.outcomes import failure_of
from orchestrator.saga_engine.record import SagaState

__all__ = ["SubscriptionRenewal"]

BATCH: Final = 100  # as many as the events service looks up at once
AT_ONCE: Final = 8
REMINDER_DAYS: Final = 3
# The fan cannot pay, or the performer no longer sells. Any other failure decides nothing: the subscription stays due.
ENDING: Final = frozenset(
    {PaymentRequired.code, OtpRequired.code, AccountSuspended.code, PerformerNotFound.code, "USER_NOT_FOUND"}
)
logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SubscriptionRenewal:
    """Renews by the saga that fans subscribe with. Several workers may run it at once: each period is paid once."""

    engine: SagaEngine
    clients: Clients
    _slots: asyncio.Semaphore = field(init=False, default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def renew_due(self) -> None:
        """Renew batch by batch. The next run tries again those that stay."""
        last: SubscriptionFacts | None = None
        while due := await self.clients.subscriptions.due(limit=BATCH, after=last):
            last = due[-1]
            performers = await self.clients.performers.lookup(one.performer_id for one in due)
            await asyncio.gather(*(self._renew(one, performers) for one in due))

    async def remind(self) -> None:
        while await self.clients.subscriptions.remind(days_before=REMINDER_DAYS, limit=BATCH) == BATCH:
            pass

    async def _renew(self, due: SubscriptionFacts, performers: Mapping[uuid.UUID, PerformerFacts]) -> None:
        async with self._slots:
            try:
                reason = await self._pay(due, performers.get(due.performer_id))
                if reason is not None:
                    await self.clients.subscriptions.end(due.subscription_id, periods=due.periods, reason=reason)
            except (StillRunning, Busy):
                pass  # another worker, or a request of the fan, is paying it
            except ServiceError as error:
                logger.warning("subscription.not_renewed", subscription_id=str(due.subscription_id), code=error.code)
            except Exception as error:  # noqa: BLE001 - it stops no other
                report_failure("subscription renewal", error)

    async def _pay(self, due: SubscriptionFacts, performer: PerformerFacts | None) -> str | None:
        """Pay one period; return why the subscription ends, or None if it is paid or to be tried again."""
        if performer is None:  # profiles are never deleted: a service could not read it
            raise Unavailable
        if not performer.is_active:
            return PerformerNotFound.code
        if performer.subscription_price is None:
            return ItemInactive.code
        price = min(due.price, performer.subscription_price)
        first_id = uuid.uuid5(due.subscription_id, f"period {due.periods}")
        previous = await find_previous_sagas(self.engine.log, first_id)
        if previous.accepted is not None:
            return None
        period = new_period(previous.next_id, performer, buyer_user_id=due.user_id, price=price, number=due.periods)
        item = period.model_copy(update={"renewed_periods": due.periods})
        # No fan is there to verify a code: a flagged fan's subscription ends.
        sale = ItemSaga(saga_id=previous.next_id, item=item, proof_reference=previous.next_id)
        saga = await self.engine.start(ITEM_PURCHASE, sale, requested_by=due.user_id)
        if saga.state is not SagaState.UNWOUND:
            return None
        refusal = failure_of(saga)
        if refusal.code in ENDING:
            return refusal.code
        raise refusal
