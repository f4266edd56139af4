"""Changes that violate invariants, at least one for each rule of `invariants`."""

from collections.abc import Mapping
from typing import Final

from tests.contracts.deal_violations import CANCELLED_EVENTS, TRANSFERS_AND_LISTINGS
from tests.contracts.ledger_violations import LEDGER
from tests.contracts.violation import Violation

__all__ = ["VIOLATIONS"]


OWNERS: Final = {
    "a sold ticket has another owner": Violation(
        saga="purchase",
        database="inventory",
        sql="UPDATE seats SET owner_user_id = gen_random_uuid() WHERE hold_id = $1",
        parameters=("order_id",),
        expected=("confirmed order {order_id} does not have exactly its seats",),
    ),
    "a sold ticket's seat is available": Violation(
        saga="purchase",
        database="inventory",
        sql="UPDATE seats SET status = 'AVAILABLE', hold_id = NULL, owner_user_id = NULL, price_paid = NULL,"
        " purchased_at = NULL WHERE hold_id = $1",
        parameters=("order_id",),
        expected=(
            "confirmed order {order_id} does not have exactly its seats",
            "the seat counts of CAT1 at event {event_id}",
        ),
    ),
    "a ticket has another price": Violation(
        saga="purchase",
        database="inventory",
        sql="UPDATE seats SET price_paid = 1 WHERE hold_id = $1",
        parameters=("order_id",),
        expected=("at 1.00 instead of its price",),
    ),
    "a transferred ticket is still the seller's": Violation(
        saga="transfer",
        database="inventory",
        sql="UPDATE seats SET owner_user_id = $2 WHERE seat_id = $1",
        parameters=("seat_id", "seller_user_id"),
        expected=("confirmed order {order_id} does not have exactly its seats",),
    ),
    "a reversed ticket is still the buyer's": Violation(
        saga="reversal",
        database="inventory",
        sql="UPDATE seats SET owner_user_id = $2 WHERE seat_id = $1",
        parameters=("seat_id", "buyer_user_id"),
        expected=("does not have exactly its seats, each with its owner",),
    ),
    "a resold ticket is still the seller's": Violation(
        saga="resale",
        database="inventory",
        sql="UPDATE seats SET owner_user_id = $2 WHERE seat_id = $1",
        parameters=("seat_id", "seller_user_id"),
        expected=("does not have exactly its seats, each with its owner",),
    ),
    "a failed transfer changed the owner": Violation(
        saga="transfer",
        database="orders",
        sql="UPDATE transfers SET status = 'FAILED', completed_at = NULL, ended_at = now() WHERE transfer_id = $1",
        parameters=("transfer_id",),
        expected=(
            "confirmed order {order_id} does not have exactly its seats",
            "transfer saga {transfer_id} is COMPLETED, its transfer is FAILED",
            "{transfer_id} was not completed, released: ['30.00']",
        ),
    ),
}

ORDERS: Final = {
    "an order's total differs from its seats": Violation(
        saga="purchase",
        database="orders",
        sql="UPDATE orders SET total = 1 WHERE order_id = $1",
        parameters=("order_id",),
        expected=(
            "confirmed order {order_id} has a total that is not the sum of its seats' prices",
            "confirmed order {order_id} of 1.00 was charged ['240.00']",
        ),
    ),
    "a refunded order keeps its seats": Violation(
        saga="purchase",
        database="orders",
        sql="UPDATE orders SET status = 'REFUNDED', ended_at = now() WHERE order_id = $1",
        parameters=("order_id",),
        expected=(
            "refunded order {order_id} still has seat",
            "refunded order {order_id} of 240.00 was refunded ['None of 240.00']",
            "is SOLD, its order {order_id} is REFUNDED",
        ),
    ),
    "a refunded order is confirmed again": Violation(
        saga="refund",
        database="orders",
        sql="UPDATE orders SET status = 'CONFIRMED', ended_at = NULL WHERE order_id = $1",
        parameters=("order_id",),
        expected=(
            "confirmed order {order_id} does not have exactly its seats",
            "confirmed order {order_id} of 240.00 was charged []",
        ),
    ),
    "less was refunded than paid": Violation(
        saga="refund",
        database="users",
        sql="UPDATE ledger_entries SET amount = amount + 1 WHERE account_kind = 'revenue' AND transaction_id ="
        " (SELECT r.transaction_id FROM ledger_transactions r"
        " JOIN ledger_transactions t ON t.transaction_id = r.reverses_transaction_id"
        " WHERE t.reference = CAST(CAST($1 AS uuid) AS text))",
        parameters=("order_id",),
        expected=(
            "of 240.00 was reversed by 239.00",
            "refunded order {order_id} of 240.00 was refunded ['239.00 of 240.00']",
            "does not balance: 1.00 SGD",
        ),
    ),
    "a refund was begun and not made": Violation(
        saga="purchase",
        database="orders",
        sql="UPDATE orders SET refund_begun_by = gen_random_uuid() WHERE order_id = $1",
        parameters=("order_id",),
        expected=("a refund of order {order_id} has begun and was not made",),
    ),
    "a refund of seats was begun and not made": Violation(
        saga="refund seats",
        database="orders",
        sql="UPDATE order_seats SET refunded_at = NULL WHERE order_id = $1",
        parameters=("order_id",),
        expected=(
            "of order {order_id} has begun and was not made",
            "confirmed order {order_id} does not have exactly its seats",
            "confirmed order {order_id} of 360.00 was charged []",
        ),
    ),
    "a refunded seat was not paid back": Violation(
        saga="purchase",
        database="orders",
        sql="UPDATE order_seats SET refunded_at = now(), refund_begun_by = gen_random_uuid() WHERE order_id = $1",
        parameters=("order_id",),
        expected=(
            "confirmed order {order_id} does not have exactly its seats",
            "confirmed order {order_id} of 240.00 was charged []",
        ),
    ),
    "a charge has no order": Violation(
        saga="purchase",
        database="users",
        sql="UPDATE ledger_transactions SET reference = CAST(CAST($2 AS uuid) AS text)"
        " WHERE reference = CAST(CAST($1 AS uuid) AS text)",
        parameters=("order_id", "user_id"),
        expected=(
            "has neither a confirmed order ({user_id}) nor a refund",
            "confirmed order {order_id} of 240.00 was charged []",
        ),
    ),
    "a pending order has no hold": Violation(
        saga="purchase",
        waits=True,
        database="inventory",
        sql="UPDATE seats SET held_by_user_id = gen_random_uuid() WHERE hold_id = $1",
        parameters=("order_id",),
        expected=("pending order {order_id} does not hold its seats",),
    ),
    "seats are held for a failed order": Violation(
        saga="purchase",
        waits=True,
        database="orders",
        sql="UPDATE orders SET status = 'FAILED', ended_at = now() WHERE order_id = $1",
        parameters=("order_id",),
        expected=("is HELD, its order {order_id} is FAILED", "purchase {order_id} is WAITING, its order is FAILED"),
    ),
    "an order has no saga": Violation(
        saga="purchase",
        database="orchestrator",
        sql="DELETE FROM sagas WHERE saga_id = $1",
        parameters=("order_id",),
        expected=("order {order_id} has no saga",),
    ),
}

SEATS: Final = {
    "seat counts are wrong": Violation(
        saga="put on sale",
        database="inventory",
        sql="UPDATE seat_counts SET available = available - 1, sold = sold + 1 WHERE event_id = $1",
        parameters=("event_id",),
        expected=("the seat counts of CAT1 at event {event_id}",),
    ),
    "an event has too few seats": Violation(
        saga="put on sale",
        database="events",
        sql="UPDATE events SET total_seats = 8 WHERE event_id = $1",
        parameters=("event_id",),
        expected=("event {event_id} should have 8 seats and has 7",),
    ),
    "a checked-in ticket has no admission": Violation(
        saga="purchase",
        database="inventory",
        sql="UPDATE seats SET status = 'CHECKED_IN', admitted_at = now() WHERE hold_id = $1",
        parameters=("order_id",),
        expected=("is CHECKED_IN, its admissions are []",),
    ),
    "a ticket was admitted twice": Violation(
        saga="admission",
        database="inventory",
        sql="INSERT INTO entry_logs (scan_id, event_id, seat_id, staff_user_id, hall_presented, result, logged_at)"
        " SELECT gen_random_uuid(), event_id, seat_id, staff_user_id, hall_presented, result, now()"
        " FROM entry_logs WHERE seat_id = $1",
        parameters=("seat_id",),
        expected=("seat {seat_id} is CHECKED_IN, its admissions are ['SUCCESS', 'SUCCESS']",),
    ),
    "an admitted ticket is not checked in": Violation(
        saga="admission",
        database="inventory",
        sql="UPDATE seats SET status = 'SOLD', admitted_at = NULL WHERE seat_id = $1",
        parameters=("seat_id",),
        expected=("seat {seat_id} is SOLD, its admissions are ['SUCCESS']",),
    ),
    "a former owner was admitted": Violation(
        saga="admission",
        database="inventory",
        sql="UPDATE seats SET purchased_at = clock_timestamp() WHERE seat_id = $1",
        parameters=("seat_id",),
        expected=("seat {seat_id} is CHECKED_IN, its admissions are []",),
    ),
}

CREDITS: Final = {
    "a wallet differs from its movements": Violation(
        saga="purchase",
        database="users",
        sql="UPDATE balances SET amount = amount + 1"
        " WHERE account_kind = 'wallet' AND account_owner = CAST(CAST($1 AS uuid) AS text)",
        parameters=("user_id",),
        expected=("wallet of {user_id} is",),
    ),
    "an escrow account exceeds its holds": Violation(
        saga="transfer",
        database="users",
        sql="UPDATE balances SET amount = amount + 1"
        " WHERE account_kind = 'escrow' AND account_owner = CAST(CAST($1 AS uuid) AS text)",
        parameters=("buyer_user_id",),
        expected=("escrow of {buyer_user_id} is 1.00, its held escrows sum up to 0",),
    ),
    "a receivable was overpaid": Violation(
        saga="reversal",
        database="users",
        sql="UPDATE ledger_entries SET amount = 5"
        " WHERE account_kind = 'receivable' AND account_owner = CAST(CAST($1 AS uuid) AS text)",
        parameters=("seller_user_id",),
        expected=("receivable of {seller_user_id} is 5.00: more was repaid than owed",),
    ),
    "a waiting sale has no escrow": Violation(
        saga="resale",
        waits=True,
        database="users",
        sql="UPDATE escrows SET status = 'VOIDED' WHERE reference = CAST(CAST($1 AS uuid) AS text)",
        parameters=("sale_id",),
        expected=("sale {sale_id} waits with [] in escrow instead of 130.00",),
    ),
    "a completed transfer keeps its escrow": Violation(
        saga="transfer",
        database="users",
        sql="UPDATE escrows SET status = 'HELD' WHERE reference = CAST(CAST($1 AS uuid) AS text)",
        parameters=("transfer_id",),
        expected=(
            "({transfer_id}) is held without a pending sale",
            "{transfer_id} was completed for 30.00, released: []",
        ),
    ),
    "too little was released from escrow": Violation(
        saga="transfer",
        database="users",
        sql="UPDATE escrows SET amount = 29 WHERE reference = CAST(CAST($1 AS uuid) AS text)",
        parameters=("transfer_id",),
        expected=("{transfer_id} was completed for 30.00, released: ['29.00']",),
    ),
    "escrow was released to another user": Violation(
        saga="resale",
        database="users",
        sql="UPDATE ledger_entries SET account_owner = 'another user' WHERE account_kind = 'wallet' AND transaction_id ="
        " (SELECT t.transaction_id FROM ledger_transactions t"
        " JOIN escrows x ON t.reference = CAST(x.escrow_id AS text) AND t.kind = 'escrow_release'"
        " WHERE x.reference = CAST(CAST($1 AS uuid) AS text))",
        parameters=("sale_id",),
        expected=("{sale_id} was completed for 130.00, released: ['130.00']",),
    ),
    "a reversed transfer returned no credits": Violation(
        saga="reversal",
        database="users",
        sql="UPDATE ledger_transactions SET kind = 'transfer'"
        " WHERE kind = 'transfer_reversal' AND reference = CAST(CAST($1 AS uuid) AS text)",
        parameters=("transfer_id",),
        expected=("transfer {transfer_id} of 30.00 was reversed by []",),
    ),
    "a disputed transfer returned its credits": Violation(
        saga="reversal",
        database="orders",
        sql="UPDATE transfers SET status = 'DISPUTED', ended_at = NULL WHERE transfer_id = $1",
        parameters=("transfer_id",),
        expected=(
            "{transfer_id} is not reversed, but its credits are",
            "transfer {transfer_id} is disputed, and its buyer does not have the ticket",
        ),
    ),
    "a premium was not returned": Violation(
        saga="refund seats",
        database="users",
        sql="UPDATE ledger_transactions SET kind = 'transfer' WHERE kind = 'transfer_reversal'"
        " AND reference = CAST(CAST($1 AS uuid) AS text)",
        parameters=("saga_id",),
        expected=("refund {saga_id} returned premiums of [] instead of ['5.00', '15.00']",),
    ),
    "an owner was not made whole": Violation(
        saga="refund seats",
        database="orchestrator",
        sql="UPDATE sagas SET data = jsonb_set(data, '{premiums}', '[]') WHERE saga_id = $1",
        parameters=("saga_id",),
        expected=("refund {saga_id} left the owner of seat", "without 20.00"),
    ),
}

VIOLATIONS: Final[Mapping[str, Violation]] = (
    OWNERS | ORDERS | SEATS | CREDITS | LEDGER | TRANSFERS_AND_LISTINGS | CANCELLED_EVENTS
)
