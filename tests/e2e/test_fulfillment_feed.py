"""The live feed of digital orders."""

import json

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from devstack.stack import Stack
from tests.e2e.feed import next_message
from tests.e2e.user_client import UserClient
from tests.support.http_client import http_client


def open_fulfillment(platform: Stack, user: UserClient, since: int | None = None) -> connect:
    asked = "" if since is None else f"?since={since}"
    url = f"{platform.urls.gateway.replace('http', 'ws')}/ws/fulfillment{asked}"
    return connect(url, subprotocols=[Subprotocol("bearer"), Subprotocol(user.token)])


async def test_admin_sees_a_webhook_of_the_supplier_and_catches_up(platform: Stack, admin: UserClient) -> None:
    async with open_fulfillment(platform, admin) as feed, http_client(platform.urls.sandbox) as sandbox:
        began_at = (await next_message(feed, "subscribed"))["sequence"]
        sent = (await sandbox.post("/control/kinguin", json={"type": "order.ready"})).json()
        live = await next_message(feed, "webhook_received")
    stored = {webhook["external_id"]: webhook for webhook in (await admin.get("/admin/webhook-logs")).data}
    webhook_id = stored[sent["webhook_id"]]["webhook_id"]
    facts = {"webhook_id": webhook_id, "provider": "kinguin", "event_type": "order.ready"}
    assert live == {"type": "webhook_received", "sequence": began_at + 2} | facts
    async with open_fulfillment(platform, admin, since=began_at) as feed:
        assert json.loads(await feed.recv()) == {"type": "subscribed", "sequence": began_at}
        assert json.loads(await feed.recv()) == live


async def test_logout_closes_the_feed(platform: Stack, fan: UserClient) -> None:
    async with open_fulfillment(platform, fan) as feed:
        await next_message(feed, "subscribed")
        assert (await fan.post("/auth/logout")).status == 200
        await feed.wait_closed()
    assert (feed.close_code, feed.close_reason) == (4401, "UNAUTHORIZED")
