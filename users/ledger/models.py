"""The ledger's tables. Triggers (see the migration) refuse unbalanced entries and any change of a row.

The kinds of accounts: wallet, escrow, loyalty, revenue, external, receivable, platform, pending_earnings.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from common.db.base import AMOUNT
from users.accounts.models import USERS
from users.database import METADATA

# One movement of credits, made by one request.
LEDGER_TRANSACTIONS: Final = Table(
    "ledger_transactions",
    METADATA,
    Column("transaction_id", UUID(as_uuid=True), primary_key=True),
    Column("request_id", UUID(as_uuid=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("reverses_transaction_id", UUID(as_uuid=True), ForeignKey("ledger_transactions.transaction_id")),
    Column("refunds_transaction_id", UUID(as_uuid=True), ForeignKey("ledger_transactions.transaction_id")),
    Column("made_by_user_id", UUID(as_uuid=True), ForeignKey(USERS.c.user_id)),  # an admin; the reference is the reason
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Index("uq_ledger_transactions_request_id", "request_id", unique=True),
    # A movement is reversed as a whole at most once; a charge may be refunded in parts instead.
    Index("uq_ledger_transactions_reverses_transaction_id", "reverses_transaction_id", unique=True),
    Index(
        "ix_ledger_transactions_refunds_transaction_id",
        "refunds_transaction_id",
        postgresql_where=text("refunds_transaction_id IS NOT NULL"),
    ),
    Index(
        "ix_ledger_transactions_by_admins",
        "created_at",
        "transaction_id",
        postgresql_where=text("made_by_user_id IS NOT NULL"),
    ),
)

# How much of a movement was reversed, in parts or as a whole. Whole reversals made before this table existed have no row.
REVERSED_AMOUNTS: Final = Table(
    "reversed_amounts",
    METADATA,
    Column("transaction_id", UUID(as_uuid=True), ForeignKey("ledger_transactions.transaction_id"), primary_key=True),
    Column("amount", AMOUNT, nullable=False),
)

# The entries of a transaction: positive is credit to the account, negative is debit; they sum to zero.
LEDGER_ENTRIES: Final = Table(
    "ledger_entries",
    METADATA,
    Column("transaction_id", UUID(as_uuid=True), ForeignKey("ledger_transactions.transaction_id"), primary_key=True),
    Column("account_kind", Text, primary_key=True),  # one of the kinds in the docstring
    Column("account_owner", Text, primary_key=True),  # a user, an event, a payment provider, or an account's name
    Column("currency", Text, primary_key=True),
    Column("amount", AMOUNT, nullable=False),
    # An entry of an account with a balance is written while that balance is locked, so these numbers are the order in
    # which the account's entries happened. Numbers are comparable only within one account that has a balance.
    Column("entry_number", BigInteger, Identity(always=True), nullable=False),
    Index("ix_ledger_entries_account", "account_kind", "account_owner", "currency", "entry_number"),
)

# What users own. Accounts of the other kinds have no row here: they are sums, so that no row becomes hot. A receivable is what its owner owes, as a negative sum. `owed` of the wallet is that sum, positive: a
# trigger on the entries keeps it, and a movement that credits the wallet has its row locked.
BALANCES: Final = Table(
    "balances",
    METADATA,
    Column("account_kind", Text, primary_key=True),
    Column("account_owner", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("amount", AMOUNT, nullable=False, server_default="0"),
    Column("owed", AMOUNT, nullable=False, server_default="0"),
    CheckConstraint("amount >= 0", name="not_negative"),
    CheckConstraint("owed >= 0", name="owed_not_negative"),
    CheckConstraint("account_kind IN ('wallet', 'escrow', 'loyalty')", name="is_kept"),
    Index("ix_balances_owed", "account_owner", postgresql_where=text("owed > 0")),
)

# Credits set aside for a sale in progress: HELD, then either RELEASED to a user or to the platform, or VOIDED back to the owner.
ESCROWS: Final = Table(
    "escrows",
    METADATA,
    Column("escrow_id", UUID(as_uuid=True), primary_key=True),
    Column("request_id", UUID(as_uuid=True), nullable=False),  # the hold's, so that its undo finds it
    Column("user_id", UUID(as_uuid=True), ForeignKey(USERS.c.user_id), nullable=False),
    Column("amount", AMOUNT, nullable=False),
    Column("status", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("purpose", Text),  # what it is for, such as `tip_grid_item`; null for a sale between fans
    Column("held_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("resolved_at", DateTime(timezone=True)),
    CheckConstraint("status IN ('HELD', 'RELEASED', 'VOIDED')", name="status"),
    Index("uq_escrows_request_id", "request_id", unique=True),
    Index("ix_escrows_user_id", "user_id"),
)
