"""Reads what is stored of a person, and deletes it, in one transaction."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import LOCK_NOT_AVAILABLE, Database, Row, sqlstate_of
from common.errors import Busy
from common.messaging.message import Message
from common.messaging.outbox import outbox_row
from users.audit import record
from users.database import OUTBOX
from users.personal_data.errors import AccountInUse
from users.personal_data.schemas import DeleteAccount, DeletedAccount, Holdings
from users.sessions.repository import revoke_all

__all__ = ["PersonalDataRepository", "check_unused"]

ACCOUNT_DELETED: Final = "account deleted"
NOTHING: Final = Decimal("0.00")

# Whole rows, so that a column that is added later is exported, too.
_PROFILE: Final = text(
    """
    SELECT to_jsonb(users) - ARRAY['password_hash', 'shares_phone', 'deleted_at'] AS profile FROM users
    WHERE user_id = :user_id AND deleted_at IS NULL
    """
)
_SESSIONS: Final = text(
    "SELECT to_jsonb(sessions) - 'user_id' AS session FROM sessions WHERE user_id = :user_id ORDER BY created_at DESC"
)
_HOLDINGS: Final = """
    SELECT account_kind, amount, owed FROM balances
    WHERE account_owner = :owner AND currency = 'SGD' AND account_kind IN ('wallet', 'escrow')
    ORDER BY account_kind
"""
_READ_HOLDINGS: Final = text(_HOLDINGS)
# The user's row is locked before, as by a top-up. An escrow's row refers to the user after its movement has locked the
# balances, so this does not wait for them: it would wait for a movement that waits for it.
_LOCK_HOLDINGS: Final = text(f"{_HOLDINGS} FOR UPDATE NOWAIT")
_ROLES: Final = text("SELECT roles, deleted_at IS NOT NULL AS is_deleted FROM users WHERE user_id = :user_id")
_LOCK_USER: Final = text(f"{_ROLES.text} FOR UPDATE")
# What is still to come. A provider that names no end, such as Stripe, lets a payer return for days.
_TO_COME: Final = text(
    """
    SELECT (SELECT count(*) FROM payments
            WHERE user_id = :user_id AND (status = 'CONFIRMING' OR status IN ('PENDING', 'WAITING', 'PARTIALLY_PAID')
                AND coalesce(expires_at, created_at + interval '1 day') > now())) AS payments,
           (SELECT coalesce(sum(amount), 0.00) FROM pending_earnings
            WHERE performer_user_id = :user_id AND payout_id IS NULL) AS pending_earnings
    """
)
# A movement with one entry on each side; an account is deleted once, so the id of the movement is the account's.
_FORFEIT: Final = text(
    """
    WITH movement AS (
        INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
        VALUES (gen_random_uuid(), :request_id, 'forfeit', 'account deleted') RETURNING transaction_id),
    emptied AS (
        UPDATE balances SET amount = 0
        WHERE account_kind = 'wallet' AND account_owner = :owner AND currency = 'SGD')
    INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
    SELECT transaction_id, side.kind, side.owner, 'SGD', side.change FROM movement
    CROSS JOIN (VALUES ('wallet', CAST(:owner AS text), -CAST(:amount AS numeric)),
                       ('platform', 'forfeited', CAST(:amount AS numeric))) AS side (kind, owner, change)
    """
)
# Links, also those for a forgotten password, are locked before the user's row, as everywhere.
_DELETE_LINKS: Final = text(
    """
    DELETE FROM email_links WHERE link_id IN (
        SELECT link_id FROM email_links link JOIN users own
             ON own.user_id = link.user_id OR (link.user_id IS NULL AND link.email IN (own.email, own.new_email))
        WHERE own.user_id = :user_id
        ORDER BY link_id FOR UPDATE OF link)
    """
)
# The row stays: the ledger and payments refer to it. Without address and phone, both are free for a new account.
_ERASE: Final = (
    text(
        """
        UPDATE users SET email = NULL, email_verified_at = NULL, new_email = NULL, phone = NULL, name = '', password_hash = '', roles = '{}', is_flagged = false,
                         assigned_hall_id = NULL, assigned_venue_id = NULL, deleted_at = clock_timestamp()
        WHERE user_id = :user_id
        """
    ),
    # Gateways must know a revoked session until its access token expires; then it is deleted.
    text("UPDATE sessions SET ends_at = access_expires_at, device = NULL, network = NULL WHERE user_id = :user_id"),
    text(
        "DELETE FROM refresh_tokens USING sessions "
        "WHERE refresh_tokens.session_id = sessions.session_id AND sessions.user_id = :user_id"
    ),
    text("DELETE FROM otp_challenges WHERE user_id = :user_id"),
    text("DELETE FROM known_devices WHERE user_id = :user_id"),
)


class PersonalDataRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def profile(self, user_id: UUID) -> dict[str, Any] | None:
        row = await self._database.fetch_one(_PROFILE, {"user_id": user_id})
        return None if row is None else dict(row["profile"])

    async def sessions(self, user_id: UUID) -> list[dict[str, Any]]:
        rows = await self._database.fetch_all(_SESSIONS, {"user_id": user_id})
        return [row["session"] for row in rows]

    async def holdings(self, user_id: UUID) -> Holdings | None:
        """Return what the account has; None if it is unknown or deleted."""
        user = await self._database.fetch_one(_ROLES, {"user_id": user_id})
        if user is None or user["is_deleted"]:
            return None
        [to_come] = await self._database.fetch_all(_TO_COME, {"user_id": user_id})
        balances = await self._database.fetch_all(_READ_HOLDINGS, {"owner": str(user_id)})
        return _holdings(user, balances, to_come)

    async def delete(self, account: DeleteAccount) -> DeletedAccount | None:
        """Delete an account, and report that to the audit trail and to other services; None if it is gone already.

        Raises:
            AccountInUse: it has, is to get or owes credits, a payment is open, or it has a role.
            Busy: a movement of its credits is being made.
        """
        user_id = account.user_id
        async with self._database.transaction() as connection:
            await connection.execute(_DELETE_LINKS, {"user_id": user_id})
            user = (await connection.execute(_LOCK_USER, {"user_id": user_id})).mappings().first()
            if user is None or user["is_deleted"]:
                return None
            # Payments and earnings are made under a lock of the user's row, so from here on there are none.
            to_come = (await connection.execute(_TO_COME, {"user_id": user_id})).mappings().one()
            has = _holdings(user, await _lock_balances(connection, user_id), to_come)
            check_unused(has, forfeits=account.forfeits)
            if has.credits > 0:
                await _forfeit(connection, user_id, has.credits)
            await revoke_all(connection, user_id, because=ACCOUNT_DELETED)
            for statement in _ERASE:
                await connection.execute(statement, {"user_id": user_id})
            await _report(connection, account, has)
        return DeletedAccount(credits_forfeited=has.credits)


def check_unused(has: Holdings, *, forfeits: bool) -> None:
    """Check that an account may be deleted. A debt, credits to come and an open payment cannot be given up.

    Raises:
        AccountInUse: it may not.
    """
    details: dict[str, Any] = {"held": has.held, "pending_earnings": has.pending_earnings, "owed": has.owed}
    details |= {} if forfeits else {"credits": has.credits}
    details = {name: f"{amount:.2f}" for name, amount in details.items() if amount > 0}
    if has.payments:
        details["payments"] = has.payments
    if has.roles:
        details["roles"] = has.roles
    if details:
        raise AccountInUse(details=details)


def _holdings(user: Row, balances: Sequence[Row], to_come: Row) -> Holdings:
    amounts = {row["account_kind"]: row["amount"] for row in balances}
    return Holdings(
        credits=amounts.get("wallet", NOTHING),
        held=amounts.get("escrow", NOTHING),
        pending_earnings=to_come["pending_earnings"],
        owed=sum((row["owed"] for row in balances), start=NOTHING),
        payments=to_come["payments"],
        roles=sorted(set(user["roles"]) - {"customer"}),
    )


async def _lock_balances(connection: AsyncConnection, user_id: UUID) -> Sequence[Row]:
    try:
        return (await connection.execute(_LOCK_HOLDINGS, {"owner": str(user_id)})).mappings().all()
    except DBAPIError as error:
        if sqlstate_of(error) == LOCK_NOT_AVAILABLE:
            raise Busy(retry_after_seconds=1) from error
        raise


async def _forfeit(connection: AsyncConnection, user_id: UUID, amount: Decimal) -> None:
    request_id = uuid.uuid5(user_id, "forfeit")
    await connection.execute(_FORFEIT, {"request_id": request_id, "owner": str(user_id), "amount": amount})


async def _report(connection: AsyncConnection, account: DeleteAccount, had: Holdings) -> None:
    user_id = str(account.user_id)
    await record(
        connection,
        action="user.delete",
        actor_user_id=account.user_id,
        object_type="user",
        object_id=user_id,
        address=None,  # it would be personal data that outlives the account
        before={"credits": f"{had.credits:.2f}", "tickets": account.tickets},
        after={"credits": "0.00", "tickets": 0},
    )
    message = Message(type="user.deleted", source="users", subject=user_id, data={"user_id": user_id})
    await connection.execute(OUTBOX.insert(), outbox_row(message))
