"""Payments: opened by the orchestrator, decided by what their providers report, read by their payers and by admins."""

from collections.abc import Callable, Sequence
from uuid import UUID

from common.auth.principal import Principal, Role
from common.errors import Forbidden
from common.fields import Instant
from users.payments.errors import PaymentNotFound
from users.payments.repository import PaymentRepository
from users.payments.schemas import AttachPayment, OpenPayment, Payment, ProviderName, ProviderReport, Reported
from users.payments.status import PaymentStatus

__all__ = ["Payments"]


class Payments:
    """What people pay from outside.

    Args:
        on_message: told when a message was committed to the outbox.
    """

    def __init__(self, repository: PaymentRepository, *, on_message: Callable[[], None]) -> None:
        self._repository = repository
        self._on_message = on_message

    async def open(self, opening: OpenPayment) -> Payment:
        """Note what somebody is to pay; repeatable by its request id.

        Raises:
            UserNotFound, PaymentInvalidState.
        """
        return await self._repository.open(opening)

    async def attach(self, payment_id: UUID, attaching: AttachPayment) -> Payment:
        """Note what the provider calls it, and how it is paid; repeatable by its request id.

        Raises:
            PaymentNotFound, PaymentInvalidState.
        """
        return await self._repository.attach(payment_id, attaching)

    async def report(self, report: ProviderReport) -> Reported:
        """Hold a provider's report against our record and do what it means: the one place that decides (W3, W4).

        However often, late or out of order reports come, a success credits the wallet once. See `status.judge`.
        """
        reported = await self._repository.report(report)
        self._on_message()
        return reported

    async def find(self, payment_id: UUID) -> Payment:
        """Return a payment.

        Raises:
            PaymentNotFound.
        """
        payment = await self._repository.find(payment_id)
        if payment is None:
            raise PaymentNotFound
        return payment

    async def show(self, payment_id: UUID, *, to: Principal) -> Payment:
        """Return a payment to its payer, or to an admin.

        Raises:
            PaymentNotFound.
            Forbidden: it is somebody else's.
        """
        payment = await self.find(payment_id)
        if payment.user_id != to.user_id and not to.has_role(Role.ADMIN):
            raise Forbidden
        return payment

    async def list_of(
        self, user: Principal, *, status: PaymentStatus | None, limit: int, offset: int
    ) -> tuple[list[Payment], int]:
        """Return a page of a user's payments, newest first, and how many there are in all."""
        return await self._repository.page(user_id=user.user_id, status=status, limit=limit, offset=offset)

    async def list_all(
        self,
        *,
        provider: ProviderName | None,
        status: PaymentStatus | None,
        is_flagged: bool,
        limit: int,
        offset: int,
    ) -> tuple[list[Payment], int]:
        """Return a page of everybody's payments, newest first, and how many there are in all."""
        return await self._repository.page(
            provider=provider, status=status, is_flagged=is_flagged, limit=limit, offset=offset
        )

    async def oldest(
        self, *, provider: ProviderName | None, statuses: Sequence[PaymentStatus], since: Instant | None, limit: int
    ) -> list[Payment]:
        """Return payments to be compared with a provider's own list, oldest first."""
        return await self._repository.oldest(provider=provider, statuses=statuses, since=since, limit=limit)
