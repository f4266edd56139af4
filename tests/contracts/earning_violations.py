"""Changes that violate the invariants of purchased items, payments to performers and payouts."""

# ruff: noqa: S608 - the statements are composed of constants

from typing import Final

from tests.contracts.violation import Violation

# The transaction of an item's payment.
OF_ITEM: Final = "(SELECT transaction_id FROM ledger_transactions WHERE kind = 'performer_payment' AND reference = $1)"

PURCHASED_ITEMS: Final = {
    "a complete item was not paid": Violation(
        saga="item purchase with a device",
        database="users",
        sql="UPDATE ledger_transactions SET kind = 'transfer' WHERE kind = 'performer_payment' AND reference = $1",
        parameters=("saga_id",),
        expected=("purchased item {saga_id} of 25.00 and 5 points was paid []",),
    ),
    "an item was paid twice": Violation(
        saga="item purchase with a device",
        database="users",
        sql="WITH again AS (INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)"
        " VALUES (gen_random_uuid(), gen_random_uuid(), 'performer_payment', $1) RETURNING transaction_id)"
        " INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)"
        " SELECT again.transaction_id, account_kind, account_owner, currency, amount FROM again, ledger_entries e"
        f" WHERE e.transaction_id = {OF_ITEM}",
        parameters=("saga_id",),
        expected=("{saga_id} of 25.00 and 5 points was paid ['25.00 and 5", "escrow of {buyer_user_id} is"),
    ),
    "another performer was paid": Violation(
        saga="item purchase with a device",
        database="users",
        sql=f"UPDATE ledger_entries SET account_owner = 'another' WHERE account_kind = 'wallet' AND transaction_id = {OF_ITEM}",
        parameters=("saga_id",),
        expected=("purchased item {saga_id} of 25.00 and 5 points was paid ['25.00 and 5",),
    ),
    "points of an item were not awarded": Violation(
        saga="item purchase with a device",
        database="users",
        sql=f"UPDATE ledger_entries SET amount = 0 WHERE currency = 'POINTS' AND transaction_id = {OF_ITEM}",
        parameters=("saga_id",),
        expected=("purchased item {saga_id} of 25.00 and 5 points was paid ['25.00 and 0",),
    ),
    "a paid item is not complete": Violation(
        saga="item purchase with a device",
        database="orders",
        sql="UPDATE purchased_items SET status = 'FAILED', settlement_status = 'pending' WHERE purchased_item_id = $1",
        parameters=("saga_id",),
        expected=(
            "for {saga_id}, which is not complete",
            "purchased item {saga_id} of 25.00 is FAILED (pending), its escrows are ['25.00 RELEASED']",
            "item purchase {saga_id} is COMPLETED, its item is FAILED",
        ),
    ),
    "an item is half open": Violation(
        saga="item purchase with a device",
        database="orders",
        sql="UPDATE purchased_items SET status = 'OPENING', settlement_status = 'pending', ended_at = NULL"
        " WHERE purchased_item_id = $1",
        parameters=("saga_id",),
        expected=("purchased item {saga_id} is OPENING",),
    ),
    "an item has no saga": Violation(
        saga="item purchase with a device",
        database="orchestrator",
        sql="DELETE FROM sagas WHERE saga_id = $1",
        parameters=("saga_id",),
        expected=("purchased item {saga_id} is SUCCESS, its saga is None",),
    ),
    "a complete item keeps its escrow": Violation(
        saga="item purchase with a device",
        database="users",
        sql="UPDATE escrows SET status = 'HELD' WHERE reference = $1",
        parameters=("saga_id",),
        expected=("purchased item {saga_id} of 25.00 is SUCCESS (settled), its escrows are ['25.00 HELD']",),
    ),
    "an escrow has no item": Violation(
        saga="item purchase with a device",
        database="users",
        sql="UPDATE escrows SET reference = 'another item' WHERE reference = $1",
        parameters=("saga_id",),
        expected=("another item is RELEASED without an item", "is SUCCESS (settled), its escrows are []"),
    ),
    "an escrow is for something else": Violation(
        saga="item purchase with a device",
        database="users",
        sql="UPDATE escrows SET purpose = 'commission' WHERE reference = $1",
        parameters=("saga_id",),
        expected=("purchased item {saga_id} of 25.00 is SUCCESS (settled)",),
    ),
    "a waiting item has no escrow": Violation(
        saga="queued menu item",
        waits=True,
        database="users",
        sql="UPDATE escrows SET status = 'VOIDED' WHERE reference = $1",
        parameters=("saga_id",),
        expected=("purchased item {saga_id} of 25.00 is PENDING (held), its escrows are ['25.00 VOIDED']",),
    ),
    "a queue counts an item too many": Violation(
        saga="queued menu item",
        waits=True,
        database="orders",
        sql="UPDATE performer_queues SET waiting = waiting + 1 WHERE performer_id = $1",
        parameters=("performer_id",),
        expected=("queue of performer {performer_id} counts ",),
    ),
    "a block of a queue lacks an item": Violation(
        saga="queued menu item",
        waits=True,
        database="orders",
        sql="UPDATE queue_blocks SET items = items - 1 WHERE size = 4096 AND performer_id = $1",
        parameters=("performer_id",),
        expected=("queue of performer {performer_id} counts ",),
    ),
    "an item that was declined keeps its escrow": Violation(
        saga="queued menu item",
        waits=True,
        database="orders",
        sql="UPDATE purchased_items SET status = 'DECLINED', settlement_status = 'refunded', ended_at = now()"
        " WHERE purchased_item_id = $1",
        parameters=("saga_id",),
        expected=(
            "purchased item {saga_id} of 25.00 is DECLINED (refunded), its escrows are ['25.00 HELD']",
            "queued menu item {saga_id} is WAITING, its item is DECLINED",
        ),
    ),
    "an item was paid at once and is not settled": Violation(
        saga="item purchase with a device",
        database="orders",
        sql="UPDATE purchased_items SET settlement_status = 'pending' WHERE purchased_item_id = $1",
        parameters=("saga_id",),
        expected=("purchased item {saga_id} of performer {performer_id} is pending by payout None",),
    ),
    "earnings of an item have another amount": Violation(
        saga="item purchase with a device",
        database="orders",
        sql="UPDATE earnings SET amount = amount + 1 WHERE item_id = $1",
        parameters=("saga_id",),
        expected=("earnings of performer {performer_id} are recorded wrongly: {saga_id}",),
    ),
    "earnings of a day are not their sum": Violation(
        saga="item purchase with a device",
        database="orders",
        sql="UPDATE earnings_by_day SET count = count + 1 WHERE performer_id = $1",
        parameters=("performer_id",),
        expected=("earnings of performer {performer_id} are recorded wrongly: 20",),
    ),
}

EARNINGS: Final = {
    "an item that was paid out is not settled": Violation(
        saga="payout",
        database="orders",
        sql="UPDATE purchased_items SET settlement_status = 'pending' WHERE payout_id = $1",
        parameters=("payout_id",),
        expected=("of performer {performer_user_id} is pending by payout {payout_id}, it was paid by {payout_id}",),
    ),
    "an item names no payout": Violation(
        saga="payout",
        database="orders",
        sql="UPDATE purchased_items SET payout_id = NULL WHERE payout_id = $1",
        parameters=("payout_id",),
        expected=("of performer {performer_user_id} is settled by payout None, it was paid by {payout_id}",),
    ),
    "earnings are pending again": Violation(
        saga="payout",
        database="users",
        sql="UPDATE pending_earnings SET payout_id = NULL WHERE payout_id = $1",
        parameters=("payout_id",),
        expected=(
            "pending earnings of performer {performer_user_id} are 0.00, what was not paid out sums up to 75.00",
            "payout {payout_id} of performer {performer_user_id} is 75.00 for 3 items and moved 75.00, its 0 items",
        ),
    ),
    "a batched payment is not pending": Violation(
        saga="payout",
        database="users",
        sql="DELETE FROM pending_earnings WHERE payout_id = $1",
        parameters=("payout_id",),
        expected=("to performer {performer_user_id} is not noted as pending",),
    ),
    "pending earnings were not paid": Violation(
        saga="payout",
        database="users",
        sql="UPDATE pending_earnings SET amount = amount + 1 WHERE payout_id = $1",
        parameters=("payout_id",),
        expected=("pending earnings of 26.00 for", "of performer {performer_user_id} were not paid"),
    ),
    "a payout has another amount": Violation(
        saga="payout",
        database="users",
        sql="UPDATE payouts SET amount = amount - 1 WHERE payout_id = $1",
        parameters=("payout_id",),
        expected=("payout {payout_id} of performer {performer_user_id} is 74.00 for 3 items and moved 75.00",),
    ),
    "a payout moved nothing": Violation(
        saga="payout",
        database="users",
        sql="UPDATE ledger_transactions SET kind = 'transfer' WHERE kind = 'payout' AND reference = $1",
        parameters=("payout_id",),
        expected=("payout {payout_id} of performer {performer_user_id} is 75.00 for 3 items and moved 0",),
    ),
    "a payout paid another performer's earnings": Violation(
        saga="payout",
        database="users",
        sql="UPDATE pending_earnings SET performer_user_id = gen_random_uuid() WHERE payout_id = $1",
        parameters=("payout_id",),
        expected=("payout {payout_id} of performer {performer_user_id} is 75.00",),
    ),
    "a payout is missing": Violation(
        saga="payout",
        database="users",
        sql="UPDATE payouts SET number = 2 WHERE payout_id = $1",
        parameters=("payout_id",),
        expected=("payouts of performer {performer_user_id} are not numbered without a gap",),
    ),
}
