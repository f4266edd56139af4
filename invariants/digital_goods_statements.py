"""The rows that the rules of digital goods need; see `invariants.snapshot`."""

from typing import Final

# `delivered`: the sum of what an order's items cost that are delivered.
DIGITAL_ORDERS: Final = """
    SELECT order_id, status, total, buyer_user_id, coalesce((
        SELECT sum(price) FROM digital_order_items AS item
        WHERE item.order_id = digital_orders.order_id AND item.status = 'DELIVERED'), 0) AS delivered
    FROM digital_orders
"""
ESCROWS: Final = "SELECT escrow_id, user_id, amount, status, reference FROM escrows WHERE purpose = 'digital_order'"
# The escrows of all other purposes but commissions: of what performers sell.
ITEM_ESCROWS: Final = """
    SELECT escrow_id, user_id, amount, status, reference, purpose FROM escrows
    WHERE purpose NOT IN ('commission', 'digital_order')
"""
# Items with codes that they should not have, or without those that they should have.
UNFIT_CODES: Final = """
    SELECT order_id, item_id, item.status, code.item_id IS NOT NULL AS has_codes
    FROM digital_order_items AS item JOIN digital_orders USING (order_id)
    LEFT JOIN digital_item_codes AS code USING (item_id)
    WHERE (code.item_id IS NOT NULL) <> (item.status IN ('READY', 'DELIVERED') AND keys_deleted_at IS NULL
        AND digital_orders.status NOT IN ('REFUNDED', 'CANCELLED'))
"""
# Items whose status does not fit that of their order.
UNFIT_ITEMS: Final = """
    SELECT order_id, item_id, item.status, digital_orders.status AS order_status
    FROM digital_order_items AS item JOIN digital_orders USING (order_id)
    WHERE (item.status = 'DELIVERED' AND digital_orders.status <> 'FULFILLED')
       OR (item.status IN ('PENDING', 'RESERVED') AND digital_orders.status IN ('READY', 'FULFILLED'))
       OR (item.status = 'READY' AND digital_orders.status = 'FULFILLED')
       OR (item.status = 'PENDING' AND digital_orders.status = 'WAITING')
"""
