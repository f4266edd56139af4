"""A performer's tip grid and menus, made through the gateway."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final, Self

from tests.chaos.fans import PASSWORD, Fan, answered
from tests.chaos.ticket_sales import TicketSales, data_of

__all__ = ["Offers"]

PERFORM: Final = "UPDATE users SET roles = ARRAY['customer', 'performer'] WHERE user_id = $1"
TIP_PRICE: Final = Decimal("1.00")
ITEM_PRICE: Final = Decimal("3.00")


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What one performer sells; items by menu, first those of a menu without a queue."""

    performer: Fan
    tip_ids: tuple[str, ...]
    menu_items: tuple[tuple[str, str], ...]
    """Pairs of a menu and an item of it."""

    @classmethod
    async def prepare(cls, sales: TicketSales, *, settlement: str) -> Self:
        fan = await sales.new_fan()
        await sales.databases.change("users", PERFORM, fan.user_id)
        performer = await Fan.log_in(sales.urls.gateway, f"{fan.user_id}@example.com", PASSWORD)
        sales.fans[-1] = performer  # its session has the role
        await fan.aclose()
        profile = {"display_name": "Nova", "subscription_price": "2.00", "settlement": settlement}
        data_of(await answered(partial(performer.patch, "/api/performer/profile", profile)))
        tip_menu_id = await _made(performer, "/api/performer/tip-menus", "tip_menu_id", {"name": "Tips"})
        path = f"/api/performer/tip-menus/{tip_menu_id}/items"
        limits: list[dict[str, Any]] = [{}, {"daily_limit": 25, "daily_limit_per_user": 4}]
        tips = [{"name": "Shout-out", "price": f"{TIP_PRICE}", "bonus_loyalty_points": 2} | more for more in limits]
        tip_ids = [await _made(performer, path, "tip_menu_item_id", tip) for tip in tips]
        menus = [{"name": "Now", "queue_mode": "OFF"}, {"name": "In turn", "queue_mode": "ON"}]
        menu_ids = [await _made(performer, "/api/performer/menus", "menu_id", menu) for menu in menus]
        item = {"name": "A song for Mia", "token_value": f"{ITEM_PRICE}", "estimated_minutes": 2}
        item |= {"bonus_loyalty_points": 5}
        items = [
            (menu_id, await _made(performer, f"/api/performer/menus/{menu_id}/items", "menu_item_id", item))
            for menu_id in menu_ids
        ]
        return cls(performer=performer, tip_ids=tuple(tip_ids), menu_items=tuple(items))


async def _made(performer: Fan, path: str, name: str, body: dict[str, Any]) -> str:
    made = await answered(partial(performer.post, path, body, key=f"{uuid.uuid4()}"))
    return str(data_of(made)[name])
