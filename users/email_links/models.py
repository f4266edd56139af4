"""The table of emails about accounts."""

import enum
from typing import Final

from sqlalchemy import Column, DateTime, ForeignKey, Index, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from users.accounts.models import USERS
from users.database import METADATA


class Purpose(enum.StrEnum):
    """The value is also the name of the email's template. Those of a change are notices, without a link."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a name
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name
    EMAIL_CHANGED = "email_changed"
    PHONE_CHANGED = "phone_changed"


EMAIL_LINKS: Final = Table(
    "email_links",
    METADATA,
    Column("link_id", UUID(as_uuid=True), primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("email", Text, nullable=False),
    # Null for a forgotten password: the account is looked up when the email is sent, so that the request does the same
    # work for an address without one.
    Column("user_id", UUID(as_uuid=True), ForeignKey(USERS.c.user_id, ondelete="CASCADE")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("used_at", DateTime(timezone=True)),
    Index("ix_email_links_email", "email"),
    Index("ix_email_links_user_id", "user_id"),
    Index("ix_email_links_created_at", "created_at"),
)
