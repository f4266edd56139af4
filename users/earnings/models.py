"""The tables of pending earnings and payouts."""

from typing import Final

from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, Table, func, text
from sqlalchemy.dialects.postgresql import UUID

from common.db.base import AMOUNT
from users.accounts.models import USERS
from users.database import METADATA
from users.ledger.models import LEDGER_TRANSACTIONS

# A payout pays all pending earnings of a performer. One that found none has no transaction.
PAYOUTS: Final = Table(
    "payouts",
    METADATA,
    Column("payout_id", UUID(as_uuid=True), primary_key=True),
    Column("performer_user_id", UUID(as_uuid=True), ForeignKey(USERS.c.user_id), nullable=False),
    Column("number", Integer, nullable=False),  # counts the payouts of a performer
    Column("amount", AMOUNT, nullable=False),
    Column("items", Integer, nullable=False),
    Column("transaction_id", UUID(as_uuid=True), ForeignKey(LEDGER_TRANSACTIONS.c.transaction_id)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Index("uq_payouts_performer_user_id", "performer_user_id", "number", unique=True),
)

# A payment to a performer who is paid out in batches. Those without a payout are the account `pending_earnings`, which
# has no balance row, so that no row is hot.
PENDING_EARNINGS: Final = Table(
    "pending_earnings",
    METADATA,
    Column("item_id", UUID(as_uuid=True), primary_key=True),  # what the fan bought
    Column("performer_user_id", UUID(as_uuid=True), ForeignKey(USERS.c.user_id), nullable=False),
    Column("amount", AMOUNT, nullable=False),
    Column("transaction_id", UUID(as_uuid=True), ForeignKey(LEDGER_TRANSACTIONS.c.transaction_id), nullable=False),
    Column("payout_id", UUID(as_uuid=True), ForeignKey(PAYOUTS.c.payout_id)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Index("ix_pending_earnings_unpaid", "performer_user_id", postgresql_where=text("payout_id IS NULL")),
    Index("ix_pending_earnings_payout", "payout_id", "item_id", postgresql_where=text("payout_id IS NOT NULL")),
)
