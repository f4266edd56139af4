"""The rows that the rules need, read once from all databases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from invariants import commission_statements, digital_goods_statements, payment_statements

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
    orders_unsent: Rows = ()
    inventory_unsent: Rows = ()
    orchestrator_unsent: Rows = ()
    unrecorded_earnings: Rows = ()
    unbalanced: Rows = ()
    negative: Rows = ()
    drifted: Rows = ()
    overpaid: Rows = ()
    owed: Rows = ()
    unexplained: Rows = ()
    undeleted: Rows = ()
    escrow_balances: Rows = ()
    charges: Rows = ()
    escrows: Rows = ()
    clawbacks: Rows = ()
    payments: Rows = ()
    payment_credits: Rows = ()
    miscounted: Rows = ()
    capacities: Rows = ()
    repeated_labels: Rows = ()
    overlapping_events: Rows = ()
    seats: Rows = ()
    admissions: Rows = ()
    events: Rows = ()
    orders: Rows = ()
    order_seats: Rows = ()
    transfers: Rows = ()
    listings: Rows = ()
    sagas: Rows = ()
    premiums: Rows = ()
    refunds: Rows = ()
    purchased_items: Rows = ()
    miscounted_queues: Rows = ()
    item_escrows: Rows = ()
    performer_payments: Rows = ()
    pending_earnings: Rows = ()
    pending_accounts: Rows = ()
    payouts: Rows = ()
    miscounted_earnings: Rows = ()
    commissions: Rows = ()
    commission_escrows: Rows = ()
    collections: Rows = ()
    articles: Rows = ()
    digital_orders: Rows = ()
    goods_escrows: Rows = ()
    unfit_codes: Rows = ()
    unfit_items: Rows = ()

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

# A charge moves credits from a wallet to an event's revenue. `taken_back` is the sum of its refunds, NULL if there is none;
# `is_reversed`: it was refunded as a whole; `counted`: how much the ledger counts as refunded.
CHARGES: Final = """
    WITH refunds AS (
        SELECT coalesce(r.reverses_transaction_id, r.refunds_transaction_id) AS transaction_id,
            -sum(e.amount) AS taken_back, bool_or(r.reverses_transaction_id IS NOT NULL) AS is_reversed
        FROM ledger_transactions r JOIN ledger_entries e USING (transaction_id)
        WHERE r.kind = 'refund' AND e.account_kind = 'revenue' GROUP BY 1)
    SELECT t.transaction_id, t.reference, e.amount, w.account_owner AS wallet, refunds.taken_back,
        coalesce(refunds.is_reversed, false) AS is_reversed, counted.amount AS counted
    FROM ledger_transactions t
    JOIN ledger_entries e ON e.transaction_id = t.transaction_id AND e.account_kind = 'revenue'
    JOIN ledger_entries w ON w.transaction_id = t.transaction_id AND w.account_kind = 'wallet'
    LEFT JOIN refunds ON refunds.transaction_id = t.transaction_id
    LEFT JOIN reversed_amounts counted ON counted.transaction_id = t.transaction_id
    WHERE t.kind = 'deduct'
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
# Escrows of sales between fans. `recipient` owns the wallet that a released one was paid into.
ESCROWS: Final = """
    SELECT x.escrow_id, x.user_id, x.amount, x.status, x.reference, w.account_owner AS recipient
    FROM escrows x
    LEFT JOIN ledger_transactions t ON t.reference = CAST(x.escrow_id AS text) AND t.kind = 'escrow_release'
    LEFT JOIN ledger_entries w ON w.transaction_id = t.transaction_id AND w.account_kind = 'wallet'
    WHERE x.purpose IS NULL
"""
# The credits that a reversed transfer returned to its buyer, even if the seller had spent them, with what was collected.
CLAWBACKS: Final = """
    SELECT t.transaction_id, t.reference, w.account_owner AS wallet, w.amount + coalesce(debt.amount, 0) AS amount
    FROM ledger_transactions t
    JOIN ledger_entries w ON w.transaction_id = t.transaction_id AND w.account_kind = 'wallet' AND w.amount >= 0
    LEFT JOIN ledger_entries debt ON debt.transaction_id = t.transaction_id AND debt.account_kind = 'receivable'
        AND debt.account_owner = w.account_owner
    WHERE t.kind = 'transfer_reversal' AND t.reverses_transaction_id IS NULL
"""
# Credits that a refund takes back from the sellers of a ticket, by its saga's id; also those of reversed transfers.
PREMIUMS: Final = """
    SELECT t.reference, sum(e.amount) FILTER (WHERE e.amount > 0) AS amount
    FROM ledger_transactions t JOIN ledger_entries e USING (transaction_id)
    WHERE t.kind = 'transfer_reversal' AND t.reverses_transaction_id IS NULL
    GROUP BY t.transaction_id
"""
# The premiums of a refund by a fan's own wish are not returned.
REFUNDS: Final = """
    SELECT saga_id, CAST(data ->> 'order_id' AS uuid) AS order_id, data ->> 'premiums' AS premiums,
        CASE WHEN CAST(data ->> 'is_forced' AS boolean) THEN data ->> 'seats' END AS seats
    FROM sagas WHERE kind = 'refund seats' AND state = 'COMPLETED'
"""
# What a wallet says that its owner owes, and the sum of what was noted as owed and paid.
OWED: Final = """
    SELECT b.account_owner, b.owed, coalesce(-sum(e.amount), 0) AS entries
    FROM balances b LEFT JOIN ledger_entries e
        ON e.account_kind = 'receivable' AND e.account_owner = b.account_owner AND e.currency = b.currency
    WHERE b.account_kind = 'wallet' GROUP BY b.account_owner, b.currency, b.owed
    HAVING b.owed <> coalesce(-sum(e.amount), 0)
"""
# Corrections by hand without an admin and a reason, and other movements that use the accounts of corrections.
UNEXPLAINED: Final = """
    SELECT t.transaction_id, t.kind FROM ledger_transactions t
    WHERE t.kind IN ('settlement', 'write_off', 'adjustment') AND (t.made_by_user_id IS NULL OR t.reference = '')
    UNION
    SELECT t.transaction_id, t.kind FROM ledger_transactions t JOIN ledger_entries e USING (transaction_id)
    WHERE (e.account_kind = 'platform' OR e.account_kind = 'external' AND e.account_owner = 'settled')
      AND (t.kind, e.account_owner) NOT IN (
          ('settlement', 'settled'), ('write_off', 'write_off'), ('adjustment', 'adjustment'), ('forfeit', 'forfeited'),
          ('platform_revenue', 'commissions'), ('platform_revenue', 'digital_goods'))
    UNION
    SELECT t.transaction_id, t.kind FROM ledger_transactions t JOIN ledger_entries e USING (transaction_id)
    JOIN users u ON e.account_kind = 'wallet' AND e.account_owner = CAST(u.user_id AS text)
    WHERE t.kind = 'forfeit' AND u.deleted_at IS NULL
"""
# What a deleted account must not have any more.
UNDELETED: Final = """
    SELECT user_id FROM users
    WHERE deleted_at IS NOT NULL AND (
        num_nonnulls(email, new_email, phone, assigned_hall_id) > 0 OR name <> '' OR password_hash <> '' OR roles <> '{}'
        OR EXISTS (SELECT FROM refresh_tokens JOIN sessions USING (session_id) WHERE sessions.user_id = users.user_id)
        OR EXISTS (SELECT FROM sessions WHERE sessions.user_id = users.user_id
                   AND (revoked_at IS NULL OR num_nonnulls(device, network) > 0))
        OR EXISTS (SELECT FROM known_devices d WHERE d.user_id = users.user_id)
        OR EXISTS (SELECT FROM otp_challenges c WHERE c.user_id = users.user_id))
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
# Halls of a release that allowed two rows of one name are left out.
REPEATED_LABELS: Final = """
    SELECT event_id, row_number, seat_number FROM seats
    WHERE event_id IN (SELECT event_id FROM seat_rows WHERE is_label_unique)
    GROUP BY event_id, row_number, seat_number HAVING count(*) > 1
"""
# Events of a release that allowed them are left out.
OVERLAPPING_EVENTS: Final = """
    SELECT one.event_id, other.event_id AS other_event_id, one.hall_id
    FROM events AS one JOIN events AS other ON other.venue_id = one.venue_id AND other.hall_id = one.hall_id
        AND other.event_id > one.event_id
        AND tstzrange(other.event_date, other.ends_at) && tstzrange(one.event_date, one.ends_at)
    WHERE 'CANCELLED' NOT IN (one.status, other.status) AND NOT (one.shares_hall OR other.shares_hall)
"""
# Only held and owned seats: most seats of a large hall are available.
SEATS: Final = """
    SELECT seat_id, status, hold_id, held_by_user_id, owner_user_id, price_paid, purchased_at,
        status = 'HELD' AND held_until > now() AS is_live
    FROM seats WHERE hold_id IS NOT NULL
"""
UNFINISHED_SAGAS: Final = """
    SELECT saga_id, kind, state, step_name AS step,
        CASE WHEN kind IN ('refund', 'refund seats', 'commission writing') THEN data ->> 'order_id'
             WHEN kind = 'payout' THEN data ->> 'performer_user_id' END AS object_id
    FROM sagas
    WHERE state IN ('RUNNING', 'UNWINDING', 'STUCK') OR state = 'WAITING' AND due_at < now()
"""
SAGAS: Final = """
    SELECT saga_id, kind, state, CASE kind WHEN 'cancel event' THEN CAST(data ->> 'event_id' AS uuid) END AS event_id
    FROM sagas WHERE kind IN (
        'purchase', 'transfer', 'resale', 'cancel event', 'item purchase', 'queued tip', 'funded tip', 'queued menu item',
        'commission', 'commission by card', 'digital order', 'digital order by crypto')
"""
TRANSFERS: Final = """
    SELECT transfer_id, seat_id, order_id, event_id, seller_user_id, buyer_user_id, credits_amount, status, completed_at,
        owner_change_begun_by IS NOT NULL AS is_owner_change_begun
    FROM transfers
"""
LISTINGS: Final = """
    SELECT listing_id, seat_id, order_id, event_id, seller_user_id, buyer_user_id, sale_id, asking_price, status,
        completed_at, owner_change_begun_by IS NOT NULL AS is_owner_change_begun
    FROM listings
"""
PURCHASED_ITEMS: Final = """
    SELECT purchased_item_id, type, buyer_user_id, performer_id, price, bonus_points, is_batched, status,
        settlement_status, payout_id
    FROM purchased_items
"""
# Queues whose counters, or the counts of their blocks, are not those of their items.
MISCOUNTED_QUEUES: Final = """
    WITH items AS (
        SELECT performer_id,
            count(*) FILTER (WHERE status = 'PENDING') AS waiting,
            coalesce(sum(estimated_minutes) FILTER (WHERE status = 'PENDING'), 0) AS waiting_minutes,
            count(*) FILTER (WHERE status = 'IN_PROGRESS') AS in_progress,
            coalesce(sum(estimated_minutes) FILTER (WHERE status = 'IN_PROGRESS'), 0) AS in_progress_minutes
        FROM purchased_items
        WHERE status = 'IN_PROGRESS' OR status = 'PENDING' AND place IS NOT NULL GROUP BY performer_id),
    blocks AS (
        SELECT performer_id, coalesce(sum(items) FILTER (WHERE size = 64), 0) AS small,
            coalesce(sum(items) FILTER (WHERE size = 4096), 0) AS large
        FROM queue_blocks GROUP BY performer_id)
    SELECT performer_id, queue.waiting AS counted, coalesce(items.waiting, 0) AS waiting,
        coalesce(blocks.small, 0) AS in_small_blocks, coalesce(blocks.large, 0) AS in_large_blocks
    FROM performer_queues queue FULL JOIN items USING (performer_id) FULL JOIN blocks USING (performer_id)
    WHERE (queue.waiting, queue.waiting_minutes, queue.in_progress, queue.in_progress_minutes,
           coalesce(blocks.small, 0), coalesce(blocks.large, 0))
        IS DISTINCT FROM (
           coalesce(items.waiting, 0), coalesce(items.waiting_minutes, 0), coalesce(items.in_progress, 0),
           coalesce(items.in_progress_minutes, 0), coalesce(items.waiting, 0), coalesce(items.waiting, 0))
"""
# One row for each payment of an escrow to a performer. What pays a debt does not reach the wallet, but its entry is there.
PERFORMER_PAYMENTS: Final = """
    SELECT t.transaction_id, t.reference, min(e.account_owner) FILTER (WHERE e.account_kind = 'escrow') AS buyer,
        -sum(e.amount) FILTER (WHERE e.account_kind = 'escrow') AS amount,
        min(e.account_owner) FILTER (WHERE e.account_kind IN ('wallet', 'pending_earnings')) AS performer,
        bool_or(e.account_kind = 'pending_earnings') AS is_batched,
        coalesce(sum(e.amount) FILTER (WHERE e.account_kind = 'loyalty'), 0) AS points
    FROM ledger_transactions t JOIN ledger_entries e USING (transaction_id)
    WHERE t.kind = 'performer_payment' GROUP BY t.transaction_id, t.reference
"""
# `moved`: what the payout's transaction took from the account of pending earnings.
PAYOUTS: Final = """
    SELECT p.payout_id, p.performer_user_id, p.number, p.amount, p.items,
        (SELECT coalesce(-sum(e.amount), 0) FROM ledger_transactions t JOIN ledger_entries e USING (transaction_id)
         WHERE t.kind = 'payout' AND t.reference = CAST(p.payout_id AS text)
           AND e.account_kind = 'pending_earnings' AND e.account_owner = CAST(p.performer_user_id AS text)) AS moved
    FROM payouts p
"""
# The message of a completed item has not arrived yet.
UNRECORDED_EARNINGS: Final = """
    SELECT purchased_item_id, performer_id FROM purchased_items i
    WHERE status = 'SUCCESS' AND NOT EXISTS (SELECT FROM earnings e WHERE e.item_id = i.purchased_item_id)
"""
# Earnings that are not those of a completed item, and days that are not the sum of their earnings.
MISCOUNTED_EARNINGS: Final = """
    SELECT e.performer_id, CAST(e.item_id AS text) AS counted
    FROM earnings e LEFT JOIN purchased_items i ON i.purchased_item_id = e.item_id AND i.status = 'SUCCESS'
    WHERE (e.performer_id, e.amount) IS DISTINCT FROM (i.performer_id, i.price)
    UNION ALL
    SELECT coalesce(d.performer_id, s.performer_id), CAST(coalesce(d.day, s.day) AS text)
    FROM earnings_by_day d FULL JOIN (
        SELECT performer_id, day, offer_id, count(*) AS count, sum(amount) AS amount
        FROM earnings GROUP BY performer_id, day, offer_id) s USING (performer_id, day, offer_id)
    WHERE (d.count, d.amount) IS DISTINCT FROM (s.count, s.amount)
"""

QUERIES: Final[Mapping[str, Query]] = {
    "unfinished_sagas": Query("orchestrator", UNFINISHED_SAGAS),
    "users_unsent": Query("users", UNSENT),
    "orders_unsent": Query("orders", UNSENT),
    "inventory_unsent": Query("inventory", UNSENT),
    "orchestrator_unsent": Query("orchestrator", UNSENT),
    "unrecorded_earnings": Query("orders", UNRECORDED_EARNINGS),
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
    "owed": Query("users", OWED),
    "unexplained": Query("users", UNEXPLAINED),
    "undeleted": Query("users", UNDELETED),
    "escrow_balances": Query("users", ESCROW_BALANCES),
    "charges": Query("users", CHARGES),
    "escrows": Query("users", ESCROWS),
    "clawbacks": Query("users", CLAWBACKS),
    "payments": Query("users", payment_statements.PAYMENTS),
    "payment_credits": Query("users", payment_statements.PAYMENT_CREDITS),
    "miscounted": Query("inventory", MISCOUNTED),
    "capacities": Query("inventory", "SELECT event_id, count(*) AS seats FROM seats GROUP BY event_id"),
    "repeated_labels": Query("inventory", REPEATED_LABELS),
    "overlapping_events": Query("events", OVERLAPPING_EVENTS),
    "seats": Query("inventory", SEATS),
    "admissions": Query(
        "inventory", "SELECT seat_id, result, logged_at FROM entry_logs WHERE result IN ('SUCCESS', 'UNDONE')"
    ),
    "events": Query("events", "SELECT event_id, status, total_seats FROM events"),
    "orders": Query(
        "orders",
        """SELECT order_id, user_id, event_id, status, total, refund_begun_by IS NOT NULL AS is_refund_begun
           FROM orders""",
    ),
    "order_seats": Query(
        "orders",
        """SELECT order_id, seat_id, price, refunded_at IS NOT NULL AS is_refunded,
               refund_begun_by IS NOT NULL AS is_refund_begun
           FROM order_seats""",
    ),
    "transfers": Query("orders", TRANSFERS),
    "listings": Query("orders", LISTINGS),
    "sagas": Query("orchestrator", SAGAS),
    "premiums": Query("users", PREMIUMS),
    "refunds": Query("orchestrator", REFUNDS),
    "purchased_items": Query("orders", PURCHASED_ITEMS),
    "miscounted_queues": Query("orders", MISCOUNTED_QUEUES),
    "item_escrows": Query("users", digital_goods_statements.ITEM_ESCROWS),
    "performer_payments": Query("users", PERFORMER_PAYMENTS),
    "pending_earnings": Query(
        "users", "SELECT item_id, performer_user_id, amount, transaction_id, payout_id FROM pending_earnings"
    ),
    "pending_accounts": Query(
        "users",
        """SELECT account_owner, sum(amount) AS amount FROM ledger_entries
           WHERE account_kind = 'pending_earnings' GROUP BY account_owner""",
    ),
    "payouts": Query("users", PAYOUTS),
    "miscounted_earnings": Query("orders", MISCOUNTED_EARNINGS),
    "commissions": Query("orders", commission_statements.COMMISSIONS),
    "commission_escrows": Query("users", commission_statements.ESCROWS),
    "collections": Query("users", commission_statements.COLLECTIONS),
    "articles": Query("events", commission_statements.ARTICLES),
    "digital_orders": Query("orders", digital_goods_statements.DIGITAL_ORDERS),
    "goods_escrows": Query("users", digital_goods_statements.ESCROWS),
    "unfit_codes": Query("orders", digital_goods_statements.UNFIT_CODES),
    "unfit_items": Query("orders", digital_goods_statements.UNFIT_ITEMS),
}
