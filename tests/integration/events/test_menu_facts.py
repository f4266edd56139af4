"""What the public reads of tip grids, and what sagas read of menus and items (Q7, M2, M4)."""

from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database
from orchestrator.clients.performers import MenuFacts, MenuItemFacts
from tests.integration.events.stage import MENUS, TIP_MENUS, FactsCaller, OfferCaller, refused
from tests.support.callers import Caller, new_id

DEVICE = {"pattern": "pulse", "duration_seconds": 10}


async def read_item(facts: FactsCaller, item_id: str, **query: Any) -> MenuItemFacts:
    """Read an item as the orchestrator's client does."""
    found = await facts.item(item_id, **query)
    assert found.status_code == 200, found.text
    return MenuItemFacts.model_validate(found.json()["data"])


async def read_menu(facts: FactsCaller, menu_id: str, **query: Any) -> MenuFacts:
    found = await facts.menu(menu_id, **query)
    assert found.status_code == 200, found.text
    return MenuFacts.model_validate(found.json()["data"])


class TestTipGrid:
    async def test_the_public_sees_active_items_in_order(self, anonymous: Caller, performer: OfferCaller) -> None:
        device_uid = f"light {new_id()}"
        await performer.write_profile(device_uid=device_uid)
        second, first = await performer.created(TIP_MENUS), await performer.created(TIP_MENUS, position=0)
        hidden = await performer.created(TIP_MENUS, is_active=False)
        deleted = await performer.created(TIP_MENUS)
        await performer.call("DELETE", f"{TIP_MENUS}/{deleted}")
        for menu_id in (first, second, hidden, deleted):
            await performer.add_item(menu_id, TIP_MENUS, name="Wave")
        await performer.added(first, TIP_MENUS, name="Off", is_active=False)
        gone = await performer.added(first, TIP_MENUS, name="Gone")
        await performer.call("DELETE", f"{TIP_MENUS}/{first}/items/{gone}")
        await performer.created(MENUS)

        shown = await anonymous.get(f"/api/tip-grid/{performer.performer_id}")

        grid = shown.json()["data"]
        assert (grid["performer_id"], grid["display_name"]) == (performer.performer_id, "Nova")
        assert [menu["tip_menu_id"] for menu in grid["tip_menus"]] == [first, second]
        assert [[item["name"] for item in menu["items"]] for menu in grid["tip_menus"]] == [["Wave"], ["Wave"]]
        assert device_uid not in shown.text


class TestItemFacts:
    async def test_tip_item(self, facts: FactsCaller, performer: OfferCaller) -> None:
        device_uid = f"light {new_id()}"
        await performer.write_profile(device_uid=device_uid, settlement="BATCHED", time_zone="Europe/Berlin")
        menu_id = await performer.created(TIP_MENUS, name="Tips")
        item_id = await performer.added(menu_id, TIP_MENUS, device_activation=DEVICE, daily_limit=3)

        item = await read_item(facts, item_id, kind="TIP")

        assert (str(item.item_id), str(item.menu_id)) == (item_id, menu_id)
        assert (f"{item.price:.2f}", item.daily_limit, item.daily_limit_per_user) == ("5.00", 3, None)
        assert (item.is_active, item.is_queued, item.visibility, item.is_whitelisted) == (True, False, "public", False)
        assert item.device is not None
        assert (item.device.pattern, item.device.strength, item.device.seconds) == ("pulse", None, 10)
        performed_by = item.performer
        assert (performed_by.device_uid, performed_by.settlement, performed_by.time_zone) == (
            device_uid,
            "BATCHED",
            "Europe/Berlin",
        )

    async def test_menu_item_of_each_queue_mode(self, facts: FactsCaller, performer: OfferCaller) -> None:
        menu_id = await performer.created(queue_mode="ON", visibility="private")
        fields: dict[str, Any] = {"bonus_loyalty_points": 15, "estimated_minutes": 5, "daily_limit_per_user": 2}
        item_id = await performer.added(menu_id, **fields, device_activation={"intensity": 7, "duration_seconds": 3})

        item = await read_item(facts, item_id)

        assert (item.is_queued, item.visibility) == (True, "private")
        assert (item.bonus_points, item.estimated_minutes, item.daily_limit_per_user) == (15, 5, 2)
        assert item.device is not None
        assert (item.device.pattern, item.device.strength, item.device.seconds) == (None, 7, 3)
        await performer.change(menu_id, queue_mode="OFF")
        await performer.change_item(menu_id, item_id, token_value="30.50", device_activation=None)
        item = await read_item(facts, item_id)
        assert (item.is_queued, f"{item.price:.2f}", item.device) == (False, "30.50", None)

    async def test_whitelisted_buyer(self, facts: FactsCaller, performer: OfferCaller) -> None:
        menu_id = await performer.created(visibility="private")
        item_id, buyer = await performer.added(menu_id), new_id()
        await performer.call("POST", f"menus/{menu_id}/whitelist", {"user_id": buyer})

        assert (await read_item(facts, item_id, buyer=buyer)).is_whitelisted
        assert not (await read_item(facts, item_id)).is_whitelisted
        assert (await read_menu(facts, menu_id, reader=buyer)).is_whitelisted
        assert not (await read_menu(facts, menu_id)).is_whitelisted
        await performer.call("DELETE", f"menus/{menu_id}/whitelist/{buyer}")
        assert not (await read_item(facts, item_id, buyer=buyer)).is_whitelisted

    @pytest.mark.parametrize("off", ["item", "deleted item", "menu", "deleted menu", "performer"])
    async def test_item_is_inactive_if_its_menu_or_performer_is(
        self, facts: FactsCaller, performer: OfferCaller, off: str
    ) -> None:
        menu_id = await performer.created()
        item_id = await performer.added(menu_id)
        assert (await read_item(facts, item_id)).is_active
        match off:
            case "item":
                await performer.change_item(menu_id, item_id, is_active=False)
            case "deleted item":
                await performer.call("DELETE", f"menus/{menu_id}/items/{item_id}")
            case "menu":
                await performer.change(menu_id, is_active=False)
            case "deleted menu":
                await performer.call("DELETE", f"menus/{menu_id}")
            case _:
                await performer.write_profile(is_active=False)

        assert not (await read_item(facts, item_id)).is_active

    async def test_item_of_the_other_kind_is_unknown(self, facts: FactsCaller, performer: OfferCaller) -> None:
        tip = await performer.added(await performer.created(TIP_MENUS), TIP_MENUS)
        item = await performer.added(await performer.created())
        for item_id, kind in ((tip, "PERFORMANCE"), (item, "TIP"), (new_id(), "TIP")):
            assert refused(await facts.item(item_id, kind=kind)) == (404, "ITEM_NOT_FOUND")


class TestMenuFacts:
    async def test_menu_has_its_public_form(self, facts: FactsCaller, performer: OfferCaller) -> None:
        menu_id = await performer.created(name="VIP", visibility="subscribers_only", theme={"emoji": "\u2b50"})
        item_id = await performer.added(menu_id, name="Signed set list")
        await performer.added(menu_id, name="Off", is_active=False)

        found = await read_menu(facts, menu_id)

        assert (str(found.menu_id), str(found.performer_id)) == (menu_id, performer.performer_id)
        assert (found.is_active, found.visibility) == (True, "subscribers_only")
        shown: dict[str, Any] = found.menu
        assert shown.keys() == {
            "menu_id",
            "performer_id",
            "name",
            "description",
            "queue_mode",
            "visibility",
            "theme",
            "menu_items",
        }
        assert (shown["name"], shown["theme"]["emoji"]) == ("VIP", "\u2b50")
        [item] = shown["menu_items"]
        assert (item["menu_item_id"], item["token_value"]) == (item_id, "25.00")

    async def test_menus_of_a_performer_are_in_order(self, facts: FactsCaller, performer: OfferCaller) -> None:
        second, first = await performer.created(is_active=False), await performer.created(position=0)
        await performer.call("DELETE", f"menus/{await performer.created()}")
        await performer.created(TIP_MENUS)
        await performer.added(second)

        rows = (await facts.menus_of(performer.performer_id)).json()["data"]

        found = [MenuFacts.model_validate(row) for row in rows]
        assert [(str(menu.menu_id), menu.is_active) for menu in found] == [(first, True), (second, False)]
        await performer.write_profile(is_active=False)
        rows = (await facts.menus_of(performer.performer_id)).json()["data"]
        assert [row["is_active"] for row in rows] == [False, False]

    async def test_unknown_menus(self, facts: FactsCaller, performer: OfferCaller) -> None:
        tips, deleted = await performer.created(TIP_MENUS), await performer.created()
        await performer.call("DELETE", f"menus/{deleted}")
        for menu_id in (new_id(), tips, deleted):
            assert refused(await facts.menu(menu_id)) == (404, "MENU_NOT_FOUND")
        assert refused(await facts.menus_of(new_id())) == (404, "PERFORMER_NOT_FOUND")
        assert (await facts.menus_of(performer.performer_id)).json()["data"] == []


class TestOddRows:
    async def test_unreadable_item_hides_no_other(
        self, *, facts: FactsCaller, anonymous: Caller, database: Database, performer: OfferCaller
    ) -> None:
        menu_id = await performer.created(TIP_MENUS)
        odd, other = await performer.added(menu_id, TIP_MENUS), await performer.added(menu_id, TIP_MENUS)
        spoil = text("UPDATE menu_items SET device_activation = '[]' WHERE item_id = CAST(:item_id AS uuid)")
        await database.execute(spoil, {"item_id": odd})

        grid = (await anonymous.get(f"/api/tip-grid/{performer.performer_id}")).json()["data"]

        assert [item["tip_menu_item_id"] for item in grid["tip_menus"][0]["items"]] == [other]
        assert (await read_item(facts, other, kind="TIP")).is_active
