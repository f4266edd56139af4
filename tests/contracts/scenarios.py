"""Every saga there is. A new one joins the contract with a line here."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from orchestrator.engine.plan import AnyPlan
from orchestrator.wiring import SagaMachinery
from tests.contracts import purchase, put_on_sale
from tests.contracts.halls import Hall
from tests.contracts.scenario import Scenario
from tests.contracts.world import World

__all__ = ["OUTLINES", "PREPARE"]

OUTLINES: Final[Mapping[str, AnyPlan]] = {plan.kind: plan for plan in (purchase.OUTLINE, put_on_sale.OUTLINE)}

PREPARE: Final[Mapping[str, Callable[[SagaMachinery, World, Hall], Awaitable[Scenario]]]] = {
    purchase.OUTLINE.kind: purchase.PurchaseScenario.prepare,
    put_on_sale.OUTLINE.kind: put_on_sale.PutOnSaleScenario.prepare,
}
