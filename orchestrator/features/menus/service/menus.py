"""Which menus a user may see (M2)."""

import uuid
from dataclasses import dataclass

from common.auth.principal import Principal, Role
from orchestrator.clients import Clients
from orchestrator.clients.performers import MenuFacts, Visibility
from orchestrator.features.menus.errors import MenuAccessDenied, MenuNotFound


@dataclass(frozen=True, slots=True)
class MenuService:
    clients: Clients

    async def show(self, menu_id: uuid.UUID, *, reader: Principal) -> dict[str, object]:
        """Return a menu as the events service represents it.

        Raises:
            NotFound: MENU_NOT_FOUND, also for an inactive one.
            Forbidden: MENU_ACCESS_DENIED.
        """
        menu = await self.clients.performers.menu(menu_id, reader_user_id=reader.user_id)
        if not menu.is_active:
            raise MenuNotFound
        if not await self._is_open(menu, reader=reader):
            raise MenuAccessDenied
        return menu.menu

    async def list_of(self, performer_id: uuid.UUID, *, reader: Principal) -> list[dict[str, object]]:
        """Return the active menus of a performer that the reader may see, in the performer's order.

        Raises:
            NotFound: PERFORMER_NOT_FOUND.
        """
        menus = await self.clients.performers.menus_of(performer_id, reader_user_id=reader.user_id)
        active = [menu for menu in menus if menu.is_active]
        # The subscription is looked up once: the menus for subscribers are all open, or none is.
        locked = Visibility.SUBSCRIBERS_ONLY
        first = next((menu for menu in active if menu.visibility is locked), None)
        is_unlocked = first is not None and await self._is_open(first, reader=reader)
        return [
            menu.menu
            for menu in active
            if (is_unlocked if menu.visibility is locked else await self._is_open(menu, reader=reader))
        ]

    async def is_open(
        self, visibility: Visibility, *, performer_id: uuid.UUID, is_whitelisted: bool, reader: Principal
    ) -> bool:
        """Return whether a user may see a menu, and buy from it."""
        if visibility is Visibility.PUBLIC or reader.user_id == performer_id or reader.has_role(Role.ADMIN):
            return True
        if visibility is Visibility.PRIVATE:
            return is_whitelisted
        subscription = await self.clients.subscriptions.find(reader.user_id, performer_id=performer_id)
        return subscription is not None and subscription.is_active

    async def _is_open(self, menu: MenuFacts, *, reader: Principal) -> bool:
        return await self.is_open(
            menu.visibility, performer_id=menu.performer_id, is_whitelisted=menu.is_whitelisted, reader=reader
        )
