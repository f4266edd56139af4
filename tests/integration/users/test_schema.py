"""The migrations produce the schema of the models."""

import asyncio
import os
import sys
import uuid
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import users
from common.db.engine import Database
from common.db.migrations import upgrade
from common.settings import DatabaseSettings
from tests.support.servers import DatabaseFactory
from tests.support.statements import schema_differences
from users.registration_codes.repository import RegistrationCodeRepository
from users.tables import METADATA

MIGRATIONS = Path(users.__file__).parent / "migrations"


async def test_migrations_match_the_models(database: Database) -> None:
    assert await schema_differences(database, METADATA) == []


async def _migrate(database_url: str) -> int:
    """It needs only DATABASE_URL: no key, no secret."""
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": database_url}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "users", "migrate", env=env)
    return await process.wait()


async def test_concurrent_instances_migrate_once(database_url: DatabaseFactory) -> None:
    url = database_url.empty()

    assert await asyncio.gather(*(_migrate(url) for _ in range(2))) == [0, 0]

    database = Database(DatabaseSettings(database_url=SecretStr(url)), application_name="tests")
    rows = await database.fetch_all(text("SELECT version_num FROM alembic_version"))
    await database.close()
    assert [row["version_num"] for row in rows] == ["0010"]


OPEN_CHALLENGE = text(
    """
    WITH fan AS (
        INSERT INTO users (user_id, email, phone, password_hash, roles)
        VALUES (:user_id, 'fan@example.com', '+6590000000', '!', '{customer}') RETURNING user_id, phone)
    INSERT INTO otp_challenges (user_id, context, verification_sid, phone)
    SELECT user_id, 'registration', 'VE1', phone FROM fan
    """
)


async def test_migration_keeps_pending_registrations(database_url: DatabaseFactory) -> None:
    url, user_id = database_url.empty(), uuid.uuid4()
    await asyncio.to_thread(upgrade, migrations=MIGRATIONS, database_url=url, revision="0002")
    database = Database(DatabaseSettings(database_url=SecretStr(url)), application_name="tests")
    await database.execute(OPEN_CHALLENGE, {"user_id": user_id})

    await asyncio.to_thread(upgrade, migrations=MIGRATIONS, database_url=url)

    challenge = await RegistrationCodeRepository(database).count_attempt(user_id=user_id, context="registration")
    await database.close()
    assert challenge is not None
    assert (challenge.verification_sid, challenge.attempts) == ("VE1", 1)


MOVED_BEFORE = """
    INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference, created_at)
    SELECT CAST('00000000-0000-0000-0000-00000000000' || (4 - n) AS uuid), gen_random_uuid(), 'top_up', '',
           CAST('2026-01-01' AS timestamptz) + n * interval '1 day'
    FROM generate_series(1, 3) AS n;
    INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
    SELECT transaction_id, side.kind, 'somebody', 'SGD', amount
    FROM ledger_transactions CROSS JOIN (VALUES ('external', -1), ('wallet', 1)) AS side (kind, amount)
    ORDER BY transaction_id;
"""
MOVE_NOW = """
    INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
    VALUES ('00000000-0000-0000-0000-000000000009', gen_random_uuid(), 'top_up', '');
    INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
    SELECT '00000000-0000-0000-0000-000000000009', kind, 'somebody', 'SGD', amount
    FROM (VALUES ('external', -1), ('wallet', 1)) AS side (kind, amount);
"""
NUMBERED = text(
    "SELECT right(CAST(transaction_id AS text), 1) AS last FROM ledger_entries "
    "WHERE account_kind = 'wallet' ORDER BY entry_number"
)


async def test_migration_numbers_old_entries_by_time_and_continues_the_sequence(
    database_url: DatabaseFactory,
) -> None:
    url = database_url.empty()
    await asyncio.to_thread(upgrade, migrations=MIGRATIONS, database_url=url, revision="0005")
    database = Database(DatabaseSettings(database_url=SecretStr(url)), application_name="tests")
    for statement in filter(str.strip, MOVED_BEFORE.split(";")):
        await database.execute(text(statement))

    await asyncio.to_thread(upgrade, migrations=MIGRATIONS, database_url=url)

    for statement in filter(str.strip, MOVE_NOW.split(";")):
        await database.execute(text(statement))
    rows = await database.fetch_all(NUMBERED)
    with pytest.raises(DBAPIError, match="23001"):
        await database.execute(text("UPDATE ledger_entries SET amount = 5"))
    await database.close()
    assert [row["last"] for row in rows] == ["3", "2", "1", "9"]
