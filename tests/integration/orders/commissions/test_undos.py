"""The undos of a commission: of its opening, and of the beginning of its publication."""

import pytest

from common.db.engine import Database
from tests.integration.orders.commissions.commission_caller import (
    PATHS,
    CommissionCaller,
    Order,
    at_once,
    commission,
    outcome,
)
from tests.integration.orders.item_caller import told_of

PAID = ["PROCESSING", "QUALITY_CHECK", "ADMIN_REVIEW", "PUBLISHING", "FAILED"]


class TestEnd:
    @pytest.mark.parametrize("status", ["AWAITING_PAYMENT", *PAID])
    async def test_ends_by_what_was_paid(self, commissions: CommissionCaller, database: Database, status: str) -> None:
        order, ended = await commissions.at(status), "CANCELLED" if status == "AWAITING_PAYMENT" else "REFUNDED"

        for _ in range(2):
            await commissions.perform(order, "end")

        facts = await commissions.find(order)
        cause = {"FAILED": ("TEXT_REFUSED", "The text did not pass the checks.")}  # the first cause stays
        assert (facts.status, facts.ended_at is not None) == (ended, True)
        assert (facts.failure_code, facts.failure_message) == cause.get(
            status, ("COMMISSION_REFUNDED", "The order was refunded.")
        )
        kinds = [kind for kind, _ in await told_of(database, str(order.key))]
        assert kinds.count(f"commission.{ended.lower()}") == 1

    async def test_opening_order_is_discarded(self, commissions: CommissionCaller, database: Database) -> None:
        order = await commissions.at("OPENING")

        for _ in range(2):
            await commissions.perform(order, "end")

        assert await outcome(commissions.perform(order, "accept")) == "ORDER_NOT_FOUND"
        assert await told_of(database, str(order.key)) == []

    async def test_before_the_opening_refuses_it(self, commissions: CommissionCaller) -> None:
        order = Order(commission())

        await commissions.perform(order, "end")

        assert await outcome(commissions.perform(order, "open")) == "REQUEST_UNDONE"

    async def test_while_the_opening_is_in_progress_leaves_nothing(self, commissions: CommissionCaller) -> None:
        for _ in range(20):
            order = Order(commission())

            opened, ended = await at_once(commissions.perform(order, "open"), commissions.perform(order, "end"))

            assert (opened in {None, "REQUEST_UNDONE"}, ended) == (True, None)
            assert await outcome(commissions.perform(order, "accept")) == "ORDER_NOT_FOUND"

    async def test_of_a_completed_order_is_refused(self, commissions: CommissionCaller) -> None:
        order = await commissions.at("COMPLETED")

        assert await outcome(commissions.perform(order, "end")) == "ORDER_INVALID_STATE"
        assert await commissions.status(order) == "COMPLETED"

    async def test_of_an_opening_that_was_refused_leaves_the_first_alone(self, commissions: CommissionCaller) -> None:
        order = await commissions.at("PROCESSING")
        refused = order.renew("open", "end")
        await outcome(commissions.perform(refused, "open"))

        await commissions.perform(refused, "end")

        assert await commissions.status(order) == "PROCESSING"

    @pytest.mark.parametrize("name", ["add_version", "fail", "accept"])
    async def test_late_action_is_refused(self, commissions: CommissionCaller, name: str) -> None:
        order = (await commissions.at("REFUNDED")).renew(name)

        assert await outcome(commissions.perform(order, name)) == "ORDER_INVALID_STATE"


class TestAbandonPublication:
    async def test_order_is_in_review_again_and_can_be_approved_again(self, commissions: CommissionCaller) -> None:
        order = await commissions.at("PUBLISHING")

        for _ in range(2):
            await commissions.perform(order, "abandon_publication")

        assert await commissions.status(order) == "ADMIN_REVIEW"
        await commissions.perform(order.renew("begin_publication"), "begin_publication")
        await commissions.perform(order, "abandon_publication")  # a late copy
        assert await commissions.status(order) == "PUBLISHING"

    async def test_before_the_beginning_refuses_it(self, commissions: CommissionCaller) -> None:
        order = await commissions.at("ADMIN_REVIEW")

        await commissions.perform(order, "abandon_publication")

        assert await outcome(commissions.perform(order, "begin_publication")) == "REQUEST_UNDONE"
        assert await commissions.status(order) == "ADMIN_REVIEW"

    @pytest.mark.parametrize("status", sorted(PATHS.keys() - {"PUBLISHING", "COMPLETED", "OPENING"}))
    async def test_of_a_beginning_that_was_refused_changes_nothing(
        self, commissions: CommissionCaller, status: str
    ) -> None:
        order = (await commissions.at(status)).renew("begin_publication")
        if status != "ADMIN_REVIEW":
            assert await outcome(commissions.perform(order, "begin_publication")) == "ORDER_INVALID_STATE"

        await commissions.perform(order, "abandon_publication")

        assert await commissions.status(order) == status

    async def test_of_a_completed_order_is_refused(self, commissions: CommissionCaller) -> None:
        order = await commissions.at("COMPLETED")

        assert await outcome(commissions.perform(order, "abandon_publication")) == "ORDER_INVALID_STATE"
