"""The rows that the rules need, read once from all databases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

__all__ = ["QUERIES", "Query", "Row", "Rows", "Snapshot", "grouped"]

Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Sequence[Row]


class Query(NamedTuple):
    """A statement, and the package whose database it reads."""

    package: str
    statement: str


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The rows of each of `QUERIES`; empty if the query did not run."""

    unfinished_sagas: Rows = ()
    users_unsent: Rows = ()
    inventory_unsent: Rows = ()
    orchestrator_unsent: Rows = ()
    unbalanced: Rows = ()
    negative: Rows = ()
    drifted: Rows = ()
    overpaid: Rows = ()
    escrow_balances: Rows = ()
    charges: Rows = ()
    escrows: Rows = ()
    clawbacks: Rows = ()
    payments: Rows = ()
    payment_credits: Rows = ()
    miscounted: Rows = ()
    capacities: Rows = ()
    seats: Rows = ()
    admissions: Rows = ()
    events: Rows = ()
    orders: Rows = ()
    order_seats: Rows = ()
    transfers: Rows = ()
    listings: Rows = ()
    sagas: Rows = ()

    def sagas_of(self, kind: str) -> dict[Any, str]:
        """Return the states of all sagas of a kind by their ids."""
        return {saga["saga_id"]: saga["state"] for saga in self.sagas if saga["kind"] == kind}


def grouped(rows: Iterable[Row], *columns: str) -> dict[Any, list[Row]]:
    """Return the rows by the value of a column, or by the values of several columns."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        key = row[columns[0]] if len(columns) == 1 else tuple(row[column] for column in columns)
        groups.setdefault(key, []).append(row)
    return groups


UNSENT: Final = "SELECT message_id, routing_key FROM outbox WHERE sent_at IS NULL"

# A charge moves credits from a wallet to an event's revenue. `taken_back` is the amount of its reversal, NULL if there is
# none.
CHARGES: Final = """
    SELECT t.transaction_id, t.reference, e.amount, w.account_owner AS wallet, -back.amount AS taken_back
    FROM ledger_transactions t
    JOIN ledger_entries e ON e.transaction_id = t.transaction_id AND e.account_kind = 'revenue'
    JOIN ledger_entries w ON w.transaction_id = t.transaction_id AND w.account_kind = 'wallet'
    LEFT JOIN ledger_transactions r ON r.reverses_transaction_id = t.transaction_id
    LEFT JOIN ledger_entries back ON back.transaction_id = r.transaction_id AND back.account_kind = 'revenue'
    WHERE t.reverses_transaction_id IS NULL
"""
DRIFTED: Final = """
    SELECT b.account_kind, b.account_owner, b.amount, coalesce(sum(e.amount), 0) AS entries
    FROM balances b LEFT JOIN ledger_entries e USING (account_kind, account_owner, currency)
    GROUP BY b.account_kind, b.account_owner, b.currency, b.amount
    HAVING b.amount <> coalesce(sum(e.amount), 0)
"""
ESCROW_BALANCES: Final = """
    SELECT b.account_owner, b.amount, coalesce(sum(x.amount), 0) AS held
    FROM balances b LEFT JOIN escrows x ON CAST(x.user_id AS text) = b.account_owner AND x.status = 'HELD'
    WHERE b.account_kind = 'escrow' GROUP BY b.account_owner, b.amount
    HAVING b.amount <> coalesce(sum(x.amount), 0)
"""
# `recipient` owns the wallet that a released escrow was paid into.
ESCROWS: Final = """
    SELECT x.escrow_id, x.user_id, x.amount, x.status, x.reference, w.account_owner AS recipient
    FROM escrows x
    LEFT JOIN ledger_transactions t ON t.reference = CAST(x.escrow_id AS text) AND t.kind = 'escrow_release'
    LEFT JOIN ledger_entries w ON w.transaction_id = t.transaction_id AND w.account_kind = 'wallet'
"""
# The credits that a reversed transfer returned to its buyer, even if the seller had spent them.
CLAWBACKS: Final = """
    SELECT t.transaction_id, t.reference, t.kind, w.account_owner AS wallet, w.amount
    FROM ledger_transactions t
    JOIN ledger_entries w ON w.transaction_id = t.transaction_id AND w.account_kind = 'wallet' AND w.amount >= 0
    WHERE t.kind = 'transfer_reversal' AND t.reverses_transaction_id IS NULL
"""
# Credits from a payment provider into a wallet; negative if reversed, including the amount that is owed since. Credits of
# other origin, such as the seed data, have no payment.
PAYMENT_CREDITS: Final = """
    SELECT t.kind, t.reference, e.account_owner AS provider, -e.amount AS amount, w.account_owner AS wallet
    FROM ledger_entries e
    JOIN ledger_transactions t USING (transaction_id)
    JOIN ledger_entries w ON w.transaction_id = t.transaction_id AND w.account_kind = 'wallet'
    WHERE e.account_kind = 'external' AND e.account_owner IN ('stripe', 'nowpayments')
"""
MISCOUNTED: Final = """
    WITH changed AS (
        SELECT event_id, category, sum(available) AS available, sum(held) AS held, sum(sold) AS sold,
            sum(blocked) AS blocked
        FROM seat_count_changes GROUP BY event_id, category),
    counted AS (
        SELECT event_id, category, count(*) AS total,
            count(*) FILTER (WHERE status = 'AVAILABLE') AS available,
            count(*) FILTER (WHERE status = 'HELD') AS held,
            count(*) FILTER (WHERE status IN ('SOLD', 'LISTED', 'CHECKED_IN')) AS sold,
            count(*) FILTER (WHERE status = 'BLOCKED') AS blocked
        FROM seats GROUP BY event_id, category)
    SELECT event_id, category FROM seat_counts AS c
        LEFT JOIN changed AS d USING (event_id, category) FULL JOIN counted AS s USING (event_id, category)
    WHERE (c.total, c.available + coalesce(d.available, 0), c.held + coalesce(d.held, 0),
           c.sold + coalesce(d.sold, 0), c.blocked + coalesce(d.blocked, 0))
        IS DISTINCT FROM (s.total, s.available, s.held, s.sold, s.blocked)
"""
# Only held and owned seats: most seats of a large hall are available.
SEATS: Final = """
    SELECT seat_id, event_id, status, hold_id, held_by_user_id, owner_user_id, price_paid, purchased_at,
        status = 'HELD' AND held_until > now() AS is_live
    FROM seats WHERE hold_id IS NOT NULL
"""
UNFINISHED_SAGAS: Final = """
    SELECT saga_id, kind, state, step_name AS step FROM sagas
    WHERE state IN ('RUNNING', 'UNWINDING', 'STUCK') OR state = 'WAITING' AND due_at < now()
"""
SAGAS: Final = """
    SELECT saga_id, kind, state, CASE kind WHEN 'cancel event' THEN CAST(data ->> 'event_id' AS uuid) END AS event_id
    FROM sagas WHERE kind IN ('purchase', 'transfer', 'resale', 'cancel event')
"""
TRANSFERS: Final = """
    SELECT transfer_id, seat_id, order_id, event_id, seller_user_id, buyer_user_id, credits_amount, status, completed_at
    FROM transfers
"""
LISTINGS: Final = """
    SELECT listing_id, seat_id, order_id, event_id, seller_user_id, buyer_user_id, sale_id, asking_price, status,
        completed_at
    FROM listings
"""

QUERIES: Final[Mapping[str, Query]] = {
    "unfinished_sagas": Query("orchestrator", UNFINISHED_SAGAS),
    "users_unsent": Query("users", UNSENT),
    "inventory_unsent": Query("inventory", UNSENT),
    "orchestrator_unsent": Query("orchestrator", UNSENT),
    "unbalanced": Query(
        "users",
        """SELECT transaction_id, currency, sum(amount) AS surplus FROM ledger_entries
           GROUP BY transaction_id, currency HAVING sum(amount) <> 0""",
    ),
    "negative": Query("users", "SELECT account_kind, account_owner FROM balances WHERE amount < 0"),
    "drifted": Query("users", DRIFTED),
    "overpaid": Query(
        "users",
        """SELECT account_owner, sum(amount) AS amount FROM ledger_entries WHERE account_kind = 'receivable'
           GROUP BY account_owner, currency HAVING sum(amount) > 0""",
    ),
    "escrow_balances": Query("users", ESCROW_BALANCES),
    "charges": Query("users", CHARGES),
    "escrows": Query("users", ESCROWS),
    "clawbacks": Query("users", CLAWBACKS),
    "payments": Query("users", "SELECT payment_id, user_id, provider, amount, status, credited_at FROM payments"),
    "payment_credits": Query("users", PAYMENT_CREDITS),
    "miscounted": Query("inventory", MISCOUNTED),
    "capacities": Query("inventory", "SELECT event_id, count(*) AS seats FROM seats GROUP BY event_id"),
    "seats": Query("inventory", SEATS),
    "admissions": Query("inventory", "SELECT seat_id, logged_at FROM entry_logs WHERE result = 'SUCCESS'"),
    "events": Query("events", "SELECT event_id, status, total_seats FROM events"),
    "orders": Query("orders", "SELECT order_id, user_id, event_id, status, total FROM orders"),
    "order_seats": Query("orders", "SELECT order_id, seat_id, price FROM order_seats"),
    "transfers": Query("orders", TRANSFERS),
    "listings": Query("orders", LISTINGS),
    "sagas": Query("orchestrator", SAGAS),
}
