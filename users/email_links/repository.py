"""Links and notices in PostgreSQL, each with the message that has it sent."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import Database
from common.db.retention import Retention
from common.messaging.message import Message
from common.messaging.outbox import outbox_row
from users.database import OUTBOX
from users.email_links.models import EMAIL_LINKS, Purpose

LINK_LIFETIME: Final = timedelta(minutes=30)
# A notice that could not be sent within this time is not sent any more.
LINKS_RETENTION: Final = Retention(table="email_links", aged_by="created_at", keep_days=1)

# A link is sent while it can be used, and while an account could be changed by it. An address that no account has gets no
# email, and one that was proven meanwhile needs none.
_TO_SEND: Final = text(
    """
    SELECT purpose, email, created_at,
           (SELECT right(phone, 4) FROM users WHERE users.user_id = link.user_id) AS phone_ending
    FROM email_links link
    WHERE link_id = :link_id AND CASE purpose
        WHEN 'reset_password' THEN used_at IS NULL AND created_at > now() - CAST(:lifetime AS interval) AND EXISTS (
            SELECT FROM users
            WHERE users.email = link.email OR (new_email = link.email AND users.email IS NULL AND is_verified))
        WHEN 'verify_email' THEN used_at IS NULL AND created_at > now() - CAST(:lifetime AS interval) AND EXISTS (
            SELECT FROM users
            WHERE users.user_id = link.user_id AND deleted_at IS NULL
              AND (users.email IS NULL OR new_email = link.email
                   OR (users.email = link.email AND email_verified_at IS NULL)))
        ELSE true END
    """
)
# All links for one purpose are used up by the first of them: an older email is of no use any more. Of two calls with one
# link, the second waits, and finds it used.
_USE: Final = text(
    """
    WITH open AS MATERIALIZED (
        SELECT link.link_id FROM email_links given
        JOIN email_links link ON link.purpose = given.purpose AND link.email = given.email
             AND link.user_id IS NOT DISTINCT FROM given.user_id
        WHERE given.link_id = :link_id AND given.purpose = :purpose
          AND given.created_at > now() - CAST(:lifetime AS interval) AND link.used_at IS NULL
        ORDER BY link.link_id FOR UPDATE OF link),
    used AS (UPDATE email_links SET used_at = now() FROM open WHERE email_links.link_id = open.link_id)
    SELECT email, user_id, link_id IN (SELECT link_id FROM open) AS is_first_use FROM email_links
    WHERE link_id = :link_id AND purpose = :purpose AND created_at > now() - CAST(:lifetime AS interval)
    """
)


@dataclass(frozen=True, slots=True)
class Link:
    purpose: Purpose
    email: str
    created_at: datetime
    phone_ending: str | None


@dataclass(frozen=True, slots=True)
class UsedLink:
    """A link that is not too old. `is_first_use`: it was not used before this call."""

    email: str
    user_id: UUID | None
    is_first_use: bool


class EmailLinkRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, purpose: Purpose, *, email: str, user_id: UUID | None) -> None:
        async with self._database.transaction() as connection:
            await add_email(connection, purpose, email=email, user_id=user_id)

    async def to_send(self, link_id: UUID) -> Link | None:
        """Return the link or notice; None if it must not be sent any more."""
        row = await self._database.fetch_one(_TO_SEND, {"link_id": link_id, "lifetime": LINK_LIFETIME})
        return (
            None if row is None else Link(Purpose(row["purpose"]), row["email"], row["created_at"], row["phone_ending"])
        )


async def add_email(connection: AsyncConnection, purpose: Purpose, *, email: str, user_id: UUID | None) -> None:
    """Store an email and the message that has it sent, in the caller's transaction. The message names its id only."""
    link_id = uuid.uuid4()
    message = Message(
        type="account.email_requested", source="users", subject=str(link_id), data={"link_id": str(link_id)}
    )
    values = {"link_id": link_id, "purpose": purpose.value, "email": email, "user_id": user_id}
    await connection.execute(EMAIL_LINKS.insert(), values)
    await connection.execute(OUTBOX.insert(), outbox_row(message))


async def use_links(connection: AsyncConnection, link_id: UUID, purpose: Purpose) -> UsedLink | None:
    """Use a link up, in the caller's transaction; return None if it is unknown or too old."""
    parameters = {"link_id": link_id, "purpose": purpose.value, "lifetime": LINK_LIFETIME}
    row = (await connection.execute(_USE, parameters)).mappings().first()
    return None if row is None else UsedLink(row["email"], row["user_id"], row["is_first_use"])
