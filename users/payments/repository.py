"""Payments in PostgreSQL."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import Database
from common.db.idempotency import IdempotencyStore, ParticipantRequest, load_result, store_result
from common.db.pages import find_newest, has_value
from common.errors import ServiceError
from common.fields import Instant
from common.messaging.message import Message
from common.messaging.outbox import outbox_row
from common.pages import Cursor
from users.accounts.errors import UserNotFound
from users.database import OUTBOX
from users.ledger.payment_credits import credit_payment, reverse_payment_credit
from users.payments.errors import PaymentInvalidState, PaymentNotFound
from users.payments.models import PAYMENTS
from users.payments.schemas import AttachPayment, OpenPayment, Payment, ProviderName, ProviderReport, ReportResult
from users.payments.statements import ATTACH, FIND, LOCK, NOTE, OPEN, payment_json
from users.payments.status import Flag, PaymentStatus, ReportDecision, ReportOutcome, decide

__all__ = ["PaymentRepository"]

MESSAGE_OF_STATUS: Final = {
    PaymentStatus.PARTIALLY_PAID: "payment.partially_paid",
    PaymentStatus.SUCCEEDED: "payment.confirmed",
    PaymentStatus.FAILED: "payment.failed",
    PaymentStatus.EXPIRED: "payment.failed",
    PaymentStatus.REFUNDED: "payment.refunded",
}
PUBLISHED_FIELDS: Final = {
    "payment_id",
    "user_id",
    "provider",
    "purpose",
    "reference",
    "amount",
    "currency",
    "paid_amount",
    "status",
    "flags",
}

_ROWS: Final[Select[Any]] = select(literal_column(payment_json("payments")).label("found")).select_from(PAYMENTS)


class PaymentRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = IdempotencyStore(database)

    async def open(self, opening: OpenPayment) -> Payment:
        """Store a payment that has no report yet.

        Raises:
            UserNotFound.
            PaymentInvalidState: another request opened it.
        """

        async def refuse() -> ServiceError:
            return UserNotFound() if await self.find(opening.payment_id) is None else PaymentInvalidState()

        facts = opening.model_dump(exclude={"request_id"})
        request = ParticipantRequest.of(opening.request_id, "open_payment", **facts)
        return Payment(**await self._store.answer(request, OPEN, facts, refuse=refuse))

    async def attach(self, payment_id: UUID, attaching: AttachPayment) -> Payment:
        """Store the provider's id of a payment.

        Raises:
            PaymentNotFound.
            PaymentInvalidState: the payment has another one, or it is another payment's.
        """

        async def refuse() -> ServiceError:
            return PaymentNotFound() if await self.find(payment_id) is None else PaymentInvalidState()

        facts = {"payment_id": payment_id, **attaching.model_dump(exclude={"request_id"})}
        request = ParticipantRequest.of(attaching.request_id, "attach_payment", **facts)
        return Payment(**await self._store.answer(request, ATTACH, facts, refuse=refuse))

    async def report(self, report: ProviderReport) -> ReportResult:
        """Apply a provider's report in one transaction. The answer UNKNOWN is not stored.

        Raises:
            Unprocessable: the request's id was used for another report.
            Busy: another transaction holds a lock for too long; nothing was changed.
        """
        facts = report.model_dump(exclude={"request_id"})
        request = ParticipantRequest.of(report.request_id, "payment_report", **facts)
        async with self._store.transaction(request) as connection:
            row = (await connection.execute(LOCK, facts)).mappings().first()
            if row is None:
                return ReportResult(payment=None, outcome=ReportOutcome.UNKNOWN)
            if (stored := await load_result(connection, request)) is not None:
                return ReportResult(**stored)
            payment = Payment(**row["found"])
            decision = decide(payment, report)
            noted = await _note(connection, payment, report, decision)
            result = ReportResult(payment=noted, outcome=decision.outcome)
            await store_result(connection, request, result.model_dump(mode="json"))
        return result

    async def find(self, payment_id: UUID) -> Payment | None:
        row = await self._database.fetch_one(FIND, {"payment_id": payment_id})
        return None if row is None else Payment(**row["found"])

    async def page(
        self,
        *,
        user_id: UUID | None = None,
        provider: ProviderName | None = None,
        status: PaymentStatus | None = None,
        is_flagged: bool = False,
        limit: int,
        offset: int,
        after: Cursor | None = None,
    ) -> tuple[list[Payment], int]:
        """Return a page of payments, newest first, and the number on all pages; None stands for all."""
        names = {PAYMENTS.c.provider: provider, PAYMENTS.c.status: status}
        conditions = [has_value(column, name) for column, name in names.items() if name is not None]
        if user_id is not None:
            conditions.append(PAYMENTS.c.user_id == user_id)
        if is_flagged:
            conditions.append(literal_column("flags <> '{}'"))
        rows, total = await find_newest(
            self._database,
            _ROWS.where(*conditions),
            at=PAYMENTS.c.created_at,
            key=PAYMENTS.c.payment_id,
            limit=limit,
            offset=offset,
            after=after,
        )
        return [Payment(**row["found"]) for row in rows], total

    async def oldest(
        self, *, provider: ProviderName | None, statuses: Sequence[PaymentStatus], since: Instant | None, limit: int
    ) -> list[Payment]:
        """Return payments opened since then, oldest first; of all providers or statuses if none is named."""
        conditions: list[ColumnElement[bool]] = []
        if provider is not None:
            conditions.append(PAYMENTS.c.provider == provider)
        if statuses:
            conditions.append(PAYMENTS.c.status.in_(statuses))
        if since is not None:
            conditions.append(PAYMENTS.c.created_at >= since)
        oldest_first = (PAYMENTS.c.created_at, PAYMENTS.c.payment_id)
        rows = await self._database.fetch_all(_ROWS.where(*conditions).order_by(*oldest_first).limit(limit))
        return [Payment(**row["found"]) for row in rows]


async def _note(
    connection: AsyncConnection, payment: Payment, report: ProviderReport, decision: ReportDecision
) -> Payment:
    """Apply a decision: move the credits, change the payment, publish that. Return the changed payment."""
    if decision.outcome is ReportOutcome.IGNORED:
        return payment
    flags = {*decision.flags, *await _move_credits(connection, payment, decision)}
    is_consistent = (
        decision.outcome is not ReportOutcome.MISMATCH
    )  # a contradicting report does not set the provider's id
    changes = {
        "payment_id": payment.payment_id,
        "provider_payment_id": report.provider_payment_id if is_consistent else payment.provider_payment_id,
        "status": decision.status,
        "occurred_at": report.occurred_at,
        "paid_amount": report.paid_amount if is_consistent else None,
        "flags": sorted(flags),
        "is_credited": decision.outcome is ReportOutcome.CREDITED,
    }
    noted = Payment(**(await connection.execute(NOTE, changes)).mappings().one()["found"])
    if (noted.status, noted.paid_amount) != (payment.status, payment.paid_amount):
        await _publish(connection, noted)
    return noted


async def _move_credits(connection: AsyncConnection, payment: Payment, decision: ReportDecision) -> set[Flag]:
    """Move the credits of a change of status, and return the flags to add."""
    if decision.status is payment.status:
        return set()
    if decision.status is PaymentStatus.SUCCEEDED:
        await credit_payment(
            connection,
            payment_id=payment.payment_id,
            user_id=payment.user_id,
            provider=payment.provider,
            amount=payment.amount,
        )
    is_reversed = decision.status is PaymentStatus.REFUNDED and payment.credited_at is not None
    if is_reversed and await reverse_payment_credit(connection, payment_id=payment.payment_id):
        return {Flag.SHORTFALL}
    return set()


async def _publish(connection: AsyncConnection, payment: Payment) -> None:
    message_type = MESSAGE_OF_STATUS.get(payment.status)
    if message_type is None:
        return
    data = payment.model_dump(mode="json", include=PUBLISHED_FIELDS)
    message = Message(type=message_type, source="users", subject=str(payment.payment_id), data=data)
    await connection.execute(OUTBOX.insert(), outbox_row(message))
