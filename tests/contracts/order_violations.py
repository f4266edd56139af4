"""Changes that violate the invariants of orders and their tickets."""

from typing import Final

from tests.contracts.violation import Violation

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
        " WHERE t.reference = $1)",
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
        sql="UPDATE ledger_transactions SET reference = $2 WHERE reference = $1",
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
