"""Credits from a payment provider, and their reversal, as parts of the caller's transaction.

Request ids are derived from the payment's id, so that even a mistake of the caller cannot move credits twice: the ledger
has one movement for each request id, and reverses a movement once.
"""

import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import TextClause
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
    await _move(connection, TOP_UP, request, parameters)


async def take_credit_back(
    connection: AsyncConnection,
    *,
    payment_id: uuid.UUID,
    user_id: uuid.UUID,
    provider: str,
    amount: Decimal,
    number: int,
) -> Decimal:
    """Debit a part of a payment's credits from the wallet, and return what is owed because they were spent.

    Args:
        number: counts the movements of this payment after its credit; each number moves credits once.
    """
    request_id = uuid.uuid5(payment_id, f"take back/{number}")
    request = ParticipantRequest.of(request_id, "take_credit_back", payment_id=payment_id, amount=amount)
    parameters = {
        "undoes_request_id": _credit_of(payment_id),
        "user_id": str(user_id),
        "provider": provider,
        "amount": amount,
        "reference": str(payment_id),
    }
    return Decimal((await _move(connection, REVERSE_TOP_UP, request, parameters))["shortfall"])


async def return_credit(
    connection: AsyncConnection,
    *,
    payment_id: uuid.UUID,
    user_id: uuid.UUID,
    provider: str,
    amount: Decimal,
    number: int,
) -> None:
    """Credit what was taken back, because the provider returned the money; `number` as in `take_credit_back`."""
    request_id = uuid.uuid5(payment_id, f"return/{number}")
    request = ParticipantRequest.of(request_id, "return_credit", payment_id=payment_id, amount=amount)
    parameters = {"user_id": str(user_id), "provider": provider, "amount": amount, "reference": str(payment_id)}
    await _move(connection, TOP_UP, request, parameters)


def _credit_of(payment_id: uuid.UUID) -> uuid.UUID:
    return uuid.uuid5(payment_id, "credit")


async def _move(
    connection: AsyncConnection, movement: TextClause, request: ParticipantRequest, parameters: dict[str, object]
) -> dict[str, Any]:
    row = (await connection.execute(movement, {**parameters, **request.parameters})).mappings().one()
    return replay(row["result"])
