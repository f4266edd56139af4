"""The payout of many tips to one performer, in a database of its own, as the users service makes it."""

import asyncio
import time
import uuid
from decimal import Decimal
from typing import Final

from pydantic import SecretStr

from bench.errors import BenchFailedError
from bench.own_database import migrated_database
from common.db.engine import Database
from common.db.idempotency import ParticipantRequest
from common.errors import ServiceError
from common.settings import DatabaseSettings
from devstack.database import connected
from users.accounts.errors import UserNotFound
from users.earnings.repository import EarningsRepository

__all__ = ["pay_out_tips"]

PERFORMER: Final = uuid.UUID(int=1)
OPEN_ACCOUNT: Final = (
    """
    INSERT INTO users (user_id, email, phone, password_hash, roles)
    VALUES ($1, 'performer@example.com', '+6580000000', '!', '{performer}')
    """,
    "INSERT INTO balances (account_kind, account_owner, currency) VALUES ('wallet', CAST($1::uuid AS text), 'SGD')",
)
# As `escrow/pay` leaves them; of the buyers there is only what they paid.
TIP: Final = """
    WITH tips AS MATERIALIZED (
        SELECT gen_random_uuid() AS transaction_id, CAST(n % 97 AS numeric) / 100 + 1 AS amount
        FROM generate_series(1, $2) AS n),
    moved AS (
        INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
        SELECT transaction_id, gen_random_uuid(), 'performer_payment', '' FROM tips),
    booked AS (
        INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
        SELECT transaction_id, side.kind, side.owner, 'SGD', side.amount FROM tips
        CROSS JOIN LATERAL (VALUES ('external', 'bench', -amount),
                                   ('pending_earnings', CAST($1::uuid AS text), amount)) AS side (kind, owner, amount))
    INSERT INTO pending_earnings (item_id, performer_user_id, amount, transaction_id)
    SELECT gen_random_uuid(), $1, amount, transaction_id FROM tips
"""
PENDING: Final = "SELECT sum(amount) FROM pending_earnings WHERE performer_user_id = $1 AND payout_id IS NULL"
WALLET: Final = "SELECT amount FROM balances WHERE account_kind = 'wallet' AND account_owner = CAST($1::uuid AS text)"


def pay_out_tips(server_url: str, *, tips: int, payouts: int) -> list[float]:
    """Tip a performer this often and pay it out, several times; return the seconds of each payout.

    Raises:
        BenchFailedError: the wallet has not exactly what was pending.
    """
    with migrated_database(server_url, "users") as url:
        return asyncio.run(_measure(url, tips, payouts))


async def _measure(url: str, tips: int, payouts: int) -> list[float]:
    database = Database(DatabaseSettings(database_url=SecretStr(url)), application_name="bench")
    try:
        async with connected(url) as connection:
            for statement in OPEN_ACCOUNT:
                await connection.execute(statement, PERFORMER)
            due, seconds = Decimal(), []
            for _ in range(payouts):
                await connection.execute(TIP, PERFORMER, tips)
                await connection.execute("VACUUM ANALYZE")
                due += await connection.fetchval(PENDING, PERFORMER)
                seconds.append(await _pay_out(EarningsRepository(database), tips))
                if await connection.fetchval(WALLET, PERFORMER) != due:
                    raise BenchFailedError("the wallet has not what was pending")
            return seconds
    finally:
        await database.close()


async def _pay_out(earnings: EarningsRepository, tips: int) -> float:
    request = ParticipantRequest.of(uuid.uuid4(), "pay_out", performer_user_id=PERFORMER)
    began = time.perf_counter()
    paid = await earnings.pay_out(request, payout_id=uuid.uuid4(), performer_user_id=PERFORMER, refuse=_refuse)
    seconds = time.perf_counter() - began
    if paid["items"] != tips:
        raise BenchFailedError(f"{paid['items']} of {tips} tips were paid out")
    return seconds


async def _refuse() -> ServiceError:
    return UserNotFound()
