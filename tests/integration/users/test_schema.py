"""The migrations produce the schema of the models."""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from common.db.engine import Database
from common.settings import DatabaseSettings
from tests.support.migrating_database import MigratingDatabase
from tests.support.servers import DatabaseFactory
from tests.support.statements import schema_differences
from users.accounts.errors import PhoneAlreadyExists
from users.accounts.repository import AccountRepository
from users.registration_codes.repository import RegistrationCodeRepository
from users.sessions.repository import SessionRepository
from users.tables import METADATA


@pytest.fixture
async def old_users(database_url: DatabaseFactory) -> AsyncIterator[MigratingDatabase]:
    database = MigratingDatabase("users", database_url.empty())
    yield database
    await database.close()


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
    assert [row["version_num"] for row in rows] == ["0017"]


OPEN_CHALLENGE = text(
    """
    WITH fan AS (
        INSERT INTO users (user_id, email, phone, password_hash, roles)
        VALUES (:user_id, 'fan@example.com', '+6590000000', '!', '{customer}') RETURNING user_id, phone)
    INSERT INTO otp_challenges (user_id, context, verification_sid, phone)
    SELECT user_id, 'registration', 'VE1', phone FROM fan
    """
)


async def test_migration_keeps_pending_registrations(old_users: MigratingDatabase) -> None:
    await old_users.upgrade("0002")
    user_id = uuid.uuid4()
    await old_users.execute(OPEN_CHALLENGE, {"user_id": user_id})

    await old_users.upgrade()

    challenge = await RegistrationCodeRepository(old_users).count_attempt(user_id=user_id, context="registration")
    assert challenge is not None
    assert (challenge.verification_sid, challenge.attempts) == ("VE1", 1)


OLD_USERS = text(
    """
    INSERT INTO users (user_id, email, phone, password_hash, roles, is_verified, created_at)
    SELECT gen_random_uuid(), 'fan' || n || '@example.com', '+6590000000', '!', '{customer}', n > 1,
        CAST('2026-01-01' AS timestamptz) + n * interval '1 day'
    FROM generate_series(1, 4) AS n
    """
)


async def test_accounts_that_share_a_phone_keep_it_and_no_other_gets_it(old_users: MigratingDatabase) -> None:
    await old_users.upgrade("0006")
    await old_users.execute(OLD_USERS)

    await old_users.upgrade()

    rows = await old_users.fetch_all(text("SELECT email, is_verified, shares_phone FROM users ORDER BY email"))
    assert [(row["is_verified"], row["shares_phone"]) for row in rows] == [
        (False, False), (True, False), (True, True), (True, True),
    ]  # fmt: skip
    accounts = AccountRepository(old_users)
    [unverified] = await accounts.by_login("fan1@example.com")
    with pytest.raises(PhoneAlreadyExists):
        await accounts.mark_verified(unverified.user_id, phone="+6590000000")


# As the previous release stores them, also for a minute after the migration.
REGISTER_BEFORE = text(
    """
    INSERT INTO users (user_id, email, phone, password_hash, roles, is_verified)
    VALUES (gen_random_uuid(), 'fan@example.com', '+6590000000', '!', '{customer}', true)
    ON CONFLICT (email) DO NOTHING
    """
)
VERIFY_BEFORE = text(
    """
    WITH fan AS (
        INSERT INTO sessions (session_id, user_id, access_expires_at, ends_at)
        SELECT gen_random_uuid(), user_id, now(), now() + interval '1 day' FROM users
        RETURNING user_id)
    INSERT INTO otp_challenges AS c (user_id, context, reference, verification_sid, phone)
    SELECT user_id, 'registration', CAST(user_id AS text), 'VE2', '+6590000000' FROM fan
    ON CONFLICT (user_id, context, reference) DO UPDATE SET
        verification_sid = excluded.verification_sid, phone = excluded.phone, attempts = 0, sent_at = now()
    """
)


async def test_previous_release_continues_to_register_and_log_in(old_users: MigratingDatabase) -> None:
    await old_users.upgrade("0011")
    await old_users.execute(REGISTER_BEFORE)

    await old_users.upgrade()

    assert await old_users.execute(REGISTER_BEFORE) == 0
    [user] = await AccountRepository(old_users).by_login("fan@example.com")
    codes = RegistrationCodeRepository(old_users)
    await old_users.execute(VERIFY_BEFORE)
    first = await codes.count_attempt(user_id=user.user_id, context="registration")
    assert first is not None
    assert await codes.mark_verified(first, code_hash=b"digest")
    await old_users.execute(VERIFY_BEFORE)
    second = await codes.count_attempt(user_id=user.user_id, context="registration")
    [session, _] = await SessionRepository(old_users, repeat_seconds=30, refreshes_per_minute=60).list_open(
        user.user_id
    )

    assert (user.email, user.is_email_verified) == ("fan@example.com", False)
    assert await AccountRepository(old_users).by_proven_email("fan@example.com") is None
    assert second is not None
    assert second.verification_sid == "VE2"  # which makes it an open challenge, whatever the row remembers
    assert (session.device, session.network) == (None, None)


MOVED_BEFORE = """
    INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference, created_at)
    SELECT CAST('00000000-0000-0000-0000-00000000000' || (4 - n) AS uuid), gen_random_uuid(), 'top_up', '',
           CAST('2026-01-01' AS timestamptz) + n * interval '1 day'
    FROM generate_series(1, 3) AS n;
    INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
    SELECT transaction_id, side.kind, 'a fan', 'SGD', amount
    FROM ledger_transactions CROSS JOIN (VALUES ('external', -1), ('wallet', 1)) AS side (kind, amount)
    ORDER BY transaction_id;
"""
MOVE_NOW = """
    INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
    VALUES ('00000000-0000-0000-0000-000000000009', gen_random_uuid(), 'top_up', '');
    INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
    SELECT '00000000-0000-0000-0000-000000000009', kind, 'a fan', 'SGD', amount
    FROM (VALUES ('external', -1), ('wallet', 1)) AS side (kind, amount);
"""
NUMBERED = text(
    "SELECT right(CAST(transaction_id AS text), 1) AS last FROM ledger_entries "
    "WHERE account_kind = 'wallet' ORDER BY entry_number"
)


async def test_migration_numbers_old_entries_by_time_and_continues_the_sequence(
    old_users: MigratingDatabase,
) -> None:
    await old_users.upgrade("0005")
    await old_users.run_script(MOVED_BEFORE)

    await old_users.upgrade()

    await old_users.run_script(MOVE_NOW)
    rows = await old_users.fetch_all(NUMBERED)
    with pytest.raises(DBAPIError, match="23001"):
        await old_users.execute(text("UPDATE ledger_entries SET amount = 5"))
    assert [row["last"] for row in rows] == ["3", "2", "1", "9"]


REFUNDED_BEFORE = text(
    """
    WITH fan AS (
        INSERT INTO users (user_id, email, phone, password_hash, roles)
        VALUES (gen_random_uuid(), 'fan@example.com', '+6590000000', '!', '{customer}') RETURNING user_id)
    INSERT INTO payments (payment_id, user_id, provider, purpose, reference, amount, currency, status, credited_at)
    SELECT gen_random_uuid(), user_id, 'stripe', 'topup', name, 50, 'sgd', status, CAST(credited_at AS timestamptz)
    FROM fan CROSS JOIN (VALUES ('credited', 'REFUNDED', '2026-01-01'), ('never credited', 'REFUNDED', NULL),
                                ('kept', 'SUCCEEDED', '2026-01-01')) AS before (name, status, credited_at)
    """
)


async def test_migration_records_old_refunds_as_full_ones(old_users: MigratingDatabase) -> None:
    await old_users.upgrade("0006")
    await old_users.execute(REFUNDED_BEFORE)

    await old_users.upgrade()

    rows = await old_users.fetch_all(text("SELECT * FROM payments ORDER BY reference"))
    assert [(row["reference"], row["refunded_amount"], row["taken_back"], row["reversals"]) for row in rows] == [
        ("credited", 50, 50, {"refund_total": "50.00"}),
        ("kept", 0, 0, {}),
        ("never credited", 50, 0, {"refund_total": "50.00"}),
    ]


OWED_BEFORE = """
    INSERT INTO balances (account_kind, account_owner, currency) VALUES ('wallet', 'debtor', 'SGD'), ('wallet', 'fan', 'SGD');
    INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
    SELECT CAST('00000000-0000-0000-0000-00000000000' || n AS uuid), gen_random_uuid(), 'top_up_reversal', ''
    FROM generate_series(1, 2) AS n;
    INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
    SELECT transaction_id, side.kind, side.owner, 'SGD', amount FROM ledger_transactions
    CROSS JOIN (VALUES ('external', 'stripe', 4), ('receivable', 'debtor', -4)) AS side (kind, owner, amount);
"""
# As the previous release writes it: it does not know what is stored with the wallet.
OWE_NOW = """
    INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
    VALUES ('00000000-0000-0000-0000-000000000009', gen_random_uuid(), 'top_up_reversal', '');
    INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
    SELECT '00000000-0000-0000-0000-000000000009', kind, owner, 'SGD', amount
    FROM (VALUES ('external', 'stripe', 3), ('receivable', 'debtor', -3)) AS side (kind, owner, amount);
"""


async def test_migration_stores_old_debts_and_counts_those_of_the_previous_release(
    old_users: MigratingDatabase,
) -> None:
    await old_users.upgrade("0006")
    await old_users.run_script(OWED_BEFORE)

    await old_users.upgrade()
    before = await old_users.fetch_all(text("SELECT owed FROM balances ORDER BY account_owner"))
    await old_users.run_script(OWE_NOW)
    after = await old_users.fetch_all(text("SELECT owed FROM balances ORDER BY account_owner"))

    assert [[int(row["owed"]) for row in rows] for rows in (before, after)] == [[8, 0], [11, 0]]
