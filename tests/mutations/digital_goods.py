"""Deliberate bugs in digital goods: stock, the collection of a part of an escrow, and the sagas of orders."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

PART: Final = "tests/integration/users/test_escrow_collection.py::TestCollectPart"
PRODUCTS: Final = "tests/integration/events/test_products.py"
GOODS: Final = "orchestrator/features/digital_goods"
RACES: Final = "tests/contracts/test_digital_order_races.py"
PAYMENTS: Final = "tests/e2e/test_digital_order_payments.py"
CONTRACT: Final = "tests/contracts/test_actions.py"

MUTATIONS: Final = (
    Mutation(
        name="the platform keeps what was not delivered",
        file="users/ledger/statements.py",
        before="                  coalesce(CAST(:amount AS numeric), amount) AS part),\n",
        after="                  amount AS part),\n",
        caught_by=(f"{PART}::test_one_movement_pays_the_platform_and_returns_the_rest",),
    ),
    Mutation(
        name="more than an escrow has is collected from it",
        file="users/ledger/statements.py",
        before="          AND coalesce(CAST(:amount AS numeric) <= amount, true)\n",
        after="",
        caught_by=(f"{PART}::test_more_than_the_escrow_is_refused_and_leaves_it_held",),
    ),
    Mutation(
        name="an order takes more than the stock",
        file="events/products/statements.py",
        before="        WHERE locked.is_active IS NOT TRUE OR remaining < 0\n",
        after="        WHERE locked.is_active IS NOT TRUE OR stock < 0\n",
        caught_by=(f"{PRODUCTS}::TestTakingStock::test_all_products_are_taken_or_none",),
    ),
    Mutation(
        name="an order takes what is in stock and leaves the rest out",
        file="events/products/statements.py",
        before="        WHERE products.product_id = locked.product_id AND remaining IS NOT NULL AND EXISTS (SELECT FROM allowed)\n",
        after="        WHERE products.product_id = locked.product_id AND remaining >= 0\n",
        caught_by=(f"{PRODUCTS}::TestTakingStock::test_all_products_are_taken_or_none",),
    ),
    Mutation(
        name="stock is returned by each undo",
        file="events/products/statements.py",
        before="        WHERE request_id = :undoes_request_id AND returned_at IS NULL AND NOT EXISTS (SELECT FROM prior)\n",
        after="        WHERE request_id = :undoes_request_id AND NOT EXISTS (SELECT FROM prior)\n",
        caught_by=(f"{PRODUCTS}::TestReturningStock::test_what_the_request_took_is_returned_once",),
    ),
    Mutation(
        name="an inactive product is sold",
        file="events/products/statements.py",
        before="        WHERE locked.is_active IS NOT TRUE OR remaining < 0\n",
        after="        WHERE locked.is_active IS NULL OR remaining < 0\n",
        caught_by=(f"{PRODUCTS}::TestTakingStock::test_unknown_and_inactive_products_are_refused",),
    ),
    Mutation(
        name="a buyer pays for a key that never came",
        file=f"{GOODS}/saga.py",
        before="if item.status is DigitalItemStatus.READY]",
        after="]",
        caught_by=(f"{CONTRACT}::test_completes_without_faults[digital order by crypto]",),
    ),
    Mutation(
        name="a crypto payment that is reported while its order is opened is forgotten",
        file=f"{GOODS}/service/ordering.py",
        before="            raise Unavailable(order_id=order_id)\n",
        after="            return None\n",
        caught_by=(f"{RACES}::test_payment_that_is_reported_while_the_order_is_opened",),
        breaks=("a crypto payment of a digital order is reported early, twice, partly, late or never",),
    ),
    Mutation(
        name="a digital order is refunded that an admin has just retried",
        file=f"{GOODS}/service/failed_orders.py",
        before=" and not any(job.is_active for job in jobs):\n",
        after=":\n",
        caught_by=(f"{RACES}::test_order_that_an_admin_has_just_retried_is_not_refunded",),
        breaks=("a buyer, admins, the supplier, a payment and deadlines decide on one digital order at once",),
    ),
    Mutation(
        name="an admin refunds a digital order that is not paid",
        file=f"{GOODS}/service/sales.py",
        before="kind=saga.kind, signal=signal)",
        after="kind=saga.kind)",
        caught_by=(f"{RACES}::test_unpaid_order_is_not_refunded",),
    ),
    Mutation(
        name="one code of a flagged buyer permits any number of digital orders",
        file=f"{GOODS}/service/ordering.py",
        before='f"digital order under {proof_key}"',
        after='"digital order"',
        caught_by=(f"{PAYMENTS}::TestRefusals::test_code_of_a_flagged_buyer_permits_one_order",),
    ),
)
