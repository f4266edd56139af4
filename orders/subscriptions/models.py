"""The table of subscriptions."""

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, Table, Text, false, text, true
from sqlalchemy.dialects.postgresql import UUID

from common.db.base import AMOUNT
from orders.database import metadata
from orders.shared.models import created_at, id_column, newest_index, time_column

# A fan has one row for a performer. A period that is paid later extends it, or begins again.
subscriptions: Final = Table(
    "subscriptions",
    metadata,
    Column("subscription_id", UUID(as_uuid=True), primary_key=True),
    id_column("user_id"),
    id_column("performer_id"),
    Column("price", AMOUNT, nullable=False),
    Column("periods", Integer, nullable=False),
    Column("renews", Boolean, nullable=False, server_default=true()),
    created_at(),
    time_column("started_at", nullable=False),  # the first of the periods without a gap
    time_column("ends_at", nullable=False),
    time_column("cancelled_at"),  # by the fan; NULL once they want it again
    Column("is_reminded", Boolean, nullable=False, server_default=false()),
    Column("end_reason", Text, nullable=False, server_default=text("''")),
    CheckConstraint("price >= 0", name="price"),
    CheckConstraint("periods > 0", name="periods"),
    Index("uq_subscriptions_user_performer", "user_id", "performer_id", unique=True),
    Index("ix_subscriptions_due", "ends_at", postgresql_where=text("renews")),
    Index("ix_subscriptions_to_remind", "ends_at", postgresql_where=text("renews AND NOT is_reminded")),
    newest_index("ix_subscriptions_user_newest", "user_id", key="subscription_id"),
    newest_index("ix_subscriptions_performer_newest", "performer_id", key="subscription_id"),
)
