"""A message that cannot be handled is parked; an admin replays or discards it."""

from typing import Any

import aio_pika

from devstack.stack import Stack
from rabbitmq.topology import NOTIFICATIONS_QUEUE
from tests.e2e.user_client import UserClient
from tests.support.waiting import eventually

POISON = b'{"no": "message of ours"}'


async def parked(admin: UserClient, number: int) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await admin.get("/admin/parked-messages", queue=NOTIFICATIONS_QUEUE)).data
        assert len(found) == number, found
        return found

    return await eventually(look)


async def test_invalid_message_is_replayed_and_discarded(platform: Stack, admin: UserClient) -> None:
    async with await aio_pika.connect(platform.urls.rabbitmq) as connection:
        exchange = (await connection.channel()).default_exchange
        await exchange.publish(aio_pika.Message(POISON), routing_key=NOTIFICATIONS_QUEUE)
    [first] = await parked(admin, 1)
    assert (first["payload"], first["reason"]) == ({"no": "message of ours"}, "The message cannot be understood.")
    assert (await admin.post(f"/admin/parked-messages/{first['parked_id']}/replay")).data["status"] == "replayed"
    again, _ = await parked(admin, 2)
    assert (again["status"], again["queue"]) == ("parked", NOTIFICATIONS_QUEUE)
    assert (await admin.post(f"/admin/parked-messages/{again['parked_id']}/discard")).data["status"] == "discarded"
