"""What the ledger's statements are put together from."""

# ruff: noqa: S608 - the statements are put together from constants of this module; values are bound

from typing import Final

__all__ = ["APPLY", "BOTH_COVERED", "ENTRIES", "LOCK", "MOVEMENT", "PRIOR", "REMEMBER_MOVEMENT", "RESOLVE", "WALLETS"]

PRIOR: Final = "WITH prior AS (SELECT fingerprint, result FROM requests WHERE request_id = :request_id)"

# What the other movements share. Given `sides` (kind, owner, change), it locks the balances they touch in one order,
# and when `allowed` has a row, applies the changes and writes the entries. The new balances come from the locked rows:
# computed by the update itself they would be checked (>= 0) on the rows of its snapshot first, which may be stale.
LOCK: Final = """
    locked AS MATERIALIZED (
        SELECT b.account_kind, b.account_owner, b.amount + s.change AS balance_after
        FROM balances b JOIN sides s USING (account_kind, account_owner)
        WHERE b.currency = 'SGD'
        ORDER BY b.account_kind, b.account_owner
        FOR UPDATE OF b)
"""
ENTRIES: Final = """
    entries AS (
        INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
        SELECT transaction_id, account_kind, account_owner, 'SGD', change FROM movement, sides)
"""
APPLY: Final = f"""
    moved AS (
        UPDATE balances b SET amount = locked.balance_after FROM locked
        WHERE b.account_kind = locked.account_kind AND b.account_owner = locked.account_owner AND b.currency = 'SGD'
          AND EXISTS (SELECT FROM allowed)
        RETURNING b.account_kind, b.account_owner, b.amount),
    {ENTRIES}
"""
MOVEMENT: Final = """
    movement AS (
        INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
        SELECT gen_random_uuid(), :request_id, :kind, :reference FROM allowed
        RETURNING transaction_id)
"""
WALLETS: Final = """
    (SELECT jsonb_object_agg(account_owner, CAST(amount AS text)) FROM moved WHERE account_kind = 'wallet')
"""

REMEMBER_MOVEMENT: Final = f"""
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object(
            'transaction_id', transaction_id, 'balances', {WALLETS}))
        FROM movement
        RETURNING result)
"""

# Both accounts exist and neither ends below zero. Checked on the locked rows, so nobody can spend in between.
BOTH_COVERED: Final = "allowed AS (SELECT 1 FROM locked HAVING count(*) = 2 AND min(balance_after) >= 0)"

# Once the escrow's row is ours the movement must happen: both balances exist and the escrow's covers it. Were the
# second ever untrue, the check on `balances` fails the whole statement.
RESOLVE: Final = f"""
    sides AS MATERIALIZED (
        SELECT side.account_kind, side.account_owner, side.change FROM resolved
        CROSS JOIN LATERAL (VALUES ('escrow', CAST(user_id AS text), -amount),
                                   ('wallet', recipient, amount)) AS side (account_kind, account_owner, change)),
    {LOCK},
    allowed AS (SELECT 1 FROM locked HAVING count(*) = 2),
    {MOVEMENT}, {APPLY}
"""
