"""Payments: the orchestrator opens them, providers' reports decide them, payers and admins read them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from common.auth.principal import Principal, Role
from common.errors import Forbidden
from common.fields import Instant
from common.pages import Cursor, Total
from users.payments.errors import PaymentNotFound
from users.payments.repository import PaymentRepository
from users.payments.schemas import (
    AttachPayment,
    ClosedPayment,
    ClosePayment,
    OpenPayment,
    Payment,
    ProviderName,
    ProviderReport,
    ReportResult,
)
from users.payments.status import PaymentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentService:
    """Payments to providers.

    Attributes:
        wake_relay: called when a message was committed to the outbox.
    """

    repository: PaymentRepository
    wake_relay: Callable[[], None]

    async def open(self, opening: OpenPayment) -> Payment:
        """Store what a user is to pay; repeatable by its request id.

        Raises:
            UserNotFound, PaymentInvalidState.
        """
        return await self.repository.open(opening)

    async def attach(self, payment_id: UUID, attaching: AttachPayment) -> Payment:
        """Store the provider's id, and how it is paid; repeatable by its request id.

        Raises:
            PaymentNotFound, PaymentInvalidState.
        """
        return await self.repository.attach(payment_id, attaching)

    async def close(self, payment_id: UUID, closing: ClosePayment) -> ClosedPayment:
        """Close a payment whose order has ended; repeatable by its request id. What was received of it is credited."""
        result = await self.repository.close(payment_id, closing)
        self.wake_relay()
        return result

    async def report(self, report: ProviderReport) -> ReportResult:
        """Compare a provider's report with the payment and apply it (W3, W4).

        A success credits the wallet once, even if reports are repeated, late or out of order. See `status.decide`.
        """
        result = await self.repository.report(report)
        self.wake_relay()
        return result

    async def find(self, payment_id: UUID) -> Payment:
        """Return a payment.

        Raises:
            PaymentNotFound.
        """
        payment = await self.repository.find(payment_id)
        if payment is None:
            raise PaymentNotFound
        return payment

    async def show(self, payment_id: UUID, *, to: Principal) -> Payment:
        """Return a payment to its payer, or to an admin.

        Raises:
            PaymentNotFound.
            Forbidden: the user is neither.
        """
        payment = await self.find(payment_id)
        if payment.user_id != to.user_id and not to.has_role(Role.ADMIN):
            raise Forbidden
        return payment

    async def page(
        self,
        *,
        user_id: UUID | None = None,
        provider: ProviderName | None = None,
        status: PaymentStatus | None,
        is_flagged: bool = False,
        limit: int,
        offset: int,
        after: Cursor | None,
    ) -> tuple[list[Payment], Total]:
        """Return a page of payments, newest first, and the number on all pages; None stands for all."""
        return await self.repository.page(
            user_id=user_id,
            provider=provider,
            status=status,
            is_flagged=is_flagged,
            limit=limit,
            offset=offset,
            after=after,
        )

    async def oldest(
        self,
        *,
        provider: ProviderName | None,
        statuses: Sequence[PaymentStatus],
        is_disputed: bool,
        since: Instant | None,
        limit: int,
    ) -> list[Payment]:
        """Return payments to be compared with a provider's own list, oldest first."""
        return await self.repository.oldest(
            provider=provider, statuses=statuses, is_disputed=is_disputed, since=since, limit=limit
        )
