"""Deliberate bugs in the fulfilment of digital orders: reservations, notices, and the storage of codes."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

GOODS: Final = "orchestrator/features/digital_goods"
TESTS: Final = "tests/integration/fulfilment/test_fulfilment.py"
ANSWERS: Final = "tests/integration/providers/test_supplier_faults.py"
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
        before="            if context.is_last_attempt:\n                await fail_order(",
        after="            if False:\n                await fail_order(",
        caught_by=(f"{TESTS}::TestReserving::test_job_that_fails_six_times_is_dead_until_an_admin_retries_it",),
        breaks=("the supplier fails, answers nonsense, or its replies are lost",),
    ),
    Mutation(
        name="a notice of a reservation that is not stored yet is forgotten",
        file=f"{GOODS}/jobs.py",
        before="            await self.delivery.ask(order, item)\n",
        after="            pass\n",
        caught_by=(f"{NOTICES}::test_notice_of_an_unknown_reservation_is_kept_and_matched_once_it_is_stored",),
        breaks=("notices of the supplier come in any order, twice, too early, forged or never",),
    ),
    Mutation(
        name="a notice of failure is believed although the supplier has delivered",
        file=f"{GOODS}/service/delivery.py",
        before="        if said.status is not ReservationStatus.WAITING and not said.codes:\n",
        after="        if said.status not in {ReservationStatus.WAITING, ReservationStatus.FAILED} and not said.codes:\n",
        caught_by=(f"{NOTICES}::test_supplier_decides_whether_a_notice_of_failure_holds",),
    ),
    Mutation(
        name="an order of which nothing comes is refunded only by who called it failed",
        file=f"{GOODS}/service/failed_orders.py",
        before="orders if has_nothing_to_come(order)}",
        after="orders if not order.items}",
        caught_by=(f"{TESTS}::TestReserving::test_order_of_which_nothing_comes_is_refunded_if_who_was_to_do_so_died",),
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
        before="            if context.is_last_attempt:\n                raise JobPostponed(",
        after="            if False:\n                raise JobPostponed(",
        caught_by=(f"{TESTS}::TestStoring::test_storage_that_is_away_for_long_loses_nothing_and_needs_nobody",),
        breaks=("the storage is away while codes arrive",),
    ),
    Mutation(
        name="an answer that is not HTTP puts a code into the log",
        file=f"{GOODS}/adapters/supplier.py",
        before="raise SupplierUnavailable(reason=type(error).__name__) from None\n",
        after="raise SupplierUnavailable(reason=type(error).__name__) from error\n",
        caught_by=(f"{ANSWERS}::test_unreadable_answer_is_tried_again_and_shows_no_code[not HTTP]",),
    ),
)
