"""Changes that violate the invariants of digital goods. tests/unit/invariants/test_digital_goods.py has the rules in detail."""

# ruff: noqa: S608 - the statements are composed of constants

from typing import Final

from tests.contracts.violation import Violation

ITEM: Final = "order_id = $1 AND position = 1"
ITEM_ID: Final = f"(SELECT item_id FROM digital_order_items WHERE {ITEM})"

DIGITAL_GOODS: Final = {
    "a delivered order is refunded": Violation(
        saga="digital order",
        database="orders",
        sql="UPDATE digital_orders SET status = 'REFUNDED' WHERE order_id = $1",
        parameters=("saga_id",),
        expected=(
            "digital order saga {saga_id} is COMPLETED, its order is REFUNDED",
            "digital order {saga_id} of 30.00 is REFUNDED, its escrows are ['30.00 RELEASED']",
            "the platform collected ['15.00'] for digital order {saga_id}, which is not FULFILLED",
            "of digital order {saga_id} is DELIVERED, the order is REFUNDED",
        ),
    ),
    "a key was charged that never came": Violation(
        saga="digital order",
        database="orders",
        sql=f"UPDATE digital_order_items SET status = 'FAILED' WHERE {ITEM}",
        parameters=("saga_id",),
        expected=(
            "digital order {saga_id} is to pay 0, collected: ['15.00 for digital_goods']",
            "of digital order {saga_id} is FAILED and has codes",
        ),
    ),
    "codes of a delivered item are lost": Violation(
        saga="digital order",
        database="orders",
        sql=f"DELETE FROM digital_item_codes WHERE item_id = {ITEM_ID}",
        parameters=("saga_id",),
        expected=("of digital order {saga_id} is DELIVERED and has no codes",),
    ),
    "an order waits for an item that was never reserved": Violation(
        saga="digital order by crypto",
        database="orders",
        sql="UPDATE digital_orders SET status = 'WAITING', paid_at = now() WHERE order_id = $1",
        parameters=("saga_id",),
        expected=(
            "of digital order {saga_id} is PENDING, the order is WAITING",
            "digital order {saga_id} of 30.00 is WAITING, its escrows are []",
        ),
        waits=True,
    ),
    "an escrow is held for no digital order": Violation(
        saga="digital order",
        database="orders",
        sql="DELETE FROM digital_orders WHERE order_id = $1",
        parameters=("saga_id",),
        expected=("of digital order {saga_id} is HELD without an order", "{saga_id} is WAITING, its order is None"),
        waits=True,
    ),
}
