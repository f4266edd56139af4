"""Unverified accounts are deleted after a day, so that they do not block an email address."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.user_client import LedgerCaller, UserClient, code_of
from tests.support.waiting import eventually
from users.accounts.repository import AccountRepository
from users.limits.repository import AttemptsRepository
from users.limits.service import AttemptLimits
from users.one_time_codes.errors import OtpUnavailable
from users.one_time_codes.provider import VerificationStatus
from users.one_time_codes.sending import CodeSender, SendLimits
from users.registration_codes.repository import RegistrationCodeRepository
from users.registration_codes.service import RegistrationCodeService

LEFT = """
    SELECT (SELECT count(*) FROM users WHERE user_id = :user_id) AS users,
           (SELECT count(*) FROM balances WHERE account_owner = CAST(:user_id AS text)) AS balances,
           (SELECT count(*) FROM otp_challenges WHERE user_id = :user_id) AS challenges
"""
GIVE_SESSION = text(
    "INSERT INTO sessions (session_id, user_id, access_expires_at, ends_at) "
    "VALUES (gen_random_uuid(), :user_id, now() + interval '1 hour', now() + interval '1 hour')"
)
WAITING = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@pytest.fixture
def accounts(database: Database) -> AccountRepository:
    return AccountRepository(database)


async def rows_of(database: Database, user_id: uuid.UUID) -> tuple[int, int, int]:
    """Return the number of rows of users, balances and challenges."""
    row = await database.fetch_one(text(LEFT), {"user_id": user_id})
    assert row is not None
    return row["users"], row["balances"], row["challenges"]


async def register(user_client: UserClient, database: Database, *, age: timedelta, **facts: str) -> uuid.UUID:
    """Register an account of this age."""
    answer = await user_client.register(**user_client.new_facts() | facts)
    user_id = uuid.UUID(answer.json()["data"]["user_id"])
    await make_older(database, user_id, age)
    return user_id


async def make_older(database: Database, user_id: uuid.UUID, age: timedelta) -> None:
    parameters = {"user_id": user_id, "created_at": datetime.now(UTC) - age}
    await database.execute(text("UPDATE users SET created_at = :created_at WHERE user_id = :user_id"), parameters)


A_DAY = timedelta(days=1, minutes=1)


async def test_abandoned_account_is_deleted_with_its_rows(deleting_user_client: UserClient, database: Database) -> None:
    facts = deleting_user_client.new_facts()
    user_id = await register(deleting_user_client, database, age=A_DAY, **facts)

    async def is_gone() -> bool:
        return await rows_of(database, user_id) == (0, 0, 0)

    await eventually(is_gone)
    owner = await deleting_user_client.register(**facts | {"password": "the owner of that address"})
    assert owner.status_code == 201
    verifying = await deleting_user_client.verify(user_id)
    assert (verifying.status_code, code_of(verifying)) == (404, "USER_NOT_FOUND")


async def test_verified_and_recent_accounts_are_kept(
    user_client: UserClient, database: Database, accounts: AccountRepository
) -> None:
    verified = (await user_client.join()).user_id
    await make_older(database, verified, A_DAY)
    young = await register(user_client, database, age=timedelta(hours=23))

    await accounts.delete_abandoned(batch=1_000)

    assert await rows_of(database, verified) == (1, 2, 1)
    assert await rows_of(database, young) == (1, 2, 1)


async def test_accounts_with_ledger_entries_or_a_session_are_kept(
    user_client: UserClient, ledger: LedgerCaller, database: Database, accounts: AccountRepository
) -> None:
    credited = await register(user_client, database, age=A_DAY)
    (await ledger.top_up(credited, "5.00")).raise_for_status()
    logged_in = await register(user_client, database, age=A_DAY)
    await database.execute(GIVE_SESSION, {"user_id": logged_in})

    await accounts.delete_abandoned(batch=1_000)

    assert await rows_of(database, credited) == (1, 2, 1)
    assert await rows_of(database, logged_in) == (1, 2, 1)
    assert await ledger.invariant_violations() == []


async def test_accounts_are_deleted_in_batches(
    user_client: UserClient, database: Database, accounts: AccountRepository
) -> None:
    for _ in range(3):
        await register(user_client, database, age=A_DAY)
    assert [await accounts.delete_abandoned(batch=2) for _ in range(3)] == [2, 1, 0]


async def test_account_credited_during_deletion_is_kept(
    user_client: UserClient, ledger: LedgerCaller, database: Database, accounts: AccountRepository
) -> None:
    """The first read, which waits for locks, does not see them."""
    user_id, sender = await register(user_client, database, age=A_DAY), await ledger.open_wallet("10.00")
    async with database.transaction() as holder:
        await holder.execute(
            # The wallet alone: waiters for one row queue in order, so the transfer gets it first.
            text("SELECT 1 FROM balances WHERE account_kind = 'wallet' AND account_owner = :owner FOR UPDATE"),
            {"owner": str(user_id)},
        )
        transfer = asyncio.ensure_future(ledger.transfer(sender, user_id, "4.00"))
        await eventually(lambda: database.fetch_all(WAITING))
        deletion = asyncio.ensure_future(accounts.delete_abandoned(batch=1_000))
        await eventually(lambda: _are_waiting(database, 2))

    transferred, _ = await asyncio.gather(transfer, deletion)

    assert transferred.status_code == 200
    assert await rows_of(database, user_id) == (1, 2, 1)
    assert await ledger.wallet_of(user_id) == 4


async def test_account_being_deleted_gets_no_wallet(
    user_client: UserClient, ledger: LedgerCaller, database: Database
) -> None:
    user_id = await register(user_client, database, age=A_DAY)
    async with database.transaction() as dropping:
        await dropping.execute(text("DELETE FROM users WHERE user_id = :user_id"), {"user_id": user_id})
        await dropping.execute(text("DELETE FROM balances WHERE account_owner = :owner"), {"owner": str(user_id)})
        top_up = asyncio.ensure_future(ledger.top_up(user_id, "5.00"))
        await eventually(lambda: database.fetch_all(WAITING))

    refused = await top_up

    assert (refused.status_code, code_of(refused)) == (404, "USER_NOT_FOUND")
    assert await rows_of(database, user_id) == (0, 0, 0)


@dataclass
class SlowProvider:
    """Takes so long to send a code that the account is deleted meanwhile."""

    accounts: AccountRepository

    async def send(self, mobile: str) -> str:
        assert await self.accounts.delete_abandoned(batch=1_000) == 1, mobile
        return "VE1"

    async def verify(self, *, verification_sid: str, code: str) -> VerificationStatus:
        raise AssertionError((verification_sid, code))


async def test_code_sent_during_deletion_is_invalid_and_the_next_is_valid(
    user_client: UserClient, database: Database, accounts: AccountRepository
) -> None:
    facts = user_client.new_facts()
    user_id = await register(user_client, database, age=A_DAY, **facts)
    no_limits = SendLimits(per_account=0, per_phone=0, per_address=0, by_others=0)
    provider = SlowProvider(accounts)
    limits = AttemptLimits(AttemptsRepository(database))
    codes = RegistrationCodeService(
        key=b"key",
        sender=CodeSender(provider=provider, limits=limits, sends=no_limits),
        provider=provider,
        repository=RegistrationCodeRepository(database),
    )

    with pytest.raises(OtpUnavailable):
        await codes.send(user_id=user_id, phone=facts["phone"], context="registration", address="192.0.2.1")

    assert (await user_client.register(**facts)).status_code == 201


async def _are_waiting(database: Database, count: int) -> bool:
    return len(await database.fetch_all(WAITING)) >= count
