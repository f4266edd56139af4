"""Deliberate bugs in menus, the renewal of subscriptions, and performers' devices."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

RENEWALS: Final = "tests/contracts/test_renewals.py"
RACES: Final = "tests/contracts/test_item_races.py"
MENUS: Final = "tests/e2e/test_menus.py"
DEVICES: Final = "tests/e2e/test_devices.py"
RENEWAL_JOB: Final = "orchestrator/features/subscriptions/jobs.py"

MUTATIONS: Final = (
    Mutation(
        name="two requests pay two periods of a subscription",
        file="orchestrator/features/subscriptions/models.py",
        before="        idempotency_key=period_key(performer.performer_id, number=number),\n",
        after="        idempotency_key=None,\n",
        caught_by=(f"{RENEWALS}::TestSubscribe::test_concurrent_requests_pay_one_period[keys0]",),
        breaks=("workers and a fan renew one subscription at once",),
    ),
    Mutation(
        name="a renewal costs more than was agreed",
        file=RENEWAL_JOB,
        before="price = min(due.price, performer.subscription_price)",
        after="price = performer.subscription_price",
        caught_by=(f"{RENEWALS}::TestRenewal::test_smaller_one_of_agreed_and_present_price_counts[present1]",),
    ),
    Mutation(
        name="a buyer cancels an item that is being performed",
        file="orchestrator/features/purchased_items/service.py",
        before='signal=SIGNAL_OF_PENDING.get(saga.kind, ""))',
        after="signal=SIGNAL_OF_PENDING.get(None))",
        caught_by=(f"{RACES}::test_buyer_cannot_cancel_after_the_start",),
        breaks=("a buyer, a performer and the deadline decide on one item at once",),
    ),
    Mutation(
        name="a lapsed subscription opens menus",
        file="orchestrator/features/menus/service/menus.py",
        before="return subscription is not None and subscription.is_active",
        after="return subscription is not None",
        caught_by=(
            f"{MENUS}::TestAccess::test_menu_for_subscribers_opens_with_a_subscription_and_closes_when_it_lapses",
        ),
    ),
    Mutation(
        name="a device that fails for good is not on the record",
        file="orchestrator/features/menus/jobs.py",
        before='await self.items.note_device(item_id, status="failed", error=error.reason)',
        after='await self.items.note_device(item_id, status="activated")',
        caught_by=(f"{DEVICES}::test_purchase_stands_when_the_device_fails_for_good",),
    ),
)
