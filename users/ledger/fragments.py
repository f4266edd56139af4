"""SQL fragments shared by the ledger's statements."""

# ruff: noqa: S608 - the statements are composed of constants; values are bound

from typing import Final

from common.db.idempotency import PRIOR as PRIOR_CTE
from common.db.idempotency import SELECT_ANSWER, stored_answer

PRIOR: Final = f"WITH {PRIOR_CTE}"

# Given `sides` (kind, owner, change), LOCK locks the balances they touch in one order; if `allowed` has a row, APPLY
# applies the changes and writes the entries. The new balances come from the locked rows: if the update computed them,
# they would first be checked (>= 0) on the rows of its snapshot, which may be stale.
# A wallet's credit first pays what its owner owes: `collected` goes to the receivable instead. A trigger on the entries
# reduces `owed`.
_COLLECTED: Final = "greatest(least(b.owed, s.change), 0)"
LOCK: Final = f"""
    locked AS MATERIALIZED (
        SELECT b.account_kind, b.account_owner, {_COLLECTED} AS collected,
               b.amount + s.change - {_COLLECTED} AS balance_after
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
APPLY: Final = """
    moved AS (
        UPDATE balances b SET amount = locked.balance_after FROM locked
        WHERE b.account_kind = locked.account_kind AND b.account_owner = locked.account_owner AND b.currency = 'SGD'
          AND EXISTS (SELECT FROM allowed)
        RETURNING b.account_kind, b.account_owner, b.amount),
    entries AS (
        INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
        SELECT transaction_id, account_kind, account_owner, 'SGD', amount FROM movement CROSS JOIN (
            SELECT account_kind, account_owner, change - coalesce(collected, 0) AS amount
            FROM sides LEFT JOIN locked USING (account_kind, account_owner)
            UNION ALL
            SELECT 'receivable', account_owner, collected FROM locked WHERE collected > 0) AS side)
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

STORE_MOVEMENT: Final = stored_answer(
    f"jsonb_build_object('transaction_id', transaction_id, 'balances', {WALLETS})", rows="movement"
)

# Both accounts exist and neither ends below zero. Checked on the locked rows, so no concurrent movement can spend.
BOTH_COVERED: Final = "allowed AS (SELECT 1 FROM locked HAVING count(*) = 2 AND min(balance_after) >= 0)"


# Once the escrow's row is locked, the movement must happen: both balances exist and the escrow's covers it. If it ever
# did not, the check on `balances` would fail the whole statement.
def _resolve(credited: str, *, balances: str) -> str:
    """Return the CTEs that credit accounts with an escrow that `resolved` has.

    Args:
        credited: the rows (account_kind, account_owner, change) of these accounts. A change of NULL is left out.
        balances: how many accounts have a balance, the escrow's included.
    """
    return f"""
    sides AS MATERIALIZED (
        SELECT side.account_kind, side.account_owner, side.change FROM resolved
        CROSS JOIN LATERAL (VALUES ('escrow', CAST(user_id AS text), -amount),
                                   {credited}) AS side (account_kind, account_owner, change)
        WHERE side.change IS NOT NULL),
    {LOCK},
    allowed AS (SELECT 1 FROM locked HAVING count(*) = {balances}),
    {MOVEMENT}, {APPLY}
    """


RESOLVE: Final = _resolve("('wallet', recipient, amount)", balances="2")
# `part` is the platform's. The rest returns to the owner's wallet, which is neither credited nor locked if there is none.
COLLECT: Final = _resolve(
    "('platform', recipient, part), ('wallet', CAST(user_id AS text), nullif(amount - part, 0))",
    balances="(SELECT CASE WHEN part < amount THEN 2 ELSE 1 END FROM resolved)",
)

# The answer of a movement that spends, and why its user may not spend, if so: see `barred`.
SELECT_SPENT: Final = f"{SELECT_ANSWER}, (SELECT is_suspended FROM barred) AS is_suspended"


def barred(spender: str, *, reference: str = "reference") -> str:
    """Return the CTE `barred`, which has a row if the user may not spend.

    `is_suspended` tells whether the account is suspended; otherwise it is flagged and no code was verified (T6).

    Every movement that spends has it: it makes `sides` conditional on it, or what else starts the movement. The approval
    of a sale, context `resale`, is the seller's and proves nothing.

    Args:
        spender: the parameter that names the user.
        reference: the parameter that names what the code was verified for.
    """
    return f"""
    barred AS MATERIALIZED (
        SELECT suspended_at IS NOT NULL AS is_suspended FROM users
        WHERE user_id = CAST(:{spender} AS uuid) AND NOT EXISTS (SELECT FROM prior)
          AND (suspended_at IS NOT NULL OR is_flagged AND NOT EXISTS (
              SELECT FROM otp_challenges proof
              WHERE proof.user_id = users.user_id AND proof.context IN ('purchase', 'transfer')
                AND proof.reference = CAST(:{reference} AS text) AND proof.verified_at IS NOT NULL)))
    """
