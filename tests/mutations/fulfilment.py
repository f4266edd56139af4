"""Deliberate bugs in the fulfilment of digital orders: reservations, notices, and the storage of codes."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

GOODS: Final = "orchestrator/features/digital_goods"
TESTS: Final = "tests/integration/fulfilment/test_fulfilment.py"
ANSWERS: Final = "tests/integration/providers/test_supplier_faults.py"
UNSETTLED: Final = "tests/integration/fulfilment/test_unsettled.py"
NOTICES: Final = f"{TESTS}::TestNotices"
POLLER: Final = f"{TESTS}::TestPoller"

MUTATIONS: Final = (
    Mutation(
        name="each attempt buys an item of a digital order again",
        file=f"{GOODS}/jobs.py",
        before="request_id=str(item.item_id))",
        after="request_id=str(uuid.uuid4()))",
        caught_by=("tests/chaos/test_goods_crashes.py::test_worker_killed_around_every_write[after reserve]",),
        breaks=("the worker is killed around any write of a digital order's jobs",),
    ),
    Mutation(
        name="an order whose items cannot be reserved is never called failed",
        file=f"{GOODS}/jobs.py",
        before='        if work.type == "reserve":\n            await self.delivery.fail_order(',
        after="        if False:\n            await self.delivery.fail_order(",
        caught_by=(f"{TESTS}::TestReserving::test_job_that_fails_six_times_is_dead_until_an_admin_retries_it",),
        breaks=("the supplier fails, answers nonsense, or its replies are lost",),
    ),
    Mutation(
        name="a notice of a reservation that is not stored yet is forgotten",
        file=f"{GOODS}/jobs.py",
        before="            await self.delivery.ask(order, item)\n",
        after="            pass\n",
        caught_by=(f"{NOTICES}::test_notice_of_an_unknown_reservation_is_matched_by_asking_later",),
        breaks=("notices of the supplier come in any order, twice, too early, forged or never",),
    ),
    Mutation(
        name="a notice of failure is believed although the supplier has delivered",
        file=f"{GOODS}/service/delivery.py",
        before="        if said.status is ReservationStatus.FAILED or not is_complete:\n",
        after="        if said.status is not ReservationStatus.FAILED and not is_complete:\n",
        caught_by=(f"{NOTICES}::test_supplier_decides_whether_a_notice_of_failure_holds",),
    ),
    Mutation(
        name="a failed order without a dead job is never settled",
        file=f"{GOODS}/service/failed_orders.py",
        before="        await self._each(DigitalOrderStatus.FAILED, self.grace, self.settle)\n",
        after="",
        caught_by=(
            f"{TESTS}::TestReserving::test_order_of_which_nothing_comes_is_refunded_although_the_last_worker_crashed",
        ),
    ),
    Mutation(
        name="a paid order whose job was refused waits for the deadline",
        file=f"{GOODS}/service/failed_orders.py",
        before="        await self._each(DigitalOrderStatus.PAID, self.grace, self.fail)\n",
        after="",
        caught_by=(f"{TESTS}::TestReserving::test_order_whose_job_ended_without_a_word_is_failed[refused]",),
    ),
    Mutation(
        name="the deadline refunds codes that came",
        file=f"{GOODS}/service/polling.py",
        before="            if is_late:\n",
        after="            if False:\n",
        caught_by=(f"{UNSETTLED}::test_before_the_deadline_what_came_is_delivered",),
        breaks=("a part of a digital order does not come, or no job works on it any more",),
    ),
    Mutation(
        name="an admin's refund takes back a code that came",
        file=f"{GOODS}/service/admin.py",
        before="        if has_codes(order) and order.status is not DigitalOrderStatus.REFUNDED:\n",
        after="        if False:\n",
        caught_by=(f"{UNSETTLED}::test_admin_refunds_what_has_not_come",),
    ),
    Mutation(
        name="an item that cannot be reserved keeps the others from being reserved",
        file=f"{GOODS}/jobs.py",
        before="                problems.append(error)\n",
        after="                raise error\n",
        caught_by=(f"{UNSETTLED}::test_item_that_cannot_be_reserved_keeps_no_other_from_its_buyer",),
    ),
    Mutation(
        name="an order with a reservation that another item has hangs without an alert",
        file=f"{GOODS}/jobs.py",
        before="        if isinstance(error, Conflict | NotFound) and await self._has_ended(work.order_id):\n",
        after="        if isinstance(error, Conflict | NotFound):\n",
        caught_by=(f"{UNSETTLED}::test_supplier_that_names_one_reservation_for_two_units_delivers_one",),
    ),
    Mutation(
        name="a notice that comes before its reservation is stored is never matched",
        file="orchestrator/features/inbound_webhooks/jobs.py",
        before="        if outcome is DeliveryOutcome.UNMATCHED and not context.is_last_attempt:\n",
        after="        if False:\n",
        caught_by=(f"{NOTICES}::test_notice_of_an_unknown_reservation_is_kept_and_matched_once_it_is_stored",),
    ),
    Mutation(
        name="a reservation that the supplier does not know yet fails its order for good",
        file=f"{GOODS}/service/delivery.py",
        before="            if item.reserved_at is None or datetime.now(UTC) - item.reserved_at < self.unknown_after:\n",
        after="            if False:\n",
        caught_by=(f"{UNSETTLED}::test_reservation_that_the_supplier_does_not_know_yet_has_not_failed",),
    ),
    Mutation(
        name="the supplier is asked about old orders as often as about new ones",
        file=f"{GOODS}/service/polling.py",
        before="        pause = min(max(self.longer_than, age / SHARE_OF_AGE), LONGEST_PAUSE)\n",
        after="        pause = self.longer_than\n",
        caught_by=(f"{POLLER}::test_orders_that_wait_for_long_are_asked_about_less_often",),
    ),
    Mutation(
        name="codes that could not be stored for a minute wait for an admin",
        file=f"{GOODS}/jobs.py",
        before="        elif isinstance(error, Unavailable):\n            raise JobPostponed(",
        after="        elif False:\n            raise JobPostponed(",
        caught_by=(f"{TESTS}::TestStoring::test_long_outage_of_the_storage_loses_nothing_and_needs_no_admin",),
        breaks=("the storage is away while codes arrive",),
    ),
    Mutation(
        name="an answer that is not HTTP puts a code into the log",
        file="common/http/transport.py",
        before="raise httpx.RemoteProtocolError(type(error).__name__, request=request) from None\n",
        after="raise httpx.RemoteProtocolError(type(error).__name__, request=request) from error\n",
        caught_by=(f"{ANSWERS}::test_unreadable_answer_is_tried_again_and_shows_no_code[not HTTP]",),
    ),
)
