"""Access to the services' databases, to inspect and prepare what sagas change."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Final, Self

import asyncpg
from pydantic import SecretStr

from common.auth.service_tokens import ServiceTokens
from common.http.client import ServiceClient

__all__ = ["Databases"]

PARTICIPANTS: Final = ("users", "orders", "events", "inventory")
PACKAGES: Final = (*PARTICIPANTS, "orchestrator")


class Databases:
    """Reads every service's tables, and creates the fans that tests need.

    Args:
        urls: by package, in the form services read.
    """

    def __init__(self, urls: Mapping[str, str], *, users_url: str, service_token_secret: str) -> None:
        self._urls = urls
        self._pools: dict[str, asyncpg.Pool] = {}
        tokens = ServiceTokens(service="tests", secret=SecretStr(service_token_secret))
        self._users = ServiceClient(callee="users", base_url=users_url, tokens=tokens)

    async def __aenter__(self) -> Self:
        for package in PACKAGES:
            url = self._urls[package].replace("+asyncpg", "")
            self._pools[package] = await asyncpg.create_pool(url, min_size=1, max_size=4)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._users.close()
        for pool in self._pools.values():
            await pool.close()

    async def read(self, package: str, statement: str, *arguments: object) -> list[dict[str, Any]]:
        return [dict(row) for row in await self._pools[package].fetch(statement, *arguments)]

    async def change(self, package: str, statement: str, *arguments: object) -> None:
        await self._pools[package].execute(statement, *arguments)

    async def corrupt(self, package: str, statement: str, *arguments: object) -> None:
        """Change rows while triggers and foreign keys are off; only the constraints of a row hold."""
        async with self._pools[package].acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")  # no trigger, no foreign key
            await connection.execute(statement, *arguments)

    @asynccontextmanager
    async def writes_blocked(self, package: str) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
        """Block the writes of requests in a service's database; yield a function that tells whether a request waits."""

        async def is_blocked() -> bool:
            return bool(await self.read(package, _WAITING))

        async with self._pools[package].acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE requests IN SHARE MODE")
            yield is_blocked

    async def change_fingerprint(self, request_id: uuid.UUID) -> None:
        """Make a stored request one of a release that computes its fingerprint otherwise: its repetition is refused."""
        for package in PARTICIPANTS:
            await self.change(package, _CHANGE_FINGERPRINT, request_id)

    async def restore_fingerprint(self, request_id: uuid.UUID) -> None:
        for package in PARTICIPANTS:
            await self.change(package, _RESTORE_FINGERPRINT, request_id)

    async def saga_of(self, user_id: uuid.UUID) -> dict[str, Any]:
        """Return the user's latest saga; an empty dict if there is none."""
        rows = await self.read(
            "orchestrator", "SELECT * FROM sagas WHERE requested_by = $1 ORDER BY created_at DESC LIMIT 1", user_id
        )
        return rows[0] if rows else {}

    async def new_fan(self, credits_: str, *, password_hash: str = "") -> uuid.UUID:
        """Create a verified account with credits; its email address is ``<user id>@example.com``."""
        user_id = uuid.uuid4()
        await self.change("users", _INSERT_FAN, user_id, f"{user_id}@example.com", password_hash)
        await self.top_up(user_id, credits_)
        return user_id

    async def top_up(self, user_id: uuid.UUID, credits_: str) -> None:
        await self._users.post(
            "/internal/ledger/top-up",
            {"request_id": uuid.uuid4(), "user_id": user_id, "amount": credits_, "provider": "tests", "reference": ""},
        )

    async def new_performer(self, credits_: str) -> uuid.UUID:
        """Create a performer's account with credits."""
        user_id = await self.new_fan(credits_)
        await self.change("users", "UPDATE users SET roles = '{customer,performer}' WHERE user_id = $1", user_id)
        return user_id

    async def balance_of(self, user_id: uuid.UUID) -> Decimal:
        [row] = await self.read("users", _BALANCE, str(user_id))
        amount: Decimal = row["amount"]
        return amount

    async def movements_of(self, reference: uuid.UUID) -> list[str]:
        """Return the kinds of the movements for a reference, and of those that reversed them, sorted."""
        return [row["kind"] for row in await self.read("users", _MOVEMENTS, str(reference))]

    async def order_states(self, order_id: uuid.UUID) -> list[str]:
        """Return every status of the order, oldest first."""
        rows = await self.read(
            "orders", "SELECT to_status FROM order_history WHERE order_id = $1 ORDER BY history_id", order_id
        )
        return [row["to_status"] for row in rows]

    async def transfer_states(self, transfer_id: uuid.UUID) -> list[str]:
        """Return every status of the transfer, oldest first."""
        rows = await self.read(
            "orders", "SELECT to_status FROM transfer_history WHERE transfer_id = $1 ORDER BY history_id", transfer_id
        )
        return [row["to_status"] for row in rows]

    async def listing(self, listing_id: uuid.UUID) -> dict[str, Any]:
        """Return a listing with all its statuses in `states`; an empty dict if there is none."""
        rows = await self.read("orders", _LISTING, listing_id)
        return rows[0] if rows else {}

    async def escrows_of(self, reference: uuid.UUID) -> list[str]:
        """Return the statuses of the escrows for a reference."""
        rows = await self.read("users", "SELECT status FROM escrows WHERE reference = $1", str(reference))
        return [row["status"] for row in rows]

    async def codes_for(self, reference: uuid.UUID) -> set[uuid.UUID]:
        """Return the users who have a one-time code for a reference."""
        rows = await self.read("users", "SELECT user_id FROM otp_challenges WHERE reference = $1", str(reference))
        return {row["user_id"] for row in rows}

    async def spend(self, user_id: uuid.UUID, amount: str) -> None:
        """Transfer credits from a user to a new fan."""
        recipient = await self.new_fan("0.01")
        await self._users.post(
            "/internal/ledger/transfer",
            {
                "request_id": uuid.uuid4(),
                "from_user_id": user_id,
                "to_user_id": recipient,
                "amount": amount,
                "reference": "a gift",
            },
        )

    async def seats(self, seat_ids: list[uuid.UUID]) -> list[dict[str, Any]]:
        return await self.read("inventory", "SELECT * FROM seats WHERE seat_id = ANY($1) ORDER BY seat_id", seat_ids)

    async def messages_about(self, saga_id: uuid.UUID) -> list[str]:
        """Return the types of the orchestrator's messages about a saga, sorted."""
        rows = await self.read("orchestrator", _MESSAGES, str(saga_id))
        return [row["type"] for row in rows]


_INSERT_FAN: Final = """
    WITH born AS (
        INSERT INTO users (user_id, email, email_verified_at, phone, password_hash, roles, is_verified)
        VALUES (CAST($1 AS uuid), $2, now(), '+65' || abs(hashtextextended($2, 0)) % 1000000000000, $3,
                ARRAY['customer'], true)
        RETURNING user_id)
    INSERT INTO balances (account_kind, account_owner, currency)
    SELECT kind, CAST(user_id AS text), 'SGD' FROM born CROSS JOIN unnest(ARRAY['wallet', 'escrow']) AS kind
"""
_CHANGE_FINGERPRINT: Final = """
    UPDATE requests SET fingerprint = 'other ' || fingerprint WHERE request_id = $1 AND fingerprint <> ''
"""
_RESTORE_FINGERPRINT: Final = """
    UPDATE requests SET fingerprint = substr(fingerprint, 7) WHERE request_id = $1 AND fingerprint LIKE 'other %'
"""
_WAITING: Final = "SELECT 1 FROM pg_locks WHERE relation = CAST('requests' AS regclass) AND NOT granted"
_BALANCE: Final = "SELECT amount FROM balances WHERE account_kind = 'wallet' AND account_owner = $1"
_MOVEMENTS: Final = """
    SELECT t.kind FROM ledger_transactions t
    LEFT JOIN ledger_transactions reversed
        ON reversed.transaction_id IN (t.reverses_transaction_id, t.refunds_transaction_id)
    WHERE t.reference = $1 OR reversed.reference = $1
    ORDER BY reversed.transaction_id IS NOT NULL, t.created_at -- an undo that waited for its action began before it
"""
_LISTING: Final = """
    SELECT *, ARRAY(SELECT to_status FROM listing_history AS h WHERE h.listing_id = l.listing_id ORDER BY history_id)
        AS states
    FROM listings AS l WHERE listing_id = $1
"""
_MESSAGES: Final = """
    SELECT message ->> 'type' AS type
    FROM (SELECT CAST(convert_from(body, 'UTF8') AS jsonb) AS message FROM outbox) AS announced
    WHERE message ->> 'subject' = $1 ORDER BY type
"""
