"""Menus, whitelists, and what sagas read of them, in PostgreSQL."""

from events.menus.repository.facts import MenuFactsRepository
from events.menus.repository.menus import MenuRepository
from events.menus.repository.whitelists import WhitelistRepository

__all__ = ["MenuFactsRepository", "MenuRepository", "WhitelistRepository"]
