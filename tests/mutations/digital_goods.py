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
FULFILMENT: Final = "tests/integration/fulfilment/test_fulfilment.py"
READING: Final = "tests/integration/digital_goods/test_reading.py"
CODES: Final = "tests/integration/digital_goods/test_codes.py"
CLOSING: Final = "tests/integration/users/test_payment_closing.py"
NOTICES: Final = "tests/unit/orchestrator/test_notices.py::TestDigitalGoods"

MUTATIONS: Final = (
    Mutation(
        name="a preview of a link starts the deletion of its codes",
        file=f"{GOODS}/routes/codes.py",
        before="    if request.scope.get(IS_HEAD):\n",
        after="    if request.method == 'HEAD':\n",
        caught_by=(f"{READING}::test_buyer_downloads_the_codes_by_a_link_that_needs_no_token",),
    ),
    Mutation(
        name="links to codes are issued without limit",
        file=f"{GOODS}/service/reading.py",
        before="        await self._limit(LINK, order_id, user)\n",
        after="",
        caught_by=(f"{READING}::test_reveals_that_failed_do_not_count_and_links_are_limited_too",),
    ),
    Mutation(
        name="an error about a stored object shows its codes",
        file=f"{GOODS}/schemas/codes.py",
        before="    model_config = ConfigDict(hide_input_in_errors=True)\n",
        after="",
        caught_by=(f"{CODES}::test_error_about_codes_does_not_show_them",),
    ),
    Mutation(
        name="codes stay in the log of webhooks",
        file="orchestrator/features/inbound_webhooks/jobs.py",
        before="        await self.log.end(webhook, outcome, kept=without_codes(webhook.body) if is_done else None)\n",
        after="        await self.log.end(webhook, outcome, kept=webhook.body if is_done else None)\n",
        caught_by=(f"{FULFILMENT}::TestNotices::test_codes_of_a_notice_do_not_stay_in_the_log_of_webhooks",),
    ),
    Mutation(
        name="a part of a payment stays uncredited after its order has ended",
        file="users/payments/status.py",
        before="    return _settled(payment, decision) if payment.is_closed else decision\n",
        after="    return decision\n",
        caught_by=(f"{CLOSING}::test_part_of_an_ended_order_becomes_credits_once[True]",),
    ),
    Mutation(
        name="a part of a payment is credited as the whole",
        file="users/payments/status.py",
        before="    return min(share.quantize(CENT, ROUND_DOWN, _EXACT), amount)\n",
        after="    return amount if share else share\n",
        caught_by=(
            "tests/unit/users/test_crypto_deposits.py::TestClosing::test_part_becomes_its_share_of_the_amount[True]",
        ),
    ),
    Mutation(
        name="coins that come after a settlement disappear",
        file="users/payments/status.py",
        before="    is_over = payment.is_credited and not is_settled and payment.deposits.keys() <= {name}\n",
        after="    is_over = payment.is_credited and payment.deposits.keys() <= {name}\n",
        caught_by=(
            "tests/unit/users/test_crypto_deposits.py::TestClosing::test_rest_that_comes_after_the_settlement_is_flagged",
        ),
    ),
    Mutation(
        name="an ended order leaves its payment open",
        file="orchestrator/features/digital_goods/saga.py",
        before="        await self.payments.payments.close(call, payment_id_of(sale.saga_id))\n",
        after="        assert call.undoes_request_id\n",
        caught_by=(f"{PAYMENTS}::TestCrypto::test_part_of_a_cancelled_order_becomes_credits",),
    ),
    Mutation(
        name="a paid order has an email of its payment besides its own",
        file="orchestrator/features/notifications/models/payment_emails.py",
        before='    "payment.confirmed": None,\n',
        after="",
        caught_by=(f"{NOTICES}::test_payment_of_an_order_brings_an_email_only_if_the_order_brings_none",),
    ),
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
