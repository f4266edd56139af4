"""The ledger's movements to performers, one SQL statement each; see `users.ledger.statements`.

Both lock the performer's row first: a deleted account gets no credits, and the payouts of a performer are made one after
the other. What a performer has earned is paid out even after a suspension or the loss of the role, but nothing more is sold.
"""

# ruff: noqa: S608 - the statements are composed of constants; values are bound

from typing import Final

from sqlalchemy import TextClause, text

from common.db.idempotency import SELECT_ANSWER, stored_answer
from users.ledger.fragments import APPLY, LOCK, MOVEMENT, PRIOR, STORE_MOVEMENT

MAY_SELL: Final = "AND suspended_at IS NULL AND roles @> '{performer}'"


def _performer(lock: str, *, condition: str = "") -> str:
    return f"""
    performer AS MATERIALIZED (
        SELECT user_id FROM users
        WHERE user_id = CAST(:performer_user_id AS uuid) AND deleted_at IS NULL AND NOT EXISTS (SELECT FROM prior)
          {condition}
          AND EXISTS (SELECT FROM balances WHERE account_kind = 'wallet' AND currency = 'SGD'
                      AND account_owner = CAST(:performer_user_id AS text))
        {lock})
    """


def _payment(*, credited: str, balances: int, then: str = "") -> TextClause:
    """Return the statement that pays an escrow to a performer and awards the buyer's points, in one movement.

    The buyer's points are locked last. Only what has locked the balance of the buyer's escrow, and awards of points, lock
    them, so nothing that holds them waits for another balance.

    Args:
        credited: the performer's account.
        balances: how many of the two accounts have a balance.
    """
    return text(
        f"""
        {PRIOR},
        {_performer("FOR KEY SHARE", condition=MAY_SELL)},
        resolved AS (
            UPDATE escrows SET status = 'RELEASED', resolved_at = now()
            WHERE escrow_id = CAST(:escrow_id AS uuid) AND status = 'HELD' AND EXISTS (SELECT FROM performer)
            RETURNING CAST(user_id AS text) AS buyer, amount),
        sides AS MATERIALIZED (
            SELECT side.account_kind, side.account_owner, side.change FROM resolved
            CROSS JOIN LATERAL (VALUES ('escrow', buyer, -amount),
                                       ('{credited}', CAST(:performer_user_id AS text), amount))
                               AS side (account_kind, account_owner, change)),
        {LOCK},
        allowed AS (SELECT 1 FROM locked HAVING count(*) = {balances}),
        {MOVEMENT}, {APPLY},
        awarded AS (
            INSERT INTO balances (account_kind, account_owner, currency, amount)
            SELECT 'loyalty', buyer, 'POINTS', CAST(:bonus_points AS numeric) FROM movement, resolved
            WHERE CAST(:bonus_points AS numeric) > 0
            ON CONFLICT (account_kind, account_owner, currency)
                DO UPDATE SET amount = balances.amount + excluded.amount
            RETURNING account_owner),
        point_entries AS (
            INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
            SELECT transaction_id, side.kind, side.owner, 'POINTS', side.change FROM movement, awarded
            CROSS JOIN LATERAL (VALUES ('external', 'loyalty', -CAST(:bonus_points AS numeric)),
                                       ('loyalty', account_owner, CAST(:bonus_points AS numeric)))
                               AS side (kind, owner, change)),
        {then}
        {STORE_MOVEMENT}
        {SELECT_ANSWER}
        """
    )


PAY_TO_WALLET: Final = _payment(credited="wallet", balances=2)
PAY_TO_PENDING: Final = _payment(
    credited="pending_earnings",
    balances=1,
    then="""
        pending AS (
            INSERT INTO pending_earnings (item_id, performer_user_id, amount, transaction_id)
            SELECT CAST(:item_id AS uuid), CAST(:performer_user_id AS uuid), amount, transaction_id
            FROM movement, resolved),
    """,
)

# An update follows a row to its newest version, so it pays what no other payout has paid. A concurrent one may have taken
# the next number: then this one is run again.
PAY_OUT: Final = text(
    f"""
    {PRIOR},
    {_performer("FOR NO KEY UPDATE")},
    paid AS (
        UPDATE pending_earnings SET payout_id = CAST(:payout_id AS uuid)
        WHERE performer_user_id = (SELECT user_id FROM performer) AND payout_id IS NULL
        RETURNING amount),
    total AS MATERIALIZED (SELECT coalesce(sum(amount), 0.00) AS amount, count(*) AS items FROM paid),
    sides AS MATERIALIZED (
        SELECT side.account_kind, CAST(:performer_user_id AS text) AS account_owner, side.change FROM total
        CROSS JOIN LATERAL (VALUES ('pending_earnings', -amount), ('wallet', amount)) AS side (account_kind, change)
        WHERE items > 0),
    {LOCK},
    allowed AS (SELECT 1 FROM locked HAVING count(*) = 1),
    {MOVEMENT}, {APPLY},
    payout AS (
        INSERT INTO payouts (payout_id, performer_user_id, number, amount, items, transaction_id)
        SELECT CAST(:payout_id AS uuid), user_id,
               (SELECT coalesce(max(number), 0) + 1 FROM payouts earlier WHERE earlier.performer_user_id = user_id),
               amount, items, (SELECT transaction_id FROM movement)
        FROM performer, total
        RETURNING payout_id, amount, items),
    {
        stored_answer(
            "jsonb_build_object('payout_id', payout_id, 'amount', CAST(amount AS text), 'items', items)", rows="payout"
        )
    }
    {SELECT_ANSWER}
    """
)
