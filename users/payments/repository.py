"""Payments in PostgreSQL."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import Database, Row
from common.db.idempotency import (
    IdempotencyStore,
    ParticipantRequest,
    load_result,
    store_result,
    write_tombstone,
)
from common.db.pages import find_newest, has_value
from common.errors import ServiceError
from common.fields import Instant
from common.messaging.message import Message
from common.messaging.outbox import outbox_row
from common.pages import Cursor, Total
from common.rows import readable
from users.accounts.errors import UserNotFound
from users.database import OUTBOX
from users.ledger.payment_credits import credit_payment, return_credit, take_credit_back
from users.payments.errors import PaymentInvalidState, PaymentNotFound
from users.payments.models import PAYMENTS
from users.payments.reversals import NOTHING, ReversalStatus
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
from users.payments.statements import ATTACH, CLOSE, FIND, LOCK, NOTE, OPEN, payment_json
from users.payments.status import (
    Deposits,
    Flag,
    PaymentStatus,
    ReportDecision,
    ReportOutcome,
    decide,
    decide_closing,
    received_by,
)

__all__ = ["PaymentRepository"]

MESSAGE_OF_STATUS: Final = {
    PaymentStatus.PARTIALLY_PAID: "payment.partially_paid",
    PaymentStatus.SUCCEEDED: "payment.confirmed",
    PaymentStatus.FAILED: "payment.failed",
    PaymentStatus.EXPIRED: "payment.failed",
    PaymentStatus.REFUNDED: "payment.refunded",
}
MESSAGE_OF_DISPUTE: Final = {
    ReversalStatus.OPEN: "payment.disputed",
    ReversalStatus.WITHDRAWN: "payment.disputed",
    ReversalStatus.LOST: "payment.dispute_lost",
    ReversalStatus.WON: "payment.dispute_won",
    ReversalStatus.CLOSED: "payment.dispute_won",
}
OPEN_DISPUTES: Final = (ReversalStatus.OPEN, ReversalStatus.WITHDRAWN)
PUBLISHED_FIELDS: Final = {
    "payment_id",
    "user_id",
    "provider",
    "purpose",
    "reference",
    "amount",
    "original_amount",
    "currency",
    "paid_amount",
    "refunded_amount",
    "disputed_amount",
    "dispute_status",
    "status",
    "closed_at",
    "flags",
}
# The previous release's reports have none of these: a report without them has the same fingerprint there.
LATER_FIELDS: Final = ("parent_payment_id", "pay_currency", "reversal")

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
        identity = {name: fact for name, fact in facts.items() if name not in LATER_FIELDS or fact is not None}
        request = ParticipantRequest.of(report.request_id, "payment_report", **identity)
        async with self._store.transaction(request) as connection:
            row = (await connection.execute(LOCK, facts)).mappings().first()
            if row is None:
                return ReportResult(payment=None, outcome=ReportOutcome.UNKNOWN)
            if (stored := await load_result(connection, request)) is not None:
                return ReportResult(**stored)
            payment = Payment(**row["found"])
            decision = decide(payment, report)
            noted = await _note(connection, payment, decision, report)
            result = ReportResult(payment=noted, outcome=decision.outcome)
            await store_result(connection, request, result.model_dump(mode="json"))
        return result

    async def close(self, payment_id: UUID, closing: ClosePayment) -> ClosedPayment:
        """Close a payment, even if its opening never arrived: then that will be refused. What was received is credited.

        Raises:
            Unprocessable: the request's id was used for another call.
            Busy: another transaction holds a lock for too long; nothing was changed.
        """
        request = ParticipantRequest.of(closing.request_id, "close_payment", payment_id=payment_id)
        async with self._store.transaction(request) as connection:
            await write_tombstone(connection, closing.undoes_request_id)
            row = (await connection.execute(CLOSE, {"payment_id": payment_id})).mappings().first()
            if (stored := await load_result(connection, request)) is not None:
                return ClosedPayment(**stored)
            result = ClosedPayment(payment=None)
            if row is not None:
                payment = Payment(**row["found"])
                result = ClosedPayment(payment=await _note(connection, payment, decide_closing(payment)))
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
    ) -> tuple[list[Payment], Total]:
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
        return readable(rows, _payment, of="payments", key="payment_id"), total

    async def oldest(
        self,
        *,
        provider: ProviderName | None,
        statuses: Sequence[PaymentStatus],
        is_disputed: bool,
        since: Instant | None,
        limit: int,
    ) -> list[Payment]:
        """Return payments opened since then, oldest first; of all providers or statuses if none is named.

        Args:
            is_disputed: only those with an open dispute.
        """
        conditions: list[ColumnElement[bool]] = []
        if provider is not None:
            conditions.append(PAYMENTS.c.provider == provider)
        if statuses:
            conditions.append(PAYMENTS.c.status.in_(statuses))
        if is_disputed:
            conditions.append(PAYMENTS.c.dispute_status.in_(OPEN_DISPUTES))
        if since is not None:
            conditions.append(PAYMENTS.c.created_at >= since)
        oldest_first = (PAYMENTS.c.created_at, PAYMENTS.c.payment_id)
        rows = await self._database.fetch_all(_ROWS.where(*conditions).order_by(*oldest_first).limit(limit))
        return readable(rows, _payment, of="payments", key="payment_id")


def _payment(row: Row) -> Payment:
    return Payment(**row["found"])


async def _note(
    connection: AsyncConnection, payment: Payment, decision: ReportDecision, report: ProviderReport | None = None
) -> Payment:
    """Apply a decision: move the credits, change the payment, publish that. Return the changed payment."""
    if decision.outcome is ReportOutcome.IGNORED and decision.reversals == payment.reversals:
        return payment
    is_credited = decision.outcome is ReportOutcome.CREDITED
    amount = decision.settled_amount or payment.amount
    moved = await _move_credits(connection, payment, decision, amount=amount)
    changes = {
        "payment_id": payment.payment_id,
        "provider_payment_id": payment.provider_payment_id,
        "settled_amount": decision.settled_amount,
        "status": decision.status,
        "occurred_at": None if report is None else report.occurred_at,
        "paid_amount": None,
        "deposits": _json_of(decision.deposits),
        "reversals": decision.reversals.model_dump(mode="json"),
        "refunded_amount": min(decision.refunded, amount),
        "disputed_amount": min(decision.reversals.disputed, amount),
        "dispute_status": decision.reversals.dispute_status,
        "taken_back": moved.taken_back,
        "reversal_count": moved.count,
        "flags": sorted({*decision.flags, *moved.flags}),
        "is_credited": is_credited,
    }
    if report is not None and decision.outcome is not ReportOutcome.MISMATCH:  # a contradicting report sets nothing
        attached = payment.provider_payment_id or report.parent_payment_id or report.provider_payment_id
        changes |= {"provider_payment_id": attached, "paid_amount": received_by(report, decision.deposits)}
    noted = Payment(**(await connection.execute(NOTE, changes)).mappings().one()["found"])
    for message_type in _news(payment, noted):
        await _publish(connection, noted, message_type)
    return noted


@dataclass(frozen=True, slots=True)
class _Moved:
    """`taken_back` of the payment's credits, by `count` movements so far; `flags` are added."""

    taken_back: Decimal
    count: int
    flags: frozenset[Flag] = frozenset()


async def _move_credits(
    connection: AsyncConnection, payment: Payment, decision: ReportDecision, *, amount: Decimal
) -> _Moved:
    """Credit the payment, then take back or return what its refunds and disputes demand now."""
    facts: dict[str, Any] = {
        "payment_id": payment.payment_id,
        "user_id": payment.user_id,
        "provider": payment.provider,
    }
    is_credited = payment.is_credited
    if decision.outcome is ReportOutcome.CREDITED:
        await credit_payment(connection, **facts, amount=amount)
        is_credited = True
    due = min(decision.refunded + decision.reversals.disputed, amount) if is_credited else NOTHING
    change, number = due - payment.taken_back, payment.reversal_count + 1
    if change == 0:
        return _Moved(payment.taken_back, payment.reversal_count)
    if change < 0:
        await return_credit(connection, **facts, amount=-change, number=number)
        return _Moved(due, number)
    shortfall = await take_credit_back(connection, **facts, amount=change, number=number)
    return _Moved(due, number, frozenset({Flag.SHORTFALL}) if shortfall else frozenset())


def _json_of(deposits: Deposits) -> dict[str, str | None]:
    return {name: None if amount is None else f"{amount:f}" for name, amount in deposits.items()}


def _news(before: Payment, after: Payment) -> Iterator[str]:
    """Yield the types of the messages that announce what a report changed."""
    was_refunded = before.status is PaymentStatus.REFUNDED and before.is_credited == after.is_credited
    is_another_part = after.status is PaymentStatus.PARTIALLY_PAID and after.paid_amount != before.paid_amount
    if (after.status is not before.status and not was_refunded) or is_another_part:
        if after.status in MESSAGE_OF_STATUS:
            yield MESSAGE_OF_STATUS[after.status]
    elif after.refunded_amount > before.refunded_amount:
        yield "payment.partially_refunded"
    elif after.refunded_amount < before.refunded_amount:
        yield "payment.refund_failed"
    is_more = after.is_credited and after.paid_amount != before.paid_amount and before.original_amount is not None
    if is_more and Flag.OVERPAID in after.flags:  # the payer may think that it completes the amount
        yield "payment.overpaid"
    if after.dispute_status is not None and after.dispute_status is not before.dispute_status:
        yield MESSAGE_OF_DISPUTE[after.dispute_status]


async def _publish(connection: AsyncConnection, payment: Payment, message_type: str) -> None:
    data = payment.model_dump(mode="json", include=PUBLISHED_FIELDS)
    message = Message(type=message_type, source="users", subject=str(payment.payment_id), data=data)
    await connection.execute(OUTBOX.insert(), outbox_row(message))
