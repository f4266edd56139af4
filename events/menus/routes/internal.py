"""What the orchestrator asks about menus."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends

from common.http.auth import require_service
from common.http.dependencies import provided
from common.http.envelope import BAD_INPUT, Success, refusals, success
from events.menus.schemas import MenuFacts, MenuItemFacts, MenuKind
from events.menus.service import MenuFactsService

__all__ = ["router"]

Facts = Annotated[MenuFactsService, provided(MenuFactsService)]

router: Final = APIRouter(prefix="/internal", tags=["Internal: menus"], dependencies=[Depends(require_service)])


@router.get("/menu-items/{item_id}", responses=refusals({400: BAD_INPUT, 404: "ITEM_NOT_FOUND"}))
async def find_item(
    item_id: uuid.UUID, kind: MenuKind, buyer_user_id: uuid.UUID, facts: Facts
) -> Success[MenuItemFacts]:
    """As it is for the buyer; an inactive or deleted one, too."""
    return success(await facts.item(item_id, kind=kind, buyer_user_id=buyer_user_id))


@router.get("/menus/{menu_id}", responses=refusals({400: BAD_INPUT, 404: "MENU_NOT_FOUND"}))
async def find_menu(menu_id: uuid.UUID, reader_user_id: uuid.UUID, facts: Facts) -> Success[MenuFacts]:
    """A performance menu with its active items; an inactive one, too."""
    return success(await facts.menu(menu_id, reader_user_id=reader_user_id))


@router.get("/performers/{performer_id}/menus", responses=refusals({400: BAD_INPUT, 404: "PERFORMER_NOT_FOUND"}))
async def list_menus_of(performer_id: uuid.UUID, reader_user_id: uuid.UUID, facts: Facts) -> Success[list[MenuFacts]]:
    """A performer's performance menus in order, with their active items; inactive ones, too."""
    return success(await facts.menus_of(performer_id, reader_user_id=reader_user_id))
