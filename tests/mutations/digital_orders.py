"""Deliberate bugs in the sagas of digital orders: their payment, their end, and who decides on them."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

GOODS: Final = "orchestrator/features/digital_goods"
RACES: Final = "tests/contracts/test_digital_order_races.py"
PAYMENTS: Final = "tests/e2e/test_digital_order_payments.py"
CONTRACT: Final = "tests/contracts/test_actions.py"

MUTATIONS: Final = (
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
        before="            if any(job.is_active for job in await self.store.of_order(order_id)):\n                return\n",
        after="",
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
