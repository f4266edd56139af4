"""Deliberate bugs in the orders of commissions: their payment, their end, and who decides on them."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

SAGA: Final = "orchestrator/features/commissions/saga.py"
ORDERING: Final = "orchestrator/features/commissions/service/ordering.py"
RACES: Final = "tests/contracts/test_commission_races.py"
PAYMENTS: Final = "tests/e2e/test_commission_payments.py"

MUTATIONS: Final = (
    Mutation(
        name="an order that is refunded after a refused approval keeps its credits in escrow",
        file=SAGA,
        before="undoes = sale.hold_request_id or call.undoes_request_id",
        after="undoes = call.undoes_request_id",
        caught_by=(f"{RACES}::test_escrow_is_voided_after_an_approval_that_was_refused",),
        breaks=("a customer, admins, a payment and deadlines decide on one commission at once",),
    ),
    Mutation(
        name="the checkout of a cancelled order can still be paid",
        file=SAGA,
        before="            await self.checkouts.expire(sale.checkout.session_id)\n",
        after="",
        caught_by=(f"{PAYMENTS}::TestCheckout::test_cancelled_order_cannot_be_paid",),
    ),
    Mutation(
        name="a declined card ends the order",
        file="orchestrator/features/payments/messages.py",
        before="elif payment.status == EXPIRED:",
        after="else:",
        caught_by=(f"{PAYMENTS}::TestCheckout::test_webhooks_in_any_order_and_number_pay_once",),
    ),
    Mutation(
        name="a payment that is reported while its order is opened is forgotten",
        file=ORDERING,
        before="            raise Unavailable(order_id=order_id)\n",
        after="            return None\n",
        caught_by=(f"{RACES}::test_payment_that_is_reported_while_the_order_is_opened",),
        breaks=("a checkout is paid, and its webhooks come early, twice, in any order or never",),
    ),
    Mutation(
        name="a repeated request orders and charges a second time after the first order has ended",
        file=ORDERING,
        before="            was_accepted=_was_accepted,\n",
        after="",
        caught_by=(f"{RACES}::test_repeated_request_starts_no_second_order_after_the_first_has_ended",),
    ),
    Mutation(
        name="a backlink goes into an article whose owner allows none",
        file=ORDERING,
        before="if not article.links_allowed and article.owner_user_id != customer_id:",
        after="if article.owner_user_id is None:",
        caught_by=(f"{PAYMENTS}::TestRefusals::test_backlink_needs_an_own_article_or_its_owners_consent",),
    ),
    Mutation(
        name="one code of a flagged customer permits any number of orders",
        file=ORDERING,
        before='f"commission under {proof_key}"',
        after='"commission"',
        caught_by=(f"{PAYMENTS}::TestRefusals::test_code_of_a_flagged_customer_permits_one_order",),
    ),
    Mutation(
        name="an order is refunded that an admin has just retried",
        file="orchestrator/features/commissions/service/failed_orders.py",
        before="            if current.failed_at != order.failed_at or any(job.is_active for job in jobs):\n                return\n",
        after="",
        caught_by=(f"{RACES}::test_order_that_an_admin_has_just_retried_is_not_refunded",),
    ),
    Mutation(
        name="an admin refunds an unpaid order, or one that is being published",
        file="orchestrator/features/commissions/service/sales.py",
        before="kind=saga.kind, signal=signal)",
        after="kind=saga.kind)",
        caught_by=(f"{RACES}::test_unpaid_order_is_not_refunded",),
    ),
)
