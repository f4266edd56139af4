"""The ledger's movements that take something back, one SQL statement each; see `users.ledger.statements`.

The undos' transaction has left a tombstone before (`IdempotencyStore.attempt`), so the action is decided: what it did is
visible, or it can no longer happen.
"""

# ruff: noqa: S608 - the statements are put together from constants; values are bound

from typing import Final

from sqlalchemy import TextClause, text

from common.db.idempotency import SELECT_ANSWER
from users.ledger.statement_parts import APPLY, ENTRIES, LOCK, MOVEMENT, PRIOR, RESOLVE, WALLETS

__all__ = ["CLAWBACK", "ESCROW_UNDO", "REFUND_TO", "REVERSE", "TAKE_BACK"]

# An escrow that somebody else resolves right now is HELD in our snapshot and yet not ours: no answer; ask again.
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
    """Return what reverses the movement made under `undoes_request_id`, once, whoever asks.

    Args:
        sides: selects (account_kind, account_owner, change) from `undone`; empty when that is, or it was reversed.
        allowed: selects a row from `locked` when it may be.
    """
    return text(
        f"""
        {PRIOR},
        undone AS (
            SELECT transaction_id FROM ledger_transactions
            WHERE request_id = CAST(:undoes_request_id AS uuid) AND kind = :undone_kind
              AND NOT EXISTS (SELECT FROM prior)),
        already AS (
            SELECT reversal.transaction_id FROM ledger_transactions reversal
            JOIN undone ON reversal.reverses_transaction_id = undone.transaction_id),
        sides AS MATERIALIZED ({sides}),
        {LOCK},
        allowed AS ({allowed}),
        movement AS (
            INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference, reverses_transaction_id)
            SELECT gen_random_uuid(), :request_id, :kind, :reference, transaction_id FROM allowed, undone
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


# The mirror image of a movement.
REVERSE: Final = _reversal(
    sides="""
        SELECT account_kind, account_owner, -amount AS change FROM ledger_entries JOIN undone USING (transaction_id)
        WHERE NOT EXISTS (SELECT FROM already)
    """,
    allowed="SELECT 1 FROM locked HAVING count(*) > 0 AND min(balance_after) >= 0",
)

# A charge goes back, though not to the one who paid: a ticket that was handed on is refunded to its holder. Every wallet
# exists, and they get what the charge was.
REFUND_TO: Final = _reversal(
    sides="""
        SELECT account_kind, account_owner, -amount AS change FROM ledger_entries JOIN undone USING (transaction_id)
        WHERE account_kind = 'revenue' AND NOT EXISTS (SELECT FROM already)
        UNION ALL
        SELECT 'wallet', share.account_owner, share.amount
        FROM unnest(CAST(:owners AS text[]), CAST(:amounts AS numeric[])) AS share (account_owner, amount)
        WHERE EXISTS (SELECT FROM undone) AND NOT EXISTS (SELECT FROM already)
    """,
    allowed="""
        SELECT 1 FROM locked
        HAVING count(*) = cardinality(CAST(:owners AS text[])) AND (SELECT sum(change) FROM sides) = 0
    """,
)

# Takes what the wallet has, and notes the rest as owed. How much that is, the locked row says, so nobody can spend in
# between.
CLAWBACK: Final = text(
    f"""
    {PRIOR},
    locked AS MATERIALIZED (
        SELECT account_owner, amount FROM balances
        WHERE account_kind = 'wallet' AND currency = 'SGD' AND NOT EXISTS (SELECT FROM prior)
          AND account_owner IN (CAST(:from_user_id AS text), CAST(:to_user_id AS text))
        ORDER BY account_kind, account_owner
        FOR UPDATE),
    allowed AS MATERIALIZED (
        SELECT least(amount, CAST(:amount AS numeric)) AS taken FROM locked
        WHERE account_owner = CAST(:from_user_id AS text) AND (SELECT count(*) FROM locked) = 2),
    sides AS MATERIALIZED (
        SELECT side.account_kind, side.account_owner, side.change FROM allowed
        CROSS JOIN LATERAL (VALUES ('wallet', CAST(:from_user_id AS text), -taken),
                                   ('receivable', CAST(:from_user_id AS text), taken - CAST(:amount AS numeric)),
                                   ('wallet', CAST(:to_user_id AS text), CAST(:amount AS numeric)))
                           AS side (account_kind, account_owner, change)
        WHERE side.account_kind = 'wallet' OR side.change <> 0),
    {MOVEMENT},
    moved AS (
        UPDATE balances b SET amount = locked.amount + sides.change FROM locked JOIN sides USING (account_owner)
        WHERE sides.account_kind = 'wallet'
          AND b.account_kind = 'wallet' AND b.account_owner = locked.account_owner AND b.currency = 'SGD'
        RETURNING b.account_kind, b.account_owner, b.amount),
    {ENTRIES},
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object(
            'transaction_id', transaction_id, 'balances', {WALLETS},
            'taken', CAST(taken AS text), 'shortfall', CAST(CAST(:amount AS numeric) - taken AS text)))
        FROM movement, allowed
        RETURNING result)
    {SELECT_ANSWER}
    """
)

# A top-up that its provider took back: as far as the wallet has it, and the rest is owed.
TAKE_BACK: Final = text(
    f"""
    {PRIOR},
    undone AS (
        SELECT transaction_id FROM ledger_transactions
        WHERE request_id = CAST(:undoes_request_id AS uuid) AND kind = 'top_up' AND NOT EXISTS (SELECT FROM prior)),
    credit AS (
        SELECT transaction_id, wallet.account_owner AS owner, provider.account_owner AS provider, wallet.amount
        FROM undone
        JOIN ledger_entries wallet USING (transaction_id) JOIN ledger_entries provider USING (transaction_id)
        WHERE wallet.account_kind = 'wallet' AND provider.account_kind = 'external'),
    locked AS MATERIALIZED (
        SELECT b.account_owner, b.amount FROM balances b JOIN credit ON b.account_owner = credit.owner
        WHERE b.account_kind = 'wallet' AND b.currency = 'SGD'
        FOR UPDATE OF b),
    allowed AS MATERIALIZED (
        SELECT transaction_id, owner, provider, credit.amount, least(locked.amount, credit.amount) AS taken
        FROM credit JOIN locked ON locked.account_owner = credit.owner),
    movement AS (
        INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference, reverses_transaction_id)
        SELECT gen_random_uuid(), :request_id, 'top_up_reversal', :reference, transaction_id FROM allowed
        RETURNING transaction_id),
    moved AS (
        UPDATE balances b SET amount = locked.amount - taken FROM allowed
        JOIN locked ON locked.account_owner = owner
        WHERE b.account_kind = 'wallet' AND b.account_owner = owner AND b.currency = 'SGD'
        RETURNING b.account_kind, b.account_owner, b.amount),
    sides AS MATERIALIZED (
        SELECT side.account_kind, side.account_owner, side.change FROM allowed
        CROSS JOIN LATERAL (VALUES ('wallet', owner, -taken), ('receivable', owner, taken - amount),
                                   ('external', provider, amount)) AS side (account_kind, account_owner, change)
        WHERE side.account_kind <> 'receivable' OR side.change <> 0),
    {ENTRIES},
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object(
            'transaction_id', movement.transaction_id, 'balances', {WALLETS},
            'taken', CAST(taken AS text), 'shortfall', CAST(amount - taken AS text)))
        FROM movement, allowed
        RETURNING result)
    {SELECT_ANSWER}
    """
)
