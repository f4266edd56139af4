"""The ledger's movements, one SQL statement each.

Every statement reads the stored answer first (`prior`), does its work only if the id is new, writes the entries and the
answer, and ends in `SELECT_ANSWER`; see `common.db.idempotency`. The answer is
``{"transaction_id", "escrow_id"?, "balances": {user_id: wallet's balance}}``.

Lock order, so that two movements never deadlock: an escrow's row or a user's, then balances by (kind, owner), then the
counter of a reversed movement, then the rows of the new movement. A duplicate of a movement in flight waits on one of
these and then fails on a unique index; `IdempotencyStore` runs it again and finds the first request's answer.
"""

# ruff: noqa: S608 - the statements are composed of constants; values are bound

from typing import Final

from sqlalchemy import TextClause, text

from common.db.idempotency import SELECT_ANSWER, stored_answer
from users.ledger.fragments import (
    APPLY,
    BOTH_COVERED,
    COLLECT,
    LOCK,
    MOVEMENT,
    PRIOR,
    RESOLVE,
    SELECT_SPENT,
    STORE_MOVEMENT,
    WALLETS,
    barred,
)


def _stored(balances: str, *, rows: str) -> str:
    return stored_answer(f"jsonb_build_object('transaction_id', transaction_id, 'balances', {balances})", rows=rows)


# Hot: it is part of each purchase. Revenue has no balance row, so this locks one row only.
CHARGE: Final = text(
    f"""
    {PRIOR},
    {barred("user_id")},
    debited AS (
        UPDATE balances SET amount = amount - CAST(:amount AS numeric)
        WHERE account_kind = 'wallet' AND account_owner = CAST(:user_id AS text) AND currency = 'SGD'
          AND amount >= CAST(:amount AS numeric)
          AND NOT EXISTS (SELECT FROM prior) AND NOT EXISTS (SELECT FROM barred)
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
    {_stored("jsonb_build_object(CAST(:user_id AS text), CAST(balance AS text))", rows="movement, debited")}
    {SELECT_SPENT}
    """
)


def _from_outside(*, account_kind: str, currency: str, kind: str) -> TextClause:
    """Return the statement that credits credits or points from outside.

    It inserts the balance's row if the user has none; the user's row is locked, so that a user in deletion gets none.
    `collected` pays what the user owes; see `fragments.LOCK`.
    """
    return text(
        f"""
        {PRIOR},
        credited AS (
            INSERT INTO balances (account_kind, account_owner, currency, amount)
            SELECT '{account_kind}', CAST(user_id AS text), '{currency}', CAST(:amount AS numeric) FROM users
            WHERE user_id = CAST(:user_id AS uuid) AND NOT EXISTS (SELECT FROM prior)
            FOR KEY SHARE OF users
            ON CONFLICT (account_kind, account_owner, currency)
                DO UPDATE SET amount = balances.amount + excluded.amount - least(balances.owed, excluded.amount)
            RETURNING account_owner, amount AS balance, least(owed, CAST(:amount AS numeric)) AS collected),
        movement AS (
            INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
            SELECT gen_random_uuid(), :request_id, '{kind}', :reference FROM credited
            RETURNING transaction_id),
        entries AS (
            INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
            SELECT transaction_id, side.kind, side.owner, '{currency}', side.change FROM movement, credited
            CROSS JOIN LATERAL (VALUES ('external', CAST(:provider AS text), -CAST(:amount AS numeric)),
                                       ('{account_kind}', account_owner, CAST(:amount AS numeric) - collected),
                                       ('receivable', account_owner, collected)) AS side (kind, owner, change)
            WHERE side.kind <> 'receivable' OR collected > 0),
        {_stored("jsonb_build_object(account_owner, CAST(balance AS text))", rows="movement, credited")}
        {SELECT_ANSWER}
        """
    )


TOP_UP: Final = _from_outside(account_kind="wallet", currency="SGD", kind="top_up")
POINTS: Final = _from_outside(account_kind="loyalty", currency="POINTS", kind="points")

TRANSFER: Final = text(
    f"""
    {PRIOR},
    {barred("from_user_id")},
    sides AS MATERIALIZED (
        SELECT 'wallet' AS account_kind, account_owner, change
        FROM (VALUES (CAST(:from_user_id AS text), -CAST(:amount AS numeric)),
                     (CAST(:to_user_id AS text), CAST(:amount AS numeric))) AS side (account_owner, change)
        WHERE NOT EXISTS (SELECT FROM prior) AND NOT EXISTS (SELECT FROM barred)),
    {LOCK}, {BOTH_COVERED}, {MOVEMENT}, {APPLY}, {STORE_MOVEMENT}
    {SELECT_SPENT}
    """
)

ESCROW_HOLD: Final = text(
    f"""
    {PRIOR},
    {barred("user_id", reference="proof_reference")},
    sides AS MATERIALIZED (
        SELECT account_kind, CAST(:user_id AS text) AS account_owner, change
        FROM (VALUES ('wallet', -CAST(:amount AS numeric)), ('escrow', CAST(:amount AS numeric)))
             AS side (account_kind, change)
        WHERE NOT EXISTS (SELECT FROM prior) AND NOT EXISTS (SELECT FROM barred)),
    {LOCK}, {BOTH_COVERED}, {MOVEMENT}, {APPLY},
    held AS (
        INSERT INTO escrows (escrow_id, request_id, user_id, amount, status, reference, purpose)
        SELECT gen_random_uuid(), :request_id, CAST(:user_id AS uuid), CAST(:amount AS numeric), 'HELD', :reference,
               CAST(:purpose AS text)
        FROM movement
        RETURNING escrow_id),
    {
        stored_answer(
            f"jsonb_build_object('transaction_id', transaction_id, 'escrow_id', escrow_id, 'balances', {WALLETS})",
            rows="movement, held",
        )
    }
    {SELECT_SPENT}
    """
)

ESCROW_RELEASE: Final = text(
    f"""
    {PRIOR},
    resolved AS (
        UPDATE escrows SET status = 'RELEASED', resolved_at = now()
        WHERE escrow_id = CAST(:escrow_id AS uuid) AND status = 'HELD' AND NOT EXISTS (SELECT FROM prior)
          AND EXISTS (SELECT FROM balances WHERE account_kind = 'wallet' AND currency = 'SGD'
                      AND account_owner = CAST(:to_user_id AS text))
        RETURNING user_id, amount, CAST(:to_user_id AS text) AS recipient),
    {RESOLVE}, {STORE_MOVEMENT}
    {SELECT_ANSWER}
    """
)

ESCROW_VOID: Final = text(
    f"""
    {PRIOR},
    resolved AS (
        UPDATE escrows SET status = 'VOIDED', resolved_at = now()
        WHERE escrow_id = CAST(:escrow_id AS uuid) AND status = 'HELD' AND NOT EXISTS (SELECT FROM prior)
        RETURNING user_id, amount, CAST(user_id AS text) AS recipient),
    {RESOLVE}, {STORE_MOVEMENT}
    {SELECT_ANSWER}
    """
)

# Not conditional on the owner: an account that was suspended meanwhile has ordered what it pays.
ESCROW_COLLECT: Final = text(
    f"""
    {PRIOR},
    resolved AS (
        UPDATE escrows SET status = 'RELEASED', resolved_at = now()
        WHERE escrow_id = CAST(:escrow_id AS uuid) AND status = 'HELD' AND NOT EXISTS (SELECT FROM prior)
          AND coalesce(CAST(:amount AS numeric) <= amount, true)
        RETURNING user_id, amount, CAST(:account AS text) AS recipient,
                  coalesce(CAST(:amount AS numeric), amount) AS part),
    {COLLECT}, {_stored("jsonb_build_object()", rows="movement")}
    {SELECT_ANSWER}
    """
)
