"""What the events service does with products."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from common.db.idempotency import ParticipantRequest
from common.http.calls import UndoCall
from common.pages import Total
from events.performers.schemas import Actor
from events.products.repository import ProductRepository
from events.products.schemas import ManagedProduct, NewProduct, Product, ProductChanges, ProductFacts, TakeStock


@dataclass(frozen=True, slots=True)
class ProductService:
    repository: ProductRepository

    async def search(self, text: str | None, *, limit: int, offset: int) -> tuple[list[Product], Total]:
        """Return one page of active products by name, and their number on all pages."""
        return await self.repository.page(search=text, limit=limit, offset=offset)

    async def page_of_all(self, *, limit: int, offset: int) -> tuple[list[ManagedProduct], Total]:
        """Return one page of all products, newest first, and their number on all pages."""
        return await self.repository.page_of_all(limit=limit, offset=offset)

    async def create(self, actor: Actor, new: NewProduct, *, key: str | None) -> ManagedProduct:
        """Create a product, once for a key of the admin's."""
        request_id = uuid.uuid4() if key is None else uuid.uuid5(actor.user_id, f"create product {key}")
        request = ParticipantRequest.of(request_id, "create product", **new.model_dump(mode="json"))
        return await self.repository.create(request, actor, new)

    async def change(self, actor: Actor, product_id: uuid.UUID, changes: ProductChanges) -> ManagedProduct:
        """Change a product.

        Raises:
            ProductNotFound.
        """
        return await self.repository.change(actor, product_id, changes)

    async def look_up(self, product_ids: Sequence[uuid.UUID]) -> list[ProductFacts]:
        """Return the products that exist, inactive ones included, in no particular order."""
        return await self.repository.facts(product_ids)

    async def take_stock(self, call: TakeStock) -> None:
        """Take units from the stock of products, all or none; repeatable by its request id.

        Raises:
            ProductNotFound, ProductInactive, OutOfStock.
        """
        await self.repository.take_stock(call)

    async def return_stock(self, undo: UndoCall) -> None:
        """Undo `take_stock`, even one that has not arrived yet."""
        await self.repository.return_stock(undo)
