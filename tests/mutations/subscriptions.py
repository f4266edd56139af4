"""Deliberate bugs in subscriptions, and in what performers are told of their earnings."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

SUBSCRIPTIONS: Final = "tests/integration/orders/test_subscriptions.py"
RENEWALS: Final = "tests/contracts/test_renewals.py"
EARNINGS: Final = "tests/integration/orders/test_earnings.py"
PERSONAL_DATA: Final = "tests/integration/orders/test_personal_data.py"
PAID_TWICE: Final = "a subscription is paid twice at once, or cancelled during its renewal"
STATEMENTS: Final = "orders/subscriptions/statements.py"

MUTATIONS: Final = (
    Mutation(
        name="two payments extend a subscription once",
        file=STATEMENTS,
        before="ends_at = greatest(s.ends_at, clock_timestamp()) +",
        after="ends_at = clock_timestamp() +",
        caught_by=(
            f"{SUBSCRIPTIONS}::TestPeriod::test_next_one_extends_it_at_the_price_that_was_paid",
            f"{SUBSCRIPTIONS}::TestPeriod::test_concurrent_ones_extend_it_as_often_as_they_were_paid",
        ),
        breaks=(PAID_TWICE,),
    ),
    Mutation(
        name="a subscription that is cancelled during its renewal renews again",
        file=STATEMENTS,
        before="renews = s.renews OR NOT {stays_ended},",
        after="renews = true,",
        caught_by=(f"{SUBSCRIPTIONS}::TestCancellation::test_outlives_a_renewal_in_progress",),
    ),
    Mutation(
        name="a renewal lets a subscription renew that has ended meanwhile",
        file=STATEMENTS,
        before="(SELECT renewed_periods IS NOT NULL OR coalesce",
        after="(SELECT coalesce",
        caught_by=(f"{SUBSCRIPTIONS}::TestRenewal::test_one_in_progress_leaves_a_subscription_ended",),
    ),
    Mutation(
        name="a subscription that was cancelled before its renewal is charged",
        file=STATEMENTS,
        before="AND renews AND periods = :renewed_periods))",
        after="AND periods = :renewed_periods))",
        caught_by=(f"{SUBSCRIPTIONS}::TestCancellation::test_comes_before_a_renewal_that_has_not_begun",),
    ),
    Mutation(
        name="a fan who renews loses access until the next renewals",
        file=STATEMENTS,
        before='RENEWED_BEFORE: Final = "1 hour"\n',
        after='RENEWED_BEFORE: Final = "0 hours"\n',
        caught_by=(
            f"{SUBSCRIPTIONS}::TestRenewal::test_is_due_shortly_before_the_end_of_the_period",
            f"{RENEWALS}::TestRenewal::test_access_has_no_gap",
        ),
    ),
    Mutation(
        name="a fan's own key stops the renewals of their subscription",
        file="orders/migrations/versions/0009_purchased_items.py",
        before="(buyer_user_id, (type = 'subscription'), idempotency_key)",
        after="(buyer_user_id, idempotency_key)",
        caught_by=(
            "tests/integration/orders/test_purchased_items.py::TestIdempotencyKey::test_of_an_item_is_not_that_of_a_period",
        ),
    ),
    Mutation(
        name="subscriptions that cannot be renewed stop the renewals of others",
        file="orchestrator/features/subscriptions/jobs.py",
        before="            await asyncio.gather(*(self._renew(one, performers) for one in due))\n",
        after="            await asyncio.gather(*(self._renew(one, performers) for one in due))\n            return\n",
        caught_by=(f"{RENEWALS}::TestRenewal::test_one_that_stays_stops_no_other",),
    ),
    Mutation(
        name="a renewal whose outcome is unknown ends the subscription",
        file="orchestrator/features/subscriptions/jobs.py",
        before="        if refusal.code in ENDING:\n",
        after="        if refusal.code:\n",
        caught_by=(f"{RENEWALS}::TestRenewal::test_outage_ends_nothing_and_is_tried_again",),
    ),
    Mutation(
        name="a late refusal ends a subscription that was paid since",
        file=STATEMENTS,
        before="subscription_id = :subscription_id AND periods = :periods AND renews",
        after="subscription_id = :subscription_id AND periods >= :periods AND renews",
        caught_by=(f"{SUBSCRIPTIONS}::TestRenewal::test_late_refusal_ends_nothing_that_was_paid_since",),
    ),
    Mutation(
        name="a fan is reminded of a subscription's renewal again and again",
        file=STATEMENTS,
        before='    "is_reminded = true",\n',
        after='    "is_reminded = false",\n',
        caught_by=(f"{SUBSCRIPTIONS}::TestRenewal::test_is_announced_once_for_each_period",),
    ),
    Mutation(
        name="a subscription to a deleted performer is renewed",
        file="orders/personal_data/service.py",
        before="        while await self.subscriptions.end_of_performer(user_id, batch=ENDED_AT_ONCE):\n            self.wake_relay()\n",
        after="",
        caught_by=(
            f"{PERSONAL_DATA}::TestStage::test_subscriptions_to_a_deleted_performer_end_and_their_fans_are_told",
        ),
    ),
    Mutation(
        name="earnings of a repeated message count twice",
        file="orders/earnings/statements.py",
        before="        ON CONFLICT DO NOTHING\n",
        after="        ON CONFLICT (item_id) DO UPDATE SET at = excluded.at\n",
        caught_by=(f"{EARNINGS}::TestMessages::test_repeated_ones_count_once",),
        breaks=("an item's earnings are announced twice",),
    ),
    Mutation(
        name="earnings are those of the day in UTC",
        file="orders/earnings/repository.py",
        before='item["ended_at"].astimezone(zone_of(item["time_zone"])).date()',
        after='item["ended_at"].date()',
        caught_by=(f"{EARNINGS}::TestEarnings::test_count_from_midnight_of_the_performers_day",),
    ),
    Mutation(
        name="a sale beside the earnings names its buyer",
        file="orders/earnings/service.py",
        before="[item.for_performer() for item in items]",
        after="[item.for_buyer() for item in items]",
        caught_by=(f"{EARNINGS}::TestSales::test_are_listed_newest_first_without_the_buyers",),
    ),
    Mutation(
        name="an account with unpaid earnings is deleted",
        file="orders/personal_data/service.py",
        before="            earnings=items.unpaid,\n",
        after="            earnings=0,\n",
        caught_by=(f"{PERSONAL_DATA}::test_open_deals_are_counted",),
    ),
)
