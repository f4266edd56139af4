"""The SQL of payments. What a report does is one transaction: its statements are run by the repository in this order.

Lock order: the payment's row, then what the ledger locks; see docs/locking.md.
"""

# ruff: noqa: S608 - the statements are put together from constants; values are bound

from typing import Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from common.db.idempotency import SELECT_ANSWER

__all__ = ["ATTACH", "FIND", "LOCK", "NOTE", "OPEN", "payment_json"]

PRIOR: Final = "WITH prior AS (SELECT fingerprint, result FROM requests WHERE request_id = :request_id)"


def payment_json(payment: str) -> str:
    """Return the SQL expression that shapes a row of `payments`. Amounts leave as text, lest they become floats."""
    return (
        f"to_jsonb({payment}) || jsonb_build_object("
        f"'amount', CAST({payment}.amount AS text), 'paid_amount', CAST({payment}.paid_amount AS text))"
    )


def _remembered(changed: str) -> str:
    return f"""
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', {payment_json(changed)}) FROM {changed}
        RETURNING result)
    {SELECT_ANSWER}
    """


FIND: Final = text(f"SELECT {payment_json('payments')} AS found FROM payments WHERE payment_id = :payment_id")

# The user's row is locked, so that nobody who is being dropped gets one.
OPEN: Final = text(
    f"""
    {PRIOR},
    payer AS MATERIALIZED (
        SELECT user_id FROM users WHERE user_id = :user_id AND NOT EXISTS (SELECT FROM prior) FOR KEY SHARE),
    opened AS (
        INSERT INTO payments (payment_id, user_id, provider, purpose, reference, amount, currency, expires_at,
                              details)
        SELECT :payment_id, user_id, :provider, :purpose, :reference, :amount, :currency, :expires_at, :details
        FROM payer
        ON CONFLICT (payment_id) DO NOTHING
        RETURNING *),
    {_remembered("opened")}
    """
).bindparams(bindparam("details", type_=JSONB))

# Once; again under the same name is no change. Nor may the name be another payment's.
ATTACH: Final = text(
    f"""
    {PRIOR},
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
    {_remembered("attached")}
    """
).bindparams(bindparam("details", type_=JSONB))

# By the provider's name for it; else by ours, when the provider's is not known yet.
LOCK: Final = text(
    f"""
    SELECT {payment_json("payments")} AS found FROM payments
    WHERE provider = :provider
      AND (provider_payment_id = :provider_payment_id
           OR payment_id = CAST(:payment_id AS uuid) AND provider_payment_id IS NULL)
    ORDER BY provider_payment_id NULLS LAST LIMIT 1 FOR UPDATE
    """
)

NOTE: Final = text(
    f"""
    UPDATE payments SET
        status = :status,
        status_at = CASE WHEN status = :status THEN status_at
                         ELSE coalesce(CAST(:occurred_at AS timestamptz), clock_timestamp()) END,
        provider_payment_id = :provider_payment_id,
        paid_amount = greatest(paid_amount, CAST(:paid_amount AS numeric)),
        flags = ARRAY(SELECT DISTINCT unnest(flags || CAST(:flags AS text[])) ORDER BY 1),
        credited_at = CASE WHEN CAST(:is_credited AS boolean) THEN clock_timestamp() ELSE credited_at END,
        updated_at = clock_timestamp()
    WHERE payment_id = :payment_id
    RETURNING {payment_json("payments")} AS found
    """
)
