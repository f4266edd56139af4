"""Changes of accounts in PostgreSQL, each in one transaction with the notice to the owner.

Lock order: links, then users by id, then sessions.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import UNIQUE_VIOLATION, Database, sqlstate_of
from users.account_changes.errors import PhoneEndingRequired
from users.accounts.errors import EmailAlreadyExists, PhoneAlreadyExists, WrongPassword
from users.accounts.repository import User
from users.email_links.errors import LinkExpired
from users.email_links.models import Purpose
from users.email_links.repository import LINK_LIFETIME, add_email, use_links
from users.one_time_codes.errors import OtpExpired
from users.sessions.repository import revoke_all

__all__ = ["PHONE_CHANGE", "AccountChangeRepository", "Proof"]

PHONE_CHANGE: Final = "phone_change"  # the context of codes to a new phone
PASSWORD_CHANGED: Final = "password changed"  # noqa: S105 - a reason
ENDING_DIGITS: Final = 4
PASSWORD_NEEDED: Final = (
    "Another account has that address. Enter the password of the account with the phone ending in {}."  # noqa: S105 - a text
)

_ACCOUNT_OF: Final = text(
    """
    SELECT user_id FROM email_links
    WHERE link_id = :link_id AND purpose = 'verify_email' AND created_at > now() - CAST(:lifetime AS interval)
    """
)
# The account of the link, and all that have the address or may log in with it.
_LOCK_HOLDERS: Final = text(
    """
    SELECT user_id, email, email_verified_at IS NOT NULL AS is_proven, new_email, phone, is_verified, password_hash
    FROM users
    WHERE user_id = CAST(:user_id AS uuid) OR email = :email
       OR (new_email = :email AND email IS NULL AND is_verified)
    ORDER BY user_id FOR UPDATE
    """
)
_TAKE: Final = text("UPDATE users SET email = NULL WHERE user_id = :user_id")
_PROVE: Final = text(
    """
    UPDATE users SET email = :email, new_email = NULL,
        email_verified_at = CASE WHEN email = :email THEN coalesce(email_verified_at, now()) ELSE now() END
    WHERE user_id = :user_id
    """
)
_RESET_PASSWORD: Final = text("UPDATE users SET password_hash = :password_hash WHERE user_id = :user_id")
# A change of the address that waits for its proof ends; an account without another address keeps it, to log in with.
_CHANGE_PASSWORD: Final = text(
    """
    UPDATE users SET password_hash = :password_hash, new_email = CASE WHEN email IS NULL THEN new_email END
    WHERE user_id = :user_id AND password_hash = :old_hash
    RETURNING email
    """
)
_CANCEL_PHONE_CHANGE: Final = text("DELETE FROM otp_challenges WHERE user_id = :user_id AND context = :context")
_RENAME: Final = text("UPDATE users SET name = :name WHERE user_id = :user_id")
# An account without an address keeps the one that it logs in by; the link alone names the new one.
_ASK_FOR_EMAIL: Final = text(
    "UPDATE users SET new_email = CAST(:new_email AS text) WHERE user_id = :user_id AND email IS NOT NULL"
)
# Links to other addresses than that of the logins are a thief's, if a thief knew the previous password.
_END_LINKS: Final = text(
    """
    UPDATE email_links SET used_at = now()
    WHERE used_at IS NULL AND link_id IN (
        SELECT link_id FROM email_links link JOIN users USING (user_id)
        WHERE link.user_id = :user_id AND link.purpose = 'verify_email'
          AND link.email <> coalesce(users.email, new_email, '')
        ORDER BY link_id FOR UPDATE OF link)
    """
)
# The code's row is locked after the user's, so that a new password, which deletes it, ends a change that overlaps it. It
# stays otherwise: the same code may be sent again.
_CHANGE_PHONE: Final = text(
    """
    WITH before AS MATERIALIZED (SELECT user_id, email, phone FROM users WHERE user_id = :user_id FOR UPDATE),
    proven AS MATERIALIZED (
        SELECT challenge.user_id FROM otp_challenges challenge JOIN before USING (user_id)
        WHERE context = :context AND challenge.phone = :phone AND verified_at IS NOT NULL
        FOR UPDATE OF challenge),
    changed AS (
        UPDATE users SET phone = :phone, shares_phone = false FROM before JOIN proven USING (user_id)
        WHERE users.user_id = before.user_id AND before.phone <> :phone
        RETURNING before.email, before.phone)
    SELECT changed.email, changed.phone FROM proven LEFT JOIN changed ON true
    """
)


@dataclass(frozen=True, slots=True)
class _Holder:
    user_id: UUID
    email: str | None
    is_proven: bool
    new_email: str | None
    phone: str
    is_verified: bool
    password_hash: str

    def has_proven(self, email: str) -> bool:
        return self.is_proven and self.email == email

    def may_log_in_by(self, email: str) -> bool:
        return email == (self.email or self.new_email)


@dataclass(frozen=True, slots=True)
class Proof:
    """An address is proven. `taken_from_phones`: of the accounts that could log in by it, unproven, and no longer can."""

    email: str
    taken_from_phones: tuple[str, ...] = ()


class AccountChangeRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def account_of(self, link_id: UUID) -> UUID:
        """Return the id of the account whose address a link proves.

        Raises:
            LinkExpired: it is unknown or too old.
        """
        row = await self._database.fetch_one(_ACCOUNT_OF, {"link_id": link_id, "lifetime": LINK_LIFETIME})
        if row is None:
            raise LinkExpired
        return UUID(str(row["user_id"]))

    async def verify_email(self, link_id: UUID, *, checked_hash: str | None) -> Proof:
        """Give the address of a link to its account. A link that has done so can be used again, without effect.

        Args:
            checked_hash: the hash of the account's password, if the caller has given that. It is needed while others can
                log in by the address: the owner of the mailbox may have taken a stranger's link for their own.

        Raises:
            LinkExpired: it is unknown, too old or used, or the account no longer asks for the address.
            EmailAlreadyExists: another account has proven the address.
            WrongPassword: the password is needed.
        """

        async def prove(connection: AsyncConnection) -> Proof:
            link = await use_links(connection, link_id, Purpose.VERIFY_EMAIL)
            if link is None:
                raise LinkExpired
            holders = await _lock_holders(connection, link.email, link.user_id)
            own = next((holder for holder in holders if holder.user_id == link.user_id), None)
            if own is None:
                raise LinkExpired
            if own.has_proven(link.email):
                return Proof(link.email)
            if not link.is_first_use or (own.email is not None and link.email not in {own.email, own.new_email}):
                raise LinkExpired
            proof = await _prove(connection, own, holders, link.email)
            if proof.taken_from_phones and own.password_hash != checked_hash:
                raise WrongPassword(PASSWORD_NEEDED.format(own.phone[-ENDING_DIGITS:]))
            if own.email is not None and own.email != link.email:
                await add_email(connection, Purpose.EMAIL_CHANGED, email=own.email, user_id=own.user_id)
            return proof

        return await self._proving(prove)

    async def reset_password(self, link_id: UUID, *, password_hash: str, phone_ending: str | None) -> Proof:
        """Set the password of the account that a link's address finds, which proves the address.

        It ends the account's sessions and its changes that wait for their proof: they may be a thief's.

        Args:
            phone_ending: the last digits of the account's phone, needed if several can log in by the address.

        Raises:
            LinkExpired: it is unknown, too old or used, or no account has the address any more.
            PhoneEndingRequired: several accounts can log in by the address; the link stays usable.
        """

        async def reset(connection: AsyncConnection) -> Proof:
            link = await use_links(connection, link_id, Purpose.RESET_PASSWORD)
            if link is None or not link.is_first_use:
                raise LinkExpired
            holders = await _lock_holders(connection, link.email, None)
            if not holders:
                raise LinkExpired
            own = _choose(holders, link.email, phone_ending)
            proof = await _prove(connection, own, holders, link.email)
            await connection.execute(_RESET_PASSWORD, {"user_id": own.user_id, "password_hash": password_hash})
            await _end_access(connection, own.user_id, email=link.email, except_session_id=None)
            return proof

        return await self._proving(reset)

    async def change_password(self, user: User, *, password_hash: str, except_session_id: UUID) -> None:
        """Change a password that was checked. It ends the other sessions, and changes that wait for their proof.

        Raises:
            WrongPassword: it was changed meanwhile.
        """
        parameters = {"user_id": user.user_id, "password_hash": password_hash, "old_hash": user.password_hash}
        async with self._database.transaction() as connection:
            await connection.execute(_END_LINKS, {"user_id": user.user_id})
            row = (await connection.execute(_CHANGE_PASSWORD, parameters)).mappings().first()
            if row is None:
                raise WrongPassword
            await _end_access(connection, user.user_id, email=row["email"], except_session_id=except_session_id)

    async def rename(self, user_id: UUID, name: str) -> None:
        await self._database.execute(_RENAME, {"user_id": user_id, "name": name})

    async def ask_for_email(self, user_id: UUID, new_email: str | None) -> None:
        """Store the address that a user asks for; None withdraws it. Without effect for an account without an address."""
        await self._database.execute(_ASK_FOR_EMAIL, {"user_id": user_id, "new_email": new_email})

    async def change_phone(self, user_id: UUID, phone: str) -> str | None:
        """Store a proven phone and return the one before; None if the account has it already.

        Raises:
            OtpExpired: the change was ended meanwhile, by a new password.
            PhoneAlreadyExists: another account has verified it.
        """
        parameters = {"user_id": user_id, "phone": phone, "context": PHONE_CHANGE}
        try:
            async with self._database.transaction() as connection:
                row = (await connection.execute(_CHANGE_PHONE, parameters)).mappings().first()
                if row is None:
                    raise OtpExpired
                if row["email"] is not None:
                    await add_email(connection, Purpose.PHONE_CHANGED, email=row["email"], user_id=user_id)
        except IntegrityError as error:
            if sqlstate_of(error) == UNIQUE_VIOLATION:
                raise PhoneAlreadyExists("Another account has that phone.") from error
            raise
        return None if row["phone"] is None else str(row["phone"])

    async def _proving(self, prove: Callable[[AsyncConnection], Awaitable[Proof]]) -> Proof:
        """Run a transaction that proves an address.

        A registration may insert the address after the transaction has locked all that have it: the second try sees it.
        """
        for is_last_try in (False, True):
            try:
                async with self._database.transaction() as connection:
                    return await prove(connection)
            except IntegrityError as error:
                if sqlstate_of(error) != UNIQUE_VIOLATION:
                    raise
                if is_last_try:
                    raise EmailAlreadyExists from error
        raise AssertionError("unreachable: the last try returns or raises")


async def _lock_holders(connection: AsyncConnection, email: str, user_id: UUID | None) -> Sequence[_Holder]:
    result = await connection.execute(_LOCK_HOLDERS, {"email": email, "user_id": user_id})
    return [_Holder(**row) for row in result.mappings()]


def _choose(holders: Sequence[_Holder], email: str, phone_ending: str | None) -> _Holder:
    """Return the account whose password is set: the one that has proven the address, or the one that the caller names."""
    if proven := [holder for holder in holders if holder.has_proven(email)]:
        return proven[0]
    candidates = [holder for holder in holders if holder.is_verified] or list(holders)
    if len(candidates) == 1:
        return candidates[0]
    if phone_ending is None:
        raise PhoneEndingRequired
    named = [holder for holder in candidates if holder.phone.endswith(phone_ending)]
    if not named:
        raise PhoneEndingRequired("No account with that address has a phone with that ending.")
    if len(named) > 1:
        raise PhoneEndingRequired("Several accounts have a phone with that ending. Please enter more of its digits.")
    return named[0]


async def _prove(connection: AsyncConnection, own: _Holder, holders: Sequence[_Holder], email: str) -> Proof:
    if own.has_proven(email):
        others = []
    else:
        others = [holder for holder in holders if holder is not own and holder.may_log_in_by(email)]
    if any(other.is_proven for other in others):
        raise EmailAlreadyExists
    for other in others:
        if other.email is not None:
            await connection.execute(_TAKE, {"user_id": other.user_id})
    await connection.execute(_PROVE, {"user_id": own.user_id, "email": email})
    return Proof(email, tuple(other.phone for other in others if other.is_verified))


async def _end_access(
    connection: AsyncConnection, user_id: UUID, *, email: str | None, except_session_id: UUID | None
) -> None:
    """End the sessions and a waiting change of the phone, and tell the owner that the password was changed."""
    await connection.execute(_CANCEL_PHONE_CHANGE, {"user_id": user_id, "context": PHONE_CHANGE})
    await revoke_all(connection, user_id, because=PASSWORD_CHANGED, except_session_id=except_session_id)
    if email is not None:
        await add_email(connection, Purpose.PASSWORD_CHANGED, email=email, user_id=user_id)
