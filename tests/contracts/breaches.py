"""Ways to break the world's books, at least one for each rule of `devstack.invariants`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["BREACHES", "Breach"]


@dataclass(frozen=True, kw_only=True)
class Breach:
    """A saga that went well, and what is done to the books behind its back.

    Args:
        saga: its kind.
        where: whose books.
        sql: with facts of the saga's data as its parameters: `by`.
        tells: what the checker must say, at least; facts are put in.
        waits: the saga is left at its wait.
    """

    saga: str
    where: str
    sql: str
    by: tuple[str, ...]
    tells: tuple[str, ...]
    waits: bool = False


OWNERS: Final = {
    "a sold ticket is somebody else's": Breach(
        saga="purchase",
        where="inventory",
        sql="UPDATE seats SET owner_user_id = gen_random_uuid() WHERE hold_id = $1",
        by=("order_id",),
        tells=("confirmed order {order_id} does not have exactly its seats",),
    ),
    "a sold ticket is free": Breach(
        saga="purchase",
        where="inventory",
        sql="UPDATE seats SET status = 'AVAILABLE', hold_id = NULL, owner_user_id = NULL, price_paid = NULL,"
        " purchased_at = NULL WHERE hold_id = $1",
        by=("order_id",),
        tells=(
            "confirmed order {order_id} does not have exactly its seats",
            "the seat counts of CAT1 at event {event_id}",
        ),
    ),
    "a ticket was bought for another price": Breach(
        saga="purchase",
        where="inventory",
        sql="UPDATE seats SET price_paid = 1 WHERE hold_id = $1",
        by=("order_id",),
        tells=("at 1.00 instead of its price",),
    ),
    "a transferred ticket is still the seller's": Breach(
        saga="transfer",
        where="inventory",
        sql="UPDATE seats SET owner_user_id = $2 WHERE seat_id = $1",
        by=("seat_id", "seller_user_id"),
        tells=("confirmed order {order_id} does not have exactly its seats",),
    ),
    "a reversed ticket is still the buyer's": Breach(
        saga="reversal",
        where="inventory",
        sql="UPDATE seats SET owner_user_id = $2 WHERE seat_id = $1",
        by=("seat_id", "buyer_user_id"),
        tells=("does not have exactly its seats, each with its owner",),
    ),
    "a resold ticket is still the seller's": Breach(
        saga="resale",
        where="inventory",
        sql="UPDATE seats SET owner_user_id = $2 WHERE seat_id = $1",
        by=("seat_id", "seller_user_id"),
        tells=("does not have exactly its seats, each with its owner",),
    ),
    "a ticket changed hands by a transfer that failed": Breach(
        saga="transfer",
        where="orders",
        sql="UPDATE transfers SET status = 'FAILED', completed_at = NULL, ended_at = now() WHERE transfer_id = $1",
        by=("transfer_id",),
        tells=(
            "confirmed order {order_id} does not have exactly its seats",
            "transfer saga {transfer_id} is COMPLETED, its transfer is FAILED",
            "{transfer_id} was not completed, released: ['30.00']",
        ),
    ),
}

ORDERS: Final = {
    "an order's total is not its seats'": Breach(
        saga="purchase",
        where="orders",
        sql="UPDATE orders SET total = 1 WHERE order_id = $1",
        by=("order_id",),
        tells=(
            "confirmed order {order_id} has a total that is not the sum of its seats' prices",
            "confirmed order {order_id} of 1.00 was charged ['240.00']",
        ),
    ),
    "an order is refunded in name only": Breach(
        saga="purchase",
        where="orders",
        sql="UPDATE orders SET status = 'REFUNDED', ended_at = now() WHERE order_id = $1",
        by=("order_id",),
        tells=(
            "refunded order {order_id} still has seat",
            "refunded order {order_id} of 240.00 was refunded ['None of 240.00']",
            "is SOLD, its order {order_id} is REFUNDED",
        ),
    ),
    "a refunded order goes on": Breach(
        saga="refund",
        where="orders",
        sql="UPDATE orders SET status = 'CONFIRMED', ended_at = NULL WHERE order_id = $1",
        by=("order_id",),
        tells=(
            "confirmed order {order_id} does not have exactly its seats",
            "confirmed order {order_id} of 240.00 was charged []",
        ),
    ),
    "less was given back than paid": Breach(
        saga="refund",
        where="users",
        sql="UPDATE ledger_entries SET amount = amount + 1 WHERE account_kind = 'revenue' AND transaction_id ="
        " (SELECT r.transaction_id FROM ledger_transactions r"
        " JOIN ledger_transactions t ON t.transaction_id = r.reverses_transaction_id"
        " WHERE t.reference = CAST(CAST($1 AS uuid) AS text))",
        by=("order_id",),
        tells=(
            "of 240.00 was reversed by 239.00",
            "refunded order {order_id} of 240.00 was refunded ['239.00 of 240.00']",
            "does not balance: 1.00 SGD",
        ),
    ),
    "a charge is for no order": Breach(
        saga="purchase",
        where="users",
        sql="UPDATE ledger_transactions SET reference = CAST(CAST($2 AS uuid) AS text)"
        " WHERE reference = CAST(CAST($1 AS uuid) AS text)",
        by=("order_id", "user_id"),
        tells=(
            "has neither a confirmed order ({user_id}) nor a refund",
            "confirmed order {order_id} of 240.00 was charged []",
        ),
    ),
    "an open order has lost its hold": Breach(
        saga="purchase",
        waits=True,
        where="inventory",
        sql="UPDATE seats SET held_by_user_id = gen_random_uuid() WHERE hold_id = $1",
        by=("order_id",),
        tells=("pending order {order_id} does not hold its seats",),
    ),
    "seats are held for an order that failed": Breach(
        saga="purchase",
        waits=True,
        where="orders",
        sql="UPDATE orders SET status = 'FAILED', ended_at = now() WHERE order_id = $1",
        by=("order_id",),
        tells=("is HELD, its order {order_id} is FAILED", "purchase {order_id} is WAITING, its order is FAILED"),
    ),
    "an order has no saga": Breach(
        saga="purchase",
        where="orchestrator",
        sql="DELETE FROM sagas WHERE saga_id = $1",
        by=("order_id",),
        tells=("order {order_id} has no saga",),
    ),
}

SEATS: Final = {
    "seats are counted wrong": Breach(
        saga="put on sale",
        where="inventory",
        sql="UPDATE seat_counts SET available = available - 1, sold = sold + 1 WHERE event_id = $1",
        by=("event_id",),
        tells=("the seat counts of CAT1 at event {event_id}",),
    ),
    "an event has too few seats": Breach(
        saga="put on sale",
        where="events",
        sql="UPDATE events SET total_seats = 8 WHERE event_id = $1",
        by=("event_id",),
        tells=("event {event_id} should have 8 seats and has 7",),
    ),
    "a ticket is used, and nobody was admitted": Breach(
        saga="purchase",
        where="inventory",
        sql="UPDATE seats SET status = 'CHECKED_IN', admitted_at = now() WHERE hold_id = $1",
        by=("order_id",),
        tells=("is CHECKED_IN and has 0 admissions",),
    ),
    "somebody was admitted twice": Breach(
        saga="admission",
        where="inventory",
        sql="INSERT INTO entry_logs (scan_id, event_id, seat_id, staff_user_id, hall_presented, result, logged_at)"
        " SELECT gen_random_uuid(), event_id, seat_id, staff_user_id, hall_presented, result, now()"
        " FROM entry_logs WHERE seat_id = $1",
        by=("seat_id",),
        tells=("seat {seat_id} is CHECKED_IN and has 2 admissions",),
    ),
    "somebody was admitted whose ticket is not used": Breach(
        saga="admission",
        where="inventory",
        sql="UPDATE seats SET status = 'SOLD', admitted_at = NULL WHERE seat_id = $1",
        by=("seat_id",),
        tells=("seat {seat_id} is SOLD and has 1 admissions",),
    ),
    "the owner before was admitted": Breach(
        saga="admission",
        where="inventory",
        sql="UPDATE seats SET purchased_at = clock_timestamp() WHERE seat_id = $1",
        by=("seat_id",),
        tells=("seat {seat_id} is CHECKED_IN and has 0 admissions",),
    ),
}

CREDITS: Final = {
    "a wallet is not what was moved": Breach(
        saga="purchase",
        where="users",
        sql="UPDATE balances SET amount = amount + 1"
        " WHERE account_kind = 'wallet' AND account_owner = CAST(CAST($1 AS uuid) AS text)",
        by=("user_id",),
        tells=("wallet of {user_id} is",),
    ),
    "an escrow account has more than is held": Breach(
        saga="transfer",
        where="users",
        sql="UPDATE balances SET amount = amount + 1"
        " WHERE account_kind = 'escrow' AND account_owner = CAST(CAST($1 AS uuid) AS text)",
        by=("buyer_user_id",),
        tells=("escrow of {buyer_user_id} is 1.00, its held escrows sum up to 0",),
    ),
    "somebody has paid more than they owed": Breach(
        saga="reversal",
        where="users",
        sql="UPDATE ledger_entries SET amount = 5"
        " WHERE account_kind = 'receivable' AND account_owner = CAST(CAST($1 AS uuid) AS text)",
        by=("seller_user_id",),
        tells=("receivable of {seller_user_id} is 5.00: more was repaid than owed",),
    ),
    "a sale waits without its credits": Breach(
        saga="resale",
        waits=True,
        where="users",
        sql="UPDATE escrows SET status = 'VOIDED' WHERE reference = CAST(CAST($1 AS uuid) AS text)",
        by=("sale_id",),
        tells=("sale {sale_id} waits with [] in escrow instead of 130.00",),
    ),
    "credits stay in escrow": Breach(
        saga="transfer",
        where="users",
        sql="UPDATE escrows SET status = 'HELD' WHERE reference = CAST(CAST($1 AS uuid) AS text)",
        by=("transfer_id",),
        tells=("({transfer_id}) is held without a pending sale", "{transfer_id} was completed for 30.00, released: []"),
    ),
    "too little was released": Breach(
        saga="transfer",
        where="users",
        sql="UPDATE escrows SET amount = 29 WHERE reference = CAST(CAST($1 AS uuid) AS text)",
        by=("transfer_id",),
        tells=("{transfer_id} was completed for 30.00, released: ['29.00']",),
    ),
    "credits were released to a stranger": Breach(
        saga="resale",
        where="users",
        sql="UPDATE ledger_entries SET account_owner = 'a stranger' WHERE account_kind = 'wallet' AND transaction_id ="
        " (SELECT t.transaction_id FROM ledger_transactions t"
        " JOIN escrows x ON t.reference = CAST(x.escrow_id AS text) AND t.kind = 'escrow_release'"
        " WHERE x.reference = CAST(CAST($1 AS uuid) AS text))",
        by=("sale_id",),
        tells=("{sale_id} was completed for 130.00, released: ['130.00']",),
    ),
    "a reversed transfer gave nothing back": Breach(
        saga="reversal",
        where="users",
        sql="UPDATE ledger_transactions SET kind = 'transfer'"
        " WHERE kind = 'transfer_reversal' AND reference = CAST(CAST($1 AS uuid) AS text)",
        by=("transfer_id",),
        tells=("transfer {transfer_id} of 30.00 was reversed by []",),
    ),
    "a transfer that stands gave its credits back": Breach(
        saga="reversal",
        where="orders",
        sql="UPDATE transfers SET status = 'DISPUTED', ended_at = NULL WHERE transfer_id = $1",
        by=("transfer_id",),
        tells=("{transfer_id} is not reversed, but its credits are",),
    ),
}

DEALS: Final = {
    "a transfer waits for nobody": Breach(
        saga="transfer",
        waits=True,
        where="orchestrator",
        sql="UPDATE sagas SET state = 'COMPLETED' WHERE saga_id = $1",
        by=("transfer_id",),
        tells=("transfer {transfer_id} is PENDING_OTP, its saga is COMPLETED",),
    ),
    "a transfer is half reversed": Breach(
        saga="reversal",
        where="orders",
        sql="UPDATE transfers SET status = 'REVERSING', ended_at = NULL WHERE transfer_id = $1",
        by=("transfer_id",),
        tells=("transfer {transfer_id} is REVERSING",),
    ),
    "a listing is half open": Breach(
        saga="list for resale",
        where="orders",
        sql="UPDATE listings SET status = 'OPENING' WHERE listing_id = $1",
        by=("listing_id",),
        tells=("listing {listing_id} is OPENING", "seat {seat_id} is LISTED, its 0 listings on sale do not fit"),
    ),
    "a ticket is on the market and opens the door": Breach(
        saga="list for resale",
        where="inventory",
        sql="UPDATE seats SET status = 'SOLD' WHERE seat_id = $1",
        by=("seat_id",),
        tells=("seat {seat_id} is SOLD, its 1 listings on sale do not fit",),
    ),
    "a ticket is on the market and sold to nobody": Breach(
        saga="list for resale",
        where="inventory",
        sql="UPDATE seats SET status = 'AVAILABLE', hold_id = NULL, owner_user_id = NULL, price_paid = NULL,"
        " purchased_at = NULL WHERE seat_id = $1",
        by=("seat_id",),
        tells=("seat {seat_id} is available, its 1 listings on sale do not fit",),
    ),
    "a ticket is offered by somebody else": Breach(
        saga="list for resale",
        where="orders",
        sql="UPDATE listings SET seller_user_id = gen_random_uuid() WHERE listing_id = $1",
        by=("listing_id",),
        tells=("seat {seat_id} is LISTED, its 1 listings on sale do not fit",),
    ),
    "a buyer waits for nobody": Breach(
        saga="resale",
        waits=True,
        where="orchestrator",
        sql="UPDATE sagas SET state = 'UNWOUND' WHERE saga_id = $1",
        by=("sale_id",),
        tells=(
            "sale {sale_id} is UNWOUND, its listing is PENDING_TRANSFER",
            "a listing is PENDING_TRANSFER by sale {sale_id}, whose saga is UNWOUND",
        ),
    ),
    "a sale waits for a ticket that is on the market": Breach(
        saga="resale",
        waits=True,
        where="orders",
        sql="UPDATE listings SET status = 'ACTIVE', buyer_user_id = NULL, sale_id = NULL, expires_at = NULL"
        " WHERE listing_id = $1",
        by=("listing_id",),
        tells=("sale {sale_id} is WAITING, its listing is None", "({sale_id}) is held without a pending sale"),
    ),
}

CANCELLED_EVENTS: Final = {
    "an event that was cleared goes on": Breach(
        saga="cancel event",
        where="events",
        sql="UPDATE events SET status = 'PUBLISHED', cancelled_at = NULL WHERE event_id = $1",
        by=("event_id",),
        tells=("event {event_id} is PUBLISHED after its cancellation",),
    ),
    "orders of a cancelled event were not refunded": Breach(
        saga="cancel event",
        where="orders",
        sql="UPDATE orders SET status = 'CONFIRMED', ended_at = NULL WHERE event_id = $1 AND status = 'REFUNDED'",
        by=("event_id",),
        tells=("cancelled event {event_id} has 2 open items",),
    ),
    "an order of a cancelled event is open": Breach(
        saga="cancel event",
        where="orders",
        sql="UPDATE orders SET status = 'PENDING', ended_at = NULL WHERE event_id = $1 AND status = 'FAILED'",
        by=("event_id",),
        tells=("cancelled event {event_id} has 1 open items",),
    ),
    "a transfer of a cancelled event is open": Breach(
        saga="cancel event",
        where="orders",
        sql="UPDATE transfers SET status = 'PENDING_OTP', ended_at = NULL WHERE event_id = $1",
        by=("event_id",),
        tells=("cancelled event {event_id} has 1 open items",),
    ),
    "a listing of a cancelled event is open": Breach(
        saga="cancel event",
        where="orders",
        sql="UPDATE listings SET status = 'ACTIVE', ended_at = NULL WHERE event_id = $1",
        by=("event_id",),
        tells=("cancelled event {event_id} has 1 open items",),
    ),
}

BREACHES: Final[Mapping[str, Breach]] = OWNERS | ORDERS | SEATS | CREDITS | DEALS | CANCELLED_EVENTS
