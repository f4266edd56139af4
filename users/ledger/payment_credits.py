"""Credits from a payment provider, and their reversal, as parts of the caller's transaction.

Request ids are derived from the payment's id, so that even a mistake of the caller cannot move credits twice: the ledger
has one movement for each request id, and reverses a movement once.
"""

import uuid
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.idempotency import ParticipantRequest, replay
from users.ledger.reversals import REVERSE_TOP_UP
from users.ledger.statements import TOP_UP


async def credit_payment(
    connection: AsyncConnection, *, payment_id: uuid.UUID, user_id: uuid.UUID, provider: str, amount: Decimal
) -> None:
    """Credit a payment's amount to its user's wallet, once. The user exists."""
    request = ParticipantRequest.of(_credit_of(payment_id), "credit_payment", payment_id=payment_id)
    parameters = {"user_id": str(user_id), "provider": provider, "amount": amount, "reference": str(payment_id)}
    row = (await connection.execute(TOP_UP, {**parameters, **request.parameters})).mappings().one()
    replay(row["result"])


async def reverse_payment_credit(connection: AsyncConnection, *, payment_id: uuid.UUID) -> Decimal:
    """Debit a payment's credits from the wallet, once, and return what is owed because they were spent."""
    request = ParticipantRequest.of(uuid.uuid5(payment_id, "take back"), "take_payment_back", payment_id=payment_id)
    parameters = {"undoes_request_id": _credit_of(payment_id), "reference": str(payment_id)}
    row = (await connection.execute(REVERSE_TOP_UP, {**parameters, **request.parameters})).mappings().one()
    return Decimal(replay(row["result"])["shortfall"])


def _credit_of(payment_id: uuid.UUID) -> uuid.UUID:
    return uuid.uuid5(payment_id, "credit")
