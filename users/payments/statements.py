"""The SQL of payments. A report is one transaction; the repository runs its statements in this order.

Lock order: the payment's row, then what the ledger locks; see docs/locking.md.
"""

# ruff: noqa: S608 - the statements are composed of constants; values are bound

from typing import Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from common.db.idempotency import PRIOR, SELECT_ANSWER, stored_answer

AMOUNTS: Final = ("amount", "paid_amount", "refunded_amount", "disputed_amount", "taken_back", "original_amount")


def payment_json(payment: str) -> str:
    """Return the SQL expression that shapes a row of `payments`. Amounts are text, so that they do not become floats."""
    amounts = ", ".join(f"'{name}', CAST({payment}.{name} AS text)" for name in AMOUNTS)
    return f"to_jsonb({payment}) || jsonb_build_object({amounts})"


FIND: Final = text(f"SELECT {payment_json('payments')} AS found FROM payments WHERE payment_id = :payment_id")

# The user's row is locked, so that a user in deletion gets no payment.
OPEN: Final = text(
    f"""
    WITH {PRIOR},
    payer AS MATERIALIZED (
        SELECT user_id FROM users
        WHERE user_id = :user_id AND deleted_at IS NULL AND NOT EXISTS (SELECT FROM prior) FOR KEY SHARE),
    opened AS (
        INSERT INTO payments (payment_id, user_id, provider, purpose, reference, amount, currency, expires_at,
                              details)
        SELECT :payment_id, user_id, :provider, :purpose, :reference, :amount, :currency, :expires_at, :details
        FROM payer
        ON CONFLICT (payment_id) DO NOTHING
        RETURNING *),
    {stored_answer(payment_json("opened"), rows="opened")}
    {SELECT_ANSWER}
    """
).bindparams(bindparam("details", type_=JSONB))

# Stores the provider's id once; repeating the same id changes nothing. The id must not be another payment's.
ATTACH: Final = text(
    f"""
    WITH {PRIOR},
    attached AS (
        UPDATE payments SET provider_payment_id = :provider_payment_id, details = details || :details,
                            expires_at = coalesce(CAST(:expires_at AS timestamptz), expires_at),
                            updated_at = clock_timestamp()
        WHERE payment_id = :payment_id AND NOT EXISTS (SELECT FROM prior)
          AND (provider_payment_id IS NULL OR provider_payment_id = :provider_payment_id)
          AND NOT EXISTS (SELECT FROM payments other
                          WHERE other.provider = payments.provider AND other.payment_id <> payments.payment_id
                            AND other.provider_payment_id = :provider_payment_id)
        RETURNING *),
    {stored_answer(payment_json("attached"), rows="attached")}
    {SELECT_ANSWER}
    """
).bindparams(bindparam("details", type_=JSONB))

# Finds the payment by the provider's id, or by its own id if it has no provider's id yet. At NOWPayments one payment of
# ours may consist of several of theirs: a later one names the first as its parent, or us by our id.
LOCK: Final = text(
    f"""
    SELECT {payment_json("payments")} AS found FROM payments
    WHERE provider = :provider
      AND (provider_payment_id IN (:provider_payment_id, CAST(:parent_payment_id AS text))
           OR payment_id = CAST(:payment_id AS uuid) AND (provider_payment_id IS NULL OR provider = 'nowpayments'))
    ORDER BY provider_payment_id = :provider_payment_id DESC NULLS LAST,
             provider_payment_id = CAST(:parent_payment_id AS text) DESC NULLS LAST
    LIMIT 1 FOR UPDATE
    """
)

# Locks the payment, as LOCK does.
CLOSE: Final = text(
    f"""
    UPDATE payments SET closed_at = coalesce(closed_at, clock_timestamp()) WHERE payment_id = :payment_id
    RETURNING {payment_json("payments")} AS found
    """
)

NOTE: Final = text(
    f"""
    UPDATE payments SET
        amount = coalesce(CAST(:settled_amount AS numeric), amount),
        original_amount = CASE WHEN CAST(:settled_amount AS numeric) IS NULL THEN original_amount ELSE amount END,
        status = :status,
        status_at = CASE WHEN status = :status THEN status_at
                         ELSE coalesce(CAST(:occurred_at AS timestamptz), clock_timestamp()) END,
        provider_payment_id = :provider_payment_id,
        paid_amount = greatest(paid_amount, CAST(:paid_amount AS numeric)),
        deposits = :deposits,
        reversals = :reversals,
        refunded_amount = :refunded_amount,
        disputed_amount = :disputed_amount,
        dispute_status = :dispute_status,
        taken_back = :taken_back,
        reversal_count = :reversal_count,
        flags = ARRAY(SELECT DISTINCT unnest(flags || CAST(:flags AS text[])) ORDER BY 1),
        credited_at = CASE WHEN CAST(:is_credited AS boolean) THEN clock_timestamp() ELSE credited_at END,
        updated_at = clock_timestamp()
    WHERE payment_id = :payment_id
    RETURNING {payment_json("payments")} AS found
    """
).bindparams(bindparam("deposits", type_=JSONB), bindparam("reversals", type_=JSONB))
