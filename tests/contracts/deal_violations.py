"""Changes that violate the invariants of transfers, listings and cancelled events."""

from typing import Final

from tests.contracts.violation import Violation

TRANSFERS_AND_LISTINGS: Final = {
    "a ticket is about to change owner": Violation(
        saga="transfer",
        waits=True,
        database="orders",
        sql="UPDATE transfers SET owner_change_begun_by = gen_random_uuid() WHERE transfer_id = $1",
        parameters=("transfer_id",),
        expected=("the ticket of order {order_id}, seat {seat_id}, is about to change owner",),
    ),
    "a pending transfer has no waiting saga": Violation(
        saga="transfer",
        waits=True,
        database="orchestrator",
        sql="UPDATE sagas SET state = 'COMPLETED' WHERE saga_id = $1",
        parameters=("transfer_id",),
        expected=("transfer {transfer_id} is PENDING_OTP, its saga is COMPLETED",),
    ),
    "a transfer is half reversed": Violation(
        saga="reversal",
        database="orders",
        sql="UPDATE transfers SET status = 'REVERSING', ended_at = NULL WHERE transfer_id = $1",
        parameters=("transfer_id",),
        expected=("transfer {transfer_id} is REVERSING",),
    ),
    "a listing is half open": Violation(
        saga="list for resale",
        database="orders",
        sql="UPDATE listings SET status = 'OPENING' WHERE listing_id = $1",
        parameters=("listing_id",),
        expected=("listing {listing_id} is OPENING", "seat {seat_id} is LISTED, its 0 listings on sale do not fit"),
    ),
    "a listed ticket can be checked in": Violation(
        saga="list for resale",
        database="inventory",
        sql="UPDATE seats SET status = 'SOLD' WHERE seat_id = $1",
        parameters=("seat_id",),
        expected=("seat {seat_id} is SOLD, its 1 listings on sale do not fit",),
    ),
    "a listed seat has no owner": Violation(
        saga="list for resale",
        database="inventory",
        sql="UPDATE seats SET status = 'AVAILABLE', hold_id = NULL, owner_user_id = NULL, price_paid = NULL,"
        " purchased_at = NULL WHERE seat_id = $1",
        parameters=("seat_id",),
        expected=("seat {seat_id} is available, its 1 listings on sale do not fit",),
    ),
    "a listing has another seller": Violation(
        saga="list for resale",
        database="orders",
        sql="UPDATE listings SET seller_user_id = gen_random_uuid() WHERE listing_id = $1",
        parameters=("listing_id",),
        expected=("seat {seat_id} is LISTED, its 1 listings on sale do not fit",),
    ),
    "a pending sale has no waiting saga": Violation(
        saga="resale",
        waits=True,
        database="orchestrator",
        sql="UPDATE sagas SET state = 'UNWOUND' WHERE saga_id = $1",
        parameters=("sale_id",),
        expected=(
            "sale {sale_id} is UNWOUND, its listing is PENDING_TRANSFER",
            "a listing is PENDING_TRANSFER by sale {sale_id}, whose saga is UNWOUND",
        ),
    ),
    "a waiting sale has an active listing": Violation(
        saga="resale",
        waits=True,
        database="orders",
        sql="UPDATE listings SET status = 'ACTIVE', buyer_user_id = NULL, sale_id = NULL, expires_at = NULL"
        " WHERE listing_id = $1",
        parameters=("listing_id",),
        expected=("sale {sale_id} is WAITING, its listing is None", "({sale_id}) is held without a pending sale"),
    ),
}

CANCELLED_EVENTS: Final = {
    "a cancelled event is published again": Violation(
        saga="cancel event",
        database="events",
        sql="UPDATE events SET status = 'PUBLISHED', cancelled_at = NULL WHERE event_id = $1",
        parameters=("event_id",),
        expected=("event {event_id} is PUBLISHED after its cancellation",),
    ),
    "orders of a cancelled event were not refunded": Violation(
        saga="cancel event",
        database="orders",
        sql="UPDATE orders SET status = 'CONFIRMED', ended_at = NULL WHERE event_id = $1 AND status = 'REFUNDED'",
        parameters=("event_id",),
        expected=("cancelled event {event_id} has 2 open items",),
    ),
    "an order of a cancelled event is open": Violation(
        saga="cancel event",
        database="orders",
        sql="UPDATE orders SET status = 'PENDING', ended_at = NULL WHERE event_id = $1 AND status = 'FAILED'",
        parameters=("event_id",),
        expected=("cancelled event {event_id} has 1 open items",),
    ),
    "a transfer of a cancelled event is open": Violation(
        saga="cancel event",
        database="orders",
        sql="UPDATE transfers SET status = 'PENDING_OTP', ended_at = NULL WHERE event_id = $1",
        parameters=("event_id",),
        expected=("cancelled event {event_id} has 1 open items",),
    ),
    "a listing of a cancelled event is open": Violation(
        saga="cancel event",
        database="orders",
        sql="UPDATE listings SET status = 'ACTIVE', ended_at = NULL WHERE event_id = $1",
        parameters=("event_id",),
        expected=("cancelled event {event_id} has 1 open items",),
    ),
}
