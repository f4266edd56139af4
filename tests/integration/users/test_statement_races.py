# ruff: noqa: SLF001 - the test reads the statement itself
"""A statement is correct while credits move, and costs the same at any length."""

import asyncio
import uuid
from decimal import Decimal

import asyncpg
import httpx
import pytest

from common.db.engine import Database
from tests.integration.users.statement_pages import whole_statement
from tests.integration.users.user_client import LedgerCaller
from tests.support.plans import Explainer
from tests.support.servers import DatabaseFactory
from users.ledger import repository
from users.ledger.repository import LedgerRepository
from users.ledger.service import Ledger

LONG = 20_000
PAGE = 21


@pytest.fixture
def ledger_service(database: Database) -> Ledger:
    return Ledger(LedgerRepository(database))


async def test_each_line_has_the_balance_after_its_movement(ledger: LedgerCaller, ledger_service: Ledger) -> None:
    """Twelve concurrent tasks move one wallet's credits in every way; a reader pages through the statement meanwhile."""
    fan, friend = await ledger.open_wallet("500.00"), await ledger.open_wallet("500.00")
    answers: list[httpx.Response] = []

    async def move(seed: int) -> None:
        for turn in range(seed, seed + 5):
            match turn % 5:
                case 0:
                    answers.append(await ledger.charge(fan, "3.00"))
                case 1:
                    answers.append(await ledger.top_up(fan, "2.00"))
                case 2:
                    await ledger.transfer(fan, friend, "1.00")
                case 3:
                    await ledger.transfer(friend, fan, "1.50")
                case _:
                    await ledger.hold(fan, "0.50")

    moving = asyncio.gather(*(move(seed) for seed in range(12)))
    lengths = []
    while not moving.done():
        lengths.append(len(await whole_statement(ledger_service, fan, per_page=7)))
    await moving

    lines = await whole_statement(ledger_service, fan, per_page=7)
    assert lengths == sorted(lengths)
    assert lengths[0] < len(lines) == 1 + 12 * 5
    assert lines[0].balance_after == (await ledger_service.wallet_of(fan)).balance
    after = {line.transaction_id: line.balance_after for line in lines}
    for data in (answer.json()["data"] for answer in answers):
        assert after[uuid.UUID(data["transaction_id"])] == Decimal(data["balance"])


# A wallet with very many entries, among others; written without the triggers, which would check each entry.
FILL = """
    SET session_replication_role = replica;
    CREATE TEMP TABLE made AS
        SELECT gen_random_uuid() AS transaction_id, n, CASE WHEN n % 2 = 0 THEN '{fan}' ELSE 'other ' || n % 997 END AS owner
        FROM generate_series(1, {entries}) AS n;
    INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
        SELECT transaction_id, gen_random_uuid(), 'top_up', '' FROM made ORDER BY n;
    INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
        SELECT transaction_id, kind, CASE kind WHEN 'wallet' THEN owner ELSE 'stripe' END, 'SGD', amount
        FROM made CROSS JOIN (VALUES ('wallet', 1), ('external', -1)) AS side (kind, amount) ORDER BY n;
    INSERT INTO balances (account_kind, account_owner, currency, amount)
        SELECT 'wallet', owner, 'SGD', count(*) FROM made GROUP BY owner;
    VACUUM ANALYZE
"""
NTH = """
    SELECT transaction_id FROM ledger_entries WHERE account_kind = 'wallet' AND account_owner = $1
    ORDER BY entry_number DESC OFFSET $2 LIMIT 1
"""


async def test_page_of_a_long_statement_reads_few_rows(database_url: DatabaseFactory) -> None:
    connection = await asyncpg.connect(database_url("users").replace("postgresql+asyncpg", "postgresql"))
    fan = str(uuid.uuid4())
    for statement in FILL.format(fan=fan, entries=2 * LONG).split(";"):
        await connection.execute(statement)
    account = {"account_kind": "wallet", "owner": fan, "currency": "SGD", "limit": PAGE}
    pages = []
    for depth in (1, LONG // 2, LONG - 2 * PAGE):
        after = await connection.fetchval(NTH, fan, depth)
        explained = await Explainer(connection, {**account, "after": after}).explain(repository._ENTRIES)
        assert not [scan for scan in explained.scans if scan.startswith("Seq Scan")], explained
        pages.append(explained.pages)
    await connection.close()
    # Three or four index levels for each entry's transaction, and a few more for the page itself.
    assert max(pages) <= 6 * PAGE, pages
