"""A job that has used all its attempts waits for an admin, who retries it after the cause is fixed."""

from typing import Any

import aio_pika

from devstack.stack import Stack
from rabbitmq.topology import DEAD_JOBS_QUEUE
from tests.e2e.feed import next_message, open_feed
from tests.e2e.user_client import Concert, UserClient
from tests.e2e.webhook_receiver import WebhookReceiver
from tests.support.waiting import eventually

MAX_ATTEMPTS = 10  # of a delivery


async def permanently_failed_job(admin: UserClient, delivery_id: str) -> dict[str, Any]:
    """Wait until that delivery's job has failed permanently, and return it."""

    async def look() -> dict[str, Any]:
        for job in (await admin.get("/admin/jobs", queue="delivery", failure="dead", per_page=100)).data:
            detail: dict[str, Any] = (await admin.get(f"/admin/jobs/{job['job_id']}")).data
            if detail["payload"] == {"delivery_id": delivery_id}:
                return detail
        raise AssertionError("no permanently failed job for this delivery")

    return await eventually(look)


async def has_dead_lettered_message(platform: Stack) -> bool:
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
    webhook_receiver.statuses = [500] * MAX_ATTEMPTS
    order_id = (await fan.reserve(concert.event_id, concert.seats["CAT2"][0])).data["order_id"]
    assert (await fan.pay(order_id)).status == 200
    deliveries = f"/admin/webhook-subscriptions/{subscription['subscription_id']}/deliveries"
    [delivery] = await eventually(lambda: _list(admin, deliveries))
    failed = await permanently_failed_job(admin, delivery["delivery_id"])
    assert (failed["status"], failed["attempts"], failed["error"]["code"]) == (
        "failed",
        MAX_ATTEMPTS,
        "SERVICE_UNAVAILABLE",
    )
    assert await eventually(lambda: has_dead_lettered_message(platform))
    path = f"/admin/jobs/{failed['job_id']}"
    assert (await fan.post(f"{path}/retry")).refused() == (403, "FORBIDDEN")

    async with open_feed(platform, admin) as feed:
        await next_message(feed, "subscribed")
        retried = (await admin.post(f"{path}/retry")).data
        assert (retried["status"], retried["failure"], retried["max_attempts"]) == ("queued", None, 2 * MAX_ATTEMPTS)
        completed = await next_message(feed, "job.completed")
    assert completed["data"] == {
        "job_id": failed["job_id"],
        "kind": "delivery",
        "status": "completed",
        "attempts": MAX_ATTEMPTS + 1,
        "user_id": admin.user_id,
        "error_code": None,
    }
    assert len(webhook_receiver.about_order(order_id)) == MAX_ATTEMPTS + 1
    again = await admin.post(f"{path}/retry")
    assert again.refused() == (409, "JOB_INVALID_STATE")
    still_failed = (await admin.get("/admin/jobs", failure="dead", per_page=100)).data
    assert failed["job_id"] not in [job["job_id"] for job in still_failed]


async def _list(admin: UserClient, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await admin.get(path)).data
    return found
