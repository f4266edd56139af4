"""HTTP routes of products: for the public, for admins, and for the orchestrator."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from common.fields import PlainText
from common.http.auth import ADMIN_ONLY, AdminUser, require_service
from common.http.calls import UndoCall
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import BAD_INPUT, NOT_LOGGED_IN, PageQuery, Paginated, Success, paginated, refusals, success
from common.http.idempotency_key import IdempotencyKey
from events.performers.schemas import Actor
from events.products.schemas import (
    LookUpProducts,
    ManagedProduct,
    NewProduct,
    Product,
    ProductChanges,
    ProductFacts,
    StockMoved,
    TakeStock,
)
from events.products.service import ProductService

_ADMIN: Final = {400: BAD_INPUT, 401: NOT_LOGGED_IN, 403: "FORBIDDEN"}
_CREATE: Final = refusals(_ADMIN | {409: "REQUEST_IN_PROGRESS", 422: "IDEMPOTENCY_KEY_REUSED"})
_CHANGE: Final = refusals(_ADMIN | {404: "PRODUCT_NOT_FOUND"})
_UNDO: Final = {400: BAD_INPUT, 409: "REQUEST_IN_PROGRESS", 422: "IDEMPOTENCY_KEY_REUSED"}
_TAKE: Final = refusals(
    _UNDO | {404: "PRODUCT_NOT_FOUND", 409: "OUT_OF_STOCK, ITEM_INACTIVE, REQUEST_UNDONE, REQUEST_IN_PROGRESS"}
)

Products = Annotated[ProductService, provided(ProductService)]

public: Final = APIRouter(prefix="/api/products", tags=["Digital goods"])
admin: Final = APIRouter(prefix="/api/admin/products", tags=["Digital goods"], dependencies=[ADMIN_ONLY])
internal: Final = APIRouter(
    prefix="/internal/products", tags=["Internal: products"], dependencies=[Depends(require_service)]
)


@public.get("", summary="List products", responses=refusals({400: "VALIDATION_ERROR"}))
async def list_products(
    products: Products,
    page: PageQuery,
    text: Annotated[PlainText | None, Query(alias="q", max_length=200, description="Part of the name.")] = None,
) -> Paginated[Product]:
    """Active products, by name. Open to all callers."""
    return paginated(await products.search(text, limit=page.per_page, offset=page.offset), page)


@admin.get("", summary="List all products (admin)", responses=refusals(_ADMIN))
async def list_all_products(products: Products, page: PageQuery) -> Paginated[ManagedProduct]:
    """Newest first, inactive ones included."""
    return paginated(await products.page_of_all(limit=page.per_page, offset=page.offset), page)


@admin.post("", status_code=201, summary="Create a product (admin)", responses=_CREATE)
async def create_product(
    *, body: NewProduct, user: AdminUser, key: IdempotencyKey, address: ClientAddress, products: Products
) -> Success[ManagedProduct]:
    return success(await products.create(_actor(user.user_id, address), body, key=key))


@admin.patch("/{product_id}", summary="Change a product (admin)", responses=_CHANGE)
async def change_product(
    *, product_id: uuid.UUID, body: ProductChanges, user: AdminUser, address: ClientAddress, products: Products
) -> Success[ManagedProduct]:
    """Orders keep the name and the price that they were made with."""
    return success(await products.change(_actor(user.user_id, address), product_id, body))


@internal.post("/lookup", responses=refusals({400: BAD_INPUT}))
async def look_up_products(wanted: LookUpProducts, products: Products) -> Success[list[ProductFacts]]:
    """The products that exist, inactive ones included."""
    return success(await products.look_up(wanted.product_ids))


@internal.post("/take-stock", responses=_TAKE)
async def take_stock(call: TakeStock, products: Products) -> Success[StockMoved]:
    """Units of several products, all or none."""
    await products.take_stock(call)
    return success(StockMoved())


@internal.post("/return-stock", responses=refusals(_UNDO))
async def return_stock(undo: UndoCall, products: Products) -> Success[StockMoved]:
    """Whatever the request took, and if it has not arrived, it never takes any."""
    await products.return_stock(undo)
    return success(StockMoved())


def _actor(user_id: uuid.UUID, address: str | None) -> Actor:
    return Actor(user_id, user_id, is_admin=True, address=address)
