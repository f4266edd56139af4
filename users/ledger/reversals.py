"""The ledger's movements that reverse others, one SQL statement each; see `users.ledger.statements`.

An undo's transaction writes the tombstone first (`IdempotencyStore.attempt`), so the action is decided: its effect is
visible, or it can no longer happen.
"""

# ruff: noqa: S608 - the statements are composed of constants; values are bound

from typing import Final

from sqlalchemy import TextClause, text

from common.db.idempotency import SELECT_ANSWER, stored_answer
from users.ledger.fragments import APPLY, ENTRIES, LOCK, MOVEMENT, PRIOR, RESOLVE, STORE_MOVEMENT, WALLETS

# If another call is resolving the escrow, the statement stores no answer, and `attempt_undo` runs it again.
ESCROW_UNDO: Final = text(
    f"""
    {PRIOR},
    resolved AS (
        UPDATE escrows SET status = 'VOIDED', resolved_at = now()
        WHERE request_id = CAST(:undoes_request_id AS uuid) AND status = 'HELD' AND NOT EXISTS (SELECT FROM prior)
        RETURNING user_id, amount, CAST(user_id AS text) AS recipient),
    {RESOLVE},
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object(
            'transaction_id', (SELECT transaction_id FROM movement), 'balances', coalesce({WALLETS}, '{{}}')))
        WHERE NOT EXISTS (SELECT FROM prior) AND (EXISTS (SELECT FROM movement)
           OR EXISTS (SELECT FROM escrows WHERE request_id = CAST(:undoes_request_id AS uuid) AND status = 'VOIDED')
           OR NOT EXISTS (SELECT FROM ledger_transactions WHERE request_id = CAST(:undoes_request_id AS uuid)))
        RETURNING result)
    {SELECT_ANSWER}
    """
)


def _reversal(*, sides: str, allowed: str) -> TextClause:
    """Return the statement that reverses the movement made under `undoes_request_id`, once for all requests.

    Args:
        sides: selects (account_kind, account_owner, change) from `undone`; no rows if there is no such movement, or if
            it was reversed.
        allowed: a condition on `locked`.
    """
    return text(
        f"""
        {PRIOR},
        undone AS (
            SELECT transaction_id, (
                SELECT coalesce(sum(amount), 0) FROM ledger_entries side
                WHERE side.transaction_id = moved.transaction_id AND amount > 0) AS amount
            FROM ledger_transactions moved
            WHERE request_id = CAST(:undoes_request_id AS uuid) AND kind = :undone_kind
              AND NOT EXISTS (SELECT FROM prior)),
        already AS (
            SELECT reversal.transaction_id FROM ledger_transactions reversal
            JOIN undone ON reversal.reverses_transaction_id = undone.transaction_id),
        sides AS MATERIALIZED ({sides}),
        {LOCK},
        allowed AS (
            INSERT INTO reversed_amounts (transaction_id, amount)
            SELECT transaction_id, amount FROM undone WHERE {allowed}
            ON CONFLICT DO NOTHING
            RETURNING transaction_id),
        movement AS (
            INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference, reverses_transaction_id)
            SELECT gen_random_uuid(), :request_id, :kind, :reference, transaction_id FROM allowed
            RETURNING transaction_id),
        {APPLY},
        remembered AS (
            INSERT INTO requests (request_id, fingerprint, result)
            SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object(
                'transaction_id', coalesce((SELECT transaction_id FROM movement), (SELECT transaction_id FROM already)),
                'balances', coalesce({WALLETS}, '{{}}')))
            WHERE NOT EXISTS (SELECT FROM prior) AND (EXISTS (SELECT FROM movement) OR EXISTS (SELECT FROM already)
               OR NOT EXISTS (SELECT FROM ledger_transactions WHERE request_id = CAST(:undoes_request_id AS uuid)))
            RETURNING result)
        {SELECT_ANSWER}
        """
    )


# Reverses a movement between the same accounts.
REVERSE: Final = _reversal(
    sides="""
        SELECT account_kind, account_owner, -entry.amount AS change
        FROM ledger_entries entry JOIN undone USING (transaction_id)
        WHERE NOT EXISTS (SELECT FROM already)
    """,
    allowed="(SELECT count(*) > 0 AND min(balance_after) >= 0 FROM locked)",
)

# Refunds a charge to other users than the payer: a transferred ticket is refunded to its holder. It is refused if a wallet
# does not exist, or if the shares do not add up to the charge.
REFUND_TO: Final = _reversal(
    sides="""
        SELECT account_kind, account_owner, -entry.amount AS change
        FROM ledger_entries entry JOIN undone USING (transaction_id)
        WHERE account_kind = 'revenue' AND NOT EXISTS (SELECT FROM already)
        UNION ALL
        SELECT 'wallet', share.account_owner, share.amount
        FROM unnest(CAST(:owners AS text[]), CAST(:amounts AS numeric[])) AS share (account_owner, amount)
        WHERE EXISTS (SELECT FROM undone) AND NOT EXISTS (SELECT FROM already)
    """,
    allowed="""
        (SELECT count(*) FROM locked) = cardinality(CAST(:owners AS text[])) AND (SELECT sum(change) FROM sides) = 0
    """,
)

# Refunds a part of a charge. `reversed_amounts` counts the parts of one charge: its row is locked last, and its newest
# version decides, so concurrent parts never exceed the charge. It refuses a whole refund after a part as well.
REFUND_PART: Final = text(
    f"""
    {PRIOR},
    charge AS MATERIALIZED (
        SELECT transaction_id, revenue.account_owner AS event_id, revenue.amount
        FROM ledger_transactions charged JOIN ledger_entries revenue USING (transaction_id)
        WHERE charged.request_id = CAST(:charge_request_id AS uuid) AND charged.kind = 'deduct'
          AND revenue.account_kind = 'revenue' AND NOT EXISTS (SELECT FROM prior)
          AND NOT EXISTS (SELECT FROM ledger_transactions whole
                          WHERE whole.reverses_transaction_id = charged.transaction_id)),
    sides AS MATERIALIZED (
        SELECT 'revenue' AS account_kind, event_id AS account_owner, -CAST(:total AS numeric) AS change FROM charge
        UNION ALL
        SELECT 'wallet', share.account_owner, share.amount
        FROM unnest(CAST(:owners AS text[]), CAST(:amounts AS numeric[])) AS share (account_owner, amount)
        WHERE EXISTS (SELECT FROM charge)),
    {LOCK},
    allowed AS (
        INSERT INTO reversed_amounts AS r (transaction_id, amount)
        SELECT transaction_id, CAST(:total AS numeric) FROM charge
        WHERE CAST(:total AS numeric) <= amount
          AND (SELECT count(*) FROM locked) = cardinality(CAST(:owners AS text[]))
        ON CONFLICT (transaction_id) DO UPDATE SET amount = r.amount + excluded.amount
            WHERE r.amount + excluded.amount <= (SELECT amount FROM charge)
        RETURNING transaction_id),
    movement AS (
        INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference, refunds_transaction_id)
        SELECT gen_random_uuid(), :request_id, 'refund', :reference, transaction_id FROM allowed
        RETURNING transaction_id),
    {APPLY}, {STORE_MOVEMENT}
    {SELECT_ANSWER}
    """
)


def _stored(transaction_id: str, *, shortfall: str) -> str:
    return stored_answer(
        f"jsonb_build_object('transaction_id', {transaction_id}, 'balances', {WALLETS}, "
        f"'taken', CAST(taken AS text), 'shortfall', CAST({shortfall} AS text))",
        rows="movement, allowed",
    )


# Debits what the wallet has, and notes the rest as owed. The locked row decides how much that is, so no concurrent
# movement can spend it. The credit first pays what the other user owes.
CLAWBACK: Final = text(
    f"""
    {PRIOR},
    locked AS MATERIALIZED (
        SELECT account_owner, amount, owed FROM balances
        WHERE account_kind = 'wallet' AND currency = 'SGD' AND NOT EXISTS (SELECT FROM prior)
          AND account_owner IN (CAST(:from_user_id AS text), CAST(:to_user_id AS text))
        ORDER BY account_kind, account_owner
        FOR UPDATE),
    allowed AS MATERIALIZED (
        SELECT least(debtor.amount, CAST(:amount AS numeric)) AS taken,
               least(creditor.owed, CAST(:amount AS numeric)) AS collected
        FROM locked debtor, locked creditor
        WHERE debtor.account_owner = CAST(:from_user_id AS text)
          AND creditor.account_owner = CAST(:to_user_id AS text)),
    sides AS MATERIALIZED (
        SELECT side.account_kind, side.account_owner, side.change FROM allowed
        CROSS JOIN LATERAL (VALUES ('wallet', CAST(:from_user_id AS text), -taken),
                                   ('receivable', CAST(:from_user_id AS text), taken - CAST(:amount AS numeric)),
                                   ('wallet', CAST(:to_user_id AS text), CAST(:amount AS numeric) - collected),
                                   ('receivable', CAST(:to_user_id AS text), collected))
                           AS side (account_kind, account_owner, change)
        WHERE side.account_kind = 'wallet' OR side.change <> 0),
    {MOVEMENT},
    moved AS (
        UPDATE balances b SET amount = locked.amount + sides.change FROM locked JOIN sides USING (account_owner)
        WHERE sides.account_kind = 'wallet'
          AND b.account_kind = 'wallet' AND b.account_owner = locked.account_owner AND b.currency = 'SGD'
        RETURNING b.account_kind, b.account_owner, b.amount),
    {ENTRIES},
    {_stored("transaction_id", shortfall="CAST(:amount AS numeric) - taken")}
    {SELECT_ANSWER}
    """
)

# Takes back a part of a top-up: debits what the wallet has, and notes the rest as owed. The first part is linked to the
# top-up as its reversal, so that the previous release, which only reverses whole top-ups, cannot do so once more.
REVERSE_TOP_UP: Final = text(
    f"""
    {PRIOR},
    undone AS (
        SELECT transaction_id FROM ledger_transactions
        WHERE request_id = CAST(:undoes_request_id AS uuid) AND kind = 'top_up' AND NOT EXISTS (SELECT FROM prior)),
    locked AS MATERIALIZED (
        SELECT account_owner, amount FROM balances
        WHERE account_kind = 'wallet' AND currency = 'SGD' AND account_owner = CAST(:user_id AS text)
          AND EXISTS (SELECT FROM undone)
        FOR UPDATE),
    allowed AS MATERIALIZED (SELECT account_owner AS owner, least(amount, CAST(:amount AS numeric)) AS taken FROM locked),
    movement AS (
        INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference, reverses_transaction_id)
        SELECT gen_random_uuid(), :request_id, 'top_up_reversal', :reference,
               (SELECT transaction_id FROM undone
                WHERE NOT EXISTS (SELECT FROM ledger_transactions earlier
                                  WHERE earlier.reverses_transaction_id = undone.transaction_id))
        FROM allowed
        RETURNING transaction_id),
    moved AS (
        UPDATE balances b SET amount = locked.amount - taken FROM allowed
        JOIN locked ON locked.account_owner = owner
        WHERE b.account_kind = 'wallet' AND b.account_owner = owner AND b.currency = 'SGD'
        RETURNING b.account_kind, b.account_owner, b.amount),
    sides AS MATERIALIZED (
        SELECT side.account_kind, side.account_owner, side.change FROM allowed
        CROSS JOIN LATERAL (VALUES ('wallet', owner, -taken),
                                   ('receivable', owner, taken - CAST(:amount AS numeric)),
                                   ('external', CAST(:provider AS text), CAST(:amount AS numeric)))
                           AS side (account_kind, account_owner, change)
        WHERE side.account_kind <> 'receivable' OR side.change <> 0),
    {ENTRIES},
    {_stored("transaction_id", shortfall="CAST(:amount AS numeric) - taken")}
    {SELECT_ANSWER}
    """
)
