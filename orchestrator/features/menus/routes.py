"""Menus as fans see them, and what fans buy there (M2, M3)."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from common.fields import Integer
from common.http.auth import CurrentUser
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import Page, Paginated, Success, paginated, refusals, success
from common.http.idempotency_key import IdempotencyKey
from orchestrator.features.menus.schemas import Menu, MenuPurchase, MenuPurchased, MenuPurchaseRequest
from orchestrator.features.menus.service.menus import MenuService
from orchestrator.features.menus.service.purchases import MenuPurchaseService
from orchestrator.http.answers import answer
from orchestrator.http.naming import CamelCaseRoute
from orchestrator.http.refusals import COMMON, IDEMPOTENT, IN_PROGRESS
from orchestrator.http.schemas import InProgress

__all__ = ["router"]

MOST_IN_HISTORY: Final = 200
_BUY = refusals(
    COMMON
    | IDEMPOTENT
    | {
        400: "VALIDATION_ERROR, INVALID_UUID, SELF_PURCHASE, DUPLICATE_REQUEST",
        402: "INSUFFICIENT_CREDITS",
        403: "MENU_ACCESS_DENIED, ACCOUNT_SUSPENDED",
        404: "MENU_NOT_FOUND, ITEM_NOT_FOUND, PERFORMER_NOT_FOUND",
        409: "ITEM_INACTIVE, DAILY_LIMIT_REACHED, REQUESTIN_PROGRESS",
        428: "OTP_REQUIRED",
    }
)
_CANCEL = refusals(COMMON | {404: "ITEM_NOT_FOUND", 409: "ITEM_INVALID_STATE, REQUESTIN_PROGRESS"})

router = APIRouter(prefix="/menu", tags=["Menus"], route_class=CamelCaseRoute)

Menus = Annotated[MenuService, provided(MenuService)]
Purchases = Annotated[MenuPurchaseService, provided(MenuPurchaseService)]


@router.get(
    "/performer/{performer_id}",
    responses=refusals(COMMON | {404: "PERFORMER_NOT_FOUND"}),
    summary="List a performer's menus",
)
async def list_menus(performer_id: uuid.UUID, user: CurrentUser, menus: Menus) -> Success[list[Menu]]:
    """The active menus of a performer that are open to you, in the performer's order."""
    return success([Menu.model_validate(menu) for menu in await menus.list_of(performer_id, reader=user)])


@router.get("/purchase/history", responses=refusals(COMMON), summary="List my purchases from menus")
async def list_purchases(
    user: CurrentUser,
    purchases: Purchases,
    limit: Annotated[Integer, Query(ge=1, le=MOST_IN_HISTORY)] = 50,
    offset: Annotated[Integer, Query(ge=0, le=1_000_000)] = 0,
) -> Paginated[MenuPurchase]:
    """Newest first. `page` is the one on which the first of them lies."""
    found = await purchases.history(user.user_id, limit=limit, offset=offset)
    return paginated(found, Page(page=offset // limit + 1, per_page=limit))


@router.get(
    "/purchase/{purchase_id}/status",
    responses=refusals(COMMON | {404: "ITEM_NOT_FOUND"}),
    summary="Show a purchase from a menu",
)
async def show_purchase(purchase_id: uuid.UUID, user: CurrentUser, purchases: Purchases) -> Success[MenuPurchase]:
    """Position and estimated wait are those of this moment."""
    return success(await purchases.show(purchase_id, caller=user))


@router.get(
    "/{menu_id}",
    responses=refusals(COMMON | {403: "MENU_ACCESS_DENIED", 404: "MENU_NOT_FOUND"}),
    summary="Show a menu",
)
async def show_menu(menu_id: uuid.UUID, user: CurrentUser, menus: Menus) -> Success[Menu]:
    """A menu with its active items. Others than public ones are open to subscribers, or to those its performer chose."""
    return success(Menu.model_validate(await menus.show(menu_id, reader=user)))


@router.post("/purchase", responses=_BUY | IN_PROGRESS, summary="Buy an item of a menu")
async def buy(
    *,
    body: MenuPurchaseRequest,
    user: CurrentUser,
    key: IdempotencyKey,
    address: ClientAddress,
    purchases: Purchases,
    response: Response,
) -> Success[MenuPurchased] | Success[InProgress]:
    """With the menu's queue off, the performer is paid now.

    With the queue on, the credits wait in escrow until the performer completes the item; if it is declined, cancelled, or not
    completed within 7 days, they are returned.

    A flagged fan gets 428 `OTP_REQUIRED` and a code: verify it at `/api/verify-otp` with the `context` and `reference_id` in
    `details`, then send the same request again; if it had neither key, with the `idempotency_key` in `details` in its body. A body in camelCase is answered in camelCase.
    """
    return await answer(purchases.buy(body, buyer=user, key=key, address=address), response)


@router.post("/purchase/{purchase_id}/cancel", responses=_CANCEL | IN_PROGRESS, summary="Cancel a pending purchase")
async def cancel(
    purchase_id: uuid.UUID, user: CurrentUser, purchases: Purchases, response: Response
) -> Success[MenuPurchase] | Success[InProgress]:
    """Before its performance begins; the credits are returned. Cancelling twice is the same as cancelling once."""
    return await answer(purchases.cancel(purchase_id, caller=user), response)
