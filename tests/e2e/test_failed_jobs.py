"""A job that has used up its ladder waits for an admin, who has it tried again once the cause is gone."""

from typing import Any

import aio_pika

from devstack.stack import Stack
from rabbitmq.topology import DEAD_JOBS_QUEUE
from tests.e2e.feed import next_message, open_feed
from tests.e2e.user_client import Concert, UserClient
from tests.e2e.webhook_receiver import WebhookReceiver
from tests.support.waiting import eventually

TRIES = 10  # of a delivery


async def dead_job(admin: UserClient, delivery_id: str) -> dict[str, Any]:
    """Wait for the job of that delivery among the dead, and return it."""

    async def look() -> dict[str, Any]:
        for job in (await admin.get("/admin/jobs", queue="delivery", failure="dead", per_page=100)).data:
            detail: dict[str, Any] = (await admin.get(f"/admin/jobs/{job['job_id']}")).data
            if detail["payload"] == {"delivery_id": delivery_id}:
                return detail
        raise AssertionError("not among the dead")

    return await eventually(look)


async def has_dead_letter(platform: Stack) -> bool:
    async with await aio_pika.connect(platform.urls.rabbitmq) as connection:
        queue = await (await connection.channel()).declare_queue(DEAD_JOBS_QUEUE, passive=True)
        return bool(queue.declaration_result.message_count)


async def test_failed_job_completes_when_an_admin_retries_it(
    *,
    platform: Stack,
    admin: UserClient,
    fan: UserClient,
    concert: Concert,
    webhook_receiver: WebhookReceiver,
    subscription: dict[str, Any],
) -> None:
    webhook_receiver.statuses = [500] * TRIES
    order_id = (await fan.reserve(concert.event_id, concert.seats["CAT2"][0])).data["order_id"]
    assert (await fan.pay(order_id)).status == 200
    deliveries = f"/admin/webhook-subscriptions/{subscription['subscription_id']}/deliveries"
    [delivery] = await eventually(lambda: _found(admin, deliveries))
    dead = await dead_job(admin, delivery["delivery_id"])
    assert (dead["status"], dead["attempts"], dead["error"]["code"]) == ("failed", TRIES, "SERVICE_UNAVAILABLE")
    assert await eventually(lambda: has_dead_letter(platform))
    path = f"/admin/jobs/{dead['job_id']}"
    assert (await fan.post(f"{path}/retry")).refused() == (403, "FORBIDDEN")

    async with open_feed(platform, admin) as feed:
        await next_message(feed, "subscribed")
        retried = (await admin.post(f"{path}/retry")).data
        assert (retried["status"], retried["failure"], retried["max_attempts"]) == ("queued", None, 2 * TRIES)
        completed = await next_message(feed, "job.completed")
    assert completed["data"] == {
        "job_id": dead["job_id"],
        "kind": "delivery",
        "status": "completed",
        "attempts": TRIES + 1,
        "user_id": admin.user_id,
        "error_code": None,
    }
    assert len(webhook_receiver.about_order(order_id)) == TRIES + 1
    again = await admin.post(f"{path}/retry")
    assert again.refused() == (409, "JOB_INVALID_STATE")
    still_dead = (await admin.get("/admin/jobs", failure="dead", per_page=100)).data
    assert dead["job_id"] not in [job["job_id"] for job in still_dead]


async def _found(admin: UserClient, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await admin.get(path)).data
    return found
