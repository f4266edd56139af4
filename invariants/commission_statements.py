"""The rows that the rules of commissions need; see `invariants.snapshot`."""

from typing import Final

COMMISSIONS: Final = "SELECT order_id, status, price, customer_user_id, article_id, slug FROM commissions"
ESCROWS: Final = "SELECT escrow_id, user_id, amount, status, reference FROM escrows WHERE purpose = 'commission'"
# What the platform collected of escrows. `reference` and `purpose` are the escrow's; the reference names the order.
COLLECTIONS: Final = """
    SELECT coalesce(x.reference, t.reference) AS reference, x.purpose, e.account_owner AS account, e.amount
    FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.transaction_id AND e.account_kind = 'platform'
    LEFT JOIN escrows x ON CAST(x.escrow_id AS text) = t.reference
    WHERE t.kind = 'platform_revenue'
"""
ARTICLES: Final = "SELECT article_id, slug, order_id FROM articles"
