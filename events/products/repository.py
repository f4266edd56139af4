"""Products in PostgreSQL."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from common.db.engine import Database
from common.db.idempotency import IdempotencyStore, ParticipantRequest, load_result, store_result
from common.db.pages import find_newest, find_page
from common.errors import ServiceError
from common.http.calls import UndoCall
from common.pages import Total
from common.rows import readable
from events.audit import changed, is_same, record
from events.performers.schemas import Actor
from events.products.errors import OutOfStock, ProductInactive, ProductNotFound
from events.products.models import products
from events.products.schemas import (
    ManagedProduct,
    NewProduct,
    Product,
    ProductChanges,
    ProductFacts,
    TakeStock,
)
from events.products.statements import RETURN, TAKE

_REFUSALS: Final[dict[str, type[ServiceError]]] = {
    "UNKNOWN": ProductNotFound,
    "INACTIVE": ProductInactive,
    "OUT_OF_STOCK": OutOfStock,
}
_IN_STOCK: Final = or_(products.c.stock.is_(None), products.c.stock > 0).label("in_stock")
_PUBLIC: Final = select(*(products.c[name] for name in Product.model_fields if name != "in_stock"), _IN_STOCK).where(
    products.c.is_active
)


class ProductRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = IdempotencyStore(database)

    async def page(self, *, search: str | None, limit: int, offset: int) -> tuple[list[Product], Total]:
        """Return one page of active products by name, and their number on all pages."""
        found = _PUBLIC
        if search:
            found = found.where(func.normalize(products.c.name).icontains(search, autoescape=True))
        key = products.c.product_id
        rows, total = await find_page(self._database, found, products.c.name, key, key=key, limit=limit, offset=offset)
        return readable(rows, Product.model_validate, of="products"), total

    async def page_of_all(self, *, limit: int, offset: int) -> tuple[list[ManagedProduct], Total]:
        """Return one page of all products, newest first, and their number on all pages."""
        rows, total = await find_newest(
            self._database,
            select(products),
            at=products.c.created_at,
            key=products.c.product_id,
            limit=limit,
            offset=offset,
        )
        return readable(rows, ManagedProduct.model_validate, of="products"), total

    async def facts(self, product_ids: Sequence[uuid.UUID]) -> list[ProductFacts]:
        """Return the products that exist, in no particular order."""
        rows = await self._database.fetch_all(select(products).where(products.c.product_id.in_(product_ids)))
        return readable(rows, ProductFacts.model_validate, of="products")

    async def create(self, request: ParticipantRequest, actor: Actor, new: NewProduct) -> ManagedProduct:
        """Store a product, whose id is the request's; a repetition returns it as it was then."""
        product_id, values = request.request_id, new.model_dump()
        # A copy of the request in progress is waited for.
        write = insert(products).values(product_id=product_id, **values).on_conflict_do_nothing().returning(products)
        async with self._store.transaction(request) as connection:
            row = (await connection.execute(write)).mappings().first()
            if row is None:
                done = await load_result(connection, request)
                if done is not None:
                    return ManagedProduct.model_validate(done)
                found = select(products).where(products.c.product_id == product_id)
                return ManagedProduct.model_validate((await connection.execute(found)).mappings().one())
            product = ManagedProduct.model_validate(row)
            await record(connection, actor, "product.create", product_id, after=values)
            await store_result(connection, request, product.model_dump(mode="json"))
            return product

    async def change(self, actor: Actor, product_id: uuid.UUID, changes: ProductChanges) -> ManagedProduct:
        """Change a product. Its row is locked, so that the trail has the stock that was replaced.

        Raises:
            ProductNotFound: there is no such product.
        """
        values, own = changes.changes, products.c.product_id == product_id
        async with self._database.transaction() as connection:
            found = select(products).where(own).with_for_update(key_share=True)
            row: Any = (await connection.execute(found)).mappings().first()
            if row is None:
                raise ProductNotFound
            if not is_same(row, values):
                before = changed(row, values)
                write = update(products).where(own).values(**values, updated_at=func.now()).returning(products)
                row = (await connection.execute(write)).mappings().one()
                await record(connection, actor, "product.change", product_id, before=before, after=changed(row, values))
        return ManagedProduct.model_validate(row)

    async def take_stock(self, call: TakeStock) -> None:
        """Take units from the stock of products, all or none.

        Raises:
            ProductNotFound, ProductInactive, OutOfStock: of the product in `details`; nothing is taken.
        """
        quantities = {each.product_id: each.quantity for each in call.quantities}
        named = {str(product_id): quantity for product_id, quantity in quantities.items()}
        request = ParticipantRequest.of(call.request_id, "take stock", quantities=named)
        parameters = {"product_ids": [*quantities], "quantities": [*quantities.values()]}
        attempt = await self._store.attempt(request, TAKE, parameters)
        if attempt.done is None:
            problem = attempt.row["problem"]
            refusal = _REFUSALS[problem["reason"]](details={"product_id": problem["product_id"]})
            await self._store.store_refusal(request, refusal)

    async def return_stock(self, undo: UndoCall) -> None:
        """Undo `take_stock`, whatever it took; it never happens afterwards."""
        undone = {"undoes_request_id": undo.undoes_request_id}
        request = ParticipantRequest.of(undo.request_id, "return stock", **undone)
        await self._store.attempt_undo(request, RETURN, undone, **undone)
