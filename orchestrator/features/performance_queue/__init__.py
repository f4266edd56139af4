"""The performance queue: tips and menu items that wait for their performer."""

from typing import Final

from orchestrator.feature import Feature
from orchestrator.features.performance_queue.routes import router
from orchestrator.features.performance_queue.service import PerformanceQueueService
from orchestrator.features.purchased_items.service import ItemPurchaseService

FEATURE: Final = Feature(
    routers=(router,),
    services=lambda resources: [
        PerformanceQueueService(
            resources.engine, resources.clients, resources.jobs, resources.service(ItemPurchaseService)
        )
    ],
)
