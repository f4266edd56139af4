"""Accounts in PostgreSQL."""

# ruff: noqa: S608 - the statements are composed of constants of this module; values are bound

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import String, cast, or_, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import UNIQUE_VIOLATION, Database, Row, sqlstate_of
from common.db.pages import find_newest
from common.messaging.message import Message
from common.messaging.outbox import outbox_row
from common.pages import Total
from common.rows import readable
from users.accounts.errors import EmailAlreadyExists, LastAdmin, PhoneAlreadyExists
from users.accounts.models import USERS
from users.accounts.schemas import AdminChange, UserSearch
from users.audit import record
from users.database import OUTBOX
from users.email_links.models import Purpose
from users.email_links.repository import add_email
from users.sessions.repository import revoke_all

__all__ = ["AccountRepository", "NewUser", "User", "require_another_admin"]

ROLES_REMOVED: Final = "roles removed"
SUSPENDED: Final = "account suspended"
ABANDONED_AFTER: Final = timedelta(days=1)
# How many accounts without a proven address a login tries the password on.
LOGIN_CANDIDATES: Final = 5

# A user is inserted with an empty wallet and an empty escrow, so that movements find their rows.
_INSERT: Final = text(
    """
    WITH born AS (
        INSERT INTO users (user_id, email, phone, password_hash, roles, name)
        VALUES (:user_id, :email, :phone, :password_hash, :roles, :name)
        ON CONFLICT (email) DO NOTHING
        RETURNING user_id)
    INSERT INTO balances (account_kind, account_owner, currency)
    SELECT kind, CAST(user_id AS text), 'SGD' FROM born CROSS JOIN unnest(ARRAY['wallet', 'escrow']) AS kind
    """
)
# An account whose address another one has, unproven, keeps it as the one asked for: it gets it by proving it first.
_INSERT_CLAIMANT: Final = text(
    """
    WITH born AS (
        INSERT INTO users (user_id, email, new_email, phone, password_hash, roles, name)
        SELECT CAST(:user_id AS uuid), NULL, CAST(:email AS text), CAST(:phone AS text), CAST(:password_hash AS text),
               CAST(:roles AS text[]), CAST(:name AS text)
        WHERE NOT EXISTS (SELECT FROM users WHERE email = :email AND email_verified_at IS NOT NULL)
        RETURNING user_id)
    INSERT INTO balances (account_kind, account_owner, currency)
    SELECT kind, CAST(user_id AS text), 'SGD' FROM born CROSS JOIN unnest(ARRAY['wallet', 'escrow']) AS kind
    """
)
_SELECT: Final = """
    SELECT user_id, email, email_verified_at IS NOT NULL AS is_email_verified, new_email, phone, password_hash, roles, name,
           is_flagged, is_verified, suspended_at IS NOT NULL AS is_suspended, assigned_hall_id, assigned_venue_id, created_at,
           coalesce(wallet.amount, 0.00) AS credit_balance, coalesce(loyalty.amount, 0) AS loyalty_points
    FROM users
    LEFT JOIN balances wallet ON wallet.account_kind = 'wallet' AND wallet.currency = 'SGD'
         AND wallet.account_owner = CAST(users.user_id AS text)
    LEFT JOIN balances loyalty ON loyalty.account_kind = 'loyalty' AND loyalty.currency = 'POINTS'
         AND loyalty.account_owner = CAST(users.user_id AS text)
"""
# A deleted account is unknown to all readers.
_BY_ID: Final = text(f"{_SELECT} WHERE user_id = :user_id AND deleted_at IS NULL")
_BY_IDS: Final = text(f"{_SELECT} WHERE user_id = ANY(:user_ids) AND deleted_at IS NULL")
_BY_PROVEN_EMAIL: Final = text(f"{_SELECT} WHERE email = :email AND email_verified_at IS NOT NULL")
# The account that has the address comes first, then the newest of those that only ask for it.
_BY_LOGIN: Final = text(
    f"""
    {_SELECT} WHERE email = :email OR (new_email = :email AND email IS NULL)
    ORDER BY email IS NULL, is_verified DESC, created_at DESC LIMIT :most
    """
)
_VERIFY: Final = text(
    "UPDATE users SET is_verified = true, phone = :phone WHERE user_id = :user_id AND NOT is_verified"
)
_UPDATE: Final = text(
    """
    WITH before AS (
        SELECT user_id, email, roles, is_flagged, suspended_at IS NOT NULL AS is_suspended, assigned_hall_id, assigned_venue_id
        FROM users
        WHERE user_id = :user_id AND deleted_at IS NULL FOR UPDATE)
    UPDATE users SET email = coalesce(CAST(:email AS text), users.email),
                     email_verified_at = CASE WHEN CAST(:email AS text) <> coalesce(users.email, '') THEN NULL
                                         ELSE users.email_verified_at END,
                     new_email = CASE WHEN CAST(:email AS text) IS NULL THEN users.new_email END,
                     is_flagged = coalesce(CAST(:is_flagged AS boolean), users.is_flagged),
                     suspended_at = CASE CAST(:is_suspended AS boolean) WHEN true THEN coalesce(users.suspended_at, now())
                                    WHEN false THEN NULL ELSE users.suspended_at END,
                     roles = coalesce(CAST(:roles AS text[]), users.roles),
                     assigned_hall_id = CASE WHEN CAST(:reassigns_hall AS boolean) THEN CAST(:assigned_hall_id AS text)
                                             ELSE users.assigned_hall_id END,
                     assigned_venue_id = CASE WHEN CAST(:reassigns_hall AS boolean) THEN CAST(:assigned_venue_id AS uuid)
                                              ELSE users.assigned_venue_id END
    FROM before WHERE users.user_id = before.user_id
    RETURNING to_jsonb(before) - ARRAY['user_id', 'email'] AS before,
              before.email AS old_email, users.email IS DISTINCT FROM before.email AS is_email_changed,
              jsonb_build_object('roles', users.roles, 'is_flagged', users.is_flagged,
                              'is_suspended', users.suspended_at IS NOT NULL, 'assigned_hall_id',
                                 users.assigned_hall_id, 'assigned_venue_id', users.assigned_venue_id) AS after
    """
)
_REPLACE_HASH: Final = text("UPDATE users SET password_hash = :new WHERE user_id = :user_id AND password_hash = :old")
# Those who can log in, in one order, so that two of these never deadlock. Of two admins who demote each other, the second
# waits here and then does not find the first.
_LOCK_ADMINS: Final = text(
    """
    SELECT user_id FROM users WHERE roles @> '{admin}' AND is_verified AND suspended_at IS NULL
    ORDER BY user_id FOR NO KEY UPDATE
    """
)
_GRANT: Final = text(
    """
    WITH before AS (
        SELECT user_id, roles FROM users
        WHERE email = :email AND email_verified_at IS NOT NULL AND is_verified FOR UPDATE)
    UPDATE users SET roles = ARRAY(SELECT DISTINCT unnest(before.roles || CAST(:role AS text)) ORDER BY 1)
    FROM before WHERE users.user_id = before.user_id
    RETURNING users.user_id, before.roles AS roles_before, users.roles
    """
)
# An email address must not stay taken by a user who never verifies a phone. A user with credits, a payment or a session
# stays: the ledger must name existing users only.
_WITHOUT_TRACES: Final = """
    NOT EXISTS (SELECT FROM sessions WHERE sessions.user_id = users.user_id)
    AND NOT EXISTS (SELECT FROM escrows WHERE escrows.user_id = users.user_id)
    AND NOT EXISTS (SELECT FROM payments WHERE payments.user_id = users.user_id)
    AND NOT EXISTS (SELECT FROM ledger_entries
                    WHERE account_kind IN ('wallet', 'escrow', 'loyalty') AND account_owner = CAST(users.user_id AS text))
"""
# Locks the rows that movements lock, in the same order, so that the deletion's snapshot includes all earlier movements.
_LOCK_ABANDONED: Final = text(
    f"""
    WITH abandoned AS MATERIALIZED (
        SELECT user_id FROM users
        WHERE NOT is_verified AND created_at < now() - CAST(:after AS interval) AND {_WITHOUT_TRACES}
        ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED),
    locked AS MATERIALIZED (
        SELECT account_owner FROM balances
        WHERE account_kind IN ('wallet', 'escrow', 'loyalty')
          AND account_owner IN (SELECT CAST(user_id AS text) FROM abandoned)
        ORDER BY account_kind, account_owner FOR UPDATE)
    SELECT user_id, (SELECT count(*) FROM locked) AS balances FROM abandoned
    """
)
# The user's codes are deleted with the user.
_DELETE_ABANDONED: Final = text(
    f"""
    WITH dropped AS (
        DELETE FROM users WHERE user_id = ANY(:user_ids) AND {_WITHOUT_TRACES} RETURNING user_id),
    emptied AS (
        DELETE FROM balances
        WHERE account_kind IN ('wallet', 'escrow', 'loyalty')
          AND account_owner IN (SELECT CAST(user_id AS text) FROM dropped))
    SELECT count(*) AS dropped FROM dropped
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    user_id: UUID
    email: str  # normalised
    phone: str
    password_hash: str
    roles: Sequence[str]
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    user_id: UUID
    email: str | None  # None if another account has the address
    is_email_verified: bool
    new_email: str | None  # asked for, and not proven
    phone: str
    password_hash: str
    roles: tuple[str, ...]
    name: str  # may be empty
    is_flagged: bool
    is_verified: bool
    is_suspended: bool
    assigned_hall_id: str | None
    assigned_venue_id: UUID | None
    created_at: datetime
    credit_balance: Decimal
    loyalty_points: int

    @property
    def unproven_email(self) -> str | None:
        """The address that the user may prove: the one asked for, or the present one."""
        return self.new_email or (None if self.is_email_verified else self.email)

    @property
    def login_email(self) -> str:
        return self.email or self.new_email or ""

    @classmethod
    def from_row(cls, row: Row) -> "User":
        values: dict[str, Any] = {**row}
        return cls(**{**values, "roles": tuple(row["roles"]), "loyalty_points": int(row["loyalty_points"])})


class AccountRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user: NewUser) -> bool:
        """Store a new, unverified user with an empty wallet; return False if the email address is taken."""
        return await self._database.execute(_INSERT, asdict(user)) > 0

    async def add_claimant(self, user: NewUser) -> bool:
        """Store a new user who asks for an address that another account has; return False if that one has proven it."""
        return await self._database.execute(_INSERT_CLAIMANT, asdict(user)) > 0

    async def by_id(self, user_id: UUID) -> User | None:
        row = await self._database.fetch_one(_BY_ID, {"user_id": user_id})
        return None if row is None else User.from_row(row)

    async def by_ids(self, user_ids: Sequence[UUID]) -> list[User]:
        rows = await self._database.fetch_all(_BY_IDS, {"user_ids": list(user_ids)})
        return readable(rows, User.from_row, of="users")

    async def search(self, search: UserSearch, *, limit: int, offset: int) -> tuple[list[User], Total]:
        """Return a page of the users that match, the newest first, and the number on all pages."""
        found = select(USERS.c.user_id).where(USERS.c.deleted_at.is_(None))
        if search.text:
            parts = (USERS.c.email, USERS.c.name, USERS.c.phone)
            matches = [part.icontains(search.text, autoescape=True) for part in parts]
            found = found.where(or_(*matches, cast(USERS.c.user_id, String) == search.text.lower()))
        if search.role:
            found = found.where(USERS.c.roles.contains([search.role]))
        rows, total = await find_newest(
            self._database, found, at=USERS.c.created_at, key=USERS.c.user_id, limit=limit, offset=offset
        )
        users = {user.user_id: user for user in await self.by_ids([row["user_id"] for row in rows])}
        return [users[row["user_id"]] for row in rows if row["user_id"] in users], total

    async def by_proven_email(self, email: str) -> User | None:
        row = await self._database.fetch_one(_BY_PROVEN_EMAIL, {"email": email})
        return None if row is None else User.from_row(row)

    async def by_login(self, email: str) -> list[User]:
        """Return the accounts that may log in with an address: the one that has proven it, or else up to five others.

        The account that has the address is the first, if there is one.
        """
        rows = await self._database.fetch_all(_BY_LOGIN, {"email": email, "most": LOGIN_CANDIDATES})
        users = [User.from_row(row) for row in rows]
        return users[:1] if users and users[0].is_email_verified else users

    async def mark_verified(self, user_id: UUID, *, phone: str) -> None:
        """Mark the user as verified with that phone, and publish `user.registered`, once.

        Raises:
            PhoneAlreadyExists: another verified user has that phone.
        """
        message = Message(type="user.registered", source="users", subject=str(user_id), data={"user_id": str(user_id)})
        try:
            async with self._database.transaction() as connection:
                result = await connection.execute(_VERIFY, {"user_id": user_id, "phone": phone})
                if result.rowcount:
                    await connection.execute(OUTBOX.insert(), outbox_row(message))
        except IntegrityError as error:
            if sqlstate_of(error) == UNIQUE_VIOLATION:
                raise PhoneAlreadyExists from error
            raise

    async def update(self, user_id: UUID, change: AdminChange, *, admin_user_id: UUID, address: str) -> bool:
        """Apply the change and report it to the audit trail; return False if there is no such user.

        A suspension, or the loss of a role, ends all sessions in the same transaction: their access tokens are still valid
        and name the role.

        Raises:
            EmailAlreadyExists: another account has the address.
            LastAdmin: no admin who can log in would be left.
        """
        try:
            async with self._database.transaction() as connection:
                return await _update(connection, user_id, change, admin_user_id=admin_user_id, address=address)
        except IntegrityError as error:
            if sqlstate_of(error) == UNIQUE_VIOLATION:
                raise EmailAlreadyExists from error
            raise

    async def replace_password_hash(self, user_id: UUID, *, old: str, new: str) -> bool:
        """Store another hash of the same password; return False if the stored one was changed meanwhile."""
        return await self._database.execute(_REPLACE_HASH, {"user_id": user_id, "old": old, "new": new}) > 0

    async def grant(self, *, email: str, role: str) -> bool:
        """Add a role to a verified user; return False if none has proven that email address."""
        async with self._database.transaction() as connection:
            row = (await connection.execute(_GRANT, {"email": email, "role": role})).mappings().first()
            if row is not None:
                await record(
                    connection,
                    action="user.grant_role",
                    actor_user_id=None,
                    object_type="user",
                    object_id=row["user_id"],
                    address=None,
                    before={"roles": row["roles_before"]},
                    after={"roles": row["roles"]},
                )
        return row is not None

    async def delete_abandoned(self, *, batch: int) -> int:
        """Delete users who have not verified a phone within a day, `batch` at most; return their number.

        A user with a session, a payment or ledger entries is kept. Counted attempts of the user expire within the hour.
        """
        async with self._database.transaction() as connection:
            locked = await connection.execute(_LOCK_ABANDONED, {"after": ABANDONED_AFTER, "batch": batch})
            user_ids = list(locked.scalars())
            if not user_ids:
                return 0
            return int((await connection.execute(_DELETE_ABANDONED, {"user_ids": user_ids})).scalar_one())


async def require_another_admin(connection: AsyncConnection, user_id: UUID) -> None:
    """Lock the admins until the caller's transaction ends; for a change after which that user cannot act as an admin.

    Raises:
        LastAdmin: the user is the only admin who can log in.
    """
    admins = (await connection.execute(_LOCK_ADMINS)).scalars().all()
    if list(admins) == [user_id]:
        raise LastAdmin


async def _update(
    connection: AsyncConnection, user_id: UUID, change: AdminChange, *, admin_user_id: UUID, address: str
) -> bool:
    if change.leaves_no_admin:
        await require_another_admin(connection, user_id)
    parameters = {"user_id": user_id, **change.model_dump(), "reassigns_hall": change.reassigns_hall}
    row = (await connection.execute(_UPDATE, parameters)).mappings().first()
    if row is None:
        return False
    if change.is_suspended:
        await revoke_all(connection, user_id, because=SUSPENDED)
    elif set(row["before"]["roles"]) - set(row["after"]["roles"]):
        await revoke_all(connection, user_id, because=ROLES_REMOVED)
    if row["is_email_changed"] and row["old_email"] is not None:
        await add_email(connection, Purpose.EMAIL_CHANGED, email=row["old_email"], user_id=user_id)
    await record(
        connection,
        action="user.change",
        actor_user_id=admin_user_id,
        object_type="user",
        object_id=user_id,
        address=address,
        before=row["before"],
        # The trail outlives the account, so it has no email address.
        after={**row["after"], **({"email": "changed"} if row["is_email_changed"] else {})},
    )
    return True
