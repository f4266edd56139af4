"""Menus through the gateway: who sees them, purchases at once and with escrow, limits."""

import uuid
from collections import Counter
from typing import Any, Final

import pytest

from devstack.stack import Stack
from tests.e2e.conftest import MakeFan, MakePerformer
from tests.e2e.performer import (
    Performer,
    at_once,
    balances,
    change,
    item_of,
    menu_purchase,
    messages_about,
    points_of,
    until_status,
)
from tests.e2e.user_client import UserClient

DUPLICATE: Final = "Duplicate request detected. Transaction already processed."
END_SUBSCRIPTION: Final = "UPDATE subscriptions SET ends_at = now() - interval '1 minute' WHERE user_id = $1"


async def status_of(fan: UserClient, purchase_id: str) -> dict[str, Any]:
    status: dict[str, Any] = (await fan.get(f"/menu/purchase/{purchase_id}/status")).data
    return status


class TestQueueOff:
    async def test_purchase_is_complete_at_once(self, platform: Stack, fan: UserClient, performer: Performer) -> None:
        menu_id = await performer.add_menu(queue_mode="OFF")
        item_id = await performer.add_menu_item(menu_id, token_value="50.00", bonus_loyalty_points=30)
        before = await points_of(fan)
        bought = await menu_purchase(fan, menu_id, item_id, idempotency_key="k")
        assert bought.status == 200
        purchase_id = bought.data["purchase_id"]
        expected = {
            "success": True,
            "transaction_type": "immediate",
            "status": "completed",
            "token_value": "50.00",
            "loyalty_points_awarded": 30,
            "loyalty_points_status": "awarded",
        }
        assert {name: bought.data[name] for name in expected} == expected
        assert await balances(fan, performer) == ("950.00", "50.00")
        assert await points_of(fan) - before == 30
        assert (await status_of(fan, purchase_id))["status"] == "completed"
        assert await messages_about(platform, purchase_id) == ["purchased_item.success"]

    async def test_too_few_credits_leave_no_item(self, new_fan: MakeFan, performer: Performer) -> None:
        fan = await new_fan(balance="19.00")
        menu_id = await performer.add_menu(queue_mode="OFF")
        item_id = await performer.add_menu_item(menu_id)
        assert (await menu_purchase(fan, menu_id, item_id)).refused() == (402, "INSUFFICIENT_CREDITS")
        assert (await fan.get("/menu/purchase/history")).data == []
        assert (await fan.get("/purchased-items")).data == []


class TestQueueOn:
    async def test_credits_wait_in_escrow_until_the_performer_completes(
        self, fan: UserClient, performer: Performer
    ) -> None:
        menu_id = await performer.add_menu()
        item_id = await performer.add_menu_item(menu_id, bonus_loyalty_points=15)
        before = await points_of(fan)
        bought = await menu_purchase(fan, menu_id, item_id, idempotency_key="k", message="For Mia")
        assert bought.status == 200
        purchase_id = bought.data["purchase_id"]
        expected = {
            "success": True,
            "transaction_type": "queued",
            "status": "pending",
            "token_value": "20.00",
            "loyalty_points_awarded": 15,
            "loyalty_points_status": "pending",
            "queue_position": 1,
            "estimated_wait_minutes": 0,
        }
        assert {name: bought.data[name] for name in expected} == expected
        assert await balances(fan, performer) == ("980.00", "0.00")
        assert (await item_of(fan, purchase_id))["settlement_status"] == "held"
        assert await points_of(fan) == before

        assert (await performer.act(purchase_id, "start")).status == 200
        assert (await status_of(fan, purchase_id))["status"] == "in_progress"
        done = await performer.act(purchase_id, "complete", note="With love", file="https://files.example/mia.mp3")
        assert done.status == 200
        assert (await status_of(fan, purchase_id))["status"] == "completed"
        item = await item_of(fan, purchase_id)
        assert (item["settlement_status"], item["note"]) == ("settled", "With love")
        assert item["file_url"] == "https://files.example/mia.mp3"
        assert await balances(fan, performer) == ("980.00", "20.00")
        assert await points_of(fan) - before == 15

    async def test_declined_item_is_refunded_with_the_reason(self, fan: UserClient, performer: Performer) -> None:
        menu_id = await performer.add_menu()
        purchase_id = (await menu_purchase(fan, menu_id, await performer.add_menu_item(menu_id))).data["purchase_id"]
        assert (await performer.act(purchase_id, "decline", reason="My voice is gone")).status == 200
        item = await item_of(fan, purchase_id)
        assert (item["status"], item["settlement_status"]) == ("declined", "refunded")
        assert item["explanation"] == "My voice is gone"
        assert await balances(fan, performer) == ("1000.00", "0.00")
        assert (await performer.act(purchase_id, "complete")).refused() == (409, "ITEM_INVALID_STATE")

    async def test_fan_cancels_while_it_waits_and_not_later(self, fan: UserClient, performer: Performer) -> None:
        menu_id = await performer.add_menu()
        item_id = await performer.add_menu_item(menu_id)
        cancelled, started = [(await menu_purchase(fan, menu_id, item_id)).data["purchase_id"] for _ in range(2)]
        assert (await fan.post(f"/menu/purchase/{cancelled}/cancel")).status == 200
        assert (await status_of(fan, cancelled))["status"] == "cancelled"
        assert (await performer.act(started, "start")).status == 200
        refused = await fan.post(f"/menu/purchase/{started}/cancel")
        assert refused.refused() == (409, "ITEM_INVALID_STATE")
        assert (await performer.act(started, "complete")).status == 200
        assert await fan.balance() == "980.00"

    async def test_history_lists_own_purchases_newest_first(
        self, fan: UserClient, new_fan: MakeFan, performer: Performer
    ) -> None:
        menu_id = await performer.add_menu()
        item_id = await performer.add_menu_item(menu_id)
        bought = [(await menu_purchase(fan, menu_id, item_id)).data["purchase_id"] for _ in range(3)]
        for purchase_id in bought:
            assert (await fan.post(f"/menu/purchase/{purchase_id}/cancel")).status == 200
        page = await fan.get("/menu/purchase/history", limit=2, offset=1)
        assert [one["purchase_id"] for one in page.data] == [bought[1], bought[0]]
        for offset in (3, 10_001, 1_000_000):
            behind = await fan.get("/menu/purchase/history", offset=offset)
            assert (behind.status, behind.data, behind.body["pagination"]["total"]) == (200, [], 3)
        assert (await fan.get("/menu/purchase/history", limit=201)).refused() == (400, "VALIDATION_ERROR")
        stranger = await new_fan(balance="0")
        assert (await stranger.get("/menu/purchase/history")).data == []
        assert (await stranger.get(f"/menu/purchase/{bought[0]}/status")).refused() == (404, "ITEM_NOT_FOUND")


class TestIdempotency:
    @pytest.mark.parametrize("queue_mode", ["OFF", "ON"])
    async def test_repeated_body_key_is_refused(self, fan: UserClient, performer: Performer, queue_mode: str) -> None:
        menu_id = await performer.add_menu(queue_mode=queue_mode)
        item_id = await performer.add_menu_item(menu_id)
        answers = await at_once(*(menu_purchase(fan, menu_id, item_id, idempotency_key="k") for _ in range(20)))
        assert Counter(answer.status for answer in answers) == {200: 1, 400: 19}
        assert {answer.body["message"] for answer in answers if answer.status == 400} == {DUPLICATE}
        [item] = (await fan.get("/purchased-items")).data
        if queue_mode == "ON":
            assert (await performer.act(item["purchased_item_id"], "complete")).status == 200
        assert await balances(fan, performer) == ("980.00", "20.00")

    async def test_repeated_body_key_is_refused_although_the_menu_has_closed(
        self, fan: UserClient, performer: Performer
    ) -> None:
        menu_id = await performer.add_menu(queue_mode="OFF")
        item_id = await performer.add_menu_item(menu_id)
        first = await menu_purchase(fan, menu_id, item_id, idempotency_key="k")
        for change_of_menu in ({"visibility": "private"}, {"is_active": False}):
            assert (await performer.client.patch(f"/performer/menus/{menu_id}", change_of_menu)).status == 200
            again = await menu_purchase(fan, menu_id, item_id, idempotency_key="k")
            assert again.refused() == (400, "DUPLICATE_REQUEST")
            assert again.body["details"]["purchased_item_id"] == first.data["purchase_id"]
        assert (await menu_purchase(fan, menu_id, item_id, idempotency_key="l")).refused() == (409, "ITEM_INACTIVE")

    async def test_camel_case_client_gets_camel_case_answers(self, fan: UserClient, performer: Performer) -> None:
        menu_id = await performer.add_menu(queue_mode="OFF")
        item_id = await performer.add_menu_item(menu_id)
        bought = await fan.post("/menu/purchase", {"menuId": menu_id, "menuItemId": item_id})
        assert bought.status == 200
        assert bought.data["purchaseId"]
        assert bought.data["transactionType"] == "immediate"


class TestAccess:
    async def test_menu_for_subscribers_opens_with_a_subscription_and_closes_when_it_lapses(
        self, platform: Stack, fan: UserClient, new_performer: MakePerformer
    ) -> None:
        performer = await new_performer(subscription_price="15.00")
        menu_id = await performer.add_menu(visibility="subscribers_only", queue_mode="OFF")
        item_id = await performer.add_menu_item(menu_id)
        await self._assert_hidden(fan, performer, menu_id, item_id)
        subscribed = await fan.post(f"/performers/{performer.performer_id}/subscription")
        assert subscribed.status in {200, 201}
        assert await balances(fan, performer) == ("985.00", "15.00")
        assert (await fan.get(f"/menu/{menu_id}")).data["menu_items"][0]["menu_item_id"] == item_id
        assert (await menu_purchase(fan, menu_id, item_id)).status == 200
        await fan.call("DELETE", f"/performers/{performer.performer_id}/subscription", {})
        await change(platform, "orders", END_SUBSCRIPTION, uuid.UUID(fan.user_id))
        await self._assert_hidden(fan, performer, menu_id, item_id)

    async def test_private_menu_is_for_its_whitelist(
        self, fan: UserClient, new_fan: MakeFan, performer: Performer
    ) -> None:
        menu_id = await performer.add_menu(visibility="private", queue_mode="OFF")
        item_id = await performer.add_menu_item(menu_id)
        added = await performer.client.post(f"/performer/menus/{menu_id}/whitelist", {"user_id": fan.user_id})
        assert added.status in {200, 201}
        assert (await menu_purchase(fan, menu_id, item_id)).status == 200
        await self._assert_hidden(await new_fan(), performer, menu_id, item_id)
        await performer.client.delete(f"/performer/menus/{menu_id}/whitelist/{fan.user_id}")
        await self._assert_hidden(fan, performer, menu_id, item_id)

    @staticmethod
    async def _assert_hidden(fan: UserClient, performer: Performer, menu_id: str, item_id: str) -> None:
        assert (await fan.get(f"/menu/{menu_id}")).refused() == (403, "MENU_ACCESS_DENIED")
        listed = (await fan.get(f"/menu/performer/{performer.performer_id}")).data
        assert menu_id not in [menu["menu_id"] for menu in listed]
        assert (await menu_purchase(fan, menu_id, item_id)).refused() == (403, "MENU_ACCESS_DENIED")

    async def test_menu_and_item_must_be_active_and_belong_together(
        self, fan: UserClient, performer: Performer, new_performer: MakePerformer
    ) -> None:
        menu_id = await performer.add_menu()
        inactive_item = await performer.add_menu_item(menu_id, is_active=False)
        assert (await menu_purchase(fan, menu_id, inactive_item)).refused() == (409, "ITEM_INACTIVE")
        other = await new_performer()
        other_menu = await other.add_menu()
        other_item = await other.add_menu_item(other_menu)
        assert (await menu_purchase(fan, menu_id, other_item)).refused() == (404, "ITEM_NOT_FOUND")
        assert (await menu_purchase(fan, str(uuid.uuid4()), other_item)).status == 404
        path = f"/performer/menus/{other_menu}"
        assert (await performer.client.patch(path, {"name": "Mine"})).refused() == (404, "MENU_NOT_FOUND")
        assert (await other.client.patch(path, {"is_active": False})).status == 200
        assert (await fan.get(f"/menu/{other_menu}")).refused() == (404, "MENU_NOT_FOUND")
        refused = await menu_purchase(fan, other_menu, other_item)
        assert refused.refused() in {(404, "MENU_NOT_FOUND"), (409, "ITEM_INACTIVE")}

    async def test_performer_cannot_buy_from_themselves(self, performer: Performer) -> None:
        menu_id = await performer.add_menu()
        item_id = await performer.add_menu_item(menu_id)
        await performer.client.top_up("50.00")
        assert (await menu_purchase(performer.client, menu_id, item_id)).refused() == (400, "SELF_PURCHASE")

    @pytest.mark.parametrize("field", ["amount", "price", "token_value"])
    async def test_amount_in_the_body_is_refused(self, fan: UserClient, performer: Performer, field: str) -> None:
        menu_id = await performer.add_menu()
        item_id = await performer.add_menu_item(menu_id)
        refused = await menu_purchase(fan, menu_id, item_id, **{field: "1.00"})
        assert refused.refused() == (400, "VALIDATION_ERROR")


class TestDailyLimits:
    async def test_limit_per_user_holds_for_each_fan(
        self, fan: UserClient, new_fan: MakeFan, performer: Performer
    ) -> None:
        menu_id = await performer.add_menu(queue_mode="OFF")
        item_id = await performer.add_menu_item(menu_id, daily_limit_per_user=2, token_value="1.00")
        answers = await at_once(*(menu_purchase(fan, menu_id, item_id) for _ in range(5)))
        assert Counter(answer.status for answer in answers) == {200: 2, 409: 3}
        assert {answer.code for answer in answers if answer.status == 409} == {"DAILY_LIMIT_REACHED"}
        assert (await menu_purchase(await new_fan(), menu_id, item_id)).status == 200

    async def test_cancelled_purchase_frees_its_place(self, fan: UserClient, performer: Performer) -> None:
        menu_id = await performer.add_menu()
        item_id = await performer.add_menu_item(menu_id, daily_limit=1)
        bought = await menu_purchase(fan, menu_id, item_id)
        assert (await menu_purchase(fan, menu_id, item_id)).refused() == (409, "DAILY_LIMIT_REACHED")
        assert (await fan.post(f"/menu/purchase/{bought.data['purchase_id']}/cancel")).status == 200
        again = await menu_purchase(fan, menu_id, item_id)
        assert again.status == 200
        assert (await performer.act(again.data["purchase_id"], "complete")).status == 200


class TestTemplates:
    async def test_each_template_becomes_a_menu_that_sells(self, fan: UserClient, performer: Performer) -> None:
        templates = (await performer.client.get("/performer/menu-templates")).data
        names = [one["template"] for one in templates]
        assert len(names) == 3
        for name in names:
            applied = await performer.client.post(f"/performer/menu-templates/{name}/apply")
            assert applied.status == 201, applied.body
        menus = {menu["name"]: menu for menu in (await performer.client.get("/performer/menus")).data}
        by_mode = Counter((menu["queue_mode"], menu["visibility"]) for menu in menus.values())
        assert by_mode[("OFF", "public")] == by_mode[("ON", "public")] == 1
        seen = (await fan.get(f"/menu/performer/{performer.performer_id}")).data
        assert {menu["visibility"] for menu in seen} == {"public"}
        for menu in seen:
            item = menu["menu_items"][0]
            bought = await menu_purchase(fan, menu["menu_id"], item["menu_item_id"])
            assert bought.data["token_value"] == item["token_value"]
            if menu["queue_mode"] == "ON":
                assert (await performer.act(bought.data["purchase_id"], "complete")).status == 200
                await until_status(fan, bought.data["purchase_id"], "success")


async def test_admin_manages_the_menus_of_any_performer(
    admin: UserClient, fan: UserClient, performer: Performer
) -> None:
    base = f"/admin/performers/{performer.performer_id}/menus"
    made = await admin.post(base, {"name": "By the house", "queue_mode": "OFF"})
    assert made.status == 201
    item = await admin.post(f"{base}/{made.data['menu_id']}/items", {"name": "Bow", "token_value": "2.00"})
    assert item.status == 201
    assert (await menu_purchase(fan, made.data["menu_id"], item.data["menu_item_id"])).status == 200
    assert (await fan.post(base, {"name": "Not mine"})).refused() == (403, "FORBIDDEN")
