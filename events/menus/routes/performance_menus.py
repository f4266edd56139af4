"""HTTP routes of performance menus, for those who manage them (M1, M2). Fans read them through the orchestrator."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter

from common.http.dependencies import provided
from common.http.envelope import PageQuery, Paginated, Success, paginated, success
from common.http.idempotency_key import IdempotencyKey
from events.menus.routes.refusals import MANAGED, NEW_ITEM, NEW_MENU, OF_ITEM, OF_MENU
from events.menus.schemas import (
    MenuChanges,
    MenuItem,
    MenuItemChanges,
    MenuTemplate,
    NewMenu,
    NewMenuItem,
    OwnMenu,
    TemplateName,
    WhitelistedUser,
    WhitelistEntry,
)
from events.menus.service import PerformanceMenuService
from events.performers.acting import RequestActor

__all__ = ["managed", "templates"]

Menus = Annotated[PerformanceMenuService, provided(PerformanceMenuService)]

managed: Final = APIRouter(prefix="/menus", tags=["Menus"])
templates: Final = APIRouter(prefix="/menu-templates", tags=["Menus"])


@templates.get("", summary="List the menu templates", responses=MANAGED)
async def list_templates(_: RequestActor, menus: Menus) -> Success[Sequence[MenuTemplate]]:
    return success(menus.templates())


@templates.post("/{template}/apply", status_code=201, summary="Create a menu from a template", responses=NEW_MENU)
async def apply_template(
    template: TemplateName, actor: RequestActor, menus: Menus, key: IdempotencyKey
) -> Success[OwnMenu]:
    """The menu is the performer's own and can be changed like any other."""
    return success(await menus.apply(actor, template, key=key))


@managed.get("", summary="List the performer's menus", responses=MANAGED)
async def list_menus(actor: RequestActor, menus: Menus) -> Success[list[OwnMenu]]:
    """With all items, inactive ones included."""
    return success(await menus.list_own(actor))


@managed.post("", status_code=201, summary="Create a menu", responses=NEW_MENU)
async def create_menu(body: NewMenu, actor: RequestActor, menus: Menus, key: IdempotencyKey) -> Success[OwnMenu]:
    return success(await menus.create(actor, body, key=key))


@managed.patch("/{menu_id}", summary="Change a menu", responses=OF_MENU)
async def change_menu(menu_id: uuid.UUID, body: MenuChanges, actor: RequestActor, menus: Menus) -> Success[OwnMenu]:
    """What was bought before keeps its way: a queued item stays in the queue."""
    return success(await menus.change(actor, menu_id, body))


@managed.delete("/{menu_id}", status_code=204, summary="Delete a menu", responses=OF_MENU)
async def delete_menu(menu_id: uuid.UUID, actor: RequestActor, menus: Menus) -> None:
    """What was bought from it stays. To take it off for a while, change `is_active`."""
    await menus.delete(actor, menu_id)


@managed.post("/{menu_id}/items", status_code=201, summary="Add an item to a menu", responses=NEW_ITEM)
async def add_item(
    *, menu_id: uuid.UUID, body: NewMenuItem, actor: RequestActor, menus: Menus, key: IdempotencyKey
) -> Success[MenuItem]:
    return success(await menus.add_item(actor, menu_id, body, key=key))


@managed.patch("/{menu_id}/items/{item_id}", summary="Change an item of a menu", responses=OF_ITEM)
async def change_item(
    *, menu_id: uuid.UUID, item_id: uuid.UUID, body: MenuItemChanges, actor: RequestActor, menus: Menus
) -> Success[MenuItem]:
    """A new price concerns later purchases only."""
    return success(await menus.change_item(actor, menu_id, item_id, body))


@managed.delete("/{menu_id}/items/{item_id}", status_code=204, summary="Delete an item of a menu", responses=OF_ITEM)
async def delete_item(menu_id: uuid.UUID, item_id: uuid.UUID, actor: RequestActor, menus: Menus) -> None:
    """What was bought stays."""
    await menus.delete_item(actor, menu_id, item_id)


@managed.get("/{menu_id}/whitelist", summary="List the users who may see a private menu", responses=OF_MENU)
async def list_whitelist(
    menu_id: uuid.UUID, actor: RequestActor, menus: Menus, page: PageQuery
) -> Paginated[WhitelistEntry]:
    """Newest first."""
    return paginated(await menus.whitelist(actor, menu_id, limit=page.per_page, offset=page.offset), page)


@managed.post("/{menu_id}/whitelist", summary="Let a user see a private menu", responses=OF_MENU)
async def add_user(
    menu_id: uuid.UUID, body: WhitelistedUser, actor: RequestActor, menus: Menus
) -> Success[WhitelistEntry]:
    return success(await menus.add_user(actor, menu_id, body.user_id))


@managed.delete(
    "/{menu_id}/whitelist/{user_id}", status_code=204, summary="Hide a private menu from a user", responses=OF_MENU
)
async def remove_user(menu_id: uuid.UUID, user_id: uuid.UUID, actor: RequestActor, menus: Menus) -> None:
    """What the user bought stays."""
    await menus.remove_user(actor, menu_id, user_id)
