"""What becomes of a text: its customer revises and submits it, an admin publishes it, sends it back, or refunds it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.clients import Clients
from orchestrator.clients.orders.commissions import CommissionStatus
from orchestrator.errors import OrderInvalidState, OrderNotFound
from orchestrator.features.commissions.errors import CommissionRefunded
from orchestrator.features.commissions.models import APPROVE, PAY, WRITING, CommissionSaga, WritingSaga, job_id_of
from orchestrator.features.commissions.schemas.ordering import CommissionMoved, WritingRequested
from orchestrator.features.commissions.service.sales import end_sale, find_sale, own_sale
from orchestrator.features.commissions.service.status import CommissionStatusService
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.idempotency import request_id_of, signal_once, start_once, use_key
from orchestrator.saga_engine.outcomes import data_of, failure_of, succeeded
from orchestrator.saga_engine.plan import Call
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = ["ReviewService"]

REVISE: Final = "revise commission"
RETRY: Final = "retry commission"
REFUND: Final = "refund commission"
ENDED: Final = frozenset({SagaState.UNWINDING, SagaState.UNWOUND})


@dataclass(frozen=True, slots=True)
class ReviewService:
    engine: SagaEngine
    clients: Clients
    status: CommissionStatusService

    async def revise(
        self, order_id: uuid.UUID, notes: str, *, customer_id: uuid.UUID, key: str | None
    ) -> WritingRequested:
        """Have the customer's text written again with their notes.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: another user's order.
            Conflict: ORDER_INVALID_STATE, it is not in QUALITY_CHECK.
            StillRunning: it exceeds the request's budget.
        """
        sale = await own_sale(self.engine, order_id, customer_id=customer_id)
        writing = await self._write(sale, operation=REVISE, notes=notes, requested_by=customer_id, key=key)
        return await self._requested(
            writing, "We have received your revision request. An email follows when it is ready."
        )

    async def retry(self, order_id: uuid.UUID, *, admin_id: uuid.UUID, key: str | None) -> WritingRequested:
        """Have the text of a failed order written again.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE, it has not failed.
            StillRunning: it exceeds the request's budget.
        """
        sale = await find_sale(self.engine, order_id)
        writing = await self._write(sale, operation=RETRY, notes="", requested_by=admin_id, key=key)
        return await self._requested(writing, "The text is written again.")

    async def submit(self, order_id: uuid.UUID, *, customer_id: uuid.UUID, key: str | None) -> CommissionMoved:
        """Submit the customer's text for an admin's review.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: another user's order.
            Conflict: ORDER_INVALID_STATE, it is not in QUALITY_CHECK.
        """
        await own_sale(self.engine, order_id, customer_id=customer_id)
        call = Call(request_id_of("submit commission", user_id=customer_id, key=key))
        await self.clients.commissions.submit(call, order_id)
        return CommissionMoved(
            order_id=order_id,
            status=CommissionStatus.ADMIN_REVIEW,
            message="Your text is submitted. An email follows when it is published.",
        )

    async def send_back(
        self, order_id: uuid.UUID, notes: str, *, admin_id: uuid.UUID, key: str | None
    ) -> CommissionMoved:
        """Send a submitted text back to its customer.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE, it is not in ADMIN_REVIEW.
        """
        await find_sale(self.engine, order_id)
        call = Call(request_id_of("send commission back", user_id=admin_id, key=key))
        await self.clients.commissions.send_back(call, order_id, notes=notes)
        return CommissionMoved(
            order_id=order_id, status=CommissionStatus.QUALITY_CHECK, message="The text is sent back to the customer."
        )

    async def approve(
        self, order_id: uuid.UUID, *, admin_id: uuid.UUID, key: str | None, version_number: int | None = None
    ) -> CommissionMoved:
        """Publish a submitted text; its escrow becomes the platform's. An order that is published stays so.

        Args:
            version_number: of the version that the admin has read.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE, it is not in ADMIN_REVIEW, or another version is the current one;
                REQUEST_IN_PROGRESS.
            Unavailable: the orders service does not respond; the order stays as it is.
            StillRunning: it exceeds the request's budget.
        """
        sale = await find_sale(self.engine, order_id)
        await self.clients.commissions.find(order_id)  # an approval that does not reach the order would end it
        if sale.state is SagaState.WAITING and sale.step == PAY:
            raise OrderInvalidState
        approved = await signal_once(
            self.engine,
            order_id,
            APPROVE,
            kind=sale.kind,
            signalled_by=admin_id,
            key=key,
            more={"version_number": version_number},
        )
        if approved is None or approved.state in ENDED:
            raise OrderInvalidState
        if succeeded(approved).state is SagaState.WAITING:
            raise failure_of(approved)
        return CommissionMoved(
            order_id=order_id,
            status=CommissionStatus.COMPLETED,
            slug=data_of(approved, CommissionSaga, otherwise=OrderNotFound).slug,
            message="The text is published.",
        )

    async def refund(self, order_id: uuid.UUID, *, admin_id: uuid.UUID, key: str | None) -> CommissionMoved:
        """End a paid order that is not published, and return its credits. Refunding twice is the same as refunding once.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE, REQUEST_IN_PROGRESS.
            Unprocessable: IDEMPOTENCY_KEY_REUSED, for the refund of another order.
            StillRunning: it exceeds the request's budget.
        """
        sale = await find_sale(self.engine, order_id)
        await use_key(self.engine, order_id, REFUND, used_by=admin_id, key=key)
        await end_sale(self.engine, sale, CommissionRefunded(), signal=APPROVE)
        return CommissionMoved(
            order_id=order_id, status=CommissionStatus.REFUNDED, message="The credits are in the customer's wallet."
        )

    async def _write(
        self, sale: SagaRecord, *, operation: str, notes: str, requested_by: uuid.UUID, key: str | None
    ) -> WritingSaga:
        request: Mapping[str, object] = {"order_id": sale.saga_id, "notes": notes}

        async def prepare(saga_id: uuid.UUID) -> WritingSaga:
            return WritingSaga(
                saga_id=saga_id,
                order_id=sale.saga_id,
                customer_user_id=sale.requested_by,
                is_revision=operation == REVISE,
                notes=notes,
            )

        saga = await start_once(
            self.engine, WRITING, prepare, operation=operation, requested_by=requested_by, key=key, request=request
        )
        return data_of(succeeded(saga), WritingSaga, otherwise=OrderNotFound)

    async def _requested(self, writing: WritingSaga, message: str) -> WritingRequested:
        job_id = job_id_of(writing.order_id, round_number=writing.round)
        return WritingRequested(
            order_id=writing.order_id,
            job_id=job_id,
            estimated_time=await self.status.estimated_time(job_id),
            message=message,
        )
