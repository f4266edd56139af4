"""Digital goods on offer, in the events service."""

import uuid
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from common.http.client import ServiceClient
from common.money import Money
from orchestrator.clients.calls import post
from orchestrator.saga_engine.plan import Call

__all__ = ["ProductFacts", "ProductsClient"]

PATH = "/internal/products"


class ProductFacts(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    product_id: uuid.UUID
    name: str
    price: Money
    supplier_product_id: str
    is_active: bool


class ProductsClient:
    def __init__(self, events: ServiceClient) -> None:
        self._events = events

    async def lookup(self, product_ids: list[uuid.UUID]) -> dict[uuid.UUID, ProductFacts]:
        """Return the products that exist, by id, inactive ones included; at most 100."""
        rows = await self._events.post(f"{PATH}/lookup", {"product_ids": product_ids})
        return {product.product_id: product for product in map(ProductFacts.model_validate, rows)}

    async def take_stock(self, call: Call, quantities: Mapping[uuid.UUID, int]) -> None:
        """Take units from the stock of products, all or none.

        Refusals: OUT_OF_STOCK, with the `product_id` in `details`; ITEM_INACTIVE; PRODUCT_NOT_FOUND.
        """
        await post(self._events, f"{PATH}/take-stock", call, quantities=_rows(quantities))

    async def return_stock(self, call: Call) -> None:
        """Undo `take_stock`, whatever it took."""
        await post(self._events, f"{PATH}/return-stock", call)


def _rows(quantities: Mapping[uuid.UUID, int]) -> list[dict[str, object]]:
    return [{"product_id": product_id, "quantity": quantity} for product_id, quantity in sorted(quantities.items())]
