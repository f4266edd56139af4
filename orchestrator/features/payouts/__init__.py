"""Payouts: workers pay out the pending earnings of performers who are settled in batches (Q6)."""

from collections.abc import Iterable
from typing import Final

from common.periodic import PeriodicTask
from orchestrator.feature import Feature, Resources
from orchestrator.features.payouts.jobs import PayoutSchedule
from orchestrator.features.payouts.saga import payout_plan
from orchestrator.features.payouts.settings import PayoutSettings

LONGEST_INTERVAL_SECONDS: Final = 60.0
"""How often workers look for earnings that are large enough, if they need not look more often for old ones."""


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    settings = resources.settings_of(PayoutSettings)
    schedule = PayoutSchedule(
        resources.engine,
        resources.clients,
        interval_seconds=settings.payout_interval_seconds,
        amount=settings.payout_amount,
    )
    interval_seconds = min(settings.payout_interval_seconds, LONGEST_INTERVAL_SECONDS)
    yield PeriodicTask(schedule.start_due, name="payouts", interval_seconds=interval_seconds)


FEATURE: Final = Feature(plans=lambda resources: [payout_plan(resources.clients)], periodic=_periodic)
