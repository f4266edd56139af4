"""The user feed: live events, and what follows a reconnect."""

from devstack.stack import Stack
from tests.e2e.feed import next_message, open_feed
from tests.e2e.user_client import Concert, UserClient


async def test_feed_sends_live_events_and_resumes_after_a_reconnect(
    platform: Stack, fan: UserClient, concert: Concert
) -> None:
    seat = concert.seats["CAT2"][0]
    async with open_feed(platform, fan) as connection:
        begins_at = (await next_message(connection, "subscribed"))["sequence"]
        order_id = str((await fan.reserve(concert.event_id, seat)).data["order_id"])
        assert (await fan.pay(order_id)).status == 200
        confirmed = await next_message(connection, "order.confirmed")
        assert (confirmed["subject"], confirmed["data"]["total"]) == (order_id, "100.00")
    assert (await fan.post(f"/orders/{order_id}/refund", {})).status == 200
    async with open_feed(platform, fan, since=confirmed["sequence"]) as connection:
        refunded = await next_message(connection, "order.refunded")
        assert refunded["sequence"] > confirmed["sequence"] > begins_at
        assert refunded["data"]["amount"] == "100.00"
        assert "shares" not in refunded["data"]


async def test_logout_closes_the_feed(platform: Stack, fan: UserClient) -> None:
    async with open_feed(platform, fan) as connection:
        await next_message(connection, "subscribed")
        assert (await fan.post("/auth/logout")).status == 200
        await connection.wait_closed()
    assert (connection.close_code, connection.close_reason) == (4401, "UNAUTHORIZED")
