"""HTTP routes of tip grids (Q7)."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter

from common.http.dependencies import provided
from common.http.envelope import Success, refusals, success
from common.http.idempotency_key import IdempotencyKey
from events.menus.routes.refusals import MANAGED, NEW_ITEM, NEW_MENU, OF_ITEM, OF_MENU
from events.menus.schemas import NewTipItem, NewTipMenu, TipGrid, TipItem, TipItemChanges, TipMenu, TipMenuChanges
from events.menus.service import TipMenuService
from events.performers.acting import RequestActor

TipMenus = Annotated[TipMenuService, provided(TipMenuService)]

public: Final = APIRouter(prefix="/api/tip-grid", tags=["Tips"])
managed: Final = APIRouter(prefix="/tip-menus", tags=["Tips"])


@public.get(
    "/{performer_id}",
    summary="Show a performer's tip grid",
    responses=refusals({400: "INVALID_UUID", 404: "PERFORMER_NOT_FOUND"}),
)
async def show_grid(performer_id: uuid.UUID, menus: TipMenus) -> Success[TipGrid]:
    """Active tip menus with their active items, both in order. Open to all callers."""
    return success(await menus.grid(performer_id))


@managed.get("", summary="List the performer's tip menus", responses=MANAGED)
async def list_tip_menus(actor: RequestActor, menus: TipMenus) -> Success[list[TipMenu]]:
    """With all items, inactive ones included."""
    return success(await menus.list_own(actor))


@managed.post("", status_code=201, summary="Create a tip menu", responses=NEW_MENU)
async def create_tip_menu(
    body: NewTipMenu, actor: RequestActor, menus: TipMenus, key: IdempotencyKey
) -> Success[TipMenu]:
    return success(await menus.create(actor, body, key=key))


@managed.patch("/{menu_id}", summary="Change a tip menu", responses=OF_MENU)
async def change_tip_menu(
    menu_id: uuid.UUID, body: TipMenuChanges, actor: RequestActor, menus: TipMenus
) -> Success[TipMenu]:
    return success(await menus.change(actor, menu_id, body))


@managed.delete("/{menu_id}", status_code=204, summary="Delete a tip menu", responses=OF_MENU)
async def delete_tip_menu(menu_id: uuid.UUID, actor: RequestActor, menus: TipMenus) -> None:
    """What was bought from it stays. To take it off for a while, change `is_active`."""
    await menus.delete(actor, menu_id)


@managed.post("/{menu_id}/items", status_code=201, summary="Add an item to a tip menu", responses=NEW_ITEM)
async def add_tip_item(
    *, menu_id: uuid.UUID, body: NewTipItem, actor: RequestActor, menus: TipMenus, key: IdempotencyKey
) -> Success[TipItem]:
    return success(await menus.add_item(actor, menu_id, body, key=key))


@managed.patch("/{menu_id}/items/{item_id}", summary="Change an item of a tip menu", responses=OF_ITEM)
async def change_tip_item(
    *, menu_id: uuid.UUID, item_id: uuid.UUID, body: TipItemChanges, actor: RequestActor, menus: TipMenus
) -> Success[TipItem]:
    """A new price concerns later tips only."""
    return success(await menus.change_item(actor, menu_id, item_id, body))


@managed.delete(
    "/{menu_id}/items/{item_id}", status_code=204, summary="Delete an item of a tip menu", responses=OF_ITEM
)
async def delete_tip_item(menu_id: uuid.UUID, item_id: uuid.UUID, actor: RequestActor, menus: TipMenus) -> None:
    """Tips that were bought stay."""
    await menus.delete_item(actor, menu_id, item_id)
