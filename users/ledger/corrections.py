"""The movements that admins make by hand: each names the admin, its reference is the reason, and the audit trail has it."""

# ruff: noqa: S608 - the statements are composed of constants; values are bound

from typing import Final

from sqlalchemy import text

from common.db.idempotency import SELECT_ANSWER, stored_answer
from common.messaging.outbox import ANNOUNCE
from users.ledger.fragments import APPLY, LOCK, PRIOR, STORE_MOVEMENT

_MOVEMENT: Final = """
    movement AS (
        INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference, made_by_user_id)
        SELECT gen_random_uuid(), :request_id, :kind, :reference, CAST(:made_by_user_id AS uuid) FROM allowed
        RETURNING transaction_id)
"""
_AUDITED: Final = f"written AS (SELECT transaction_id FROM movement), {ANNOUNCE}"

# Credits a wallet, or debits what it has, against the platform's account of adjustments.
ADJUST: Final = text(
    f"""
    {PRIOR},
    sides AS MATERIALIZED (
        SELECT account_kind, account_owner, change
        FROM (VALUES ('wallet', CAST(:user_id AS text), CAST(:amount AS numeric)),
                     ('platform', 'adjustment', -CAST(:amount AS numeric)))
             AS side (account_kind, account_owner, change)
        WHERE NOT EXISTS (SELECT FROM prior)),
    {LOCK},
    allowed AS (SELECT 1 FROM locked HAVING count(*) = 1 AND min(balance_after) >= 0),
    {_MOVEMENT}, {_AUDITED}, {APPLY}, {STORE_MOVEMENT}
    {SELECT_ANSWER}
    """
)

# Reduces what a user owes, by all of it without an amount. The wallet's row is locked, as by every movement that changes
# its `owed`.
REDUCE_DEBT: Final = text(
    f"""
    {PRIOR},
    locked AS MATERIALIZED (
        SELECT owed FROM balances
        WHERE account_kind = 'wallet' AND account_owner = CAST(:user_id AS text) AND currency = 'SGD'
          AND NOT EXISTS (SELECT FROM prior)
        FOR UPDATE),
    allowed AS MATERIALIZED (
        SELECT owed, coalesce(CAST(:amount AS numeric), owed) AS amount FROM locked
        WHERE owed > 0 AND coalesce(CAST(:amount AS numeric), owed) <= owed),
    {_MOVEMENT}, {_AUDITED},
    entries AS (
        INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
        SELECT transaction_id, side.kind, side.owner, 'SGD', side.change FROM movement, allowed
        CROSS JOIN LATERAL (VALUES ('receivable', CAST(:user_id AS text), amount),
                                   (CAST(:paid_by_kind AS text), CAST(:paid_by_owner AS text), -amount))
                           AS side (kind, owner, change)),
    {
        stored_answer(
            "jsonb_build_object('transaction_id', transaction_id, 'amount', CAST(amount AS text), "
            "'owed', CAST(owed - amount AS text))",
            rows="movement, allowed",
        )
    }
    {SELECT_ANSWER}
    """
)
