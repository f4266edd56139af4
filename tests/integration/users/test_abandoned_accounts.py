"""Accounts that nobody verifies go after a day, so that nobody can keep another's e-mail address."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.people import Books, UserDirectory, code_of
from tests.support.waiting import eventually
from users.accounts.repository import AccountRepository
from users.limits.repository import AttemptsRepository
from users.limits.service import AttemptLimits
from users.otp.errors import OtpUnavailable
from users.otp.provider import VerificationStatus
from users.otp.repository import ChallengeRepository
from users.otp.sending import CodeSender, SendLimits
from users.otp.service import OneTimeCodes

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


async def left_of(database: Database, user_id: uuid.UUID) -> tuple[int, int, int]:
    """Return how many rows of users, balances and challenges they have."""
    row = await database.fetch_one(text(LEFT), {"user_id": user_id})
    assert row is not None
    return row["users"], row["balances"], row["challenges"]


async def register(people: UserDirectory, database: Database, *, age: timedelta, **facts: str) -> uuid.UUID:
    """Open an account so long ago."""
    answer = await people.register(**people.new_facts() | facts)
    user_id = uuid.UUID(answer.json()["data"]["user_id"])
    await make_older(database, user_id, age)
    return user_id


async def make_older(database: Database, user_id: uuid.UUID, age: timedelta) -> None:
    parameters = {"user_id": user_id, "created_at": datetime.now(UTC) - age}
    await database.execute(text("UPDATE users SET created_at = :created_at WHERE user_id = :user_id"), parameters)


A_DAY = timedelta(days=1, minutes=1)


async def test_housekeeping_drops_one_and_all_that_hangs_on_it(
    people_of_a_tidy_copy: UserDirectory, database: Database
) -> None:
    facts = people_of_a_tidy_copy.new_facts()
    user_id = await register(people_of_a_tidy_copy, database, age=A_DAY, **facts)

    async def is_gone() -> bool:
        return await left_of(database, user_id) == (0, 0, 0)

    await eventually(is_gone)
    owner = await people_of_a_tidy_copy.register(**facts | {"password": "the owner of that address"})
    assert owner.status_code == 201
    verifying = await people_of_a_tidy_copy.verify(user_id)
    assert (verifying.status_code, code_of(verifying)) == (404, "USER_NOT_FOUND")


async def test_who_is_verified_or_was_there_for_less_than_a_day_stays(
    people: UserDirectory, database: Database, accounts: AccountRepository
) -> None:
    verified = (await people.join()).user_id
    await make_older(database, verified, A_DAY)
    young = await register(people, database, age=timedelta(hours=23))

    await accounts.clean(batch=1_000)

    assert await left_of(database, verified) == (1, 2, 0)
    assert await left_of(database, young) == (1, 2, 1)


async def test_who_has_entries_in_the_ledger_or_a_session_stays(
    people: UserDirectory, books: Books, database: Database, accounts: AccountRepository
) -> None:
    rich = await register(people, database, age=A_DAY)
    (await books.top_up(rich, "5.00")).raise_for_status()
    logged_in = await register(people, database, age=A_DAY)
    await database.execute(GIVE_SESSION, {"user_id": logged_in})

    await accounts.clean(batch=1_000)

    assert await left_of(database, rich) == (1, 2, 1)
    assert await left_of(database, logged_in) == (1, 2, 1)
    assert await books.contradictions() == []


async def test_no_more_than_a_batch_at_once(
    people: UserDirectory, database: Database, accounts: AccountRepository
) -> None:
    for _ in range(3):
        await register(people, database, age=A_DAY)
    assert [await accounts.clean(batch=2) for _ in range(3)] == [2, 1, 0]


async def test_credits_that_come_meanwhile_keep_the_account(
    people: UserDirectory, books: Books, database: Database, accounts: AccountRepository
) -> None:
    """They are not seen by the first look, whose locks are waited for."""
    user_id, giver = await register(people, database, age=A_DAY), await books.open_wallet("10.00")
    async with database.transaction() as holder:
        await holder.execute(
            # The wallet alone: for one row people queue, so the transfer is first to get it.
            text("SELECT 1 FROM balances WHERE account_kind = 'wallet' AND account_owner = :owner FOR UPDATE"),
            {"owner": str(user_id)},
        )
        transfer = asyncio.ensure_future(books.transfer(giver, user_id, "4.00"))
        await eventually(lambda: database.fetch_all(WAITING))
        cleaning = asyncio.ensure_future(accounts.clean(batch=1_000))
        await eventually(lambda: _are_waiting(database, 2))

    transferred, _ = await asyncio.gather(transfer, cleaning)

    assert transferred.status_code == 200
    assert await left_of(database, user_id) == (1, 2, 1)
    assert await books.wallet_of(user_id) == 4


async def test_no_wallet_is_made_for_an_account_that_is_being_dropped(
    people: UserDirectory, books: Books, database: Database
) -> None:
    user_id = await register(people, database, age=A_DAY)
    async with database.transaction() as dropping:
        await dropping.execute(text("DELETE FROM users WHERE user_id = :user_id"), {"user_id": user_id})
        await dropping.execute(text("DELETE FROM balances WHERE account_owner = :owner"), {"owner": str(user_id)})
        top_up = asyncio.ensure_future(books.top_up(user_id, "5.00"))
        await eventually(lambda: database.fetch_all(WAITING))

    refused = await top_up

    assert (refused.status_code, code_of(refused)) == (404, "USER_NOT_FOUND")
    assert await left_of(database, user_id) == (0, 0, 0)


@dataclass
class SlowProvider:
    """Takes so long to send a code that the account is dropped meanwhile."""

    accounts: AccountRepository

    async def send(self, mobile: str) -> str:
        assert await self.accounts.clean(batch=1_000) == 1, mobile
        return "VE1"

    async def verify(self, *, verification_sid: str, code: str) -> VerificationStatus:
        raise AssertionError((verification_sid, code))


async def test_a_code_sent_meanwhile_is_of_no_use_and_the_next_one_is(
    people: UserDirectory, database: Database, accounts: AccountRepository
) -> None:
    facts = people.new_facts()
    user_id = await register(people, database, age=A_DAY, **facts)
    no_limits = SendLimits(per_account=0, per_phone=0, per_address=0, by_others=0)
    provider = SlowProvider(accounts)
    limits = AttemptLimits(AttemptsRepository(database))
    codes = OneTimeCodes(
        sender=CodeSender(provider=provider, limits=limits, sends=no_limits),
        provider=provider,
        repository=ChallengeRepository(database),
    )

    with pytest.raises(OtpUnavailable):
        await codes.send(user_id=user_id, phone=facts["phone"], context="registration", address="192.0.2.1")

    assert (await people.register(**facts)).status_code == 201


async def _are_waiting(database: Database, count: int) -> bool:
    return len(await database.fetch_all(WAITING)) >= count
