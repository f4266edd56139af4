"""Tips to performers."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from common.periodic import PeriodicTask
from orchestrator.feature import Feature, Resources
from orchestrator.features.purchased_items.service import ItemPurchaseService
from orchestrator.features.tips.jobs import FailedTipTask, TipJobHandler
from orchestrator.features.tips.models import KIND, PerformTip
from orchestrator.features.tips.repository import TipStore
from orchestrator.features.tips.routes import router
from orchestrator.features.tips.saga import tip_plans
from orchestrator.features.tips.service import TipService
from orchestrator.features.tips.settings import TipSettings
from orchestrator.jobs.policies import TWO_RETRIES, JobPolicy
from orchestrator.jobs.registry import JobHandler


def _services(resources: Resources) -> Iterable[object]:
    time_to_perform = timedelta(seconds=resources.settings_of(TipSettings).queued_tip_ttl_seconds)
    yield TipService(resources.service(ItemPurchaseService), time_to_perform)


def _job_handlers(resources: Resources) -> Iterable[JobHandler]:
    yield JobHandler(KIND, PerformTip, TipJobHandler(resources.engine, resources.clients).perform)


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    yield PeriodicTask(
        FailedTipTask(resources.engine, TipStore(resources.database)).end_all,
        name="failed tips",
        interval_seconds=resources.settings_of(TipSettings).failed_tips_interval_seconds,
    )


FEATURE: Final = Feature(
    routers=(router,),
    plans=lambda resources: tip_plans(resources.clients, resources.jobs),
    services=_services,
    # The message of the item tells of its end: `job.completed` would tell it twice.
    job_policies=(
        JobPolicy(
            KIND,
            max_attempts=3,
            retry_seconds=TWO_RETRIES,
            timeout_seconds=30,
            concurrency=8,
            publishes_completion=False,
        ),
    ),
    job_handlers=_job_handlers,
    periodic=_periodic,
)
