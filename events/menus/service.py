"""What the events service does with menus."""

import uuid
from collections.abc import Sequence
from typing import Any, Final, Generic

from common.db.idempotency import ParticipantRequest
from common.pages import Total
from events.menus.errors import ItemNotFound, MenuNotFound
from events.menus.repository import MenuFactsRepository, MenuRepository, WhitelistRepository
from events.menus.repository.menus import ItemT, MenuT
from events.menus.schemas import (
    ItemChanges,
    MenuFacts,
    MenuItem,
    MenuItemFacts,
    MenuKind,
    MenuTemplate,
    NewItem,
    NewTipMenu,
    OwnMenu,
    TemplateName,
    TipGrid,
    TipItem,
    TipMenu,
    TipMenuChanges,
    WhitelistEntry,
)
from events.menus.templates import TEMPLATES
from events.performers.schemas import Actor
from events.performers.service import PerformerService


class MenuService(Generic[MenuT, ItemT]):
    """What those who manage a performer's menus of one kind do with them.

    Every method raises MenuNotFound or ItemNotFound for a menu or an item that is not the performer's. A change raises
    DeactivatedByAdmin if a performer reactivates what an admin has deactivated.
    """

    def __init__(self, menus: MenuRepository[MenuT, ItemT]) -> None:
        self._menus = menus

    async def list_own(self, actor: Actor) -> list[MenuT]:
        return await self._menus.list_of(actor.performer_id)

    async def create(self, actor: Actor, new: NewTipMenu, *, key: str | None) -> MenuT:
        """Create a menu without items.

        Raises:
            ProfileNotWritten: the performer has no profile.
            TooManyMenus: the performer has 20 of the kind.
        """
        request = self._request(actor, "create menu", key, new.model_dump(mode="json"))
        return await self._menus.create(request, actor, new.model_dump())

    async def change(self, actor: Actor, menu_id: uuid.UUID, changes: TipMenuChanges) -> MenuT:
        return await self._menus.change(actor, menu_id, changes.changes)

    async def delete(self, actor: Actor, menu_id: uuid.UUID) -> None:
        await self._menus.delete(actor, menu_id)

    async def add_item(self, actor: Actor, menu_id: uuid.UUID, new: NewItem, *, key: str | None) -> ItemT:
        """Add an item.

        Raises:
            TooManyItems: the menu has 100.
            TooManyPoints: its price allows fewer bonus points.
        """
        arguments = new.model_dump(mode="json") | {"menu_id": menu_id}
        request = self._request(actor, "add item", key, arguments)
        return await self._menus.add_item(request, actor, menu_id, new.model_dump())

    async def change_item(self, actor: Actor, menu_id: uuid.UUID, item_id: uuid.UUID, changes: ItemChanges) -> ItemT:
        return await self._menus.change_item(actor, menu_id, item_id, changes.changes)

    async def delete_item(self, actor: Actor, menu_id: uuid.UUID, item_id: uuid.UUID) -> None:
        await self._menus.delete_item(actor, menu_id, item_id)

    def _request(self, actor: Actor, operation: str, key: str | None, arguments: dict[str, Any]) -> ParticipantRequest:
        """Return the request of a key of the caller's; without a key it is made once."""
        name = f"{self._menus.kind} {operation} {key}"
        request_id = uuid.uuid4() if key is None else uuid.uuid5(actor.user_id, name)
        return ParticipantRequest.of(request_id, name, performer_id=actor.performer_id, **arguments)


class TipMenuService(MenuService[TipMenu, TipItem]):
    """Tip grids."""

    def __init__(self, menus: MenuRepository[TipMenu, TipItem], performers: PerformerService) -> None:
        super().__init__(menus)
        self._performers = performers

    async def grid(self, performer_id: uuid.UUID) -> TipGrid:
        """Return what fans may tip a performer for.

        Raises:
            PerformerNotFound: no such performer, or an inactive one.
        """
        performer = await self._performers.show(performer_id)
        menus = await self._menus.list_of(performer_id, only_active=True)
        return TipGrid(performer_id=performer_id, display_name=performer.display_name, tip_menus=menus)


class PerformanceMenuService(MenuService[OwnMenu, MenuItem]):
    """Performance menus, with whitelists and starter templates."""

    def __init__(self, menus: MenuRepository[OwnMenu, MenuItem], whitelists: WhitelistRepository) -> None:
        super().__init__(menus)
        self._whitelists = whitelists

    @staticmethod
    def templates() -> Sequence[MenuTemplate]:
        return TEMPLATES

    async def apply(self, actor: Actor, name: TemplateName, *, key: str | None) -> OwnMenu:
        """Create a menu with the items of a template.

        Raises:
            ProfileNotWritten: the performer has no profile.
            TooManyMenus: the performer has 20.
        """
        template: Final = next(each for each in TEMPLATES if each.template is name)
        request = self._request(actor, "apply template", key, {"template": name.value})
        items = [item.model_dump() for item in template.menu_items]
        return await self._menus.create(request, actor, template.menu.model_dump(), items)

    async def whitelist(
        self, actor: Actor, menu_id: uuid.UUID, *, limit: int, offset: int
    ) -> tuple[list[WhitelistEntry], Total]:
        """Return one page, newest first, and the number of users on all pages."""
        await self._menus.require(actor, menu_id)
        return await self._whitelists.page(menu_id, limit=limit, offset=offset)

    async def add_user(self, actor: Actor, menu_id: uuid.UUID, user_id: uuid.UUID) -> WhitelistEntry:
        """Add a user to the whitelist; a repeated call changes nothing.

        Raises:
            TooManyWhitelistedUsers: it has 1,000.
        """
        await self._menus.require(actor, menu_id)
        return await self._whitelists.add(actor, menu_id, user_id)

    async def remove_user(self, actor: Actor, menu_id: uuid.UUID, user_id: uuid.UUID) -> None:
        """Remove a user from the whitelist; a repeated call changes nothing."""
        await self._menus.require(actor, menu_id)
        await self._whitelists.remove(actor, menu_id, user_id)


class MenuFactsService:
    """What sagas read of menus."""

    def __init__(self, facts: MenuFactsRepository, performers: PerformerService) -> None:
        self._facts = facts
        self._performers = performers

    async def item(self, item_id: uuid.UUID, *, kind: MenuKind, buyer_user_id: uuid.UUID) -> MenuItemFacts:
        """Return an item as it is for a buyer, also an inactive one.

        Raises:
            ItemNotFound: no menu of that kind has ever had it.
        """
        item = await self._facts.item(item_id, kind=kind, buyer_user_id=buyer_user_id)
        if item is None:
            raise ItemNotFound
        return item

    async def menu(self, menu_id: uuid.UUID, *, reader_user_id: uuid.UUID) -> MenuFacts:
        """Return a performance menu, also an inactive one.

        Raises:
            MenuNotFound: there is none, or it was deleted.
        """
        found = await self._facts.menus(menu_id=menu_id, reader_user_id=reader_user_id)
        if not found:
            raise MenuNotFound
        return found[0]

    async def menus_of(self, performer_id: uuid.UUID, *, reader_user_id: uuid.UUID) -> list[MenuFacts]:
        """Return a performer's performance menus in order, also inactive ones.

        Raises:
            PerformerNotFound: no such performer.
        """
        await self._performers.facts(performer_id)
        return await self._facts.menus(performer_id=performer_id, reader_user_id=reader_user_id)
