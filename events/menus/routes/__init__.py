"""HTTP routes of menus: for everybody, for those who manage them, and for the orchestrator."""

from events.menus.routes import internal, performance_menus, tip_menus

__all__ = ["internal", "performance_menus", "tip_menus"]
