"""Deliberate bugs in purchased items and performers' queues."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

ITEMS: Final = "tests/integration/orders/test_purchased_items.py"
ENDS: Final = "tests/integration/orders/test_purchased_item_ends.py::TestEnd"
QUEUES: Final = "tests/integration/orders/test_performer_queues.py"
TABLES: Final = "tests/integration/orders/test_purchased_item_tables.py"
PUBLIC: Final = "tests/integration/orders/test_public_items.py::TestDetail"
STATEMENTS: Final = "orders/purchased_items/statements.py"
MIGRATION: Final = "orders/migrations/versions/0009_purchased_items.py"

MUTATIONS: Final = (
    Mutation(
        name="fans open a limited item without waiting for each other (no lock)",
        file=MIGRATION,
        before="        PERFORM pg_advisory_xact_lock(hashtextextended('daily limit ' || asked_offer_id || ' ' || asked_day, 0));\n",
        after="",
        caught_by=(f"{TABLES}::TestDailyLimit::test_openings_of_a_limited_item_run_one_after_the_other",),
        breaks=("fifty buyers want an item with a daily limit of ten",),
    ),
    Mutation(
        name="ended items count for the daily limit",
        file=MIGRATION,
        before="""COUNTED = "status IN ('OPENING', 'PENDING', 'IN_PROGRESS', 'SUCCESS')\"""",
        after="""COUNTED = "true\"""",
        caught_by=(f"{ITEMS}::TestDailyLimit::test_ended_items_do_not_count",),
    ),
    Mutation(
        name="the day of a limit is UTC's",
        file="orders/purchased_items/schemas.py",
        before="        return moment.astimezone(zone_of(self.time_zone)).date()\n",
        after="        return moment.astimezone(UTC).date()\n",
        caught_by=(f"{ITEMS}::TestDailyLimit::test_day_is_the_performers",),
    ),
    Mutation(
        name="a body's idempotency key opens several items",
        file=MIGRATION,
        before="    CREATE UNIQUE INDEX uq_purchased_items_idempotency_key",
        after="    CREATE INDEX uq_purchased_items_idempotency_key",
        caught_by=(f"{ITEMS}::TestIdempotencyKey::test_of_hundred_concurrent_openings_one_succeeds",),
        breaks=("a body's `idempotency_key` is sent a hundred times concurrently",),
    ),
    Mutation(
        name="a batched item is settled before its payout",
        file=STATEMENTS,
        before="CASE WHEN is_batched AND payout_id IS NULL THEN 'pending'",
        after="CASE WHEN is_batched AND false THEN 'pending'",
        caught_by=(f"{ITEMS}::TestSettle::test_batched_items_are_settled_by_their_payout",),
    ),
    Mutation(
        name="a payout before the completion is forgotten",
        file=STATEMENTS,
        before="CASE WHEN is_batched AND payout_id IS NULL THEN 'pending'",
        after="CASE WHEN is_batched THEN 'pending'",
        caught_by=(f"{ITEMS}::TestSettle::test_before_the_completion_arrives",),
        breaks=("a batch is paid out before its item is complete",),
    ),
    Mutation(
        name="the end of an item leaves its settlement as it was",
        file=STATEMENTS,
        before="CASE settlement_status WHEN 'held' THEN 'refunded'",
        after="CASE settlement_status WHEN 'held' THEN 'held'",
        caught_by=(f"{ENDS}::test_ends_by_its_reason",),
    ),
    Mutation(
        name="an end reaches an item that another request opened",
        file=STATEMENTS,
        before='    found="opened_by_request_id = :undoes_request_id",\n',
        after="",
        caught_by=(f"{ENDS}::test_of_an_opening_that_was_refused_leaves_the_first_alone",),
    ),
    Mutation(
        name="an item that ends keeps its place in the queue",
        file=MIGRATION,
        before="NEW.status <> 'PENDING' AND OLD.status = 'PENDING' AND OLD.place IS NOT NULL;",
        after="NEW.status = 'IN_PROGRESS' AND OLD.status = 'PENDING' AND OLD.place IS NOT NULL;",
        caught_by=(
            f"{QUEUES}::TestPosition::test_follows_the_end_of_another_item",
            f"{QUEUES}::TestAgainstAPlainCount",
        ),
        breaks=("items enter and leave a queue in any order",),
    ),
    Mutation(
        name="a position does not count the blocks of 4,096 before it",
        file=MIGRATION,
        before="WHERE performer_id = asked_performer_id AND size = 4096 AND block < asked_place / 4096",
        after="WHERE performer_id = asked_performer_id AND size = 4096 AND false",
        caught_by=(f"{QUEUES}::TestAgainstAPlainCount",),
    ),
    Mutation(
        name="a position is counted item by item",
        file=MIGRATION,
        before="""            SELECT items, minutes FROM queue_blocks
            WHERE performer_id = asked_performer_id AND size = 4096 AND block < asked_place / 4096
            UNION ALL""",
        after="""            SELECT 1 AS items, estimated_minutes AS minutes FROM purchased_items
            WHERE performer_id = asked_performer_id AND status = 'PENDING' AND place < asked_place / 4096 * 4096
            UNION ALL""",
        caught_by=("tests/integration/orders/test_queue_plans.py",),
    ),
    Mutation(
        name="an item's turn is announced with every change of the queue",
        file="orders/performer_queues/repository.py",
        before="          AND item.place > queue.announced_place),",
        after="          AND item.place > 0),",
        caught_by=(f"{QUEUES}::TestTurn::test_of_one_started_out_of_order_is_not_announced_again",),
    ),
    Mutation(
        name="two copies of the service announce one turn (no lock)",
        file="orders/performer_queues/repository.py",
        before='WHERE is_changed LIMIT :batch FOR UPDATE SKIP LOCKED")',
        after='WHERE is_changed LIMIT :batch")',
        caught_by=(f"{QUEUES}::TestTurn::test_concurrent_copies_announce_it_once",),
    ),
    Mutation(
        name="the performer sees who bought an item",
        file="orders/purchased_items/schemas.py",
        before='self._shown() | {"source_id": None, "idempotency_key": None}',
        after="self._shown()",
        caught_by=(f"{PUBLIC}::test_performer_sees_neither_buyer_nor_key",),
    ),
    Mutation(
        name="any user sees a purchased item",
        file="orders/purchased_items/service.py",
        before="        elif to.user_id == item.performer_id:\n",
        after="        elif to.user_id:\n",
        caught_by=(f"{PUBLIC}::test_others_find_nothing",),
    ),
)
