"""The table of accounts."""

from typing import Final

from sqlalchemy import Boolean, Column, DateTime, Index, Table, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from users.database import METADATA

USERS: Final = Table(
    "users",
    METADATA,
    Column("user_id", UUID(as_uuid=True), primary_key=True),
    # Normalised: lower case. It counts once a link sent to it was used (`email_verified_at`). NULL if another account has
    # proven it, or has it and this one has not proven it, or if the account is deleted.
    Column("email", Text),
    Column("email_verified_at", DateTime(timezone=True)),
    Column("new_email", Text),  # asked for, and not proven
    Column("phone", Text),  # E.164; NULL once the account is deleted
    Column("password_hash", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("is_flagged", Boolean, nullable=False, server_default="false"),
    Column("is_verified", Boolean, nullable=False, server_default="false"),
    # An account of a release that let several accounts verify one phone.
    Column("shares_phone", Boolean, nullable=False, server_default="false"),
    Column("name", Text, nullable=False, server_default=""),
    # Where the user scans as staff: a hall and its venue, of the events service.
    Column("assigned_hall_id", Text),
    Column("assigned_venue_id", UUID(as_uuid=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("suspended_at", DateTime(timezone=True)),
    # The row stays for the ledger; what is personal is gone.
    Column("deleted_at", DateTime(timezone=True)),
    UniqueConstraint("email"),
    Index("uq_users_verified_phone", "phone", unique=True, postgresql_where=text("is_verified AND NOT shares_phone")),
    Index("ix_users_created_at", "created_at", "user_id"),
    Index("ix_users_admins", "user_id", postgresql_where=text("roles @> '{admin}'")),
    Index("ix_users_new_email", "new_email", postgresql_where=text("new_email IS NOT NULL")),
    Index("ix_users_unverified", "created_at", postgresql_where=text("NOT is_verified")),
)
