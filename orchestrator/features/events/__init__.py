"""Events: browse them, put one on sale."""

from typing import Final

from orchestrator.feature import Feature
from orchestrator.features.events.routes import router
from orchestrator.features.events.saga import put_on_sale_plan
from orchestrator.features.events.service.catalogue import CatalogueService

FEATURE: Final = Feature(
    routers=(router,),
    plans=lambda resources: [put_on_sale_plan(resources.clients)],
    services=lambda resources: [CatalogueService(resources.engine, resources.clients)],
)
