"""The ledger's movements, one SQL statement each.

Every statement reads the memory of requests first (`prior`), does its work only when the id is new, writes the entries
and the answer, and ends in `SELECT_ANSWER`; see `common.db.requests`. The answer is
``{"transaction_id", "escrow_id"?, "balances": {user_id: wallet's balance}}``.

Lock order, so that no two movements can wait for each other: an escrow's row or a user's, then balances by (kind,
owner), then the rows of the new movement. A duplicate of a movement in flight waits on one of these and then fails on a unique index;
`RequestMemory` looks again and finds the first one's answer.
"""

# ruff: noqa: S608 - the statements are put together from constants of this module; values are bound

from typing import Final

from sqlalchemy import text

from common.db.requests import SELECT_ANSWER

__all__ = ["DEDUCT", "ESCROW_HOLD", "ESCROW_RELEASE", "ESCROW_UNDO", "ESCROW_VOID", "REVERSE", "TOP_UP", "TRANSFER"]

_PRIOR: Final = "WITH prior AS (SELECT fingerprint, result FROM requests WHERE request_id = :request_id)"

# The hot one, at each purchase. Revenue has no balance row, so one row is all it locks.
DEDUCT: Final = text(
    f"""
    {_PRIOR},
    debited AS (
        UPDATE balances SET amount = amount - CAST(:amount AS numeric)
        WHERE account_kind = 'wallet' AND account_owner = CAST(:user_id AS text) AND currency = 'SGD'
          AND amount >= CAST(:amount AS numeric) AND NOT EXISTS (SELECT FROM prior)
        RETURNING amount AS balance),
    movement AS (
        INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
        SELECT gen_random_uuid(), :request_id, 'deduct', :reference FROM debited
        RETURNING transaction_id),
    entries AS (
        INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
        SELECT transaction_id, side.kind, side.owner, 'SGD', side.change FROM movement
        CROSS JOIN (VALUES ('wallet', CAST(:user_id AS text), -CAST(:amount AS numeric)),
                           ('revenue', CAST(:event_id AS text), CAST(:amount AS numeric))) AS side (kind, owner, change)),
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object(
            'transaction_id', transaction_id,
            'balances', jsonb_build_object(CAST(:user_id AS text), CAST(balance AS text))))
        FROM movement, debited
        RETURNING result)
    {SELECT_ANSWER}
    """
)

# Credits that come from outside. Makes the wallet's row when a user has none; the user's row is locked, so that nobody
# who is being dropped gets one.
TOP_UP: Final = text(
    f"""
    {_PRIOR},
    credited AS (
        INSERT INTO balances (account_kind, account_owner, currency, amount)
        SELECT 'wallet', CAST(user_id AS text), 'SGD', CAST(:amount AS numeric) FROM users
        WHERE user_id = CAST(:user_id AS uuid) AND NOT EXISTS (SELECT FROM prior)
        FOR KEY SHARE OF users
        ON CONFLICT (account_kind, account_owner, currency) DO UPDATE SET amount = balances.amount + excluded.amount
        RETURNING account_owner, amount AS balance),
    movement AS (
        INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
        SELECT gen_random_uuid(), :request_id, 'top_up', :reference FROM credited
        RETURNING transaction_id),
    entries AS (
        INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
        SELECT transaction_id, side.kind, side.owner, 'SGD', side.change FROM movement, credited
        CROSS JOIN LATERAL (VALUES ('external', CAST(:provider AS text), -CAST(:amount AS numeric)),
                                   ('wallet', account_owner, CAST(:amount AS numeric))) AS side (kind, owner, change)),
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object(
            'transaction_id', transaction_id,
            'balances', jsonb_build_object(account_owner, CAST(balance AS text))))
        FROM movement, credited
        RETURNING result)
    {SELECT_ANSWER}
    """
)

# What the other movements share. Given `sides` (kind, owner, change), it locks the balances they touch in one order,
# and when `allowed` has a row, applies the changes and writes the entries. The new balances come from the locked rows:
# computed by the update itself they would be checked (>= 0) on the rows of its snapshot first, which may be stale.
_LOCK: Final = """
    locked AS MATERIALIZED (
        SELECT b.account_kind, b.account_owner, b.amount + s.change AS balance_after
        FROM balances b JOIN sides s USING (account_kind, account_owner)
        WHERE b.currency = 'SGD'
        ORDER BY b.account_kind, b.account_owner
        FOR UPDATE OF b)
"""
_APPLY: Final = """
    moved AS (
        UPDATE balances b SET amount = locked.balance_after FROM locked
        WHERE b.account_kind = locked.account_kind AND b.account_owner = locked.account_owner AND b.currency = 'SGD'
          AND EXISTS (SELECT FROM allowed)
        RETURNING b.account_kind, b.account_owner, b.amount),
    entries AS (
        INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
        SELECT transaction_id, account_kind, account_owner, 'SGD', change FROM movement, sides)
"""
_MOVEMENT: Final = """
    movement AS (
        INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
        SELECT gen_random_uuid(), :request_id, :kind, :reference FROM allowed
        RETURNING transaction_id)
"""
_WALLETS: Final = """
    (SELECT jsonb_object_agg(account_owner, CAST(amount AS text)) FROM moved WHERE account_kind = 'wallet')
"""

_REMEMBER_MOVEMENT: Final = f"""
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object(
            'transaction_id', transaction_id, 'balances', {_WALLETS}))
        FROM movement
        RETURNING result)
"""

# Both accounts exist and neither ends below zero. Checked on the locked rows, so nobody can spend in between.
_BOTH_COVERED: Final = "allowed AS (SELECT 1 FROM locked HAVING count(*) = 2 AND min(balance_after) >= 0)"

TRANSFER: Final = text(
    f"""
    {_PRIOR},
    sides AS MATERIALIZED (
        SELECT 'wallet' AS account_kind, account_owner, change
        FROM (VALUES (CAST(:from_user_id AS text), -CAST(:amount AS numeric)),
                     (CAST(:to_user_id AS text), CAST(:amount AS numeric))) AS side (account_owner, change)
        WHERE NOT EXISTS (SELECT FROM prior)),
    {_LOCK}, {_BOTH_COVERED}, {_MOVEMENT}, {_APPLY}, {_REMEMBER_MOVEMENT}
    {SELECT_ANSWER}
    """
)

ESCROW_HOLD: Final = text(
    f"""
    {_PRIOR},
    sides AS MATERIALIZED (
        SELECT account_kind, CAST(:user_id AS text) AS account_owner, change
        FROM (VALUES ('wallet', -CAST(:amount AS numeric)), ('escrow', CAST(:amount AS numeric)))
             AS side (account_kind, change)
        WHERE NOT EXISTS (SELECT FROM prior)),
    {_LOCK}, {_BOTH_COVERED}, {_MOVEMENT}, {_APPLY},
    held AS (
        INSERT INTO escrows (escrow_id, request_id, user_id, amount, status, reference)
        SELECT gen_random_uuid(), :request_id, CAST(:user_id AS uuid), CAST(:amount AS numeric), 'HELD', :reference
        FROM movement
        RETURNING escrow_id),
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object(
            'transaction_id', transaction_id, 'escrow_id', escrow_id, 'balances', {_WALLETS}))
        FROM movement, held
        RETURNING result)
    {SELECT_ANSWER}
    """
)

# Once the escrow's row is ours the movement must happen: both balances exist and the escrow's covers it. Were the
# second ever untrue, the check on `balances` fails the whole statement.
_RESOLVE: Final = f"""
    sides AS MATERIALIZED (
        SELECT side.account_kind, side.account_owner, side.change FROM resolved
        CROSS JOIN LATERAL (VALUES ('escrow', CAST(user_id AS text), -amount),
                                   ('wallet', recipient, amount)) AS side (account_kind, account_owner, change)),
    {_LOCK},
    allowed AS (SELECT 1 FROM locked HAVING count(*) = 2),
    {_MOVEMENT}, {_APPLY}
"""

ESCROW_RELEASE: Final = text(
    f"""
    {_PRIOR},
    resolved AS (
        UPDATE escrows SET status = 'RELEASED', resolved_at = now()
        WHERE escrow_id = CAST(:escrow_id AS uuid) AND status = 'HELD' AND NOT EXISTS (SELECT FROM prior)
          AND EXISTS (SELECT FROM balances WHERE account_kind = 'wallet' AND currency = 'SGD'
                      AND account_owner = CAST(:to_user_id AS text))
        RETURNING user_id, amount, CAST(:to_user_id AS text) AS recipient),
    {_RESOLVE}, {_REMEMBER_MOVEMENT}
    {SELECT_ANSWER}
    """
)

ESCROW_VOID: Final = text(
    f"""
    {_PRIOR},
    resolved AS (
        UPDATE escrows SET status = 'VOIDED', resolved_at = now()
        WHERE escrow_id = CAST(:escrow_id AS uuid) AND status = 'HELD' AND NOT EXISTS (SELECT FROM prior)
        RETURNING user_id, amount, CAST(user_id AS text) AS recipient),
    {_RESOLVE}, {_REMEMBER_MOVEMENT}
    {SELECT_ANSWER}
    """
)

# The undos. Their transaction has left a tombstone before (`RequestMemory.attempt`), so the action is decided: what it
# did is visible, or it can no longer happen.

# An escrow that somebody else resolves right now is HELD in our snapshot and yet not ours: no answer; ask again.
ESCROW_UNDO: Final = text(
    f"""
    {_PRIOR},
    resolved AS (
        UPDATE escrows SET status = 'VOIDED', resolved_at = now()
        WHERE request_id = CAST(:undoes_request_id AS uuid) AND status = 'HELD' AND NOT EXISTS (SELECT FROM prior)
        RETURNING user_id, amount, CAST(user_id AS text) AS recipient),
    {_RESOLVE},
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object(
            'transaction_id', (SELECT transaction_id FROM movement), 'balances', coalesce({_WALLETS}, '{{}}')))
        WHERE NOT EXISTS (SELECT FROM prior) AND (EXISTS (SELECT FROM movement)
           OR EXISTS (SELECT FROM escrows WHERE request_id = CAST(:undoes_request_id AS uuid) AND status = 'VOIDED')
           OR NOT EXISTS (SELECT FROM ledger_transactions WHERE request_id = CAST(:undoes_request_id AS uuid)))
        RETURNING result)
    {SELECT_ANSWER}
    """
)

# Writes the mirror image of the movement made under `undoes_request_id`, once, whoever asks.
REVERSE: Final = text(
    f"""
    {_PRIOR},
    undone AS (
        SELECT transaction_id FROM ledger_transactions
        WHERE request_id = CAST(:undoes_request_id AS uuid) AND kind = :undone_kind AND NOT EXISTS (SELECT FROM prior)),
    already AS (
        SELECT reversal.transaction_id FROM ledger_transactions reversal
        JOIN undone ON reversal.reverses_transaction_id = undone.transaction_id),
    sides AS MATERIALIZED (
        SELECT account_kind, account_owner, -amount AS change FROM ledger_entries JOIN undone USING (transaction_id)
        WHERE NOT EXISTS (SELECT FROM already)),
    {_LOCK},
    allowed AS (SELECT 1 FROM locked HAVING count(*) > 0 AND min(balance_after) >= 0),
    movement AS (
        INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference, reverses_transaction_id)
        SELECT gen_random_uuid(), :request_id, :kind, :reference, transaction_id FROM allowed, undone
        RETURNING transaction_id),
    {_APPLY},
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object(
            'transaction_id', coalesce((SELECT transaction_id FROM movement), (SELECT transaction_id FROM already)),
            'balances', coalesce({_WALLETS}, '{{}}')))
        WHERE NOT EXISTS (SELECT FROM prior) AND (EXISTS (SELECT FROM movement) OR EXISTS (SELECT FROM already)
           OR NOT EXISTS (SELECT FROM ledger_transactions WHERE request_id = CAST(:undoes_request_id AS uuid)))
        RETURNING result)
    {SELECT_ANSWER}
    """
)
