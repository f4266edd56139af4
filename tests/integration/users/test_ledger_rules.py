"""What the database refuses from any client (W2)."""

import uuid
from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from common.db.engine import Database, sqlstate_of
from tests.integration.users.user_client import LedgerCaller

CHECK_VIOLATION = "23514"
UNIQUE_VIOLATION = "23505"
RESTRICT_VIOLATION = "23001"

INSERT_TRANSACTION = text(
    "INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference, reverses_transaction_id) "
    "VALUES (:id, :request_id, 'test', '', :reverses)"
)
INSERT_ENTRIES = text(
    "INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount) "
    "SELECT :id, 'wallet', 'owner ' || n, currency, amount "
    "FROM unnest(CAST(:currencies AS text[]), CAST(:amounts AS numeric[])) WITH ORDINALITY AS e (currency, amount, n)"
)


async def begin(
    database: Database, *, reverses: uuid.UUID | None = None, request_id: uuid.UUID | None = None
) -> uuid.UUID:
    transaction_id = uuid.uuid4()
    parameters = {"id": transaction_id, "request_id": request_id or uuid.uuid4(), "reverses": reverses}
    await database.execute(INSERT_TRANSACTION, parameters)
    return transaction_id


async def write(database: Database, amounts: Sequence[float], currencies: Sequence[str] = ("SGD", "SGD")) -> None:
    parameters = {"id": await begin(database), "amounts": list(amounts), "currencies": list(currencies)}
    await database.execute(INSERT_ENTRIES, parameters)


async def test_balanced_entries_are_accepted(database: Database) -> None:
    await write(database, [-5, 5])


@pytest.mark.parametrize("amounts", [[-5, 5.01], [5, 5], [-5, 4.99]])
async def test_unbalanced_entries_are_refused(database: Database, amounts: list[float]) -> None:
    with pytest.raises(DBAPIError, match="ck_ledger_entries_balanced") as refused:
        await write(database, amounts)
    assert sqlstate_of(refused.value) == CHECK_VIOLATION


async def test_each_currency_must_balance(database: Database) -> None:
    with pytest.raises(DBAPIError, match="ck_ledger_entries_balanced"):
        await write(database, [-5, 5], ["SGD", "POINTS"])


@pytest.mark.parametrize("table", ["ledger_entries", "ledger_transactions"])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET transaction_id = transaction_id", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
async def test_ledger_rows_are_immutable(database: Database, ledger: LedgerCaller, table: str, change: str) -> None:
    await ledger.open_wallet("1.00")
    with pytest.raises(DBAPIError) as refused:
        await database.execute(text(change.format(table)))
    assert sqlstate_of(refused.value) == RESTRICT_VIOLATION


@pytest.mark.parametrize("kind", ["wallet", "escrow", "loyalty"])
async def test_no_balance_goes_below_zero(database: Database, kind: str) -> None:
    with pytest.raises(DBAPIError) as refused:
        await database.execute(
            text("INSERT INTO balances (account_kind, account_owner, currency, amount) VALUES (:kind, 'x', 'SGD', -1)"),
            {"kind": kind},
        )
    assert sqlstate_of(refused.value) == CHECK_VIOLATION


@pytest.mark.parametrize("kind", ["revenue", "external", "receivable"])
async def test_system_accounts_have_no_balance_row(database: Database, kind: str) -> None:
    with pytest.raises(DBAPIError) as refused:
        await database.execute(
            text("INSERT INTO balances (account_kind, account_owner, currency) VALUES (:kind, 'x', 'SGD')"),
            {"kind": kind},
        )
    assert sqlstate_of(refused.value) == CHECK_VIOLATION


async def test_one_request_makes_one_transaction(database: Database) -> None:
    request_id = uuid.uuid4()
    await begin(database, request_id=request_id)
    with pytest.raises(DBAPIError) as refused:
        await begin(database, request_id=request_id)
    assert sqlstate_of(refused.value) == UNIQUE_VIOLATION


async def test_transaction_is_reversed_once(database: Database) -> None:
    original = await begin(database)
    await begin(database, reverses=original)
    with pytest.raises(DBAPIError) as refused:
        await begin(database, reverses=original)
    assert sqlstate_of(refused.value) == UNIQUE_VIOLATION
