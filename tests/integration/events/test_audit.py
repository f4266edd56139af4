"""What admins change for performers is reported to the audit trail, with the change or not at all."""

from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database
from common.messaging.message import Message
from tests.integration.events.stage import MENUS, TIP_MENUS, OfferCaller
from tests.support.callers import Caller, new_id

ADDRESS = "203.0.113.7"


async def reported(database: Database, object_id: str) -> list[dict[str, Any]]:
    """Return the actions on an object that were reported, oldest first."""
    rows = await database.fetch_all(
        text("SELECT body FROM outbox WHERE routing_key = 'audit.recorded' ORDER BY created_at")
    )
    messages = [Message.from_bytes(bytes(row["body"])) for row in rows]
    return [message.data for message in messages if message.subject == object_id]


async def actions_on(database: Database, object_id: str) -> list[tuple[str, Any, Any]]:
    found = await reported(database, object_id)
    return [(entry["action"], entry["before"], entry["after"]) for entry in found]


@pytest.fixture
def by_admin(admin: Caller, performer: OfferCaller) -> OfferCaller:
    return OfferCaller.of_admin(admin, performer.performer_id)


async def test_change_has_who_from_where_and_the_values_before_and_after(
    admin: Caller, by_admin: OfferCaller, database: Database
) -> None:
    path = f"/api/admin/performers/{by_admin.performer_id}/profile"
    body = {"subscription_price": "15.00", "bio": "Drums."}
    await admin.request("PATCH", path, json=body, headers={"x-forwarded-for": ADDRESS})

    [entry] = await reported(database, by_admin.performer_id)

    assert entry == {
        "action": "performer.change",
        "actor_user_id": admin.user_id,
        "object_type": "performer",
        "object_id": by_admin.performer_id,
        "address": ADDRESS,
        "before": {"subscription_price": None, "bio": "…"},  # what is about a person is not told
        "after": {"subscription_price": "15.00", "bio": "…"},
    }


@pytest.mark.parametrize("kind", [TIP_MENUS, MENUS])
async def test_each_change_of_a_menu_is_reported_once(by_admin: OfferCaller, database: Database, kind: str) -> None:
    created = [await by_admin.create(kind, key=kind) for _ in range(2)]
    menu_id = created[0].json()["data"]["tip_menu_id" if kind == TIP_MENUS else "menu_id"]
    item_id = await by_admin.added(menu_id, kind)
    price = {"price": "6.00"} if kind == TIP_MENUS else {"token_value": "6.00"}
    for _ in range(2):
        await by_admin.change(menu_id, kind, name="Late")
        await by_admin.change_item(menu_id, item_id, kind, **price)
    for _ in range(2):
        await by_admin.call("DELETE", f"{kind}/{menu_id}/items/{item_id}")
        await by_admin.call("DELETE", f"{kind}/{menu_id}")

    of_menu, of_item = await actions_on(database, menu_id), await actions_on(database, item_id)

    assert [action for action, _, _ in of_menu] == ["menu.create", "menu.change", "menu.delete"]
    assert of_menu[1][1:] == ({"name": "Encore"}, {"name": "Late"})
    assert [action for action, _, _ in of_item] == ["menu_item.create", "menu_item.change", "menu_item.delete"]
    assert of_item[1][1:] == ({"price": "5.00" if kind == TIP_MENUS else "25.00"}, {"price": "6.00"})
    assert of_item[2][1:] == ({"is_deleted": False}, {"is_deleted": True})


async def test_each_change_of_a_whitelist_is_reported_once(by_admin: OfferCaller, database: Database) -> None:
    applied = (await by_admin.call("POST", "menu-templates/quick-fun/apply")).json()["data"]
    path, user_id = f"menus/{applied['menu_id']}/whitelist", new_id()
    for _ in range(2):
        await by_admin.call("POST", path, {"user_id": user_id})
    for _ in range(2):
        await by_admin.call("DELETE", f"{path}/{user_id}")

    actions = await actions_on(database, applied["menu_id"])

    assert [action for action, _, _ in actions] == ["menu.create", "menu_whitelist.add", "menu_whitelist.remove"]
    assert actions[0][2]["items"] == len(applied["menu_items"])
    entry = {"menu_id": applied["menu_id"], "user_id": user_id}
    assert [values for _, *values in actions[1:]] == [[None, entry], [entry, None]]


async def test_refused_change_is_not_reported(by_admin: OfferCaller, database: Database) -> None:
    unknown = new_id()
    await by_admin.change(unknown, name="x")
    await by_admin.call("DELETE", f"menus/{unknown}")

    assert await reported(database, unknown) == []


async def test_what_performers_do_for_themselves_is_not_reported(performer: OfferCaller, database: Database) -> None:
    menu_id = await performer.created()
    await performer.change(menu_id, name="Late")

    assert await reported(database, performer.performer_id) == []
    assert await reported(database, menu_id) == []
