"""Fans and performers export what they have on the stage, and delete their accounts (W1)."""

from typing import Any

from devstack.stack import Stack
from tests.e2e.conftest import MakePerformer
from tests.e2e.performer import Performer, menu_purchase, read, tip
from tests.e2e.test_personal_data import export
from tests.e2e.test_subscriptions import subscribe, subscription_of
from tests.e2e.user_client import USER_PASSWORD, UserClient
from tests.support.waiting import eventually


async def test_fan_takes_everything_along(platform: Stack, fan: UserClient, new_performer: MakePerformer) -> None:
    performer = await new_performer(subscription_price="15.00")
    await subscribe(fan, performer)
    menu_id = await performer.add_menu()
    song = await performer.add_menu_item(menu_id)
    bought = (await menu_purchase(fan, menu_id, song, message="For Mia")).data["purchase_id"]

    data, sold = await export(fan), await export(performer.client)
    refused = await fan.delete_account(forfeit=True)

    assert [(item["type"], item["message"]) for item in data["purchased_items"]] == [
        ("menu_item", "For Mia"),
        ("subscription", ""),
    ]
    assert [one["performer_id"] for one in data["subscriptions"]] == [performer.performer_id]
    assert [profile["display_name"] for profile in sold["performers"]] == ["Nova"]
    assert [[item["item_id"] for item in menu["items"]] for menu in sold["menus"]] == [[song]]
    assert [sale["status"] for sale in sold["sales"]] == ["pending", "success"]
    assert not [secret for secret in (fan.user_id, fan.email, "For Mia") if secret in str(sold["sales"])]
    assert refused.refused() == (409, "ACCOUNT_IN_USE")
    assert refused.body["details"]["purchased_items"] == 1

    assert (await fan.post(f"/menu/purchase/{bought}/cancel")).status == 200
    assert (await fan.delete_account(forfeit=True)).status == 200

    async def erased() -> bool:
        statement = "SELECT message FROM purchased_items WHERE purchased_item_id = $1"
        [item] = await read(platform, "orders", statement, bought)
        [saga] = await read(platform, "orchestrator", "SELECT data::text FROM sagas WHERE saga_id = $1", bought)
        subscribers = (await performer.client.get("/performer/subscribers")).data
        return (item["message"], "For Mia" in saga["data"], subscribers) == ("", False, [])

    await eventually(erased)


async def test_performer_is_not_deleted_before_the_payout(
    fan: UserClient, admin: UserClient, new_performer: MakePerformer
) -> None:
    performer = await new_performer(settlement="BATCHED")
    await tip(fan, performer, await performer.add_tip())
    async with await retired(performer, admin) as former:
        refused = await former.delete_account(forfeit=True)

    assert refused.refused() == (409, "ACCOUNT_IN_USE")
    assert refused.body["details"]["earnings"] == 1


async def test_deleted_performer_is_nameless_and_has_no_subscribers(
    platform: Stack, fan: UserClient, admin: UserClient, new_performer: MakePerformer
) -> None:
    performer = await new_performer(subscription_price="15.00")
    await subscribe(fan, performer)
    async with await retired(performer, admin) as former:
        assert (await former.delete_account(forfeit=True)).status == 200

    async def ended() -> dict[str, Any]:
        subscription = await subscription_of(fan)
        assert not subscription["is_active"]
        return subscription

    assert (await eventually(ended))["renews"] is False
    gone = await fan.get(f"/performers/{performer.performer_id}")
    assert gone.refused() == (404, "PERFORMER_NOT_FOUND")
    [profile] = await read(
        platform, "events", "SELECT display_name FROM performers WHERE performer_id = $1", performer.performer_id
    )
    assert profile["display_name"] == "deleted user"


async def retired(performer: Performer, admin: UserClient) -> UserClient:
    """Take the performer's role away, because an account with one is not deleted; that ends their login."""
    assert (await admin.patch(f"/admin/users/{performer.performer_id}", {"roles": ["customer"]})).status == 200
    return await performer.client.log_in(performer.client.email, USER_PASSWORD)
