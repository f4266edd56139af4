"""A job that has used up its ladder waits for an admin, who has it tried again once the cause is gone."""

from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import httpx
import pytest

from common.messaging.topology import DEAD_JOBS_QUEUE
from devstack.stack import Stack
from tests.e2e.feed import next_of, watch
from tests.e2e.people import Box, Person
from tests.support.loopback import NO_TLS
from tests.support.waiting import eventually


class MailOutage:
    """The sandbox's mail server takes nothing for now, until it is over."""

    def __init__(self, sandbox: httpx.AsyncClient) -> None:
        self._sandbox = sandbox

    async def begin(self) -> None:
        (await self._sandbox.post("/control/faults", json={"path": "SMTP", "status": 451})).raise_for_status()

    async def end(self) -> None:
        (await self._sandbox.delete("/control/faults")).raise_for_status()

    async def subjects_to(self, person: Person) -> list[str]:
        mails = (await self._sandbox.get("/control/mail", params={"to": person.email})).json()
        return [mail["subject"] for mail in mails]


@pytest.fixture
async def outage(platform: Stack) -> AsyncIterator[MailOutage]:
    async with httpx.AsyncClient(base_url=platform.urls.sandbox, verify=NO_TLS) as sandbox:
        outage = MailOutage(sandbox)
        await outage.begin()
        yield outage
        await outage.end()


async def dead_job_about(admin: Person, reader: Person) -> dict[str, Any]:
    """Wait for the job of a letter to that reader among the dead, and return it."""

    async def look() -> dict[str, Any]:
        for job in (await admin.get("/admin/jobs", queue="email", failure="dead", per_page=100)).data:
            detail: dict[str, Any] = (await admin.get(f"/admin/jobs/{job['job_id']}")).data
            if detail["payload"]["user_id"] == reader.user_id:
                return detail
        raise AssertionError("not among the dead")

    return await eventually(look, within_seconds=30)


async def has_dead_letter(platform: Stack) -> bool:
    async with await aio_pika.connect(platform.urls.rabbitmq) as connection:
        queue = await (await connection.channel()).declare_queue(DEAD_JOBS_QUEUE, passive=True)
        return bool(queue.declaration_result.message_count)


async def test_dead_job_does_its_work_when_an_admin_retries_it(
    *, platform: Stack, admin: Person, fan: Person, concert: Box, outage: MailOutage
) -> None:
    order_id = (await fan.reserve(concert.event_id, concert.seats["CAT2"][0])).data["order_id"]
    assert (await fan.pay(order_id)).status == 200
    dead = await dead_job_about(admin, fan)
    assert (dead["status"], dead["attempts"], dead["error"]["code"]) == ("failed", 3, "SERVICE_UNAVAILABLE")
    assert await eventually(lambda: has_dead_letter(platform))
    assert await outage.subjects_to(fan) == []
    path = f"/admin/jobs/{dead['job_id']}"
    assert (await fan.post(f"{path}/retry")).refused() == (403, "FORBIDDEN")

    await outage.end()
    async with watch(platform, admin) as feed:
        await next_of(feed, "subscribed")
        retried = (await admin.post(f"{path}/retry")).data
        assert (retried["status"], retried["failure"], retried["max_attempts"]) == ("queued", None, 6)
        told = await next_of(feed, "job.completed")
    assert told["data"] == {
        "job_id": dead["job_id"],
        "kind": "email",
        "status": "completed",
        "attempts": 4,
        "user_id": admin.user_id,
        "error_code": None,
    }
    assert await outage.subjects_to(fan) == ["Your tickets for Jazz at the Bay"]
    again = await admin.post(f"{path}/retry")
    assert again.refused() == (409, "JOB_INVALID_STATE")
    still_dead = (await admin.get("/admin/jobs", failure="dead", per_page=100)).data
    assert dead["job_id"] not in [job["job_id"] for job in still_dead]
