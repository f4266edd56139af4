"""The rows that the rules of payments need; see `invariants.snapshot`."""

from typing import Final

# Credits from a payment provider; negative if taken back, including the amount that is owed since. `owner` is the user whose
# wallet or debt they changed. Credits of other origin, such as the seed data, have no payment.
PAYMENT_CREDITS: Final = """
    SELECT t.kind, t.reference, e.account_owner AS provider, -e.amount AS amount, own.owner
    FROM ledger_entries e
    JOIN ledger_transactions t USING (transaction_id)
    JOIN LATERAL (SELECT min(w.account_owner) AS owner FROM ledger_entries w
                  WHERE w.transaction_id = t.transaction_id AND w.account_kind IN ('wallet', 'receivable')) own ON true
    WHERE e.account_kind = 'external' AND e.account_owner IN ('stripe', 'nowpayments')
"""
# `unsettled` is the part of a closed payment that was received and not credited.
PAYMENTS: Final = """
    SELECT payment_id, user_id, provider, purpose, reference, amount, status, credited_at, closed_at, refunded_amount,
           disputed_amount, taken_back,
           CASE WHEN closed_at IS NOT NULL AND status = 'PARTIALLY_PAID' AND details ->> 'pay_amount' ~ '^[0-9.]*[1-9]' THEN
               trunc(amount / CAST(details ->> 'pay_amount' AS numeric)
                     * (SELECT sum(CAST(coins AS numeric)) FROM jsonb_each_text(deposits) AS each (name, coins)), 2)
           END AS unsettled
    FROM payments
"""
