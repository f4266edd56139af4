"""Performers' profiles and menus as those who manage them see them, for tests."""

import uuid
from typing import Any, Self

import httpx

from tests.support.callers import Caller, new_id

TIP_MENUS = "tip-menus"
MENUS = "menus"


def an_item(kind: str = MENUS, **changes: Any) -> dict[str, Any]:
    """Return the body that adds an item to a menu of a kind."""
    price = {"price": "5.00"} if kind == TIP_MENUS else {"token_value": "25.00"}
    return {"name": "Song dedication", **price, **changes}


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the error code, which is empty for a success."""
    return answer.status_code, answer.json()["error_code"] if answer.is_error else ""


class OfferCaller:
    """Manages one performer's profile and menus: as the performer, or as an admin."""

    def __init__(self, caller: Caller, performer_id: uuid.UUID | str, *, prefix: str = "/api/performer") -> None:
        self.caller = caller
        self.performer_id = str(performer_id)
        self._prefix = prefix

    @classmethod
    def of_admin(cls, admin: Caller, performer_id: uuid.UUID | str) -> Self:
        return cls(admin, performer_id, prefix=f"/api/admin/performers/{performer_id}")

    async def call(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        headers = {"idempotency-key": key} if key else {}
        return await self.caller.request(method, f"{self._prefix}/{path}", json=body, headers=headers)

    async def write_profile(self, **changes: Any) -> httpx.Response:
        return await self.call("PATCH", "profile", {"display_name": "Nova", **changes})

    async def create(self, kind: str = MENUS, *, key: str | None = None, **changes: Any) -> httpx.Response:
        return await self.call("POST", kind, {"name": "Encore", **changes}, key=key)

    async def created(self, kind: str = MENUS, **changes: Any) -> str:
        """Create a menu, and return its id."""
        created = await self.create(kind, **changes)
        assert created.status_code == 201, created.text
        menu_id: str = created.json()["data"]["tip_menu_id" if kind == TIP_MENUS else "menu_id"]
        return menu_id

    async def add_item(
        self, menu_id: str, kind: str = MENUS, *, key: str | None = None, **changes: Any
    ) -> httpx.Response:
        return await self.call("POST", f"{kind}/{menu_id}/items", an_item(kind, **changes), key=key)

    async def added(self, menu_id: str, kind: str = MENUS, **changes: Any) -> str:
        """Add an item, and return its id."""
        added = await self.add_item(menu_id, kind, **changes)
        assert added.status_code == 201, added.text
        item_id: str = added.json()["data"]["tip_menu_item_id" if kind == TIP_MENUS else "menu_item_id"]
        return item_id

    async def change(self, menu_id: str, kind: str = MENUS, **changes: Any) -> httpx.Response:
        return await self.call("PATCH", f"{kind}/{menu_id}", changes)

    async def change_item(self, menu_id: str, item_id: str, kind: str = MENUS, **changes: Any) -> httpx.Response:
        return await self.call("PATCH", f"{kind}/{menu_id}/items/{item_id}", changes)

    async def listed(self, kind: str = MENUS) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call("GET", kind)).json()["data"]
        return found


class FactsCaller:
    """Reads performers and menus as the orchestrator does."""

    def __init__(self, orchestrator: Caller) -> None:
        self.orchestrator = orchestrator

    async def performer(self, performer_id: str) -> httpx.Response:
        return await self.orchestrator.get(f"/internal/performers/{performer_id}")

    async def item(self, item_id: str, *, kind: str = "PERFORMANCE", buyer: str | None = None) -> httpx.Response:
        return await self.orchestrator.get(
            f"/internal/menu-items/{item_id}", kind=kind, buyer_user_id=buyer or new_id()
        )

    async def menu(self, menu_id: str, *, reader: str | None = None) -> httpx.Response:
        return await self.orchestrator.get(f"/internal/menus/{menu_id}", reader_user_id=reader or new_id())

    async def menus_of(self, performer_id: str) -> httpx.Response:
        return await self.orchestrator.get(f"/internal/performers/{performer_id}/menus", reader_user_id=new_id())
